"""Counter-based random numbers: the same seed, step and row give the same numbers.

A counter-based generator has no state to carry along: it is a function from a key and
a counter to random numbers. The key is the seed and the purpose; the counter is the
step, which draw of the step it is (dropout layers draw one after the other), and the
position in the batch. So a resumed training, another number of threads, or a batch cut
into pieces draws the same numbers by construction.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011 (Philox).
"""

from __future__ import annotations

import zlib
from contextvars import ContextVar

import numpy as np

from neural_network.checks import Array, as_count, as_generator, within_memory

# A Philox block is four words of 64 bits; a counter step makes one block.
WORDS_IN_BLOCK = 4


class Draws:
    """The random numbers of one step: each call of ``integers`` is the next draw.

    Args:
        seed: of the whole run, below 2⁶⁴.
        step: which step of it.
        position: place in the batch of the first row that is seen here.
    """

    def __init__(self, seed: int, step: int, position: int = 0) -> None:
        self.seed, self.step, self.position = seed, step, position
        self.count = 0

    @within_memory
    def draw(self, rows: int, width: int) -> Array:
        """Return what ``integers`` returns, for sizes that a user has chosen."""
        return self.integers(rows, width)

    def integers(self, rows: int, width: int) -> Array:
        """Return (rows, width) uint32 from 0 to 2³² − 1, of which each row has its own counter."""
        blocks = -(-width // (2 * WORDS_IN_BLOCK))  # two numbers in a word
        bits = np.random.Philox(
            key=_key(self.seed, "layers"),
            counter=np.array([self.position * blocks, self.count, self.step, 0], np.uint64),
        )
        self.count += 1
        words = bits.random_raw(rows * blocks * WORDS_IN_BLOCK)
        return words.view(np.uint32).reshape(rows, 2 * blocks * WORDS_IN_BLOCK)[:, :width]


_draws: ContextVar[Draws | None] = ContextVar("draws", default=None)


class drawing:  # noqa: N801  # called like a function
    """Let the layers inside the block draw from here (this thread alone)."""

    __slots__ = ("_draws", "_token")

    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    def __enter__(self) -> None:
        self._token = _draws.set(self._draws)

    def __exit__(self, *error: object) -> None:
        _draws.reset(self._token)


def current_draws() -> Draws | None:
    """Return what a training step set up, or None outside one."""
    return _draws.get()


def generator(seed: int, purpose: str, step: int = 0) -> np.random.Generator:
    """Return the generator of one purpose ("order", "weights" …) at one step."""
    counter = np.array([0, 0, step, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=_key(seed, purpose), counter=counter))


def as_seed(rng: object, function: str = "Trainer") -> int:
    """Return the seed of a run: an int itself, else 63 bits drawn from the generator.

    Raises:
        DTypeError, ArgumentError: no seed and no Generator.
    """
    if rng is None or isinstance(rng, np.random.Generator):
        return int(as_generator(function, rng).integers(1 << 63))
    return as_count(function, "rng", rng, minimum=0, maximum=np.inf)


def _key(seed: int, purpose: str) -> Array:
    return np.array([seed % (1 << 64), zlib.crc32(purpose.encode())], np.uint64)


class Drawing:
    """The part of a ``Layer`` that draws random numbers."""

    _own_draws: Draws | None = None

    def draw(self, rows: int, width: int) -> Array:
        """Return random numbers for a layer of one's own to use in ``forward``.

        Inside a ``Trainer`` they follow from its seed, the step and the row, so that a
        training that is resumed draws what the unbroken one would have; else from a seed
        of the layer's own.

        Args:
            rows: how many rows the batch has.
            width: how many numbers each of them needs.

        Returns:
            (rows, width) float32 from 0 up to but not including 1, a multiple of 2⁻²⁴ each.

        Raises:
            DTypeError, ArgumentError: no whole numbers of at least 1.

        >>> class Jitter(Layer):
        ...     def forward(self, X):
        ...         return X + self.draw(len(X), 1) if self.training else X
        >>> out = Jitter()(np.zeros((2, 3)))
        >>> bool((out >= 0).all() and (out < 1).all())
        True
        """
        size = (as_count("draw", "rows", rows), as_count("draw", "width", width))
        # As many bits as a float32 holds; more would be rounded, up to 1.
        bits = self._drawn(*size) >> np.uint32(8)
        return bits.astype(np.float32) * np.float32(2**-24)

    def _drawn(self, rows: int, width: int) -> Array:
        """Return (rows, width) uint32 from 0 to 2³² − 1, from a training step or our own."""
        draws = current_draws()
        if draws is None:
            if self._own_draws is None:
                self._own_draws = Draws(as_seed(None), step=0)
            draws = self._own_draws
        return draws.draw(rows, width)
