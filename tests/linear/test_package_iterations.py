"""Iterations of the column multigrid on the default grids of the shipped packages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import thermostack as ts
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import add_boundary_sources, assemble_conduction
from thermostack.linear.solver import prepare

CELLS = {
    name: peak["cells"]
    for name, peak in json.loads((Path(__file__).parents[2] / "meshes" / "peaks.json").read_text()).items()
}
MAX_ITERATIONS = 10  # to a residual of 1e-8 from zero
# Grids on which no pairs of whole rows suit all places: the error of a thin trace, of the gap under a lid or
# between dies is left to the conjugate gradients.
MORE_ITERATIONS = {
    "cowos_l_2300w": 12,
    "mi300x": 16,
    "mi355x": 16,
    "qfn_wirebond": 20,
    "sip_rf_power": 19,
    "v_cache_gen2": 16,
}
MAX_CELLS = 400_000  # of the packages that every run of the tests solves


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if cells > MAX_CELLS else [])
        for name, cells in CELLS.items()
    ],
)
def test_default_grid_needs_few_iterations(name: str) -> None:
    model = ts.discretize(ts.read_package(name))
    conduction = assemble_conduction(model, CellConductivity(model))
    rhs = model.power
    add_boundary_sources(model, conduction, rhs, model.boundary.mean_ambient)
    _, report = prepare(conduction, widths=(model.grid.dx, model.grid.dy)).solve(rhs)
    assert report.fallback == ""
    assert report.iterations <= MORE_ITERATIONS.get(name, MAX_ITERATIONS)
