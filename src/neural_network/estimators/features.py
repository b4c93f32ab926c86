"""A transformer of pictures: what filters find in them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from neural_network.advice import channels_seem_last
from neural_network.checks import Array, as_choice, as_count, as_real
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    brief,
    give_hint,
    hints_of_fit,
    sentence,
)
from neural_network.estimators.inputs import (
    Inputs,
    Rows,
    Shape,
    as_numpy,
    as_rows,
    computing_type,
    picture_shape,
    row_weights,
)
from neural_network.estimators.layers import as_pair, fitting_window
from neural_network.estimators.reading import PIECE, RowEstimator, unchanged_on_error
from neural_network.estimators.refusals import refused
from neural_network.estimators.requirements import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    check_is_fitted,
    check_random_state,
    get_namespace_and_device,
    validate_data,
)
from neural_network.functional.filters import FILTERS, filter_key, named_filter
from neural_network.functional.shaping import cut
from neural_network.layers.activation import Flatten
from neural_network.layers.containers import Sequential
from neural_network.layers.convolution import Conv2D
from neural_network.layers.layer import Layer
from neural_network.layers.pooling import AvgPool2D, MaxPool2D
from neural_network.public import public

RANDOM, PCA = "random", "pca"
POOLS: dict[str, Any] = {"max": MaxPool2D, "mean": AvgPool2D}


@public(top_level=False)
class Conv2DFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, RowEstimator):
    """Convolutions with fixed filters: pictures become rows of what the filters find in them.

    Args:
        filters: names of ``FILTERS``, one or several; an array (fh, fw), (F, fh, fw) or
            (F, C, fh, fw), or a list of arrays; "random": drawn from a normal distribution; "pca":
            the principal components of the windows of the pictures in ``fit``. A filter without
            channels is laid over each channel by itself.
        n_filters, kernel_size: how many filters "random" and "pca" make, and their size: a number,
            or (vertical, horizontal).
        stride: of the convolution.
        padding: "same", "valid", a number or a pair of numbers.
        activation: of the maps: a name or a function; None for none.
        pool: "max" or "mean" of windows of each map; None for the maps themselves.
        pool_size: of the windows: a size, a pair, or "all" for one number a map. Along an axis on
            which the map is smaller, nothing is pooled.
        image_shape: of a picture in flat rows: (H, W) or, in the order of ``channels``, (C, H, W);
            None: a row of d numbers is (1, √d, √d) where d is a square, else (1, 1, d).
        channels: "first" or "last", for pictures (n, H, W, C).
        random_state: a seed, a ``RandomState``, or None, for random filters.

    Attributes:
        filters_: (maps, channels, fh, fw), where channels is 1 if each channel has its own maps.
            It is the weight of the convolution.
        output_shape_: (maps, OH, OW) of a picture, before its maps become a row.
        n_features_in_, feature_names_in_: of ``X``, as in scikit-learn.
        input_shape_: (C, H, W) of a picture.
        model_: the layers that compute it.

    Raises:
        Nothing; ``fit`` checks the arguments.

    Arrays of other libraries (PyTorch …) are taken, and returned, where scikit-learn's
    ``array_api_dispatch`` is set.

    Source: Chan et al., "PCANet: A Simple Deep Learning Baseline for Image Classification?",
    arXiv 1404.3606, for "pca".

    >>> images, labels = load_mnist()
    >>> features = estimators.Conv2DFeatures(["sobel-x", "sobel-y"], pool_size=7)
    >>> features.fit_transform(images[:100] / 255).shape
    (100, 32)
    """

    def __init__(
        self,
        filters: Any = ("sobel-x", "sobel-y", "laplacian"),
        *,
        n_filters: int = 8,
        kernel_size: Any = 3,
        stride: Any = 1,
        padding: Any = "same",
        activation: Any = "relu",
        pool: str | None = "max",
        pool_size: Any = 2,
        image_shape: Any = None,
        channels: str = "first",
        random_state: Any = None,
    ) -> None:
        self.filters = filters
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.activation = activation
        self.pool = pool
        self.pool_size = pool_size
        self.image_shape = image_shape
        self.channels = channels
        self.random_state = random_state

    @explains_calls
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:  # noqa: ARG002  # scikit-learn passes y
        """Find the sizes of the pictures, and the filters.

        Args:
            X: pictures: (n, d), (n, H, W), (n, C, H, W) or (n, H, W, C).
            y: not used.
            sample_weight: (n,) how much the windows of each picture count in "pca".

        Returns:
            The transformer.

        Raises:
            ValueError, TypeError: data or arguments that do not fit; nothing is changed then.
        """
        function = "Conv2DFeatures.fit"
        with unchanged_on_error(self), hints_of_fit():  # the layers would name no argument of it
            self._namespace = namespace_of(X)
            rows = as_rows(function, X)
            with refused(function, "rows of numbers", X=X):
                numbers = validate_data(self, rows.X, accept_sparse="csr", dtype="numeric")
            inputs = self._inputs(function, Rows(numbers, rows.shape), first=True)
            weights = None
            if sample_weight is not None:
                weights = row_weights(function, as_numpy(sample_weight), inputs.X)
            filters = self._filters(function, inputs, weights)
            self.model_ = self._layers(function, filters).astype(computing_type(inputs.X))
            if self.channels == "first" and channels_seem_last(rows.shape or (), 2):
                give_hint(
                    f"{function}: X: pictures of shape {rows.shape} seem to have their channels "
                    'last; Conv2DFeatures(channels="last") takes them as they are'
                )
            self.model_.initialize(self.input_shape_)
            self.model_[0].weight = filters
            self.output_shape_ = tuple(self.model_.summary().rows[-2].output)
            self._n_features_out = int(np.prod(self.output_shape_))
        return self

    @explains_calls
    def transform(self, X: Any) -> Any:
        """Return (n, maps · OH · OW) numbers, in the floating type of the rows of ``fit``."""
        xp, other, device = get_namespace_and_device(X)
        check_is_fitted(self)
        if other and namespace_of(X) != self._namespace:
            expected = f"{self._namespace}, as in fit: both must use the same namespace"
            raise DTypeError(sentence("Conv2DFeatures.transform()", "X", expected, namespace_of(X)))
        found = self._outputs("transform", X)
        return xp.asarray(found, device=device) if other else found

    @property
    def filters_(self) -> Array:
        """The filters, (maps, channels or 1, fh, fw)."""
        check_is_fitted(self)
        weight: Array = self.model_[0].weight.data  # type: ignore[index]  # it is a Sequential
        return weight

    def _row_shape(self, function: str, rows: Rows) -> Shape:
        features = rows.X.shape[1]
        return picture_shape(function, rows.shape, features, self.image_shape, self.channels)

    def _filters(self, function: str, inputs: Inputs, weights: Array | None) -> Array:
        """Return (maps, channels or 1, fh, fw)."""
        given, channels = self.filters, inputs.shape[0]
        if isinstance(given, str) and given in (RANDOM, PCA):
            count = as_count(function, "n_filters", self.n_filters)
            shape = (channels, *as_pair(function, "kernel_size", self.kernel_size))
            if given == PCA:
                return principal_components(function, count, shape, inputs, weights)
            drawn: Array = check_random_state(self.random_state).standard_normal((count, *shape))
            return drawn / float(np.sqrt(np.prod(shape)))
        listed = [given] if isinstance(given, str) else given
        if isinstance(listed, list | tuple):
            listed = [self._named(function, one) if isinstance(one, str) else one for one in listed]
        array = as_real(function, "filters", listed).astype(np.float64)
        array = array[None] if array.ndim == 2 else array
        expected = f"a name, (fh, fw), (F, fh, fw) or (F, {channels}, fh, fw)"
        if (
            array.ndim not in (3, 4)
            or array.size == 0
            or array.shape[1:-2] not in ((), (channels,))
        ):
            raise ShapeError(sentence(function, "filters", expected, f"shape {array.shape}"))
        if not np.isfinite(array).all():
            raise ArgumentError(sentence(function, "filters", "finite numbers", "NaN or infinity"))
        return np.tile(array[:, None], (channels, 1, 1, 1)) if array.ndim == 3 else array

    def _named(self, function: str, name: str) -> Array:
        if filter_key(name) not in FILTERS:
            expected = f"{RANDOM!r}, {PCA!r}, or names among {', '.join(FILTERS)}"
            raise ArgumentError(sentence(function, "filters", expected, brief(name)))
        return named_filter(name)

    def _layers(self, function: str, filters: Array) -> Sequential:
        """Return the layers, which have no weights yet."""
        maps, of_each, *size = filters.shape
        channels = self.input_shape_[0]
        convolution = Conv2D(
            maps, tuple(size), stride=self.stride, padding=self.padding,
            groups=channels if of_each == 1 else 1, activation=self.activation, bias=False,
        )  # fmt: skip
        layers: list[Layer] = [convolution]
        if self.pool is not None:
            kind = POOLS[as_choice(function, "pool", self.pool, tuple(POOLS))]
            _, *places = convolution.clone().summary(self.input_shape_).rows[0].output
            window = (places[0], places[1])
            if not (isinstance(self.pool_size, str) and self.pool_size == "all"):
                window = fitting_window(function, self.pool_size, window)
            layers.append(kind(window))
        return Sequential(*layers, Flatten())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        return tags


def namespace_of(X: Any) -> str:
    """Return which library's array it is, and on which device."""
    xp, other, device = get_namespace_and_device(X)
    name = xp.__name__.rsplit(".", 1)[-1]
    return name if name == "numpy" or not other else f"{name} on {device}"


