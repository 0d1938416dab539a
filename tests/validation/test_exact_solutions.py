"""Whole packages whose temperatures are known exactly: walls, plates, spreading, layered blocks, k of T."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from exact import kirchhoff_slab, layered_wall, nafems_t4
from exact.cases import block_cases, largest_rise
from exact.layered_wall import FixedFlux, FixedTemperature, LayeredWall, RobinEnd, WallLayer
from exact.spreading_resistance import PUBLISHED, PublishedRow
from support.exact_packages import package_of_case

import thermostack as ts
from thermostack import Block, Cooling, Grid, Layer, Package, Power, Region, Stack, discretize, solve_steady
from thermostack.finite_volume import conduction
from thermostack.materials.material import VOID, Material
from thermostack.package.cooling import FACES, Adiabatic, Base, FaceCooling, FaceRectangle
from thermostack.package.stack import Interface
from thermostack.results.steady_result import SteadyResult
from thermostack.units import mm, um

# Of the differences of temperature, where the scheme is exact: the conductances' rounding, and a direct
# solution's where they are kept in full.
ROUNDING = {np.float32: 1e-7, np.float64: 1e-9}
CASES = {case.name: case for case in block_cases()}


def solve(package: Package, grid: Grid) -> SteadyResult:
    """Return a solution without any error but the scheme's."""
    return solve_steady(discretize(package, grid=grid), method="direct", residual=1e-12, estimate=False)


def package(stacks: Stack | tuple[Stack, ...], **cooling: object) -> Package:
    found = stacks if isinstance(stacks, tuple) else (stacks,)
    return Package("exact", found, Cooling(**cooling))  # type: ignore[arg-type]


# -- plane walls -----------------------------------------------------------------------------

SIDE = 2 * mm
AREA = SIDE * SIDE
ENDS = (RobinEnd(2e4, 310.0), FixedTemperature(325.0), FixedFlux(3e4))
OPPOSITE = (RobinEnd(5e3, 290.0), FixedTemperature(340.0), FixedFlux(1e4))
PAIRS = [pair for pair in product(ENDS, OPPOSITE) if not all(isinstance(end, FixedFlux) for end in pair)]
LAYERS = (
    WallLayer(500 * um, 148.0),
    WallLayer(30 * um, 4.0, 0.0, 1e-5),
    WallLayer(2 * um, 100.0, 5e11),
    WallLayer(2 * mm, 390.0, 0.0, 3e-6),
    WallLayer(10 * um, 0.5),
)


def ways(end: layered_wall.End, area: float) -> list[object]:
    """Return every way to say the end of a wall in a description."""
    match end:
        case RobinEnd(h, ambient):
            resistance = 1.0 / (h * area)
            return [
                ts.Convection(h, ambient),
                ts.HeatSink(ambient, h=h),
                ts.HeatSink(ambient, resistance=resistance),
                ts.ColdPlate(ambient, resistance=resistance),
            ]
        case FixedTemperature(temperature):
            return [ts.FixedTemperature(temperature)]
        case FixedFlux(flux):
            return [ts.FixedFlux(flux=flux), ts.FixedFlux(heat=flux * area)]
    raise TypeError(end)


def layers_of(wall: LayeredWall) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            f"layer_{n}",
            layer.thickness,
            Material(f"m_{n}", layer.conductivity),
            Power(total=layer.source * layer.thickness * AREA) if layer.source else None,
            Interface(bottom=layer.interface_below),
        )
        for n, layer in enumerate(wall.layers)
    )


def wall_grid(wall: LayeredWall, cells: int) -> Grid:
    """Return a grid of 2 by 1 columns, every layer in so many unequal cells."""
    share = np.linspace(0.0, 1.0, cells + 1) ** 1.3
    z = [low + share[1:] * (high - low) for low, high in zip(wall.levels[:-1], wall.levels[1:], strict=True)]
    return Grid(np.array([0.0, 0.3, 1.0]) * SIDE, np.array([0.0, SIDE]), np.concatenate([[0.0], *z]))


def span(values: np.ndarray) -> float:
    return float(np.ptp(values))


