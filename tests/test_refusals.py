"""Errors that the library raises itself, and that answer the ``except`` for NumPy's and Python's."""

from __future__ import annotations

import pickle
from operator import add, setitem
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import functional as F  # noqa: N812  # as elsewhere
from neural_network.errors import both

nested: Any = 1.0
for _ in range(5000):
    nested = [nested]
endless: list[Any] = [1.0]
endless.append(endless)
X = np.ones((1, 1, 2), np.float32)


def fit(**options: Any) -> Any:
    trainer = nn.Trainer([nn.Dense(2)], rng=0, progress=False)
    return trainer.fit([[1.0], [2.0]], [0, 1], **options)


def tanh(x: Any) -> Any:
    return np.tanh(x)


def add_in_place(array: Any) -> None:
    array += nn.Tensor(np.ones(5))


@pytest.mark.parametrize(
    ("call", "kinds", "match"),
    [
        (lambda: nn.DepthwiseConv2D(3)(np.ones((1, 0, 8, 8))), ValueError, "at least one channel"),
        (lambda: nn.Dense(2)(nn.Dense(3)), TypeError, "Dense: X: expected real numbers"),
        (lambda: nn.Flatten()(nn.Sequential(nn.Dense(3))), TypeError, "Flatten: X: expected real"),
        (lambda: nn.Dense(2**64), ValueError, "Dense: units: expected a whole number from 1 to"),
        (lambda: nn.Dense(2**62).initialize((4,)), ValueError, "an array that can be addressed"),
        (lambda: nn.interpolate(X, 10**14), MemoryError, "interpolate: .* the memory is enough"),
        (
            lambda: nn.adaptive_avg_pool1d(X, 10**14),
            MemoryError,
            "adaptive_avg_pool1d: .* output_size 1000",
        ),
        (
            lambda: nn.models.perceptron(10**14),
            MemoryError,
            r"glorot_uniform: .* the memory is enough .* .model\[1\] D",
        ),
        (lambda: nn.grad(3)(1.0), TypeError, "grad: f: expected a function, received 3"),
        (lambda: nn.vjp("f", 1.0), TypeError, "vjp: f: expected a function"),
        (
            lambda: nn.Tensor([1.0], requires_grad="no"),
            TypeError,
            "requires_grad: expected True or",
        ),
        (lambda: fit(resume=3.5), TypeError, "fit: resume: expected .* received 3.5"),
        (lambda: nn.Tensor([1.0])[7], IndexError, "index: X, key: .* key 7"),
        (
            lambda: nn.Sequential(nn.Dense(1))[7],
            IndexError,
            "Sequential: place: expected a place of 1 layers: 0 to 0, received 7",
        ),
        (lambda: nn.Sequential(nn.Dense(1)).remove(7), IndexError, "Sequential.remove: .* 7"),
        (lambda: np.sum(nn.Tensor([1.0]), axis=4), ValueError, "sum: .* axis 4"),
        (lambda: nn.Tensor([1.0]).argmax(3), np.exceptions.AxisError, "Tensor.argmax: .*axis 3"),
        (lambda: F.matmul(np.ones(4), np.ones(3)), ValueError, "a float64 .4,., b float64 .3,."),
        (lambda: F.split(np.ones(4), 3), ValueError, "split: X, sections, axis"),
        (
            lambda: float(nn.Tensor([1.0, 2.0])),
            TypeError,
            "float: tensor: expected a single number",
        ),
        (lambda: bool(nn.Tensor([1.0, 2.0])), ValueError, r"truth value .any\(\) or .all"),
        (lambda: nn.INITIALIZERS["he"]((2,), 0, 1, 0), ValueError, "he_normal: fan_in: expected"),
        (lambda: nn.History(3), TypeError, "History: values: expected a dict"),
        (lambda: nn.op(3), TypeError, "op: forward: expected a function written in Python"),
        (
            lambda: nn.gradient(nn.relu, np.ones((2, 2))),
            TypeError,
            "gradient: name: expected one of",
        ),
        (lambda: nn.Dense(nested), ValueError, "Dense: arguments: expected lists that end"),
        (lambda: nn.Dense(endless), ValueError, "Dense: arguments: expected lists that end"),
        (lambda: nn.relu(endless), ValueError, "relu: "),
        (lambda: nn.Dense(5, bias=np.ones((50, 50))), TypeError, "bias: expected True or False"),
        (lambda: nn.Dense(2).predict(nested), ValueError, "predict: X: expected lists that end"),
        (lambda: nn.Dense(2).predict(endless), ValueError, "predict: X: expected lists that end"),
        (lambda: nn.grad(np.sum)(nested), ValueError, "arguments: expected lists that end"),
        (lambda: nn.vjp(np.sum, nested), ValueError, "arguments: expected lists that end"),
        (lambda: nn.jvp(np.sum, nested, nested), ValueError, "expected lists that end"),
        (lambda: nn.hvp(np.sum, nested, nested), ValueError, "expected lists that end"),
        (lambda: nn.jacobian(np.sum)(nested), ValueError, "expected lists that end"),
        (lambda: nn.check_gradients(np.sum, nested), ValueError, "expected lists that end"),
        (lambda: nn.Flatten().summary((1,) * 64), ValueError, "shape: expected at most 63 sizes"),
        (lambda: nn.Flatten().initialize((1,) * 64), ValueError, "initialize: .* most 63 sizes"),
        (lambda: nn.interpolate(X, 2**62), MemoryError, "interpolate: .* the memory is enough"),
        (lambda: range(10**12) * nn.Tensor([1.0]), MemoryError, "mul.*: .* the memory is enough"),
        (lambda: add(((), {}), nn.Tensor([1.0])), ValueError, "add: a, b: .* inhomogeneous"),
        (lambda: nn.mse_loss(nn.Tensor([1.0]), ([1], [2, 3])), ValueError, "mse_loss: "),
        (lambda: add_in_place(np.ones(5, "i1")), TypeError, "add: out=: .*Cannot cast"),
        (lambda: add_in_place(np.ones((2, 3))[:, :2]), ValueError, "add: out=: .* broadcast"),
        (
            # An old NumPy tells no signature of its own functions.
            lambda: nn.op(tanh)(ValueError()),
            TypeError,
            "tanh: .* callable tanh method",
        ),
        (
            lambda: nn.batch_statistics(np.ones((1,) * 53)),
            ValueError,
            "X: expected at most 52 axes",
        ),
        (lambda: nn.INITIALIZERS["zeros"]((1,) * 65, 1, 1, 0), ValueError, "zeros: shape: .* 64 s"),
        (lambda: nn.INITIALIZERS["orthogonal"]((1,) * 65, 1, 1, 0), ValueError, "at most 64 sizes"),
        (lambda: nn.hessian(np.tanh)(np.ones((1,) * 40)), ValueError, "hessian: f: .* 64 axes"),
        (lambda: nn.models.mlp(range(10**12)), MemoryError, "mlp: hidden: .* the memory is enough"),
        (lambda: nn.Flatten().draw(2**32, 2**10), MemoryError, "draw: rows, width: expected"),
        (lambda: nn.l2_regularization(range(10**12), 1), TypeError, "weights: expected a list of"),
        (lambda: nn.Flatten().draw(2**62, 1), ValueError, "draw: rows, width: expected"),
        (
            lambda: setattr(nn.Dense(2), "built", True),
            AttributeError,
            "Dense: built: expected no a",
        ),
        (
            lambda: setattr(nn.Sequential(nn.Dense(1)), "input_dtype", nn.BatchNorm()),
            AttributeError,
            "Sequential: input_dtype: expected no assignment",
        ),
        (
            lambda: nn.scaled_dot_product_attention(
                *[np.ones((2, 2))] * 3, mask=np.ones((1,) * 40)
            ),
            ValueError,
            "scaled_dot_product_attention: mask: expected",
        ),
        (
            lambda: nn.visual.show_predictions(np.array(0), [X[0]], [[1.0]]),
            ValueError,
            "show_predictions: pictures: expected 3 or 4 dimensions",
        ),
        (lambda: nn.EarlyStopping("loss").load_state(X), TypeError, "load_state: state: expected"),
        (lambda: nn.load_image_folder("x" * 300), ValueError, "cannot read x*: File name too long"),
        (lambda: nn.Dense(2)(np.full((1, 2), 1e39)), ValueError, "Dense: X: .* float32 can hold"),
        (lambda: nn.Dense(2).predict(np.full((1, 2), 1e39)), ValueError, r"at most 3.4e\+38"),
        (lambda: nn.Parameter([-1e39]), ValueError, r"Parameter: data: .* received -1e\+39"),
        (lambda: nn.Tensor([1.0]).flatten(order=np.ones(2)), TypeError, "ravel: .*order must be"),
        *(
            (lambda size=size: nn.adaptive_max_pool1d(X, size), kinds, match)
            for size, kinds, match in (
                (2**62, MemoryError, "adaptive_max_pool1d: .* the memory is enough"),
                (2**63 - 1, MemoryError, "adaptive_max_pool1d: .* the memory is enough"),
                (2**63, ValueError, "output_size: expected a whole number from 1 to"),
            )
        ),
        *(
            (lambda value=value: nn.Trainer(nn.Dense(2), callbacks=value), TypeError, "callbacks")
            for value in (np.ma.masked, np.array(3), nn.Tensor(3.0))
        ),
        (
            lambda: nn.Trainer(nn.Dense(2), metrics=np.ma.masked),
            TypeError,
            "Trainer: metrics: expected",
        ),
        (lambda: nn.Checkpoint("c").write(X), TypeError, "Checkpoint.write: trainer: expected"),
        (
            lambda: nn.Checkpoint("c").write(nn.Trainer(nn.Dense(2))),
            ValueError,
            "Checkpoint",
        ),
        (lambda: nn.Trainer(nn.Dense(2)).train_step(X), AttributeError, "memory: .* fit before"),
        (lambda: nn.Trainer(nn.Dense(2)).compute_loss(X, X), TypeError, "batch: expected a Batch"),
        (lambda: nn.op(nested), TypeError, "op: forward: expected a function written in Python"),
        (lambda: nn.initial_parameters(np.array(3)), TypeError, "sizes: expected a list of sizes"),
        (lambda: nn.initial_parameters((2**40, 2**40)), ValueError, "initial_parameters: sizes"),
        (lambda: nn.INITIALIZERS["he"]((1,) * 100, 1, 1, 0), ValueError, "he_normal: shape"),
        (lambda: nn.Dense(2).initialize((3,), dtype=1e300), TypeError, "initialize: dtype: exp"),
        (lambda: setattr(nn.Dense(2), "training", X), TypeError, "Dense: training: expected True"),
        (lambda: nn.hvp(np.sum, range(10**12), 1.0), ValueError, "hvp: the arguments: expected"),
        (lambda: nn.hvp(np.sum, "a", 1.0), TypeError, "hvp: the arguments: expected real"),
        (lambda: nn.Tensor([1.0]) + nested, ValueError, "expected lists that end"),
        (lambda: nn.Tensor([1.0])[nested], ValueError, "expected lists that end"),
        (lambda: setitem(nn.Tensor([1.0]), 0, nested), ValueError, "expected lists that end"),
        (lambda: nn.grad(lambda _: nested)(1.0), ValueError, "expected lists that end"),
        (lambda: nn.Trainer(nn.Dense(2), metrics=nested), TypeError, "Trainer: metrics: expected"),
        (lambda: nn.Trainer(nn.Dense(2)).train_epoch(X), TypeError, "train_epoch: feed: expected"),
        (lambda: nn.Trainer(nn.Dense(2)).measure("a", X), TypeError, "measure: outputs: expected"),
        (lambda: nn.Trainer(nn.Dense(2)).add_measures(3, X, 1), TypeError, "found: expected"),
        (lambda: nn.Trainer(nn.Dense(2)).go_to({}, {}), KeyError, "position: expected"),
        *(
            (lambda name=name: getattr(nn.Trainer(nn.Dense(2)), name), AttributeError, name)
            for name in ("memory", "epochs", "measures", "feed_shape", "latest")
        ),
        *(
            (
                lambda name=name: getattr(nn.Trainer(nn.Dense(2)), name)(),
                AttributeError,
                "Trainer: memory: expected a call of fit before",
            )
            for name in ("update", "draws", "averaged", "final_arrays")
        ),
    ],
)
def test_the_error_is_a_sentence_of_both_classes(call: Any, kinds: Any, match: str) -> None:
    with pytest.raises(kinds, match=match) as caught:
        call()
    assert isinstance(caught.value, nn.NeuralNetworkError)
    assert len(str(caught.value)) <= 500


