"""Temperatures of parts, blocks, merged parts and faces, and the heat balance, against values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack import (
    Adiabatic,
    Block,
    Convection,
    Cooling,
    FixedFlux,
    FixedTemperature,
    Grid,
    Layer,
    Material,
    Package,
    Power,
    Region,
    Stack,
    SteadyResult,
    discretize,
    solve_steady,
)
from thermostack.finite_volume.heat_balance import HeatBalance
from thermostack.finite_volume.part_temperatures import (
    PartsAndBlocks,
    PartTemperature,
    merge_parts,
)
from thermostack.units import mm

pytestmark = pytest.mark.usefixtures("float64_conductances_in_module")
SILICON, MOLD = Material("si", 100.0), Material("mold", 2.0)
SIDE = 4 * mm


def solve(package: Package, grid: Grid, **options: object) -> SteadyResult:
    given = {"method": "direct", "residual": 1e-12, "estimate": False} | options
    return solve_steady(discretize(package, grid=grid), **given)  # type: ignore[arg-type]


def planes(*values: float) -> np.ndarray:
    return np.array(values) * mm


def part(name: str, **more: object) -> PartTemperature:
    fields = {"power": 1.0, "min": 300.0, "mean": 310.0, "max": 320.0, "at": (0.0, 0.0, 0.0), "volume": 1.0}
    return PartTemperature(name, **(fields | more))  # type: ignore[arg-type]


# -- parts of a wall -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wall() -> SteadyResult:
    """Return 1 mm of mould and 2 mm of silicon between 400 K and 348 K: 1e5 W/m2, 350 K at the interface."""
    layers = Layer("mold", 1 * mm, MOLD, limit=405.0), Layer("si", 2 * mm, SILICON)
    cooling = Cooling(bottom=FixedTemperature(400.0), top=FixedTemperature(348.0))
    package = Package("wall", (Stack("wall", (SIDE, SIDE), layers, limit=349.0),), cooling)
    return solve(package, Grid(planes(0, 1, 4), planes(0, 4), planes(0, 0.3, 1, 2.5, 3)))


def test_min_mean_and_max_of_a_wall(wall: SteadyResult) -> None:
    """Extremes are on the faces, not at the nearest cell centres; means are over the volume."""
    for name, low, high in (("mold", 350.0, 400.0), ("si", 348.0, 350.0)):
        found = wall.of(f"wall.{name}")
        assert (found.min, found.mean, found.max) == pytest.approx((low, 0.5 * (low + high), high), abs=1e-7)
    assert wall.of("wall.mold").volume == pytest.approx(16e-9)
    assert wall.of("wall.si").volume == pytest.approx(32e-9)


def test_position_of_the_maximum_is_on_the_hottest_face(wall: SteadyResult) -> None:
    assert wall.of("wall.mold").at[2] == 0.0
    assert wall.of("wall.si").at[2] == pytest.approx(1 * mm)


def test_limit_is_that_of_the_layer_or_else_of_the_stack(wall: SteadyResult) -> None:
    assert wall.of("wall.mold").limit == 405.0
    assert wall.of("wall.mold").margin == pytest.approx(5.0, abs=1e-6)
    assert wall.of("wall.si").margin == pytest.approx(-1.0, abs=1e-6)
    assert part("free").margin is None


# -- blocks ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halves() -> SteadyResult:
    """Return a die with 2 W in its left half, 1 W in its right half and a gap between: two walls."""
    gap = Region("gap", (1 * mm, SIDE), "void", (2 * mm, 0.0))
    blocks = (
        Block("left", (0.0, 0.0), (2 * mm, SIDE), 2.0),
        Block("right", (3 * mm, 0.0), (1 * mm, SIDE), 1.0),
    )
    layers = (
        Layer("bulk", 1 * mm, SILICON, regions=(gap,)),
        Layer("active", 0.01 * mm, SILICON, Power(blocks=blocks), regions=(gap,)),
    )
    package = Package(
        "p", (Stack("die", (SIDE, SIDE), layers, limit=350.0),), Cooling(bottom=Convection(1e4, 300.0))
    )
    return solve(package, Grid(planes(0, 1, 2, 3, 4), planes(0, 4), planes(0, 0.5, 1, 1.01)))


def test_blocks_by_hand(halves: SteadyResult) -> None:
    """The rise over convection and bulk is q (1 / h + d / k); in the active layer at most q d / k more."""
    for name, flux, x in (("left", 2.0 / 8e-6, (0.0, 2.0)), ("right", 1.0 / 4e-6, (3.0, 4.0))):
        block = halves.of(f"die.active.{name}")
        below = 300.0 + flux * (1e-4 + 1e-5)
        active_rise = flux * 1e-5 / 100.0
        assert below - 1e-9 <= block.min <= block.mean <= block.max <= below + active_rise
        assert (block.is_block, block.limit) == (True, 350.0)
        assert x[0] * mm <= block.at[0] <= x[1] * mm
    assert halves.of("die.active.left").volume == pytest.approx(8e-6 * 1e-5)
    assert halves.of("die.active.right").power == 1.0


def test_blocks_are_listed_after_their_part(halves: SteadyResult) -> None:
    assert [p.name for p in halves.parts] == ["die.bulk", "die.active", "die.active.left", "die.active.right"]
    assert halves.of("die.active").power == pytest.approx(3.0)
    assert halves.of("die.active").is_block is False


def test_stack_counts_the_power_of_blocks_once(halves: SteadyResult) -> None:
    assert halves.of("die").power == pytest.approx(3.0)
    assert halves.of("die").volume == pytest.approx((8 + 4) * 1.01e-9)


# -- zones ---------------------------------------------------------------------------------


def test_part_that_is_covered_by_regions_has_no_temperature() -> None:
    """The result lists the two regions and not the layer that they cover."""
    regions = tuple(
        Region(name, (2 * mm, SIDE), SILICON, (x * mm, 0.0)) for name, x in (("west", 0), ("east", 2))
    )
    layers = Layer("low", 1 * mm, MOLD), Layer("gone", 1 * mm, MOLD, regions=regions)
    package = Package("p", (Stack("s", (SIDE, SIDE), layers),), Cooling(bottom=Convection(1e3, 300.0)))
    model = discretize(package, cell=1 * mm)
    assert "s.gone" in [found.name for found in model.parts]
    steady = solve_steady(model)
    assert [found.name for found in steady.parts] == ["s.low", "s.gone.west", "s.gone.east"]
    assert steady.of("s.gone").volume == pytest.approx(16e-9)


def test_part_without_cells_in_a_body_with_a_corner_outside() -> None:
    """The first cell of the grid lies beside a round body, and a region covers the whole upper layer."""
    regions = (Region("all", (SIDE, SIDE), SILICON, (0.0, 0.0), diameter=SIDE),)
    layers = Layer("low", 1 * mm, MOLD, Power(total=1.0)), Layer("gone", 1 * mm, MOLD, regions=regions)
    stack = Stack("s", (SIDE, SIDE), layers, diameter=SIDE)
    steady = solve_steady(Package("p", (stack,), Cooling(bottom=Convection(1e3, 300.0))))
    assert steady.model.part[0, 0, 0] == 0
    assert [found.name for found in steady.parts] == ["s.low", "s.gone.all"]
    assert np.isfinite([found.max for found in steady.parts]).all()


def test_zones_are_parts_and_then_blocks(halves: SteadyResult) -> None:
    """Parts bulk and active, blocks left and right with a gap between them, by hand."""
    zones = PartsAndBlocks(halves.model)
    nz, ny, nx = halves.model.grid.shape
    assert zones.count == 4
    assert zones.volume == pytest.approx([12e-9, 12e-11, 8e-11, 4e-11])
    sums = np.zeros(4)
    zones.add_integral(nz - 1, np.arange(float(ny * nx)).reshape(ny, nx), sums)
    assert sums == pytest.approx([0.0, (0 + 1 + 3) * 4e-11, (0 + 1) * 4e-11, 3 * 4e-11])
    zones.add_integral(0, np.ones((ny, nx)), sums)
    assert sums[0] == pytest.approx(6e-9)
    assert zones.windows.tolist() == [[2, 2, 3, 0, 1, 0, 2], [3, 2, 3, 0, 1, 3, 4]]


def test_temperatures_without_sources_are_within_the_ambient_temperatures() -> None:
    """Reconstructed temperatures of a corner between 300 and 400 K on coarse cells are within this range."""
    cooling = Cooling(
        bottom=FixedTemperature(300.0), west=FixedTemperature(400.0), top=Convection(1e5, 300.0)
    )
    layers = Layer("s", 1 * mm, SILICON), Layer("m", 1 * mm, MOLD)
    package = Package("corner", (Stack("s", (SIDE, SIDE), layers),), cooling)
    for found in solve(package, Grid(planes(0, 2, 4), planes(0, 4), planes(0, 1, 2))).parts:
        assert 300.0 <= found.min < found.mean < found.max <= 400.0


# -- merged parts --------------------------------------------------------------------


def test_merged_parts_by_hand() -> None:
    small = part("a", power=2.0, min=290.0, mean=300.0, max=350.0, at=(1.0, 2.0, 3.0), volume=1.0)
    large = part("b", power=3.0, min=295.0, mean=320.0, max=340.0, volume=3.0)
    merged = merge_parts("both", [large, small])
    assert (merged.name, merged.power, merged.volume) == ("both", 5.0, 4.0)
    assert (merged.min, merged.mean, merged.max) == (290.0, 315.0, 350.0)
    assert merged.at == (1.0, 2.0, 3.0)


def test_errors_of_merged_parts() -> None:
    one = part("a", max=350.0, error=2.0, mean_error=1.0, extrapolated=351.0, volume=1.0)
    other = part("b", max=340.0, error=9.0, mean_error=3.0, extrapolated=355.0, volume=3.0)
    merged = merge_parts("both", [one, other])
    assert (merged.error, merged.extrapolated, merged.mean_error) == (2.0, 351.0, 2.5)
    assert merge_parts("both", [one, part("c")]).mean_error is None


def test_merged_parts_without_limits_have_no_limit() -> None:
    assert merge_parts("both", [part("a"), part("b")]).limit is None
    assert merge_parts("both", [part("a"), part("b")]).margin is None


def test_margin_of_merged_parts_is_the_minimum() -> None:
    """A cooler part that is nearer to its limit determines the margin."""
    logic = part("logic", max=370.0, limit=400.0)
    memory = part("memory", max=360.0, limit=362.0)
    free = part("free", max=380.0)
    merged = merge_parts("all", [logic, memory, free])
    assert (merged.max, merged.limit, merged.margin) == (380.0, 362.0, pytest.approx(2.0))
    assert merge_parts("more", [merged, part("hot", max=399.0, limit=400.0)]).margin == pytest.approx(1.0)
    assert merge_parts("all", [memory, logic]).margin == pytest.approx(2.0)
    assert merge_parts("all", [logic, free]).margin == pytest.approx(30.0)


# -- faces -----------------------------------------------------------------------------------


def test_face_of_a_stack_excludes_faces_between_its_layers(wall: SteadyResult) -> None:
    """Its bottom is that of the lower layer, its top that of the upper layer, its sides are those of both."""
    assert wall.face("wall", "top").mean == pytest.approx(348.0)
    assert wall.face("wall", "bottom").area == pytest.approx(16e-6)
    assert wall.face("wall", "west").area == pytest.approx(12e-6)
    west = wall.face("wall", "west")
    mean = (375.0 * 1 + 349.0 * 2) / 3  # weighted by height
    assert west.mean == pytest.approx(mean, abs=1e-6)
    assert west.heat == pytest.approx(0.0, abs=1e-9)


def test_unknown_side_or_part_raises(wall: SteadyResult) -> None:
    with pytest.raises(
        KeyError, match=r"no side is named 'upside' \(there are bottom, top, south, north, west, east"
    ):
        wall.face("wall", "upside")
    with pytest.raises(KeyError, match=r"no part is named 'wall.mould' \(did you mean wall.mold\?"):
        wall.face("wall.mould")


def test_part_without_cells_has_no_face() -> None:
    """An embedded die replaces the whole layer."""
    layers = Layer("low", 1 * mm, MOLD), Layer("gone", 1 * mm, MOLD)
    die = Stack("die", (SIDE, SIDE), (Layer("d", 1 * mm, SILICON),), inside="s", position=(0.0, 0.0))
    package = Package("p", (Stack("s", (SIDE, SIDE), layers), die), Cooling(bottom=Convection(1e3, 300.0)))
    steady = solve_steady(discretize(package, cell=2 * mm))
    with pytest.raises(ValueError, match=r"s\.gone has no face at its west"):
        steady.face("s.gone", "west")
    with pytest.raises(KeyError, match=r"no part is named 's\.gone'"):
        steady.of("s.gone")


def test_face_of_a_part_includes_its_regions() -> None:
    """A layer that one region covers completely has the faces of the region."""
    regions = (Region("all", (SIDE, SIDE), MOLD),)
    layers = Layer("low", 1 * mm, MOLD, regions=regions), Layer("up", 1 * mm, MOLD)
    package = Package("p", (Stack("s", (SIDE, SIDE), layers),), Cooling(bottom=Convection(1e3, 300.0)))
    steady = solve_steady(discretize(package, cell=2 * mm))
    assert steady.face("s.low", "top").area == pytest.approx(16e-6)


# -- the heat balance ------------------------------------------------------------------------


def test_imbalance_and_relative_imbalance() -> None:
    balance = HeatBalance(10.0, {"top": 7.0, "bottom": 2.9})
    assert balance.imbalance == pytest.approx(0.1)
    assert balance.relative == pytest.approx(0.01)
    through = HeatBalance(0.0, {"west": -50.0, "east": 49.5})  # no power, but 50 W pass through
    assert through.relative == pytest.approx(0.5 / 49.75)
    assert HeatBalance(0.0, {}).relative == 0.0
    assert HeatBalance(-4.0, {"top": -4.0}).relative == 0.0


def test_text_of_a_balance() -> None:
    lines = str(HeatBalance(560.0, {"top": 552.25, "surroundings": 7.75})).splitlines()
    assert [line.split() for line in lines] == [
        ["heat", "in", "560", "W"],
        ["out", "top", "552.25", "W"],
        ["out", "surroundings", "7.75", "W"],
        ["imbalance", "0", "W", "(0.0e+00)"],
    ]
    assert len({line.index(" W") for line in lines}) == 1
    assert "(1.0e-02)" in str(HeatBalance(10.0, {"top": 9.9}))


def test_balance_lists_the_faces_with_boundary_conditions() -> None:
    """Two convective faces and a fixed flux; adiabatic faces are not listed."""
    cooling = Cooling(
        top=Convection(1e3, 300.0),
        bottom=FixedFlux(heat=2.0),
        west=Adiabatic(),
        east=Convection(500.0, 290.0),
    )
    body = Stack("s", (SIDE, SIDE), (Layer("si", 1 * mm, SILICON, Power(total=1.0)),))
    balance = solve(
        Package("p", (body,), cooling), Grid(planes(0, 2, 4), planes(0, 4), planes(0, 1))
    ).heat_balance
    assert list(balance.out) == ["top", "bottom", "east"]
    assert balance.heat_in == 1.0
    assert balance.out["bottom"] == pytest.approx(-2.0)
    assert balance.out["top"] + balance.out["east"] == pytest.approx(3.0)
    assert balance.relative < 1e-10
