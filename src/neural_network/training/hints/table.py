"""The table of all hints, and when they are given."""

from __future__ import annotations

from neural_network.training.hints import callbacks, data, epochs, layers, losses
from neural_network.training.hints.trial import Hint

BEFORE_THE_FIRST_STEP = (
    Hint(
        "probabilities for scores",
        "softmax or sigmoid before a loss that takes scores, and the like",
        '`Dense(10)` with `loss="softmax_cross_entropy"`',
        losses.probabilities_for_scores,
    ),
    Hint(
        "rows that do not sum to 1",
        "probabilities of classes whose rows do not sum to 1, as of a softmax over the wrong axis",
        "`softmax(Z, axis=1)`",
        losses.other_sums_of_rows,
    ),
    Hint(
        "softmax of one number",
        "softmax over a single output, which is always 1",
        '`Dense(1)` with `loss="binary_cross_entropy_with_logits"`',
        losses.softmax_of_one_number,
    ),
    Hint(
        "targets that broadcast",
        "outputs (n, 1) beside targets (n,), or the reverse, in a loss or metric of your own",
        "`y.reshape(-1, 1)`",
        losses.targets_that_broadcast,
    ),
    Hint(
        "sum of row means",
        '`reduction="sum"` of rows of several elements, beside another part of the loss',
        "`784 * binary_cross_entropy(A, X) + kl`",
        losses.sum_of_row_means,
    ),
    Hint(
        "swapped arguments",
        "a loss or metric of (y_true, y_pred), which is called with (outputs, y)",
        "`loss=lambda outputs, y: own(y, outputs)`",
        losses.swapped_arguments,
    ),
    Hint(
        "layers made anew",
        "layers that `forward` makes in each call",
        "`self.layer = Dense(10)` in `__init__`",
        losses.layers_made_anew,
    ),
    Hint(
        "channels last",
        "pictures (n, H, W, C), or signals (n, L, C), before a convolution",
        "`X.transpose(0, 3, 1, 2)`",
        data.channels_last,
    ),
    Hint(
        "unscaled inputs",
        "pixels from 0 to 255, or other numbers far from 1, where they first meet weights",
        '`X.astype("float32") / 255`',
        data.unscaled_inputs,
    ),
    Hint(
        "targets that stay",
        "`augment` that moves pixels where the targets are pictures of the same size",
        "`both = augment(np.concatenate([X, y], axis=1), rng)` in batches of your own",
        data.targets_that_stay,
    ),
    Hint(
        "labels of one class",
        "labels that are all the same",
        "`X[order], y[order]` with `order = rng.permutation(len(X))`",
        data.labels_of_one_class,
    ),
    Hint(
        "huge targets",
        "numbers to predict, thousands of times as large as the outputs",
        "`(y - y.mean()) / y.std()`",
        data.huge_targets,
    ),
    Hint(
        "targets out of reach",
        "sigmoid, softmax, tanh or relu at the end, and targets outside of their range",
        "`Dense(1)`",
        data.targets_out_of_reach,
    ),
    Hint(
        "validation of another scale",
        "training data that are scaled, and validation data that are not, or the reverse",
        "`validation=(X_validation / 255, y_validation)`",
        data.validation_of_other_scale,
    ),
)
OF_CALLBACKS = (
    Hint(
        "misspelt method of a callback",
        "`on_epoch_ends`, `epoch_end`, `on_train_begin`, or `(self, epoch, logs)`",
        "`def on_epoch_end(self, trainer, measures)`",
        callbacks.misspelt_verbs,
    ),
)
OF_LAYERS = (
    Hint(
        "array for a parameter",
        "`self.weight = np.ones(3)`, or `Tensor(…)`, in a layer of your own, which is not trained",
        "`self.weight = Parameter(np.ones(3))`",
        layers.array_for_parameter,
    ),
    Hint(
        "mode that nobody passes",
        "`def forward(self, x, training=False)`, as in Keras: `fit` does not pass it",
        "`self.training`",
        layers.mode_that_nobody_passes,
    ),
    Hint(
        "backward that nobody calls",
        "`def backward(self, g)` in a layer of your own, as in PyTorch: `fit` does not call it",
        '`@nn.gradient(f, "X")` of an op `f`',
        layers.backward_that_nobody_calls,
    ),
)
# Of these at most one is given: the first that is found is often the cause of the others.
AFTER_AN_EPOCH = (
    Hint(
        "no backward in a stage",
        "a `train_step` of your own in which `backward()` is missing",
        "`loss.backward()`",
        epochs.stage_without_backward,
    ),
    Hint(
        "dead relu",
        "a layer whose relu returns 0 for every row",
        "`Adam(0.001)`",
        epochs.dead_relu,
    ),
    Hint(
        "loss that only falls back",
        "a rate so high that the loss has risen far, and only falls back",
        "`Adam(0.001)`",
        epochs.only_falls_back,
    ),
    Hint(
        "nothing learned",
        "a loss that stays at log(classes), or at what their frequencies give",
        "`Adam(0.001)`; or `X[order], y[order]`",
        epochs.nothing_learned,
    ),
)
AFTER_EACH_EPOCH = (
    Hint(
        "attribute that nothing reads",
        "`trainer.stop_training`, `trainer.lr` or `optimizer.lr` of a class of your own, set",
        "`trainer.stop = True`, `optimizer.learning_rate = 0.001`",
        epochs.stopped_by_another_name,
    ),
    Hint(
        "stopped while the rate rose",
        "early stopping that kept epoch 1 of a schedule that begins with small steps, as "
        "`OneCycle` does",
        "more validation rows, `EarlyStopping(patience=10)`, or `Adam(0.001)`",
        callbacks.stopped_while_the_rate_rose,
    ),
)
IN_A_LOOP = (
    Hint(
        "no gradient",
        "a first `step()` without `backward()`, or with `zero_grad()` right before it",
        "`optimizer.zero_grad(); loss.backward(); optimizer.step()`",
    ),
    Hint(
        "no step",
        "a third `zero_grad()` and `backward()` without any `step()`",
        "`optimizer.zero_grad(); loss.backward(); optimizer.step()`",
    ),
    Hint(
        "gradients that pile up",
        "a second `step()` without `zero_grad()` in between",
        "`optimizer.zero_grad()`",
    ),
    Hint(
        "steps by hand that pile up",
        "`w -= 0.1 * w.grad` in a loop without an optimizer, and without `w.grad = None`",
        "`w.grad = None`",
    ),
    Hint(
        "steps by hand that change nothing",
        "`for w in ps: w = w - 0.1 * w.grad`, which leaves the tensors of the list as they are; "
        "seen by a third equal gradient, so not where each step has other rows",
        "`with nn.no_grad(): w -= 0.1 * w.grad`",
    ),
    Hint(
        "loss of a loop",
        "the first four of these, in a first `backward()`; without an optimizer the fourth",
        "as above",
    ),
)
IN_A_CALL = (
    Hint(
        "photograph for pictures",
        "`conv2d` of a picture (H, W, 3), taken as H pictures of W×3",
        "`image.transpose(2, 0, 1)`",
    ),
    Hint(
        "rows of a call that do not sum to 1",
        "`cross_entropy`, `nll` or `kl` of such rows, in arrays and in a loop of your own",
        "`softmax(Z, axis=1)`",
    ),
    Hint(
        "probabilities for scores of a call",
        "`softmax_cross_entropy` of rows that a softmax has made, in arrays and in a loop",
        "`cross_entropy(P, nn.one_hot(y, 10))`",
    ),
    Hint(
        "pixels for a trained model",
        "`predict` or `evaluate` of pixels from 0 to 255, of which `fit` has seen none",
        '`model.predict(X.astype("float32") / 255)`',
    ),
    Hint(
        "another paper",
        "`predict` of dark ink on bright paper, or of pictures that are divided by 255 twice, "
        "where training had bright ink on paper of 0",
        '`nn.prepare_digit(nn.load_picture("four.png"))`',
    ),
    Hint(
        "pixels by hand",
        "`forward_mlp` or `forward_mlp_3layer` of pixels from 0 to 255",
        "`X / 255`",
    ),
    Hint(
        "one column of probabilities",
        "`cross_entropy` of a single column, of which the rows with the label 0 count nothing",
        "`binary_cross_entropy(sigmoid(Z), y)`",
    ),
    Hint(
        "arrays that a file lacks",
        "`save`, `load` or `clone` of a layer of your own whose arrays are others in a new layer",
        "`self.weight = Parameter(…)`, `self.mean = Buffer(…)`",
    ),
    Hint(
        "flat colour pictures",
        "flat rows of 3,072 numbers for an estimator, which takes them as signals",
        "`ConvNetClassifier(image_shape=(3, 32, 32))`",
    ),
    Hint(
        "labels for predictions",
        "a loss of arrays that is called with (y_true, y_pred)",
        "`cross_entropy(y_pred, y_true)`",
    ),
)
# When → the hints.
HINTS: dict[str, tuple[Hint, ...]] = {
    "`fit`, before the first step": (*BEFORE_THE_FIRST_STEP, *OF_LAYERS, *OF_CALLBACKS),
    "`fit`, after each of three epochs, and the last": AFTER_AN_EPOCH,
    "`fit`, after any epoch": AFTER_EACH_EPOCH,
    "a loop of your own": IN_A_LOOP,
    "the call": IN_A_CALL,
}
