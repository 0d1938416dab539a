"""The error of a local result contains that of the global field on the surface of its box."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import thermostack as ts
from tests.support.random_zooms import measure_zoom, random_zoom
from tests.support.via_pieces import UM, middle_box, via_piece
from thermostack.cli.main import main
from thermostack.errors import ResourceError
from thermostack.finite_volume.corner_scheme import CornerScheme
from thermostack.finite_volume.part_temperatures import PartsAndBlocks
from thermostack.linear.solver import prepare
from thermostack.report.zoom_table import error_text
from thermostack.results.zoom_agreement import agreement_summary
from thermostack.zoom import boundary_error

MM = 1e-3
CELL = (0.5 * MM, 0.5 * MM, 0.1 * MM)
AROUND_HOT = ((7 * MM, 7 * MM, 0.5 * MM), (10.2 * MM, 10.2 * MM, 1.62 * MM))
AROUND_COLD = ((10.9 * MM, 10.9 * MM, 1 * MM), (13.1 * MM, 13.1 * MM, 1.62 * MM))
CUT_HOT = ((7.8 * MM, 7.2 * MM, 1.05 * MM), (9.2 * MM, 9.4 * MM, 1.4 * MM))
# Peaks [K] on a grid that was refined to an estimated error of 0.05 K.
TRUTH = {"hot": 338.078, "cold": 312.142}
DOUBT = 0.04


def hot_and_cold() -> ts.Package:
    """Return a die on a board of low conductivity with a block of 5 W and one of 1 W."""
    die = ts.Material("k100", 100.0, source="assumed", density=2000.0, specific_heat=1000.0)
    board = ts.Material("k1", 1.0, source="assumed", density=2000.0, specific_heat=1000.0)
    hot, cold = (
        ts.Block(name, (at * MM, at * MM), (2 * MM, 2 * MM), power)
        for name, at, power in (("hot", 1.0, 5.0), ("cold", 5.0, 1.0))
    )
    layers = (
        ts.Layer("joint", 0.1 * MM, board, interface=ts.Interface(top="20 mm2 K/W")),
        ts.Layer("active", 0.02 * MM, die, power=ts.Power(blocks=(hot, cold))),
        ts.Layer("bulk", 0.5 * MM, die),
    )
    low = ts.Stack("board", (20 * MM, 20 * MM), (ts.Layer("core", 1 * MM, board),), filler=board)
    chip = ts.Stack("die", (8 * MM, 8 * MM), layers, on=("board",), position=(6 * MM, 6 * MM))
    cooling = ts.Cooling(top=ts.Convection(5000.0, 298.15), bottom=ts.Convection(50.0, 318.15))
    return ts.Package("pair", (low, chip), cooling)


@pytest.fixture(scope="module")
def pair() -> ts.SteadyResult:
    return ts.solve_steady(ts.discretize(hot_and_cold(), cell=CELL))


def contribution(local: ts.SteadyResult, name: str) -> ts.ErrorContribution:
    """Return the contributions to the error of a part or block."""
    assert local.agreement is not None
    (found,) = (each for each in local.agreement.errors if each.name == name)
    return found


@pytest.mark.parametrize(
    ("boundary", "box", "name", "cell"),
    [
        ("flux", AROUND_HOT, "hot", 1e-4),
        ("flux", AROUND_HOT, "hot", 2e-4),
        ("temperature", AROUND_HOT, "hot", 1e-4),
        ("temperature", CUT_HOT, "hot", 1e-4),
        ("temperature", AROUND_COLD, "cold", 1e-4),
        ("flux", AROUND_COLD, "cold", 2e-4),
    ],
)
def test_error_contains_that_of_the_global_result(
    pair: ts.SteadyResult, boundary: str, box: object, name: str, cell: float
) -> None:
    """The local grid has a fraction of the error; the rest comes from the coarse global grid."""
    local = pair.zoom(box, cell=cell, boundary=boundary)
    part, shares = local.of(f"die.active.{name}"), contribution(local, f"die.active.{name}")
    true = abs(part.max - TRUTH[name])
    assert part.error == pytest.approx(shares.grid + shares.boundary)
    assert shares.grid < true - DOUBT
    assert true + DOUBT < part.error < 6.0 * true
    assert shares.is_of_boundary
    assert part.extrapolated is not None
    assert abs(part.extrapolated - TRUTH[name]) < 0.6 * true


@pytest.mark.parametrize("seed", range(6))
def test_errors_of_random_boxes(seed: int) -> None:
    """Blocks and dies may be cut, conductivities may depend on temperature, and layers have resistances."""
    true, estimated, _ = measure_zoom(random_zoom(seed)).T
    assert (true <= estimated).all()


@pytest.mark.slow
def test_coverage_of_random_boxes() -> None:
    rows = np.concatenate([measure_zoom(random_zoom(seed)) for seed in range(60)])
    true, estimated, _ = rows.T
    assert (true <= estimated).mean() >= 0.95
    assert np.median(estimated / np.maximum(true, 1e-9)) < 3.0


@pytest.mark.parametrize("boundary", ["temperature", "flux"])
def test_whole_package_has_the_errors_of_the_result(boundary: str) -> None:
    layer = ts.Layer("si", 0.5 * MM, "silicon_constant")
    hot = ts.Block("hot", (0.4 * MM, 0.4 * MM), (0.2 * MM, 0.2 * MM), 1.0)
    active = ts.Layer("active", 0.1 * MM, "silicon_constant", power=ts.Power(blocks=(hot,)))
    stack = ts.Stack("one", (1 * MM, 1 * MM), (layer, active))
    package = ts.Package("one", (stack,), ts.Cooling(bottom=ts.Convection(5e4, 300.0)))
    steady = ts.solve_steady(ts.discretize(package, cell=0.1 * MM))
    local = steady.zoom(((-1.0,) * 3, (1.0,) * 3), cell=1.0, boundary=boundary)
    assert local.model.grid.shape == steady.model.grid.shape
    for part in steady.parts:
        own = local.of(part.name)
        for name in ("max", "mean", "error", "mean_error", "extrapolated", "extrapolated_mean"):
            assert getattr(own, name) == pytest.approx(getattr(part, name), abs=1e-4)
        assert contribution(local, part.name).boundary == 0.0


@pytest.mark.parametrize("boundary", ["temperature", "flux"])
def test_linear_field_has_no_error(boundary: str) -> None:
    cooling = ts.Cooling(top=ts.FixedTemperature(300.0), bottom=ts.FixedTemperature(400.0))
    stack = ts.Stack("slab", (1 * MM, 1 * MM), (ts.Layer("si", 1 * MM, "silicon_constant"),))
    steady = ts.solve_steady(ts.discretize(ts.Package("slab", (stack,), cooling), cell=0.1 * MM))
    box = ((0.13 * MM, 0.2 * MM, 0.17 * MM), (0.6 * MM, 0.71 * MM, 0.63 * MM))
    shares = contribution(steady.zoom(box, cell="40 um", boundary=boundary), "slab.si")
    assert max(shares.boundary, shares.mean_boundary or 0.0) < 0.1


def test_zoom_in_a_zoom_passes_the_error_on(pair: ts.SteadyResult, tmp_path: Path) -> None:
    first = pair.zoom(AROUND_HOT, cell=2e-4)
    second = first.zoom("die.active.hot", margin="0.2 mm", cell=1e-4)
    part = second.of("die.active.hot")
    assert abs(part.max - TRUTH["hot"]) + DOUBT < (part.error or 0.0)
    assert contribution(second, part.name).boundary > contribution(first, part.name).boundary
    first.save(tmp_path / "first.vtkhdf")
    again = ts.read_result(tmp_path / "first.vtkhdf").zoom("die.active.hot", margin="0.2 mm", cell=1e-4)
    assert again.of("die.active.hot").error == pytest.approx(part.error, rel=1e-3)
    assert again.agreement is not None
    unknown = pair.zoom(AROUND_HOT, cell=2e-4, estimate=False).zoom("die.active.hot", margin="0.2 mm")
    assert any("the errors are those of the local grid alone" in each for each in unknown.warnings)


@pytest.mark.parametrize("boundary", ["temperature", "flux"])
def test_bound_where_the_global_error_cannot_be_solved(
    pair: ts.SteadyResult, monkeypatch: pytest.MonkeyPatch, boundary: str
) -> None:
    """By the maximum principle the error in the box is at most that on its surface."""

    def refuse(*_: object, **__: object) -> None:
        raise ResourceError("too large")

    monkeypatch.setattr(boundary_error, "check_memory", refuse)
    local = pair.zoom(AROUND_COLD, cell=2e-4, boundary=boundary)
    known = [
        part.error or 0.0
        for name in local.names
        for part in pair.parts
        if part.name == name or (part.is_block and part.name.startswith(f"{name}."))
    ]
    shares = contribution(local, "die.active.cold")
    assert shares.boundary >= max(known) - 1e-12
    assert local.of("die.active.cold").extrapolated is None
    plain = ts.solve_steady(pair.model, estimate=False)
    local = plain.zoom(AROUND_COLD, cell=2e-4, boundary=boundary)
    (text,) = (each for each in local.warnings if "local grid alone" in each)
    assert "solve the global model with the error estimate" in text
    assert "W-ZOOM" in text


def test_result_without_estimate_has_the_same_boundary_error(pair: ts.SteadyResult) -> None:
    """The error field is computed from the temperatures, not from the errors of parts."""
    plain = ts.solve_steady(pair.model, estimate=False)
    errors = [each.zoom(AROUND_COLD, cell=2e-4).of("die.active.cold").error for each in (pair, plain)]
    assert errors[0] == pytest.approx(errors[1], rel=0.02)
    local = pair.zoom(AROUND_COLD, cell=2e-4, estimate=False)
    assert local.agreement is not None
    assert local.agreement.errors == ()
    assert local.agreement.worst_error is None
    assert local.of("die.active.cold").error is None


def test_large_boundary_error_is_a_warning(pair: ts.SteadyResult) -> None:
    (text,) = (each for each in pair.zoom(CUT_HOT, cell=2e-4).warnings if "boundary causes" in each)
    assert text.startswith("die.active.hot: the boundary causes an estimated error of 2")
    assert 'solve the global model with --tolerance "' in text
    assert not any("boundary causes" in each for each in pair.zoom(AROUND_HOT, cell=2e-4).warnings)


def test_flux_of_a_medium_has_no_extrapolation() -> None:
    """The two boundaries differ because the vias are resolved, which is no error of the global grid."""
    steady = ts.solve_steady(ts.discretize(via_piece(5), cell=20 * UM))
    options = {"cell": 10 * UM, "resolve": "die.bulk"}
    by_flux = steady.zoom(middle_box(5, 3.0), boundary="flux", **options)
    assert by_flux.of("die.active.hot").extrapolated is None
    by_temperature = steady.zoom(middle_box(5, 3.0), **options)
    difference = by_flux.of("die.active.hot").max - by_temperature.of("die.active.hot").max
    assert contribution(by_flux, "die.active.hot").boundary > 0.9 * abs(difference)


def test_texts_of_the_errors(pair: ts.SteadyResult) -> None:
    local = pair.zoom(AROUND_HOT, cell=2e-4)
    agreement = local.agreement
    assert agreement is not None
    assert agreement.worst_error is not None
    table = agreement.table()
    assert "by the local grid" in table
    assert "solve the global model with --tolerance first" in " ".join(table.split())
    assert "error of the maximum" in table
    summary = agreement_summary(agreement)
    assert summary["errors"]["die.active.hot"]["boundary"] > 1.0
    assert set(summary["errors"]["die.active.hot"]) == {"grid", "boundary", "mean_grid", "mean_boundary"}
    assert "--tolerance" not in error_text(ts.ErrorContribution("die", 0.2, 0.1))


def test_command_prints_both_errors(
    pair: ts.SteadyResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    pair.save(tmp_path / "pair.vtkhdf")
    options = ["--around", "die.active.hot", "--margin", "0.5 mm", "--cell", "0.2 mm", "--no-save"]
    assert main(["zoom", "pair.vtkhdf", *options]) == 0
    assert "by the boundary" in capsys.readouterr().out
    assert main(["zoom", "pair.vtkhdf", *options, "--boundary", "flux", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    shares = printed["agreement"]["errors"]["die.active.hot"]
    assert printed["blocks"]["die.active.hot"]["error"] == pytest.approx(shares["grid"] + shares["boundary"])


def test_error_of_a_run_contains_a_bound_of_its_boundary() -> None:
    model = ts.discretize(via_piece(5), cell=20 * UM)
    trace = ts.Trace.of([0.0, 1e-3], {"die.active.hot": [0.2, 0.2]})
    run = ts.solve_transient(model, 2e-5, trace, initial="outside", tolerance=0.1, times=[1e-5])
    local = run.zoom(middle_box(5, 3.0), loads=trace, cell=10 * UM, tolerance=0.1)
    assert local.agreement is not None
    bound = max(error or 0.0 for error in run.peak_error)
    for each in local.agreement.errors:
        assert each.boundary == pytest.approx(bound)
        assert each.mean_boundary is None
        assert local.of(each.name).error == pytest.approx(each.grid + bound)


def test_unknown_error_of_a_run_is_reported() -> None:
    from dataclasses import replace

    model = ts.discretize(via_piece(5), cell=20 * UM)
    trace = ts.Trace.of([0.0, 1e-3], {"die.active.hot": [0.2, 0.2]})
    run = ts.solve_transient(model, 2e-5, trace, initial="outside", tolerance=0.1, times=[1e-5])
    local = replace(run, peak_error=()).zoom(middle_box(5, 3.0), loads=trace, cell=20 * UM, tolerance=0.1)
    assert any("the errors are those of the local grid alone" in each for each in local.warnings)


def test_corners_have_the_means_of_their_parts(pair: ts.SteadyResult) -> None:
    """The temperature in the middle of a cell is the mean of its corners."""
    fluxes, zones = pair.fluxes, PartsAndBlocks(pair.model)
    scheme = CornerScheme(fluxes, zones)
    prepare(scheme.conduction, widths=scheme.widths).solve(
        scheme.power, guess=scheme.rise, tolerance=1e-3, overwrites_guess=True
    )
    cells = np.array(np.nonzero(pair.model.part > 0))
    t = scheme.temperatures_at(cells, np.zeros(cells.shape))
    grid = pair.model.grid
    volume = grid.dz[cells[0]] * grid.dy[cells[1]] * grid.dx[cells[2]]
    number = pair.model.part[tuple(cells)] - 1
    means = np.bincount(number, volume * t) / np.bincount(number, volume)
    assert means == pytest.approx(scheme.measure().mean[: means.size], abs=1e-6)