@pytest.fixture(params=list(ROUNDING), ids=lambda kind: kind.__name__)
def rounding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return the rounding where conductances are kept in one precision and the other."""
    monkeypatch.setattr(conduction, "FACE_CONDUCTANCE_DTYPE", request.param)
    return ROUNDING[request.param]


@pytest.mark.parametrize(("bottom", "top"), PAIRS)
def test_wall_is_exact_where_nothing_heats(
    bottom: layered_wall.End, top: layered_wall.End, rounding: float
) -> None:
    """Half cells and interfaces in series are exact but for rounding, for every way to say an end."""
    wall = LayeredWall(LAYERS, bottom, top)
    grid = wall_grid(wall, 3)
    exact = wall.temperature(grid.z_center)
    is_heated = np.repeat([layer.source > 0.0 for layer in LAYERS], 3)
    for below, above in product(ways(bottom, AREA), ways(top, AREA)):
        drawn = package(Stack("wall", (SIDE, SIDE), layers_of(wall)), bottom=below, top=above)
        steady = solve(drawn, grid)
        off = np.abs(steady.field - exact[:, None, None])[~is_heated]
        assert off.max() < rounding * span(exact)
        through = abs(wall.fluxes).max() * AREA
        assert steady.heat_balance.out["bottom"] == pytest.approx(
            -wall.fluxes[0] * AREA, abs=rounding * through
        )
        assert steady.heat_balance.out["top"] == pytest.approx(wall.fluxes[-1] * AREA, abs=rounding * through)
        for n in (0, 1, 3, 4):  # means, and peaks on faces, are rebuilt as exactly
            part = steady.of(f"wall.layer_{n}")
            assert part.mean == pytest.approx(wall.layer_mean(n), abs=rounding * span(exact))
            assert part.max == pytest.approx(wall.layer_max(n), abs=rounding * span(exact))


@pytest.mark.usefixtures("float64_conductances")
def test_heated_wall_is_off_by_the_bend_of_one_cell() -> None:
    """A cell takes the temperature for straight on both sides of its centre: s h^2 / (8 k) too warm."""
    wall = LayeredWall((WallLayer(2e-3, 20.0, 5e7),), FixedTemperature(300.0), RobinEnd(1e3, 300.0))
    drawn = package(
        Stack("wall", (SIDE, SIDE), layers_of(wall)),
        bottom=ts.FixedTemperature(300.0),
        top=ts.Convection(1e3, 300.0),
    )
    for cells in (4, 8):
        grid = Grid(np.array([0.0, SIDE]), np.array([0.0, SIDE]), np.linspace(0.0, 2e-3, cells + 1))
        steady = solve(drawn, grid)
        bend = 5e7 * (2e-3 / cells) ** 2 / (8.0 * 20.0)
        off = steady.field[:, 0, 0] - wall.temperature(grid.z_center)
        assert off == pytest.approx(np.full(cells, bend), rel=1e-6)
        assert steady.of("wall.layer_0").mean - wall.layer_mean(0) == pytest.approx(bend, rel=1e-6)
        assert 0.0 < steady.of("wall.layer_0").max - wall.layer_max(0) < 1.5 * bend


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize(("low", "high"), PAIRS)
def test_wall_lies_on_its_side(
    axis: str, low: layered_wall.End, high: layered_wall.End, rounding: float
) -> None:
    """The same wall with its layers as regions side by side, between west and east or south and north."""
    layers = [replaced._replace(interface_below=0.0, source=0.0) for replaced in LAYERS]
    layers[0] = layers[0]._replace(conductivity=25.0)
    wall = LayeredWall(tuple(layers), low, high)
    length, height = float(wall.levels[-1]), 0.3 * mm
    regions = []
    for n, layer in enumerate(layers):
        at, size = (float(wall.levels[n]), 0.0), (layer.thickness, SIDE)
        k = (layer.conductivity, 7.0, 3.0) if axis == "x" else (7.0, layer.conductivity, 3.0)
        turn = (lambda pair: pair) if axis == "x" else (lambda pair: pair[::-1])
        regions.append(Region(f"m_{n}", turn(size), Material(f"m_{n}", k), turn(at)))
    size = (length, SIDE) if axis == "x" else (SIDE, length)
    sheet = Layer("sheet", height, Material("none", 1.0), regions=tuple(regions))
    ends = ("west", "east") if axis == "x" else ("south", "north")
    planes = wall_grid(wall, 3).z
    across = np.array([0.0, 0.6, 2.0]) * mm
    grid = Grid(*((planes, across) if axis == "x" else (across, planes)), np.array([0.0, height]))
    exact = wall.temperature(0.5 * (planes[1:] + planes[:-1]))
    area = height * SIDE
    for below, above in zip(ways(low, area), reversed(ways(high, area)), strict=False):
        steady = solve(package(Stack("s", size, (sheet,)), **{ends[0]: below, ends[1]: above}), grid)
        field = steady.field[0] if axis == "x" else steady.field[0].T
        assert np.abs(field - exact).max() < rounding * span(exact)
        assert steady.heat_balance.out[ends[1]] == pytest.approx(
            wall.fluxes[-1] * area, rel=max(1e-8, rounding)
        )


def test_regions_of_a_face_cool_what_lies_in_them() -> None:
    """Two bars on either side of an open strip, each with its own htc, are two walls exactly."""
    layers = (
        Layer(
            "bulk",
            1 * mm,
            Material("si", 148.0),
            regions=(Region("gap", (1 * mm, 4 * mm), VOID, (2 * mm, 0.0)),),
        ),
    )
    blocks = (
        Block("left", (0.0, 0.0), (2 * mm, 4 * mm), 3.0),
        Block("right", (3 * mm, 0.0), (1 * mm, 4 * mm), 2.0),
    )
    gap = Region("gap", (1 * mm, 4 * mm), VOID, (2 * mm, 0.0))
    layers += (Layer("active", 1 * um, Material("si", 148.0), Power(blocks=blocks), regions=(gap,)),)
    right = FaceRectangle((3 * mm, 0.0), (1 * mm, 4 * mm))
    drawn = package(
        Stack("s", (4 * mm, 4 * mm), layers),
        bottom=(ts.Convection(1e4, 300.0), FaceCooling(ts.HeatSink(320.0, resistance=5.0), right)),
        top=(FaceCooling(ts.FixedFlux(heat=1.0), right),),
    )
    steady = solve(
        drawn,
        Grid(
            np.array([0.0, 1.0, 2.0, 3.0, 4.0]) * mm,
            np.array([0.0, 4.0]) * mm,
            np.array([0.0, 0.5, 1.0, 1.001]) * mm,
        ),
    )
    left_rise = 3.0 * (1.0 / (1e4 * 8e-6) + 0.25 * mm / (148.0 * 8e-6))
    right_rise = 3.0 * (5.0 + 0.25 * mm / (148.0 * 4e-6))
    assert steady.field[0, 0, 0] - 300.0 == pytest.approx(left_rise, rel=1e-9)
    assert steady.field[0, 0, 3] - 320.0 == pytest.approx(right_rise, rel=1e-9)
    assert np.isnan(steady.field[:, 0, 2]).all()
    assert steady.heat_balance.out == pytest.approx({"top": -1.0, "bottom": 6.0}, rel=1e-9)


@pytest.mark.usefixtures("float64_conductances")
def test_base_of_a_cold_plate_is_a_layer_more() -> None:
    """A base as large as the face adds thickness / conductivity to the resistance."""
    die = Stack(
        "die",
        (SIDE, SIDE),
        (
            Layer("active", 1 * um, Material("si", 148.0), Power(total=8.0)),
            Layer("bulk", 500 * um, Material("si", 148.0)),
        ),
    )
    base = Base(Material("cu", 390.0), 3 * mm)
    steady = solve(
        package(die, top=ts.ColdPlate(300.0, h=2.5e4, base=base)),
        Grid(np.array([0.0, SIDE]), np.array([0.0, SIDE]), np.array([0.0, 0.001, 0.501, 2.0, 3.501]) * mm),
    )
    flux = 8.0 / AREA
    assert steady.of("cooling.top.base").max == pytest.approx(
        300.0 + flux * (1 / 2.5e4 + 3e-3 / 390.0), rel=1e-11
    )
    rise = flux * (1 / 2.5e4 + 3e-3 / 390.0 + 250e-6 / 148.0)
    assert steady.of("die.bulk").mean - 300.0 == pytest.approx(rise, rel=1e-9)


# -- heat through every face -----------------------------------------------------------------


def test_stacks_of_unequal_height_cool_from_every_face() -> None:
    """A body of copper in still air is of one temperature, so each face gives h times its area: to 0.1 %.

    A plate of 10 x 8 x 1 mm carries two posts of 2 x 2 x 3 mm and between them one of 2 x 2 x 1 mm, alike on
    both sides of the middle. The Biot number h L / k is 10 * 5 mm / 400, about 1e-4.
    """
    copper = Material("cu", 400.0)
    post = (Layer("post", 3 * mm, copper),)
    stacks = (
        Stack("plate", (10 * mm, 8 * mm), (Layer("plate", 1 * mm, copper, Power(total=0.5)),)),
        Stack("left", (2 * mm, 2 * mm), post, on="plate", position=(1 * mm, 3 * mm)),
        Stack("right", (2 * mm, 2 * mm), post, on="plate", position=(7 * mm, 3 * mm)),
        Stack(
            "low", (2 * mm, 2 * mm), (Layer("post", 1 * mm, copper),), on="plate", position=(4 * mm, 3 * mm)
        ),
    )
    air = ts.Convection(10.0, 300.0)
    drawn = package(
        stacks,
        surroundings=air,
        top=ts.Convection(20.0, 300.0),
        bottom=Adiabatic(),
    )
    model = discretize(drawn, cell=1 * mm)
    surfaces = model.boundary
    areas = np.bincount(surfaces.face, weights=surfaces.area, minlength=len(FACES) + 1)
    assert set(surfaces.face) == {FACES.index("top"), len(FACES)}
    sides = (2 * (10 + 8) * 1.0 + 2 * 8 * 3.0 + 8 * 1.0) * 1e-6  # m2: plate, two high posts, the low one
    top = 10 * 8 * 1e-6  # m2: plate and posts
    assert areas[FACES.index("top")] == pytest.approx(top, rel=1e-12)
    assert areas[len(FACES)] == pytest.approx(sides, rel=1e-12)
    steady = solve_steady(model)
    rise = 0.5 / (20.0 * top + 10.0 * sides)
    assert steady.of("left.post").mean - 300.0 == pytest.approx(rise, rel=1e-3)
    assert steady.heat_balance.out["top"] == pytest.approx(20.0 * top * rise, rel=1e-3)
    assert steady.heat_balance.out["surroundings"] == pytest.approx(10.0 * sides * rise, rel=1e-3)
    assert steady.of("left.post").max == pytest.approx(steady.of("right.post").max, abs=1e-8 * rise)


def test_heat_and_resistance_of_surroundings_are_shared_by_all_sides() -> None:
    """5 W into all faces but the bottom are 5 W, and 2 K/W to the air on all of them are 2 K/W."""
    cube = Stack("cube", (2 * mm, 2 * mm), (Layer("cu", 2 * mm, Material("cu", 400.0)),))
    heated = solve_steady(
        package(cube, bottom=ts.Convection(1e4, 300.0), surroundings=ts.FixedFlux(heat=5.0))
    )
    assert heated.heat_balance.out == pytest.approx({"bottom": 5.0, "surroundings": -5.0}, rel=1e-7)
    cooled = solve_steady(
        package(cube, top=ts.FixedFlux(heat=5.0), surroundings=ts.HeatSink(300.0, resistance=20.0))
    )
    assert cooled.of("cube").mean - 300.0 == pytest.approx(
        100.0, rel=5e-3
    )  # and some kelvin inside the copper


# -- spreading and plates --------------------------------------------------------------------


def spreader(row: PublishedRow) -> Package:
    """Return a plate whose source is 0.1 um thin, 1 W on its top."""
    case = row.case
    material, thin = Material("plate", case.conductivity), 0.1 * um
    corner = tuple(0.5 * (side - width) for side, width in zip(case.plate, case.source, strict=True))
    power = Power(blocks=(Block("source", corner, case.source, 1.0),))
    layers = Layer("plate", case.thickness - thin, material), Layer("top", thin, material, power)
    return package(Stack("spreader", case.plate, layers), bottom=ts.Convection(case.h, 300.0))


@pytest.mark.parametrize("row", PUBLISHED, ids=["lid", "hot_spot", "base"])
def test_spreading_resistance(row: PublishedRow) -> None:
    """Mean and centre to 0.5 % on the default rule's cells cut to a third (under 0.2 % and 0.1 %).

    From cells of the default rule itself to a third of them the error of the mean falls at least sixfold.
    """
    off = {}
    for fineness in (1.0, 3.0):
        source = solve_steady(discretize(spreader(row), fineness=fineness)).of("spreader.top.source")
        off[fineness] = abs((source.mean - 300.0) / row.case.mean_resistance() - 1.0)
        centre = abs((source.max - 300.0) / row.case.centre_resistance() - 1.0)
        assert source.at[:2] == pytest.approx([0.5 * side for side in row.case.plate], rel=0.05)
        assert centre < (0.005 if fineness == 3.0 else 0.015)
    assert off[3.0] < 0.005
    assert off[3.0] < off[1.0] / 6.0


def test_nafems_t4() -> None:
    """The point (0.6, 0.2) to 0.01 K on 72 x 120 cells (5 mK), and by Richardson's rule to 1 mK.

    The published value is 18.3 degC; the series says 18.2538.
    """
    values = {}
    for cells in (60, 120):
        drawn = package(
            Stack("plate", (0.6, 1.0), (Layer("steel", 10 * mm, Material("steel", nafems_t4.CONDUCTIVITY)),)),
            south=ts.FixedTemperature(373.15),
            east=ts.Convection(nafems_t4.HTC, 273.15),
            north=ts.Convection(nafems_t4.HTC, 273.15),
        )
        x, y = np.linspace(0.0, 0.6, round(0.6 * cells) + 1), np.linspace(0.0, 1.0, cells + 1)
        steady = solve(drawn, Grid(x, y, np.array([0.0, 0.01])))
        j = int(np.searchsorted(y, 0.2 + 1e-9)) - 1
        beside = 0.5 * (steady.field[0, j - 1, -1] + steady.field[0, j, -1]) - 273.15
        inside = 2.0 * nafems_t4.CONDUCTIVITY / np.diff(x)[-1]
        values[cells] = beside * inside / (inside + nafems_t4.HTC)  # on the face, in series with the htc
        away = steady.model.grid.y_center > 0.1  # from the singular corner at 100 degC
        exact = nafems_t4.temperature(steady.model.grid.x_center, steady.model.grid.y_center[away, None])
        assert np.abs(steady.field[0][away] - 273.15 - exact).max() < 0.1 * (60 / cells) ** 2
    assert values[120] == pytest.approx(18.2538, abs=0.01)
    assert (4.0 * values[120] - values[60]) / 3.0 == pytest.approx(18.2538, abs=1e-3)


# -- layered blocks --------------------------------------------------------------------------

POINTWISE = (
    "orthotropic_substrate",
    "orthotropic_plane",
    "interfaces",
    "held_bottom",
    "stack_of_two",
    "unequal_blocks",
)


@pytest.mark.parametrize("name", POINTWISE)
def test_layered_block_at_points(name: str) -> None:
    """Cell centres against the Fourier series in 64 columns: 2 % of the rise at worst on the default grid.

    The root of the mean square is under 0.3 % (0.24 %) and falls to half of it with half the cells.
    """
    case = CASES[name]
    worst, typical = [], []
    for fineness in (1.0, 2.0):
        steady = solve_steady(discretize(package_of_case(case), fineness=fineness), estimate=False)
        grid = steady.model.grid
        i, j = (np.linspace(0, n - 1, 8).astype(int) for n in (grid.dx.size, grid.dy.size))
        exact = case.temperature(grid.x_center[i], grid.y_center[j], grid.z_center)
        off = np.abs(steady.field[:, j][:, :, i] - exact) / largest_rise(case)
        worst.append(float(off.max()))
        typical.append(float(np.sqrt((off**2).mean())))
    assert worst[0] < 0.02
    assert typical[0] < 0.003
    assert typical[1] < 0.5 * typical[0]


@pytest.mark.parametrize("name", ["orthotropic_plane", "unequal_blocks", "held_bottom"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_package_is_as_warm(name: str, degrees: int) -> None:
    """Blocks and conductivities turn with the stack: the same field, turned, to 1e-8 of its range."""
    drawn = package_of_case(CASES[name])
    turned = replace(drawn, stacks=(replace(drawn.stacks[0], rotate=degrees),))
    fields = [
        solve_steady(discretize(each, fineness=0.5), method="direct", residual=1e-12, estimate=False).field
        for each in (drawn, turned)
    ]
    expected = np.rot90(fields[0], degrees // 90, axes=(2, 1))
    assert np.abs(fields[1] - expected).max() < 1e-8 * span(fields[0])


def test_turning_matters_where_conductivities_differ() -> None:
    """The test above can fail: with the conductivities left behind the peak is another."""
    drawn = package_of_case(CASES["orthotropic_plane"])
    stack = drawn.stacks[0]
    swapped = [
        replace(layer, material=Material(layer.name, (k[1], k[0], k[2])))
        for layer in stack.layers
        for k in [layer.material.conductivity_at(300.0)]  # type: ignore[union-attr]
    ]
    other = replace(drawn, stacks=(replace(stack, layers=tuple(swapped)),))
    first, second = (solve_steady(discretize(each, fineness=0.5)).peak.max for each in (drawn, other))
    assert abs(first - second) > 0.01 * (first - 300.0)


def test_an_interface_ends_where_a_die_takes_the_place_of_its_layer() -> None:
    """A die embedded across a bad joint of its host is whole: its own drop is that of silicon."""
    mold = Material("mold", 0.8)
    host = Stack(
        "host",
        (4 * mm, 4 * mm),
        (Layer("lower", 200 * um, mold), Layer("upper", 200 * um, mold, interface=Interface(bottom=1e-3))),
    )
    die = Stack(
        "die",
        (2 * mm, 2 * mm),
        (Layer("bulk", 300 * um, Material("si", 148.0)),),
        inside="host",
        position=(1 * mm, 1 * mm),
    )
    drawn = package((host, die), bottom=ts.Convection(1e4, 300.0), top=ts.FixedFlux(heat=1.0))
    model = discretize(drawn, cell=0.25 * mm)
    bulk = solve_steady(model).of("die.bulk")
    assert bulk.max - bulk.min < 0.06 * (bulk.mean - 300.0)
    assert joined(model) == pytest.approx(12e-6)  # 16 mm2 less 4
    under = replace(die, depth=200 * um, layers=(replace(die.layers[0], thickness=150 * um),))
    assert joined(discretize(replace(drawn, stacks=(host, under)), cell=0.25 * mm)) == pytest.approx(16e-6)


def joined(model: ts.Model) -> float:
    """Return the area of all interfaces [m2]."""
    area = model.grid.dy[:, None] * model.grid.dx
    return float(sum(area[contact.j, contact.i].sum() for contact in model.contacts))


# -- conductivity of temperature -------------------------------------------------------------


@pytest.mark.usefixtures("float64_conductances")
@pytest.mark.parametrize("exponent", kirchhoff_slab.PUBLISHED)
def test_slab_whose_conductivity_falls_with_temperature(exponent: float) -> None:
    """The heated face to 1e-4 K on any number of cells (2e-5 K)."""
    slab = kirchhoff_slab.silicon_slab(exponent)
    law = {"power_law": {"at_reference": 148.0, "exponent": exponent}} if exponent else 148.0
    stack = Stack("slab", (1 * mm, 1 * mm), (Layer("silicon", slab.thickness, Material("si", law)),))
    drawn = package(stack, bottom=ts.FixedTemperature(300.0), top=ts.FixedFlux(flux=slab.flux))
    off = []
    for cells in (1, 3, 16):
        grid = Grid(
            np.array([0.0, 1 * mm]), np.array([0.0, 1 * mm]), np.linspace(0.0, slab.thickness, cells + 1)
        )
        off.append(abs(solve(drawn, grid).of("slab.silicon").max - slab.top))
    assert slab.top == pytest.approx(kirchhoff_slab.PUBLISHED[exponent], abs=5e-5)
    assert max(off) < 1e-4