def principal_components(
    function: str, count: int, shape: Shape, inputs: Inputs, weights: Array | None
) -> Array:
    """Return the first principal components of all windows of the pictures.

    From each window its mean is taken away. The sign is that with which the largest number of a
    filter is positive.

    Args:
        function: for errors.
        count: how many.
        shape: (C, fh, fw) of a window.
        inputs: the pictures.
        weights: of the pictures, or None.
    """
    numbers = int(np.prod(shape))
    if count > numbers:
        expected = f"at most {numbers}, the numbers in a window {shape}"
        raise ArgumentError(sentence(function, "n_filters", expected, count))
    if shape[1] > inputs.shape[1] or shape[2] > inputs.shape[2]:
        expected, received = f"at most {inputs.shape[1:]}, as the pictures", f"{shape[1:]}"
        raise ShapeError(sentence(function, "kernel_size", expected, received))
    total = np.zeros((numbers, numbers))
    for rows in cut(np.arange(inputs.X.shape[0]), PIECE):
        views = sliding_window_view(inputs.at(rows).array(), shape, axis=(1, 2, 3))
        windows = views.reshape(len(rows), -1, numbers).astype(np.float64)
        windows = windows - windows.mean(axis=2, keepdims=True)
        scaled = windows if weights is None else windows * weights[rows, None, None]
        total += np.tensordot(scaled, windows, axes=((0, 1), (0, 1)))
    components = np.linalg.eigh(total)[1].T[: -count - 1 : -1]
    largest = np.take_along_axis(components, np.argmax(np.abs(components), 1)[:, None], axis=1)
    found: Array = (components * np.sign(largest)).reshape(count, *shape)
    return found
