"""Prediction of rows by themselves: all stages in one compiled call.

For one row, a call of each stage costs more than it; for many, what is between two stages would
leave the cache.

``Program`` is the table that ``kernels.single_row`` computes. It holds no number of a layer, only
the addresses of their arrays, so that a change of the numbers in place needs no notice.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from operator import attrgetter, is_
from typing import NamedTuple

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.window import Window
from neural_network.kernels import instructions
from neural_network.kernels.instructions import (
    COLUMNS,
    FIELDS,
    FUNCTIONS,
    MEMORY,
    SLACK,
    TENSORS,
    patches_of_channel,
)
from neural_network.kernels.runtime.aligned import LINE, address, aligned
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.plan.chain import ChainOutputs
from neural_network.plan.matching import Match
from neural_network.plan.vocabulary import BatchNorm, LinearStep, Shape, Stage, Step

# Multiplications of a network from which several threads compute it: on one they take so long that
# waking the others is little beside it. Or numbers of weights: one thread reads them slowly from
# beyond its second-level cache.
SEVERAL_THREADS, SEVERAL_WEIGHTS = 6_000_000, 1 << 19
# Beyond so many, a call of each stage costs little, and the kernels for many rows compute a row.
MOST = 1 << 27
# Numbers that are copied for the windows of a task, and windows at least: they stay in the
# second-level cache.
PATCHES, FEWEST = 1 << 17, 64
# Multiplications of a task at least, and tasks of a stage at most, where several threads compute
# it: small matrices are multiplied at less than the full speed.
TASK, TASKS = 400_000, 4
# Filters of a task where several threads compute a stage of few positions, and channels of a task
# that computes each channel by itself.
FILTERS, CHANNELS = 32, 8
# Numbers of a task that computes an activation function.
NUMBERS = 4096

# Many rows go one by one through all stages where a batch would wait for memory: there are at most
# so many products for each number that stages read or write, and the numbers of a row and all
# weights fit the second-level cache. Of vectors, a batch is a better matrix: they have at most this
# share of the work.
PRODUCTS, MEMORY_OF_ROW, WEIGHTS, VECTORS = 100, 1 << 18, 1 << 16, 7
# Fewer are not worth what it takes to compile for them, such as those of the trial of ``fit``.
MANY = 64
# The rows are cut into so many blocks, whatever the number of threads.
BLOCKS = 16
NUMBERS_OF_NORM = ("gamma", "beta", "mean", "variance")

_array = attrgetter("data")


class Place(NamedTuple):
    """Numbers in the memory of a program: where they begin, and their shape, channels first."""

    offset: int
    shape: Shape


class Bound(NamedTuple):
    """A program whose addresses are filled in.

    Attributes:
        run: the kernel that computes the table.
        table: of addresses and sizes.
        arrays: of the layers, whose addresses it holds.
        row, result: where a row and the result are.
        memory: that the table points to.
    """

    run: Callable[[Array], None]
    table: Array
    arrays: list[Array]
    row: Array
    result: Array
    memory: Array


class Blocks(NamedTuple):
    """A program for blocks of rows that are computed at the same time.

    Attributes:
        tables: of each block.
        arrays: as in ``Bound``.
        bounds: which hold the memory.
    """

    tables: Array
    arrays: list[Array]
    bounds: list[Bound]


class Program:
    """The stages of a match for one row.

    Args:
        match: whose stages are computed.
        row: the shape of a row, channels first.

    Attributes:
        whole: whether each stage could be written.
        many: computes many rows of dense layers.
    """

    def __init__(self, match: Match, row: Shape) -> None:
        self._work, stages, own_work = match.work, match.stages, match.kernel_work
        self._several = own_work >= SEVERAL_THREADS or match.size >= SEVERAL_WEIGHTS
        self._rows: list[dict[str, int]] = []
        self._tensors: list[Tensor] = []
        self._constants: list[float] = []
        self._size, self._scratch = SLACK, 0
        self._bound: list[Bound] = []  # those that no call uses
        self._blocks: list[Blocks] = []
        self.many: ChainOutputs | None = None
        self._row_shape = row
        self._row = self.place(row if len(row) != 2 else (row[0], 1, row[1]))
        result = self.written(stages, self._row)
        self._result = self._row if result is None else result
        shape = self._result.shape
        self._result_shape = shape[::2] if match.axes == 1 and len(shape) == 3 else shape
        if len(stages[-1].output_shape) == 1:  # flattened
            self._result_shape = (prod(shape),)
        self.whole = result is not None and all(
            tensor.data.dtype == np.float32 and tensor.data.flags.c_contiguous
            for tensor in self._tensors
        )
        numbers = sum(prod(stage.input_shape) + prod(stage.output_shape) for stage in stages)
        vectors = sum(stage.kernel_work for stage in stages if len(stage.input_shape) == 1)
        self._in_cache = (
            own_work <= PRODUCTS * numbers
            and vectors * VECTORS <= own_work
            and sum(tensor.data.size for tensor in self._tensors) <= WEIGHTS
            and self._size + self._scratch <= MEMORY_OF_ROW
        )

    # --- writing ---------------------------------------------------------------------

    def written(self, stages: list[Stage], source: Place) -> Place | None:
        """Write stages that follow each other; return where their result is, None if one cannot."""
        end: Place | None = source
        for stage in stages:
            end = None if end is None else stage.write(self, end)
        return end

    def place(self, shape: Shape) -> Place:
        """Return memory for numbers of this shape."""
        place = Place(self._size, shape)
        self._size += -(-prod(shape) // (LINE // 4)) * (LINE // 4)
        return place

    def convolve(
        self, source: Place, step: LinearStep, norm: BatchNorm | None, window: Window,
        *, relu: bool, pool: Window | None,
    ) -> Place | None:  # fmt: skip
        """Write a convolution with batch norm, relu and max pooling; return its result's place."""
        if not _fits(window):
            return None
        filters, channels = step.weight.shape[:2]
        rows, positions = (pool or window).outputs
        ph, pw = (1, 1) if pool is None else pool.taps
        taps, of_row = channels * prod(window.taps), positions * pw * ph
        whole = window.taps == window.stride == (1, 1) and not any(map(any, window.pads))
        direct = whole and positions * pw == window.sizes[1]

        def patches(band: int) -> int:
            """Return the numbers that a task copies for so many rows."""
            if direct:
                return 0
            down, along = window.taps
            high, wide = band * ph, positions * pw
            return channels * patches_of_channel(high, wide, down, along, window.stride[0])

        band, group = rows, filters
        while band > 1 and band * of_row > FEWEST and patches(band) > PATCHES:
            band = -(-band // 2)
        if self._several:
            tasks = min(TASKS, max(1, rows * of_row * taps * filters // TASK))
            band = min(band, max(-(-rows // tasks), -(-FEWEST // of_row)))
            group = filters if rows >= tasks * band else min(filters, FILTERS)
        columns = -(-band * of_row // COLUMNS) * COLUMNS
        return self._add(
            "CONVOLVE", source, (filters, rows, positions), step, norm,
            tasks=-(-rows // band) * -(-filters // group),
            piece=columns * group + patches(band),
            pool_down=ph, pool_along=pw, relu=relu, direct=direct, band=band, group=group,
            **_geometry(window),
        )  # fmt: skip

    def transposed(
        self, source: Place, step: LinearStep, norm: BatchNorm | None, window: Window,
        *, relu: bool,
    ) -> Place | None:  # fmt: skip
        """Write a transposed convolution with batch norm and relu; return its result's place.

        Args:
            window: of the convolution that it is the transpose of.
        """
        if not _fits(window) or max(window.taps) > SLACK // 2:
            return None
        channels, filters = step.weight.shape[:2]
        # Of a phase: one result of so many, and the taps that it has.
        high, wide = (
            -(-(size + begin) // stride) - begin // stride
            for size, (begin, _), stride in zip(
                window.sizes, window.pads, window.stride, strict=True
            )
        )
        down, along = (-(-t // s) for t, s in zip(window.taps, window.stride, strict=True))
        pitch = wide + along - 1
        band, group = max(1, min(high, PATCHES // (channels * pitch))), filters
        if self._several:
            work = prod(window.outputs) * step.weight.size
            tasks = min(TASKS, max(1, work // TASK))
            band = min(band, max(-(-high // tasks), -(-FEWEST // pitch)))
            group = filters if high >= tasks * band else min(filters, FILTERS)
        columns = -(-band * pitch // COLUMNS) * COLUMNS
        planes = channels * (band + down - 1) * pitch
        return self._add(
            "TRANSPOSED", source, (filters, *window.sizes), step, norm,
            tasks=-(-high // band) * -(-filters // group),
            piece=columns * group + planes + prod(window.taps) * channels * group + 2 * SLACK,
            relu=relu, band=band, group=group, **_geometry(window),
        )  # fmt: skip

    def depthwise(
        self, source: Place, step: LinearStep, norm: BatchNorm | None, window: Window, *, relu: bool
    ) -> Place | None:
        """Write a depthwise convolution with batch norm and relu; return its result's place."""
        if not _fits(window):
            return None
        channels = len(step.weight)
        high, wide = (
            (outputs - 1) * stride + reach
            for outputs, stride, reach in zip(
                window.outputs, window.stride, window.reach, strict=True
            )
        )
        # Few channels, whose numbers stay in the first-level cache.
        group = min(channels, CHANNELS)
        return self._add(
            "DEPTHWISE", source, (channels, *window.outputs), step, norm,
            tasks=-(-channels // group),
            piece=3 * (group * (high * wide + 2 * COLUMNS) + SLACK), group=group,
            relu=relu, **_geometry(window),
        )  # fmt: skip

    def dense(
        self, source: Place, step: LinearStep, norm: BatchNorm | None, *, relu: bool
    ) -> Place:
        """Write a dense layer with batch norm and relu; return its result's place."""
        inputs, units = step.weight.shape
        # A task computes the units of one tile.
        return self._add(
            "DENSE", Place(source.offset, (inputs,)), (units,), step, norm,
            tasks=-(-units // 64), relu=relu,
        )  # fmt: skip

    def mean(self, source: Place) -> Place:
        """Write the mean of each channel; return its place."""
        return self._add("MEAN", source, source.shape[:1])

    def activate(self, source: Place, function: str, option: float) -> Place:
        """Write an activation function, one of ``FUNCTIONS``; return its result's place."""
        size = prod(source.shape)
        band = min(size, NUMBERS) if self._several else size
        return self._add(
            "ACTIVATE", source, source.shape, tasks=-(-size // band), constant=option,
            function=FUNCTIONS.index(function), band=band,
        )  # fmt: skip

    def pool(self, source: Place, window: Window, *, maximum: bool) -> Place | None:
        """Write the largest or the mean number of each window; return their place."""
        if not _fits(window):
            return None
        channels = source.shape[0]
        group = CHANNELS if self._several else channels
        return self._add(
            "MAX_POOL" if maximum else "AVG_POOL", source, (channels, *window.outputs), None, None,
            tasks=-(-channels // group), piece=prod(window.outputs) + SLACK, group=group,
            **_geometry(window),
        )  # fmt: skip

    def normalize(self, source: Place, norm: BatchNorm, *, relu: bool) -> Place:
        """Write batch norm, and relu; return its result's place."""
        return self._add("NORMALIZE", source, source.shape, None, norm, relu=relu)

    def add(self, one: Place, other: Place, *, relu: bool) -> Place:
        """Write the sum of two arrays, and relu; return its place."""
        return self._add("ADD", one, one.shape, other=other.offset, relu=relu)

    def _add(
        self, kind: str, source: Place, shape: Shape, step: LinearStep | None = None,
        norm: BatchNorm | None = None, *, tasks: int = 1, piece: int = 0, constant: float = 0.0,
        **fields: int,
    ) -> Place:  # fmt: skip
        """Write a row of the table; return the place of its result."""
        target = self.place(shape)
        sizes = dict(zip(("channels", "height", "width"), (*source.shape, 1, 1), strict=False))
        sizes |= dict(zip(("filters", "rows", "columns"), (*shape, 1, 1), strict=False))
        piece = -(-piece // (LINE // 4)) * (LINE // 4)
        apart = piece if self._several else 0  # one thread uses the same piece for all tasks
        self._scratch = max(self._scratch, piece + apart * (tasks - 1))
        self._rows.append(
            sizes | fields | {
                "kind": getattr(instructions, kind), "tasks": tasks, "source": source.offset,
                "target": target.offset, "piece": piece, "apart": apart,
                "constant": len(self._constants),
                **{name: self._tensor(step, name) for name in ("weight", "bias")},
                **{name: self._tensor(norm, name) for name in NUMBERS_OF_NORM},
            }
        )  # fmt: skip
        self._constants.append(norm.epsilon if norm else constant)
        return target

    def _tensor(self, step: Step | None, name: str) -> int:
        """Return the number of a step's tensor, −1 for none."""
        tensor = getattr(step, name, None)
        if tensor is None:
            return -1
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    # --- computing -------------------------------------------------------------------

    def predicted(self, X: Array) -> Array | None:
        """Compute all stages of rows, of which nothing is recorded, if that is faster; else None.

        Args:
            X: (N, …), at least one row.
        """
        if len(X) == 1:
            return self.one_row(X) if kernel_wanted("single row", self._work) else None
        if self.many is not None:
            return self.many.predicted(X)
        in_cache = self._in_cache and len(X) >= MANY
        wanted = in_cache and kernel_wanted("network", len(X) * self._work)
        return self.each_row(X) if wanted else None

    def one_row(self, X: Array) -> Array:
        """Compute all stages of a single row, (1, …)."""
        try:
            bound = self._bound.pop()
        except IndexError:
            bound = self._bind()
        if not all(map(is_, map(_array, self._tensors), bound.arrays)):
            bound = self._bind()
        bound.row[...] = X
        bound.run(bound.table)
        out: Array = bound.result.copy()
        self._bound.append(bound)
        return out

    def each_row(self, X: Array) -> Array:
        """Compute all stages of many rows, (N, …), each thread one row after the other."""
        from neural_network.kernels.single_row import compute_rows  # loads Numba

        try:
            blocks = self._blocks.pop()
        except IndexError:
            blocks = self._bind_blocks()
        if not all(map(is_, map(_array, self._tensors), blocks.arrays)):
            blocks = self._bind_blocks()
        out = np.empty((len(X), prod(self._result_shape)), np.float32)
        numbers = np.require(X.reshape(len(X), -1), None, ["C", "W"])
        compute_rows(blocks.tables, numbers, out)
        self._blocks.append(blocks)
        return out.reshape(len(X), *self._result_shape)

    def _bind_blocks(self) -> Blocks:
        """Return the tables of all blocks, each with memory of its own."""
        bounds = [self._bind() for _ in range(BLOCKS)]
        return Blocks(np.stack([bound.table for bound in bounds]), bounds[0].arrays, bounds)

    def _bind(self) -> Bound:
        """Return the table with the addresses of new memory, and of the layers' arrays."""
        from neural_network.kernels import single_row  # loads Numba

        scratch = self._size
        constants = scratch + -(-self._scratch // COLUMNS) * COLUMNS
        memory = aligned((constants + len(self._constants) + SLACK,))
        memory[constants:][: len(self._constants)] = self._constants
        arrays = [tensor.data for tensor in self._tensors]
        addresses = np.array([*map(address, arrays), 0])  # that of -1 is 0
        table = np.array([[row.get(name, 0) for name in FIELDS] for row in self._rows], np.int64)
        table[:, FIELDS.index("scratch")] = scratch
        table[:, FIELDS.index("constant")] += constants
        table[:, MEMORY] = 4 * table[:, MEMORY] + address(memory)
        table[:, TENSORS] = addresses[table[:, TENSORS]]
        row, result = (
            memory[place.offset :][: prod(place.shape)].reshape(1, *shape)
            for place, shape in ((self._row, self._row_shape), (self._result, self._result_shape))
        )
        kernel = single_row.compute if self._several else single_row.compute_on_one_thread
        return Bound(kernel, table, arrays, row, result, memory)


def _fits(window: Window) -> bool:
    """Return whether what a kernel reads beyond an image is memory of the program."""
    return max(map(max, window.pads)) <= SLACK and max(window.stride) <= SLACK


def _geometry(window: Window) -> dict[str, int]:
    """Return the numbers of a window that the table holds."""
    found = {"top": window.pads[0][0], "left": window.pads[1][0]}
    for name, numbers in (
        ("taps", window.taps), ("stride", window.stride), ("spacing", window.dilation)
    ):  # fmt: skip
        found[f"{name}_down"], found[f"{name}_along"] = numbers
    return found


def program_of(match: Match, row: Shape) -> Program | None:
    """Return the program of a match for rows of this shape, or None if a stage has none."""
    if match.kernel_work > MOST:
        return None
    program = Program(match, row)
    if ChainOutputs.serves(match):
        program.many = ChainOutputs(match)
    return program if program.whole else None
