"""Steps that one kernel computes, beside those of NumPy with a tape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.kernels.runtime import gate
from neural_network.plan.chain import Chain
from tests.needs import kernels
from tests.processes import output_of
from tests.training.test_direct_step import RNG, SERVED, Change, Taped, X, Y, trained, two

dense_chain = kernels("dense_chain")

# The trainings whose batches the kernel reads.
READ = {
    "two layers", "no bias", "a container inside", "float64 inputs", "integer inputs",
    "labels of bytes", "flatten", "squares", "metrics", "clipped and averaged", "augmented",
    "momentum",
}  # fmt: skip


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the rows of each batch that the kernel has computed."""
    found: list[int] = []
    compute = Chain.compute

    def noted(self: Any, X: Any, *arguments: Any) -> Any:
        result = compute(self, X, *arguments)
        if result is not None:
            found.append(len(X))
        return result

    monkeypatch.setattr(Chain, "compute", noted)
    return found


@pytest.mark.parametrize("name", [*(name for name in SERVED if name != "groups")])
def test_the_numbers_of_numpy_with_a_tape(computed: list[int], name: str) -> None:
    made, inputs, targets, options = SERVED[name]
    with nn.use_kernels("numba"):
        flat, history, gradients = trained(nn.Trainer, made, inputs, targets, **options)
    assert bool(computed) == (name in READ), computed
    with nn.use_kernels("numpy"):
        expected, as_told, others = trained(Taped, made, inputs, targets, **options)
    np.testing.assert_allclose(flat, expected, rtol=1e-3, atol=1e-4)
    for measure, values in history.items():
        np.testing.assert_allclose(values, as_told[measure], rtol=1e-4, err_msg=measure)
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4)


def test_sizes_alone_decide(computed: list[int]) -> None:
    def fit(rows: int, width: int) -> None:
        inputs = RNG.standard_normal((rows, 32)).astype("f")
        layers = nn.Dense(width, "relu"), nn.Dense(32)
        trainer = nn.Trainer(nn.Sequential(*layers), rng=0, progress=False)
        trainer.fit(inputs, np.arange(rows) % 3, batch_size=rows)

    products, most = gate.THRESHOLDS["dense chain"], gate.LIMITS["dense chain"]
    fit(products // (64 * 32) - 1, 32)
    assert computed == []
    fit(products // (64 * 32), 32)
    assert computed == [products // (64 * 32)]
    fit(most // (64 * 1024), 1024)
    assert len(computed) == 2
    fit(most // (64 * 1024) + 1, 1024)
    assert len(computed) == 2


@pytest.mark.parametrize("scale", [1e30, 1e38])
def test_what_diverges_is_said(scale: float, computed: list[int]) -> None:
    def spoil(trainer: Any) -> None:
        trainer.memory.flat[:] *= scale

    model = nn.Sequential(*two()).initialize((5,), rng=0)
    trainer = nn.Trainer(model, rng=0, progress=False, callbacks=[Change(3, spoil)])
    with (
        nn.use_kernels("numba"),
        pytest.raises(nn.DivergenceError, match="the loss is (nan|inf) in epoch 1, batch 4"),
    ):
        trainer.fit(X, Y, epochs=3, batch_size=16)
    assert (len(computed), trainer.step) == (3, 3)


def test_a_bad_label_of_a_later_batch_gets_its_sentence() -> None:
    trainer = nn.Trainer(nn.Sequential(*two()), rng=0, progress=False)
    batches = [(X, Y), (X, Y + 1)]
    with (
        nn.use_kernels("numba"),
        pytest.raises(nn.ArgumentError, match="labels: expected class indices from 0 to 2"),
    ):
        trainer.fit(batches)
    assert trainer.step == 1


def test_batches_of_any_layout(computed: list[int]) -> None:
    turned, every = np.asfortranarray(X), np.repeat(Y, 2)[::2]
    held = X.copy()
    held.flags.writeable = every.flags.writeable = False

    def fit(inputs: Any, labels: Any) -> Any:
        model = nn.Sequential(*two())
        with nn.use_kernels("numba"):
            nn.Trainer(model, rng=0, progress=False).fit([(inputs, labels)] * 3)
        return model.flat_parameters().copy()

    expected = fit(X, Y)
    for inputs in (turned, held, np.repeat(X, 2, axis=0)[::2]):
        np.testing.assert_array_equal(fit(inputs, every), expected)
    assert computed == [70] * 12
    kernel = dense_chain.chain
    assert len(getattr(kernel, "signatures", [1])) == 1  # compiled once for all of them


def test_a_resumed_training_has_the_same_bits(tmp_path: Any, computed: list[int]) -> None:
    def trainer(*callbacks: Any) -> Any:
        return nn.Trainer(nn.Sequential(*two()), rng=1, progress=False, callbacks=[*callbacks])

    path = tmp_path / "kept"
    with nn.use_kernels("numba"):
        whole = trainer()
        whole.fit(X, Y, epochs=4, batch_size=16)
        trainer(nn.Checkpoint(path)).fit(X, Y, epochs=2, batch_size=16)
        resumed = trainer()
        resumed.fit(X, Y, epochs=4, batch_size=16, resume=path)
    assert len(computed) == 4 * 5 + 2 * 5 + 2 * 5
    np.testing.assert_array_equal(whole.model.flat_parameters(), resumed.model.flat_parameters())


CODE = """
import hashlib, numpy as np, neural_network as nn
rng = np.random.default_rng(0)
X, y = rng.standard_normal((200, 30)).astype("f"), rng.integers(0, 2, 200)
model = nn.Sequential(nn.Dense(100, "relu"), nn.Dense(2))
nn.Trainer(model, rng=0, progress=False).fit(X, y, epochs=2, batch_size=100)
print(hashlib.sha256(model.flat_parameters()).hexdigest())
"""


def test_one_and_two_threads_give_the_same_bits() -> None:
    one, two = (output_of(CODE, one_thread=False, NUMBA_NUM_THREADS=count) for count in ("1", "2"))
    assert one == two
