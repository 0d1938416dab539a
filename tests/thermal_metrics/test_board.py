"""The test boards: sizes by package, layers, copper of the traces, and errors with their remedy."""

from __future__ import annotations

import math

import pytest

from thermostack import ArgumentError, JedecBoard, UnknownNameError
from thermostack.thermal_metrics.board import RING_EDGES, STANDARDS, ring_coverages, trace_material
from thermostack.units import mm


@pytest.mark.parametrize(
    ("standard", "side", "size"),
    [
        ("jesd51-9/2s2p", 40.0, (101.5, 114.5)),
        ("jesd51-9/2s2p", 40.1, (127.0, 139.5)),
        ("jesd51-9/1s", 90.0, (152.5, 165.0)),
        ("jesd51-7", 5.0, (76.2, 114.3)),
        ("jesd51-3", 28.0, (101.6, 114.3)),
    ],
)
def test_size_follows_from_the_package(standard: str, side: float, size: tuple[float, float]) -> None:
    outline = JedecBoard(standard).outline(side * mm, 3 * mm)
    assert outline.size == pytest.approx([each * mm for each in size])


def test_package_is_centred_in_the_square_away_from_the_connector() -> None:
    assert JedecBoard("jesd51-9/2s2p").outline(35 * mm, 35 * mm).center == pytest.approx((50.75e-3, 63.75e-3))


@pytest.mark.parametrize("standard", STANDARDS)
def test_boards_are_1_6_mm_thick(standard: str) -> None:
    _, layers = JedecBoard(standard).layers(10 * mm, 12 * mm)
    assert math.isclose(sum(layer.thickness for layer in layers), 1.6 * mm)
    assert len(layers) == (7 if STANDARDS[standard].has_planes else 2)


def test_traces_have_the_same_cross_section_at_every_distance() -> None:
    width, depth, coverage = 12 * mm, 20 * mm, 0.4
    for n, fraction in enumerate(ring_coverages(width, depth, coverage)):
        low, high = RING_EDGES[n : n + 2]
        ring = (width + 2 * high) * (depth + 2 * high) - (width + 2 * low) * (depth + 2 * low)
        copper = coverage * 2.0 * (width + depth) * (high - low)  # number times width times length of traces
        assert math.isclose(fraction * ring, copper)


def test_traces_conduct_along_and_across_by_both_rules() -> None:
    x, y, z = trace_material("traces", 0.25).room_conductivity
    along, across = 0.25 * 390.0 + 0.75 * 0.8, 1.0 / (0.25 / 390.0 + 0.75 / 0.8)
    assert x == y == pytest.approx(0.5 * (along + across))
    assert z == pytest.approx(0.25 * 390.0 + 0.75 * 0.3)


def test_equivalent_slab_of_the_planes() -> None:
    """Full planes of 2 x 35 um in 1.6 mm are 17.1 W/(m K) in the plane, of copper with 390 W/(m K)."""
    _, layers = JedecBoard("jesd51-7").layers(10 * mm, 10 * mm)
    planes = [layer for layer in layers if layer.name.endswith("plane")]
    assert [region.material for layer in planes for region in layer.regions] == ["copper_foil"] * 2
    assert 390.0 * sum(layer.thickness for layer in planes) / (1.6 * mm) == pytest.approx(17.06, abs=0.01)


def test_copper_around_the_package_has_its_area() -> None:
    board = JedecBoard("jesd51-9/1s", copper_area="300 mm2")
    _, layers = board.layers(12 * mm, 9 * mm)
    (copper,) = [region for region in layers[-1].regions if region.name == "copper"]
    assert copper.size[0] * copper.size[1] - 108e-6 == pytest.approx(300e-6)


def test_vias_conduct_through_the_dielectric_under_the_pad() -> None:
    pad = (30 * mm, 40 * mm, 33 * mm, 44 * mm)
    _, layers = JedecBoard("jesd51-5").layers(5 * mm, 5 * mm, pad)
    (vias,) = next(layer for layer in layers if layer.name == "upper_dielectric").regions
    copper = 2 * 3 * math.pi / 4 * (0.3**2 - 0.25**2) / 12.0
    assert vias.material.room_conductivity[2] == pytest.approx(350.0 * copper + 0.3 * (1.0 - copper))


def test_unknown_board_names_similar_ones() -> None:
    with pytest.raises(UnknownNameError, match="jesd51-9/2s2p"):
        JedecBoard("jesd51-9/2s2q")


@pytest.mark.parametrize(
    ("board", "side", "text"),
    [
        (JedecBoard("jesd51-9/2s2p"), 95.0, "up to 90 mm.*--board-size"),
        (JedecBoard("jesd51-9/2s2p", ("60 mm", "80 mm")), 20.0, "too small.*at least 70 mm"),
        (JedecBoard("jesd51-3", copper_area="9000 mm2"), 20.0, "copper do not fit.*smaller area"),
    ],
)
def test_board_that_does_not_suit_the_package(board: JedecBoard, side: float, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        board.layers(side * mm, side * mm)


@pytest.mark.parametrize(
    "arguments", [{"trace_coverage": 1.1}, {"trace_coverage": -0.1}, {"size": "80 mm"}, {"copper_area": -1.0}]
)
def test_wrong_arguments(arguments: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        JedecBoard("jesd51-7", **arguments)  # type: ignore[arg-type]
