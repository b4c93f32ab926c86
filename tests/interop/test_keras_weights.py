"""Weights of Keras' files, written here as Keras writes them; Keras itself in conformance."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import ArgumentError, DTypeError, FileFormatError
from neural_network.interop.keras import load_weights
from tests.interop.test_torch_weights import assert_unchanged, numbers

Arrays = dict[str, np.ndarray]


def write(path: Path, arrays: Arrays) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[f"layers/{name}"] = array
        file.create_group("layers/flatten/vars")
        file.create_group("vars")
        file["optimizer/vars/0"] = 3
    return path


def cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(4, 3, activation="relu"), nn.BatchNorm(epsilon=1e-3), nn.DepthwiseConv2D(2, 2),
        nn.Flatten(), nn.Dense(5), nn.Dense(3),
    ).initialize((3, 6, 5), rng=0)  # fmt: skip


def stored(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    shapes = {
        "conv2d/vars/0": (3, 3, 3, 4), "conv2d/vars/1": (4,),
        "batch_normalization/vars/0": (4,), "batch_normalization/vars/1": (4,),
        "batch_normalization/vars/2": (4,), "batch_normalization/vars/3": (4,),
        "depthwise_conv2d/vars/0": (2, 2, 4, 2), "depthwise_conv2d/vars/1": (8,),
        "dense/vars/0": (48, 5), "dense/vars/1": (5,),
        "dense_1/vars/0": (5, 3), "dense_1/vars/1": (3,),
    }  # fmt: skip
    return {name: rng.uniform(0.1, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def as_keras_computes(arrays: Arrays, pictures: np.ndarray) -> np.ndarray:
    """Compute the network above with channels last, by loops over places."""
    kernel, bias = arrays["conv2d/vars/0"], arrays["conv2d/vars/1"]
    maps = np.empty((len(pictures), 4, 3, 4))
    for i, j in np.ndindex(4, 3):
        maps[:, i, j] = np.tensordot(pictures[:, i : i + 3, j : j + 3], kernel, 3) + bias
    maps = np.maximum(maps, 0)
    gamma, beta, mean, variance = (arrays[f"batch_normalization/vars/{n}"] for n in range(4))
    maps = (maps - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    deep, bias = arrays["depthwise_conv2d/vars/0"], arrays["depthwise_conv2d/vars/1"]
    after = np.empty((len(pictures), 3, 2, 8))
    for i, j, c, m in np.ndindex(3, 2, 4, 2):
        window = maps[:, i : i + 2, j : j + 2, c]
        after[:, i, j, 2 * c + m] = np.tensordot(window, deep[:, :, c, m], 2) + bias[2 * c + m]
    hidden = after.reshape(len(after), -1) @ arrays["dense/vars/0"] + arrays["dense/vars/1"]
    return hidden @ arrays["dense_1/vars/0"] + arrays["dense_1/vars/1"]


def test_a_network_with_channels_last_computes_the_same_here(tmp_path: Path) -> None:
    model, arrays = cnn(), stored()
    done = load_weights(model, write(tmp_path / "x.weights.h5", arrays))
    assert done.missing == done.unexpected == ()
    assert done.loaded["2.weight"] == "layers/depthwise_conv2d/vars/0"
    pictures = np.random.default_rng(1).normal(size=(7, 6, 5, 3)).astype(np.float32)
    ours = model.predict(np.moveaxis(pictures, -1, 1))
    np.testing.assert_allclose(ours, as_keras_computes(arrays, pictures), rtol=1e-4)


def test_channels_first_leaves_the_rows_of_the_dense_layer(tmp_path: Path) -> None:
    model, arrays = cnn(), stored()
    load_weights(model, write(tmp_path / "x.weights.h5", arrays), channels="first")
    np.testing.assert_array_equal(model.layers[4].weight.data, arrays["dense/vars/0"])


def test_nested_sequentials_and_layers_without_a_bias(tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Dense(2, bias=False), nn.Sequential(nn.Dense(4), nn.LayerNorm()), nn.Dense(2)
    ).initialize((3,), rng=0)
    arrays = {
        "dense/vars/0": np.ones((3, 2)), "dense_1/vars/0": np.ones((4, 2)),
        "dense_1/vars/1": np.ones(2), "sequential/layers/dense/vars/0": np.ones((2, 4)),
        "sequential/layers/dense/vars/1": np.ones(4),
        "sequential/layers/layer_normalization/vars/0": np.full(4, 3.0),
        "sequential/layers/layer_normalization/vars/1": np.ones(4),
    }  # fmt: skip
    done = load_weights(model, write(tmp_path / "x.weights.h5", arrays))
    assert done.missing == done.unexpected == ()
    assert model.layers[1].layers[1].gamma.data[0] == 3


def test_pictures_of_one_channel_and_rows_need_no_other_order(tmp_path: Path) -> None:
    arrays = {"dense/vars/0": np.arange(36).reshape(12, 3), "dense/vars/1": np.ones(3)}
    path = write(tmp_path / "x.weights.h5", arrays)
    for shape in [(3, 4), (1, 3, 4)]:
        model = nn.Sequential(nn.Flatten(), nn.Dense(3)).initialize(shape, rng=0)
        load_weights(model, path)
        np.testing.assert_array_equal(model.layers[1].weight.data, arrays["dense/vars/0"])
    model = nn.Sequential(nn.Flatten(), nn.Dense(3)).initialize((3, 2, 2), rng=0)
    load_weights(model, path)
    np.testing.assert_array_equal(model.layers[1].weight.data[:4, 0], [0, 9, 18, 27])


@pytest.mark.parametrize(
    ("layers", "shape", "text"),
    [
        ([nn.Residual(nn.Dense(3))], (3,), "layer 0, Residual, which is none of a Sequential"),
        ([nn.Conv2D(2, 3), nn.Dense(3)], (1, 5, 5), "layer 1, Dense, which computes along the wid"),
        (
            [nn.Conv2D(2, 3, activation="softmax")],
            (1, 5, 5),
            "layer 0, Conv2D, which has a softmax",
        ),
        (
            [nn.Conv2D(2, 3), nn.Activation("log_softmax")],
            (1, 5, 5),
            "layer 1, Activation, which ha",
        ),
        ([nn.Conv1D(2, 3), nn.LayerNorm()], (1, 5), "layer 1, LayerNorm, which computes along"),
        (
            [nn.Embedding(9, 5), nn.Dropout(0.1), nn.Conv1D(2, 3)],
            (5,),
            "layer 2, Conv1D, which tak",
        ),
        ([nn.Embedding(9, 4), nn.BatchNorm()], (4,), "layer 1, BatchNorm, which computes along"),
        ([nn.Sequential(nn.Dense(2)), nn.Residual(nn.Dense(2))], (3,), "layer 1, Residual"),
    ],
)
def test_layers_that_compute_something_else_in_keras(
    tmp_path: Path, layers: list[nn.Layer], shape: tuple[int, ...], text: str
) -> None:
    whole = isinstance(layers[0], nn.Embedding)
    model = nn.Sequential(layers).initialize(shape, rng=0, **({"dtype": np.int64} if whole else {}))
    with pytest.raises(ArgumentError, match=text):
        load_weights(model, write(tmp_path / "x.weights.h5", {}))


def without(arrays: Arrays, *names: str) -> Arrays:
    return {name: array for name, array in arrays.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dense_1/vars/1": None}, r"none for 5\.weight \(as layers/dense_1/vars/0"),
        ({"dense_2/vars/0": np.ones((3, 3))}, r"not used: layers/dense_2/vars/0 \(3, 3\)"),
        ({"dense/vars/0": np.ones((40, 5))}, r"none for 4\.weight"),
        ({"dense/vars/2": np.ones(5)}, r"none for 4\.weight"),
    ],
)
def test_weights_of_another_network(tmp_path: Path, change: Arrays, text: str) -> None:
    model = cnn()
    before = numbers(model)
    arrays = {name: array for name, array in (stored() | change).items() if array is not None}
    path = write(tmp_path / "x.weights.h5", arrays)
    with pytest.raises(ArgumentError, match=text):
        load_weights(model, path)
    assert_unchanged(model, before)
    done = load_weights(model, path, strict=False)
    assert "0.weight" in done.loaded
    assert done.missing or done.unexpected


def archive(path: Path, weights: bytes, config: object) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.weights.h5", weights)
        file.writestr("config.json", json.dumps(config))
    return path


def sequential(*layers: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    described = [{"class_name": name, "config": config} for name, config in layers]
    return {"class_name": "Sequential", "config": {"layers": described}}


CONV = {"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "groups": 1}
CNN: list[tuple[str, dict[str, Any]]] = [
    ("InputLayer", {}),
    ("Conv2D", CONV | {"data_format": "channels_last", "activation": "relu"}),
    ("BatchNormalization", {"epsilon": 1e-3, "momentum": 0.99}),
    ("DepthwiseConv2D", CONV | {"activation": "linear", "depth_multiplier": 2}),
    ("Dropout", {"rate": 0.5}),
    ("Flatten", {}),
    ("Dense", {"units": 5, "activation": "linear"}),
    ("Dense", {"units": 3, "activation": "linear"}),
]


# --- damaged and hostile files --------------------------------------------------------------


def test_damaged_files(tmp_path: Path) -> None:
    model = cnn()
    before = numbers(model)
    right = write(tmp_path / "x.weights.h5", stored()).read_bytes()
    whole = archive(tmp_path / "x.keras", right, sequential()).read_bytes()
    path = tmp_path / "damaged"
    for content in [b"", b"x", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", right[:500], right[: len(right) // 2],
                    whole[:300], whole[: len(whole) // 2]]:  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="weights.h5 or .keras"):
            load_weights(model, path)
    assert_unchanged(model, before)
    with pytest.raises(FileNotFoundError):
        load_weights(model, tmp_path / "none.keras")


def test_archives_that_are_packed_too_densely(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.keras", bytes(20_000_000), sequential())
    with pytest.raises(FileFormatError, match=r"model\.weights\.h5: expected at most 16,.* bytes"):
        load_weights(cnn(), path)


def test_files_of_keras_2(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_group("model_weights").attrs["layer_names"] = ["dense"]
    with pytest.raises(FileFormatError, match="Keras 2; model.save_weights"):
        load_weights(cnn(), path)


def test_numbers_in_other_files_are_refused(tmp_path: Path) -> None:
    model = cnn()
    secret = write(tmp_path / "secret.h5", stored())
    for kind in ("external link", "soft link", "external numbers", "virtual", "nothing"):
        path = tmp_path / f"{kind}.weights.h5"
        with h5py.File(path, "w") as file:
            if kind == "external link":
                file["layers"] = h5py.ExternalLink(str(secret), "/layers")
            elif kind == "soft link":
                file["real"] = 1
                file["layers/dense"] = h5py.SoftLink("/real")
            elif kind == "external numbers":
                file.create_dataset(
                    "layers/dense/vars/0", (4,), "f4", external=[(str(secret), 0, 16)]
                )
            elif kind == "virtual":
                layout = h5py.VirtualLayout((4,), "f4")
                layout[:] = h5py.VirtualSource(str(secret), "layers/conv2d/vars/1", (4,))
                file.create_virtual_dataset("layers/dense/vars/0", layout)
        with pytest.raises(FileFormatError, match="no group|in another file"):
            load_weights(model, path, strict=False)


def test_huge_shapes_are_never_allocated(tmp_path: Path) -> None:
    path = tmp_path / "x.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", (1 << 40, 5), "f4", chunks=(1024, 5))
    with pytest.raises(ArgumentError, match=r"not used: layers/dense/vars/0 \(1099511627776, 5\)"):
        load_weights(cnn(), path)


def test_cycles_of_groups_end(tmp_path: Path) -> None:
    path = tmp_path / "x.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense")
        group["again"] = group
    with pytest.raises(FileFormatError, match="at most 65536 groups"):
        load_weights(cnn(), path)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"channels": "middle"}, ArgumentError, 'channels: expected "last" or "first"'),
        ({"strict": None}, DTypeError, "strict"),
        ({"allow_nonfinite": "x"}, DTypeError, "allow_nonfinite"),
    ],
)
def test_wrong_options(tmp_path: Path, options: Any, error: type[Exception], text: str) -> None:
    path = write(tmp_path / "x.weights.h5", stored())
    with pytest.raises(error, match=text):
        load_weights(cnn(), path, **options)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(DTypeError, match="path"):
        load_weights(cnn(), 3)
    with pytest.raises(ArgumentError, match="initialize"):
        load_weights(nn.Sequential(nn.Dense(2)), tmp_path / "x")
    arrays = stored() | {"conv2d/vars/1": np.full(4, np.nan, np.float32)}
    with pytest.raises(ArgumentError, match=r"0\.bias: expected finite numbers"):
        load_weights(cnn(), write(tmp_path / "x.weights.h5", arrays))
    text = stored() | {"conv2d/vars/1": np.array([b"a", b"b", b"c", b"d"])}
    with pytest.raises(DTypeError, match=r"0\.bias: expected real numbers"):
        load_weights(cnn(), write(tmp_path / "x.weights.h5", text))


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.weights.h5", stored())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(nn.MissingDependencyError, match=r"'h5py'.*neural-network-numpy\[keras\]"):
        load_weights(cnn(), path)


def test_a_part_packed_in_an_unknown_way_is_damage(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.keras", b"weights", sequential(*CNN))
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 10 : entry + 12] = b"\x63\x00"  # of the compression, in the list of parts
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="received a damaged one"):
        load_weights(cnn(), path)
