"""The influence matrix: one linear solve for each source and ambient, superposed for any powers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import numpy as np

from thermostack.design.linearisation import SolveOptions, evaluate_linearisation
from thermostack.design.output_rows import OutputRows, find_outputs
from thermostack.design.peak_points import CellPoints, PeakGroups, find_peak_groups
from thermostack.design.source_columns import SourceColumns, source_columns
from thermostack.finite_volume.part_temperatures import (
    PartsAndBlocks,
    measure_means,
    measure_parts,
    plane_conductivities,
)
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.solver import MAX_RHS_TOGETHER, MIN_TOLERANCE
from thermostack.linear.steady_problem import Progress, SteadyProblem, timed
from thermostack.mesh.cooler_coverage import cooler_names
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model, as_model
from thermostack.package.package import Package
from thermostack.results.fields import fill_inactive
from thermostack.results.influence_result import InfluenceMatrix
from thermostack.results.peak_map import POINTS, RISE_DTYPE, PeakMap
from thermostack.results.result_warnings import WARNED_ERROR
from thermostack.schema.arguments import check_number, require_callable
from thermostack.steady import require_fixed_temperature

STEADY_TOLERANCE = 1e-8  # relative residual of the temperatures at which conductivities are evaluated
SOLVE_FIELDS = 15  # fields of float64: right-hand sides, solutions, workspace, conductivities of the cells


def influence(
    model: Model | Package,
    outputs: str | Sequence[str] | None = None,
    sources: str | Sequence[str] = "blocks",
    tiles: Mapping[str, int] | None = None,
    *,
    points: Mapping[str, Sequence[float | str]] | None = None,
    peaks: bool = True,
    fields: bool = False,
    tolerance: float = 1e-6,
    check: bool = True,
    method: str = "multigrid",
    threads: int | None = None,
    progress: Progress = lambda stage: None,
) -> InfluenceMatrix:
    """Return the influence matrix of a package: temperatures per watt of each source.

    Parameters
    ----------
    model : Model or Package
        The mesh; a package is discretized with the default grid.
    outputs : str or sequence of str, optional
        Names of parts, blocks or stacks whose mean temperature is an output. Default: every part and block.
    sources : str or sequence of str
        "blocks" (every block, map and evenly powered layer), "layers", "stacks", or names of parts, blocks
        or stacks. The power of a name is distributed over its sources as their described powers are. Power
        that no name has is part of the constant temperatures.
    tiles : mapping from str to int, optional
        Layers with power and a number n: n by n rectangles replace the sources of the layer. Tile "tile_0_0"
        is at the west and south, the first number counts along x.
    points : mapping from str to sequence, optional
        Positions x, y, z [m, or text with a unit] by name, such as sensors, whose temperature is an output.
    peaks : bool
        Whether to keep the rise of every cell that can be the hottest of a part, for `matrix.peak`.
    fields : bool
        Whether to keep the rise of all cells, for `matrix.field`.
    tolerance : float
        Relative residual of the linear solver for each column. The default is sufficient for temperatures
        to 1e-4 K; 1e-9 gives a reciprocity to 1e-8 or better also with large contrasts.
    check : bool
        Whether to evaluate the error at 80 % and 120 % of the described powers with two nonlinear solves,
        where conductivities depend on temperature.
    method : str
        Linear solver, "multigrid" or "direct".
    threads : int, optional
        Number of threads. The result does not depend on it.
    progress : callable
        Function that is called with the name of each stage when it starts.

    Returns
    -------
    InfluenceMatrix
        Resistances, ambient weights, heat through each cooler, and the peak map.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of its range, or if there is no source.
    UnknownNameError
        If no part or source has a name.
    DescriptionError
        If no boundary condition fixes the temperature.
    ConvergenceError
        If a solve does not converge.
    ResourceError
        If the columns do not fit in memory.

    Notes
    -----
    With constant conductivities and heat-transfer coefficients the temperatures are `T = w T_ambient + R P`
    with `R = L^T G^-1 B`, where B distributes the powers over the cells and L takes the outputs. With
    outputs L = B, R is symmetric (reciprocity). Where conductivities depend on temperature, they are
    evaluated at the steady temperatures of the described powers and then constant, so that the matrix is
    exact at these powers.

    A temperature of a point follows from the centre and the faces of its cell. Peaks are maxima over the
    centres and the faces of all cells of a part (docs/numerics.md, section 7).

    Examples
    --------
    >>> import thermostack as ts
    >>> matrix = ts.influence(ts.discretize(ts.read_package("hbm3_8h"), cell=3e-3), sources="stacks")
    >>> matrix.resistance.shape, bool((matrix.resistance > 0.0).all())
    ((25, 1), True)
    """
    seconds: dict[str, float] = {}
    check_number(tolerance, "tolerance", min=MIN_TOLERANCE, below=1.0)
    require_callable(progress, "progress", "pass a function of the name of a stage")
    with timed(seconds, "mesh", progress) if isinstance(model, Package) else nullcontext():
        model = as_model(model)
    model.require_linear_terms("the influence matrix")
    require_fixed_temperature(model)
    columns = source_columns(model, sources, tiles)
    rows = find_outputs(model, outputs, points)
    groups = find_peak_groups(model) if peaks else None
    _check_memory(model, method, columns, groups, has_fields=fields)
    strict = min(tolerance, STEADY_TOLERANCE)
    problem = SteadyProblem(model, strict, method, threads, seconds, progress)
    base = None
    if problem.is_linear:
        problem.assemble()
    else:
        base = problem.solve_nonlinear()
    matrix = _Columns(problem, tolerance, columns, rows, groups, has_fields=fields).solve()
    if base is None:
        return matrix
    with timed(seconds, "check", progress) if check else nullcontext():
        options = SolveOptions(strict, method, threads)
        return evaluate_linearisation(matrix, columns, base + problem.zero, options, check=check)


def relinearize(matrix: InfluenceMatrix, power: np.ndarray, threads: int | None = None) -> InfluenceMatrix:
    """Return the matrix with conductivities at the steady temperatures of other powers [W], (sources,).

    The outputs are the means of the matrix, without points.
    """
    columns: SourceColumns = matrix.columns
    assert matrix.model is not None
    model = columns.powered_model(matrix.model, power)
    strict = min(matrix.tolerance, STEADY_TOLERANCE)
    problem = SteadyProblem(model, strict, "multigrid", threads, {}, lambda stage: None)
    base = problem.solve_nonlinear()
    means = [name for name, kind in zip(matrix.outputs, matrix.kinds, strict=True) if kind == "mean"]
    groups = None if matrix.peaks is None else find_peak_groups(model)
    columns = replace(columns, power=power)
    outputs = find_outputs(model, means)
    found = _Columns(problem, matrix.tolerance, columns, outputs, groups, has_fields=False).solve()
    return evaluate_linearisation(found, columns, base + problem.zero, SolveOptions(), check=False)


def _check_memory(
    model: Model, method: str, columns: SourceColumns, groups: PeakGroups | None, *, has_fields: bool
) -> None:
    """Raise ResourceError where the solve, the points of the peaks and the fields do not fit in memory."""
    values = 0 if groups is None else groups.cell.size * POINTS
    values += model.grid.cells if has_fields else 0
    size = np.dtype(RISE_DTYPE).itemsize * values * len(columns.names)
    extra = SOLVE_FIELDS + -(-size // (8 * model.grid.cells))
    estimate = MemoryEstimate(model.grid, model.is_linear, method=method, extra_fields=extra)
    check_memory(estimate, held=model.memory)


@dataclass
class _Rows:
    """Values of all outputs for one column."""

    outputs: np.ndarray  # (outputs,)
    sources: np.ndarray  # (sources,) means of the sources
    heat: np.ndarray  # (coolers,) W through each cooler
    points: np.ndarray  # (7 cells,) at the points of the peaks
    field: np.ndarray = field(default_factory=lambda: np.zeros(0))


# Right-hand side, ambient temperatures (faces,) [K] and fixed heat flows (faces,) [W] of a column.
_Column = tuple[Callable[[np.ndarray], None], np.ndarray, np.ndarray]


class _Columns:
    """The columns of an influence matrix: right-hand sides, solutions in pairs, and their outputs."""

    def __init__(
        self,
        problem: SteadyProblem,
        tolerance: float,
        columns: SourceColumns,
        rows: OutputRows,
        groups: PeakGroups | None,
        *,
        has_fields: bool,
    ) -> None:
        self.problem, self.model, self.sources, self.rows = problem, problem.model, columns, rows
        self.groups, self.has_fields, self.tolerance = groups, has_fields, tolerance
        self.boundary = problem.model.boundary
        self.coolers = np.unique(self.boundary.cooler[self.boundary.h > 0.0])
        self.zones = PartsAndBlocks(problem.model)
        self.iterations = 0
        self.described = np.full(problem.model.grid.shape, problem.zero)  # K, at the described powers
        zero = self._fluxes(np.zeros(problem.model.grid.shape), np.zeros(self.boundary.cell.size))
        self.points = None if groups is None else CellPoints(zero, groups.cell)
        self.probes = CellPoints(zero, rows.cell)
        self.conductivities = plane_conductivities(zero)

    # -- right-hand sides ----------------------------------------------------------------------

    def _source(self, n: int) -> Callable[[np.ndarray], None]:
        return lambda rhs: self.sources.add_source(n, rhs)

    def _ambient(self, cooler: int) -> Callable[[np.ndarray], None]:
        heat = np.where(
            self.boundary.cooler == cooler, self.problem.conduction.boundary_face_conductance, 0.0
        )
        return lambda rhs: np.add.at(rhs.reshape(-1), self.boundary.cell, heat)

    def _add_constant(self, rhs: np.ndarray) -> None:
        """Add the heat of fixed fluxes and the power that belongs to no source [W]."""
        np.add.at(rhs.reshape(-1), self.boundary.cell, self.boundary.flux * self.boundary.area)
        for layer, plane in zip(self.model.layer_sources, self.sources.other_planes, strict=True):
            rhs[layer.window] += layer.shares[:, np.newaxis, np.newaxis] * plane

    # -- solution ------------------------------------------------------------------------------

    def solve(self) -> InfluenceMatrix:
        """Return the influence matrix."""
        problem, faces, count = self.problem, self.boundary.cell.size, len(self.sources.names)
        none = np.zeros(faces)
        temperature = np.array(
            [self.boundary.temperature[self.boundary.cooler == n][0] for n in self.coolers]
        )
        rise = temperature - problem.zero
        with timed(problem.seconds, "columns", problem.progress):
            sources = self._solve(
                [(self._source(n), none, none) for n in range(count)], self.sources.power.tolist()
            )
            ambients = self._solve_ambients(rise.tolist())
            constant = self._solve_constant()
        by_source, by_ambient = _stacked(sources), _stacked(ambients)
        at_zero = problem.zero + constant.outputs + by_ambient.outputs @ rise
        names = cooler_names(self.model.package.cooling)
        constant_field = None
        if self.has_fields:
            constant_field = problem.zero + constant.field + np.tensordot(rise, by_ambient.field, 1)
            fill_inactive(self.model, constant_field, np.nan)
        peaks = self._peak_map(by_source.points, by_ambient.points, constant.points, rise)
        coldest = float(temperature.min(initial=np.inf))
        return InfluenceMatrix(
            self.model.package.name,
            self.rows.names,
            self.rows.kinds,
            self.sources.names,
            self.sources.layers,
            self.sources.power,
            by_source.outputs,
            at_zero,
            by_source.sources,
            tuple(names[n] for n in self.coolers.tolist()),
            temperature,
            by_ambient.outputs,
            by_ambient.sources,
            by_source.heat,
            constant.heat + by_ambient.heat @ rise,
            by_ambient.heat,
            self.sources.other_power,
            peaks,
            None,
            self.tolerance,
            self.iterations,
            problem.seconds,
            (*self.model.warnings, *peak_warnings(peaks, self.sources.power, coldest)),
            by_source.field.astype(np.float32) if self.has_fields else None,
            constant_field,
            self.model,
            self.sources,
        )

    def _solve(self, columns: Sequence[_Column], factors: Sequence[float]) -> list[_Rows]:
        """Return the outputs of columns, and add their fields times factors to that of the description."""
        found = []
        shape = self.model.grid.shape
        for first in range(0, len(columns), MAX_RHS_TOGETHER):
            batch = columns[first : first + MAX_RHS_TOGETHER]
            rhs = np.zeros((len(batch), *shape))
            for each, (add, _, _) in zip(rhs, batch, strict=True):
                add(each)
            fields, reports = self.problem.solver.solve_many(rhs, tolerance=self.tolerance)
            self.iterations += sum(report.iterations for report in reports)
            for t, (_, ambient, flux), factor in zip(fields, batch, factors[first:], strict=False):
                found.append(self._measure(t, ambient, flux))
                self.described += factor * t
        return found

    def _solve_ambients(self, rise: Sequence[float]) -> list[_Rows]:
        """Return the outputs for one kelvin of the ambient temperature of each cooler.

        With one cooler the temperature is one kelvin everywhere.
        """
        none = np.zeros(self.boundary.cell.size)
        ones = [np.where(self.boundary.cooler == n, 1.0, 0.0) for n in self.coolers]
        if len(ones) == 1:
            self.described += rise[0]
            return [self._measure(np.ones(self.model.grid.shape), ones[0], none)]
        pairs = zip(self.coolers.tolist(), ones, strict=True)
        return self._solve([(self._ambient(n), one, none) for n, one in pairs], rise)

    def _solve_constant(self) -> _Rows:
        """Return the outputs for fixed fluxes and the power of no source, at ambients of 0 K."""
        none, flux = np.zeros(self.boundary.cell.size), self.boundary.flux * self.boundary.area
        if flux.any() or any(plane.any() for plane in self.sources.other_planes):
            return self._solve([(self._add_constant, none, flux)], [1.0])[0]
        return self._measure(np.zeros(self.model.grid.shape), none, none)

    # -- outputs -------------------------------------------------------------------------------

    def _fluxes(self, t: np.ndarray, ambient: np.ndarray, flux: np.ndarray | float = 0.0) -> FaceFluxes:
        """Return the heat flows of a field [K], with ambients (faces,) [K] and fluxes (faces,) [W]."""
        problem = self.problem
        fluxes = FaceFluxes(self.model, problem.conduction, problem.conductivity, t, ambient)
        rise = t.reshape(-1)[self.boundary.cell] - ambient
        fluxes.boundary_outflow = problem.conduction.boundary_face_conductance * rise - flux
        return fluxes

    def _measure(self, t: np.ndarray, ambient: np.ndarray, flux: np.ndarray) -> _Rows:
        fluxes = self._fluxes(t, ambient, flux)
        means = measure_means(fluxes, self.zones, self.conductivities)
        outflow = np.bincount(
            self.boundary.cooler, weights=fluxes.boundary_outflow + flux, minlength=self.coolers.max() + 1
        )
        points: np.ndarray = np.zeros(0, RISE_DTYPE)
        if self.points is not None:
            points = self.points.values(fluxes).reshape(-1)
        return _Rows(
            self.rows.values(means, self.probes.values(fluxes)),
            self.sources.mean(t),
            outflow[self.coolers],
            points,
            t if self.has_fields else np.zeros(0),
        )

    def _peak_map(
        self, rise: np.ndarray, ambient: np.ndarray, constant: np.ndarray, change: np.ndarray
    ) -> PeakMap | None:
        """Return the peak map from the rises per watt and the weights of the ambients, (points, columns)."""
        groups, grid = self.groups, self.model.grid
        if groups is None or not groups.names:
            return None
        k, j, i = np.unravel_index(groups.cell, grid.shape)
        peaks = PeakMap(
            groups.names,
            groups.limits,
            groups.is_block,
            groups.start,
            groups.member,
            np.stack([grid.x_center[i], grid.y_center[j], grid.z_center[k]], axis=1),
            np.stack([grid.dx[i], grid.dy[j], grid.dz[k]], axis=1),
            np.ascontiguousarray(rise, dtype=RISE_DTYPE),
            self.problem.zero + constant + ambient @ change,
            ambient,
        )
        differences = self._differences(peaks)
        return replace(peaks, difference=float(np.abs(differences).max()), differences=differences)

    def _differences(self, peaks: PeakMap) -> np.ndarray:
        """Return the maxima of a steady result minus those of the map [K], (names,), as described."""
        boundary = self.boundary
        fluxes = self._fluxes(self.described, boundary.temperature, boundary.flux * boundary.area)
        measured = {part.name: part.max for part in measure_parts(fluxes, self.zones).temperatures.values()}
        found = peaks.maxima(self.sources.power[np.newaxis])[0]
        differences: np.ndarray = np.array([measured[name] for name in peaks.names]) - found
        return differences


def peak_warnings(peaks: PeakMap | None, power: np.ndarray, coldest: float) -> list[str]:
    """Return W-GRID for the part whose peak the map misses most, relative to its rise above `coldest` [K]."""
    if peaks is None:
        return []
    rise = np.maximum(peaks.maxima(power[np.newaxis])[0] + peaks.differences - coldest, 1e-3)
    share = np.abs(peaks.differences) / rise
    n = int(share.argmax())
    if not share[n] > WARNED_ERROR:
        return []
    missed = f"{abs(peaks.differences[n]):.2g} K"
    text = f"{peaks.names[n]}: the superposed peak differs by {missed} from that of a solve"
    hint = "a vertex beside a hotter part is hotter than the faces of its cell: use smaller cells there"
    return [f"{text}, {share[n]:.0%} of its rise ({hint}) [W-GRID]"]


def _stacked(columns: Sequence[_Rows]) -> _Rows:
    """Return the outputs of all columns, one column each; fields keep the column as the first axis."""
    return _Rows(
        np.stack([column.outputs for column in columns], axis=1),
        np.stack([column.sources for column in columns], axis=1),
        np.stack([column.heat for column in columns], axis=1),
        np.stack([column.points for column in columns], axis=1),
        np.stack([column.field for column in columns]),
    )
