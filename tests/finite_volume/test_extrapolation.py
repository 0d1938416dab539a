"""Extrapolated temperatures are given only where the extrapolation is small compared with the rise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    FixedTemperature,
    Grid,
    Layer,
    Package,
    Power,
    Stack,
    SteadyResult,
    discretize,
    solve_steady,
)
from thermostack.finite_volume import error_estimate
from thermostack.finite_volume.error_estimate import MAX_EXTRAPOLATION
from thermostack.io.results.summary import result_summary
from thermostack.units import mm, um

AMBIENT = 298.15  # K


def die(width: float, material: str = "silicon") -> Package:
    """Return a die of 10 mm with a heat source of a width [m] in its middle."""
    corner = 5 * mm - 0.5 * width
    block = Block("spot", (corner, corner), (width, width), 2.0)
    active = Layer("active", 5 * um, material, power=Power(blocks=(block,)))
    layers = (Layer("bulk", 0.5 * mm, material), active)
    return Package(
        "die", (Stack("die", (10 * mm, 10 * mm), layers),), Cooling(bottom=Convection(1e4, AMBIENT))
    )


def solve(package: Package, **options: Any) -> tuple[SteadyResult, bool]:
    """Return a result, and whether W-GRID says that a source has one cell across."""
    model = discretize(package, **options)
    return solve_steady(model), any("one cell across" in text for text in model.warnings)


@pytest.mark.parametrize(
    ("width", "options"),
    [
        (0.05 * mm, {"cell": 1 * mm}),  # planes at the edges of the source: the peak is too high
        (0.3 * mm, {"cell": 5 * mm}),
        (0.3 * mm, {"block_planes": 0}),  # planes elsewhere: the peak is too low
        (0.05 * mm, {"cell": 1 * mm, "block_planes": 0}),  # the correction is 1 % of the rise
    ],
)
def test_source_with_one_cell_across_has_no_extrapolated_values(
    width: float, options: dict[str, Any]
) -> None:
    steady, is_unreliable = solve(die(width), **options)
    assert is_unreliable
    for part in steady.parts:
        assert (part.extrapolated, part.extrapolated_mean) == (None, None)
        assert part.error is not None
        assert part.mean_error is not None
    listed = result_summary(steady)["parts"]
    assert {part["extrapolated"] for part in listed.values()} == {None}
    assert json.loads(json.dumps(listed))["die.bulk"]["extrapolated_mean"] is None
    line = next(line for line in steady.table(200).splitlines() if "spot" in line)
    resolved = next(line for line in solve(die(width))[0].table(200).splitlines() if "spot" in line)
    assert len(line.split()) == len(resolved.split()) - 1  # the column is blank


@pytest.mark.parametrize("width", [0.05 * mm, 0.3 * mm, 1 * mm])
@pytest.mark.parametrize("fineness", [0.3, 1.0])
def test_resolved_source_has_extrapolated_values(width: float, fineness: float) -> None:
    """Within 7 % of the rise of those of a finer grid."""
    steady, is_unreliable = solve(die(width), fineness=fineness)
    fine, _ = solve(die(width), fineness=1.5)
    assert not is_unreliable
    for part in steady.parts:
        reference = fine.of(part.name)
        for value, expected in (
            (part.extrapolated, reference.max),
            (part.extrapolated_mean, reference.mean),
        ):
            assert value == pytest.approx(expected, abs=0.07 * (expected - AMBIENT))


def test_large_corrections_are_omitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rule for sources: corrections of 122 % of the rise at the spot, of small ones elsewhere."""
    monkeypatch.setattr(error_estimate, "single_cell_sources", lambda *arguments: [])
    steady, _ = solve(die(0.3 * mm), cell=1 * mm)
    spot, bulk = steady.of("die.active.spot"), steady.of("die.bulk")
    assert (spot.extrapolated, spot.extrapolated_mean, bulk.extrapolated) == (None, None, None)
    assert bulk.extrapolated_mean == pytest.approx(bulk.mean, rel=1e-3)
    for part in steady.parts:
        for value, plain in ((part.extrapolated, part.max), (part.extrapolated_mean, part.mean)):
            assert value is None or abs(value - plain) <= MAX_EXTRAPOLATION * (plain - AMBIENT)


def test_rise_is_that_over_the_farthest_ambient() -> None:
    """The middle layer has the mean of two ambient temperatures, and an extrapolated value."""
    layers = tuple(Layer(name, 1 * mm, "silicon") for name in ("low", "middle", "high"))
    cooling = Cooling(bottom=FixedTemperature(350.0), top=Convection(1e4, 250.0))
    package = Package("p", (Stack("s", (4 * mm, 4 * mm), layers),), cooling)
    for part in solve_steady(discretize(package)).parts:
        assert part.extrapolated == pytest.approx(part.max, abs=1e-4)
        assert part.extrapolated_mean == pytest.approx(part.mean, abs=1e-4)


def test_body_at_ambient_temperature_has_extrapolated_values() -> None:
    package = Package(
        "p",
        (Stack("s", (4 * mm, 4 * mm), (Layer("a", 1 * mm, "silicon"),)),),
        Cooling(bottom=Convection(1e3, 300.0)),
    )
    planes = np.linspace(0.0, 4 * mm, 4)
    model = discretize(package, grid=Grid(planes, planes, np.array([0.0, 1 * mm])))
    (part,) = solve_steady(model).parts
    assert part.extrapolated == pytest.approx(300.0, abs=1e-9)
