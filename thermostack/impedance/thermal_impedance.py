"""Thermal impedance of a part, block or stack: temperature rise after a step of one watt.

The impedance is defined for a linear body: conductivities and capacities are evaluated at given temperatures
and then constant. The default times follow JESD51-14, from 1 us on. No time integration takes place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import TypeAlias

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.heat_capacity import assemble_capacity, has_constant_capacity
from thermostack.finite_volume.response_error import ResponseError
from thermostack.impedance.grid_error import estimate_impedance_error
from thermostack.impedance.networks import Foster
from thermostack.impedance.ports import Port, default_source, find_port, find_source
from thermostack.impedance.reduced_model import KrylovBasis, build_basis
from thermostack.linear.shifted import ShiftedOperator
from thermostack.linear.steady_problem import Progress, timed
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model, as_model
from thermostack.package.package import Package
from thermostack.results.cell_temperatures import read_cell_temperatures
from thermostack.results.impedance_error import ImpedanceError
from thermostack.results.impedance_result import RESOLVED_ERROR, ThermalImpedance
from thermostack.results.result_warnings import extremes_of_field, temperature_warnings
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import (
    argument_error,
    as_names,
    check_number,
    check_quantity,
    quantities_in_si,
    require_callable,
)
from thermostack.steady import solve_steady
from thermostack.units import format_quantity, format_share

Array: TypeAlias = np.ndarray

MIN_TOLERANCE, MAX_TOLERANCE = 1e-7, 1.0  # of the reduced model
FIRST_TIME, MIN_LAST_TIME = 1e-6, 1e2  # s, range of the default times
MIN_TIME_RANGE = 10.0  # last over first of the default times
TIMES_PER_DECADE = 20  # of the default times
STEADY_TIME_CONSTANTS = 5.0  # mean time constants that the default times cover
RESPONSE_TOLERANCE = 1e-8  # of the linear solver, relative residual of each response
MAX_BASIS_FIELDS = 48  # fields in the memory estimate; the shipped packages need fewer
ESTIMATE_FIELDS = 5  # fields of the estimate of the discretisation error
RESOLVED_SAMPLES = 400  # times at which the error is compared with its bound
STEADY_SHARE = 0.99  # of the steady rise; a rise that ends below it causes a warning


def thermal_impedance(
    model: Model | Package,
    source: str | None = None,
    *,
    times: Sequence[float | str] | Array | None = None,
    first_time: float | str = FIRST_TIME,
    outputs: str | Sequence[str] = (),
    tolerance: float = 1e-4,
    temperature: SteadyResult | Array | float | str | None = None,
    threads: int | None = None,
    progress: Progress = lambda stage: None,
) -> ThermalImpedance:
    """Return the thermal impedance of a part, block or stack.

    One watt is distributed over the source as its power is, or evenly if its power is 0 W. The rise of the
    source is the mean over this distribution.

    Parameters
    ----------
    model : Model or Package
        The mesh, or a package that is meshed with the default cell size.
    source : str, optional
        Name of a part, block or stack that has a heat source, which may be described with 0 W. Default: the
        stack with the maximum power.
    times : array_like, shape (n,), optional
        Times [s], or text with a unit, "10 ms". Default: 20 per decade from 1 us to
        100 s, or to 5 mean time constants of the body.
    first_time : float or str
        First of the default times [s]; that of a grid with a `from_time`.
    outputs : str or sequence of str
        Names of other parts, blocks or stacks. The output is the mean weighted by power, or by volume for
        those without power. The output "SOURCE peak" is added: the cell of the source with the maximum rise.
    tolerance : float
        Maximum error of the reduced model, relative to the rise of the source at that time.
    temperature : SteadyResult, numpy.ndarray of shape (nz, ny, nx), or float, optional
        Temperatures [K] at which conductivities and capacities are evaluated. Default: the steady
        temperatures at the powers of the package, which are solved for unless all properties are constant.
    threads : int, optional
        Number of threads. The result does not depend on it.
    progress : callable
        Called with the name of each stage at its start.

    Returns
    -------
    ThermalImpedance
        Networks, rises and structure function.

    Raises
    ------
    UnknownNameError
        If nothing has a name.
    ArgumentError
        If the source has no heat source, or another argument has the wrong type or is out of its range.
    DescriptionError
        E-MISSING with all materials that have no heat capacity.
    ResourceError
        If the reduced model would not fit in memory.
    ConvergenceError
        If a linear solve or the rises do not converge.

    Notes
    -----
    The equations of all cells are solved at some real rates s instead of integrated in time; the solutions
    span a reduced model (rational Krylov method, see `thermostack.impedance.reduced_model`).

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("hbm3_8h"), cell=3e-3)
    >>> impedance = ts.thermal_impedance(model, times=[1e-3, 1.0], temperature=350.0, tolerance=1e-2)
    >>> impedance.source, impedance.zth["hbm3_8h"].shape
    ('hbm3_8h', (2,))
    """
    seconds: dict[str, float] = {}
    tolerance = check_number(tolerance, "tolerance", min=MIN_TOLERANCE, below=MAX_TOLERANCE)
    require_callable(progress, "progress", "pass a function of the name of a stage")
    with timed(seconds, "mesh", progress) if isinstance(model, Package) else nullcontext():
        model = as_model(model)
    model.require_linear_terms("a thermal impedance")
    outputs = as_names(outputs, "outputs")
    source = source or default_source(model)
    ports = {source: find_source(model, source)}
    ports |= {name: find_port(model, name) for name in outputs if name != source}
    given_times = None if times is None else _checked_times(times)
    first_time = check_quantity(first_time, "time", "first_time", above=0.0)
    check_memory(
        MemoryEstimate(model.grid, model.is_linear, extra_fields=MAX_BASIS_FIELDS + ESTIMATE_FIELDS),
        held=model.memory,
    )
    field, taken_at = _material_temperature(model, temperature, threads, progress, seconds)
    with timed(seconds, "assemble", progress):
        conductivity = _cell_conductivity(model, field)
        conduction = assemble_conduction(model, conductivity)
        capacity = assemble_capacity(model, field)
    with timed(seconds, "reduce", progress):
        widths = (model.grid.dx, model.grid.dy)
        shifted = ShiftedOperator(conduction, capacity, widths=widths, threads=threads)
        basis, time, error, rates = _reduce(shifted, ports, given_times, first_time, tolerance)
        tau, resistance = basis.terms(list(ports.values()))
        networks = {port: Foster(row, tau) for port, row in zip(ports, resistance, strict=True)}
    with timed(seconds, "estimate", progress):
        response_error = ResponseError(model, conduction, conductivity, capacity)
        grid_error = estimate_impedance_error(response_error, shifted, basis, ports, time)
    impedance = ThermalImpedance(
        model.package.name,
        source,
        time,
        networks,
        error,
        rates,
        taken_at,
        _center(model, int(ports[f"{source} peak"].cell[0])),
        float(capacity.sum()),
        _resolved_time(networks[source], grid_error, source),
        seconds=seconds,
        grid_error=grid_error,
    )
    warnings = [*model.warnings, *_warnings(impedance)]
    if field is not None:
        warnings += temperature_warnings(model, extremes_of_field(model, field), uses_capacity=True)
    return dataclasses.replace(impedance, warnings=tuple(warnings))


def _reduce(
    shifted: ShiftedOperator,
    ports: dict[str, Port],
    times: Array | None,
    first_time: float,
    tolerance: float,
) -> tuple[KrylovBasis, Array, float, tuple[float, ...]]:
    """Return the reduced model, times [s], its estimated error and rates [1/s]; add the port of the peak.

    The first port is the source.
    """
    name, source = next(iter(ports.items()))
    power = source.source_field(shifted.capacity.shape)

    def solve(rate: float, guess: Array | None = None) -> Array:
        return shifted.update_shift(rate).solve(power, guess, RESPONSE_TOLERANCE)[0]

    basis = KrylovBasis(shifted.apply_conduction, shifted.capacity, source)
    steady = solve(0.0)
    hottest = source.cell[np.argmax(steady.reshape(-1)[source.cell])]
    ports[f"{name} peak"] = Port(np.array([hottest]), np.ones(1))
    basis.add(steady)
    time = _default_times(float(basis.capacity_matrix[0, 0]), first_time) if times is None else times
    error, rates = build_basis(basis, list(ports.values()), time, solve, tolerance)
    return basis, time, error, (0.0, *rates)


def _default_times(mean: float, first: float) -> Array:
    """Return the default times [s] from a first one on, for a body with a mean time constant [s]."""
    last = max(MIN_LAST_TIME, MIN_TIME_RANGE * first, 10.0 ** np.ceil(np.log10(STEADY_TIME_CONSTANTS * mean)))
    return np.geomspace(first, last, 1 + round(TIMES_PER_DECADE * np.log10(last / first)))


def _checked_times(times: Sequence[float | str] | Array) -> Array:
    """Return times [s] in ascending order, each once; ArgumentError if one is not greater than zero."""
    time = quantities_in_si(times, "time", "times").reshape(-1)
    if not (time.size and np.isfinite(time).all() and (time > 0.0).all()):
        raise argument_error("times", "times must be finite and greater than zero", "", "E-RANGE")
    return np.unique(time)


def _material_temperature(
    model: Model,
    temperature: SteadyResult | Array | float | str | None,
    threads: int | None,
    progress: Progress,
    seconds: dict[str, float],
) -> tuple[Array | None, str]:
    """Return the temperatures [K] of conductivities and capacities, (nz, ny, nx), and their description.

    The temperatures are None if all properties are constant.
    """
    if temperature is None:
        if model.is_linear and has_constant_capacity(model):
            return None, "constant"
        temperature = solve_steady(model, estimate=False, threads=threads, progress=progress)
        seconds.update(temperature.seconds)
    field = read_cell_temperatures(temperature, model, "temperature")
    if isinstance(field, float):
        return np.full(model.grid.shape, field), format_quantity(field, "temperature")
    if isinstance(temperature, SteadyResult):
        power = format_quantity(temperature.heat_balance.heat_in, "power")
        return field, f"the steady temperatures at {power}"
    return field, "the given temperatures"


def _cell_conductivity(model: Model, field: Array | None) -> CellConductivity:
    """Return the conductivities at temperatures [K]; if all are equal, no heat flows through the faces."""
    conductivity = CellConductivity(model, field)
    if field is None or np.nanmin(field) < np.nanmax(field):
        return conductivity
    faces = model.boundary
    at_rest = {
        "temperature": np.full(faces.cell.shape, float(np.nanmin(field))),
        "flux": np.zeros(faces.cell.shape),
    }
    return conductivity.with_boundary(dataclasses.replace(faces, **at_rest))


def _center(model: Model, cell: int) -> tuple[float, float, float]:
    """Return the centre x, y, z [m] of a cell."""
    grid = model.grid
    k, j, i = np.unravel_index(cell, grid.shape)
    return float(grid.x_center[i]), float(grid.y_center[j]), float(grid.z_center[k])


def _resolved_time(network: Foster, grid_error: ImpedanceError, source: str) -> float:
    """Return the time [s] from which the relative error of the source stays below RESOLVED_ERROR."""
    first, last = float(grid_error.time[0]), float(grid_error.time[-1])
    time = np.geomspace(first, last, RESOLVED_SAMPLES)
    is_above = grid_error.at_time(time, source) > RESOLVED_ERROR * network.rise(time)
    if not is_above.any():
        return first
    latest = int(np.flatnonzero(is_above)[-1])
    return float(time[latest + 1]) if latest + 1 < time.size else np.inf


def _warnings(impedance: ThermalImpedance) -> Iterator[str]:
    """Yield W-GRID for the discretisation error of the source, W-TIME if the last time is too early."""
    first, last = (float(t) for t in impedance.time[[0, -1]])
    if first < impedance.resolved:
        yield str(_grid_diagnostic(impedance))
    reached = float(impedance.rise(last)) / impedance.theta
    if reached < STEADY_SHARE:
        text = f"at {format_quantity(last, 'time')} the rise is {reached:.1%} of the steady rise"
        yield str(Diagnostic(impedance.source, text, "use later times", "W-TIME"))


def _grid_diagnostic(impedance: ThermalImpedance) -> Diagnostic:
    """Return the warning of a discretisation error above RESOLVED_ERROR, with a better grid."""
    relative = impedance.error_of_rise(impedance.time) / impedance.rise(impedance.time)
    worst = int(np.argmax(relative))
    shown = format_quantity(float(impedance.time[worst]), "time")
    text = f"the grid causes an estimated error of {format_share(relative[worst])} of the rise at {shown}"
    if impedance.resolved <= impedance.time[-1]:
        resolved = format_quantity(impedance.resolved, "time")
        text += f", below {format_share(RESOLVED_ERROR)} from {resolved} on"
    else:
        text += f", and of {format_share(relative[-1])} at the end"
    first = format_quantity(float(impedance.time[0]), "time")
    axes = impedance.grid_error.axes_at(float(impedance.time[worst])) if impedance.grid_error else "z"
    hint = f'most of it from the cells along {axes}; use --from "{first}", or smaller cells there'
    return Diagnostic(impedance.source, text, hint, "W-GRID")
