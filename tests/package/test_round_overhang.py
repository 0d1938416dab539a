"""Stacks, regions, blocks and ends of links that extend beyond the circle of a round stack."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    DescriptionError,
    Layer,
    LinkEnd,
    Package,
    Power,
    PowerMap,
    Region,
    Stack,
    ThermalLink,
    discretize,
)
from thermostack.materials.material import Material
from thermostack.mesh.model import Model
from thermostack.units import mm

METAL = Material("metal", 100.0)
SILICON = Layer("si", 0.5 * mm, METAL, power=1.0)


def model(*stacks: Stack, host: Any = None, **more: Any) -> Model:
    """Return the cells of stacks on a disc of 10 mm, or on another host."""
    disc = Stack("host", (10 * mm, 10 * mm), (Layer("m", 1 * mm, METAL),), diameter=10 * mm)
    return discretize(Package("p", (host or disc, *stacks), Cooling(bottom=Convection(1e3, 300.0)), **more))


def die(width: float, depth: float, x: float, y: float, **more: Any) -> Stack:
    """Return a die of a size with its centre at a point of the host, in mm."""
    more = {"on": "host", **more}
    return Stack("die", (width * mm, depth * mm), (SILICON,), center=(x * mm, y * mm), **more)


@pytest.mark.parametrize(
    ("stack", "by"),
    [
        (die(8, 8, 5, 5), "656.9 um at all corners"),
        (die(10, 10, 5, 5), "2.071 mm at all corners"),
        (die(4, 4, 7, 7), "656.9 um at the north-east corner"),
        (die(6, 3, 6, 8), "1.021 mm at the north-east corner"),
        (die(6, 2, 5, 9), "831 um at the north-west and north-east corners"),
        (die(4, 4, 7.6, 7.6, diameter=4 * mm), "677 um to the north-east"),
        (die(4, 4, 2.4, 2.4, diameter=4 * mm), "677 um to the south-west"),
        (die(8, 8, 5, 5, on=(), inside="host"), "656.9 um at all corners"),
        (die(8, 8, 7, 5), "1 mm to the east"),
    ],
)
def test_stack_beyond_its_round_support_is_an_error(stack: Stack, by: str) -> None:
    with pytest.raises(DescriptionError, match=f"die extends beyond host by {by} ") as caught:
        model(stack)
    (found,) = caught.value.diagnostics
    assert found.code == "E-OUTSIDE"
    assert ("overhang" in found.hint) == (stack.inside is None)


@pytest.mark.parametrize(
    "stack",
    [
        die(7, 7, 5, 5),
        die(6, 8, 5, 5),
        die(4, 4, 5, 8, diameter=4 * mm),
        die(10, 10, 5, 5, diameter=10 * mm),
        die(8, 8, 5, 5, overhang=True),
        die(12, 12, 5, 5),
        die(12, 2, 5, 5),
        die(7, 7, 5, 5, on=(), inside="host"),
    ],
)
def test_stack_in_its_round_support_or_with_intended_overhang_is_accepted(stack: Stack) -> None:
    assert model(stack).total_power == pytest.approx(1.0)


def test_round_stack_on_a_rectangle_is_within_its_sides() -> None:
    host = Stack("host", (10 * mm, 10 * mm), (Layer("m", 1 * mm, METAL),))
    assert model(die(10, 10, 5, 5, diameter=10 * mm), host=host).total_power == pytest.approx(1.0)
    with pytest.raises(DescriptionError, match="1 mm to the east"):
        model(die(8, 8, 7, 5, diameter=8 * mm), host=host)


def disc(layer: Layer) -> Stack:
    return Stack("disc", (10 * mm, 10 * mm), (layer,), diameter=10 * mm)


@pytest.mark.parametrize(
    ("region", "by"),
    [
        (Region("r", (8 * mm, 8 * mm), METAL, (1 * mm, 1 * mm)), "656.9 um at all corners"),
        (
            Region("r", (4 * mm, 4 * mm), METAL, (5.6 * mm, 5.6 * mm), diameter=4 * mm),
            "677 um to the north-east",
        ),
        (Region("r", (8 * mm, 8 * mm), METAL, (-1 * mm, 1 * mm)), "1 mm to the west"),
    ],
)
def test_region_beyond_a_round_layer_is_an_error(region: Region, by: str) -> None:
    with pytest.raises(DescriptionError, match=f"'r' extends beyond its layer by {by} ") as caught:
        model(host=disc(Layer("m", 1 * mm, METAL, power=1.0, regions=(region,))))
    assert [found.code for found in caught.value.diagnostics] == ["E-OUTSIDE"]


def test_region_in_a_round_layer_is_accepted() -> None:
    coin = Region("r", (4 * mm, 4 * mm), METAL, (3 * mm, 5.9 * mm), diameter=4 * mm)
    assert model(host=disc(Layer("m", 1 * mm, METAL, power=1.0, regions=(coin,)))).parts[1].name == "disc.m.r"


def block(side: float) -> Block:
    return Block("b", (5 * mm - side / 2, 5 * mm - side / 2), (side, side), power=3.0)


@pytest.mark.parametrize("side", [7.1 * mm, 8 * mm, 10 * mm])
def test_block_beyond_a_round_layer_is_an_error(side: float) -> None:
    layer = Layer("si", 0.5 * mm, METAL, power=Power(blocks=(block(side),)))
    text = "block 'b' extends beyond its layer of diameter 10 mm by .* at all corners"
    with pytest.raises(DescriptionError, match=text) as caught:
        model(host=disc(layer))
    assert [found.code for found in caught.value.diagnostics] == ["E-OUTSIDE"]


@pytest.mark.parametrize("side", [5 * mm, 7 * mm, 10 * mm / 2**0.5])
def test_block_in_the_circle_keeps_its_power_on_the_staircase(side: float) -> None:
    """The corners of a square in the circle lie up to 0.1 mm beyond the staircase of the disc."""
    power = Power(blocks=(block(side), Block("idle", (4.9 * mm, 9 * mm), (0.2 * mm, 0.2 * mm), power=0.0)))
    found = model(host=disc(Layer("si", 0.5 * mm, METAL, power=power)))
    assert found.total_power == pytest.approx(3.0, rel=1e-12)
    assert not found.power[found.part == 0].any()
    assert not found.warnings
    sources = found.heat_sources
    by_name = np.zeros(found.grid.cells)
    by_name[sources.cell] = sources.cell_powers(sources.described_power)
    np.testing.assert_allclose(by_name.reshape(found.grid.shape), found.power, atol=1e-12)


def test_map_over_a_disc_has_power_in_the_disc_alone() -> None:
    """Pixels outside the disc are permitted without power; with power they are an error."""
    values = np.zeros((10, 10))
    values[4:6, 4:6] = 1.0
    inside = Layer("si", 0.5 * mm, METAL, power=Power(map=PowerMap(values, "W")))
    assert model(host=disc(inside)).total_power == pytest.approx(4.0)
    values[0, 0] = 1.0
    outside = Layer("si", 0.5 * mm, METAL, power=Power(map=PowerMap(values, "W")))
    with pytest.raises(DescriptionError, match="1 W of the power lie where the layer is open"):
        model(host=disc(outside))


def test_end_of_a_link_beyond_a_round_stack_is_an_error() -> None:
    pad = LinkEnd("host", (0.0, 0.0), (1 * mm, 1 * mm))
    link = ThermalLink("wire", pad, "die", conductance=1e-3)
    text = r"extends beyond host by 2.071 mm at all corners .* diameter"
    with pytest.raises(DescriptionError, match=text) as caught:
        model(die(4, 4, 5, 5), links=(link,))
    assert [found.code for found in caught.value.diagnostics] == ["E-OUTSIDE"]
