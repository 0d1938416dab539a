"""Compact models: the reduced model, the fit, and the files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from support.jedec_packages import SIZE, slab, with_own_board

from thermostack import ArgumentError, CompactModels, OutputError, Package, compact_models, jedec
from thermostack.results.compact_model import NODES, PAIRS
from thermostack.thermal_metrics.body import find_body, place_alone
from thermostack.thermal_metrics.delphi import _Fit, training_rows
from thermostack.thermal_metrics.face_classes import BodyResponse, expand, inner_rectangles


def body_response(package: Package, cell: str) -> BodyResponse:
    """Return the response of a body whose inner rectangles have half of its side lengths."""
    placed = place_alone(find_body(package))
    return BodyResponse(placed, inner_rectangles(placed)[2], cell=cell)


@pytest.fixture(scope="module")
def models() -> CompactModels:
    return compact_models(with_own_board(), cell="2 mm", starts=3)


@pytest.fixture(scope="module")
def response() -> BodyResponse:
    return body_response(with_own_board(), "2 mm")


def test_reduced_model_has_the_junction_temperatures_of_full_solves(response: BodyResponse) -> None:
    rows = expand([(7.0, 20.0, 5.0), (200.0, 40.0, 20.0), (2e4, 30.0, 10.0), (40.0, 3e4, 25.0)])
    full = [response.solve_junction(row) for row in rows]
    assert response.respond(rows).junction == pytest.approx(full, rel=5e-3)


def test_heat_of_the_classes_adds_to_the_power(response: BodyResponse) -> None:
    found = response.respond(expand(training_rows()))
    assert found.heat.sum(axis=1) == pytest.approx(np.full(112, response.power), rel=1e-4)


def test_areas_of_the_classes(response: BodyResponse) -> None:
    inner, outer = response.area[0], response.area[1]
    assert inner + outer == pytest.approx(12e-3 * 10e-3)
    assert inner == pytest.approx(6e-3 * 5e-3)


def test_slab_in_one_dimension_is_exact() -> None:
    """Heat through the top of a slab at one temperature: rise = P (t / (k A) + 1 / (h A))."""
    response = body_response(slab(), "2 mm")
    area = SIZE[0] * SIZE[1]
    found = response.respond([(1e3, 1e3, 1e-6, 1e-6, 1e-6)])
    expected = 5.0 * ((0.6e-3 + 1e-6) / 120.0 + 1e-3) / area
    assert found.junction[0] == pytest.approx(expected, rel=1e-4)
    assert found.surface[0][:2] == pytest.approx(5.0 / (1e3 * area), rel=1e-3)


def test_network_is_within_ten_percent(models: CompactModels) -> None:
    fit = models.delphi
    assert fit.training.rows == 112
    assert fit.test.rows == 40
    assert fit.training.max_junction < 0.1
    assert fit.test.max_junction < 0.1
    assert fit.training.mean_junction < 0.03
    assert (fit.conductance > 0.0).all()
    assert models.reduction_error < 5e-3


def test_stated_error_is_that_of_the_network(models: CompactModels) -> None:
    """The errors are computed again from the conductances and full solves."""
    width, depth = models.delphi.inner_size
    placed = place_alone(find_body(with_own_board()))
    x, y = 0.5 * (placed.outline[0] + placed.outline[2]), 0.5 * (placed.outline[1] + placed.outline[3])
    inner = (x - 0.5 * width, y - 0.5 * depth, x + 0.5 * width, y + 0.5 * depth)
    response = BodyResponse(placed, inner, cell="2 mm")
    rows = expand(training_rows())[::20]
    rise, heat = models.delphi.solve(rows)
    full = np.array([response.solve_junction(row) for row in rows]) / models.power
    assert np.abs(rise / full - 1.0).max() <= models.delphi.training.max_junction + 5e-3
    assert heat.sum(axis=1) == pytest.approx(np.ones(len(rows)))


def test_derivatives_of_the_residuals() -> None:
    rng = np.random.default_rng(3)
    rows = expand(training_rows()[::10])
    response = body_response(slab(), "5 mm")
    fit = _Fit(rows, response.respond(rows), response.area, response.power)
    x = rng.normal(-1.0, 1.0, len(PAIRS))
    jacobian = fit.jacobian(x)
    for n in range(len(PAIRS)):
        step = np.zeros(len(PAIRS))
        step[n] = 1e-5
        numeric = (fit.residuals(x + step) - fit.residuals(x - step)) / 2e-5
        assert jacobian[:, n] == pytest.approx(numeric, rel=1e-5, abs=1e-7)


def test_two_resistors_are_the_metrics_and_their_error_is_stated(models: CompactModels) -> None:
    metrics = jedec(with_own_board(), environments=("ring", "top"), cell="2 mm")
    two = models.two_resistor
    assert two.theta_jc == metrics.of("theta_JC_top", "isothermal top").value
    assert two.theta_jb == metrics.of("theta_JB").value
    assert len(two.cases) == 10
    for case in two.cases:
        up = two.theta_jc + 1.0 / (case.top * two.top_area)
        down = two.theta_jb + 1.0 / (case.bottom * two.bottom_area)
        assert case.model == pytest.approx(up * down / (up + down))
    assert two.max_error == max(abs(case.model / case.full - 1.0) for case in two.cases)


def test_metrics_without_a_resistance_are_refused() -> None:
    metrics = jedec(with_own_board(), environments="top", cell="2 mm")
    with pytest.raises(ArgumentError, match=r"has no theta_JB.*ring"):
        compact_models(with_own_board(), metrics=metrics, cell="2 mm")


def test_files_contain_the_network(models: CompactModels, tmp_path: Path) -> None:
    for suffix in ("json", "csv", "cir"):
        models.save(tmp_path / f"compact.{suffix}")
        models.save(tmp_path / f"compact.{suffix}")  # its own file is replaced
    data = json.loads((tmp_path / "compact.json").read_text())
    assert [
        each["conductance"] for each in data["delphi"]["conductances"]
    ] == models.delphi.conductance.tolist()
    with open(tmp_path / "compact.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert [float(row[2]) for row in rows[1:16]] == models.delphi.conductance.tolist()
    with pytest.raises(OutputError):
        models.save(tmp_path / "compact.txt")


def test_netlist_gives_the_junction_rise(models: CompactModels, tmp_path: Path) -> None:
    """The resistors of the SPICE file are solved by nodal analysis, with the coefficients as resistors."""
    models.save(tmp_path / "compact.cir")
    text = (tmp_path / "compact.cir").read_text().split(".subckt")[1]
    matrix = np.zeros((6, 6))
    for line in text.splitlines():
        if line.startswith("R"):
            _, one, other, resistance = line.split()
            i, j, g = NODES.index(one), NODES.index(other), 1.0 / float(resistance)
            matrix[[i, j], [i, j]] += g
            matrix[[i, j], [j, i]] -= g
    h = np.array([100.0, 100.0, 300.0, 300.0, 10.0])
    matrix[range(1, 6), range(1, 6)] += h * models.delphi.area
    rise = np.linalg.solve(matrix, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert rise[0] == pytest.approx(models.delphi.solve([h])[0][0], rel=1e-6)
