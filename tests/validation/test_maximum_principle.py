"""The maximum principle of every reported temperature, on random packages, steady and transient.

Without heat sources no temperature is above those around it, without heat sinks none is below: of the cells
around a point, of the whole body with the ambient temperatures, and in time of the initial field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.random_packages import described_power, packages, varied

from thermostack import (
    Block,
    Convection,
    Cooling,
    FixedTemperature,
    Layer,
    Material,
    Model,
    Package,
    Power,
    Simulation,
    Stack,
    SteadyResult,
    Trace,
    discretize,
    solve_steady,
    solve_transient,
)
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.package.cooling import FaceCooling
from thermostack.units import celsius, mm, um

CELL = (1 * mm, 1 * mm, 0.4 * mm)
SLOW = settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SLOW_TRANSIENT = settings(SLOW, max_examples=500)
ROUNDING = 1e-6  # of the range of temperatures
SIGNS = {"heated": 1.0, "cooled": -1.0, "idle": 0.0}


@dataclass(frozen=True)
class Case:
    """A package with materials that depend on temperature, and the sign of its powers."""

    package: Package
    sign: float


@st.composite
def cases(draw: st.DrawFn, signs: tuple[str, ...] = tuple(SIGNS)) -> Case:
    """Return a random package whose powers heat it, cool it, or are zero; fixed fluxes keep their sign."""
    sign = SIGNS[draw(st.sampled_from(signs))]
    exponent = draw(st.sampled_from((0.0, 0.0, 1.3, -0.8)))
    package = draw(varied(draw(packages())))
    stacks = tuple(
        replace(
            stack,
            layers=tuple(
                replace(
                    layer,
                    material=with_law(layer.material, exponent),
                    power=with_sign(layer.power, sign),
                    regions=tuple(
                        replace(region, material=with_law(region.material, exponent))
                        for region in layer.regions
                    ),
                )
                for layer in stack.layers
            ),
            filler=with_law(stack.filler, exponent),
            gap_fill=with_law(stack.gap_fill, exponent),
        )
        for stack in package.stacks
    )
    faces: dict[str, list[FaceCooling]] = {}
    for face, entry in package.cooling:
        faces.setdefault(face, []).append(replace(entry, cooler=with_capacity(entry.cooler)))
    cooling = Cooling(**{face: tuple(entries) for face, entries in faces.items()})  # type: ignore[arg-type]
    return Case(replace(package, stacks=stacks, cooling=cooling), sign)


def with_capacity(cooler: object) -> object:
    """Return a cooler whose base and its gap fill have a heat capacity."""
    base = getattr(cooler, "base", None)
    if base is None:
        return cooler
    solid = replace(base, material=with_law(base.material, 0.0), gap_fill=with_law(base.gap_fill, 0.0))
    return replace(cooler, base=solid)  # type: ignore[type-var]


def with_law(material: object, exponent: float) -> object:
    """Return a material with a heat capacity, and a power law of the temperature if it is isotropic."""
    if not isinstance(material, Material):
        return material
    values = material.conductivity_at(300.0)
    given: object = tuple(values)
    if exponent and len(set(values)) == 1:
        given = {"power_law": {"at_reference": values[0], "exponent": exponent}}
    return Material(f"{material.name}_{exponent}", given, volumetric_heat_capacity=1.7e6)


def with_sign(power: object, sign: float) -> object:
    """Return the power of a layer times a sign, none for the sign 0."""
    if power is None or sign == 0.0:
        return None
    blocks = tuple(replace(block, power=sign * block.unscaled_power) for block in power.blocks)  # type: ignore[attr-defined]
    total = None if power.total is None else sign * power.total  # type: ignore[attr-defined]
    return replace(power, blocks=blocks, total=total, allow_negative=True)  # type: ignore[type-var]


def loads(model: Model) -> tuple[np.ndarray, float, float]:
    """Return ambient temperatures [K], and the least and the most heat into a cell or face [W, W/m2]."""
    faces = model.boundary
    planes = [source.plane.ravel() for source in model.layer_sources]
    heat = np.concatenate([np.zeros(1), faces.flux, *planes])
    return faces.temperature[faces.h > 0.0], float(heat.min()), float(heat.max())


def check_parts(parts: dict[str, PartTemperature], low: float, high: float, rounding: float) -> None:
    for name, part in parts.items():
        assert part.min <= part.mean <= part.max, name
        assert part.min >= low - rounding, name
        assert part.max <= high + rounding, name


# -- steady ------------------------------------------------------------------------------------


def check_steady(case: Case, seed: int, *, points: int = 10, method: str = "direct") -> None:
    model = discretize(case.package, cell=CELL)
    steady = solve_steady(model, method=method, residual=1e-11, estimate=False)
    ambient, coldest_heat, hottest_heat = loads(steady.model)
    field = steady.field[steady.model.part > 0]
    span = max(float(np.ptp(field)), float(np.ptp(ambient)), 1e-3)
    low = ambient.min() if coldest_heat >= 0.0 else -np.inf
    high = ambient.max() if hottest_heat <= 0.0 else np.inf
    check_parts({part.name: part for part in steady.parts}, low, high, ROUNDING * span)
    check_heated_parts(steady, ambient, ROUNDING * span)
    check_heat(steady)
    check_points(steady, seed, ROUNDING * span, points)


def check_heat(steady: SteadyResult) -> None:
    """The heat that the description states goes in, and all of it goes out."""
    balance = steady.heat_balance
    assert balance.heat_in == pytest.approx(described_power(steady.model.package), rel=1e-9, abs=1e-12)
    assert balance.relative < 1e-6


def check_heated_parts(steady: SteadyResult, ambient: np.ndarray, rounding: float) -> None:
    """The hottest part is heated or an ambient is hotter; the coldest is cooled or an ambient is colder."""
    model = steady.model
    gain, loss = np.zeros((2, *model.grid.shape))  # W, inside and through boundary faces
    faces = model.boundary
    for sign, heat in ((1.0, gain), (-1.0, loss)):
        for k, plane in enumerate(heat):
            plane += np.maximum(sign * model.power_of_plane(k), 0.0)
        np.add.at(heat.reshape(-1), faces.cell, np.maximum(sign * faces.flux * faces.area, 0.0))
    parts = [part for part in steady.parts if not part.is_block]
    number = {part.name: n for n, part in enumerate(model.parts, 1)}
    own = {part.name: model.part == number[part.name] for part in parts}
    heated = [part.max for part in parts if gain[own[part.name]].any()]
    cooled = [part.min for part in parts if loss[own[part.name]].any()]
    assert max(part.max for part in parts) <= max([*heated, ambient.max()]) + rounding
    assert min(part.min for part in parts) >= min([*cooled, ambient.min()]) - rounding
    if heated and max(heated) > ambient.max() + 1.0:
        assert gain[own[steady.peak.name]].any()


def check_points(steady: SteadyResult, seed: int, rounding: float, count: int) -> None:
    """Random points are between the temperatures of the cells around and of their faces, and continuous."""
    rng, model = np.random.default_rng(seed), steady.model
    body = np.argwhere(model.part > 0)
    step = 1e-10
    for k, j, i in body[rng.integers(len(body), size=count)].tolist():
        edges = (model.grid.z[k : k + 2], model.grid.y[j : j + 2], model.grid.x[i : i + 2])
        inside = np.array([rng.uniform(*pair) for pair in edges])
        around = tuple(slice(max(n - 1, 0), n + 2) for n in (k, j, i))
        low, high = bounds_around(steady, around)
        value = steady.at(*inside[::-1].tolist())
        assert low - rounding <= value <= high + rounding
        name = model.parts[model.part[k, j, i] - 1].name
        own = next(part for part in steady.parts if part.name == name)
        assert own.min - rounding <= value <= own.max + rounding
        axis = int(rng.integers(3))
        below, above = inside.copy(), inside.copy()
        below[axis], above[axis] = edges[axis][1] - step, edges[axis][1] + step
        jump = abs(steady.at(*above[::-1].tolist()) - steady.at(*below[::-1].tolist()))
        if not is_near_contact(steady, (k, j, i)):
            width = float(np.diff(edges[axis])[0])
            assert not jump > rounding + 20.0 * step / min(width, 1e-6) * (high - low)


def bounds_around(steady: SteadyResult, around: tuple[slice, ...]) -> tuple[float, float]:
    """Return the extremes [K] of some cells, of their boundary faces, and of cells beyond their contacts."""
    values = steady.field[around]
    index = np.zeros(steady.model.grid.shape, dtype=bool)
    index[around] = True
    faces = steady.model.boundary
    at_face = index.ravel()[faces.cell]
    cell = faces.cell[at_face]
    flux = steady.fluxes.of_cells(np.unravel_index(cell, steady.model.grid.shape))
    a, b = flux.slopes
    n, axis = np.arange(cell.size), faces.axis[at_face]
    rise = np.where(faces.is_high[at_face], 0.5 * b[axis, n], -0.5 * a[axis, n])
    surface = steady.field.ravel()[cell] + rise
    contacts = beside_contacts(steady, around)
    found = np.concatenate([values[~np.isnan(values)], surface, contacts])
    return float(found.min()), float(found.max())


def beside_contacts(steady: SteadyResult, around: tuple[slice, ...]) -> np.ndarray:
    """Return the temperatures [K] beyond the contacts of some cells, which bound those of the faces."""
    first, last = around[0].start, min(around[0].stop, steady.field.shape[0])
    pieces = [np.zeros(0)]
    for contact in steady.model.contacts:
        for k in (contact.k - 1, contact.k):
            if first - 1 <= k <= last:
                values = steady.field[(k, *around[1:])]
                pieces.append(values[~np.isnan(values)])
    for axis, faces in enumerate(steady.model.part_contacts.faces):
        for side in (0, 1):
            cells = [faces.k, faces.j, faces.i]
            cells[axis] = cells[axis] + side
            near = [
                (index >= span.start - 1) & (index <= span.stop)
                for index, span in zip(cells, around, strict=True)
            ]
            chosen = np.logical_and.reduce(near)
            pieces.append(steady.field[tuple(index[chosen] for index in cells)])
    return np.concatenate(pieces)


def is_near_contact(steady: SteadyResult, cell: tuple[int, int, int]) -> bool:
    """Return whether a contact resistance may be at a face of a cell or of its neighbours.

    Where a contact ends, the temperatures of its two sides meet in the cells around.
    """
    for faces in steady.model.part_contacts.faces:
        near = [np.abs(index - n) <= 1 for index, n in zip((faces.k, faces.j, faces.i), cell, strict=True)]
        if np.logical_and.reduce(near).any():
            return True
    return any(abs(contact.k - 0.5 - cell[0]) < 2.0 for contact in steady.model.contacts)


@given(cases(), st.integers(0, 10**6))
def test_steady_temperatures_obey_the_maximum_principle(case: Case, seed: int) -> None:
    check_steady(case, seed)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@SLOW
@given(cases(), st.integers(0, 10**6))
def test_ten_thousand_steady_packages_obey_the_maximum_principle(case: Case, seed: int) -> None:
    check_steady(case, seed, points=2, method="multigrid")


# -- transient ---------------------------------------------------------------------------------

INITIAL: dict[str, Callable[[Model, int], object]] = {
    "outside": lambda model, seed: "outside",
    "uniform": lambda model, seed: 310.0,
    "by part": lambda model, seed: random_temperatures(len(model.parts), seed)[model.part],
}


def random_temperatures(parts: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(280.0, 360.0, 1 + parts)


def check_transient(case: Case, kind: str, seed: int) -> None:
    model = discretize(case.package, cell=CELL)
    ambient, coldest_heat, hottest_heat = loads(model)
    initial = INITIAL[kind](model, seed)
    simulation = Simulation(model, initial=initial, tolerance=0.05, method="direct")  # type: ignore[arg-type]
    field = simulation.field
    span = float(max(np.nanmax(field), ambient.max()) - min(np.nanmin(field), ambient.min())) + 1.0
    check_initial(simulation, field)
    low = min(np.nanmin(field), ambient.min()) if coldest_heat >= 0.0 else -np.inf
    high = max(np.nanmax(field), ambient.max()) if hottest_heat <= 0.0 else np.inf
    for duration in (1e-7, 1e-5, 1e-3, 0.1):
        check_parts(simulation.step(duration), low, high, 1e-12 * span)


def check_initial(simulation: Simulation, field: np.ndarray) -> None:
    """At the start minimum, mean and maximum of each part are those of its cells."""
    model = simulation.model
    volume = model.grid.dz[:, None, None] * model.grid.dy[:, None] * model.grid.dx
    found = simulation.temperatures()
    for n, part in enumerate(model.parts, 1):
        own = model.part == n
        if own.any() and part.name in found:
            values = field[own]
            assert found[part.name].min == pytest.approx(values.min(), rel=1e-12)
            assert found[part.name].max == pytest.approx(values.max(), rel=1e-12)
            assert found[part.name].mean == pytest.approx(np.average(values, weights=volume[own]), rel=1e-9)


@settings(max_examples=6)
@given(cases(), st.sampled_from(tuple(INITIAL)), st.integers(0, 10**6))
def test_transient_temperatures_obey_the_maximum_principle(case: Case, kind: str, seed: int) -> None:
    check_transient(case, kind, seed)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@SLOW_TRANSIENT
@given(cases(), st.sampled_from(tuple(INITIAL)), st.integers(0, 10**6))
def test_five_hundred_transients_obey_the_maximum_principle(case: Case, kind: str, seed: int) -> None:
    check_transient(case, kind, seed)


# -- by hand ------------------------------------------------------------------------------------


def test_plate_starts_at_its_initial_temperature() -> None:
    """A copper plate at 20 degC whose upper face is put to 100 degC; the mean agrees with the stored heat."""
    copper = Material("copper", 390.0, volumetric_heat_capacity=3.4e6)
    plate = Stack("plate", (10 * mm, 10 * mm), (Layer("body", 2 * mm, copper),))
    package = Package("start", (plate,), Cooling(top=FixedTemperature(celsius(100))))
    simulation = Simulation(package, initial=celsius(20), tolerance=0.1)
    part = simulation.temperatures()["plate.body"]
    assert (part.min, part.max) == (celsius(20), celsius(20))
    assert part.mean == pytest.approx(celsius(20), rel=1e-14)
    assert simulation.at({"top": (5 * mm, 5 * mm, 2 * mm)})["top"] == celsius(20)
    stored = simulation.energy.stored
    part = simulation.step(1e-6)["plate.body"]
    assert celsius(20) <= part.min < celsius(20) + 1e-6
    assert part.max == pytest.approx(celsius(100))
    rise = (simulation.energy.stored - stored) / (3.4e6 * part.volume)
    assert part.mean - celsius(20) == pytest.approx(rise, rel=1e-6)


def small_die_on_a_case() -> Package:
    case_material = Material("case", 0.9, volumetric_heat_capacity=1.71e6)
    silicon = Material("silicon", 148.0, volumetric_heat_capacity=1.63e6)
    core = Block("core", (1 * mm, 1 * mm), (0.5 * mm, 0.5 * mm), 3.0)
    case = Stack("case", (12 * mm, 12 * mm), (Layer("body", 1 * mm, case_material),))
    layers = (
        Layer("bulk", 300 * um, silicon),
        Layer("active", 1 * um, silicon, Power(blocks=(core,))),
    )
    die = Stack("die", (4 * mm, 4 * mm), layers, on="case", center=(6 * mm, 6 * mm))
    return Package("never_colder", (case, die), Cooling(bottom=Convection(800.0, celsius(25))))


def test_body_that_is_heated_from_the_ambient_is_never_colder() -> None:
    """3 W are switched on at 1 ms and off at 40 ms."""
    trace = Trace.of([0.0, 1e-3, 40e-3], {"core": [0.0, 3.0, 0.0]}, kind="steps", after="hold")
    run = solve_transient(small_die_on_a_case(), 0.06, trace, initial="outside")
    assert run.max.max() > celsius(60)
    assert run.min.min() == celsius(25)
    assert (run.min <= run.mean).all()
    assert (run.mean <= run.max).all()


def test_body_starts_at_its_initial_temperature_and_cools() -> None:
    trace = Trace.of([0.0], {"core": [0.0]}, kind="steps", after="hold")
    run = solve_transient(small_die_on_a_case(), 0.02, trace, initial=celsius(100))
    for values in (run.min, run.max):
        assert (values[0] == celsius(100)).all()
    assert run.mean[0] == pytest.approx(celsius(100), rel=1e-14)
    assert run.max.max() == celsius(100)
    assert (np.diff(run.min, axis=0) < 1e-9).all()


def test_transient_from_a_steady_result_starts_at_its_temperatures() -> None:
    """Also where the loads at the start are others."""
    model = discretize(small_die_on_a_case(), cell=1 * mm)
    steady = solve_steady(model, estimate=False)
    trace = Trace.of([0.0], {"core": [0.5], "cooling.bottom": [celsius(60)]}, kind="steps", after="hold")
    start = Simulation(model, trace, initial=steady).temperatures()
    for part in steady.parts:
        found = start[part.name]
        expected = (part.min, part.mean, part.max)
        assert (found.min, found.mean, found.max) == pytest.approx(expected, abs=1e-6)


def test_headline_names_the_heated_die_beside_mold() -> None:
    """The package of the README: 79.3 degC on fine grids, in the die."""
    silicon, mold = Material("si", 148.0), Material("mold", 0.9)
    base = Stack("interposer", (24 * mm, 14 * mm), (Layer("silicon", 100 * um, silicon),), filler=mold)
    dies = []
    for name, x, power in (("logic", 1 * mm, 40.0), ("memory", 13 * mm, 5.0)):
        layers = (
            Layer("active", 1 * um, silicon, Power(total=power)),
            Layer("bulk", 700 * um, silicon),
        )
        dies.append(Stack(name, (10 * mm, 10 * mm), layers, on="interposer", position=(x, 2 * mm)))
    cooling = Cooling(top=Convection(5e3, celsius(40)))
    steady = solve_steady(Package("two_dies", (base, *dies), cooling))
    fine = solve_steady(discretize(steady.package, fineness=3), estimate=False)
    assert steady.peak.name == "logic.active"
    assert steady.of("interposer.filler").max <= steady.peak.max
    for name in ("interposer.filler", "logic.active"):
        assert steady.of(name).max == pytest.approx(fine.of(name).max, abs=2.0)
