"""Pictures of what the library computes (extra ``plot``)."""

from neural_network.visual.confusion import show_confusion_matrix
from neural_network.visual.feature_maps import draw_feature_maps, show_feature_maps
from neural_network.visual.history import show_history
from neural_network.visual.predictions import show_predictions
from neural_network.visual.saving import save_figure

__all__ = [
    "draw_feature_maps",
    "save_figure",
    "show_confusion_matrix",
    "show_feature_maps",
    "show_history",
    "show_predictions",
]
