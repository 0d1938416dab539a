"""Power of a local model: blocks and maps that the box cuts, totals, finer maps."""

from __future__ import annotations

import numpy as np
import pytest

import thermostack as ts

MM = 1e-3
BOX = ((0.33 * MM, 0.21 * MM, 0.0), (0.77 * MM, 0.69 * MM, 0.6 * MM))


def package(power: object, **stack: object) -> ts.Package:
    layers = (
        ts.Layer("si", 0.4 * MM, "silicon_constant"),
        ts.Layer("active", 0.2 * MM, "silicon_constant", power=power),
    )
    die = ts.Stack("die", **{"size": (1 * MM, 1 * MM), **stack}, layers=layers)
    return ts.Package("one", (die,), ts.Cooling(bottom=ts.Convection(5e4, 300.0)))


def solve(made: ts.Package, cell: float = 0.1 * MM) -> ts.SteadyResult:
    return ts.solve_steady(ts.discretize(made, cell=cell), estimate=False)


def test_blocks_are_cut_exactly() -> None:
    blocks = (
        ts.Block("a", (0.1 * MM, 0.1 * MM), (0.4 * MM, 0.4 * MM), 2.0),
        ts.Block("b", (0.6 * MM, 0.3 * MM), (0.3 * MM, 0.3 * MM), 1.0),
        ts.Block("c", (0.85 * MM, 0.8 * MM), (0.1 * MM, 0.1 * MM), 1.0),
    )
    steady = solve(package(ts.Power(blocks=blocks)))
    local = steady.zoom(BOX, cell="50 um", estimate=False)
    a, b = 2.0 * (0.17 * 0.29) / 0.16, 1.0 * 0.17 / 0.3
    assert local.of("die.active.a").power == pytest.approx(a, rel=1e-12)
    assert local.of("die.active.b").power == pytest.approx(b, rel=1e-12)
    assert "die.active.c" not in local.names
    assert local.agreement is not None
    assert local.agreement.power == pytest.approx(a + b, rel=1e-12)
    assert local.agreement.global_power == pytest.approx(a + b, rel=1e-9)


def test_box_cuts_a_powered_layer_in_height() -> None:
    steady = solve(package("4 W"))
    box = (*BOX[:1], (BOX[1][0], BOX[1][1], 0.45 * MM))
    local = steady.zoom(box, cell="50 um", estimate=False)
    assert local.model.total_power == pytest.approx(4.0 * 0.44 * 0.48 * 0.25, rel=1e-12)


@pytest.mark.parametrize("boundary", ["temperature", "flux"])
def test_maps_are_cut_exactly(boundary: str) -> None:
    values = np.random.default_rng(1).uniform(0.0, 1.0, (10, 10))
    steady = solve(package(ts.Power(map=ts.PowerMap(values))), 0.05 * MM)
    local = steady.zoom(BOX, cell="50 um", boundary=boundary, estimate=False)
    x = np.clip(np.minimum(np.arange(1, 11), 7.7) - np.maximum(np.arange(10), 3.3), 0.0, None)
    y = np.clip(np.minimum(np.arange(1, 11), 6.9) - np.maximum(np.arange(10), 2.1), 0.0, None)
    assert local.model.total_power == pytest.approx(y @ values @ x, rel=1e-9)
    assert local.agreement is not None
    assert local.agreement.global_power == pytest.approx(local.agreement.power, rel=1e-9)


def test_total_keeps_its_density_beside_a_region_of_another_stack() -> None:
    """A bare total lies on the cells of its layer that exist; an embedded die takes the others."""
    chip = ts.Stack(
        "chip",
        (0.5 * MM, 1 * MM),
        (ts.Layer("si", 0.2 * MM, "silicon_constant"),),
        inside="die",
        position=(0.0, 0.0),
    )
    made = package("4 W")
    steady = solve(ts.Package("two", (*made.stacks, chip), made.cooling))
    local = steady.zoom(((0.6 * MM, 0.2 * MM, 0.0), (0.9 * MM, 0.7 * MM, 0.6 * MM)), estimate=False)
    assert local.model.total_power == pytest.approx(4.0 * 0.3 * 0.5 / 0.5, rel=1e-9)


