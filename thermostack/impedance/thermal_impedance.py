"""The thermal impedance of a part: its rise after a step of one watt, as networks and structure functions.

Zth is a notion of linear bodies: conductivities and capacities are taken at stated temperatures and held.
Times are as JESD51-14 asks for them, from microseconds on; nothing is stepped through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.finite_volume.conduction import CellConductivity, assemble_conduction
from thermostack.finite_volume.heat_capacity import assemble_capacity, has_constant_capacity
from thermostack.impedance.networks import (
    Cauer,
    Foster,
    StructureFunction,
    foster_to_cauer,
    structure_function,
)
from thermostack.impedance.ports import Port, find_port, find_source, heated_stacks
from thermostack.impedance.reduced_model import KrylovBasis, build_basis
from thermostack.linear.shifted import ShiftedOperator
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model, discretize
from thermostack.package.package import Package
from thermostack.results.steady_result import SteadyResult
from thermostack.steady import Progress, solve_steady, timed
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST, LAST = 1e-6, 1e2  # s, times where none are asked for; later where a body rests later
PER_DECADE = 20  # times
LASTING = 5.0  # mean time constants after which a body is taken to rest
EXACTNESS = 1e-8  # tolerance of the solver
FIELDS = 48  # answers that are kept at most, in packages that were tried
RESOLVED = 6.0  # times dz^2 c / k: from then on cells cost less than 1 %, as measured on a slab of many grids
AT_REST = 0.99  # of the steady rise, reached at the last time, or else it is told


@dataclass(frozen=True, eq=False)
class ThermalImpedance:
    """The rise of a source and of other places per watt of the source, over time and over frequency."""

    package: str
    source: str
    time: np.ndarray  # (n,) s
    networks: dict[str, Foster]  # by place, the source first; of one set of time constants
    error: float  # estimated, of the reduction, relative to the rise of the source at the same time
    rates: tuple[float, ...]  # 1/s, at which the body was solved for, 0 first
    taken_at: str  # temperatures of conductivities and capacities, in words
    peak_at: tuple[float, float, float]  # m, centre of the source's hottest cell
    capacity: float  # J/K, of the whole body
    resolved: float  # s: before, the thickness of the cells beside the source costs more than 1 %
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)  # by stage

    @property
    def theta(self) -> float:
        """Return the thermal resistance of the source to the ambient [K/W], the rise at rest."""
        return self.foster.total

    @cached_property
    def zth(self) -> dict[str, np.ndarray]:
        """Return the rise per watt [K/W] at every time, by place, (n,) each."""
        return {name: network.rise(self.time) for name, network in self.networks.items()}

    @property
    def foster(self) -> Foster:
        """Return the network of the source, a sum of terms."""
        return self.networks[self.source]

    @cached_property
    def cauer(self) -> Cauer:
        """Return the network of the source as a ladder."""
        return foster_to_cauer(self.foster)

    @cached_property
    def structure(self) -> StructureFunction:
        """Return the structure function of the source."""
        return structure_function(self.foster, self.time)

    @property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the time constants [s] and their resistances [K/W], (m,) each."""
        return self.foster.time_constant, self.foster.resistance

    def rise(self, time: Any, place: str | None = None) -> np.ndarray:
        """Return the rise per watt [K/W] at any times [s] from the source or another place."""
        return self.networks[place or self.source].rise(time)

    def at(self, omega: Any, place: str | None = None) -> np.ndarray:
        """Return the complex impedance [K/W] at angular frequencies [rad/s], of the source or a place."""
        return self.networks[place or self.source].at(omega)

    def plot(self, path: str | Path | None = None) -> Figure:
        """Return the picture of rise, spectrum and structure functions, written to a path if given."""
        from thermostack.plot.impedance import plot_impedance

        return plot_impedance(self, path)

    def save(self, directory: str | Path) -> list[Path]:
        """Write tables, circuits and a summary to a directory that is there; return their paths.

        Raises OutputError where a file cannot be written, or would replace something else.
        """
        from thermostack.io.results.impedance_files import impedance_files, write_impedance

        return write_impedance(self, impedance_files(Path(directory) / f"{self.package}_zth"))


