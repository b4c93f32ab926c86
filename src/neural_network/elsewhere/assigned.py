"""Attributes that users of other libraries set, and that would change nothing here.

A row is (theirs, ours, a line to type); see ``names.py``. The names of all but layers stand in
their classes, so that to set another attribute costs nothing; see ``NotHere``.
"""

Rows = list[tuple[str, str, str]]

# fmt: off
OPTIMIZER: Rows = [
    ("lr eta learning_rate_", "learning_rate", "optimizer.learning_rate = 0.01"),
    ("params param_groups", "parameters", "optimizer.parameters = model"),
    ("decay wd", "weight_decay", "optimizer.weight_decay = 1e-4"),
    ("clipnorm clipvalue global_clipnorm clip_norm clip_value max_grad_norm",
     "clip_norm= and clip_value= of Trainer", "nn.Trainer(model, clip_norm=1.0)"),
    ("scheduler lr_scheduler", "a schedule in the place of the rate",
     "optimizer.learning_rate = nn.Cosine(0.01)"),
    ("iterations step_count", "steps, which start(buffer) resets", "optimizer.steps"),
]
# Of layers, those that a layer of the user's own has no use for either.
WITHOUT_EFFECT = frozenset({"trainable", "requires_grad"})
# Class → rows; of its subclasses as well.
ASSIGNED: dict[str, Rows] = {
    "Layer": [
        ("trainable requires_grad learnable frozen", "freeze() and unfreeze()",
         "nn.Dense(2).initialize((3,)).freeze()"),
        ("device", "nothing: it computes on the processor", "model(X)"),
        ("kernel W w weights", "weight", "layer.weight = np.zeros((4, 3))"),
        ("b bias_", "bias", "layer.bias = np.zeros(3)"),
        ("optimizer loss metrics callbacks", "arguments of Trainer",
         "nn.Trainer(model, nn.Adam(0.001), loss=\"softmax_cross_entropy\")"),
        ("stop_training", "stop of the Trainer", "trainer.stop = True"),
        ("lr learning_rate lr_mult lr_scale lr_multiplier",
         "the optimizer's; one for each part of the model",
         "nn.Trainer(model, [(model[0], nn.Adam(1e-4)), (model[1], nn.Adam(1e-3))])"),
        ("in_features in_channels input_dim output_shape batch_input_shape",
         "nothing: sizes are found at the first call, or by initialize",
         "nn.Dense(3).initialize((4,))"),
    ],
    "Parameter": [
        ("trainable", "requires_grad", "layer.weight.requires_grad = False"),
        ("value", "data", "layer.weight.data = np.zeros((4, 3))"),
    ],
    "Optimizer": OPTIMIZER,
    "OptimizerGroups": [
        ("lr eta learning_rate_", "learning_rate of one of optimizers",
         "groups.optimizers[0].learning_rate = 0.01"),
        ("params param_groups", "another one", "nn.OptimizerGroups([(model, nn.Adam(0.001))])"),
        *OPTIMIZER[2:],
    ],
    "Trainer": [
        ("lr learning_rate", "learning_rate of the optimizer",
         "trainer.optimizer.learning_rate = 0.01"),
        ("scheduler lr_scheduler", "a schedule in the place of the rate",
         "trainer.optimizer.learning_rate = nn.Cosine(0.01)"),
        ("batch_size", "an argument of fit", "trainer.fit(X, y, batch_size=8)"),
        ("max_epochs num_epochs n_epochs", "epochs of fit", "trainer.fit(X, y, epochs=1)"),
        ("validation_data validation_split val_data", "validation of fit",
         "trainer.fit(X, y, validation=(X, y))"),
        ("stop_training should_stop early_stop", "stop", "trainer.stop = True"),
        ("verbose", "progress", "trainer.progress = False"),
        ("gradient_clip_val clipnorm max_grad_norm", "clip_norm", "trainer.clip_norm = 1.0"),
        ("clipvalue", "clip_value", "trainer.clip_value = 1.0"),
        ("class_weight", "class_weights", "trainer.class_weights = None"),
        ("rng random_state", "seed", "trainer.seed = 0"),
        ("criterion loss_fn loss_func", "loss", "trainer.loss = \"softmax_cross_entropy\""),
        ("net network module", "model", "trainer.model = model"),
        ("opt optim", "optimizer", "trainer.optimizer = nn.SGD(0.01)"),
        ("device", "nothing: it computes on the processor", "trainer.fit(X, y)"),
    ],
    "Schedule": [
        ("lr learning_rate initial_learning_rate base_lr base_lrs",
         "the first argument of another schedule", "optimizer.learning_rate = nn.Cosine(0.01)"),
        ("last_epoch", "nothing: the rate follows from the time alone",
         "nn.Cosine(0.1)(3, total=10)"),
        ("step_size decay_steps", "every", "nn.StepDecay(0.1, every=10)"),
        ("gamma decay_rate", "factor", "nn.StepDecay(0.1, every=10, factor=0.5)"),
    ],
    "Callback": [
        ("monitor", "measure", "nn.EarlyStopping(\"loss\")"),
        ("restore_best_weights", "restore_best", "nn.EarlyStopping(restore_best=True)"),
        ("min_delta", "threshold", "nn.EarlyStopping(threshold=0.01)"),
    ],
}
# fmt: on


def is_elsewhere(cls: type, name: str) -> bool:
    """Return whether a name stands in a class for an attribute of other libraries."""
    found = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    return getattr(type(found), "of_other_libraries", False)
