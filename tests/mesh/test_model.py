"""The model: parts, boundary faces, power and interfaces of the cells, and errors that only cells show."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Adiabatic,
    Base,
    Block,
    ColdPlate,
    Convection,
    Cooling,
    DescriptionError,
    FixedFlux,
    FixedTemperature,
    Grid,
    HeatSink,
    Interface,
    Layer,
    Material,
    Model,
    Package,
    Power,
    PowerMap,
    Region,
    Stack,
    discretize,
)
from thermostack.materials.material import VOID
from thermostack.mesh.boundary_faces import SURROUNDINGS
from thermostack.mesh.model import window_of_parts
from thermostack.mesh.part_map import rasterize
from thermostack.package.cooling import FACES, FaceCooling, FaceRectangle
from thermostack.package.geometry import Part, build_geometry
from thermostack.units import mm, um

SILICON, COPPER, MOLD = Material("si", 148.0), Material("cu", 390.0), Material("mold", 0.8)
AIR = Convection(10.0, 300.0)


def stack(name: str, width: float, length: float, *layers: Layer, **more: Any) -> Stack:
    """Return a stack with sizes in mm, on the board if its position `at` [mm] is given."""
    if "at" in more:
        x, y = more.pop("at")
        more |= {"position": (x * mm, y * mm)}
        more = {"on": "board", **more} if "inside" not in more else more
    return Stack(name, (width * mm, length * mm), layers, **more)


def sheet(name: str, thickness: float, material: Any = SILICON, **more: Any) -> Layer:
    return Layer(name, thickness * mm, material, **more)


def modelled(*stacks: Stack, cell: Any = 1 * mm, grid: Grid | None = None, **cooling: Any) -> Model:
    faces = cooling or {"surroundings": AIR}
    return discretize(Package("case", stacks, Cooling(**faces)), cell=cell, grid=grid)


def refusal(*stacks: Stack, **cooling: Any) -> DescriptionError:
    with pytest.raises(DescriptionError) as caught:
        modelled(*stacks, **cooling)
    return caught.value


def name_at(model: Model, x: float, y: float, z: float) -> str:
    """Return the part at a point [mm], "" outside the body."""
    k, j, i = (
        int(np.searchsorted(planes, value * mm)) - 1
        for planes, value in ((model.grid.z, z), (model.grid.y, y), (model.grid.x, x))
    )
    number = int(model.part[k, j, i])
    return model.parts[number - 1].name if number else ""


BOARD = stack("board", 8, 6, sheet("core", 1, MOLD))
LOWEST = FaceCooling(AIR, on="highest")  # of the bottom: its lowest plane alone

# -- painting --------------------------------------------------------------------------------


def tangle() -> tuple[Stack, ...]:
    """Return a board with an embedded die, a cavity with another die, a ring, a region and a filler."""
    hole = Region("hole", (1 * mm, 1 * mm), VOID, (0.5 * mm, 0.5 * mm))
    coin = Region("coin", (2 * mm, 1 * mm), COPPER)
    return (
        replace(BOARD, filler=MOLD),
        stack("die", 3, 2, sheet("a", 0.2, regions=(coin, hole)), sheet("b", 0.3, COPPER), at=(1, 1)),
        stack("ring", 3, 3, sheet("a", 0.4, COPPER), at=(4.5, 1), frame=0.5 * mm),
        stack("bridge", 2, 1, sheet("a", 0.2), inside="board", at=(3, 2), depth=0.1 * mm),
    )


def test_later_box_covers_an_earlier_one() -> None:
    """The part of a cell is that of the last box around its centre; void is outside the body."""
    model = modelled(*tangle(), cell=(0.7 * mm, 0.7 * mm, 0.13 * mm))
    grid = model.grid
    z, y, x = np.meshgrid(grid.z_center, grid.y_center, grid.x_center, indexing="ij")
    expected = np.zeros(grid.shape, dtype=int)
    for box in model.geometry.boxes:
        inside = np.ones(grid.shape, dtype=bool)
        for values, low, high in zip((x, y, z), box.low, box.high, strict=True):
            inside &= (values > low) & (values < high)
        expected[inside] = box.part + 1
    assert np.array_equal(model.part, expected)
    assert {model.parts[n - 1].name for n in np.unique(expected[expected > 0])} == {
        "board.core", "board.filler", "die.a", "die.a.coin", "die.b", "ring.a", "bridge.a",
    }  # fmt: skip
    assert name_at(model, 1.2, 1.2, 1.1) == "die.a.coin"
    assert name_at(model, 1.7, 1.7, 1.1) == ""
    assert name_at(model, 6.0, 2.5, 1.1) == "board.filler"
    assert name_at(model, 3.5, 2.5, 0.85) == "bridge.a"
    assert name_at(model, 3.5, 2.5, 0.95) == "board.core"


def test_cells_outside_the_body_have_no_part() -> None:
    model = modelled(BOARD, stack("die", 2, 2, sheet("bulk", 0.5), at=(3, 2)))
    assert model.part.dtype == np.uint16
    volume = model.grid.volume
    assert volume[model.part > 0].sum() == pytest.approx((8 * 6 * 1 + 2 * 2 * 0.5) * 1e-9, rel=1e-12)
    assert volume[model.part == 0].sum() == pytest.approx((8 * 6 - 2 * 2) * 0.5e-9, rel=1e-12)
    assert model.active == np.count_nonzero(model.part)
    assert model.active < model.grid.cells


def test_windows_of_parts_are_minimal() -> None:
    model = modelled(*tangle())
    for n, window in enumerate(window_of_parts(model), 1):
        cells = np.argwhere(model.part == n)
        found = tuple(slice(low, high + 1) for low, high in zip(cells.min(0), cells.max(0), strict=True))
        assert all(a.start <= b.start and b.stop <= a.stop for a, b in zip(window, found, strict=True))
        if model.parts[n - 1].name not in (
            "board.filler",
            "die.a.coin",
        ):  # the ones that are covered at an end
            assert window == found, model.parts[n - 1].name


def test_geometry_and_package_give_the_same_model() -> None:
    package = Package("case", tangle(), Cooling(surroundings=AIR))
    one, other = discretize(package), discretize(build_geometry(package))
    assert np.array_equal(one.part, other.part)
    assert other.package is package


def test_given_grid_is_used_unchanged() -> None:
    grid = Grid(np.array([0, 1, 8]) * mm, np.array([0, 2, 6]) * mm, np.array([0, 0.9, 1]) * mm)
    assert modelled(BOARD, grid=grid, cell=None).grid is grid


def test_given_grid_without_a_cell_for_a_part_is_rejected() -> None:
    grid = Grid(np.array([0, 8]) * mm, np.array([0, 6]) * mm, np.array([0, 1.2]) * mm)
    with pytest.raises(
        DescriptionError, match=r"no cell for thin.coat \(add planes at its faces\) \[E-GRID\]"
    ):
        modelled(BOARD, stack("thin", 8, 6, sheet("coat", 0.2), at=(0, 0)), grid=grid, cell=None)


def test_too_many_parts_are_rejected() -> None:
    """16-bit part numbers: 65534 parts are permitted, one more is an error."""
    geometry = build_geometry(Package("case", (BOARD,), Cooling(surroundings=AIR)))
    grid = Grid(np.array([0, 8]) * mm, np.array([0, 6]) * mm, np.array([0, 1]) * mm)
    part = Part("x", SILICON)
    last = replace(geometry, parts=(part,) * 65534, boxes=(replace(geometry.boxes[0], part=65533),))
    assert rasterize(last, grid).cells().tolist() == [[[65534]]]
    with pytest.raises(
        DescriptionError, match=r"65535 parts are too many .* 65534 parts at most\) \[E-GRID\]"
    ):
        rasterize(replace(geometry, parts=(part,) * 65535), grid)


# -- surfaces --------------------------------------------------------------------------------

WINDOW = FaceRectangle((0.0, 0.0), (1 * mm, 1 * mm))
POST = stack("post", 2, 1, sheet("post", 2, COPPER), at=(1, 1))
PLATE = stack("board", 4, 3, sheet("core", 1, MOLD))
CONVECTION = {face: Convection(float(n), 300.0 + n) for n, face in enumerate((*FACES, "surroundings"), 1)}


def areas(model: Model) -> dict[str, float]:
    """Return the area of the boundary faces by face name [mm2], without empty ones."""
    found = np.bincount(model.boundary.face, model.boundary.area, minlength=SURROUNDINGS + 1)
    return {
        name: pytest.approx(1e6 * area, rel=1e-12)
        for name, area in zip((*FACES, "surroundings"), found, strict=True)
        if area > 0.0
    }


@pytest.mark.parametrize("cell", [0.3 * mm, 5 * mm])
def test_boundary_areas_of_a_plate_with_a_post(cell: float) -> None:
    """4 x 3 x 1 mm with 2 x 1 x 2 mm on it; each face is all surface that looks in its direction."""
    model = modelled(PLATE, POST, cell=cell, **CONVECTION)
    sides = {"west": 3.0 + 2.0, "east": 3.0 + 2.0, "south": 4.0 + 4.0, "north": 4.0 + 4.0}
    assert areas(model) == {"top": 2.0 + 10.0, "bottom": 12.0, **sides}
    outermost = {face: FaceCooling(cooler, on="highest") for face, cooler in CONVECTION.items()}
    model = modelled(PLATE, POST, cell=cell, **{**outermost, "surroundings": CONVECTION["surroundings"]})
    assert areas(model) == {
        "top": 2.0,
        "bottom": 12.0,
        "west": 3.0,
        "east": 3.0,
        "south": 4.0,
        "north": 4.0,
        "surroundings": 10.0 + 2 * (2 + 1) * 2,
    }


def test_boundary_faces_have_normal_and_cooler() -> None:
    outermost = {face: FaceCooling(cooler, on="highest") for face, cooler in CONVECTION.items()}
    outermost["surroundings"] = CONVECTION["surroundings"]
    model = modelled(PLATE, POST, cell=0.5 * mm, **outermost)
    s = model.boundary
    looks = {"top": (0, True), "bottom": (0, False), "south": (1, False), "north": (1, True)}
    looks |= {"west": (2, False), "east": (2, True)}
    for name, (axis, is_high) in looks.items():
        here = s.face == FACES.index(name)
        assert set(s.axis[here]) == {axis}
        assert set(s.is_high[here]) == {is_high}
    for n in range(SURROUNDINGS + 1):
        here = s.face == n
        assert set(s.h[here]) == {n + 1.0}
        assert set(s.temperature[here]) == {301.0 + n}
    assert not s.flux.any()


def test_each_boundary_face_occurs_once() -> None:
    model = modelled(PLATE, POST, cell=0.5 * mm, **CONVECTION)
    s, part = model.boundary, np.pad(model.part, 1)
    k, j, i = np.unravel_index(s.cell, model.grid.shape)
    assert (model.part[k, j, i] > 0).all()
    step = np.where(s.is_high, 1, -1)
    beside = np.stack([k, j, i]) + 1
    beside[s.axis, np.arange(s.cell.size)] += step
    assert (part[tuple(beside)] == 0).all()
    assert len(set(zip(s.cell.tolist(), s.axis.tolist(), s.is_high.tolist(), strict=True))) == s.cell.size
    exposed = sum(
        int(np.count_nonzero((part > 0) & (np.roll(part, shift, axis) == 0)))
        for axis in range(3)
        for shift in (-1, 1)
    )
    assert s.cell.size == exposed


def test_boundary_faces_by_plane_and_column() -> None:
    model = modelled(PLATE, POST, cell=0.5 * mm, **CONVECTION)
    s = model.boundary
    assert (np.diff(s.cell) >= 0).all()
    counted = 0
    for k in range(model.grid.shape[0]):
        here = model.boundary_of_plane(k)
        j, i = model.columns_of(here)
        assert np.array_equal(
            np.ravel_multi_index((np.full(j.size, k), j, i), model.grid.shape), s.cell[here]
        )
        counted += j.size
    assert counted == s.cell.size > 0


def test_walls_of_a_closed_cavity_are_adiabatic() -> None:
    """A void of 1 x 1 x 0.2 mm has 2.8 mm2 of wall, which no air reaches until it is open at a side."""
    air = stack("cavity", 1, 1, sheet("air", 0.2, VOID), inside="board", at=(1, 1), depth=0.3 * mm)
    closed = modelled(PLATE, air, top=AIR, surroundings=AIR)
    assert areas(closed) == {"top": 12.0, "surroundings": 12.0 + 14.0}
    assert any("a closed cavity of 0.2 mm3" in warning for warning in closed.warnings)
    at_the_edge = stack("cavity", 1, 1, sheet("air", 0.2, VOID), inside="board", at=(0, 1), depth=0.3 * mm)
    opened = modelled(PLATE, at_the_edge, top=AIR, surroundings=AIR)
    walls = 0.2 + 2 * 0.2 + 2 * 1.0  # back, sides, floor and ceiling; the opening was wall of the plate
    assert areas(opened) == {"top": 12.0 + 1.0, "surroundings": 12.0 + 14.0 - 0.2 + walls - 1.0}
    assert not any("cavity" in warning for warning in opened.warnings)


def test_cavity_between_stacks_below_a_lid_is_closed() -> None:
    """A lid on a ring encloses air: its walls are adiabatic, also with holes that only touch at edges."""
    ring = stack("ring", 4, 3, sheet("wall", 1), at=(0, 0), frame=1 * mm)
    lid = stack("lid", 4, 3, sheet("plate", 1), on=("ring",), at=(0, 0))
    assert areas(modelled(PLATE, ring, lid, surroundings=AIR)) == {"surroundings": 2 * 12.0 + 3 * 14.0}


def test_adiabatic_faces_are_not_listed() -> None:
    assert areas(modelled(PLATE, top=AIR)) == {"top": 12.0}
    assert areas(modelled(PLATE, top=AIR, bottom=Adiabatic(), surroundings=AIR)) == {
        "top": 12.0,
        "surroundings": 14.0,
    }
    assert areas(modelled(PLATE, top=AIR, bottom=Convection(0.0, 300.0))) == {"top": 12.0}


def test_later_cooler_covers_an_earlier_one() -> None:
    """A convective face, on it a region of another ambient, and on that an adiabatic region."""
    cold = FaceCooling(FixedTemperature(280.0), FaceRectangle((1 * mm, 0.0), (2 * mm, 2 * mm)))
    shut = FaceCooling(Adiabatic(), FaceRectangle((1 * mm, 1 * mm), (3 * mm, 1 * mm)))
    s = modelled(PLATE, bottom=(AIR, cold, shut)).boundary
    held = np.isinf(s.h)
    assert s.area[held].sum() == pytest.approx(2.0e-6)
    assert set(s.temperature[held]) == {280.0}
    assert s.area[~held].sum() == pytest.approx((12 - 4 - 1) * 1e-6)
    assert set(s.h[~held]) == {10.0}


@pytest.mark.parametrize(("face", "along"), [("west", 1), ("east", 1), ("south", 0), ("north", 0)])
def test_region_of_a_side_has_lateral_and_vertical_coordinates(face: str, along: int) -> None:
    """2 mm wide and 0.25 mm high, with its corner at 0.5 mm along the face and z = 0.5 mm."""
    region = FaceRectangle((0.5 * mm, 0.5 * mm), (2 * mm, 0.25 * mm))
    model = modelled(PLATE, top=AIR, **{face: FaceCooling(AIR, region)}, cell=0.4 * mm)
    assert areas(model) == {"top": 12.0, face: 0.5}
    here = model.boundary.face == FACES.index(face)
    k, j, i = np.unravel_index(model.boundary.cell[here], model.grid.shape)
    centers = (model.grid.x_center[i], model.grid.y_center[j])[along]
    assert (centers.min(), centers.max()) > (0.5 * mm, 2 * mm)
    assert centers.max() < 2.5 * mm
    heights = model.grid.z_center[k]
    assert 0.5 * mm < heights.min() <= heights.max() < 0.75 * mm


def test_resistance_refers_to_the_uncovered_area() -> None:
    """5 K/W on 8 of 12 mm2, 2 K/W on the other 4 mm2: h = 1 / (R A)."""
    piece = FaceCooling(ColdPlate(310.0, resistance=2.0), FaceRectangle((0.0, 0.0), (2 * mm, 2 * mm)))
    s = modelled(PLATE, bottom=(HeatSink(300.0, resistance=5.0), piece)).boundary
    by_h = {float(h): float(s.area[s.h == h].sum()) for h in np.unique(s.h)}
    assert by_h == pytest.approx({1 / (5.0 * 8e-6): 8e-6, 1 / (2.0 * 4e-6): 4e-6}, rel=1e-12)
    assert float((s.h * s.area).sum()) == pytest.approx(1 / 5 + 1 / 2, rel=1e-12)


def test_total_heat_rate_is_distributed_over_the_area() -> None:
    """6 W into the bottom of 12 mm2 without a region of 4 mm2 that has another flux."""
    piece = FaceCooling(FixedFlux(flux=-100.0), FaceRectangle((0.0, 0.0), (2 * mm, 2 * mm)))
    s = modelled(PLATE, top=AIR, bottom=(FixedFlux(heat=6.0), piece)).boundary
    bottom = s.face == FACES.index("bottom")
    by_flux = {float(q): float(s.area[bottom & (s.flux == q)].sum()) for q in np.unique(s.flux[bottom])}
    assert by_flux == pytest.approx({6.0 / 8e-6: 8e-6, -100.0: 4e-6}, rel=1e-12)
    assert not s.h[bottom].any()


def test_coolers_without_faces_are_rejected() -> None:
    """A region beside the body, a covered region, and a heat rate on a covered face."""
    beside = FaceCooling(AIR, FaceRectangle((5 * mm, 0.0), (1 * mm, 1 * mm)))
    covered = FaceCooling(AIR, FaceRectangle((0.0, 0.0), (1 * mm, 1 * mm)))
    for entries, place in (((AIR, beside), 1), ((covered, AIR), 0), ((FixedFlux(heat=1.0), AIR), 0)):
        error = refusal(PLATE, top=entries)
        assert [diagnostic.field for diagnostic in error.diagnostics] == [f"cooling.top[{place}]"]
        assert error.diagnostics[0].code == "E-COOLING"
        assert "lies on no face of the body, or later coolers cover it" in str(error)


# -- heat ------------------------------------------------------------------------------------


def part_powers(model: Model) -> dict[str, float]:
    return {
        part.name: float(heat)
        for part, heat in zip(model.parts, model.power_of_parts, strict=True)
        if heat != 0.0
    }


def test_powers_of_cells_planes_and_parts_agree() -> None:
    """The sums over cells, planes and parts are 7 W to 1e-12."""
    blocks = Power(blocks=(Block("a", (0.3 * mm, 0.2 * mm), (1 * mm, 1 * mm), 3.0),), total=3.0)
    heat = Power(map=PowerMap(values=np.arange(12.0).reshape(3, 4)), scale_to=4.0)
    die = stack("die", 3, 2, sheet("active", 0.1, power=blocks), sheet("bulk", 0.7, power=heat), at=(1, 1))
    model = modelled(BOARD, die, cell=(0.37 * mm, 0.41 * mm, 0.2 * mm))
    assert model.total_power == pytest.approx(7.0, rel=1e-12)
    assert model.power.sum() == pytest.approx(7.0, rel=1e-12)
    assert part_powers(model) == pytest.approx({"die.active": 3.0, "die.bulk": 4.0}, rel=1e-12)
    planes = np.stack([model.power_of_plane(k) for k in range(model.grid.shape[0])])
    assert np.array_equal(planes, model.power)


def test_power_is_even_over_the_height_of_its_layer() -> None:
    """Cells of 0.1 and 0.3 mm have one and three quarters of the power, in every column."""
    grid = Grid(np.array([0, 1, 4]) * mm, np.array([0, 3]) * mm, np.array([0, 0.6, 0.7, 1.0]) * mm)
    body = stack("board", 4, 3, sheet("low", 0.6), sheet("hot", 0.4, power=Power(total=8.0)))
    power = modelled(body, grid=grid, cell=None).power
    assert power[:, 0] == pytest.approx(np.array([[0.0, 0.0], [0.5, 1.5], [1.5, 4.5]]), abs=1e-15)


def test_power_of_a_ring_lies_in_its_frame() -> None:
    ring = stack("ring", 6, 5, sheet("seal", 0.5, COPPER, power=Power(total=2.0)), at=(1, 0.5), frame=1 * mm)
    die = stack("die", 2, 1, sheet("bulk", 0.5, power=Power(total=1.0)), at=(3, 2.5))
    model = modelled(BOARD, ring, die, cell=(0.3 * mm, 0.3 * mm, 0.2 * mm))
    assert part_powers(model) == pytest.approx({"ring.seal": 2.0, "die.bulk": 1.0}, rel=1e-12)
    number = [part.name for part in model.parts].index("ring.seal") + 1
    density = (model.power / model.grid.volume)[model.part == number]
    assert density == pytest.approx(np.full(density.size, 2.0 / ((30 - 12) * 0.5e-9)), rel=1e-9)


def test_total_is_distributed_over_the_solid_of_the_layer() -> None:
    """An opening and an embedded die get no power; a region of another material gets its share."""
    regions = (
        Region("hole", (1 * mm, 1 * mm), VOID, (0.5 * mm, 0.5 * mm)),
        Region("coin", (2 * mm, 1 * mm), COPPER, (5 * mm, 4 * mm)),
    )
    board = stack("board", 8, 6, sheet("core", 1, MOLD, power=Power(total=9.0), regions=regions))
    die = stack("die", 2, 2, sheet("bulk", 0.4), inside="board", at=(3, 2), depth=0.2 * mm)
    model = modelled(board, die, cell=0.45 * mm)
    assert set(part_powers(model)) == {"board.core", "board.core.coin"}
    assert model.total_power == pytest.approx(9.0, rel=1e-12)
    coin = 9.0 * 2 / (48 - 1 - 4)  # columns in which the layer is whole
    assert part_powers(model)["board.core.coin"] == pytest.approx(coin, rel=1e-12)


HOLE = Region("hole", (2 * mm, 2 * mm), VOID, (1 * mm, 1 * mm))


@pytest.mark.parametrize(
    ("power", "lost"),
    [
        (Power(blocks=(Block("b", (2 * mm, 0.0), (2 * mm, 2 * mm), 4.0),)), "1 W"),
        (Power(map=PowerMap(values=np.ones((3, 4)))), "4 W"),
    ],
    ids=["block", "map"],
)
def test_power_in_an_opening_is_rejected(power: Power, lost: str) -> None:
    error = refusal(stack("board", 4, 3, sheet("core", 1, power=power, regions=(HOLE,))))
    (diagnostic,) = error.diagnostics
    assert (diagnostic.code, diagnostic.field) == ("E-POWER", "stacks.board.layers[0].power")
    assert (
        diagnostic.message == f"{lost} of the power lie where the layer is open or another stack is embedded"
    )


def test_cancelling_powers_in_an_opening_are_rejected() -> None:
    """+1 W and -1 W over the opening: the sum is unchanged, but both powers would be lost."""
    blocks = tuple(
        Block(name, (x * mm, 1 * mm), (1 * mm, 2 * mm), heat)
        for name, x, heat in (("warm", 1, 1.0), ("cold", 2, -1.0), ("rest", 3, 4.0))
    )
    power = Power(blocks=blocks, allow_negative=True)
    (diagnostic,) = refusal(stack("board", 4, 3, sheet("core", 1, power=power, regions=(HOLE,)))).diagnostics
    assert diagnostic.code == "E-POWER"
    assert diagnostic.message.startswith("2 W of the power lie where the layer is open")


def test_power_in_an_embedded_stack_is_rejected() -> None:
    power = Power(blocks=(Block("b", (0.0, 0.0), (2 * mm, 2 * mm), 4.0),))
    board = stack("board", 4, 3, sheet("core", 1, power=power))
    die = stack("die", 1, 1, sheet("bulk", 0.4), inside="board", at=(1, 1))
    assert "1 W of the power lie where" in str(refusal(board, die))
    beside = modelled(board, replace(die, position=(2 * mm, 1 * mm)))
    assert part_powers(beside) == pytest.approx({"board.core": 4.0})


def test_blocks_beside_an_opening_keep_their_power() -> None:
    power = Power(blocks=(Block("b", (3 * mm, 0.0), (1 * mm, 3 * mm), 4.0),))
    model = modelled(stack("board", 4, 3, sheet("core", 1, power=power, regions=(HOLE,))))
    assert part_powers(model) == {"board.core": pytest.approx(4.0, rel=1e-12)}
    assert set(model.grid.x_center[np.nonzero(model.power.sum(axis=(0, 1)))[0]] > 3 * mm) == {True}


def test_powered_layer_without_cells_is_rejected() -> None:
    hole = Region("hole", (4 * mm, 3 * mm), VOID)
    layers = sheet("low", 1), sheet("gone", 0.5, power=Power(total=1.0), regions=(hole,))
    assert "1 W of the power lie where the layer is open" in str(refusal(stack("board", 4, 3, *layers)))


def test_windows_of_blocks() -> None:
    blocks = (
        Block("left", (0.25 * mm, 0.5 * mm), (1.5 * mm, 1 * mm), 3.0),
        Block("idle", (2 * mm, 0.5 * mm), (0.5 * mm, 1 * mm), 0.0),
        Block("right", (2.5 * mm, 0.0), (0.5 * mm, 2 * mm), 1.0),
    )
    die = stack("die", 3, 2, sheet("active", 0.1, power=Power(blocks=blocks, scale_to=8.0)), at=(1, 1))
    model = modelled(BOARD, die)
    grid = model.grid
    assert [(block.name, block.power) for block in model.blocks] == [
        ("die.active.left", pytest.approx(6.0)),
        ("die.active.idle", 0.0),
        ("die.active.right", pytest.approx(2.0)),
    ]
    edges = ((1.25, 1.5, 2.75, 2.5), (3.0, 1.5, 3.5, 2.5), (3.5, 1.0, 4.0, 3.0))
    for block, corners in zip(model.blocks, edges, strict=True):
        k, j, i = block.window
        found = grid.x[i.start], grid.y[j.start], grid.x[i.stop], grid.y[j.stop]
        assert found == pytest.approx([corner * mm for corner in corners])
        assert (grid.z[k.start], grid.z[k.stop]) == pytest.approx((1 * mm, 1.1 * mm))
        assert model.power[block.window].sum() == pytest.approx(block.power, rel=1e-12)
        assert model.parts[block.part].name == "die.active"


def test_blocks_off_the_planes_have_the_nearest_cells() -> None:
    thin = Block("thin", (2.1 * mm, 0.2 * mm), (0.1 * mm, 0.1 * mm), 1.0)
    power = Power(blocks=(Block("b", (0.6 * mm, 0.7 * mm), (1 * mm, 1 * mm), 2.0), thin))
    grid = Grid(np.array([0, 1, 2, 4]) * mm, np.array([0, 1, 3]) * mm, np.array([0, 1]) * mm)
    model = modelled(stack("board", 4, 3, sheet("core", 1, power=power)), grid=grid, cell=None)
    assert [block.name for block in model.blocks] == ["board.core.b", "board.core.thin"]
    assert [block.window[1:] for block in model.blocks] == [
        (slice(1, 2), slice(1, 2)),
        (slice(0, 1), slice(2, 3)),
    ]
    assert model.total_power == pytest.approx(3.0)


def test_of_too_many_blocks_a_warning_replaces_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thermostack.mesh.block_cells.MAX_LISTED_BLOCKS", 1)
    blocks = tuple(Block(f"b{n}", (n * mm, 0.0), (1 * mm, 1 * mm), 1.0) for n in range(2))
    model = modelled(stack("board", 4, 3, sheet("core", 1, power=Power(blocks=blocks))))
    assert model.blocks == ()
    (warning,) = model.warnings
    assert warning == (
        "stacks.board.layers[0].power.blocks: the results list no temperatures of its 2 blocks, more than 1 "
        "(use a map, or fewer blocks) [W-POWER]"
    )


# -- contacts --------------------------------------------------------------------------------


def test_contacts_at_the_bottom_and_top_of_a_layer() -> None:
    """They lie in the columns of the layer, at its bottom and top plane."""
    joint = Interface(bottom=1e-5, top=2e-5)
    die = stack("die", 3, 2, sheet("bulk", 0.5, interface=joint), sheet("cap", 0.2), at=(1, 1))
    model = modelled(BOARD, die)
    low, high = sorted(model.contacts, key=lambda contact: contact.k)
    for contact, z, resistance in ((low, 1.0, 1e-5), (high, 1.5, 2e-5)):
        assert model.grid.z[contact.k] == pytest.approx(z * mm)
        assert contact.resistance == resistance
        x, y = (
            model.grid.x[[contact.i.start, contact.i.stop]],
            model.grid.y[[contact.j.start, contact.j.stop]],
        )
        assert x == pytest.approx([1 * mm, 4 * mm])
        assert y == pytest.approx([1 * mm, 3 * mm])


def test_interface_without_solid_is_rejected() -> None:
    """The top of the uppermost layer has no neighbour, unless a cooler has a base.

    For a cooler without a base the hint states an equivalent coefficient.
    """
    board = stack("board", 4, 3, sheet("core", 1, interface=Interface(top=1e-5)))
    (diagnostic,) = refusal(board, top=ColdPlate(300.0, h=1e4)).diagnostics
    assert (diagnostic.code, diagnostic.field) == ("E-GAP", "stacks.board.layers[0].interface.top")
    words = "give the cold plate a base, or add it to the coefficient: h: 9091 W/m2/K"
    assert f"only a cooler without a base touches this face ({words})" in str(diagnostic)
    for cooler, more in (
        (HeatSink(300.0, resistance=0.1), "add it to the cooler's resistance: 10 mm2 K/W over the area"),
        (
            Convection(1e4, 300.0),
            "make it a heat_sink or cold_plate with a base, or add it to the coefficient",
        ),
        (FixedTemperature(300.0), "or a convection with h: 100 kW/m2/K"),
        (Convection([[1e4, 2e4]], 300.0), "add 10 mm2 K/W to its 1 / h"),
    ):
        assert more in str(refusal(board, top=cooler))
    based = modelled(board, top=ColdPlate(300.0, h=1e4, base=Base(COPPER, 2 * mm)))
    assert [contact.resistance for contact in based.contacts] == [1e-5]
    upside_down = stack("board", 4, 3, sheet("core", 1, interface=Interface(bottom=1e-5)))
    assert "nothing touches this face (remove the interface, or add a layer" in str(
        refusal(upside_down, top=AIR)
    )


def test_interface_of_a_ring_covers_its_frame() -> None:
    ring = stack(
        "ring", 4, 3, sheet("seal", 0.5, interface=Interface(bottom=1e-5)), at=(1, 1), frame=0.5 * mm
    )
    model = modelled(BOARD, ring, cell=0.3 * mm)
    plan = model.grid.dy[:, None] * model.grid.dx
    covered = np.zeros(plan.shape, dtype=int)
    for contact in model.contacts:
        covered[contact.j, contact.i] += 1
    assert covered.max() == 1
    assert plan[covered == 1].sum() == pytest.approx((12 - 6) * 1e-6, rel=1e-12)


# -- islands ---------------------------------------------------------------------------------


def test_piece_without_path_to_a_cooler_is_rejected() -> None:
    """The message names a die over a void layer; with cooling from above there is no error."""
    warm = sheet("bulk", 0.5, power=1.0)
    die = stack("die", 2, 1, sheet("gap", 0.1, VOID), warm, sheet("cap", 0.1), at=(1, 1))
    (diagnostic,) = refusal(PLATE, die, bottom=LOWEST).diagnostics
    assert diagnostic.code == "E-COOLING"
    assert "no path through solids leads from die.bulk, die.cap to a cooled face" in diagnostic.message
    assert modelled(PLATE, die, bottom=LOWEST, top=AIR).active > 0
    assert modelled(PLATE, die, bottom=AIR).active > 0  # air also reaches the bottom of the die


def test_pieces_with_a_common_edge_are_not_connected() -> None:
    """Two regions of a layer with a common corner, one of them cooled."""
    regions = tuple(
        Region(name, (2 * mm, 2 * mm), VOID, at) for name, at in (("a", (0.0, 2 * mm)), ("b", (2 * mm, 0.0)))
    )
    body = stack("s", 4, 4, sheet("checkers", 1, COPPER, regions=regions, power=1.0))
    west = FaceCooling(AIR, FaceRectangle((0.0, 0.0), (2 * mm, 2 * mm)))
    assert "no path through solids leads from s.checkers" in str(refusal(body, bottom=west))


def test_flux_alone_does_not_cool_an_island() -> None:
    die = stack("die", 2, 1, sheet("gap", 0.1, VOID), sheet("bulk", 0.5), at=(1, 1))
    assert "leads from die.bulk to a cooled face" in str(
        refusal(PLATE, die, bottom=LOWEST, top=FaceCooling(FixedFlux(flux=-1.0), on="highest"))
    )


def test_unpowered_island_is_removed_with_a_warning() -> None:
    """Its temperature is undetermined; the remaining body is that of the package without it."""
    die = stack("die", 2, 1, sheet("gap", 0.1, VOID), sheet("bulk", 0.5), at=(1, 1))
    alone, both = modelled(PLATE, bottom=LOWEST), modelled(PLATE, die, bottom=LOWEST)
    (warning,) = both.warnings
    assert "no path through solids leads from die.bulk" in warning
    assert "it is removed" in warning
    assert "[W-GAP]" in warning
    assert np.sum(both.grid.volume[both.part > 0]) == pytest.approx(np.sum(alone.grid.volume[alone.part > 0]))


def test_message_names_at_most_five_parts() -> None:
    layers = (sheet("gap", 0.1, VOID), *(sheet(f"l{n}", 0.1, power=1.0) for n in range(8)))
    error = refusal(PLATE, stack("die", 2, 1, *layers, at=(1, 1)), bottom=LOWEST)
    assert "leads from die.l0, die.l1, die.l2, die.l3, die.l4 and 3 more to" in str(error)


# -- warnings --------------------------------------------------------------------------------


def test_warnings_of_description_and_planes() -> None:
    hot = Convection(10.0, 700.0)
    body = stack("board", 4, 3, sheet("core", 1), sheet("top", 1))
    die = Stack(
        "die", (2 * mm + 2e-9, 1 * mm), (Layer("d", 1 * mm, SILICON),), on="board", position=(0.0, 0.0)
    )
    mate = Stack("mate", (1 * mm, 1 * mm), (Layer("d", 1 * mm, SILICON),), on="die", position=(1 * mm, 0.0))
    ambient, planes = modelled(body, die, mate, top=hot).warnings
    assert "is an unusual ambient temperature" in ambient
    assert "two planes at a distance of 2 nm at x = 2 mm are merged" in planes


def test_thin_layer_and_thick_board_in_one_grid() -> None:
    """A layer of 20 nm on 1.6 mm has its own cells and keeps its power."""
    layers = (
        Layer("board", 1.6 * mm, MOLD),
        Layer("coat", 20e-9, COPPER, power=Power(total=1.0)),
    )
    model = modelled(stack("s", 4, 3, *layers), bottom=FixedTemperature(300.0))
    assert model.grid.dz[-1] == pytest.approx(20e-9, rel=1e-6)
    assert model.boundary.h.tolist() == [inf] * model.boundary.h.size
    assert part_powers(model) == {"s.coat": pytest.approx(1.0)}
    assert model.grid.dz.min() < 1 * um


# -- the surface of a cooler -----------------------------------------------------------------


def test_cooler_of_a_part_acts_on_its_surface_only() -> None:
    """A ring clamped on the board beside the package, and a cold plate on the lower of two dies."""
    low = stack("low", 1, 1, sheet("bulk", 1), at=(0, 0))
    ring = FaceCooling(FixedTemperature(300.0), part="board")
    model = modelled(PLATE, POST, low, top=ring)
    assert areas(model) == {"top": 12.0 - 2.0 - 1.0}
    window = FaceRectangle((0.0, 2 * mm), (4 * mm, 1 * mm))
    assert areas(modelled(PLATE, low, top=replace(ring, region=window))) == {"top": 4.0}
    assert areas(modelled(PLATE, POST, low, top=FaceCooling(ColdPlate(300.0, h=1e4), part="low"))) == {
        "top": 1.0
    }
    error = refusal(PLATE, POST, top=FaceCooling(AIR, part="bord"))
    assert "cooling.top[0].part: no part or stack is named 'bord' (did you mean board" in str(error)


def test_mounted_cooler_lies_on_the_highest_plane() -> None:
    assert areas(modelled(PLATE, POST, top=ColdPlate(300.0, h=1e4))) == {"top": 2.0}
    assert areas(modelled(PLATE, POST, top=FaceCooling(ColdPlate(300.0, h=1e4), on="all"))) == {"top": 12.0}


@pytest.mark.parametrize("cooler", [FixedTemperature(300.0), FixedFlux(flux=1e4)])
@pytest.mark.parametrize(("face", "edges"), [("top", "z = 3 mm, 1 mm"), ("west", "x = 0 um, ")])
def test_fixed_cooler_on_several_planes_says_on_which(cooler: Any, face: str, edges: str) -> None:
    error = refusal(PLATE, POST, bottom=AIR, **{face: cooler})
    assert f"cooling.{face}[0]: the {face} face has 2 planes, at {edges}" in str(error)
    assert "`on: highest`" in str(error)
    both = areas(modelled(PLATE, POST, bottom=AIR, **{face: FaceCooling(cooler, on="all")}))
    one = areas(modelled(PLATE, POST, bottom=AIR, **{face: FaceCooling(cooler, on="highest")}))
    assert (one[face], both[face]) == {"top": (2.0, 12.0), "west": (3.0, 5.0)}[face]


@pytest.mark.parametrize(("face", "on"), [("surroundings", "all"), ("top", "lowest"), ("east", "lowest")])
def test_plane_without_meaning_is_rejected(face: str, on: Any) -> None:
    error = refusal(PLATE, bottom=AIR, **{face: FaceCooling(AIR, on=on)})
    assert f"cooling.{face}[0].on: `on: {on}` has no meaning for {face}" in str(error)
    assert areas(modelled(PLATE, POST, bottom=FaceCooling(AIR, on="lowest"))) == {"bottom": 12.0}


def test_base_of_a_cooler_is_no_plane_of_the_bottom() -> None:
    base = ColdPlate(300.0, h=1e4, base=Base(COPPER, 2 * mm, (8 * mm, 8 * mm)))
    assert areas(modelled(PLATE, top=base, bottom=FixedTemperature(300.0)))["bottom"] == 12.0


def test_hidden_cooler_is_a_warning() -> None:
    (warning,) = modelled(PLATE, top=(AIR, ColdPlate(300.0, h=1e4))).warnings
    assert "cooling.top[0]: covers no surface: later coolers of the face replace it" in warning
    assert warning.endswith("[W-COOLING]")
    assert not modelled(PLATE, top=(AIR, FaceCooling(ColdPlate(300.0, h=1e4), WINDOW))).warnings


def test_uniform_cooling_of_several_materials_is_a_warning() -> None:
    """A heat sink without base over a die and the mold around it; not with a base, or on the die alone."""
    die = stack("die", 2, 1, sheet("bulk", 1), at=(1, 1))
    filled = replace(PLATE, filler=MOLD)
    (warning,) = modelled(filled, die, top=ColdPlate(300.0, h=1e4)).warnings
    assert "its heat-transfer coefficient is the same on all its materials: mold (83%), si" in warning
    base = ColdPlate(300.0, h=1e4, base=Base(COPPER, 2 * mm))
    assert not modelled(filled, die, top=base).warnings
    assert not modelled(filled, die, top=FaceCooling(ColdPlate(300.0, h=1e4), part="die")).warnings


def test_coverage_lists_area_and_parts() -> None:
    model = modelled(PLATE, POST, top=AIR, bottom=(AIR, FaceCooling(FixedTemperature(300.0), WINDOW)))
    found = {cooler.name: cooler for cooler in model.coolers}
    assert set(found) == {"top convection", "bottom[0] convection", "bottom[1] fixed temperature"}
    assert list(found["top convection"].parts) == ["board.core", "post.post"]
    assert found["top convection"].area == pytest.approx(12e-6)
    assert found["bottom[1] fixed temperature"].area == pytest.approx(1e-6)
