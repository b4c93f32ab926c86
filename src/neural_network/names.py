"""Which file defines each public name; written by ``make api``, not by hand."""

# fmt: off

# File → its names that are attributes of the package and of each package the file lies in.
PUBLIC = {
    "array_files": "save_arrays load_arrays",
    "autograd.check": "check_gradients",
    "autograd.engine": "no_grad debug",
    "autograd.tensor": "Tensor",
    "autograd.transforms": "grad value_and_grad jacobian hessian vjp jvp hvp",
    "by_hand.descent": "gradient_descent initial_parameters train_mlp",
    "by_hand.differences": "numerical_gradient finite_differences",
    "by_hand.networks": (
        "forward_perceptron forward_mlp backward_mlp forward_mlp_3layer backward_mlp_3layer"
    ),
    "datasets.augmentation.augment": "Augment augmentation_from",
    "datasets.augmentation.steps": "Shift Rotate Scale Elastic Flip Cutout",
    "datasets.batching": "batches",
    "datasets.digits": "prepare_digit",
    "datasets.folders": "load_image_folder",
    "datasets.idx": "read_idx",
    "datasets.mnist": "load_mnist load_fashion_mnist",
    "datasets.pictures": "load_picture",
    "errors": (
        "NeuralNetworkError ArgumentError ShapeError DTypeError GradientError "
        "DroppedGradientError DivergenceError TrainingHint FileFormatError FileWriteError "
        "DatasetNotFoundError MissingDependencyError"
    ),
    "functional.activations": (
        "identity relu sigmoid tanh leaky_relu elu softplus silu mish gelu hardswish softmax "
        "log_softmax"
    ),
    "functional.attention": "scaled_dot_product_attention",
    "functional.convolution.conv": "conv2d conv1d conv3d",
    "functional.convolution.transpose": "conv_transpose2d conv_transpose1d conv_transpose3d",
    "functional.dropouts": "dropout dropout2d",
    "functional.embeddings": "embedding",
    "functional.error_function": "erf",
    "functional.filters": "FILTERS named_filter",
    "functional.interpolation": "interpolate",
    "functional.labels": "one_hot",
    "functional.losses.cross_entropies": "softmax_cross_entropy",
    "functional.losses.penalties": "l2_regularization",
    "functional.losses.probabilities": "binary_cross_entropy cross_entropy nll kl",
    "functional.losses.regression": "mse_loss l1 huber",
    "functional.losses.scores": "binary_cross_entropy_with_logits hinge",
    "functional.normalization.batch_norm": "batch_norm batch_statistics",
    "functional.normalization.normalize": "normalize",
    "functional.normalization.sample_norms": "layer_norm group_norm instance_norm",
    "functional.pooling.adaptive": (
        "adaptive_avg_pool2d adaptive_avg_pool1d adaptive_avg_pool3d adaptive_max_pool2d "
        "adaptive_max_pool1d adaptive_max_pool3d"
    ),
    "functional.pooling.pool": (
        "max_pool max_pool2d max_pool1d max_pool3d avg_pool2d avg_pool1d avg_pool3d "
        "global_avg_pool"
    ),
    "functional.products": "matrix_multiply",
    "kernels.runtime.gate": "use_kernels",
    "kernels.runtime.threads": "set_num_threads get_num_threads",
    "layers.activation": "Activation Flatten",
    "layers.containers": "Sequential Residual",
    "layers.convolution": "Conv2D Conv1D Conv3D DepthwiseConv2D ConvTranspose2D",
    "layers.dense": "Dense Embedding",
    "layers.dropout": "Dropout Dropout2D",
    "layers.hooks": "watching",
    "layers.initializers": "INITIALIZERS",
    "layers.layer": "Layer",
    "layers.normalization": "BatchNorm LayerNorm GroupNorm",
    "layers.parameter": "Parameter Buffer",
    "layers.pooling": "MaxPool2D AvgPool2D GlobalAvgPool2D",
    "layers.saving": "save load load_notes",
    "layers.substitution": "functional_call",
    "training.averaging": "ExponentialAverage",
    "training.callback_base": "Callback",
    "training.callbacks": "EarlyStopping Checkpoint CSVLog LearningRateFinder",
    "training.clipping": "clip_by_norm clip_by_value",
    "training.compiling": "compile_kernels",
    "training.history": "History",
    "training.interrupts": "TrainingInterrupted",
    "training.metrics": "accuracy top_k_accuracy confusion_matrix class_report",
    "training.metrics_binary": "binary_accuracy f1 auc",
    "training.metrics_regression": "mae r2",
    "training.optimizers.adaptive": "Adagrad RMSprop Adam AdamW",
    "training.optimizers.base": "Optimizer OPTIMIZERS",
    "training.optimizers.descent": "momentum_update SGD Lion",
    "training.optimizers.groups": "OptimizerGroups",
    "training.schedules": "Schedule StepDecay Cosine OneCycle WarmUp ReduceOnPlateau",
    "training.splitting": "split",
    "training.trainer": "Trainer",
    "visual.tape_table": "explain_gradient",
    "visual.walkthrough": "explain",
    "visual.window_sum": "explain_conv2d",
}
# Those that are not attributes of the package itself.
PACKAGES_ONLY = {
    "autograd.check": "gradient_error",
    "datasets.augmentation.steps": "Augmentation",
    "estimators.convnet": "ConvNetClassifier ConvNetRegressor",
    "estimators.features": "Conv2DFeatures",
    "estimators.mlp": "MLPClassifier MLPRegressor",
    "estimators.trainers": "TrainerClassifier TrainerRegressor",
    "functional.elementwise": (
        "negative absolute sign square sqrt exp expm1 log log1p sin cos add subtract multiply "
        "divide power maximum minimum where clip"
    ),
    "functional.products": "matmul einsum",
    "functional.reductions": "sum mean var max min logsumexp",
    "functional.shaping": "reshape transpose index broadcast_to concatenate stack pad split",
    "interop.keras.files": "load_weights",
    "interop.onnx.model": "ONNXModel",
    "interop.onnx.reading": "load load_notes",
    "interop.onnx.writing": "save to_model",
    "interop.torch.state_dicts": "load_weights state_dict save_weights",
    "layers.summary": "Summary",
    "models.catalogue": "MODELS",
    "models.convolutional": "lenet5 mnist_cnn tiny_cnn small_resnet",
    "models.dense": "perceptron mlp",
    "models.pretrained": "load_tiny_cnn",
    "scale.dask.blocks": "predict conv2d",
    "training.metrics": "ClassReport",
    "training.optimizers.base": "as_optimizer",
    "visual.activations": "show_activations",
    "visual.animations": "animate_convolution animate_training",
    "visual.attribution": "saliency grad_cam occlusion",
    "visual.confusion": "show_confusion_matrix",
    "visual.decision": "show_decision_surface",
    "visual.feature_maps": "show_feature_maps draw_feature_maps",
    "visual.filters": "show_filters",
    "visual.graph": "show_graph",
    "visual.heat_maps": "show_saliency show_grad_cam show_occlusion",
    "visual.histograms": "show_histograms",
    "visual.history": "show_history",
    "visual.images": "show_images",
    "visual.kernel_flip": "show_flip",
    "visual.mistakes": "show_mistakes",
    "visual.predictions": "show_predictions",
    "visual.saving": "save_figure",
    "visual.teaching": "slides",
}
# Those that are attributes of nothing else.
TOP_LEVEL_ONLY = {
    "functional.op": "op gradient samples call",
}
# Package → names that it has from elsewhere → their files.
ALSO: dict[str, dict[str, str]] = {'datasets': {'one_hot': 'functional.labels'}}