def test_round_layer_has_the_power_of_the_result() -> None:
    hot = ts.Block("hot", (0.05 * MM, 0.4 * MM), (0.3 * MM, 0.3 * MM), 1.0)
    made = package(ts.Power(blocks=(hot,)), size=None, diameter=1 * MM)
    local = solve(made).zoom(((0.0, 0.3 * MM, 0.0), (0.6 * MM, 0.8 * MM, 0.6 * MM)), estimate=False)
    assert local.model.total_power == pytest.approx(1.0, rel=1e-6)


def test_finer_map_replaces_the_power_of_a_layer() -> None:
    values = np.zeros((20, 20))
    values[8:10, 10:12] = 1.0  # 0.1 mm wide, 4 W in all, in the box
    steady = solve(package("4 W"))
    local = steady.zoom(BOX, cell="25 um", power={"die.active": values}, estimate=False)
    assert local.model.total_power == pytest.approx(4.0, rel=1e-9)
    assert local.agreement is not None
    assert local.agreement.global_power == pytest.approx(4.0 * 0.44 * 0.48, rel=1e-9)
    assert local.of("die.active").max > steady.of("die.active").max + 1.0
    assert any("W-ZOOM" in warning for warning in local.warnings)
    same = ts.PowerMap(np.full((20, 20), 0.01))
    again = steady.zoom(BOX, cell="25 um", power={"die.active": same}, estimate=False)
    assert again.model.total_power == pytest.approx(local.agreement.global_power, rel=1e-9)


def test_finer_map_has_the_peak_of_a_global_model_with_that_map() -> None:
    """The means of 5 x 5 pixels give the boundary, and the pixels the peak."""
    rng = np.random.default_rng(3)
    fine = 0.005 * (1.0 + rng.uniform(-1.0, 1.0, (20, 20)))
    fine[10, 10] += 0.3
    means = np.repeat(np.repeat(fine.reshape(4, 5, 4, 5).mean(axis=(1, 3)), 5, axis=0), 5, axis=1)
    truth = solve(package(ts.Power(map=ts.PowerMap(fine))), 0.025 * MM)
    coarse = solve(package(ts.Power(map=ts.PowerMap(means))), 0.05 * MM)
    box = ((0.25 * MM, 0.25 * MM, 0.0), (0.75 * MM, 0.75 * MM, 0.6 * MM))
    local = coarse.zoom(box, cell=0.025 * MM, power={"die.active": fine}, estimate=False)
    assert abs(coarse.peak.max - truth.peak.max) > 2.0
    assert abs(local.peak.max - truth.peak.max) < 0.2
    assert local.agreement is not None
    assert local.agreement.power == pytest.approx(local.agreement.global_power, rel=1e-6)


def test_temperature_fields_of_rotated_stacks_have_their_powers() -> None:
    """Blocks of a flipped and rotated stack are cut where they lie in the package."""
    hot = ts.Block("hot", (0.1 * MM, 0.2 * MM), (0.3 * MM, 0.2 * MM), 1.0)
    made = package(ts.Power(blocks=(hot,)), rotate=90, flip=True)
    steady = solve(made, 0.05 * MM)
    peak = steady.peak.at
    box = tuple(c - 0.2 * MM for c in peak[:2]), tuple(c + 0.1 * MM for c in peak[:2])
    local = steady.zoom(((*box[0], 0.0), (*box[1], 0.6 * MM)), cell="50 um", estimate=False)
    assert local.agreement is not None
    assert local.agreement.power == pytest.approx(local.agreement.global_power, rel=1e-6)
    assert local.agreement.power > 0.1