def thermal_impedance(
    model: Model | Package,
    source: str | None = None,
    *,
    times: Sequence[float] | np.ndarray | None = None,
    outputs: Sequence[str] = (),
    tolerance: float = 1e-4,
    temperature: SteadyResult | np.ndarray | float | None = None,
    threads: int | None = None,
    progress: Progress = lambda stage: None,
) -> ThermalImpedance:
    """Return the thermal impedance of a part, block or stack that makes heat, by default what makes most.

    One watt is given off as the source's heat is; its rise is the mean over that heat, which is what a
    sensor in the junction averages. `outputs` are other parts, blocks or stacks: each gives the mean over
    its heat, or over its volume where it makes none. "SOURCE peak" is the cell of the source that gets
    hottest. `times` [s] are 20 a decade from 1 us to 100 s, or until it rests, unless given; at them no
    rise is further than `tolerance` of the source's from that of the cells.

    `temperature` says where conductivities and capacities are taken: a steady result of this model, its
    field [K], one temperature [K], or None for the steady temperatures at the powers of the drawing, which
    are solved for unless nothing depends on them.

    Raises KeyError for an unknown name, ValueError where the source makes no heat or a time is not greater
    than zero, DescriptionError (E-MISSING) that names every material without heat capacity, ResourceError
    where the reduced model would not fit in memory, ConvergenceError where a solve or the rises stall.
    """
    seconds: dict[str, float] = {}
    if isinstance(model, Package):
        with timed(seconds, "mesh", progress):
            model = discretize(model)
    source = source or next(iter(heated_stacks(model)), "")
    places = {source: find_source(model, source)}
    places |= {name: find_port(model, name) for name in outputs if name != source}
    asked = None if times is None else _checked_times(times)
    check_memory(MemoryEstimate(model.grid, model.is_linear, extra_fields=FIELDS), held=model.memory)
    field, taken_at = _field_of(model, temperature, threads, progress, seconds)
    with timed(seconds, "assemble", progress):
        conductivity = CellConductivity(model, field)
        conduction = assemble_conduction(model, conductivity)
        capacity = assemble_capacity(model, field)
        resolved = _resolved_time(model, conductivity, capacity, places[source])
    with timed(seconds, "reduce", progress):
        shifted = ShiftedOperator(
            conduction, capacity, widths=(model.grid.dx, model.grid.dy), threads=threads
        )
        heat = places[source].source_field(model.grid.shape)

        def solve(rate: float, guess: np.ndarray | None = None) -> np.ndarray:
            return shifted.update_shift(rate).solve(heat, guess, EXACTNESS)[0]

        space = KrylovBasis(shifted.apply_conduction, capacity, places[source])
        rest = solve(0.0)
        hottest = places[source].cell[np.argmax(rest.reshape(-1)[places[source].cell])]
        places[f"{source} peak"] = Port(np.array([hottest]), np.ones(1))
        space.add(rest)
        time = _usual_times(float(space.inertia[0, 0])) if asked is None else asked
        error, rates = build_basis(space, list(places.values()), time, solve, tolerance)
        tau, resistance = space.terms(list(places.values()))
    made = ThermalImpedance(
        model.package.name,
        source,
        time,
        {name: Foster(row, tau) for name, row in zip(places, resistance, strict=True)},
        error,
        (0.0, *rates),
        taken_at,
        _center(model, int(hottest)),
        float(capacity.sum()),
        resolved,
        seconds=seconds,
    )
    return dataclasses.replace(made, warnings=(*model.warnings, *_warnings(made)))


def _usual_times(mean: float) -> np.ndarray:
    """Return the times [s] for a body of that mean time constant [s]."""
    last = max(LAST, 10.0 ** np.ceil(np.log10(LASTING * mean)))
    return np.geomspace(FIRST, last, 1 + round(PER_DECADE * np.log10(last / FIRST)))


def _checked_times(times: Sequence[float] | np.ndarray) -> np.ndarray:
    time = np.array(times, dtype=np.float64, ndmin=1)
    if not (time.size and np.isfinite(time).all() and (time > 0.0).all()):
        raise ValueError("times are not all greater than zero")
    return np.unique(time)


def _field_of(
    model: Model,
    temperature: SteadyResult | np.ndarray | float | None,
    threads: int | None,
    progress: Progress,
    seconds: dict[str, float],
) -> tuple[np.ndarray | None, str]:
    """Return where conductivities and capacities are taken, (nz, ny, nx) K, and that in words."""
    shape = model.grid.shape
    if temperature is None:
        if model.is_linear and has_constant_capacity(model):
            return None, "constant"
        temperature = solve_steady(model, estimate=False, threads=threads, progress=progress)
        seconds.update(temperature.seconds)
    if isinstance(temperature, SteadyResult):
        power = format_quantity(temperature.heat_balance.heat_in, "power")
        taken_at, temperature = f"the steady temperatures at {power}", temperature.field
    else:
        taken_at = "the temperatures given"
    if np.ndim(temperature) == 0:
        value = float(temperature)
        return np.full(shape, value), format_quantity(value, "temperature")
    field = np.asarray(temperature, dtype=np.float64)
    if field.shape != shape:
        raise ValueError(f"temperature has shape {field.shape}; the cells have {shape}")
    return field, taken_at


def _center(model: Model, cell: int) -> tuple[float, float, float]:
    grid = model.grid
    k, j, i = np.unravel_index(cell, grid.shape)
    return float(grid.x_center[i]), float(grid.y_center[j]), float(grid.z_center[k])


def _resolved_time(model: Model, conductivity: CellConductivity, capacity: np.ndarray, source: Port) -> float:
    """Return the time [s] from which the cells below and above the source's cost less than 1 % of the rise.

    It is RESOLVED times dz^2 c / k. Of the two sides, each has the weight of its effusivity sqrt(k c), as
    heat goes both ways at first.
    """
    grid = model.grid
    nz, ny, nx = grid.shape
    k, column = np.divmod(source.cell, ny * nx)
    taken = weight = 0.0
    for beside in (k.min() - 1, k.max() + 1):
        if not 0 <= beside < nz:
            continue
        volume = grid.dz[beside] * (grid.dy[:, None] * grid.dx).reshape(-1)[column]
        c = capacity[beside].reshape(-1)[column] / volume
        k_z = conductivity.plane(int(beside))[0].reshape(-1)[column]
        effusivity = source.weight * np.sqrt(k_z * c)
        taken += float(np.sum(effusivity * grid.dz[beside] ** 2 * c / np.where(k_z > 0.0, k_z, np.inf)))
        weight += float(np.sum(effusivity))
    return RESOLVED * taken / weight if weight > 0.0 else 0.0


def _warnings(made: ThermalImpedance) -> Iterator[str]:
    """Yield what the times asked for leave out."""
    first, last = (float(t) for t in made.time[[0, -1]])
    if first < made.resolved:
        shown = format_quantity(made.resolved, "time")
        text = f"before {shown} the cells beside it are so thick that they cost more than 1 % of the rise"
        yield str(Diagnostic(made.source, text, "ask for smaller cells, or later times", "W-GRID"))
    reached = float(made.rise(last)) / made.theta
    if reached < AT_REST:
        text = f"at {format_quantity(last, 'time')} the rise has come to {reached:.1%} of the steady one"
        yield str(Diagnostic(made.source, text, "ask for later times", "W-TIME"))
