"""The thermal metrics of JEDEC: junction-to-air, junction-to-board and junction-to-case resistances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thermostack.design.influence import influence
from thermostack.errors import DescriptionError, Diagnostic
from thermostack.finite_volume.operating_point import MIN_SLOPE, surface_temperatures
from thermostack.linear.steady_problem import Progress, timed
from thermostack.mesh.model import CellInput, Model, discretize
from thermostack.package.geometry import package_geometry
from thermostack.package.package import Package
from thermostack.results.jedec_result import DieMatrix, JedecMetric, JedecResult, TemperatureReading
from thermostack.results.names import with_stacks
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import (
    argument_error,
    check_number,
    check_quantity,
    check_threads,
    require_callable,
    require_instance,
)
from thermostack.schema.fields import to_si
from thermostack.steady import solve_steady
from thermostack.thermal_metrics.board import JedecBoard
from thermostack.thermal_metrics.body import Body, PlacedBody, find_body, place_alone, place_on_board
from thermostack.thermal_metrics.environments import (
    COLD_PLATE_HTC,
    EMISSIVITY,
    SPEEDS,
    ZONES,
    Air,
    air_cooling,
    bottom_cooling,
    check_kinds,
    ring_cooling,
    top_cooling,
)
from thermostack.thermal_metrics.readings import check_junction, read_board, read_case, read_junction
from thermostack.units import format_quantity

MIN_RISE = 1e-3  # K of a surface over the ambient, below which its coefficient is the slope of the law
COARSE = 2.0  # ratio of the cell sizes of the second grid, from which the errors follow
RECIPROCITY_TOLERANCE = 1e-9  # relative residual of the columns of a matrix


def jedec(
    package: Package,
    *,
    board: str | JedecBoard = "jesd51-9/2s2p",
    environments: str | Sequence[str] | None = None,
    power: float | str | None = None,
    ambient: float | str = "25 degC",
    junction: str = "max",
    emissivity: float = EMISSIVITY,
    cold_plate_htc: float | str = COLD_PLATE_HTC,
    own_board: str | None = None,
    cell: CellInput = None,
    fineness: float = 1.0,
    matrices: bool = True,
    threads: int | None = None,
    progress: Progress = lambda stage: None,
) -> JedecResult:
    """Return the thermal metrics of a package on a test board, by the definitions of JESD51.

    Parameters
    ----------
    package : Package
        The package, with or without a board of its own. Its coolers are replaced by the environments.
    board : str or JedecBoard
        "jesd51-9/2s2p", "jesd51-9/1s", "jesd51-7", "jesd51-5", "jesd51-3", or a board with other sizes.
    environments : str or sequence of str, optional
        "still-air", "moving-air" (1, 2 and 3 m/s), "ring", "top", "bottom". Default: all.
    power : float or str, optional
        Power of all sources [W, or text with a unit]; the described powers are scaled to it.
    ambient : float or str
        Temperature of the air and of the cold plates [K, or text with a unit].
    junction : str
        "max" or "mean" of the hottest part with power, or the name of a part, a block or a stack.
    emissivity : float
        Emissivity of all surfaces in air.
    cold_plate_htc : float or str
        Coefficient of the cold plate on the top [W/(m2 K), or text with a unit].
    own_board : str, optional
        Name of the stack that is the board of the description, "none" without one. By default it is the stack
        without support if its name or a material of its layers is that of a board.
    cell : float, str, sequence or mapping, optional
        Maximum cell size, as that of `discretize`.
    fineness : float
        Factor that divides the cell sizes of the default rule.
    matrices : bool
        Whether to compute the matrix of a package with several dies in each environment.
    threads : int, optional
        Number of threads.
    progress : callable
        Function that is called with the name of each stage when it starts.

    Returns
    -------
    JedecResult
        The metrics with their readings, heat by surface and discretisation errors.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of its range, or the board is too small for the package.
    UnknownNameError
        If no board, environment or part has a name.
    DescriptionError
        If no part has power, or nothing stands on the board of the description.

    Notes
    -----
    Boards are those of JESD51-3, -5, -7 and -9, still air of JESD51-2A, moving air of JESD51-6, the ring
    cold plate of JESD51-8, and the matrix of JESD51-31. All surfaces in air have free or forced
    convection by correlation, and radiation, at their own temperature; the matrix has the coefficients of
    the solution. The discretisation error of a metric is its difference from that of a grid with cells
    twice as large, and for metrics relative to the air at least the estimated error of the junction
    temperature.

    Examples
    --------
    >>> import thermostack as ts
    >>> found = ts.jedec(ts.read_package("fcbga"), environments="still-air", cell="4 mm")
    >>> found.of("psi_JT").value < found.of("theta_JA").value
    True
    """
    hint = "read_package returns a package"
    require_instance(package, (Package,), "package", "a Package", hint, reader="read_package")
    require_callable(progress, "progress", "pass a function of the name of a stage")
    if not isinstance(board, JedecBoard):
        board = JedecBoard(board)
    kinds, kelvin = check_kinds(environments), check_quantity(ambient, "temperature", "ambient", above=0.0)
    htc = check_quantity(cold_plate_htc, "heat_transfer_coefficient", "cold_plate_htc", above=0.0)
    emissivity = check_number(emissivity, "emissivity", min=0.0)
    if emissivity > 1.0:
        raise argument_error("emissivity", f"must be at most 1, got {emissivity:g}", "", "E-RANGE")
    fineness = check_number(fineness, "fineness", above=0.0)
    body = find_body(with_power(package, power), own_board)
    rules = CellRules(cell, fineness, check_threads(threads))
    study = _Study(body, board, kelvin, junction, rules, progress)
    if matrices and len(powered_stacks(body.package)) > 1:
        study.wants_matrices = True
    speeds = [0.0] if "still-air" in kinds else []
    speeds += list(SPEEDS) if "moving-air" in kinds else []
    for speed in speeds:
        study.add_air(Air(kelvin, speed, emissivity))
    if "ring" in kinds:
        study.add_ring()
    if "top" in kinds:
        study.add_top(None)
        study.add_top(htc)
    if "bottom" in kinds:
        study.add_bottom()
    return study.result()


def with_power(package: Package, power: float | str | None) -> Package:
    """Return a package whose powers are scaled to a total [W].

    Raises DescriptionError where it has no power, and ArgumentError where the power is not positive.
    """
    watts = None if power is None else check_quantity(power, "power", "power", above=0.0)
    described = package.power
    if not described > 0.0:
        text = "no part has power, so that no temperature difference per watt exists"
        raise DescriptionError(
            Diagnostic(
                "stacks", text, "give the active layer of a die a power, such as power: 1 W", "E-POWER"
            )
        )
    if watts is None or watts == described:
        return package
    factor = watts / described
    stacks = []
    for stack in package.stacks:
        own = sum(layer.power.power_on(*stack.size) for layer in stack.layers if layer.power is not None)
        stacks.append(replace(stack, power=factor * own) if own else stack)
    return replace(package, stacks=tuple(stacks))


def powered_stacks(package: Package) -> list[str]:
    """Return the names of the stacks with power: the dies."""
    return [
        stack.name
        for stack in package.stacks
        if any(layer.power is not None and layer.power.power_on(*stack.size) > 0.0 for layer in stack.layers)
    ]


@dataclass(frozen=True)
class CellRules:
    """Cell sizes of the fine and of the coarse grid, and the number of threads."""

    cell: CellInput
    fineness: float
    threads: int | None

    def model(self, package: Package, *, is_coarse: bool) -> Model:
        """Return the cells of a package."""
        if not is_coarse:
            return discretize(package, self.cell, fineness=self.fineness)
        return discretize(package, scaled_cell(self.cell, COARSE), fineness=self.fineness / COARSE)


def scaled_cell(cell: CellInput, factor: float) -> CellInput:
    """Return cell sizes [m] times a factor."""
    if cell is None:
        return None
    if isinstance(cell, Mapping):
        return {name: factor * to_si(size, "length", "cell") for name, size in cell.items()}
    if isinstance(cell, str) or not isinstance(cell, (Sequence, np.ndarray)):
        return factor * to_si(cell, "length", "cell")
    return [factor * to_si(size, "length", "cell") for size in cell]


Values = list[tuple[str, TemperatureReading, TemperatureReading, float | None]]
Reader = Callable[[SteadyResult], Values]  # name, junction, reference, error of the junction [K]


class _Study:
    """The environments that are solved one after the other, and what is found in each."""

    def __init__(
        self,
        body: Body,
        board: JedecBoard,
        ambient: float,
        junction: str,
        rules: CellRules,
        progress: Progress,
    ) -> None:
        self.body, self.board, self.ambient, self.junction = body, board, ambient, junction
        self.rules, self.progress = rules, progress
        self.placed = place_on_board(body, board)
        self.metrics: list[JedecMetric] = []
        self.matrices: list[DieMatrix] = []
        self.fields: dict[str, SteadyResult] = {}
        self.notes = list(self.placed.notes)
        self.seconds: dict[str, float] = {}
        self.wants_matrices = False
        self.power = body.package.power
        check_junction(junction, known_names(body.package))

    def result(self) -> JedecResult:
        """Return the result of all environments."""
        warnings = dict.fromkeys(w for each in self.fields.values() for w in each.warnings if _is_kept(w))
        return JedecResult(
            self.body.package.name,
            self.placed.title,
            self.power,
            self.ambient,
            tuple(self.metrics),
            tuple(self.matrices),
            tuple(dict.fromkeys(self.notes)),
            self.fields,
            self.placed.outline,
            tuple(warnings),
            self.seconds,
        )

    # -- environments --------------------------------------------------------------------------

    def add_air(self, air: Air) -> None:
        """Add the metrics of a board in air."""
        placed = self.placed
        package = placed.cooled(air_cooling(placed, air))
        ambient = TemperatureReading("ambient", self.ambient)

        def read(result: SteadyResult) -> Values:
            junction, error = read_junction(result, self.junction)
            name = "theta_JA" if air.speed == 0.0 else "theta_JMA"
            return [
                (name, junction, ambient, error),
                ("psi_JT", junction, read_case(result, placed), None),
                ("psi_JB", junction, read_board(result, placed), None),
            ]

        self._add_solved(air.name, air.standard, placed, package, read, dict(enumerate(ZONES)))

    def add_ring(self) -> None:
        """Add theta_JB: a ring cold plate on a board with planes."""
        board = self.board.with_planes
        placed = self.placed if board == self.board else place_on_board(self.body, board)
        if board != self.board:
            self.notes.append(f"theta_JB is that of a board with planes, {board.standard} (JESD51-8)")
        package = placed.cooled(ring_cooling(placed, self.ambient))
        names = {n: "ring, top of the board" if n < 4 else "ring, bottom of the board" for n in range(8)}

        def read(result: SteadyResult) -> Values:
            junction, _ = read_junction(result, self.junction)
            return [("theta_JB", junction, read_board(result, placed), None)]

        # The estimate for the junction contains the error at the edges of the ring, as T_B does.
        self._add_solved("ring cold plate", "JESD51-8", placed, package, read, names, estimate=False)

    def add_top(self, htc: float | None) -> None:
        """Add theta_JC of the top: an isothermal surface, or a cold plate of a coefficient [W/(m2 K)]."""
        placed = place_alone(self.body)
        package = placed.cooled(top_cooling(self.ambient, htc))
        name = "isothermal top"
        if htc is not None:
            name = f"cold plate of {format_quantity(htc, 'heat_transfer_coefficient')} on top"

        def read(result: SteadyResult) -> Values:
            junction, error = read_junction(result, self.junction)
            return [("theta_JC_top", junction, read_case(result, placed), error if htc is None else None)]

        self._add_solved(name, "JESD51-12", placed, package, read, {0: "top"})

    def add_bottom(self) -> None:
        """Add theta_JC of the bottom: an isothermal surface under the body."""
        placed = place_alone(self.body)
        package = placed.cooled(bottom_cooling(placed, self.ambient))
        reference = TemperatureReading("isothermal bottom", self.ambient)

        def read(result: SteadyResult) -> Values:
            junction, error = read_junction(result, self.junction)
            return [("theta_JC_bottom", junction, reference, error)]

        names = {0: "top", 1: "bottom"}
        self._add_solved("isothermal bottom", "JESD51-12", placed, package, read, names)

    # -- shared --------------------------------------------------------------------------------

    def _solve(self, package: Package, *, is_coarse: bool, estimate: bool) -> SteadyResult:
        model = self.rules.model(package, is_coarse=is_coarse)
        return solve_steady(model, threads=self.rules.threads, estimate=estimate and not is_coarse)

    def _add_solved(
        self,
        name: str,
        standard: str,
        placed: PlacedBody,
        package: Package,
        read: Reader,
        coolers: Mapping[int, str],
        *,
        estimate: bool = True,
    ) -> None:
        """Add the metrics of a package in an environment, solved on the fine and on the coarse grid."""
        with timed(self.seconds, name, self.progress):
            fine, coarse = (
                self._solve(package, is_coarse=is_coarse, estimate=estimate) for is_coarse in (False, True)
            )
        self._add(name, standard, placed, fine, coarse, read, coolers)

    def _add(
        self,
        name: str,
        standard: str,
        placed: PlacedBody,
        fine: SteadyResult,
        coarse: SteadyResult,
        read: Reader,
        coolers: Mapping[int, str],
    ) -> None:
        """Add the metrics of an environment from the results on the fine and on the coarse grid."""
        self.fields[name] = fine
        shares: dict[str, float] = {}
        power = fine.heat_balance.heat_in  # with leakage
        for cooler, heat in heat_by_cooler(fine).items():
            shares[coolers[cooler]] = shares.get(coolers[cooler], 0.0) + heat / power
        pairs = zip(read(fine), read(coarse), strict=True)
        for (metric, junction, reference, error), (_, other, other_reference, _) in pairs:
            value = (junction.temperature - reference.temperature) / power
            second = (other.temperature - other_reference.temperature) / coarse.heat_balance.heat_in
            estimated = max(abs(value - second), (error or 0.0) / power)
            self.metrics.append(
                JedecMetric(
                    metric,
                    value,
                    estimated,
                    name,
                    standard,
                    placed.title,
                    power,
                    junction,
                    reference,
                    shares,
                )
            )
        if self.wants_matrices:
            with timed(self.seconds, "matrices", self.progress):
                self.matrices.append(self._matrix(name, linear_model(fine), coolers))

    def _matrix(self, name: str, model: Model, coolers: Mapping[int, str]) -> DieMatrix:
        """Return the rise of every die per watt in every die with the coefficients of a model."""
        dies = powered_stacks(self.body.package)
        found = influence(
            model,
            dies,
            dies,
            peaks=False,
            check=False,
            tolerance=RECIPROCITY_TOLERANCE,
            threads=self.rules.threads,
        )
        boundary = model.boundary
        numbers = np.unique(boundary.cooler[boundary.h > 0.0]).tolist()
        heat: dict[str, np.ndarray] = {}
        for n, row in zip(numbers, found.heat, strict=True):
            heat[coolers[n]] = heat.get(coolers[n], np.zeros(row.size)) + row
        return DieMatrix(name, found.sources, found.source_resistance, heat)


def heat_by_cooler(result: SteadyResult) -> dict[int, float]:
    """Return the heat that leaves through each cooler [W], by the index of the cooler."""
    boundary = result.model.boundary
    outflow = np.bincount(boundary.cooler, weights=result.fluxes.boundary_outflow)
    return {int(n): float(outflow[n]) for n in np.unique(boundary.cooler)}


def linear_model(result: SteadyResult) -> Model:
    """Return the model of a result with constant powers, and with heat flux over rise as coefficients."""
    model, fluxes = result.model, result.fluxes
    faces = model.nonlinear_faces
    boundary = model.boundary
    if faces is not None:
        present = fluxes.model.boundary
        surface = surface_temperatures(faces, present, fluxes.conduction, fluxes.t)
        rise = surface - boundary.temperature[faces.face]
        is_warm = np.abs(rise) > MIN_RISE
        secant = np.divide(faces.flux(surface), rise, out=faces.slope(surface), where=is_warm)
        h = boundary.h.copy()
        h[faces.face] = np.maximum(secant, MIN_SLOPE)
        boundary = replace(boundary, h=h)
    return replace(model, boundary=boundary, nonlinear_faces=None, leakage=None)


def known_names(package: Package) -> list[str]:
    """Return the names of the parts, blocks and stacks of a package."""
    geometry = package_geometry(package)
    names = [part.name for part in geometry.parts]
    for source in geometry.sources:
        names += [f"{geometry.parts[source.part].name}.{name}" for name in source.layout.names]
    return with_stacks(names)


def _is_kept(warning: str) -> bool:
    """Return whether a warning concerns the package in its environment: not coolers without surface."""
    return "W-COOLING" not in warning
