"""Thermal runaway of a package with leakage: critical power, ambient temperature and cooler resistance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thermostack.errors import BoilingCrisisError, DescriptionError, RunawayError
from thermostack.linear.steady_problem import SteadyProblem
from thermostack.mesh.boundary_faces import cooler_entries
from thermostack.mesh.model import Model, as_model, discretize
from thermostack.package.boundary_law import first_law
from thermostack.package.cooling import FACES, Cooling, FixedTemperature, HtcMap
from thermostack.package.package import Package
from thermostack.results.runaway_result import CriticalValue, Outcome, RunawayPoint, RunawayResult
from thermostack.schema.arguments import argument_error, require_callable
from thermostack.steady import require_fixed_temperature

Array = np.ndarray
ModelByValue = Callable[[float], Model]  # the model by the value of the quantity that changes


@dataclass(frozen=True)
class SearchSettings:
    """Limits of the search for a critical value.

    Parameters
    ----------
    residual
        Tolerance of the linear solver.
    accuracy
        Relative width of the interval that contains the critical value; of an ambient change, the width
        relative to the rise of the hottest cell.
    first_factor, max_factor
        First step, as a factor of the quantity; largest factor that is tried.
    first_change, max_change
        The same for changes of the ambient temperature [K].
    margin
        Fraction of the predicted distance to the critical value that is not stepped over.
    max_solves
        Number of steady solves of one quantity.
    """

    residual: float = 1e-7
    accuracy: float = 0.01
    first_factor: float = 1.1
    max_factor: float = 100.0
    first_change: float = 5.0
    max_change: float = 500.0
    margin: float = 0.02
    max_solves: int = 40


SETTINGS = SearchSettings()


def runaway(
    model: Model | Package,
    *,
    threads: int | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> RunawayResult:
    """Return how far a package with leakage is from thermal runaway.

    Parameters
    ----------
    model : Model or Package
        The mesh; a package is discretized with the default grid.
    threads : int, optional
        Number of threads, by default that of the available processor cores.
    progress : callable
        Function that is called with the name of each stage when it starts.

    Returns
    -------
    RunawayResult
        Loop gain, and the critical values of the factor of all powers, of the change of all ambient
        temperatures, and of the thermal resistance of the cooler that takes most heat, each in an interval of
        1 %. The ambient change is left out where a pool at saturation cannot be warmer, the resistance where
        the cooler is a law or a fixed temperature.

    Raises
    ------
    ArgumentError
        If the package has no leakage.
    DescriptionError
        If no boundary condition fixes the temperature.
    ConvergenceError
        If a solve does not converge.

    Notes
    -----
    The loop gain mu reaches 1 at the critical value, and (1 - mu)^2 falls linearly in front of it. This
    predicts the next value; whether a value has a steady state is decided by Newton's method from below
    (docs/numerics.md, section 4). Conductivities and boundary laws follow the temperature in every solve.

    Examples
    --------
    >>> import thermostack as ts
    >>> power = ts.Power(total="80 W", leakage=ts.Leakage("20 W", at="25 degC", beta=0.02))
    >>> die = ts.Stack("die", ("10 mm", "10 mm"), ts.Layer("si", "1 um", "copper", power))
    >>> package = ts.Package("node", die, ts.Cooling(top=ts.Convection("50 kW/m2/K", "25 degC")))
    >>> found = ts.runaway(ts.discretize(package, cell="5 mm"))
    >>> round(found.loop_gain, 2), round(found.of("cooler resistance").value, 2)
    (0.12, 0.45)
    """
    require_callable(progress, "progress", "pass a function of the name of a stage")
    model = as_model(model)
    require_fixed_temperature(model)
    if model.leakage is None:
        raise argument_error("model", "the package has no leakage", "write `leakage:` at a power", "E-POWER")
    search = _Search(threads)
    progress("operating point")
    present = search.solve(model)
    quantities: list[tuple[str, float, ModelByValue | None, str]] = [
        ("power scale", 1.0, lambda scale: scaled_powers(model, scale), ""),
        ("ambient change", 0.0, _by_ambient(model), ""),
        _by_resistance(model, present),
    ]
    critical = []
    for quantity, value, model_at, name in quantities:
        if model_at is not None:
            progress(quantity)
            critical.append(search.critical(quantity, value, model_at, name, present))
    leakage = model.leakage.reference if present is None else present.leakage
    return RunawayResult(
        model.package.name,
        None if present is None else present.loop_gain,
        None if present is None else present.temperature,
        model.total_power,
        leakage,
        tuple(critical),
    )


@dataclass(frozen=True, eq=False)
class _State:
    """A steady state: its field and what follows from it."""

    rise: Array  # (nz, ny, nx) K over the reference
    zero: float  # K, the reference
    temperature: float  # K, maximum
    ambient: float  # K, mean
    loop_gain: float
    leakage: float  # W
    outflow: Array  # (faces,) W


class _Search:
    """Steady solves of models with the same cells."""

    def __init__(self, threads: int | None, settings: SearchSettings = SETTINGS) -> None:
        self.threads, self.settings = threads, settings
        self.outcome: Outcome = "runaway"  # of the last state that does not exist

    def solve(self, model: Model, guess: _State | None = None) -> _State | None:
        """Return the steady state of a model, None where there is none.

        A guess is a state below the solution, as that of a smaller power.
        """
        problem = SteadyProblem(
            model, self.settings.residual, "multigrid", self.threads, {}, lambda stage: None
        )
        start = None
        if guess is not None:
            start = guess.rise + (guess.zero - problem.zero)
            start[model.part == 0] = 0.0
            problem.assemble(start.copy(), is_new=True)
        try:
            rise = problem.solve_nonlinear(start)
            report = problem.nonlinear_report(rise + problem.zero)
        except (RunawayError, BoilingCrisisError) as error:
            self.outcome = "boiling crisis" if isinstance(error, BoilingCrisisError) else "runaway"
            return None
        assert report is not None
        assert report.loop_gain is not None
        hottest = float(rise[model.part > 0].max()) + problem.zero
        outflow = problem.boundary_outflow(rise)
        ambient = model.boundary.mean_ambient
        return _State(rise, problem.zero, hottest, ambient, report.loop_gain, report.leakage, outflow)

    def critical(
        self, quantity: str, present: float, model_at: ModelByValue, name: str, first: _State | None
    ) -> CriticalValue:
        """Return the critical value of a quantity, from the state at its present value."""
        settings, is_change = self.settings, quantity == "ambient change"
        end = present + settings.max_change if is_change else present * settings.max_factor
        low, high, state = present, math.inf, first
        if first is None:
            low, high, state = self._find_below(present, model_at, is_change)
            if state is None:
                return CriticalValue(quantity, present, low, high, (), name, self.outcome)
        assert state is not None
        points = [RunawayPoint(low, state.temperature, state.loop_gain)]
        for _ in range(settings.max_solves):
            if self._is_accurate(low, high, state, is_change) or low >= end:
                break
            value = min(self._next(points, low, high, is_change), end)
            model = _model_at(model_at, value)
            if model is None:
                break
            following = self.solve(model, state)
            if following is None:
                high = value
            else:
                low, state = value, following
                points.append(RunawayPoint(value, state.temperature, state.loop_gain))
        points.sort(key=lambda point: point.value)
        return CriticalValue(quantity, present, low, high, tuple(points), name, self.outcome)

    def _find_below(
        self, present: float, model_at: ModelByValue, is_change: bool
    ) -> tuple[float, float, _State | None]:
        """Return a value with a steady state below the present one, which has none, and the state."""
        settings, high = self.settings, present
        for n in range(settings.max_solves):
            step = settings.first_change * 2.0**n
            value = present - step if is_change else present / settings.first_factor ** (2.0**n)
            if (is_change and step > 100.0) or (not is_change and value < present / settings.max_factor):
                break
            model = _model_at(model_at, value)
            if model is None:
                break
            state = self.solve(model)
            if state is not None:
                return value, high, state
            high = value
        return -math.inf if is_change else 0.0, high, None

    def _is_accurate(self, low: float, high: float, state: _State, is_change: bool) -> bool:
        scale = max(state.temperature - state.ambient, 1.0) if is_change else low
        return high - low <= self.settings.accuracy * scale

    def _next(self, points: list[RunawayPoint], low: float, high: float, is_change: bool) -> float:
        """Return the next value to solve, between `low` and `high`."""
        settings = self.settings
        step = settings.first_change if is_change else (settings.first_factor - 1.0) * low
        if len(points) > 1:
            (a, b) = points[-2:]
            fall = (1.0 - a.loop_gain) ** 2 - (1.0 - b.loop_gain) ** 2
            if fall > 0.0:
                predicted = (1.0 - b.loop_gain) ** 2 * (b.value - a.value) / fall
                longest = 4.0 * (b.value - a.value) + step
                step = min((1.0 - settings.margin) * predicted, longest) if predicted > 0.0 else step
            else:
                step = 2.0 * (b.value - a.value) + step
        value = low + max(step, 1e-6 * max(abs(low), 1.0))
        if high < math.inf:
            width = high - low
            value = min(max(value, low + 0.25 * width), high - 0.25 * width)
        return value


def _model_at(model_at: ModelByValue, value: float) -> Model | None:
    """Return the model at a value, None where the description does not permit it, as air below -50 degC."""
    try:
        return model_at(value)
    except DescriptionError:
        return None


def scaled_powers(model: Model, scale: float) -> Model:
    """Return a model with all powers and leakage powers multiplied by a factor."""
    leakage = model.leakage
    assert leakage is not None
    sources = tuple(replace(source, plane=scale * source.plane) for source in model.layer_sources)
    scaled = tuple(replace(source, plane=scale * source.plane) for source in leakage.sources)
    other = model.linearised(model.boundary, sources)
    vars(other)["leakage"] = replace(leakage, sources=scaled)
    return other


def _by_ambient(model: Model) -> ModelByValue | None:
    """Return the model by the change of all ambient temperatures [K], None where they cannot change."""

    def changed(change: float) -> Model:
        cooling = _with_coolers(model.package.cooling, lambda n, cooler: warmer_cooler(cooler, change))
        return _with_cooling(model, cooling)

    try:
        changed(SETTINGS.first_change)
    except DescriptionError:  # a pool at saturation cannot be warmer
        return None
    return changed


def _by_resistance(model: Model, present: _State | None) -> tuple[str, float, ModelByValue | None, str]:
    """Return the quantity, its value, the model by the resistance, and the name of the main cooler."""
    boundary = model.boundary
    count = len(cooler_entries(model.package.cooling))
    heat = boundary.area * np.minimum(boundary.h, 1e9) if present is None else present.outflow
    number = int(np.argmax(np.bincount(boundary.cooler, weights=heat, minlength=count)))
    face, index, entry = cooler_entries(model.package.cooling)[number]
    cooler, own = entry.cooler, boundary.cooler == number
    name = f"cooling.{face}" + (f"[{index}]" if len(getattr(model.package.cooling, face)) > 1 else "")
    if first_law(cooler, 1.0) is not None or isinstance(cooler, FixedTemperature):
        return "cooler resistance", math.nan, None, name
    resistance = 1.0 / float(boundary.area[own] @ boundary.h[own])

    def changed(value: float) -> Model:
        factor = value / resistance
        cooling = _with_coolers(
            model.package.cooling, lambda n, each: weaker_cooler(each, factor) if n == number else each
        )
        return _with_cooling(model, cooling)

    return "cooler resistance", resistance, changed, name


def _with_coolers(cooling: Cooling, change: Callable[[int, Any], Any]) -> Cooling:
    """Return a cooling with every cooler changed, given its number and itself."""
    new: dict[str, Any] = {face: [] for face in (*FACES, "surroundings")}
    for number, (face, _, entry) in enumerate(cooler_entries(cooling)):
        new[face].append(replace(entry, cooler=change(number, entry.cooler)))
    return replace(cooling, **new)


def _with_cooling(model: Model, cooling: Cooling) -> Model:
    package = replace(model.package, cooling=cooling)
    return discretize(package, grid=model.grid)


def warmer_cooler(cooler: Any, change: float) -> Any:
    """Return a cooler whose ambient, coolant, surface or pool is warmer by a change [K]."""
    names = ("ambient", "coolant", "temperature", "pool", "radiates_to")
    fields = getattr(type(cooler), "__dataclass_fields__", {})
    values = {name: getattr(cooler, name) for name in names if name in fields}
    new: dict[str, Any] = {name: value + change for name, value in values.items() if isinstance(value, float)}
    if (rows := getattr(cooler, "flux_table", None)) is not None:
        new["flux_table"] = tuple((t + change, flux) for t, flux in rows)
    return replace(cooler, **new) if new else cooler


def weaker_cooler(cooler: Any, factor: float) -> Any:
    """Return a cooler whose thermal resistance is multiplied by a factor."""
    if getattr(cooler, "resistance", None) is not None:
        return replace(cooler, resistance=cooler.resistance * factor)
    h = cooler.h
    if isinstance(h, HtcMap):
        return replace(cooler, h=replace(h, values=h.values / factor))
    return replace(cooler, h=h / factor)
