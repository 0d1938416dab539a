"""Mean conductivities of half cells: exact heat flows where the conductivity depends on temperature."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from exact.kirchhoff_slab import KirchhoffSlab

import thermostack as ts
from thermostack import (
    ContactResistance,
    Convection,
    Cooling,
    FixedFlux,
    FixedTemperature,
    Layer,
    Material,
    Package,
    Region,
    Stack,
    ViaArray,
    find_material,
)
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.half_conductivity import TABLE_TOLERANCE, sample_law
from thermostack.finite_volume.reconstruction import FaceFluxes, cell_resistance
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model, discretize
from thermostack.package.stack import Interface
from thermostack.steady import solve_steady
from thermostack.units import mm

FALLING = {"power_law": {"at_reference": 148.0, "exponent": 1.3}}
STEEP = {"table": {"temperature": [250.0, 400.0, 400.1, 800.0], "conductivity": [40.0, 40.0, 2.0, 2.0]}}
RISING = {"linear": {"at_reference": 5.0, "change_per_kelvin": 0.02, "range": [250.0, 900.0]}}


def slab(cells: int, *layers: Layer, **cooling: Any) -> Model:
    """Return layers of 1 mm2 with a number of cells each."""
    edges = np.cumsum([0.0, *(layer.thickness for layer in layers)])
    z = [np.linspace(a, b, cells + 1)[:-1] for a, b in pairwise(edges)]
    side = np.array([0.0, 1 * mm])
    faces = cooling or {"bottom": Convection(1e3, 300.0)}
    package = Package("slab", (Stack("s", (1 * mm, 1 * mm), layers),), Cooling(**faces))
    return discretize(package, grid=Grid(side, side, np.append(np.concatenate(z), edges[-1])))


# -- tables of laws ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law", [FALLING, STEEP, RISING, {"power_law": {"at_reference": 1.0, "exponent": -9.0}}]
)
def test_table_is_the_law(law: Any) -> None:
    law = Material("m", law).law
    temperature, conductivity = sample_law(law.evaluate, law.breakpoints)
    assert set(law.breakpoints) <= set(temperature.tolist())
    assert (np.diff(temperature) > 0.0).all()
    at = np.random.default_rng(0).uniform(100.0, 1200.0, 20_000)
    exact = np.array(law.evaluate(at))
    for found, expected in zip(conductivity, exact, strict=True):
        assert np.interp(at, temperature, found) == pytest.approx(expected, rel=2.0 * TABLE_TOLERANCE)


def test_jump_of_a_law_without_breakpoints_is_found() -> None:
    temperature, conductivity = sample_law(lambda t: [np.where(t < 333.3, 5.0, 1.0)] * 3, (200.0, 900.0))
    near = np.interp([333.3 - 1e-3, 333.3 + 1e-3], temperature, conductivity[0])
    assert near.tolist() == [5.0, 1.0]


# -- conductivities of planes ------------------------------------------------------------------------


def test_uniform_temperature_gives_the_conductivity_of_the_cells() -> None:
    layers = (Layer("a", 1 * mm, Material("a", FALLING)), Layer("b", 1 * mm, Material("b", RISING)))
    model = slab(3, *layers, bottom=Convection(1e3, 420.0))
    conductivity = CellConductivity(model, np.full(model.grid.shape, 420.0))
    for k in range(6):
        plane = conductivity.plane(k)
        for half in conductivity.halves(k, plane):
            assert np.array_equal(half, plane)
        expected = model.parts[0 if k < 3 else 1].conductivity_at(420.0)[::-1]
        assert plane[:, 0, 0] == pytest.approx(expected, rel=TABLE_TOLERANCE)


def test_planes_of_constant_conductivity_have_no_halves() -> None:
    model = slab(1, Layer("a", 1 * mm, Material("a", FALLING)), Layer("b", 1 * mm, Material("b", 3.0)))
    conductivity = CellConductivity(model, np.full(model.grid.shape, 300.0))
    plane = conductivity.plane(1)
    assert conductivity.halves(1, plane) == (None, None)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_halves_do_not_depend_on_the_order_of_planes(order: tuple[int, int, int]) -> None:
    """The halves below a plane are kept for it; without them they are computed again."""
    model = slab(3, Layer("a", 1 * mm, Material("a", STEEP)), bottom=FixedTemperature(350.0))
    t = np.array([380.0, 420.0, 390.0])[:, None, None]
    ascending, conductivity = CellConductivity(model, t), CellConductivity(model, t)
    expected = [ascending.halves(k, ascending.plane(k)) for k in range(3)]
    for k in order:
        for half, same in zip(conductivity.halves(k, conductivity.plane(k)), expected[k], strict=True):
            assert np.array_equal(half, same)


def test_halves_along_one_axis() -> None:
    law = {"power_law": {"at_reference": [100.0, 50.0, 20.0], "exponent": 1.3}}
    layers = (Layer("a", 1 * mm, Material("a", law)), Layer("b", 1 * mm, Material("b", RISING)))
    edges = np.array([0.0, 0.3, 1.0]) * mm
    stack = Stack("s", (1 * mm, 1 * mm), layers)
    cooling = Cooling(bottom=Convection(1e3, 300.0))
    model = discretize(Package("p", (stack,), cooling), grid=Grid(edges, edges, np.arange(3) * mm))
    t = np.random.default_rng(0).uniform(300.0, 500.0, model.grid.shape)
    every = CellConductivity(model, t)
    for k in range(2):
        plane = every.plane(k)
        expected = every.halves(k, plane)
        for axis in range(3):
            found = CellConductivity(model, t).halves(k, plane, axis)
            for half, same in zip(found, expected, strict=True):
                assert np.array_equal(half[axis], same[axis])


def test_halves_of_cells_by_the_flux_are_those_of_the_planes() -> None:
    """The temperature of a face from the heat flux and from both cells, with a contact and every cooling."""
    layers = (
        Layer("a", 1 * mm, Material("a", FALLING), interface=Interface(top=2e-5)),
        Layer("b", 1 * mm, Material("b", STEEP)),
        Layer("c", 1 * mm, Material("c", 3.0)),
    )
    edges = np.array([0.0, 0.3, 1.0]) * mm
    cooling = Cooling(
        bottom=FixedTemperature(500.0), top=FixedFlux(flux=1e6), surroundings=Convection(5e3, 300.0)
    )
    package = Package("p", (Stack("s", (1 * mm, 1 * mm), layers),), cooling)
    model = discretize(package, grid=Grid(edges, edges, np.linspace(0.0, 3.0, 7) * mm))
    t = np.random.default_rng(0).uniform(300.0, 500.0, model.grid.shape)
    conductivity = CellConductivity(model, t)
    conduction = assemble_conduction(model, conductivity, dtype=np.float64)
    found = FaceFluxes(model, conduction, conductivity, t).of_cells(tuple(np.indices(t.shape)))
    for k in range(6):
        plane = conductivity.plane(k)
        halves = [plane if half is None else half for half in conductivity.halves(k, plane)]
        j, i = np.indices(t.shape[1:])
        cells = np.full(j.shape, k), j, i
        assert found.conductivity[:, k] == pytest.approx(plane, rel=1e-14)
        for by_flux, half in zip((found.resistance_low, found.resistance_high), halves, strict=True):
            assert by_flux[:, k] == pytest.approx(cell_resistance(model.grid, half, cells), rel=5e-5)


# -- heat flows ------------------------------------------------------------------------------------------


def integral(law: Any, low: float, high: float, axis: int = 2) -> float:
    """Return the integral of a conductivity over temperature [W/m], along x, y or z."""
    t = np.linspace(low, high, 200_001)
    values = np.asarray(Material("m", law).conductivity_at(t)[axis])
    return float(np.sum(0.5 * (values[1:] + values[:-1]) * np.diff(t)))


@pytest.mark.usefixtures("float64_conductances")
@pytest.mark.parametrize("law", [FALLING, STEEP, RISING], ids=["falling", "steep", "rising"])
@pytest.mark.parametrize("cells", [1, 2, 7])
def test_heat_between_fixed_temperatures_is_exact(law: Any, cells: int) -> None:
    """The integral of the conductivity over temperature, with any number of cells."""
    held = {"bottom": FixedTemperature(640.0), "top": FixedTemperature(290.0)}
    steady = solve_steady(slab(cells, Layer("a", 2 * mm, Material("a", law)), **held))
    expected = integral(law, 290.0, 640.0) * 1e-6 / (2 * mm)
    assert steady.heat_balance.out["top"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("float64_conductances")
@pytest.mark.parametrize("cells", [1, 4])
def test_heat_through_two_materials_and_a_contact(cells: int) -> None:
    """The temperatures at both sides of the contact make the flux equal in both materials."""
    lower = Layer("a", 1 * mm, Material("a", FALLING), interface=Interface(top=2e-5))
    upper = Layer("b", 0.5 * mm, Material("b", RISING))
    held = {"bottom": FixedTemperature(300.0), "top": FixedTemperature(600.0)}
    steady = solve_steady(slab(cells, lower, upper, **held))
    flux = -steady.heat_balance.out["bottom"] / 1e-6 * -1.0
    below, above = steady.face("s.a", "top").mean, steady.face("s.b", "bottom").mean
    assert above - below == pytest.approx(2e-5 * flux, rel=1e-4)
    assert integral(FALLING, 300.0, below) / (1 * mm) == pytest.approx(flux, rel=1e-4)
    assert integral(RISING, above, 600.0) / (0.5 * mm) == pytest.approx(flux, rel=1e-4)


@pytest.mark.usefixtures("float64_conductances")
@pytest.mark.parametrize("axis", ["x", "y"])
def test_heat_through_a_contact_between_materials_side_by_side(axis: str) -> None:
    """The law of each material acts between its temperatures, up to both sides of the contact."""
    rising = {"linear": {"at_reference": [5.0, 4.0, 3.0], "change_per_kelvin": 0.02, "range": [250.0, 900.0]}}
    across = {"x": ((4 * mm, 1 * mm), (2 * mm, 0.0), 0), "y": ((1 * mm, 4 * mm), (0.0, 2 * mm), 1)}
    size, at, number = across[axis]
    half = Region("warm", (size[0] - at[0], size[1] - at[1]), Material("b", rising), at)
    layer = Layer("cold", 1 * mm, Material("a", FALLING), regions=(half,))
    cold, warm = {"x": ("west", "east"), "y": ("south", "north")}[axis]
    contact = ContactResistance(("s.cold", "s.cold.warm"), 2e-5)
    package = Package(
        "sides",
        (Stack("s", size, (layer,)),),
        Cooling(**{cold: FixedTemperature(300.0), warm: FixedTemperature(600.0)}),
        contacts=(contact,),
    )
    steady = solve_steady(discretize(package, cell=(1 * mm, 1 * mm, 1 * mm)))
    flux = steady.heat_balance.out[cold] / 1e-6
    above = steady.face("s.cold.warm", cold).mean
    below = above - 2e-5 * flux
    assert integral(FALLING, 300.0, below) / (2 * mm) == pytest.approx(flux, rel=1e-4)
    assert integral(rising, above, 600.0, number) / (2 * mm) == pytest.approx(flux, rel=1e-4)


@pytest.mark.usefixtures("float64_conductances")
def test_heat_through_an_effective_medium_is_that_of_its_law() -> None:
    """Copper vias in a material whose table has kinks: the integral of the effective conductivity."""
    kinked = {"table": {"temperature": [250.0, 350.0, 420.0, 800.0], "conductivity": [4.0, 9.0, 2.0, 3.0]}}
    copper = Material("copper", {"power_law": {"at_reference": 400.0, "exponent": 0.2}})
    medium = find_material(ViaArray(copper, Material("matrix", kinked), diameter=10e-6, pitch=40e-6))
    held = {"bottom": FixedTemperature(640.0), "top": FixedTemperature(290.0)}
    steady = solve_steady(slab(3, Layer("a", 2 * mm, medium), **held))
    t = np.linspace(290.0, 640.0, 200_001)
    k = np.array(medium.conductivity_at(t)[2])
    expected = float(np.sum(0.5 * (k[1:] + k[:-1]) * np.diff(t))) * 1e-6 / (2 * mm)
    assert {350.0, 420.0} <= set(medium.law.breakpoints)
    assert steady.heat_balance.out["top"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("float64_conductances")
@pytest.mark.parametrize(
    ("cells", "of_face", "of_mean"), [(1, 1e-3, 0.02), (2, 1e-3, 2e-3), (4, 1e-3, 2e-4), (8, 1e-3, 1e-4)]
)
def test_heated_face_and_mean_of_a_slab(cells: int, of_face: float, of_mean: float) -> None:
    """A rise of 134 K [K]; with the conductivity of the cells, 1 cell was 3 K and 6.8 K off."""
    exact = KirchhoffSlab(5e-4, 3.5e7, 148.0, 300.0, 1.3, 300.0)
    heated = {"bottom": FixedTemperature(300.0), "top": FixedFlux(flux=exact.flux)}
    steady = solve_steady(slab(cells, Layer("a", 5e-4, Material("a", FALLING)), **heated))
    z = np.linspace(0.0, 5e-4, 100_001)
    t = exact.temperature(z)
    assert exact.top - 300.0 > 130.0
    assert steady.of("s.a").max == pytest.approx(exact.top, abs=of_face)
    assert steady.face("s.a", "top").mean == pytest.approx(exact.top, abs=of_face)
    assert steady.at(0.5 * mm, 0.5 * mm, 5e-4) == pytest.approx(exact.top, abs=of_face)
    assert steady.of("s.a").mean == pytest.approx(float(np.mean(0.5 * (t[1:] + t[:-1]))), abs=of_mean)


@pytest.mark.usefixtures("float64_conductances")
@pytest.mark.parametrize("exponent", [1.3, 1.05, -1.3])
@pytest.mark.parametrize("cells", [1, 2, 5])
def test_error_of_a_mean_is_covered(exponent: float, cells: int) -> None:
    """Between 700 K and 250 K the mean of few cells is up to 3 K off, and the estimate says so."""
    law = {"power_law": {"at_reference": 148.0, "exponent": exponent, "range": [200.0, 1000.0]}}
    held = {"bottom": FixedTemperature(700.0), "top": FixedTemperature(250.0)}
    part = solve_steady(slab(cells, Layer("a", 2 * mm, Material("a", law)), **held)).of("s.a")
    t = np.linspace(250.0, 700.0, 200_001)
    k = np.asarray(Material("a", law).conductivity_at(t)[2])
    exact = float((t * k).sum() / k.sum())
    assert part.mean_error is not None
    assert abs(part.mean - exact) < part.mean_error


@pytest.mark.usefixtures("float64_conductances")
def test_error_estimate_uses_the_same_conductances() -> None:
    """The bisected cells have no residual where the cells are exact."""
    held = {"bottom": FixedTemperature(300.0), "top": Convection(5e4, 700.0)}
    for cells in (8, 16):
        part = solve_steady(slab(cells, Layer("a", 2 * mm, Material("a", FALLING)), **held)).of("s.a")
        assert part.error is not None
        assert part.mean_error is not None
        assert part.mean_error < 0.01 * (8 / cells) ** 2


@pytest.mark.parametrize("h", [0.0, 1e3, 1e6, np.inf])
def test_boundary_half_is_the_mean_up_to_the_surface(h: float) -> None:
    cooler = FixedTemperature(350.0) if np.isinf(h) else Convection(h or 1e3, 350.0)
    below = Layer("below", 1 * mm, Material("below", 3.0))
    top = {"bottom": cooler} if h == 0.0 else {"top": cooler}
    model = slab(1, below, Layer("a", 1 * mm, Material("a", FALLING)), **top)
    t = np.full(model.grid.shape, 500.0)
    conductivity = CellConductivity(model, t)
    mean, surface = float(conductivity.halves(1, conductivity.plane(1))[1][0, 0, 0]), 500.0
    if h > 0.0:
        resistance = 0.5 * mm / mean
        surface = 500.0 - 150.0 * resistance / (resistance + 1.0 / h)
        expected = integral(FALLING, surface, 500.0) / (500.0 - surface)
    else:
        expected = Material("m", FALLING).conductivity_at(500.0)[2]
    assert mean == pytest.approx(expected, rel=1e-5)
    g = assemble_conduction(model, conductivity)
    assert (g.boundary_face_conductance > 0.0).all()


def test_conductances_stay_positive() -> None:
    """At any temperatures, as those of early iterations may be."""
    model = slab(4, Layer("a", 1 * mm, Material("a", STEEP)), Layer("b", 1 * mm, Material("b", RISING)))
    rng = np.random.default_rng(0)
    for _ in range(20):
        g = assemble_conduction(model, CellConductivity(model, rng.uniform(-500.0, 3000.0, model.grid.shape)))
        assert (g.g_z > 0.0).all()
        assert np.isfinite(g.g_z).all()


def test_impedance_at_one_temperature_has_the_conductivities_of_that_temperature() -> None:
    """Not those between the given temperature and the ambient."""
    law = Material("a", FALLING, volumetric_heat_capacity=1.6e6)
    value = law.conductivity_at(400.0)[0]
    constant = Material("a", value, volumetric_heat_capacity=1.6e6)
    rise_curves = []
    for material in (law, constant):
        layers = (Layer("a", 1 * mm, material), Layer("hot", 0.1 * mm, material, ts.Power(total=1.0)))
        model = slab(2, *layers, bottom=FixedTemperature(300.0))
        rise_curves.append(ts.thermal_impedance(model, "s", times=[1e-3, 1.0], temperature=400.0).theta)
    assert rise_curves[0] == pytest.approx(rise_curves[1], rel=1e-6)
