"""What the line to type is made of, where a call does not fit; see ``calls.py``."""

# fmt: off
# The order in which other libraries take arguments, in our words: name:kinds, as in ``PLACES``.
SIGNATURES: list[tuple[str, str]] = [
    # PyTorch.
    ("Conv1D Conv2D Conv3D", "in_channels:int filters:int kernel_size:int/sizes stride:int/sizes "
     "padding:int/sizes/text dilation:int/sizes groups:int bias:flag"),
    ("ConvTranspose2D", "in_channels:int filters:int kernel_size:int/sizes stride:int/sizes "
     "padding:int/sizes output_padding:int/sizes groups:int bias:flag dilation:int/sizes"),
    ("Dense", "in_features:int units:int bias:flag"),
    ("BatchNorm", "num_features:int epsilon:number momentum:number"),
    ("LayerNorm", "normalized_shape:int/sizes epsilon:number"),
    ("GroupNorm", "groups:int num_channels:int epsilon:number"),
    ("MaxPool2D", "kernel_size:int/sizes stride:int/sizes padding:int/sizes dilation:int/sizes "
     "return_indices:flag ceil_mode:flag"),
    ("AvgPool2D", "kernel_size:int/sizes stride:int/sizes padding:int/sizes ceil_mode:flag "
     "count_include_pad:flag"),
    ("Dropout Dropout2D", "rate:number inplace:flag"),
    ("DepthwiseConv2D", "in_channels:int kernel_size:int/sizes"),
    # Keras.
    ("Conv1D Conv2D Conv3D ConvTranspose2D", "filters:int kernel_size:int/sizes "
     "stride:int/sizes padding:text data_format:format dilation:int/sizes groups:int "
     "activation:text/function"),
    ("Conv1D Conv2D Conv3D ConvTranspose2D", "filters:int kernel_size:int/sizes padding:text"),
    ("DepthwiseConv2D", "kernel_size:int/sizes stride:int/sizes padding:text multiplier:int"),
]
# What may stand in the place of each other in a line of example; and how their calls begin.
ALIKE = (
    "SGD Adam AdamW RMSprop Adagrad Lion",
    "Dense Conv1D Conv2D Conv3D DepthwiseConv2D Embedding",
    "MaxPool2D AvgPool2D", "Dropout Dropout2D", "BatchNorm LayerNorm GroupNorm",
    "StepDecay Cosine ReduceOnPlateau EarlyStopping", "Checkpoint CSVLog",
    "relu sigmoid tanh softmax log_softmax leaky_relu elu softplus silu mish gelu hardswish "
    "identity", "conv1d conv2d conv3d", "mse_loss l1 huber",
    "accuracy confusion_matrix class_report", "load_mnist load_fashion_mnist",
    "max_pool max_pool1d avg_pool1d max_pool2d avg_pool2d max_pool3d avg_pool3d",
    "grad value_and_grad jacobian hessian",
)
BEGINNINGS = {
    "Dense": "10", "Conv1D": "8, 3", "Conv2D": "8, 3", "Conv3D": "8, 3",
    "DepthwiseConv2D": "3", "Embedding": "1000, 16",
    "StepDecay": "", "Cosine": "", "ReduceOnPlateau": "0.1, ", "EarlyStopping": "",
    "GroupNorm": "2, ", "BatchNorm": "", "LayerNorm": "",
    "conv1d": "X[0], np.ones(3)", "conv2d": "images[0, 0], np.ones((3, 3))",
    "conv3d": "np.ones((4, 4, 4)), np.ones((2, 2, 2))",
    "max_pool1d": "X[:, None]", "avg_pool1d": "X[:, None]", "max_pool2d": "images",
    "avg_pool2d": "images", "max_pool": "images[0, 0]", "max_pool3d": "np.ones((1, 1, 4, 4, 4))",
    "avg_pool3d": "np.ones((1, 1, 4, 4, 4))",
}
# Layer → the shape of a row that its line of example begins with, where Dense has (784,).
SHAPES_OF_ROWS = {
    "Conv1D": "(9, 128)", "Conv2D": "(1, 28, 28)", "Conv3D": "(1, 8, 8, 8)",
    "DepthwiseConv2D": "(3, 28, 28)", "Embedding": "(20,)",
}
# Function → the call to write where an argument is missing.
MISSING = {
    "gradient": "nn.grad(f)(x), of a function of numbers; nn.gradient(f, \"x\") is written above "
    "the gradient of an op",
    "numerical_gradient": "nn.finite_differences(f, w), the gradient of a function f at w; "
    "nn.check_gradients(f, [w]) compares it with the tape; this one is of a network's parameters",
    "show_predictions": "p = nn.softmax(model.predict(X)); nn.visual.show_predictions(X, X, p), "
    "of pictures X (n, C, h, w) from 0 to 1",
    "ReduceOnPlateau": "nn.Adam(nn.ReduceOnPlateau(0.01)), in the place of the learning rate",
    "StepDecay": "nn.Adam(nn.StepDecay(0.01, every=10)), in the place of the learning rate",
    "WarmUp": "nn.Adam(nn.WarmUp(0.01, duration=2)), in the place of the learning rate",
    "Cosine": "nn.Adam(nn.Cosine(0.01)), in the place of the learning rate",
    "OneCycle": "nn.Adam(nn.OneCycle(0.01)), in the place of the learning rate",
    "batches": "nn.batches(X, y, batch_size=8); where there is no y, X twice: "
    "for rows, _ in nn.batches(X, X, batch_size=8)",
}
