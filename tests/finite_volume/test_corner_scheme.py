"""The corner scheme: twin in NumPy, exact solutions of one dimension, heat balance, bracket of energies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from support.plain_corner_scheme import plain_equations, plain_means
from support.random_packages import packages

from thermostack import (
    Block,
    ContactResistance,
    Convection,
    Cooling,
    FaceCooling,
    FixedFlux,
    FixedTemperature,
    Grid,
    Interface,
    Layer,
    Material,
    Model,
    Package,
    Power,
    Region,
    Stack,
    discretize,
    read_package,
    solve_steady,
)
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import Conduction, add_boundary_sources, assemble_conduction
from thermostack.finite_volume.corner_scheme import RIGID_FACTOR, CornerScheme, solve_corners
from thermostack.finite_volume.part_temperatures import PartsAndBlocks
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear import steady_problem as problem_module
from thermostack.linear.multigrid import Widths
from thermostack.linear.solver import Solver, prepare
from thermostack.units import mm

AMBIENT = 300.0  # K
FLOAT32 = 1e-6  # relative accuracy of conductances
SILICON, MOLD, COPPER = Material("si", 100.0), Material("mold", 2.0), Material("cu", (400.0, 300.0, 200.0))
few = settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def fluxes_of(model: Model, t: np.ndarray | None = None) -> FaceFluxes:
    """Return the fluxes of a model in float64 at temperatures (nz, ny, nx) [K], by default a wavy field."""
    conductivity = CellConductivity(model)
    field = 320.0 + 5.0 * np.sin(np.arange(model.grid.cells)).reshape(model.grid.shape)
    conduction = assemble_conduction(model, conductivity, np.float64)
    return FaceFluxes(model, conduction, conductivity, field if t is None else t)


def scheme_of(model: Model) -> CornerScheme:
    return CornerScheme(fluxes_of(model), PartsAndBlocks(model))


def solved(model: Model) -> tuple[CornerScheme, np.ndarray]:
    """Return the scheme and its temperatures [K], solved to rounding."""
    scheme = scheme_of(model)
    rise, _ = prepare(scheme.conduction, widths=scheme.widths).solve(
        scheme.power, guess=scheme.rise, tolerance=1e-11, overwrites_guess=True
    )
    return scheme, rise + model.boundary.mean_ambient


def solve_exactly(conduction: Conduction, power: np.ndarray, rise: np.ndarray, widths: Widths) -> None:
    prepare(conduction, widths=widths).solve(power, guess=rise, tolerance=1e-10, overwrites_guess=True)


def slab(layers: list[Layer], cooling: Cooling, size: tuple[float, float] = (3 * mm, 2 * mm)) -> Model:
    package = Package("slab", (Stack("slab", size, tuple(layers)),), cooling)
    return discretize(package, cell=(0.7 * mm, 0.9 * mm, 0.2 * mm))


def assert_close(values: np.ndarray, expected: np.ndarray | float, bound: float) -> None:
    """Fail where a value differs by more than the bound; `pytest.approx` is slow on large arrays."""
    assert np.abs(values - expected).max(initial=0.0) <= bound


# -- the kernel and its twin ---------------------------------------------------------------------


def assert_equals_twin(model: Model) -> None:
    """Without contact resistance all arrays are those of the twin, without boundary conditions."""
    model = replace(model, contacts=())
    fluxes = fluxes_of(model)
    scheme = CornerScheme(fluxes, PartsAndBlocks(model))
    (g_z, g_y, g_x), power, rise = plain_equations(fluxes)
    for kernel, plain in zip(
        (scheme.conduction.g_z, scheme.conduction.g_y, scheme.conduction.g_x), (g_z, g_y, g_x), strict=True
    ):
        assert_close(kernel, plain, FLOAT32 * plain.max(initial=0.0))
    boundary = model.boundary
    inner = np.ones(power.shape, dtype=bool)
    inner.reshape(-1)[scheme.conduction.boundary.cell] = False
    scale = np.abs(power).sum()
    assert_close(scheme.power[inner], power[inner], 1e-12 * scale)
    assert_close(scheme.rise[inner], rise[inner], 1e-9)
    if not np.isinf(boundary.h).any():
        heat = boundary.area * (boundary.flux + boundary.h * (boundary.temperature - boundary.mean_ambient))
        total = float(power.sum() + heat.sum())
        assert scheme.power.sum() == pytest.approx(total, abs=1e-9 * (scale + np.abs(heat).sum()))


@few
@given(package=packages())
def test_kernel_equals_twin_on_random_packages(package: Package) -> None:
    assert_equals_twin(discretize(package, cell=1 * mm))


@pytest.mark.parametrize("cells", [(1, 1, 1), (3, 1, 2), (1, 5, 1), (7, 3, 4), (21, 2, 3)])
def test_kernel_equals_twin_on_odd_shapes(cells: tuple[int, int, int]) -> None:
    nx, ny, nz = cells
    package = Package(
        "odd",
        (Stack("die", (4 * mm, 3 * mm), (Layer("si", 1 * mm, COPPER, power=Power(total=2.0)),)),),
        Cooling(top=Convection(1e3, AMBIENT), bottom=FixedFlux(flux=1e3)),
    )
    planes = [np.linspace(0.0, 1.0, n + 1) ** 1.5 for n in cells]
    grid = Grid(4 * mm * planes[0], 3 * mm * planes[1], 1 * mm * planes[2])
    model = discretize(package, grid=grid)
    assert model.grid.shape == (nz, ny, nx)
    assert_equals_twin(model)


@few
@given(package=packages())
def test_means_and_maxima_equal_the_twin(package: Package) -> None:
    model = replace(discretize(package, cell=1 * mm), contacts=())
    fluxes = fluxes_of(model)
    zones = PartsAndBlocks(model)
    scheme = CornerScheme(fluxes, zones)
    scheme.rise[...] = np.cos(np.arange(scheme.rise.size)).reshape(scheme.rise.shape)
    found = scheme.measure()
    for name, (mean, largest) in plain_means(fluxes, scheme.rise + model.boundary.mean_ambient).items():
        n = next(n for n, part in enumerate(model.parts) if part.name == name)
        assert found.mean[n] == pytest.approx(mean, abs=1e-9)
        assert found.max[n] == pytest.approx(largest, abs=1e-9)


# -- the operator --------------------------------------------------------------------------------


@few
@given(package=packages())
def test_conductances_hold_the_conductivity_of_all_cells(package: Package) -> None:
    """The sum of conductance times length squared is that of conductivity times volume, along each axis."""
    model = replace(discretize(package, cell=1 * mm), contacts=())
    scheme, grid = scheme_of(model), model.grid
    conductivity = np.stack([CellConductivity(model).plane(k) for k in range(grid.shape[0])], axis=1)
    c = scheme.conduction
    lengths = (grid.dz[:, None, None], grid.dy[:, None], grid.dx)
    for g, length, along in zip((c.g_z, c.g_y, c.g_x), lengths, conductivity, strict=True):
        assert (g >= 0.0).all()
        assert float((g * length**2).sum()) == pytest.approx(float((along * grid.volume).sum()), rel=1e-5)


@few
@given(package=packages())
def test_corners_are_active_exactly_at_cells_of_the_body(package: Package) -> None:
    model = replace(discretize(package, cell=1 * mm), contacts=())
    touches = np.zeros([n + 1 for n in model.grid.shape], dtype=bool)
    for corner in np.ndindex(2, 2, 2):
        touches[tuple(slice(c, c + n) for c, n in zip(corner, model.grid.shape, strict=True))] |= (
            model.part > 0
        )
    assert np.array_equal(scheme_of(model).conduction.is_active, touches)


def test_corners_have_a_quarter_of_each_htc() -> None:
    """The conductances to the ambient sum to h A, and a vertex of the box has a quarter of three faces."""
    cooling = Cooling(surroundings=Convection(50.0, AMBIENT), top=Convection(2e3, AMBIENT))
    model = slab([Layer("si", 1 * mm, SILICON, power=Power(total=1.0))], cooling)
    boundary, grid = scheme_of(model).conduction.boundary, model.grid
    total = float((model.boundary.h * model.boundary.area).sum())
    assert float(boundary.conductance.sum()) == pytest.approx(total, rel=1e-12)
    vertex = 0.25 * (2e3 * grid.dx[0] * grid.dy[0] + 50.0 * grid.dz[-1] * (grid.dx[0] + grid.dy[0]))
    assert boundary.dense[-1, 0, 0] == pytest.approx(vertex, rel=1e-12)


# -- exact solutions of one dimension ------------------------------------------------------------


def test_linear_profile_is_exact() -> None:
    """Heat through two layers in series and a contact: each corner has the exact temperature."""
    flux, h = 2e4, 5e3
    layers = [Layer("si", 0.5 * mm, SILICON), Layer("mold", 0.3 * mm, MOLD, interface=Interface(bottom=1e-4))]
    model = slab(layers, Cooling(bottom=Convection(h, AMBIENT), top=FixedFlux(flux=flux)))
    scheme, t = solved(model)
    z = model.grid.z
    exact = AMBIENT + flux / h + flux * np.where(z <= 0.5 * mm, z / 100.0, 0.5e-5 + (z - 0.5 * mm) / 2.0)
    contact = int(np.argmin(np.abs(z - 0.5 * mm)))
    upper = exact + flux * 1e-4
    expected = np.concatenate([exact[: contact + 1], upper[contact:]])
    assert t.shape[0] == z.size + 1
    assert scheme.base.tolist() == [k + (k >= contact) for k in range(z.size - 1)]
    assert_close(t, expected[:, None, None], 1e-5 * np.ptp(expected))


def test_materials_side_by_side_conduct_in_parallel() -> None:
    """Between two faces of fixed temperature the heat is the sum over both materials."""
    region = Region("piece", (1.4 * mm, 2 * mm), MOLD, (0.0, 0.0))
    layer = Layer("both", 1 * mm, SILICON, regions=(region,))
    model = slab([layer], Cooling(bottom=FixedTemperature(AMBIENT), top=FixedTemperature(AMBIENT + 10.0)))
    scheme, t = solved(model)
    boundary = scheme.conduction.boundary
    heat = boundary.conductance * (t.reshape(-1)[boundary.cell] - model.boundary.mean_ambient)
    heat -= scheme.power.reshape(-1)[boundary.cell]
    out = float(heat[boundary.cell < t[0].size].sum())
    exact = 10.0 * (100.0 * 1.6 * mm + 2.0 * 1.4 * mm) * 2 * mm / (1 * mm)
    assert out == pytest.approx(exact, rel=3.0 / RIGID_FACTOR)


def test_heated_slab_is_exact_at_corners() -> None:
    """Even heat in a slab cooled below: the temperatures at the planes are those of the parabola."""
    model = slab(
        [Layer("si", 1 * mm, MOLD, power=Power(total=1.2))], Cooling(bottom=Convection(1e3, AMBIENT))
    )
    _, t = solved(model)
    density, z = 1.2 / (3 * mm * 2 * mm * 1 * mm), model.grid.z
    exact = AMBIENT + density * 1 * mm / 1e3 + density * (1 * mm * z - 0.5 * z**2) / 2.0
    assert_close(t, exact[:, None, None], 1e-5 * (exact[-1] - AMBIENT))


def test_contact_under_a_part_of_a_layer_leaves_the_rest_joined() -> None:
    """Beside the die that has the contact, both corners on a vertical line have one temperature."""
    contact = Interface(bottom=1e-4)
    layer = Layer("si", 0.4 * mm, SILICON, power=Power(total=1.0), interface=contact)
    die = Stack("die", (1.4 * mm, 1.8 * mm), (layer,), on=("base",)).at(0.0, 0.0)
    base = Stack("base", (2.8 * mm, 1.8 * mm), (Layer("cu", 0.4 * mm, COPPER),), filler=MOLD)
    model = discretize(Package("p", (base, die), Cooling(bottom=Convection(1e4, AMBIENT))), cell=0.7 * mm)
    scheme, t = solved(model)
    k = model.contacts[0].k
    lower, upper = t[scheme.base[k] - 1], t[scheme.base[k]]
    is_die = model.grid.x < 1.4 * mm - 1e-9
    drop = (upper - lower) / (t.max() - AMBIENT)
    assert drop[:, is_die].min() > 0.05
    assert np.abs(drop[:, ~is_die]).max() < 2.0 / RIGID_FACTOR


# -- conservation and bounds ---------------------------------------------------------------------


@few
@given(package=packages())
def test_heat_of_the_corners_leaves_through_the_boundary(package: Package) -> None:
    model = discretize(package, cell=1 * mm)
    assume((model.boundary.h > 0.0).any())
    scheme, t = solved(model)
    boundary = scheme.conduction.boundary
    rise = t.reshape(-1)[boundary.cell] - model.boundary.mean_ambient
    terms = boundary.conductance * rise
    assert float(terms.sum() - scheme.power.sum()) == pytest.approx(
        0.0, abs=1e-7 * np.abs(scheme.power).sum()
    )


@few
@given(package=packages())
def test_energies_of_both_schemes_bracket(package: Package) -> None:
    """The power times the rise is larger with cells, whose fluxes are admissible, than with corners."""
    model = replace(discretize(package, cell=1 * mm), contacts=())
    boundary = model.boundary
    assume((boundary.h > 0.0).any() and not np.isinf(boundary.h).any())
    assume(np.ptp(boundary.temperature[boundary.h > 0.0]) == 0.0)
    fluxes = fluxes_of(model)
    power = model.power
    add_boundary_sources(model, fluxes.conduction, power, boundary.mean_ambient)
    rise, _ = prepare(fluxes.conduction).solve(power, tolerance=1e-11)
    cells = float(np.vdot(power, rise))
    flux = boundary.flux * boundary.area  # it enters through half a cell
    half = fluxes_half_resistance(model)
    cells += float((flux**2 * half).sum())
    scheme, t = solved(model)
    corners = float(np.vdot(scheme.power, t - boundary.mean_ambient))
    assert corners <= cells * (1.0 + 1e-5) + 1e-12


def fluxes_half_resistance(model: Model) -> np.ndarray:
    """Return the resistance of the half cell behind each boundary face [K/W]."""
    boundary, grid = model.boundary, model.grid
    cells = np.unravel_index(boundary.cell, grid.shape)
    conductivity = CellConductivity(model).of_cells(*cells)
    widths = np.stack([grid.dz[cells[0]], grid.dy[cells[1]], grid.dx[cells[2]]])
    n = np.arange(boundary.cell.size)
    return np.asarray(0.5 * widths[boundary.axis, n] / conductivity[boundary.axis, n] / boundary.area)


def test_schemes_err_to_opposite_sides_where_a_die_ends_in_mold() -> None:
    """The mean of the source is too high with cells and too low with corners; both approach each other."""
    gaps = []
    for cell in (0.8 * mm, 0.4 * mm, 0.2 * mm):
        die = Stack(
            "die", (2 * mm, 2 * mm), (Layer("si", 0.4 * mm, SILICON, power=Power(total=1.0)),), on=("base",)
        )
        base = Stack("base", (4 * mm, 4 * mm), (Layer("cu", 0.4 * mm, SILICON),), filler=MOLD)
        cooling = Cooling(bottom=Convection(1e4, AMBIENT))
        model = discretize(Package("p", (base, die.at(1 * mm, 1 * mm)), cooling), cell=(cell, cell, 0.1 * mm))
        conduction = assemble_conduction(model)
        rise, _ = prepare(conduction).solve(model.power, tolerance=1e-10)
        fluxes = FaceFluxes(model, conduction, CellConductivity(model), rise + AMBIENT)
        zones = PartsAndBlocks(model)

        corners = solve_corners(fluxes, zones, solve_exactly)
        n = next(n for n, part in enumerate(model.parts) if part.name == "die.si")
        own = model.part == n + 1
        gaps.append(float(np.average(fluxes.t[own], weights=model.grid.volume[own])) - float(corners.mean[n]))
    assert gaps[0] > 1.5 * gaps[1] > 2.0 * gaps[2] > 0.0


def test_blocks_have_their_own_mean_and_maximum() -> None:
    block = Block("hot", (0.7 * mm, 0.9 * mm), (0.7 * mm, 0.9 * mm), 2.0)
    model = slab(
        [Layer("si", 0.4 * mm, SILICON, power=Power(blocks=(block,)))],
        Cooling(bottom=Convection(1e3, AMBIENT)),
    )
    scheme = scheme_of(model)
    scheme.rise[...] = np.arange(scheme.rise.size).reshape(scheme.rise.shape)
    found = scheme.measure()
    window = model.blocks[0].window
    corners = scheme.rise[:, window[1].start : window[1].stop + 1, window[2].start : window[2].stop + 1]
    zone = len(model.parts)
    assert found.max[zone] == pytest.approx(corners.max() + AMBIENT)
    assert found.mean[zone] == pytest.approx(corners.mean() + AMBIENT)


def test_contacts_between_named_parts_are_in_series() -> None:
    """With a contact below or beside a die both schemes have its mean within 2 % of the rise."""
    for on, thickness in (("bottom", 0.4 * mm), ("sides", 0.4 * mm)):
        layer = Layer("si", thickness, SILICON, power=Power(total=1.0))
        beside = Layer("cu", thickness, COPPER)
        base = Stack("base", (2.8 * mm, 1.8 * mm), (Layer("mold", 0.1 * mm, MOLD),))
        die = Stack("die", (1.4 * mm, 1.8 * mm), (layer,), on=("base",)).at(0.0, 0.0)
        fin = Stack("fin", (1.4 * mm, 1.8 * mm), (beside,), on=("base",)).at(1.4 * mm, 0.0)
        other = "base" if on == "bottom" else "fin"
        contact = ContactResistance(("die", other), 2e-5, on)
        cooling = Cooling(bottom=Convection(2e4, AMBIENT), top=Convection(1e3, AMBIENT))
        package = Package("p", (base, die, fin), cooling, contacts=(contact,))
        model = discretize(package, cell=0.1 * mm)
        assert sum(model.part_contacts.count) > 0
        conduction = assemble_conduction(model, dtype=np.float64)
        power = model.power
        add_boundary_sources(model, conduction, power, AMBIENT)
        rise, _ = prepare(conduction).solve(power, tolerance=1e-11)
        own = model.part == 1 + next(n for n, part in enumerate(model.parts) if part.name == "die.si")
        cells = float(rise[own].mean())
        scheme, t = solved(model)
        fluxes = FaceFluxes(model, conduction, CellConductivity(model), rise + AMBIENT)
        corners = solve_corners(fluxes, PartsAndBlocks(model), solve_exactly)
        zone = next(n for n, part in enumerate(model.parts) if part.name == "die.si")
        assert float(corners.mean[zone]) - AMBIENT == pytest.approx(cells, rel=0.02)
        assert t.shape[0] == model.grid.z.size + (on == "bottom")
        assert scheme.base[-1] == model.grid.shape[0] - 1 + (on == "bottom")


def differences(package: Package) -> dict[str, tuple[float, float]]:
    """Return by part the differences of mean and maximum between both schemes over the largest rise."""
    steady = solve_steady(discretize(package), residual=1e-10)
    zones = PartsAndBlocks(steady.model)
    corners = solve_corners(steady.fluxes, zones, solve_exactly)
    rise = steady.peak.max - AMBIENT
    found = {}
    for n, part in enumerate(steady.model.parts):
        own = steady.of(part.name)
        found[part.name] = (corners.mean[n] - own.mean) / rise, (corners.max[n] - own.max) / rise
    return found


def test_contact_beside_a_fixed_temperature_counts_once() -> None:
    """A die beside a sink of fixed temperature, on an insulator, with a contact between them."""
    base = Stack("base", (6 * mm, 3 * mm), (Layer("core", 1 * mm, Material("insulator", 1e-3)),))
    die = Layer("si", 0.5 * mm, SILICON, power=Power(total=2.0))
    sink = Layer("cu", 0.5 * mm, COPPER)
    left = Stack("die", (3 * mm, 3 * mm), (die,), on=("base",)).at(0.0, 0.0)
    right = Stack("sink", (3 * mm, 3 * mm), (sink,), on=("base",)).at(3 * mm, 0.0)
    contact = ContactResistance(("die", "sink"), 2e-5)
    cooling = Cooling(top=FaceCooling(FixedTemperature(AMBIENT), part="sink"))
    found = differences(Package("p", (base, left, right), cooling, contacts=(contact,)))
    assert max(map(abs, (*found["die.si"], *found["sink.cu"]))) < 5e-3


def test_contact_around_a_round_part_is_not_bypassed_at_its_steps() -> None:
    """A heated slug in a ring of fixed temperature: both schemes differ by less than 5 % of the rise."""
    ring = Stack(
        "ring",
        (9 * mm, 9 * mm),
        (Layer("base", 1 * mm, Material("insulator", 1e-3)),),
        filler=COPPER,
    )
    slug = Stack(
        "slug", layers=(Layer("cu", 1 * mm, COPPER, power=Power(total=5.0)),), on=("ring",), diameter=5 * mm
    ).at(2 * mm, 2 * mm)
    contact = ContactResistance(("slug", "ring.filler"), 1e-4, "sides")
    cooling = Cooling(top=FaceCooling(FixedTemperature(AMBIENT), part="ring.filler"))
    found = differences(Package("p", (ring, slug), cooling, contacts=(contact,)))
    assert max(map(abs, found["slug.cu"])) < 0.05
    assert max(map(abs, found["ring.filler"])) < 5e-3


def test_an_air_cavity_under_a_lid_needs_no_algebraic_multigrid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Corners between a thin and a thick layer have a larger contrast in a plane than cells."""
    package = read_package("icube4")
    model, fallbacks = discretize(package, cell="4 mm"), []
    original = Solver.solve

    def solve(self: Solver, *arguments: Any, **options: Any) -> Any:
        found = original(self, *arguments, **options)
        fallbacks.append(found[1].fallback)
        return found

    monkeypatch.setattr(Solver, "solve", solve)
    by_columns = solve_steady(model, threads=1)
    assert not any(fallbacks)
    assert not by_columns.report.fallback
    monkeypatch.undo()

    def without_limit(*given: Any, max_contrast: float | None = None, **options: Any) -> Solver:
        return prepare(*given, **options)

    monkeypatch.setattr(problem_module, "prepare", without_limit)
    algebraic = solve_steady(model, threads=1)
    for one, other in zip(by_columns.parts, algebraic.parts, strict=True):
        assert one.error == pytest.approx(other.error, rel=0.05, abs=0.01)
        assert one.mean_error == pytest.approx(other.mean_error, rel=0.05, abs=0.01)