# Kind → file → names by which its definitions can be chosen.
NAMED: dict[str, dict[str, str]] = {
    "activation": {
        "functional.activations": (
            "identity relu sigmoid tanh leaky_relu elu softplus silu mish gelu hardswish softmax "
            "log_softmax"
        ),
    },
    "augmentation": {
        "datasets.augmentation.steps": "Shift Rotate Scale Elastic Flip Cutout",
    },
    "dataset": {
        "datasets.mnist": (
            "mnist=MNIST_SAMPLE mnist-full=MNIST_FULL fashion-mnist=FASHION_MNIST_FULL"
        ),
    },
    "initializer": {
        "layers.initializers": (
            "glorot=glorot_uniform glorot_uniform glorot_normal he_uniform he=he_normal he_normal "
            "lecun_uniform lecun=lecun_normal lecun_normal orthogonal zeros ones"
        ),
    },
    "layer": {
        "interop.onnx.model": "ONNXModel",
        "layers.activation": "Activation Flatten",
        "layers.containers": "Sequential Residual",
        "layers.convolution": "Conv2D Conv1D Conv3D DepthwiseConv2D ConvTranspose2D",
        "layers.dense": "Dense Embedding",
        "layers.dropout": "Dropout Dropout2D",
        "layers.normalization": "BatchNorm LayerNorm GroupNorm",
        "layers.pooling": "MaxPool2D AvgPool2D GlobalAvgPool2D",
    },
    "loss": {
        "functional.losses.cross_entropies": "softmax_cross_entropy",
        "functional.losses.probabilities": "binary_cross_entropy cross_entropy nll kl",
        "functional.losses.regression": "mse_loss l1 huber",
        "functional.losses.scores": "binary_cross_entropy_with_logits hinge",
    },
    "loss of classes": {
        "functional.losses.cross_entropies": "softmax_cross_entropy",
        "functional.losses.probabilities": "cross_entropy nll",
        "functional.losses.scores": "hinge",
    },
    "metric": {
        "training.metrics": "accuracy top_k_accuracy",
        "training.metrics_binary": "binary_accuracy f1 auc",
        "training.metrics_regression": "mae r2",
    },
    "metric of all rows": {
        "training.metrics_binary": "f1 auc",
        "training.metrics_regression": "r2",
    },
    "model": {
        "models.convolutional": "lenet5 mnist_cnn tiny_cnn small_resnet",
        "models.dense": "perceptron mlp",
    },
    "optimizer": {
        "training.optimizers.adaptive": "adagrad=Adagrad rmsprop=RMSprop adam=Adam adamw=AdamW",
        "training.optimizers.descent": "sgd=SGD lion=Lion",
    },
    "schedule": {
        "training.schedules": "step=StepDecay cosine=Cosine one-cycle=OneCycle",
    },
}
