"""Pieces of dies with vias for the tests of zoom: as an effective medium, or with each via as a region."""

from __future__ import annotations

import thermostack as ts

UM = 1e-6  # m
PITCH, DIAMETER, LINER, HEIGHT = 40 * UM, 12 * UM, 1 * UM, 50 * UM
HOT = 40 * UM  # m, side of the hot block
BOTTOM = 300.0  # K


def via_medium(arrangement: str = "square") -> ts.ViaArray:
    """Return copper vias with an oxide liner in silicon."""
    return ts.ViaArray(
        "copper",
        "silicon_constant",
        DIAMETER,
        PITCH,
        liner="silicon_dioxide",
        liner_thickness=LINER,
        arrangement=arrangement,
    )


def via_regions(count: int) -> tuple[ts.Region, ...]:
    """Return the liner and the core of count x count vias as regions of their layer."""
    regions = []
    for n in range(count * count):
        center = ((n // count + 0.5) * PITCH, (n % count + 0.5) * PITCH)
        regions.append(ts.Region(f"l{n}", material="silicon_dioxide", diameter=DIAMETER, center=center))
        core = DIAMETER - 2 * LINER
        regions.append(ts.Region(f"c{n}", material="copper", diameter=core, center=center))
    return tuple(regions)


def via_piece(count: int, *, resolved: bool = False, power: float = 0.2) -> ts.Package:
    """Return a die of count x count pitches on a bond layer, with a hot block over its middle."""
    width = count * PITCH
    bulk = ts.Layer("bulk", HEIGHT, via_medium())
    if resolved:
        bulk = ts.Layer("bulk", HEIGHT, "silicon_constant", regions=via_regions(count))
    corner = 0.5 * (width - HOT)
    hot = ts.Block("hot", (corner, corner), (HOT, HOT), power)
    active = ts.Layer("active", 5 * UM, "silicon_constant", power=ts.Power(blocks=(hot,)))
    bond = ts.Material("bond", 4.0, source="assumed", density=2000.0, specific_heat=1000.0)
    die = ts.Stack("die", (width, width), (ts.Layer("bond", 20 * UM, bond), bulk, active))
    return ts.Package("piece", (die,), ts.Cooling(bottom=ts.FixedTemperature(BOTTOM)))


def middle_box(count: int, pitches: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the box of some pitches around the hot block, over the whole height."""
    middle, half = 0.5 * count * PITCH, 0.5 * pitches * PITCH
    return (middle - half, middle - half, 0.0), (middle + half, middle + half, 75 * UM)
