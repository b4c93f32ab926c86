"""What users of scikit-learn, skorch and Keras call the things of estimators; see ``arguments.py``.

The names of bases stand for all that are derived from them: ``RowEstimator`` for every estimator,
``Network`` for classifiers and regressors, ``ConvNetwork`` and ``TrainerNetwork`` for some of them.
"""

Rows = list[tuple[str, str, str]]
RowsOfArguments = list[tuple[str, str, str, str]]

CONSTRUCTOR = "an argument of the constructor, or of set_params"
EPOCHS = "epochs max_epochs n_epochs num_epochs nb_epoch n_epoch epoch n_iter num_iterations"
LESS_THAN_MODEL = "TrainerClassifier, with a model of your own"
PREDICTIONS = " ".join(
    f"{of}.{method}"
    for of, methods in (
        ("RowEstimator", "predict transform"),
        ("Network", "predict_proba predict_log_proba decision_function"),
    )
    for method in methods.split()
)

# fmt: off
ESTIMATORS: RowsOfArguments = [
    ("RowEstimator", "seed rng random_seed generator key", "random_state",
     "nn.estimators.MLPClassifier(random_state=0)"),
    ("RowEstimator", "device devices gpus accelerator use_cuda precision strategy",
     "nothing: it computes on the processor", "nn.estimators.MLPClassifier()"),
    ("RowEstimator", "n_jobs num_threads threads workers",
     "set_num_threads for one network; n_jobs of scikit-learn's searches", "nn.set_num_threads(1)"),
    ("RowEstimator", "dtype", "nothing: it computes in the type of X",
     "classifier.predict(np.float32(X))"),
    ("RowEstimator", "name copy memory", "nothing like it", "nn.estimators.MLPClassifier()"),
    ("Network", "solver optim opt optimiser algorithm", "optimizer",
     "nn.estimators.MLPClassifier(optimizer=\"sgd\")"),
    ("Network", "lr eta eta0 learning_rate_init rate lr_init step_size max_lr", "learning_rate",
     "nn.estimators.MLPClassifier(learning_rate=0.01)"),
    ("Network", f"{EPOCHS} max_fun iterations max_iterations", "max_iter",
     "nn.estimators.MLPClassifier(max_iter=20)"),
    ("Network", "bs batch batchsize minibatch_size mini_batch_size", "batch_size",
     "nn.estimators.MLPClassifier(batch_size=64)"),
    ("Network", "momentum nesterovs_momentum nesterov beta_1 beta_2 betas epsilon eps rho "
     "optimizer__ optimizer_kwargs optimizer_params", "optimizer, a function of the rate",
     "nn.estimators.MLPClassifier(optimizer=functools.partial(nn.SGD, momentum=0.9))"),
    ("Network", "scheduler lr_scheduler schedule lr_schedule decay lr_decay power_t",
     "a schedule as learning_rate", "nn.estimators.MLPClassifier(learning_rate=nn.Cosine(0.01))"),
    ("Network", "weight_decay wd l2 l2_reg reg reg_lambda regularization C penalty "
     "kernel_regularizer", "alpha, the strength of the L2 penalty",
     "nn.estimators.MLPClassifier(alpha=1e-3)"),
    ("Network", "hidden hidden_sizes hidden_units hidden_layers hidden_layer hidden_size "
     "hidden_dim n_hidden num_hidden units neurons layers layer_sizes dense_units",
     "hidden_layer_sizes", "nn.estimators.MLPClassifier(hidden_layer_sizes=(64, 32))"),
    ("Network", "act nonlinearity activation_fn activation_function", "activation",
     "nn.estimators.MLPClassifier(activation=\"tanh\")"),
    ("Network", "dropout_rate drop_rate drop p_dropout", "dropout",
     "nn.estimators.MLPClassifier(dropout=0.2)"),
    ("Network", "batchnorm use_batch_norm batch_normalization", "batch_norm",
     "nn.estimators.MLPClassifier(batch_norm=True)"),
    ("Network", "validation validation_split validation_size val_split valid_size train_split "
     "validation_data eval_set", "early_stopping; only then rows are set aside",
     "nn.estimators.MLPClassifier(early_stopping=True, validation_fraction=0.1)"),
    ("Network", "patience early_stopping_rounds stopping_rounds", "n_iter_no_change",
     "nn.estimators.MLPClassifier(early_stopping=True, n_iter_no_change=5)"),
    ("Network", "min_delta threshold delta", "tol", "nn.estimators.MLPClassifier(tol=1e-3)"),
    ("Network", "shuffle", "nothing: each epoch draws a new order",
     "nn.estimators.MLPClassifier(random_state=0)"),
    ("Network", "class_weights cw", "class_weight, of classifiers",
     "nn.estimators.MLPClassifier(class_weight=\"balanced\")"),
    ("Network", "sample_weight sample_weights weights", "sample_weight of fit",
     "nn.estimators.MLPClassifier.fit"),
    ("Network", "callback cbs hooks", "callbacks",
     "nn.estimators.MLPClassifier(callbacks=[nn.CSVLog(\"log.csv\")])"),
    ("Network", "verbosity progress progress_bar show_progress", "verbose",
     "nn.estimators.MLPClassifier(verbose=True)"),
    ("Network", "augmentation transform transforms data_augmentation", "augment",
     "nn.estimators.ConvNetClassifier(augment=nn.Augment(nn.Shift(1)))"),
    ("Network", "input_shape input_dim input_size n_features n_features_in in_features in_channels "
     "n_inputs n_in num_features n_classes num_classes classes outputs out_features n_outputs "
     "out_dim", "nothing: fit finds the sizes and the classes",
     "nn.estimators.MLPClassifier()"),
    ("Network", "loss criterion loss_fn loss_function objective",
     "loss of TrainerClassifier and TrainerRegressor",
     "nn.estimators.TrainerClassifier(loss=\"hinge\")"),
    ("Network", "metrics metric scoring scorer",
     "scoring of scikit-learn's cross_val_score and searches", "nn.estimators.MLPClassifier()"),
    ("Network", "clip_norm clip_value accumulate average max_grad_norm clipnorm",
     "TrainerClassifier and TrainerRegressor have it",
     "nn.estimators.TrainerClassifier(clip_norm=1.0)"),
    ("Network", "module model net network build_fn module__ model__ estimator",
     "model of TrainerClassifier and TrainerRegressor",
     "nn.estimators.TrainerClassifier(nn.models.mlp())"),
    ("Network", "kernel_initializer initializer init weight_init", LESS_THAN_MODEL,
     "nn.estimators.TrainerClassifier(nn.Sequential(nn.Dense(2, initializer=\"he\")))"),
    ("Network", "iterator_train iterator_valid iterator_train__ iterator_valid__ dataset "
     "predict_nonlinearity compile use_caching run_eagerly steps_per_epoch validation_steps",
     "nothing like it", "nn.estimators.MLPClassifier()"),
    ("ConvNetwork", "n_filters num_filters nb_filters out_channels conv_filters filter_sizes "
     "features", "filters", "nn.estimators.ConvNetClassifier(filters=(16, 32))"),
    ("ConvNetwork", "kernel kernels kernel_sizes filter_size kernel_shape ks", "kernel_size",
     "nn.estimators.ConvNetClassifier(kernel_size=3)"),
    ("ConvNetwork", "pool pooling pool_sizes max_pool", "pool_size",
     "nn.estimators.ConvNetClassifier(pool_size=2)"),
    ("ConvNetwork", "stride strides padding dilation dilation_rate groups", LESS_THAN_MODEL,
     "nn.estimators.TrainerClassifier(nn.Sequential(nn.Conv2D(8, 3, stride=2), nn.Flatten(), "
     "nn.Dense(2)))"),
    ("ConvNetwork Conv2DFeatures", "input_shape img_shape img_size image_size size input_size "
     "target_size picture_shape shape", "image_shape",
     "nn.estimators.ConvNetClassifier(image_shape=(28, 28))"),
    ("ConvNetwork Conv2DFeatures TrainerNetwork",
     "data_format channels_last channel_axis dim_ordering", "channels",
     "nn.estimators.ConvNetClassifier(channels=\"last\")"),
    ("TrainerNetwork", "module net network build_fn estimator base_estimator clf", "model",
     "nn.estimators.TrainerClassifier(nn.models.mlp())"),
    ("TrainerNetwork", "module__", "model__ before an argument of the model",
     "nn.estimators.TrainerClassifier(nn.models.mlp, model__hidden=(64,))"),
    ("TrainerNetwork", "criterion loss_fn loss_function objective", "loss",
     "nn.estimators.TrainerClassifier(loss=\"hinge\")"),
    ("TrainerNetwork", "max_grad_norm clipnorm gradient_clip_val", "clip_norm",
     "nn.estimators.TrainerClassifier(clip_norm=1.0)"),
    ("TrainerNetwork", "hidden_layer_sizes hidden hidden_sizes hidden_units units activation",
     "model__ before an argument of the model",
     "nn.estimators.TrainerClassifier(model__hidden_layer_sizes=(64, 32))"),
    ("TrainerNetwork", "dropout batch_norm filters kernel_size pool_size", LESS_THAN_MODEL,
     "nn.estimators.TrainerClassifier(nn.Sequential(nn.Dense(8), nn.Dropout(0.2), nn.Dense(2)))"),
    ("TrainerNetwork", "alpha weight_decay wd l2 C penalty", "weight_decay of the optimizer",
     "nn.estimators.TrainerClassifier(optimizer=functools.partial(nn.AdamW, weight_decay=0.01))"),
    ("Conv2DFeatures", "n_components num_filters out_channels n_kernels", "n_filters",
     "nn.estimators.Conv2DFeatures(\"random\", n_filters=8)"),
    ("Conv2DFeatures", "kernel kernels weight weights filter filter_kernel filter_bank", "filters",
     "nn.estimators.Conv2DFeatures(filters=[\"sobel-x\", \"sobel-y\"])"),
    ("Conv2DFeatures", "filter_size kernel_sizes ks", "kernel_size",
     "nn.estimators.Conv2DFeatures(\"random\", kernel_size=5)"),
    ("Conv2DFeatures", "strides", "stride", "nn.estimators.Conv2DFeatures(stride=2)"),
    ("Conv2DFeatures", "pooling pool_mode", "pool", "nn.estimators.Conv2DFeatures(pool=\"mean\")"),
    ("Conv2DFeatures", "dilation groups bias flatten", "nothing like it",
     "nn.estimators.Conv2DFeatures()"),
    # Methods.
    ("Network.fit", f"{EPOCHS} max_iter", "max_iter of the constructor",
     "nn.estimators.MLPClassifier(max_iter=20)"),
    ("Network.partial_fit", f"{EPOCHS} max_iter", "nothing: each call is one epoch",
     "nn.estimators.MLPClassifier.partial_fit"),
    ("Network.fit Network.partial_fit", "batch_size bs", "batch_size of the constructor",
     "nn.estimators.MLPClassifier(batch_size=64)"),
    ("Network.fit Network.partial_fit", "lr learning_rate optimizer solver loss metrics verbose "
     "callbacks cbs early_stopping random_state seed rng augment warm_start alpha", CONSTRUCTOR,
     "nn.estimators.MLPClassifier(learning_rate=0.01, verbose=True)"),
    ("Network.fit Network.partial_fit", "validation validation_data validation_split val_data "
     "eval_set X_val y_val X_valid y_valid validation_fraction",
     "early_stopping and validation_fraction of the constructor",
     "nn.estimators.MLPClassifier(early_stopping=True, validation_fraction=0.1)"),
    ("Network.fit Network.partial_fit", "class_weight class_weights",
     "class_weight of the constructor", "nn.estimators.MLPClassifier(class_weight=\"balanced\")"),
    ("Network.fit Network.partial_fit Network.score", "sample_weights weights weight",
     "sample_weight", "classifier.score(X, y, sample_weight=np.ones(len(X)))"),
    ("Network.fit Network.partial_fit", "shuffle initial_epoch steps_per_epoch validation_steps "
     "workers use_multiprocessing resume device", "nothing like it",
     "nn.estimators.MLPClassifier.fit"),
    ("Network.fit Network.partial_fit Network.score", "x inputs data X_train X_test", "X",
     "classifier.score(X=X, y=y)"),
    ("Network.fit Network.partial_fit Network.score",
     "Y labels target targets y_true y_train y_test", "y", "classifier.score(X=X, y=y)"),
    ("Network.score", "scoring metric metrics batch_size verbose",
     "a function of scikit-learn's metrics, of what predict returns",
     "classifier.predict(X)"),
    (PREDICTIONS, "batch_size bs verbose steps training callbacks workers device",
     "nothing: it prints nothing, and makes batches of its own", "classifier.predict(X)"),
    (PREDICTIONS, "x inputs data X_test images", "X", "classifier.predict(X)"),
]
# Attributes that a fit sets, for the sentence where they are missing.
FITTED = (
    "model_", "classes_", "n_features_in_", "feature_names_in_", "input_shape_", "n_outputs_",
    "n_iter_", "loss_curve_", "loss_", "best_loss_", "validation_scores_",
    "best_validation_score_", "history_", "filters_", "output_shape_",
)
ROW_ESTIMATOR: Rows = [
    ("coefs_ coef_ intercepts_ intercept_ weights weights_ get_weights parameters "
     "named_parameters", "parameters() of model_", "classifier.model_.parameters()"),
    ("module_ module net_ net network network_ estimator_ best_estimator_", "model_",
     "classifier.model_"),
    ("layers n_layers_ n_layers get_layer", "model_, whose layers have numbers",
     "classifier.model_[0]"),
    ("history train_history", "history_", "classifier.history_[\"loss\"]"),
    ("losses losses_ train_losses loss_history loss_curve", "loss_curve_",
     "classifier.loss_curve_"),
    ("best_score_ validation_score_ val_scores_", "best_validation_score_, with early_stopping",
     "classifier.best_validation_score_"),
    ("n_epochs_ epochs_ epoch t_", "n_iter_", "classifier.n_iter_"),
    ("n_classes_ n_classes num_classes", "classes_", "len(classifier.classes_)"),
    ("out_activation_", "nothing: predict_proba has softmax or sigmoid",
     "classifier.predict_proba(X)"),
    ("feature_importances_", "permutation_importance of scikit-learn", "classifier.score(X, y)"),
    ("evaluate test accuracy", "score", "classifier.score(X, y)"),
    ("compile initialize", "nothing: fit makes the network from the constructor's arguments",
     "nn.estimators.MLPClassifier(optimizer=\"adam\")"),
    ("train learn fit_generator train_on_batch train_step partial_fit_ fit_loop", "fit",
     "nn.estimators.MLPClassifier.fit"),
    ("predict_classes predict_labels", "predict", "classifier.predict(X)"),
    ("forward infer call predict_logits logits", "decision_function of classifiers, or model_",
     "classifier.model_.predict(X)"),
    ("save save_model save_weights save_params dump export to_onnx",
     "nn.save of model_; joblib keeps the whole estimator", "nn.save(classifier.model_, path)"),
    ("load load_model load_weights load_params", "nn.load for a model; joblib for an estimator",
     "nn.load(saved)"),
    ("state_dict load_state_dict", "of model_, by nn.interop.torch",
     "nn.interop.torch.state_dict(classifier.model_)"),
    ("summary count_params", "summary() of model_", "classifier.model_.summary()"),
    ("to cuda cpu device half float", "nothing: it computes on the processor, in the type of X",
     "classifier.predict(np.float32(X))"),
    ("optimizer_ criterion_ scheduler_ trainer_ trainer",
     "nothing: they end with fit; history_ stays", "classifier.history_"),
    ("inverse_transform fit_predict", "nothing like it", "classifier.predict(X)"),
    ("append add", "TrainerClassifier, with a model of your own",
     "nn.estimators.TrainerClassifier(nn.Sequential(nn.Dense(2)))"),
]
# fmt: on
