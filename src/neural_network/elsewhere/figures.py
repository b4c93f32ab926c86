"""Arguments of figures; see ``arguments.py``."""

Rows = list[tuple[str, str, str, str]]

# fmt: off
FIGURES: Rows = [
    ("show_activations show_confusion_matrix show_decision_surface show_feature_maps show_filters "
     "show_flip show_grad_cam show_graph show_histograms show_history show_images show_mistakes "
     "show_occlusion show_predictions show_saliency animate_convolution animate_training "
     "Explanation.draw",
     "figsize fig_size axes axis", "ax, of any size: plt.figure(figsize=(12, 7)).subplots()",
     "nn.visual.show_history([0.9, 0.4], ax=None)"),
    ("show_confusion_matrix", "y_true y_pred cm matrix", "counts, of nn.confusion_matrix",
     "nn.visual.show_confusion_matrix(nn.confusion_matrix([1, 0, 1], [1, 0, 0]))"),
    ("show_confusion_matrix", "display_labels labels", "class_names",
     "nn.visual.show_confusion_matrix([[9, 1], [0, 5]], class_names=[\"cat\", \"dog\"])"),
    ("show_activations show_confusion_matrix show_decision_surface show_grad_cam show_mistakes "
     "show_occlusion show_saliency slides explain",
     "classes names target_names label_names", "class_names",
     "nn.visual.show_confusion_matrix([[9, 1], [0, 5]], class_names=[\"cat\", \"dog\"])"),
    ("show_images", "ncols ncol nrow cols n_cols", "columns",
     "nn.visual.show_images(np.zeros((4, 8, 8)), columns=2)"),
    ("show_images", "class_names labels titles names y", "captions, a text for each picture, such "
     "as [names[n] for n in y]", "nn.visual.show_images(np.zeros((2, 8, 8)), [\"a\", \"b\"])"),
]
# fmt: on
