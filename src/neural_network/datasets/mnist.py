"""MNIST, a sample of which is shipped, and Fashion-MNIST."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Literal

from neural_network.checks import Array, as_choice
from neural_network.datasets.idx import read_idx
from neural_network.datasets.sources import Collection, Dataset, find_or_download
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, FileFormatError, sentence
from neural_network.files import as_path, shipped
from neural_network.public import named, public

Split = Literal["train", "test"]
Subset = Literal["sample", "full"]

SAMPLE_FOLDER = Path(__file__).parent / "samples"
SAMPLE_SIZES = {"train": 5000, "test": 1000}

# Pictures and labels, first those to train on, then those to test with.
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# SHA-256 of their unzipped content, which is the same at every mirror; the gzip files differ.
DIGESTS = (
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
MNIST = Collection(
    name="MNIST",
    cache_name="mnist",
    digests=dict(zip(FILES, DIGESTS, strict=True)),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://yann.lecun.com/exdb/mnist/",
    ),
    in_data_folder=True,
)
FASHION_DIGESTS = (
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)
FASHION_MNIST = Collection(
    name="Fashion-MNIST",
    cache_name="fashion-mnist",
    digests=dict(zip(FILES, FASHION_DIGESTS, strict=True)),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    # The folder of Debian's package dataset-fashion-mnist.
    system_folders=(Path("/usr/share/datasets/fashion-mnist"),),
)


@public
@explains_calls
def load_mnist(
    split: Split = "train",
    subset: Subset = "sample",
    path: str | os.PathLike[str] | None = None,
) -> tuple[Array, Array]:
    """Load handwritten digits of MNIST.

    The *sample*, the first 5,000 training and the first 1,000 test digits in
    their order, comes with the library. The *full* set, 60,000 and 10,000, is
    read from ``path``. Without a path, it is looked for in the folder
    ``$NEURAL_NETWORK_DATA`` and in the user's cache, and is else downloaded into
    the cache (extra ``data``) and accepted only if its SHA-256 is right.

    Args:
        split: ``"train"`` or ``"test"``.
        subset: ``"sample"`` or ``"full"``.
        path: a folder with the four files of the full set, gzipped or not; no other is
            searched then.

    Returns:
        ``(images, labels)``: (n, 28, 28) uint8 from 0 (paper) to 255 (ink), and
        (n,) uint8 from 0 to 9. The first training digit is a 5.

    Raises:
        ArgumentError: an unknown split or subset; a ``path`` with the sample.
        DatasetNotFoundError: the full set was not found; the sentence lists where
            it was looked for and how to supply it.
        FileFormatError: a file is damaged or holds something else.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied
    to document recognition", Proc. IEEE 86, 1998.

    >>> images, labels = load_mnist()
    >>> images.shape, labels[0]
    ((5000, 28, 28), np.uint8(5))
    """
    _check_split("load_mnist", split)
    as_choice("load_mnist", "subset", subset, ("sample", "full"))
    if path is not None:
        as_path("load_mnist", "path", path)
    if subset == "full":
        return _read_pair(find_or_download(MNIST, _file_names(split), path))
    if path is not None:
        raise ArgumentError(
            sentence(
                "load_mnist",
                "path",
                "none with subset='sample', which comes with the library (subset='full' reads it)",
                repr(os.fspath(path)),
            )
        )
    with ExitStack() as stack:
        files = [SAMPLE_FOLDER / f"{name}.gz" for name in _file_names(split)]
        package = "neural_network.datasets"
        return _read_pair([stack.enter_context(shipped(package, file)) for file in files])


def _check_split(function: str, split: str) -> None:
    if isinstance(split, str) and split in ("sample", "full"):
        received = f"{split!r}; {function}(subset={split!r}) is that"
        raise ArgumentError(sentence(function, "split", "one of 'train', 'test'", received))
    as_choice(function, "split", split, ("train", "test"))


@public
@explains_calls
def load_fashion_mnist(
    split: Split = "train",
    subset: Subset = "sample",
    path: str | os.PathLike[str] | None = None,
) -> tuple[Array, Array]:
    """Load pictures of clothes, Fashion-MNIST: the shapes of MNIST, but harder to classify.

    It does not come with the library: it is read from ``path``, or looked for in
    ``$NEURAL_NETWORK_DATA/fashion-mnist``, in the user's cache and in the folder of Debian's
    package ``dataset-fashion-mnist``, and is else downloaded as ``load_mnist`` does.

    Args:
        split: ``"train"`` or ``"test"``.
        subset: ``"sample"`` for the first 5,000 training or 1,000 test
            pictures, as with MNIST; ``"full"`` for all 60,000 or 10,000.
        path: a folder with the four files, gzipped or not.

    Returns:
        ``(images, labels)``: (n, 28, 28) uint8, and (n,) uint8: 0 T-shirt,
        1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker,
        8 bag, 9 ankle boot.

    Raises:
        ArgumentError, DatasetNotFoundError, FileFormatError: as ``load_mnist``.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST", arXiv 1708.07747.

    >>> load_fashion_mnist("validation")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    neural_network.errors.ArgumentError: load_fashion_mnist: split: expected one of ...
    """
    _check_split("load_fashion_mnist", split)
    as_choice("load_fashion_mnist", "subset", subset, ("sample", "full"))
    if path is not None:
        as_path("load_fashion_mnist", "path", path)
    images, labels = _read_pair(find_or_download(FASHION_MNIST, _file_names(split), path))
    count = SAMPLE_SIZES[split] if subset == "sample" else len(images)
    return images[:count], labels[:count]


DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt", "trousers", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
MNIST_SAMPLE = named("dataset", "mnist")(Dataset(load_mnist, DIGITS, "digit"))
MNIST_FULL = named("dataset", "mnist-full")(
    Dataset(partial(load_mnist, subset="full"), DIGITS, "digit")
)
FASHION_MNIST_FULL = named("dataset", "fashion-mnist")(
    Dataset(partial(load_fashion_mnist, subset="full"), CLOTHES)
)


def _file_names(split: str) -> tuple[str, ...]:
    return FILES[:2] if split == "train" else FILES[2:]


def _read_pair(paths: list[Path]) -> tuple[Array, Array]:
    """Read pictures and labels, and check that they are of the right kind and number."""
    images, labels = (read_idx(path) for path in paths)
    if images.dtype != "uint8" or images.ndim != 3 or images.shape[1:] != (28, 28):
        raise FileFormatError(
            f"{paths[0]}: expected pictures of shape (n, 28, 28) uint8, "
            f"received {images.shape} {images.dtype}"
        )
    if labels.dtype != "uint8" or labels.ndim != 1:
        raise FileFormatError(
            f"{paths[1]}: expected labels of shape (n,) uint8, "
            f"received {labels.shape} {labels.dtype}"
        )
    if len(images) != len(labels):
        raise FileFormatError(
            f"{paths[1]}: expected {len(images)} labels, one for each picture of "
            f"{paths[0].name}, received {len(labels)}"
        )
    if labels.size and labels.max() > 9:
        raise FileFormatError(f"{paths[1]}: expected labels from 0 to 9, received {labels.max()}")
    return images, labels
