"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.interop.keras.files import load_weights as load_weights