def test_a_class_that_is_two_survives_another_process() -> None:
    error = both(nn.ArgumentError, IndexError)("text")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is nn.ArgumentError
    assert str(again) == "text"
    assert both(nn.ArgumentError, ValueError) is nn.ArgumentError


def test_an_empty_batch_is_flattened() -> None:
    assert nn.Flatten()(np.ones((0, 3, 4))).shape == (0, 12)


def test_what_np_errstate_and_the_callers_functions_raise_is_theirs() -> None:
    with np.errstate(over="raise"), pytest.raises(FloatingPointError) as caught:
        F.exp(np.array([1000.0]))
    assert not isinstance(caught.value, nn.NeuralNetworkError)
    with pytest.raises(ZeroDivisionError) as other:
        nn.grad(lambda x: x * (1 // 0))(1.0)
    assert not isinstance(other.value, nn.NeuralNetworkError)


def test_a_list_with_a_tensor_is_recorded_by_a_layer() -> None:
    x = nn.Tensor(2.0, requires_grad=True)
    nn.Dense(1, initializer="ones")([[x, 1.0]]).backward()
    assert x.grad == 1


def test_numbers_that_are_not_too_large_pass_in_silence() -> None:
    assert np.isinf(nn.Flatten()(np.full((1, 2), np.inf))).all()
    assert nn.Parameter([3.4e38, 1e-300]).data.dtype == np.float32


def test_labels_of_half_precision_and_many_classes() -> None:
    rows = nn.one_hot(np.array([0, 2], np.float16), 100_000)
    assert rows.shape == (2, 100_000)
    assert rows[1, 2] == rows.sum(axis=1).max() == 1


def test_a_logarithm_of_a_sum_over_unsigned_integers() -> None:
    found = F.logsumexp(np.array([0, 1, 2], np.uint8), keepdims=True)
    np.testing.assert_allclose(found, [np.log(np.exp([0.0, 1, 2]).sum())], rtol=1e-12)
    with pytest.raises(TypeError, match="logsumexp: X, axis, keepdims"):
        F.logsumexp(np.ones(2), None, NotImplemented)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("make", [nn.Dropout, nn.Dropout2D])
def test_an_empty_batch_is_dropped_from_in_training(make: Any) -> None:
    assert make(0.5)(np.ones((0, 3, 2, 2))).shape == (0, 3, 2, 2)
    assert np.isnan(nn.Dropout(0.5, rng=0)(np.full((9, 9), np.inf))).any()  # without a warning


def test_a_binary_accuracy_of_a_number() -> None:
    with pytest.raises(ValueError, match="binary_accuracy: y_true: expected the shape"):
        nn.binary_accuracy(np.ones((4, 3)), 1)


def test_an_unknown_key_of_a_table_of_names() -> None:
    tables: list[tuple[Any, str]] = [
        (nn.OPTIMIZERS, "adam"), (nn.INITIALIZERS, "he"), (nn.models.MODELS, "mlp"),
        (nn.FILTERS, "edges"),
    ]  # fmt: skip
    for table, known in tables:
        for key in ("x", 3, ("a",), "x" * 3000):
            match = f"expected one of .*{known}.*; received "
            with pytest.raises(KeyError, match=match) as caught:
                table[key]
            assert isinstance(caught.value, nn.ArgumentError)
            assert len(str(caught.value)) <= 500
            assert key not in table
        assert table.get("x") is None
        assert known in table


def test_lists_in_themselves_are_no_attribute_of_a_layer() -> None:
    value: list[Any] = []
    value.append(value)
    layer = nn.Flatten()
    with pytest.raises(ValueError, match="Flatten: own: expected lists that end"):
        layer.own = value  # type: ignore[attr-defined]  # an attribute of one's own


def test_a_report_of_classes_holds_rows_of_one_length() -> None:
    report = nn.training.ClassReport(*np.ones((4, 2)))
    assert "1.0000" in repr(report)
    for values, match in [
        ((1.0, *np.ones((3, 2))), "ClassReport: precision: expected 1 dimension"),
        ((*np.ones((3, 2)), [1.0]), r"ClassReport: count: expected the shape \(2,\)"),
        ((np.ones(2), np.ones(2) * 1j, *np.ones((2, 2))), "ClassReport: recall: expected real"),
    ]:
        with pytest.raises(nn.ArgumentError, match=match):
            nn.training.ClassReport(*values)


def test_a_jacobian_beyond_the_memory_is_refused_before_it_is_computed() -> None:
    match = "jacobian: f, the arguments: expected sizes that the memory is enough for"
    with pytest.raises(MemoryError, match=match) as caught:
        nn.jacobian(nn.relu)(np.ones(2**21))
    assert isinstance(caught.value, nn.ArgumentError)


def test_a_summary_is_made_of_rows() -> None:
    for rows in (nn.Dropout(0.5), np.ones(3), [1]):
        with pytest.raises(TypeError, match="Summary: rows: expected rows of a summary"):
            nn.layers.Summary(rows, 0, 0, 0)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("value", [np.ones((1, 2, 0, 5)), np.ones(3), [1.5], None, "1"])
@pytest.mark.parametrize("name", ["parameters", "learned", "multiply_adds"])
def test_the_counts_of_a_summary_are_numbers(name: str, value: Any) -> None:
    counts = {"parameters": 3, "learned": 2.0, "multiply_adds": np.int64(4)}
    assert "1.0 parameters are frozen" in repr(nn.layers.Summary((), **counts))  # type: ignore[arg-type]  # a count of one's own layer may be one
    with pytest.raises(TypeError, match=f"Summary: {name}: expected a number, received"):
        nn.layers.Summary((), **(counts | {name: value}))


@pytest.mark.parametrize("value", [np.zeros(0), np.array(["a"]), "a", [1], None])
def test_what_a_summary_does_not_count_is_text(value: Any) -> None:
    with pytest.raises(TypeError, match="Summary: uncounted: expected layers in words, received"):
        nn.layers.Summary((), 0, 0, 0, value)


def test_wrong_rows_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(MemoryError, match="split: X.*: expected sizes that the memory"):
        nn.split(range(10**12), 0.5)
    with pytest.raises(TypeError, match="split: by_class: expected True, False, or a label"):
        nn.split(np.ones((4, 3)), fraction=0.5, by_class=[[1, 2], [3]])
    with pytest.raises(TypeError, match="Trainer: metrics: expected functions"):
        nn.Trainer(nn.Dense(2), metrics=range(10**12))  # type: ignore[arg-type]  # the point
    with pytest.raises(MemoryError, match="interpolate: .*: expected sizes that the memory"):
        nn.interpolate(np.ones((1, 1, 3)), scale=1.7e308)
