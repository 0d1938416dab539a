"""Layered blocks that look like packages, with the exact mean and peak of every part.

The dimensions and conductivities are assumed: of the size that packages have (JEDEC dimensions, IEDM papers),
chosen to cover what makes an error estimate hard: thin layers, strong contrasts, small and abutting sources.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import NamedTuple

from .layered_block import Layer, LayeredBlock, Source

MM, UM = 1e-3, 1e-6
SILICON, COPPER, TIM, UNDERFILL = (148.0,) * 3, (390.0,) * 3, (4.0,) * 3, (0.8, 0.8, 1.5)
LAMINATE, INTERPOSER, BEOL = (20.0, 20.0, 0.4), (120.0, 120.0, 110.0), (2.0, 2.0, 1.2)
AMBIENT = 300.0  # K


class PartValues(NamedTuple):
    """The exact mean and peak of a part."""

    mean: float  # K
    peak: float  # K
    at: tuple[float, float, float]  # m, where the peak is, z from the bottom of the block


@lru_cache(maxsize=64)
def reference_values(case: LayeredBlock) -> dict[str, PartValues]:
    """Return the mean and the peak of every layer and every source of a case, by name.

    Accuracy: 1e-6 of the highest rise (see `layered_block`; held by test_exact_references).
    """
    values = {}
    for name, region in case.regions.items():
        peak = case.peak(region)
        values[name] = PartValues(case.mean(region), peak.temperature, peak.at)
    return values


def largest_rise(case: LayeredBlock) -> float:
    """Return the highest temperature of a case above the lower ambient in use [K]."""
    cooled = [t for h, t in ((case.h_bottom, case.t_bottom), (case.h_top, case.t_top)) if h > 0.0]
    return max(part.peak for part in reference_values(case).values()) - min(cooled)


def _block(
    name: str,
    size: tuple[float, float],
    layers: list[Layer],
    sources: list[Source],
    bottom: tuple[float, float],
    top: tuple[float, float],
) -> LayeredBlock:
    return LayeredBlock(size, tuple(layers), tuple(sources), *bottom, *top, name=name)


def mirrored(case: LayeredBlock) -> LayeredBlock:
    """Return the case seen in a mirror across x: the same values at a - x."""
    flipped = tuple(s._replace(x0=case.size[0] - s.x0 - s.width) for s in case.sources)
    return LayeredBlock(
        case.size, case.layers, flipped, case.h_bottom, case.t_bottom, case.h_top, case.t_top,
        name=f"{case.name}_mirrored",
    )  # fmt: skip


ADIABATIC = (0.0, AMBIENT)


@lru_cache(maxsize=1)
def block_cases() -> tuple[LayeredBlock, ...]:
    """Return the cases, each with its own name."""
    return (*_single_dies(), *_stacks(), *_packages())


def _single_dies() -> tuple[LayeredBlock, ...]:
    """One die: hot spots of several sizes, in the middle, at an edge and at a corner."""
    die = [Layer("bulk", 495 * UM, SILICON), Layer("active", 5 * UM, SILICON)]
    upside = [
        Layer("beol", 5 * UM, BEOL),
        Layer("active", 1 * UM, SILICON),
        Layer("bulk", 720 * UM, SILICON),
        Layer("tim", 30 * UM, TIM),
    ]
    return (
        _block(
            "hot_spot", (10 * MM, 10 * MM), die,
            [Source("spot", 1, 4.5 * MM, 4.5 * MM, 1 * MM, 1 * MM, 5.0)],
            (1e4, AMBIENT), ADIABATIC,
        ),
        _block(
            "tiny_hot_spot", (10 * MM, 10 * MM), die,
            [
                Source("spot", 1, 3.1 * MM, 5.6 * MM, 0.2 * MM, 0.2 * MM, 1.0),
                Source("rest", 1, 5 * MM, 1 * MM, 4 * MM, 3 * MM, 20.0),
            ],
            (2e4, AMBIENT), ADIABATIC,
        ),
        _block(
            "edge_and_corner", (12 * MM, 8 * MM), die,
            [
                Source("corner", 1, 0.0, 0.0, 1.5 * MM, 1.2 * MM, 12.0),
                Source("edge", 1, 10.8 * MM, 3 * MM, 1.2 * MM, 2 * MM, 10.0),
            ],
            (1.5e4, AMBIENT), ADIABATIC,
        ),
        _block(
            "thin_active", (14 * MM, 11 * MM), upside,
            [
                Source("core_0", 1, 1 * MM, 1 * MM, 3 * MM, 4 * MM, 30.0),
                Source("core_1", 1, 6 * MM, 1.5 * MM, 2 * MM, 2 * MM, 18.0),
                Source("cache", 1, 4.5 * MM, 6.5 * MM, 8 * MM, 3.5 * MM, 8.0),
            ],
            (20.0, AMBIENT), (2.5e4, AMBIENT),
        ),
        _block(
            "abutting_blocks", (12 * MM, 12 * MM), upside,
            [
                Source("hot", 1, 4 * MM, 4 * MM, 2 * MM, 2 * MM, 24.0),
                Source("warm", 1, 6 * MM, 4 * MM, 3 * MM, 2 * MM, 9.0),
                Source("cool", 1, 4 * MM, 6 * MM, 5 * MM, 4 * MM, 6.0),
            ],
            ADIABATIC, (2e4, AMBIENT),
        ),
        _block(
            "unequal_blocks", (15 * MM, 10 * MM), die,
            [
                Source("long", 1, 1 * MM, 7.5 * MM, 12 * MM, 0.8 * MM, 14.0),
                Source("square", 1, 2 * MM, 2 * MM, 3 * MM, 3 * MM, 16.0),
                Source("small", 1, 10 * MM, 3.2 * MM, 0.7 * MM, 0.9 * MM, 3.5),
            ],
            (1.2e4, AMBIENT), ADIABATIC,
        ),
    )  # fmt: skip


def _stacks() -> tuple[LayeredBlock, ...]:
    """Dies on dies: two powered layers, cooling from both sides, resistances between the layers."""
    return (
        _block(
            "stack_of_two", (8 * MM, 8 * MM),
            [
                Layer("bulk_0", 50 * UM, SILICON),
                Layer("active_0", 2 * UM, SILICON),
                Layer("bond", 15 * UM, (1.0, 1.0, 1.5)),
                Layer("bulk_1", 48 * UM, SILICON),
                Layer("active_1", 2 * UM, SILICON),
                Layer("cap", 500 * UM, SILICON),
            ],
            [
                Source("core_0", 1, 1 * MM, 1 * MM, 2.5 * MM, 2.5 * MM, 12.0),
                Source("sram_0", 1, 4.5 * MM, 4 * MM, 3 * MM, 3 * MM, 5.0),
                Source("core_1", 4, 4 * MM, 1 * MM, 3 * MM, 2 * MM, 10.0),
                Source("core_2", 4, 1.5 * MM, 5 * MM, 2 * MM, 2 * MM, 9.0),
            ],
            (50.0, AMBIENT), (3e4, AMBIENT),
        ),
        _block(
            "two_sided", (10 * MM, 10 * MM),
            [
                Layer("active_0", 2 * UM, (130.0,) * 3),
                Layer("bulk_0", 48 * UM, (130.0,) * 3),
                Layer("bulk_1", 48 * UM, (130.0,) * 3),
                Layer("active_1", 2 * UM, (130.0,) * 3),
            ],
            [
                Source("die_0", 0, 0.0, 0.0, 10 * MM, 10 * MM, 50.0),
                Source("quadrant", 3, 0.0, 0.0, 5 * MM, 5 * MM, 12.5),
                Source("strip", 3, 7.5 * MM, 5 * MM, 2.5 * MM, 5 * MM, 12.5),
            ],
            (1e5, AMBIENT), (1e5, AMBIENT),
        ),
        _block(
            "interfaces", (9 * MM, 7 * MM),
            [
                Layer("board", 300 * UM, LAMINATE),
                Layer("bulk", 200 * UM, SILICON, 15e-6),
                Layer("active", 3 * UM, SILICON),
                Layer("cap", 150 * UM, SILICON, 4e-6),
                Layer("lid", 1 * MM, COPPER, 8e-6),
            ],
            [
                Source("left", 2, 1 * MM, 2 * MM, 2 * MM, 3 * MM, 14.0),
                Source("right", 2, 5 * MM, 1 * MM, 1.5 * MM, 1.5 * MM, 7.0),
            ],
            (100.0, AMBIENT + 10.0), (8e3, AMBIENT),
        ),
        _block(
            "held_bottom", (6 * MM, 5 * MM),
            [Layer("bulk", 300 * UM, (110.0, 110.0, 148.0)), Layer("active", 10 * UM, SILICON)],
            [
                Source("spot", 1, 1 * MM, 1 * MM, 0.8 * MM, 0.8 * MM, 6.0),
                Source("row", 1, 2.5 * MM, 3 * MM, 3 * MM, 1 * MM, 9.0),
            ],
            (inf, AMBIENT), (500.0, AMBIENT + 25.0),
        ),
    )  # fmt: skip


def _packages() -> tuple[LayeredBlock, ...]:
    """Packages of slabs: chiplets under a lid, laminates, strong contrasts, orthotropy in the plane."""
    return (
        _block(
            "two_chiplets", (24 * MM, 16 * MM),
            [
                Layer("laminate", 1.2 * MM, LAMINATE),
                Layer("c4", 70 * UM, UNDERFILL),
                Layer("interposer", 100 * UM, INTERPOSER),
                Layer("bumps", 30 * UM, (1.5, 1.5, 3.0)),
                Layer("active", 5 * UM, SILICON),
                Layer("bulk", 700 * UM, SILICON),
                Layer("tim", 50 * UM, TIM),
                Layer("lid", 2 * MM, COPPER),
            ],
            [
                Source("chiplet_0", 4, 3 * MM, 4 * MM, 8 * MM, 8 * MM, 120.0),
                Source("chiplet_1", 4, 14 * MM, 5 * MM, 6 * MM, 6 * MM, 40.0),
            ],
            (15.0, AMBIENT), (1e4, AMBIENT),
        ),
        _block(
            "orthotropic_substrate", (16 * MM, 12 * MM),
            [Layer("laminate", 0.8 * MM, (45.0, 18.0, 0.7)), Layer("die", 300 * UM, (148.0, 148.0, 148.0))],
            [
                Source("west", 1, 2 * MM, 3 * MM, 4 * MM, 4 * MM, 6.0),
                Source("east", 1, 9.5 * MM, 6 * MM, 3 * MM, 2 * MM, 3.0),
            ],
            (2e3, AMBIENT), (200.0, AMBIENT),
        ),
        _block(
            "orthotropic_plane", (10 * MM, 6 * MM),
            [
                Layer("spreader", 400 * UM, (1200.0, 300.0, 12.0)),
                Layer("source", 20 * UM, (60.0, 90.0, 30.0)),
            ],
            [Source("line", 1, 3 * MM, 1 * MM, 1 * MM, 4 * MM, 20.0)],
            (1.5e4, AMBIENT), ADIABATIC,
        ),
        _block(
            "strong_tim", (12 * MM, 10 * MM),
            [
                Layer("active", 2 * UM, SILICON),
                Layer("bulk", 775 * UM, SILICON),
                Layer("tim", 100 * UM, (1.0,) * 3),
                Layer("lid", 1.5 * MM, COPPER),
            ],
            [
                Source("core_0", 0, 2 * MM, 2 * MM, 2 * MM, 2 * MM, 10.0),
                Source("core_1", 0, 7 * MM, 5 * MM, 3 * MM, 3 * MM, 10.0),
            ],
            ADIABATIC, (5e3, AMBIENT),
        ),
        _block(
            "memory_stack", (11 * MM, 10 * MM),
            [
                Layer("phy_active", 4 * UM, SILICON),
                Layer("base", 60 * UM, SILICON),
                Layer("bond_0", 20 * UM, (0.6, 0.6, 1.8)),
                Layer("core_0", 45 * UM, (140.0, 140.0, 120.0)),
                Layer("bond_1", 20 * UM, (0.6, 0.6, 1.8)),
                Layer("core_1", 45 * UM, (140.0, 140.0, 120.0)),
                Layer("bond_2", 20 * UM, (0.6, 0.6, 1.8)),
                Layer("core_2", 150 * UM, (140.0, 140.0, 120.0)),
                Layer("tim", 40 * UM, TIM, 1e-6),
            ],
            [
                Source("phy", 0, 0.5 * MM, 0.5 * MM, 10 * MM, 1.5 * MM, 7.0),
                Source("bank_0", 3, 1 * MM, 3 * MM, 4 * MM, 6 * MM, 1.5),
                Source("bank_1", 5, 6 * MM, 3 * MM, 4 * MM, 6 * MM, 1.5),
            ],
            (200.0, AMBIENT), (2e4, AMBIENT),
        ),
        _block(
            "power_rows", (10 * MM, 10 * MM),
            [Layer("metal", 8 * UM, BEOL), Layer("active", 1 * UM, SILICON), Layer("bulk", 100 * UM, SILICON),
             Layer("carrier", 600 * UM, SILICON, 1e-6)],
            [
                *(Source(f"row_{i}", 1, (1.0 + 2.0 * i) * MM, 2 * MM, 0.5 * MM, 6 * MM, 6.0 + i)
                  for i in range(4)),
                Source("island", 1, 8.8 * MM, 0.4 * MM, 0.8 * MM, 0.8 * MM, 3.0),
            ],
            (1e3, AMBIENT), (1.5e4, AMBIENT),
        ),
    )  # fmt: skip
