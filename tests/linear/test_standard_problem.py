"""The standard problem of the benchmarks equals its reference matrix and its description."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.units import mm

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
REFERENCE = json.loads((BENCHMARKS / "results" / "standard_problem_matrix.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Any]:
    sys.path.insert(0, str(BENCHMARKS))
    yield import_module("standard_problem")
    sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(one, id=f"{one['million']}", marks=[pytest.mark.slow] if one["million"] > 1.0 else [])
        for one in REFERENCE
    ],
)
def test_matrix_and_rhs_equal_reference(benchmark: Any, reference: dict[str, float]) -> None:
    assert benchmark.CELL_SIZES[reference["million"]] == pytest.approx(reference["cell"], rel=1e-12)
    problem = benchmark.standard_problem(reference["cell"])
    found = benchmark.fingerprint(problem.conduction.to_csr(), problem.rhs)
    assert found == pytest.approx({name: reference[name] for name in found}, rel=1e-12)


@pytest.mark.parametrize("factor", [1.0 + 1e-9, 1.0 - 1e-9])
def test_fingerprint_detects_change_of_one_part_in_1e9(benchmark: Any, factor: float) -> None:
    problem = benchmark.standard_problem(4 * mm)
    matrix = problem.conduction.to_csr()
    before = benchmark.fingerprint(matrix, problem.rhs)
    after = benchmark.fingerprint(matrix * factor, problem.rhs * factor)
    same = ("nz", "ny", "nx", "entries")
    for name in before.keys() - set(same):
        assert after[name] != pytest.approx(before[name], rel=1e-12)


def test_fingerprint_detects_two_exchanged_cells(benchmark: Any) -> None:
    problem = benchmark.standard_problem(4 * mm)
    matrix = problem.conduction.to_csr()
    order = np.arange(matrix.shape[0])
    order[[1000, 2000]] = order[[2000, 1000]]
    before = benchmark.fingerprint(matrix, problem.rhs)
    after = benchmark.fingerprint(matrix[order][:, order], problem.rhs)
    assert after["rough_energy"] != pytest.approx(before["rough_energy"], rel=1e-12)


@pytest.mark.parametrize("cell", [4.0, 1.0])
def test_description_gives_the_same_operator(benchmark: Any, cell: float) -> None:
    own = benchmark.standard_problem(cell * mm).conduction
    described = assemble_conduction(benchmark.described_model(cell * mm), dtype=np.float64)
    for name in ("g_x", "g_y", "g_z"):
        np.testing.assert_allclose(getattr(described, name), getattr(own, name), rtol=1e-14)
    np.testing.assert_array_equal(described.boundary.cell, own.boundary.cell)
    np.testing.assert_allclose(described.boundary.conductance, own.boundary.conductance, rtol=1e-14)


def test_description_has_total_power(benchmark: Any) -> None:
    model = benchmark.described_model(2 * mm)
    assert model.total_power == pytest.approx(sum(power for _, _, power in benchmark.powers()), rel=1e-9)
