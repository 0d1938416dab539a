"""Column multigrid: grids of whole z-columns, paired in x and y where their coupling is strong.

A coarse grid is of the same kind as a fine one: one conductance per face. See DESIGN in docs/numerics.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from thermostack.conduction import Conduction

WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000"}  # some microseconds, then sleep


@contextlib.contextmanager
def _patient_threads() -> Iterator[None]:
    """Let OpenMP, which reads its settings as it is loaded, have threads that soon sleep while they wait.

    Otherwise they turn in circles for milliseconds, and where other work wants the processors that costs
    two to ten times the solve. What the user has set is left alone, and nothing stays in the environment.
    """
    mine = {} if WAITING.keys() & os.environ.keys() else WAITING
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


with _patient_threads():
    from thermostack import _columns_double, _columns_single

Array = np.ndarray
Widths = tuple[Array, Array]

KERNELS: dict[type, Any] = {np.float32: _columns_single, np.float64: _columns_double}

COLUMN_PRICE = 2.0  # lambda: what a coarse column costs, where pairing two like ones costs log2(3) = 1.58
INTERFACE_PRICE = 0.8  # of a pair with a material interface all along it
REMOVED = 0.4  # least share of the columns that a coarser grid does without, at a price of up to FAIR_PRICE
FAIR_PRICE = 4.0  # beyond it, pairs are so weak that the smoother does not do its part
LEAST_REMOVED = 0.2  # whatever the price
GENTLE_PRICE = 0.1  # start of the search for pairs where only GENTLY_REMOVED is asked for
GENTLY_REMOVED = 0.12
LONGEST_COST = 40.0  # log2 of a coupling as good as none
TAKES = 5  # maps from a level to the next coarser one
ALIGNMENT = 64  # bytes, a cache line
PAGE = 4096  # bytes after which the sets of a cache repeat
STAGGER = 5 * ALIGNMENT
SAMPLED_ROWS = 32  # where there are more, this many tell how strongly columns couple
SAMPLED_STRIPS = 3  # of columns side by side, likewise
EDGE_ROWS = 4  # rows at either side of a thread's edge whose changes outlive the block
ROWS_PER_THREAD = 16  # least, so that wedges stay apart
PLANES_PER_THREAD = 2  # likewise, where the work goes by planes
CELLS_PER_THREAD = 30_000  # least: below, waiting for each other costs more than the work


class Multigrid:
    """The hierarchy of grids of one conduction operator, and its V(2,2) cycle for one load or several."""

    def __init__(
        self,
        conduction: Conduction,
        widths: Widths | None = None,
        *,
        dtype: type = np.float32,
        is_gentle: bool = False,
        keeps_ground: bool = False,
        threads: int = 1,
    ) -> None:
        self.conduction = conduction
        self.dtype = dtype
        self.threads = threads
        self.loads = 0
        self._held = self._room = 0  # bytes: of the conductances, and of the room for loads
        _, ny, nx = conduction.shape
        dx, dy = widths if widths is not None else (np.ones(nx), np.ones(ny))
        dx, dy = np.asarray(dx, dtype=np.float64), np.asarray(dy, dtype=np.float64)
        self.finest = self._finest_level()
        self.levels = [self.finest]
        self.pairs: list[
            Widths
        ] = []  # of each level but the last: first interval of each coarse one, x and y
        while (fine := self.levels[-1]).nx * fine.ny > 1:
            first_x, first_y = self._pairs(fine, dx, dy, is_gentle)
            self.pairs.append((first_x, first_y))
            self.levels.append(self._coarse_level(fine, dx, dy, first_x, first_y))
            dx, dy = np.add.reduceat(dx, first_x[:-1]), np.add.reduceat(dy, first_y[:-1])
        if not keeps_ground:
            for level in self.levels[1:]:
                self._forget_ground(level)
        self.give_room(1)

    def reground(self, conduction: Conduction) -> None:
        """Take an operator with other ground conductances, on the same cells; the grids stay as they are.

        The hierarchy was made with `keeps_ground`.
        """
        self.conduction = conduction
        ground = conduction.ground
        self.finest.load_ground(ground.start, ground.cell, ground.conductance)
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            fine.sum_ground(coarse)

    def reload(self, conduction: Conduction) -> None:
        """Take an operator with other conductances, grounded in the same cells; the pairs stay.

        The hierarchy was made with `keeps_ground`.
        """
        self.conduction = conduction
        self._load(self.finest)
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            coarse.clear_conductances()
            fine.fill(coarse)

    @property
    def memory(self) -> int:
        """Return the bytes held, the conductances that were given not counted."""
        return self._held + self._room

    def give_room(self, loads: int) -> None:
        """Make room for so many loads at once, where there is not enough yet."""
        if loads <= self.loads:
            return
        self.loads, self._room = loads, 0
        self._live = np.arange(loads, dtype=np.int32)
        for level in self.levels:
            bounds = _division(level.ny, level.nz * level.ny * level.nx, self.threads)
            _, slots = _change_slots(bounds)
            level.give_room(
                None, None, None, None, self._live
            )  # the old room is free before the new is taken
            t, b = self._zeros(2, loads, level.ny, 2, level.nz, level.width, is_room=True)
            # One slot before and one behind, because the columns' neighbours reach one value out of a slab.
            (change,) = self._zeros(1, loads, slots + 2, level.nz, level.width, is_room=True)
            (heat,) = self._zeros(1, len(bounds) - 1, 2, level.nz, level.width, is_room=True)
            level.give_room(t, b, change, heat, self._live)
        self._give_search_room()

    def keep_alive(self, loads: Sequence[int]) -> None:
        """Work on these loads from now on."""
        self._live[: len(loads)] = loads
        for level in self.levels:
            level.keep_alive(len(loads))

    def cycle(self) -> None:
        """Set t of the finest level to the cycle's answer to its b: symmetric and positive definite in b."""
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            fine.down(coarse)
        self.levels[-1].solve()
        for fine, coarse in zip(self.levels[-2::-1], self.levels[:0:-1], strict=True):
            fine.up(coarse)

    def nest(self) -> None:
        """Set t of the finest level to what its b gives on ever finer grids, the coarsest solved first.

        Each grid takes its start from the coarser one and smooths it twice (a full-multigrid start).
        """
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            fine.hand_down(coarse)
        self.levels[-1].solve()
        for fine, coarse in zip(self.levels[-2::-1], self.levels[:0:-1], strict=True):
            fine.clear()
            fine.up(coarse)

    def begin(self, load: int, heat: Array, scale: float) -> None:
        """Set b of a load of the finest level to scale heat."""
        self.finest.begin(load, heat, scale)

    def residual(
        self, load: int, heat: Array, step: float, field: Array, scale: float
    ) -> tuple[float, float]:
        """Add step p to the field of a load, set its b of the finest level to scale (heat - G field).

        Returns that residual's norm and sum [W].
        """
        square, total = self.finest.residual(load, *_arguments(self.conduction), heat, step, field, scale)
        return math.sqrt(square), total

    def _zeros(
        self, count: int, *shape: int, dtype: type | None = None, is_room: bool = False
    ) -> list[Array]:
        """Return arrays of one shape, each begun a few cache lines apart from the others.

        Were they all begun on the same place of a page, the same place of each would share one cache set.
        """
        kind = np.dtype(self.dtype if dtype is None else dtype)
        size = math.prod(shape) * kind.itemsize
        stride = -(-size // PAGE) * PAGE + STAGGER
        room = np.zeros(count * stride + ALIGNMENT, dtype=np.uint8)
        start = -room.ctypes.data % ALIGNMENT
        if is_room:
            self._room += count * size
        else:
            self._held += count * size
        begins = range(start, start + count * stride, stride)
        return [room[begin : begin + size].view(kind).reshape(shape) for begin in begins]

    def _finest_level(self) -> Any:
        c = self.conduction
        nz, ny, nx = c.shape
        is_grounded = (np.diff(c.ground.start) > 0).reshape(nz, ny).T
        level = self._level(KERNELS[self.dtype].FinestLevel, nz, ny, nx, is_grounded)
        self._load(level)
        return level

    def _load(self, level: Any) -> None:
        c = self.conduction
        level.load(c.g_x, c.g_y, c.g_z, c.ground.start, c.ground.cell, c.ground.conductance)

    def _level(self, kind: Any, nz: int, ny: int, nx: int, is_grounded: Array) -> Any:
        width = _row_width(nx)
        line = np.where(is_grounded, np.cumsum(is_grounded).reshape(ny, nz) - 1, -1).astype(np.int32)
        g_x, g_y, g_z, inverse = self._zeros(4, ny, 2, nz, width)
        (ground,) = self._zeros(1, max(int(line.max()) + 1, 1), 2, width)
        level = kind(nx, g_x, g_y, g_z, inverse, ground, line)
        bounds = _division(ny, nz * ny * nx, self.threads)
        slot, _ = _change_slots(bounds)
        level.divide(bounds, slot + 1)
        return level

    def _give_search_room(self) -> None:
        level, loads = self.finest, self.loads
        p, q = self._zeros(2, loads, level.ny, 2, level.nz, level.width, is_room=True)
        (row_sums,) = self._zeros(1, loads, level.ny, 2, dtype=np.float64, is_room=True)
        (line_sums,) = self._zeros(1, level.nz, level.ny, 2, dtype=np.float64, is_room=True)
        (left,) = self._zeros(1, level.blocks, level.nx + 7, dtype=np.float64, is_room=True)
        blocks = max(1, min(level.blocks, level.nz // PLANES_PER_THREAD))
        planes = _parts(level.nz, blocks)
        self.finest.search(p, q, row_sums, line_sums, left, planes)

    def _forget_ground(self, level: Any) -> None:
        self._held -= np.asarray(level.ground).nbytes
        level.forget_ground()

    def _pairs(self, fine: Any, dx: Array, dy: Array, is_gentle: bool) -> Widths:
        """Return the first column of each coarse interval in x and in y, and one beyond the last."""
        cost_x, cost_y = self._pair_costs(fine, dx, dy)
        price = GENTLE_PRICE if is_gentle else COLUMN_PRICE
        while True:
            first_x, first_y = choose_pairs(cost_x, price), choose_pairs(cost_y, price)
            removed = 1.0 - (len(first_x) - 1) * (len(first_y) - 1) / (fine.nx * fine.ny)
            wanted = GENTLY_REMOVED if is_gentle else REMOVED if price <= FAIR_PRICE else LEAST_REMOVED
            if removed >= wanted or price > 2.0 * LONGEST_COST:
                return first_x, first_y
            price *= 1.2

    def _pair_costs(self, fine: Any, dx: Array, dy: Array) -> Widths:
        """Return what it costs to pair each interval with the next, in x and in y."""
        ny, nz, width, nx = fine.ny, fine.nz, fine.width, fine.nx
        lanes = ALIGNMENT // np.dtype(self.dtype).itemsize
        rows, begins = _spread(ny, SAMPLED_ROWS, 1), _spread(width // lanes, SAMPLED_STRIPS, lanes)
        hold = np.zeros((fine.blocks, 2, nz, width), dtype=self.dtype)
        work = np.zeros((fine.blocks, 2 * nz * lanes), dtype=self.dtype)
        weak, jump = np.zeros((2, len(rows), 2, width), dtype=self.dtype)
        fine.weigh_x(rows, _by_parity(dx, width + 1, self.dtype), hold, work, weak, jump)
        cost_x = self._costs(weak, jump, 0)
        weak, jump = np.full((2, ny, 2, width), -1.0, dtype=self.dtype)
        across: Array = np.repeat(dy.astype(self.dtype)[:, None], width, axis=1)
        fine.weigh_y(begins, across, hold, work, weak, jump)
        return cost_x[: nx - 1], self._costs(weak, jump, 1)[: ny - 1]

    def _costs(self, weak: Array, jump: Array, axis: int) -> Array:
        """Return log2 of the mean of 1 + weakness over the faces there are, and the price of interfaces."""
        mean = np.empty((2, 2 * weak.shape[2] if axis == 0 else len(weak)))
        KERNELS[self.dtype].average(weak, jump, axis, mean)
        with np.errstate(invalid="ignore"):
            costs = np.log2(1.0 + mean[0]) + INTERFACE_PRICE * mean[1]
        # fmin, because a cost that is no number would never let a pair be made.
        bounded: Array = np.fmin(costs, LONGEST_COST)
        return bounded

    def _coarse_level(self, fine: Any, dx: Array, dy: Array, first_x: Array, first_y: Array) -> Any:
        is_grounded = np.maximum.reduceat(np.asarray(fine.line) >= 0, first_y[:-1], axis=0)
        ny, nx = len(first_y) - 1, len(first_x) - 1
        coarse = self._level(KERNELS[self.dtype].Level, fine.nz, ny, nx, is_grounded)
        take = np.empty((TAKES, 2, coarse.width), dtype=np.int32)
        give = np.empty((2, fine.width), dtype=np.int32)
        coarse_of = np.empty(fine.ny, dtype=np.int32)
        shrink_x: Array = np.empty((2, coarse.width), dtype=self.dtype)
        shrink_y: Array = np.empty(ny, dtype=self.dtype)
        fine.coarsen(coarse, first_x, first_y, dx, dy, take, give, coarse_of, shrink_x, shrink_y)
        return coarse


def operate(conduction: Conduction, t: Array, out: Array, threads: int = 1) -> None:
    """Set out to G t [W], all in natural order, temperatures and heats in float64.

    With conductances in float64 this is the work unit of the benchmarks.
    """
    KERNELS[np.float64].operate(*_arguments(conduction), t, out, threads)


def size_of(field: Array, threads: int = 1) -> tuple[float, float]:
    """Return the root of the sum of squares and the sum of absolute values of a field (nz, ny, nx)."""
    sums = np.empty((field.shape[0], 2))
    KERNELS[np.float64].weigh(field, sums, threads)
    square, absolute = sums.sum(axis=0).tolist()
    return math.sqrt(square), absolute


def _arguments(conduction: Conduction) -> tuple[Array, ...]:
    """Return the operator as the kernels take it."""
    c = conduction
    none = np.zeros(c.shape[2], c.g_x.dtype)  # what a line has for a neighbour where there is none
    return c.g_x, c.g_y, c.g_z, none, c.ground.start, c.ground.cell, c.ground.conductance


def choose_pairs(cost: Array, price: float) -> Array:
    """Return the first interval of each coarse one, and one beyond the last, at the least total cost.

    `cost` is that of pairing interval i with i + 1, `price` that of each coarse interval. Intervals come
    alone or in pairs. Where there are two intervals or more, the cheapest pair is always made.
    """
    n = len(cost) + 1
    best, is_pair = [0.0, price], [False, False]
    for extra in cost.tolist():
        single, pair = best[-1] + price, best[-2] + price + extra
        best.append(min(single, pair))
        is_pair.append(pair < single)
    first = [n]
    while first[-1] > 0:
        first.append(first[-1] - (2 if is_pair[first[-1]] else 1))
    return np.array(first[::-1], dtype=np.int32)


def _row_width(nx: int) -> int:
    """Return the values kept per line of one parity: whole cache lines, at least one value to spare."""
    lanes = ALIGNMENT // 4
    return -(-((nx + 1) // 2 + 1) // lanes) * lanes


def _spread(count: int, wanted: int, step: int) -> Array:
    """Return at most so many of the places 0, step, ... spread evenly, in steps that fit no pattern."""
    chosen = (
        np.arange(count) if count <= wanted else ((np.arange(wanted) + 0.5) * (count / wanted)).astype(int)
    )
    return (chosen * step).astype(np.int32)


def _by_parity(values: Array, width: int, dtype: Any) -> Array:
    """Return a line's values with those of even x first, then those of odd x, unused places zero."""
    split = np.zeros((2, width), dtype=dtype)
    split[0, : (len(values) + 1) // 2], split[1, : len(values) // 2] = values[::2], values[1::2]
    return split


def _division(ny: int, cells: int, threads: int) -> Array:
    """Return the first row of each thread's block, and one beyond the last."""
    blocks = max(1, min(threads, ny // ROWS_PER_THREAD, cells // CELLS_PER_THREAD))
    return _parts(ny, blocks)


def _parts(count: int, parts: int) -> Array:
    """Return the first of each of the parts that so many are cut into, and one beyond the last."""
    return np.array([count * n // parts for n in range(parts + 1)], dtype=np.int32)


def _change_slots(bounds: Sequence[int] | Array) -> tuple[Array, int]:
    """Return the slot of each row's changes and how many slots there are.

    Inside a block four slots are used in turn; rows beside an edge have their own, for the wedge.
    """
    ny, blocks = int(bounds[-1]), len(bounds) - 1
    slot = np.empty(ny, dtype=np.int32)
    for block in range(blocks):
        rows = np.arange(bounds[block], bounds[block + 1])
        slot[rows] = 4 * block + rows % 4
    used = 4 * blocks
    for edge in bounds[1:-1]:
        slot[edge - EDGE_ROWS : edge + EDGE_ROWS] = used + np.arange(2 * EDGE_ROWS)
        used += 2 * EDGE_ROWS
    return slot, used
