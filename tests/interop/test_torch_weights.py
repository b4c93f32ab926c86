"""Weights from and for PyTorch, with state dicts written by hand; PyTorch itself in conformance."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.array_files import write_arrays
from neural_network.errors import ArgumentError, DTypeError, FileFormatError, ShapeError
from neural_network.interop.torch import load_weights, save_weights, state_dict
from tests.needs import need_module

Shapes = Mapping[str, tuple[int, ...]]


def drawn(shapes: Shapes, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in shapes.items()}


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, "relu"), nn.Dense(4, "relu"), nn.Dense(2)).initialize(
        (4,), rng=0
    )


def numbers(model: nn.Layer) -> dict[str, np.ndarray]:
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.data.copy() for name, tensor in tensors}


def assert_unchanged(model: nn.Layer, before: dict[str, np.ndarray]) -> None:
    after = numbers(model)
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)


MLP = {"0.weight": (4, 4), "0.bias": (4,), "1.weight": (4, 4), "1.bias": (4,), "2.weight": (2, 4),
       "2.bias": (2,)}  # fmt: skip


def renamed(state: dict[str, np.ndarray], *layers: str) -> dict[str, np.ndarray]:
    return {f"{layers[int(name[0])]}{name[1:]}": array for name, array in state.items()}


# --- layouts --------------------------------------------------------------------------------


def test_a_dense_weight_is_transposed_and_others_are_not() -> None:
    model = nn.Sequential(nn.Conv2D(5, 3), nn.BatchNorm(), nn.Flatten(), nn.Dense(2)).initialize(
        (3, 4, 4), rng=0
    )
    state = drawn({
        "0.weight": (5, 3, 3, 3), "0.bias": (5,), "1.weight": (5,), "1.bias": (5,),
        "1.running_mean": (5,), "1.running_var": (5,), "3.weight": (2, 20), "3.bias": (2,),
    })  # fmt: skip
    state["1.num_batches_tracked"] = np.array(3)
    done = load_weights(model, state)
    assert done.missing == ()
    assert done.unexpected == ("1.num_batches_tracked",)
    ours = numbers(model)
    np.testing.assert_array_equal(ours["0.weight"], state["0.weight"])
    np.testing.assert_array_equal(ours["1.gamma"], state["1.weight"])
    np.testing.assert_array_equal(ours["1.beta"], state["1.bias"])
    np.testing.assert_array_equal(ours["1.running_mean"], state["1.running_mean"])
    np.testing.assert_array_equal(ours["1.running_variance"], state["1.running_var"])
    np.testing.assert_array_equal(ours["3.weight"], state["3.weight"].T)
    back = state_dict(model)
    for name, array in back.items():
        np.testing.assert_array_equal(array, state[name])


class Own(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(np.ones(3))
        self.gamma = nn.Parameter(np.ones((2, 3)))
        self.inner = nn.Dense(2)

    def forward(self, X: Any) -> Any:
        return self.inner(X * self.scale)


def test_parameters_of_own_layers_keep_their_names_and_layouts() -> None:
    model = Own().initialize((3,), rng=0)
    state = drawn({"inner.weight": (2, 3), "inner.bias": (2,), "gamma": (2, 3), "scale": (3,)})
    assert load_weights(model, state).missing == ()
    np.testing.assert_array_equal(model.gamma.data, state["gamma"])
    np.testing.assert_array_equal(model.inner.weight.data, state["inner.weight"].T)


# --- names and order ------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.", "net.body."])
def test_equal_names_with_or_without_what_wrappers_add(prefix: str) -> None:
    model, state = mlp(), drawn(MLP)
    state = {f"{prefix}{name}": array for name, array in reversed(state.items())}
    assert load_weights(model, state).loaded["1.bias"] == f"{prefix}1.bias"


def test_a_state_dict_of_other_names_is_matched_in_its_order() -> None:
    model = mlp()
    state = renamed(drawn(MLP), "second", "first", "out")
    assert load_weights(model, state).loaded["0.weight"] == "second.weight"


def file_of(path: Path, state: dict[str, np.ndarray]) -> Path:
    write_arrays(path, state, {"format": "pt"})
    return path


@pytest.mark.parametrize("layers", [("0", "2", "10"), ("net.0", "net.2", "net.10"),
                                    ("fc1", "fc2", "out"), ("a.fc9", "a.fc10", "b.x")])  # fmt: skip
def test_numbers_tell_the_order_in_a_file(tmp_path: Path, layers: tuple[str, str, str]) -> None:
    state = renamed(drawn(MLP), *layers)
    done = load_weights(mlp(), file_of(tmp_path / "w.safetensors", state))
    assert [done.loaded[f"{n}.weight"] for n in range(3)] == [f"{name}.weight" for name in layers]


@pytest.mark.parametrize("layers", [("first", "second", "out"), ("encoder.0", "decoder.0", "out"),
                                    ("conv", "conv1", "out")])  # fmt: skip
def test_names_that_say_nothing_about_the_order_are_refused(
    tmp_path: Path, layers: tuple[str, str, str]
) -> None:
    model = mlp()
    before, state = numbers(model), renamed(drawn(MLP), *layers)
    path = file_of(tmp_path / "w.safetensors", state)
    with pytest.raises(ArgumentError, match=r"0, 1 may be any of .*names=\{ours: theirs\}"):
        load_weights(model, path)
    assert_unchanged(model, before)
    loaded = load_weights(model, path, names={"0": layers[0], "1": layers[1]}).loaded
    assert loaded["1.weight"] == f"{layers[1]}.weight"
    assert loaded["2.weight"] == "out.weight"


def test_a_file_read_as_a_dict_is_in_alphabetical_order_too() -> None:
    state = dict(sorted(renamed(drawn(MLP), "second", "first", "out").items()))
    with pytest.raises(ArgumentError, match="alphabetical order"):
        load_weights(mlp(), state)


def test_pairs_by_hand_may_name_parameters() -> None:
    names = {"0.weight": "a", "0.bias": "b", "1": "c", "2": "d"}
    state = {"a": np.ones((4, 4)), "b": np.ones(4), "c.weight": np.ones((4, 4)),
             "c.bias": np.ones(4), "d.weight": np.ones((2, 4)), "d.bias": np.ones(2)}  # fmt: skip
    assert load_weights(mlp(), state, names=names).loaded["0.weight"] == "a"


# --- what does not fit ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            {"2.weight": None},
            ArgumentError,
            r"received none for 2\.weight \(2, 4\) \(strict",
        ),
        ({"3.weight": (5, 2)}, ArgumentError, r"not used: 3\.weight \(5, 2\) \(strict=False"),
        ({"2.weight": (3, 4)}, ShapeError, r"2\.weight: expected shape \(2, 4\), for 2\.weight"),
        ({"0.weight": (4, 5)}, ShapeError, r"0\.weight: expected shape \(4, 4\)"),
    ],
)
def test_a_state_dict_of_another_network(change: Any, error: type[Exception], text: str) -> None:
    shapes = {n: s for n, s in (MLP | change).items() if s is not None}
    model = mlp()
    before = numbers(model)
    with pytest.raises(error, match=text):
        load_weights(model, drawn(shapes))
    assert_unchanged(model, before)


def test_without_strict_the_layers_that_fit_are_loaded() -> None:
    model = mlp()
    before = numbers(model)
    state = drawn(MLP | {"2.weight": (7, 4), "2.bias": (7,)})
    done = load_weights(model, state, strict=False)
    assert done.missing == ("2.weight", "2.bias")
    assert done.unexpected == ("2.weight", "2.bias")
    np.testing.assert_array_equal(model.layers[2].weight.data, before["2.weight"])
    np.testing.assert_array_equal(model.layers[1].bias.data, state["1.bias"])
    done = load_weights(model, renamed(state, "b", "a", "head"), strict=False)
    assert done.loaded["1.weight"] == "a.weight"
    assert done.unexpected == ("head.weight", "head.bias")


NAN, HUGE = np.array([np.nan, 0, 0, 0]), np.full(4, 1e300)


@pytest.mark.parametrize(
    ("array", "error", "text"),
    [
        (NAN, ArgumentError, "1.bias: expected finite numbers, received NaN or infinity; allow"),
        (HUGE, ArgumentError, "1.bias: expected .*float32"),
        (np.array(["a"] * 4), DTypeError, "1.bias: expected an array of real numbers"),
        (np.ones(4) * 1j, DTypeError, "1.bias: expected an array of real numbers"),
        (None, DTypeError, "1.bias: expected an array of real numbers"),
    ],
)
def test_numbers_that_a_model_cannot_hold(array: Any, error: type[Exception], text: str) -> None:
    model = mlp()
    before = numbers(model)
    with pytest.raises(error, match=text):
        load_weights(model, drawn(MLP) | {"1.bias": array})
    assert_unchanged(model, before)


def test_nan_on_request_and_infinity_in_buffers() -> None:
    model = mlp()
    load_weights(model, drawn(MLP) | {"1.bias": NAN}, allow_nonfinite=True)
    assert np.isnan(model.layers[1].bias.data[0])
    with pytest.raises(ArgumentError, match="save_weights: model: expected finite numbers"):
        save_weights(model, "never.safetensors")
    assert not Path("never.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("model", {}), DTypeError, "model: expected a layer or model"),
        ((nn.Dense(2), {}), ArgumentError, "built|initialize"),
        ((mlp(), 3), DTypeError, "source: expected a safetensors file, or a state dict"),
        ((mlp(), {3: np.ones(2)}), DTypeError, "source: expected names that are text"),
        ((mlp(), {}), ArgumentError, "none for 0.weight"),
    ],
)
def test_wrong_arguments(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        load_weights(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"strict": "no"}, DTypeError, "strict: expected True or False"),
        ({"names": ["0"]}, DTypeError, "names: expected a dict"),
        ({"names": {"7": "0"}}, ArgumentError, "names: expected names of layers or parameters"),
        ({"names": {"0": "conv"}}, ArgumentError, "names: expected names of the network"),
        ({"names": {"0": "0", "1": "0"}}, ArgumentError, "each array of the network once"),
        ({"names": {"2": "0"}}, ShapeError, r"0\.weight: expected shape \(2, 4\)"),
        ({"allow_nonfinite": 1.5}, DTypeError, "allow_nonfinite"),
    ],
)
def test_wrong_options(options: Any, error: type[Exception], text: str) -> None:
    model = mlp()
    before = numbers(model)
    with pytest.raises(error, match=text):
        load_weights(model, drawn(MLP), **options)
    assert_unchanged(model, before)


# --- files ----------------------------------------------------------------------------------


def test_a_model_goes_through_a_file(tmp_path: Path) -> None:
    model, other = mlp(), mlp()
    load_weights(model, drawn(MLP, seed=5))
    save_weights(model, tmp_path / "w.safetensors")
    load_weights(other, tmp_path / "w.safetensors")
    assert_unchanged(other, numbers(model))
    assert nn.load_arrays(tmp_path / "w.safetensors").keys() == MLP.keys()


def test_names_of_another_network_on_request(tmp_path: Path) -> None:
    model, theirs = mlp(), renamed(drawn(MLP), "second", "first", "out")
    save_weights(model, tmp_path / "w.safetensors", like=theirs)
    written = nn.load_arrays(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(written["second.weight"], model.layers[0].weight.data.T)
    assert list(state_dict(model, like=theirs)) == list(theirs)
    with pytest.raises(ArgumentError, match="state_dict: like: expected the arrays"):
        state_dict(model, like={"a.weight": np.ones((4, 4))})


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580])
def test_headers_whose_length_begins_as_a_pickle_does(tmp_path: Path, length: int) -> None:
    path, state = tmp_path / "w.safetensors", drawn(MLP)
    write_arrays(path, state, {})
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end].ljust(length)  # spaces may follow the JSON text
    path.write_bytes(length.to_bytes(8, "little") + header + content[end:])
    model = mlp()
    load_weights(model, path)
    np.testing.assert_array_equal(model.layers[0].weight.data, state["0.weight"].T)


def test_a_pickle_is_refused_with_the_lines_that_convert_it(tmp_path: Path) -> None:
    packed, old = tmp_path / "new.pth", tmp_path / "old.pth"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", "x")
    old.write_bytes(pickle.dumps({"0.weight": 1}))
    for path in (packed, old):
        with pytest.raises(
            FileFormatError, match=r"import torch, safetensors\.torch;.*weights_only=True"
        ):
            load_weights(mlp(), path)


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 100, b"\xff" * 16, b"\x89HDF\r\n\x1a\n"])
def test_other_and_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="safetensors"):
        load_weights(mlp(), path)
    with pytest.raises(FileNotFoundError):
        load_weights(mlp(), tmp_path / "none.safetensors")


def test_a_backward_pass_under_way_keeps_its_numbers() -> None:
    model = mlp()
    loss = model(np.ones((2, 4))).sum()
    before = numbers(model)
    with pytest.raises(nn.GradientError, match="still needs"):
        load_weights(model, drawn(MLP))
    assert_unchanged(model, before)
    loss.backward()
    load_weights(model, drawn(MLP))


def test_frozen_parameters_stay_frozen_and_float64_stays() -> None:
    model = mlp().astype(np.float64)
    model.layers[0].freeze()
    load_weights(model, drawn(MLP))
    assert model.dtype == np.float64
    assert not model.layers[0].weight.requires_grad


def test_a_layer_in_several_places() -> None:
    """PyTorch's state dict has it once for each place; ``safetensors.torch.save_model`` once."""
    both = nn.Dense(4)
    model = nn.Sequential(both, nn.Activation("relu"), both, nn.Dense(4)).initialize((4,), rng=0)
    state = nn.interop.torch.state_dict(model)
    assert list(state) == [f"{place}.{leaf}" for place in "023" for leaf in ("weight", "bias")]
    assert np.array_equal(state["0.weight"], state["2.weight"])

    wanted = {name: np.full_like(array, len(name)) for name, array in state.items()}
    wanted["3.weight"] = wanted["3.weight"] + 1
    other = {f"layer{name}": array for name, array in wanted.items()}  # matched by order
    less = {name: array for name, array in wanted.items() if name[0] != "2"}
    for source in (wanted, other, less):
        model[0].weight.data[...] = 0
        report = nn.interop.torch.load_weights(model, source)
        assert report.missing == report.unexpected == ()
        assert (model[0].weight.data == 8).all()
        assert (model[3].weight.data == 9).all()

    text = "load_weights: 2.weight: expected the numbers of 0.weight, which is the same array"
    with pytest.raises(ArgumentError, match=re.escape(text)):
        nn.interop.torch.load_weights(model, {**wanted, "2.weight": np.zeros((4, 4))})
    assert (model[0].weight.data == 8).all()


