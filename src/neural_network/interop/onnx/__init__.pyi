"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.interop.onnx.model import ONNXModel as ONNXModel
from neural_network.interop.onnx.reading import load as load, load_notes as load_notes
from neural_network.interop.onnx.writing import save as save, to_model as to_model
