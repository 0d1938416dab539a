"""Column multigrid: grids of whole z-columns, paired in x and y where they are strongly coupled.

A coarse grid is of the same type as a fine one, with one conductance per face. docs/numerics.md, section 5,
describes the method.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from thermostack.finite_volume.conduction import Conduction
from thermostack.linear import _multigrid_f32, _multigrid_f64
from thermostack.linear.v_cycle import full_multigrid, v_cycle
from thermostack.mesh.coarsening_rule import CACHE_LINE, COARSENING, CoarseningRule, row_width

Array = np.ndarray
Widths = tuple[Array, Array]

KERNELS: dict[type, Any] = {np.float32: _multigrid_f32, np.float64: _multigrid_f64}

# Lateral over boundary conductance of the cells of a grid up to which smoothing alone is sufficient.
MAX_LATERAL_RATIO_OF_COARSEST = 0.4
MEMORY_PAGE = 4096  # bytes after which the sets of a cache repeat
ARRAY_STAGGER = 5 * CACHE_LINE  # bytes between the starts of two arrays within a page
# Smoothing steps before and after the coarser grid, of grids with more than this fraction of the columns.
SWEEPS = {0.5: 2, 0.125: 3, 0.0: 4}
MIN_ROWS_PER_SWEEP = 6  # of each thread; more than 4 keep the wedges between blocks apart
MIN_CELLS_PER_THREAD = 30_000  # for less work, synchronization costs more than a thread saves


class Multigrid:
    """The hierarchy of grids of one conduction operator, and its V-cycle for one or several right-hand sides.

    The cycle smooths the finest grid twice before and after the coarser ones, and these up to four times. It
    implements `PcgBackend` (pcg.py), with the vectors of the conjugate gradients in its finest level.

    Parameters
    ----------
    conduction
        The operator G [W/K].
    widths
        Cell widths (dx, dy) [m]; None stands for equal widths.
    dtype
        np.float32 or np.float64, the precision of the hierarchy.
    rule
        Coarsening rule.
    keeps_boundary
        Whether coarse levels keep their boundary conductances, which `update_diagonal` and `update_operator`
        need.
    threads
        Number of threads.
    """

    def __init__(
        self,
        conduction: Conduction,
        widths: Widths | None = None,
        *,
        dtype: type = np.float32,
        rule: CoarseningRule = COARSENING,
        keeps_boundary: bool = False,
        threads: int = 1,
    ) -> None:
        self.conduction = conduction
        self.dtype = dtype
        self.rule = rule
        self.threads = threads
        self.rhs_count = 0
        self._operator_bytes = self._workspace_bytes = 0
        self._operator = _natural_operator(conduction, dtype)
        _, ny, nx = conduction.shape
        dx, dy = widths if widths is not None else (np.ones(nx), np.ones(ny))
        dx, dy = (np.ascontiguousarray(width, dtype=np.float64) for width in (dx, dy))
        self.finest = self._finest_level()
        self.levels = [self.finest]
        # Of each level but the last: first interval of each coarse interval, in x and in y.
        self.pairs: list[Widths] = []
        while (fine := self.levels[-1]).nx * fine.ny > 1:
            first_x, first_y = rule.coarsen(*self._pair_costs(fine, dx, dy), pair_columns)
            self.pairs.append((first_x, first_y))
            coarse = self._coarse_level(fine, first_x, first_y)
            coarse_dx, coarse_dy = np.empty(coarse.nx), np.empty(coarse.ny)
            fine.coarsen(coarse, first_x, first_y, dx, dy, coarse_dx, coarse_dy)
            self.levels.append(coarse)
            dx, dy = coarse_dx, coarse_dy
        self.depth = len(self.levels) - 1  # coarse grids that a cycle visits
        if not keeps_boundary:
            for level in self.levels[1:]:
                self._free_boundary(level)
        self.allocate(1)

    def update_diagonal(self, conduction: Conduction, min_boundary_ratio: float = 0.0) -> None:
        """Replace the boundary conductances, on the same cells; all other conductances and pairs stay.

        Requires `keeps_boundary`. `min_boundary_ratio` is the minimum over the cells of boundary over lateral
        conductance: where it is large, coarse grids are left out of the cycle.
        """
        self._set_conduction(conduction)
        self.finest.load_boundary(self._operator)
        for fine, coarse in pairwise(self.levels):
            fine.sum_boundary(coarse)
        self._set_depth(min_boundary_ratio)

    def update_operator(self, conduction: Conduction, min_boundary_ratio: float = 0.0) -> None:
        """Replace all conductances, with boundary conductances on the same cells; the pairs stay.

        Requires `keeps_boundary`; `min_boundary_ratio` as for `update_diagonal`.
        """
        self._set_conduction(conduction)
        self.finest.load_operator(self._operator)
        for fine, coarse in pairwise(self.levels):
            fine.form_coarse_operator(coarse)
        self._set_depth(min_boundary_ratio)

    def _set_conduction(self, conduction: Conduction) -> None:
        self.conduction = conduction
        self._operator = _natural_operator(conduction, self.dtype)

    def _set_depth(self, min_boundary_ratio: float) -> None:
        """Leave out grids coarser than one whose lateral conductances are small against the boundary ones.

        A coarser grid has the same boundary conductance in total; its lateral conductance is smaller in
        proportion to its columns.
        """
        shares = (level.nx * level.ny / (self.finest.nx * self.finest.ny) for level in self.levels[:-1])
        limit = MAX_LATERAL_RATIO_OF_COARSEST * min_boundary_ratio
        sufficient = [n for n, share in enumerate(shares, 1) if share <= limit]
        self.depth = sufficient[0] if sufficient else len(self.levels) - 1

    @property
    def memory(self) -> int:
        """Return the bytes held, without the conductances of the given operator."""
        return self._operator_bytes + self._workspace_bytes

    def allocate(self, rhs_count: int) -> None:
        """Allocate the workspace for a number of right-hand sides, where there is less."""
        if rhs_count <= self.rhs_count:
            return
        self.rhs_count, self._workspace_bytes = rhs_count, 0
        self._active = np.arange(rhs_count, dtype=np.int32)
        for level in self.levels:  # the previous workspace is freed before the new one is allocated
            level.set_workspace(None, None, None, None, self._active)
        self.finest.set_pcg_workspace(None, None, None, None)
        for level in self.levels:
            slab = level.nz, level.width
            field = rhs_count, level.ny, 2, *slab
            # One slot before and one behind, because neighbours in x are read one value beyond a slab.
            others = (rhs_count, level.slots + 2, *slab), (level.blocks, 2, *slab)
            arrays = _staggered_arrays([field, field, *others], self.dtype)
            self._workspace_bytes += sum(array.nbytes for array in arrays)
            level.set_workspace(*arrays, self._active)
        self._allocate_pcg()

    def set_active(self, indices: Sequence[int]) -> None:
        """Set the right-hand sides that the following operations process."""
        self._active[: len(indices)] = indices
        for level in self.levels:
            level.set_active_count(len(indices))

    def cycle(self) -> None:
        """Apply one V-cycle: set t of the finest level from its b, by a symmetric positive definite map."""
        levels = self.levels[: self.depth + 1]
        v_cycle(levels, has_coarsest=len(levels) == len(self.levels))

    def full_multigrid_start(self) -> None:
        """Set t of the finest level by full multigrid: solve the coarsest grid, then prolong and smooth."""
        full_multigrid(self.levels)

    # ---- PcgBackend

    @property
    def is_single(self) -> bool:
        """Return whether residuals and directions are float32."""
        return self.dtype is np.float32

    def apply_preconditioner(self) -> None:
        """Set z = t of the finest level from the residual r = b."""
        self.cycle()

    def apply_first_preconditioner(self) -> None:
        """The same for a zero guess: a full-multigrid start equals a cycle at two thirds of its cost."""
        self.full_multigrid_start()

    def set_rhs(self, n: int, rhs: Array, scale: float) -> None:
        """Set r = scale rhs of right-hand side n."""
        self.finest.set_rhs(n, rhs, scale)

    def residual(self, n: int, rhs: Array, field: Array, scale: float) -> tuple[float, float]:
        """Set r = scale (rhs - G field) of right-hand side n; return norm and sum of rhs - G field [W]."""
        square, total = self.finest.residual(n, self._operator, rhs, field, scale)
        return math.sqrt(square), total

    def residual_replacement(self, rhs: Array, scales: Array) -> Any | None:
        """Return the object by which `update` computes true residuals, scale (rhs - G field).

        None where the finest level holds rounded conductances, from which G cannot be computed.
        """
        if not np.can_cast(self.conduction.g_x.dtype, self.dtype):
            return None
        finest = self.finest
        return KERNELS[self.dtype].ResidualReplacement(
            rhs, scales, self._operator, finest.blocks, finest.width
        )

    def products(self, n: int) -> tuple[float, float, float, float]:
        """Return z.r, z.Gz, z.Gp and the sum of Gz of right-hand side n; p is its last direction."""
        products: tuple[float, float, float, float] = self.finest.products(n)
        return products

    def update(self, steps: Array, fields: Array, squares: Array, replacement: Any | None = None) -> None:
        """Set p = z + beta p, field += step p + constant and r -= alpha G p; set squares to r.r.

        `steps` (4, right-hand sides) are beta, alpha, step and constant. Where `replacement` is requested, r
        is the true residual.
        """
        self.finest.pcg_update(*steps, fields, squares, replacement)

    def values_at(self, vector: str, n: int, cell: Array) -> Array:
        """Return r, z or p of right-hand side n in some cells, given by their indices, in float64."""
        array, index = self._at_cells(vector, n, cell)
        return np.asarray(array[index], dtype=np.float64)

    def set_residual(self, n: int, cell: Array, values: Array) -> None:
        """Set r of right-hand side n in some cells."""
        array, index = self._at_cells("r", n, cell)
        array[index] = values

    def _at_cells(self, vector: str, n: int, cell: Array) -> tuple[Array, tuple[Any, ...]]:
        """Return the array of a vector, with even and odd columns apart, and the index of some cells."""
        k, j, i = np.unravel_index(cell, self.conduction.shape)
        attribute = {"r": "b", "z": "t", "p": "p"}[vector]
        return np.asarray(getattr(self.finest, attribute)), (n, j, i % 2, k, i // 2)

    # ---- construction of levels

    def _finest_level(self) -> Any:
        boundary = self.conduction.boundary
        nz, ny, nx = self.conduction.shape
        has_boundary = (np.diff(boundary.start) > 0).reshape(nz, ny).T
        count = np.cumsum(has_boundary).reshape(ny, nz)
        line = np.where(has_boundary, count - 1, -1).astype(np.int32)
        level = self._level(KERNELS[self.dtype].FinestLevel, nx, line, int(count[-1, -1]))
        level.load_operator(self._operator)
        return level

    def _level(self, kind: Any, nx: int, boundary_line: Array, lines: int) -> Any:
        """Return a level of unset conductances; `lines` of its lines have boundary conductances."""
        ny, nz = boundary_line.shape
        width = row_width(nx)
        conductances = _staggered_arrays([(ny, 2, nz, width)] * 4, self.dtype)
        (boundary,) = _staggered_arrays([(max(lines, 1), 2, width)], self.dtype)
        self._operator_bytes += 4 * conductances[0].nbytes + boundary.nbytes
        _, all_ny, all_nx = self.conduction.shape
        sweeps = next(count for share, count in SWEEPS.items() if nx * ny > share * all_nx * all_ny)
        bounds = _block_bounds(ny, nz * ny * nx, self.threads, sweeps)
        level = kind(nx, *conductances, boundary, boundary_line, bounds)
        level.set_sweeps(sweeps)
        return level

    def _coarse_level(self, fine: Any, first_x: Array, first_y: Array) -> Any:
        boundary_line = np.empty((len(first_y) - 1, fine.nz), dtype=np.int32)
        lines = fine.merge_boundary_lines(first_y, boundary_line)
        return self._level(KERNELS[self.dtype].Level, len(first_x) - 1, boundary_line, lines)

    def _allocate_pcg(self) -> None:
        level = self.finest
        (p,) = _staggered_arrays([np.shape(level.t)], self.dtype)
        row_sums, line_sums = np.zeros((self.rhs_count, level.ny, 4)), np.zeros((level.nz, level.ny, 2))
        line_work = np.zeros((level.blocks, level.nx + 7))
        self._workspace_bytes += p.nbytes + row_sums.nbytes + line_sums.nbytes + line_work.nbytes
        level.set_pcg_workspace(p, row_sums, line_sums, line_work)

    def _free_boundary(self, level: Any) -> None:
        self._operator_bytes -= np.asarray(level.boundary).nbytes
        level.free_boundary()

    def _pair_costs(self, fine: Any, dx: Array, dy: Array) -> Widths:
        """Return the costs of pairing each interval with the next, in x and in y."""
        cost_x, cost_y = np.empty(fine.nx - 1), np.empty(fine.ny - 1)
        rule, kernels = self.rule, KERNELS[self.dtype]
        kernels.pair_costs(fine, dx, dy, rule.interface_cost, rule.max_pair_cost, cost_x, cost_y)
        return cost_x, cost_y


def apply_operator(conduction: Conduction, t: Array, out: Array, threads: int = 1) -> None:
    """Set out to G t [W], all in natural order and float64; out has the shape (nz, ny, nx) of t [K].

    With conductances in float64 this is the work unit of the benchmarks.
    """
    KERNELS[np.float64].apply_operator(_natural_operator(conduction, np.float64), t, out, threads)
    if conduction.links is not None:
        conduction.links.add_outflow(t, out)
    if conduction.power_slope is not None:
        cell = conduction.power_slope.cell
        out.reshape(-1)[cell] += conduction.power_slope.apply(t.reshape(-1)[cell])


def vector_norms(field: Array, threads: int = 1) -> tuple[float, float]:
    """Return the root of the sum of squares and the sum of absolute values of a field (nz, ny, nx)."""
    sums = np.empty((field.shape[0], 2))
    KERNELS[np.float64].plane_norms(field, sums, threads)
    square, absolute = sums.sum(axis=0).tolist()
    return math.sqrt(square), absolute


def pair_columns(cost: Array, interval_cost: float) -> Array:
    """Return the first interval of each coarse interval and the end of the axis, at minimum total cost.

    `cost` is that of pairing interval i with i + 1, `interval_cost` that of each coarse interval. Coarse
    intervals are single intervals or pairs.
    """
    first = np.empty(len(cost) + 2, dtype=np.int32)
    return first[: KERNELS[np.float64].partition_axis(cost, interval_cost, first)]


def _natural_operator(conduction: Conduction, dtype: type) -> Any:
    """Return the operator as the kernels of a precision take it."""
    c, boundary = conduction, conduction.boundary
    arrays = c.g_x, c.g_y, c.g_z, boundary.start, boundary.cell, boundary.conductance
    return KERNELS[dtype].NaturalOperator(*arrays)


def _staggered_arrays(shapes: Sequence[tuple[int, ...]], dtype: type) -> list[Array]:
    """Return arrays of these shapes, uninitialized, each starting some cache lines further within a page.

    If all started at the same position of a page, equal positions of the arrays would share a cache set.
    """
    kind = np.dtype(dtype)
    sizes = [math.prod(shape) * kind.itemsize for shape in shapes]
    strides = [-(-size // MEMORY_PAGE) * MEMORY_PAGE + ARRAY_STAGGER for size in sizes]
    memory = np.empty(sum(strides) + CACHE_LINE, dtype=np.uint8)
    begin, arrays = -memory.ctypes.data % CACHE_LINE, []
    for shape, size, stride in zip(shapes, sizes, strides, strict=True):
        arrays.append(memory[begin : begin + size].view(kind).reshape(shape))
        begin += stride
    return arrays


def _block_bounds(ny: int, cells: int, threads: int, sweeps: int) -> Array:
    """Return the first row of each thread's block, and the end of the last block."""
    blocks = max(1, min(threads, ny // (MIN_ROWS_PER_SWEEP * sweeps), cells // MIN_CELLS_PER_THREAD))
    return np.array([ny * n // blocks for n in range(blocks + 1)], dtype=np.int32)
