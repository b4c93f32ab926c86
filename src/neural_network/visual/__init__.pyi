"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.visual.activations import show_activations as show_activations
from neural_network.visual.animations import (
    animate_convolution as animate_convolution,
    animate_training as animate_training,
)
from neural_network.visual.attribution import (
    grad_cam as grad_cam,
    occlusion as occlusion,
    saliency as saliency,
)
from neural_network.visual.confusion import show_confusion_matrix as show_confusion_matrix
from neural_network.visual.decision import show_decision_surface as show_decision_surface
from neural_network.visual.feature_maps import (
    draw_feature_maps as draw_feature_maps,
    show_feature_maps as show_feature_maps,
)
from neural_network.visual.filters import show_filters as show_filters
from neural_network.visual.graph import show_graph as show_graph
from neural_network.visual.heat_maps import (
    show_grad_cam as show_grad_cam,
    show_occlusion as show_occlusion,
    show_saliency as show_saliency,
)
from neural_network.visual.histograms import show_histograms as show_histograms
from neural_network.visual.history import show_history as show_history
from neural_network.visual.images import show_images as show_images
from neural_network.visual.kernel_flip import show_flip as show_flip
from neural_network.visual.mistakes import show_mistakes as show_mistakes
from neural_network.visual.predictions import show_predictions as show_predictions
from neural_network.visual.saving import save_figure as save_figure
from neural_network.visual.tape_table import explain_gradient as explain_gradient
from neural_network.visual.teaching import slides as slides
from neural_network.visual.walkthrough import explain as explain
from neural_network.visual.window_sum import explain_conv2d as explain_conv2d
