"""What the estimators take from scikit-learn; without it, a sentence that says how to get it."""

from neural_network.errors import needs_extra

with needs_extra("neural_network.estimators", "sklearn"):
    from scipy.sparse import issparse
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import accuracy_score, r2_score
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import LabelEncoder
    from sklearn.utils import check_random_state, column_or_1d, compute_sample_weight
    from sklearn.utils._array_api import _convert_to_numpy, get_namespace_and_device
    from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

# These have no public name; scikit-learn's guide for developers names them.
check_sample_weight = _check_sample_weight
convert_to_numpy = _convert_to_numpy

__all__ = [
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "ConvergenceWarning",
    "LabelEncoder",
    "RegressorMixin",
    "TransformerMixin",
    "accuracy_score",
    "check_classification_targets",
    "check_is_fitted",
    "check_random_state",
    "check_sample_weight",
    "column_or_1d",
    "compute_sample_weight",
    "convert_to_numpy",
    "get_namespace_and_device",
    "issparse",
    "r2_score",
    "train_test_split",
    "type_of_target",
    "unique_labels",
    "validate_data",
]