def test_numbers_that_numpy_lacks() -> None:
    ml_dtypes = need_module("ml_dtypes")
    model = nn.Sequential(nn.Dense(1)).initialize((2,), rng=0)
    state = {"0.weight": np.array([[0.5, -2]], ml_dtypes.bfloat16), "0.bias": np.ones(1)}
    nn.interop.torch.load_weights(model, state)
    assert model[0].weight.data.tolist() == [[0.5], [-2.0]]


def test_tensors_that_are_no_arrays() -> None:
    """Sparse and quantized tensors, and those without numbers, have no ``numpy()``."""

    class Sparse:
        def detach(self) -> Sparse:
            return self

        cpu = detach

        def is_floating_point(self) -> bool:
            return False

        def numpy(self) -> None:
            raise TypeError("can't convert Sparse layout tensor to numpy")

    model = nn.Sequential(nn.Dense(1)).initialize((2,), rng=0)
    text = "load_weights: 0.weight: expected an array of real numbers, received can't convert"
    with pytest.raises(DTypeError, match=text):
        nn.interop.torch.load_weights(model, {"0.weight": Sparse(), "0.bias": np.zeros(1)})
    text = r"received a dict \(the state dict may be source\['state_dict'\]\)"
    with pytest.raises(DTypeError, match=text):
        nn.interop.torch.load_weights(model, {"state_dict": {"0.weight": np.zeros((1, 2))}})
