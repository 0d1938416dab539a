"""Column multigrid: grids of whole z-columns, paired in x and y where their coupling is strong.

A coarse grid is of the same kind as a fine one: one conductance per face. See DESIGN in docs/numerics.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from thermostack.finite_volume.conduction import Conduction
from thermostack.mesh.coarsening_rule import CACHE_LINE, COARSENING, CoarseningRule, row_width

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
    from thermostack.linear import _multigrid_f32, _multigrid_f64

Array = np.ndarray
Widths = tuple[Array, Array]

KERNELS: dict[type, Any] = {np.float32: _multigrid_f32, np.float64: _multigrid_f64}

LITTLE = 0.4  # of its ground: what a cell gives sideways on a grid whose smoothing is enough
PAGE = 4096  # bytes after which the sets of a cache repeat
STAGGER = 5 * CACHE_LINE
SWEEPS = {0.5: 2, 0.125: 3, 0.0: 4}  # how often a grid of more than this share of all columns smooths
ROWS_PER_SWEEP = 6  # of each thread at least, so that wedges stay apart, which takes more than 4
CELLS_PER_THREAD = 30_000  # least: below, waiting for each other costs more than the work


class Multigrid:
    """The hierarchy of grids of one conduction operator, and its V cycle for one load or several.

    It smooths the finest grid twice before and after the others, and coarser ones up to four times.
    """

    def __init__(
        self,
        conduction: Conduction,
        widths: Widths | None = None,
        *,
        dtype: type = np.float32,
        rule: CoarseningRule = COARSENING,
        keeps_ground: bool = False,
        threads: int = 1,
    ) -> None:
        self.conduction = conduction
        self.dtype = dtype
        self.rule = rule
        self.threads = threads
        self.loads = 0
        self._held = self._room = 0  # bytes: of the conductances, and of the room for loads
        _, ny, nx = conduction.shape
        dx, dy = widths if widths is not None else (np.ones(nx), np.ones(ny))
        dx, dy = (np.ascontiguousarray(width, dtype=np.float64) for width in (dx, dy))
        self.finest = self._finest_level()
        self.levels = [self.finest]
        # Of each level but the last: first interval of each coarse one, x and y.
        self.pairs: list[Widths] = []
        while (fine := self.levels[-1]).nx * fine.ny > 1:
            first_x, first_y = self._pairs(fine, dx, dy)
            self.pairs.append((first_x, first_y))
            coarse = self._coarse_level(fine, first_x, first_y)
            coarse_dx, coarse_dy = np.empty(coarse.nx), np.empty(coarse.ny)
            fine.coarsen(coarse, first_x, first_y, dx, dy, coarse_dx, coarse_dy)
            self.levels.append(coarse)
            dx, dy = coarse_dx, coarse_dy
        self.depth = len(self.levels) - 1  # grids beside the finest that a cycle visits
        if not keeps_ground:
            for level in self.levels[1:]:
                self._forget_ground(level)
        self.allocate(1)

    def update_diagonal(self, conduction: Conduction, holding: float = 0.0) -> None:
        """Take an operator with other ground conductances, on the same cells; the grids stay as they are.

        The hierarchy was made with `keeps_ground`. `holding` is the least ratio there is of a cell's ground
        to what it gives sideways: where it is large, coarse grids have nothing to do.
        """
        self.conduction = conduction
        ground = conduction.boundary
        self.finest.load_ground(ground.start, ground.cell, ground.conductance)
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            fine.sum_ground(coarse)
        self._set_depth(holding)

    def update_operator(self, conduction: Conduction, holding: float = 0.0) -> None:
        """Take an operator with other conductances, grounded in the same cells; the pairs stay.

        The hierarchy was made with `keeps_ground`; `holding` as for `reground`.
        """
        self.conduction = conduction
        self._load(self.finest)
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            fine.fill(coarse)
        self._set_depth(holding)

    def _set_depth(self, holding: float) -> None:
        """Leave out grids where what a finer one's cells give sideways is little beside their ground.

        A coarser grid has the same ground in all, and as much less sideways as it has fewer columns.
        """
        shares = (level.nx * level.ny / (self.finest.nx * self.finest.ny) for level in self.levels[:-1])
        enough = [n for n, share in enumerate(shares, 1) if share <= LITTLE * holding]
        self.depth = enough[0] if enough else len(self.levels) - 1

    @property
    def memory(self) -> int:
        """Return the bytes held, the conductances that were given not counted."""
        return self._held + self._room

    def allocate(self, loads: int) -> None:
        """Make room for so many loads at once, where there is not enough yet."""
        if loads <= self.loads:
            return
        self.loads, self._room = loads, 0
        self._live = np.arange(loads, dtype=np.int32)
        for level in self.levels:  # the old room is free before the new is taken
            level.give_room(None, None, None, None, self._live)
        self.finest.search(None, None, None, None)
        for level in self.levels:
            slab = level.nz, level.width
            field = loads, level.ny, 2, *slab
            # One slot before and one behind, because the columns' neighbours reach one value out of a slab.
            others = (loads, level.slots + 2, *slab), (level.blocks, 2, *slab)
            rooms = _arrays([field, field, *others], self.dtype)
            self._room += sum(room.nbytes for room in rooms)
            level.give_room(*rooms, self._live)
        self._give_search_room()

    def set_active(self, loads: Sequence[int]) -> None:
        """Work on these loads from now on."""
        self._live[: len(loads)] = loads
        for level in self.levels:
            level.keep_alive(len(loads))

    def cycle(self) -> None:
        """Set t of the finest level to the cycle's answer to its b: symmetric and positive definite in b."""
        levels = self.levels[: self.depth + 1]
        for fine, coarse in pairwise(levels):
            fine.down(coarse)
        if len(levels) == len(self.levels):
            levels[-1].solve()
        else:
            levels[-1].clear()
        for fine, coarse in zip(levels[-2::-1], levels[:0:-1], strict=True):
            fine.up(coarse)

    def full_multigrid_start(self) -> None:
        """Set t of the finest level to what its b gives on ever finer grids, the coarsest solved first.

        Each grid takes its start from the coarser one and smooths it (a full-multigrid start).
        """
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            fine.hand_down(coarse)
        self.levels[-1].solve()
        for fine, coarse in zip(self.levels[-2::-1], self.levels[:0:-1], strict=True):
            fine.clear()
            fine.up(coarse)

    def set_rhs(self, load: int, heat: Array, scale: float) -> None:
        """Set b of a load of the finest level to scale heat."""
        self.finest.begin(load, heat, scale)

    def residual(self, load: int, heat: Array, field: Array, scale: float) -> tuple[float, float]:
        """Set b of a load of the finest level to scale (heat - G field).

        Returns that residual's norm and sum [W].
        """
        square, total = self.finest.residual(load, *_arguments(self.conduction), heat, field, scale)
        return math.sqrt(square), total

    def true_residual(self, heats: Array, scales: Array) -> Any | None:
        """Return what makes `descend` compute residuals anew from its fields, b = scale (heat - G field).

        None where the finest level has rounded the conductances it was given, so that G is not there.
        """
        c = self.conduction
        if not np.can_cast(c.g_x.dtype, self.dtype):
            return None
        ground = c.boundary.start, c.boundary.cell, c.boundary.conductance
        finest = self.finest
        return KERNELS[self.dtype].TrueResidual(heats, scales, *ground, finest.blocks, finest.width)

    def _finest_level(self) -> Any:
        c = self.conduction
        nz, ny, nx = c.shape
        is_grounded = (np.diff(c.boundary.start) > 0).reshape(nz, ny).T
        count = np.cumsum(is_grounded).reshape(ny, nz)
        line = np.where(is_grounded, count - 1, -1).astype(np.int32)
        level = self._level(KERNELS[self.dtype].FinestLevel, nx, line, int(count[-1, -1]))
        self._load(level)
        return level

    def _load(self, level: Any) -> None:
        c = self.conduction
        level.load(c.g_x, c.g_y, c.g_z, c.boundary.start, c.boundary.cell, c.boundary.conductance)

    def _level(self, kind: Any, nx: int, line: Array, lines: int) -> Any:
        """Return a level with room for conductances, which of its lines have any ground, and how many."""
        ny, nz = line.shape
        width = row_width(nx)
        conductances = _arrays([(ny, 2, nz, width)] * 4, self.dtype)
        (ground,) = _arrays([(max(lines, 1), 2, width)], self.dtype)
        self._held += 4 * conductances[0].nbytes + ground.nbytes
        _, all_ny, all_nx = self.conduction.shape
        sweeps = next(count for share, count in SWEEPS.items() if nx * ny > share * all_nx * all_ny)
        division = _division(ny, nz * ny * nx, self.threads, sweeps)
        return kind(nx, *conductances, ground, line, division, sweeps)

    def _coarse_level(self, fine: Any, first_x: Array, first_y: Array) -> Any:
        line = np.empty((len(first_y) - 1, fine.nz), dtype=np.int32)
        lines = fine.merge_lines(first_y, line)
        return self._level(KERNELS[self.dtype].Level, len(first_x) - 1, line, lines)

    def _give_search_room(self) -> None:
        level = self.finest
        (p,) = _arrays([np.shape(level.t)], self.dtype)
        row_sums, line_sums = np.zeros((self.loads, level.ny, 4)), np.zeros((level.nz, level.ny, 2))
        left = np.zeros((level.blocks, level.nx + 7))
        self._room += p.nbytes + row_sums.nbytes + line_sums.nbytes + left.nbytes
        level.search(p, row_sums, line_sums, left)

    def _forget_ground(self, level: Any) -> None:
        self._held -= np.asarray(level.ground).nbytes
        level.forget_ground()

    def _pairs(self, fine: Any, dx: Array, dy: Array) -> Widths:
        """Return the first column of each coarse interval in x and in y, and one beyond the last."""
        cost_x, cost_y = self._pair_costs(fine, dx, dy)
        return self.rule.coarsen(cost_x, cost_y, pair_columns)

    def _pair_costs(self, fine: Any, dx: Array, dy: Array) -> Widths:
        """Return what it costs to pair each interval with the next, in x and in y."""
        cost_x, cost_y = np.empty(fine.nx - 1), np.empty(fine.ny - 1)
        KERNELS[self.dtype].weigh_pairs(
            fine, dx, dy, self.rule.interface_cost, self.rule.max_pair_cost, cost_x, cost_y
        )
        return cost_x, cost_y


