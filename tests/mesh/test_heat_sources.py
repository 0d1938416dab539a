"""Heat sources: their fractions in the cells, and their lookup by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from support.random_packages import packages

from thermostack import (
    Block,
    Convection,
    Cooling,
    DescriptionError,
    Grid,
    Layer,
    Material,
    Model,
    Package,
    Power,
    PowerMap,
    Stack,
    discretize,
    read_package,
)
from thermostack.finite_volume.part_temperatures import PartsAndBlocks
from thermostack.mesh.heat_sources import HeatSources
from thermostack.mesh.source_names import listed
from thermostack.package.power import blocks_of
from thermostack.units import mm

SILICON = Material("si", 148.0)
AIR = Convection(10.0, 300.0)
BLOCKS = (
    Block("a", (0.0, 0.0), (1.3 * mm, 2 * mm), 2.0),
    Block("b", (1.3 * mm, 0.0), (2.7 * mm, 0.77 * mm), 3.0),
    Block("idle", (2 * mm, 1 * mm), (1 * mm, 1 * mm)),
)


def powered(*powers: Power | None, cell: float = 0.5 * mm, grid: Grid | None = None, **more: Any) -> Model:
    """Return a model of a chip of 4 mm x 3 mm on a board; its layers l0, l1, ... have the powers."""
    board = Stack("board", (8 * mm, 8 * mm), (Layer("core", 1 * mm, SILICON),))
    layers = tuple(Layer(f"l{n}", 0.1 * mm, SILICON, power=power) for n, power in enumerate(powers))
    chip = Stack("chip", (4 * mm, 3 * mm), layers, on="board", position=(1 * mm, 2 * mm), **more)
    package = Package("case", (board, chip), Cooling(surroundings=AIR))
    return discretize(package, cell=cell, grid=grid)


def cell_powers(model: Model, powers: np.ndarray | None = None) -> np.ndarray:
    """Return the power of every cell [W] for powers of the sources [W], by default those described."""
    sources = model.heat_sources
    power = np.zeros(model.grid.cells)
    power[sources.cell] = sources.cell_powers(sources.described_power if powers is None else powers)
    return power.reshape(model.grid.shape)


def sums_of(sources: HeatSources) -> list[float]:
    """Return the power [W] of all cells for 1 W in each source alone."""
    return [float(sources.cell_powers(one).sum()) for one in np.eye(sources.count)]


MANY = {
    "even": (Power(5.0),),
    "blocks": (Power(blocks=BLOCKS),),
    "scaled": (Power(blocks=BLOCKS, scale_to=70.0),),
    "map": (Power(map=np.arange(12.0).reshape(3, 4)),),
    "map and blocks": (Power(blocks=BLOCKS, map=PowerMap(np.ones((5, 7)), "W/m2", (0, 0), (mm, 3 * mm))),),
    "map scaled": (Power(map=np.array([[1.0, 2.0]]), blocks=BLOCKS[:1], scale_to=9.0),),
    "several": (Power(1.0), None, Power(blocks=BLOCKS), Power(0.0)),
    "cold": (Power(blocks=(Block("peltier", (0.0, 0.0), (1 * mm, 1 * mm), -3.0),), allow_negative=True),),
    "balanced": (Power(map=np.array([[1.0, -1.0]]), allow_negative=True),),
    "none": (None,),
}  # fmt: skip


@pytest.mark.parametrize("powers", MANY.values(), ids=MANY)
@pytest.mark.parametrize("turn", [{}, {"rotate": 90}, {"flip": True}], ids=["straight", "turned", "flipped"])
def test_described_power_equals_the_power_of_the_model(
    powers: tuple[Power | None, ...], turn: dict[str, Any]
) -> None:
    model = powered(*powers, **turn)
    sources = model.heat_sources
    size = np.abs(model.power).sum()
    np.testing.assert_allclose(cell_powers(model), model.power, rtol=1e-12, atol=1e-13 * size)
    assert np.all(np.diff(sources.cell) > 0)


@pytest.mark.parametrize("powers", [MANY[key] for key in MANY if key != "balanced"], ids=lambda _: "")
def test_fractions_of_a_source_add_to_one(powers: tuple[Power | None, ...]) -> None:
    sources = powered(*powers).heat_sources
    np.testing.assert_allclose(sums_of(sources), 1.0, rtol=0.0, atol=1e-12)


@given(packages())
def test_power_of_random_packages_equals_the_description(package: Package) -> None:
    model = discretize(package, cell=0.5 * mm)
    sources = model.heat_sources
    np.testing.assert_allclose(cell_powers(model), model.power, rtol=1e-12, atol=1e-13 * model.power.sum())
    np.testing.assert_allclose(sums_of(sources), 1.0, rtol=0.0, atol=1e-12)
    members = sources.part_fractions @ sources.described_power
    parts = len(model.parts)
    np.testing.assert_allclose(members[:parts], model.power_of_parts, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(members[parts:], [block.power for block in model.blocks], rtol=1e-12)
    assert members.size == PartsAndBlocks(model).count


@pytest.mark.parametrize("name", ["cowos_s_h100", "hbm3_8h", "v_cache"])
def test_power_of_shipped_packages_equals_the_description(name: str) -> None:
    model = discretize(read_package(name), cell=2 * mm)
    sources = model.heat_sources
    np.testing.assert_allclose(cell_powers(model), model.power, rtol=1e-12, atol=1e-15)
    assert sources.described_power.sum() == pytest.approx(model.total_power, rel=1e-12)


def test_sources_need_no_planes_at_block_edges() -> None:
    planes = np.linspace(0.0, 8.0, 6) * mm
    grid = Grid(np.union1d(planes, [1 * mm, 5 * mm]), np.union1d(planes, [2 * mm, 5 * mm]),
                np.array([0.0, 0.5, 1.0, 1.05, 1.1]) * mm)  # fmt: skip
    model = powered(Power(blocks=BLOCKS), grid=grid)
    sources = model.heat_sources
    np.testing.assert_allclose(cell_powers(model), model.power, rtol=1e-12, atol=1e-15)
    assert sources.names == ("chip.l0.a", "chip.l0.b", "chip.l0.idle")
    one = cell_powers(model, np.array([0.0, 0.0, 4.0]))
    k, j, i = np.nonzero(one)
    assert one.sum() == pytest.approx(4.0, rel=1e-12)
    assert grid.x[i.min()] <= 3 * mm
    assert grid.x[i.max() + 1] >= 4 * mm
    assert grid.y[j.min()] <= 3 * mm
    assert grid.y[j.max() + 1] >= 4 * mm
    assert set(k.tolist()) == {2, 3}


def test_even_power_lies_in_the_solid_of_a_frame() -> None:
    model = powered(Power(5.0), Power(0.0), frame=0.7 * mm)
    np.testing.assert_allclose(cell_powers(model), model.power, rtol=1e-12, atol=1e-15)
    found = cell_powers(model, np.array([0.0, 5.0]))
    assert found.sum() == pytest.approx(5.0, rel=1e-12)
    assert np.all(model.part[found > 0.0] == 1 + [part.name for part in model.parts].index("chip.l1"))


def test_block_off_its_layer_cannot_be_powered() -> None:
    hole = Block("hole", (1.5 * mm, 1.2 * mm), (0.5 * mm, 0.5 * mm))
    rim = Block("rim", (0.0, 0.0), (4 * mm, 0.5 * mm), 1.0)
    model = powered(Power(blocks=(hole, rim)), frame=0.7 * mm)
    sources = model.heat_sources
    assert [block.name for block in model.blocks] == ["chip.l0.rim"]
    (warning,) = (each for each in model.warnings if "another stack" in each)
    assert warning == (
        "stacks.chip.layers[0].power.blocks.hole: hole is at least partly where the layer is open or another "
        "stack is embedded (move it onto the layer; without a cell of the layer a block has no temperature) "
        "[W-POWER]"
    )
    assert sources.fraction_sums.tolist() == pytest.approx([0.0, 1.0])
    with pytest.raises(DescriptionError) as caught:
        sources.find("hole")
    assert str(caught.value) == (
        "hole: the layer of chip.l0.hole is open there, or another stack is embedded "
        "(move the block onto the layer) "
        "[E-POWER]"
    )
    assert sources.find("chip").tolist() == [1]


def test_layers_with_the_same_cells_are_rejected() -> None:
    inner = Stack("chip.l0", (1 * mm, 1 * mm), (Layer("die", 0.05 * mm, SILICON, power=Power(1.0)),),
                  inside="chip", position=(1 * mm, 1 * mm))  # fmt: skip
    board = Stack("board", (8 * mm, 8 * mm), (Layer("core", 1 * mm, SILICON),))
    chip = Stack("chip", (4 * mm, 3 * mm), (Layer("l0", 0.1 * mm, SILICON, power=Power(1.0)),),
                 on="board", position=(1 * mm, 2 * mm))  # fmt: skip
    model = discretize(Package("case", (board, chip, inner), Cooling(surroundings=AIR)), cell=0.5 * mm)
    with pytest.raises(DescriptionError, match=r"stacks: two layers have the same cells.*\[E-NAME\]"):
        _ = model.heat_sources


# -- names -----------------------------------------------------------------------------------


def test_find_by_name() -> None:
    sources = powered(*MANY["several"], Power(blocks=BLOCKS[:1], map=np.ones((1, 1)))).heat_sources
    assert sources.names == (
        "chip.l0", "chip.l2.a", "chip.l2.b", "chip.l2.idle", "chip.l3", "chip.l4.a", "chip.l4.map",
    )  # fmt: skip
    found = {
        "chip": [0, 1, 2, 3, 4, 5, 6],
        "chip.l2": [1, 2, 3],
        "chip.l2.b": [2],
        "b": [2],
        "idle": [3],
        "chip.l3": [4],
        "map": [6],
    }
    assert {name: sources.find(name).tolist() for name in found} == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("chpi", "chpi: 'chpi' has no heat source (did you mean chip?) [E-NAME]"),
        ("a", "a: 'a' may be chip.l2.a or chip.l4.a (write its whole name) [E-NAME]"),
        (
            "chip.l1",
            ("chip.l1: 'chip.l1' has no heat source (give the layer a power, which may be 0 W) [E-NAME]"),
        ),
        (
            "board",
            ("board: 'board' has no heat source (give the layer a power, which may be 0 W) [E-NAME]"),
        ),
        (
            "x",
            (
                "x: 'x' has no heat source (there are chip, chip.l0, chip.l2, chip.l2.a, chip.l2.b "
                "and 5 more) [E-NAME]"
            ),
        ),
    ],
)
def test_diagnostic_of_an_unknown_name(name: str, message: str) -> None:
    sources = powered(*MANY["several"], Power(blocks=BLOCKS[:1], map=np.ones((1, 1)))).heat_sources
    with pytest.raises(DescriptionError) as caught:
        sources.find(name)
    assert str(caught.value) == message


def test_block_name_with_dots() -> None:
    sources = powered(Power(blocks=(Block("u0.alu", (0.0, 0.0), (1 * mm, 1 * mm), 1.0),))).heat_sources
    assert sources.find("u0.alu").tolist() == sources.find("chip.l0.u0.alu").tolist() == [0]
    with pytest.raises(DescriptionError):
        sources.find("chip.l0.u0")


def test_power_fractions_are_proportional_to_the_described_powers() -> None:
    sources = powered(Power(blocks=BLOCKS), Power(5.0)).heat_sources
    assert sources.power_fractions("chip", sources.find("chip")).tolist() == [0.2, 0.3, 0.0, 0.5]


def test_power_fractions_are_proportional_to_area_without_described_power() -> None:
    blocks = (Block("a", (0.0, 0.0), (1 * mm, 1 * mm)), Block("b", (2 * mm, 0.0), (1 * mm, 3 * mm), 0.0))
    sources = powered(Power(blocks=blocks), Power(0.0)).heat_sources
    assert sources.power_fractions("chip.l0", sources.find("chip.l0")).tolist() == pytest.approx([0.25, 0.75])
    assert sources.power_fractions("chip", sources.find("chip")).tolist() == pytest.approx(
        [1 / 16, 3 / 16, 12 / 16]
    )


@pytest.mark.parametrize("power", [
    Power(blocks=(*BLOCKS, Block("cold", (0.0, 2.5 * mm), (1 * mm, 0.1 * mm), -1.0)), allow_negative=True),
    Power(map=np.array([[1.0, -1.0]]), allow_negative=True),
])  # fmt: skip
def test_mixed_signs_have_no_power_fractions(power: Power) -> None:
    sources = powered(power).heat_sources
    with pytest.raises(DescriptionError) as caught:
        sources.power_fractions("chip", sources.find("chip"))
    assert str(caught.value) == (
        "chip: chip has positive and negative powers: a power in watts for all of it is ambiguous "
        "(give shares in %, "
        "or name its blocks) [E-POWER]"
    )


def test_negative_powers_alone_have_power_fractions() -> None:
    blocks = tuple(Block(f"b{n}", (n * mm, 0.0), (1 * mm, 1 * mm), -1.0 - n) for n in range(2))
    sources = powered(Power(blocks=blocks, allow_negative=True)).heat_sources
    assert sources.power_fractions("chip", sources.find("chip")).tolist() == pytest.approx([1 / 3, 2 / 3])


def test_ten_thousand_blocks() -> None:
    width, height = 4 * mm / 100, 3 * mm / 100
    j, i = np.divmod(np.arange(10_000), 100)
    sizes = np.full(i.size, width), np.full(i.size, height)
    table = np.column_stack([i * width, j * height, *sizes])
    blocks = blocks_of([f"b{n}" for n in range(i.size)], table, (0.01 * (i % 5)).tolist())
    x, y = (np.sort([0.0, 8.0, *chip, *np.linspace(*chip, 78)[1:-1]]) * mm for chip in ((1, 5), (2, 5)))
    model = powered(Power(blocks=blocks), grid=Grid(x, y, np.array([0.0, 1.0, 1.04, 1.1]) * mm))
    sources = model.heat_sources
    assert sources.count == 10_000
    np.testing.assert_allclose(sources.fraction_sums, 1.0, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(cell_powers(model), model.power, rtol=1e-12, atol=1e-15)
    (plane,) = sources.planes
    assert plane.fractions.nnz < 5 * sources.count  # a block has the cells it lies in, not all


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abc"), "a, b and c"),
     (list("abcdefg"), "a, b, c, d, e and 2 more")],
)  # fmt: skip
def test_listed_names(names: list[str], text: str) -> None:
    assert listed(names) == text


# -- equal layers -----------------------------------------------------------------------------


def test_equal_layers_share_a_plane_and_others_have_their_own() -> None:
    model = powered(Power(total=2.0), Power(total=2.0), Power(total=3.0), None, Power(blocks=BLOCKS))
    first, second, third, blocks = model.layer_sources
    assert first.plane is second.plane
    assert [source.plane.sum() for source in (first, third, blocks)] == pytest.approx([2.0, 3.0, 5.0])
    assert third.plane == pytest.approx(1.5 * first.plane)
    sources = model.heat_sources
    assert sources.planes[0].fractions is sources.planes[2].fractions
    assert cell_powers(model) == pytest.approx(model.power)


def test_a_total_in_a_layer_with_an_embedded_stack_differs_from_that_of_an_equal_layer() -> None:
    plate = (4 * mm, 4 * mm)
    layers = tuple(Layer(name, 0.2 * mm, SILICON, power=Power(total=2.0)) for name in ("low", "high"))
    inner = Stack(
        "inner", (2 * mm, 2 * mm), (Layer("core", 0.2 * mm, SILICON),), inside="die", position=(0.0, 0.0)
    )
    model = discretize(Package("p", (Stack("die", plate, layers), inner), Cooling(top=AIR)), cell=1 * mm)
    low, high = (source.plane for source in model.layer_sources)
    assert low == pytest.approx(np.full((4, 4), 2.0 / 16))
    assert high[:2, :2] == pytest.approx(np.zeros((2, 2)))
    assert high.sum() == pytest.approx(2.0)
    assert cell_powers(model) == pytest.approx(model.power)