def apply_operator(conduction: Conduction, t: Array, out: Array, threads: int = 1) -> None:
    """Set out to G t [W], all in natural order, temperatures and heats in float64.

    With conductances in float64 this is the work unit of the benchmarks.
    """
    KERNELS[np.float64].operate(*_arguments(conduction), t, out, threads)


def vector_norms(field: Array, threads: int = 1) -> tuple[float, float]:
    """Return the root of the sum of squares and the sum of absolute values of a field (nz, ny, nx)."""
    sums = np.empty((field.shape[0], 2))
    KERNELS[np.float64].weigh(field, sums, threads)
    square, absolute = sums.sum(axis=0).tolist()
    return math.sqrt(square), absolute


def _arguments(conduction: Conduction) -> tuple[Array, ...]:
    """Return the operator as the kernels take it."""
    c = conduction
    none = np.zeros(c.shape[2], c.g_x.dtype)  # what a line has for a neighbour where there is none
    return c.g_x, c.g_y, c.g_z, none, c.boundary.start, c.boundary.cell, c.boundary.conductance


def pair_columns(cost: Array, price: float) -> Array:
    """Return the first interval of each coarse one, and one beyond the last, at the least total cost.

    `cost` is that of pairing interval i with i + 1, `price` that of each coarse interval. Intervals come
    alone or in pairs. Where there are two intervals or more, the cheapest pair is always made.
    """
    first = np.empty(len(cost) + 2, dtype=np.int32)
    return first[: KERNELS[np.float64].choose(cost, price, first)]


def _arrays(shapes: Sequence[tuple[int, ...]], dtype: type) -> list[Array]:
    """Return arrays of these shapes, of any content, each begun a few cache lines further on.

    Were they all begun on the same place of a page, the same place of each would share one cache set.
    """
    kind = np.dtype(dtype)
    sizes = [math.prod(shape) * kind.itemsize for shape in shapes]
    strides = [-(-size // PAGE) * PAGE + STAGGER for size in sizes]
    room = np.empty(sum(strides) + CACHE_LINE, dtype=np.uint8)
    begin, arrays = -room.ctypes.data % CACHE_LINE, []
    for shape, size, stride in zip(shapes, sizes, strides, strict=True):
        arrays.append(room[begin : begin + size].view(kind).reshape(shape))
        begin += stride
    return arrays


def _division(ny: int, cells: int, threads: int, sweeps: int) -> Array:
    """Return the first row of each thread's block, and one beyond the last."""
    blocks = max(1, min(threads, ny // (ROWS_PER_SWEEP * sweeps), cells // CELLS_PER_THREAD))
    return np.array([ny * n // blocks for n in range(blocks + 1)], dtype=np.int32)
