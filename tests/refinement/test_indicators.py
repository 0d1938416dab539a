"""The adjoint of a peak, and the indicators of the error of intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exact.cases import block_cases
from support.exact_packages import package_of_case

from thermostack import Convection, Cooling, Layer, Material, Model, Package, Power, Stack, discretize
from thermostack.refinement.indicators import (
    SolvedGrid,
    adjoint_source,
    bounded_parts,
    interval_indicators,
    net_outflow_of_plane,
)
from thermostack.steady import SolverOptions, _solve_grid
from thermostack.units import mm, um

FALLING = Material("si", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
OPTIONS = SolverOptions(1e-11, "multigrid", 1, estimate=True)


def solved(model: Model) -> SolvedGrid:
    return _solve_grid(model, OPTIONS, {}, lambda stage: None)


def two_layers(material: Material, power: float = 20.0) -> Package:
    """Return a heated layer on another, cooled from both sides."""
    layers = (
        Layer("bulk", 0.5 * mm, Material("bulk", 20.0)),
        Layer("active", 50 * um, material, power=Power(power)),
    )
    stack = Stack("die", (4 * mm, 3 * mm), layers)
    return Package("die", (stack,), Cooling(top=Convection(1e4, 300.0), bottom=Convection(2e3, 310.0)))


@pytest.mark.parametrize("material", [Material("si", 148.0), FALLING], ids=["constant", "of temperature"])
def test_adjoint_is_the_change_of_the_peak_by_a_source(material: Material) -> None:
    """With the operator frozen, 1 W in a cell changes the cell of the peak by the adjoint."""
    grid = solved(discretize(two_layers(material), cell=(1 * mm, 1 * mm, 0.2 * mm)))
    (n,) = bounded_parts(grid.result.parts)
    part = grid.result.parts[n]
    assert part.error is not None
    tolerance = part.error / 1.5  # the weight is 1
    source = adjoint_source(grid, tolerance, 0.5)
    assert source.sum() == pytest.approx(1.0)
    peak_cell = np.unravel_index(int(source.argmax()), source.shape)
    adjoint = grid.solve(source)
    for cell in [(0, 0, 0), (1, 2, 3), peak_cell]:
        unit = np.zeros(source.shape)
        unit[cell] = 1.0
        change = np.linalg.solve(dense_operator(grid), unit.ravel()).reshape(source.shape)
        assert adjoint[cell] == pytest.approx(change[peak_cell], rel=0.02)  # the tolerance of the adjoint


def dense_operator(grid: SolvedGrid) -> np.ndarray:
    """Return the operator as a matrix, column by column."""
    conduction, shape = grid.fluxes.conduction, grid.fluxes.t.shape
    units = np.eye(conduction.cells).reshape(-1, *shape)
    return np.array([conduction.apply(unit).ravel() for unit in units]).T


def test_net_outflows_add_up_to_the_power_of_every_cell() -> None:
    grid = solved(discretize(two_layers(Material("si", 148.0)), cell=(1 * mm, 1 * mm, 0.2 * mm)))
    for k in range(grid.fluxes.t.shape[0]):
        net = net_outflow_of_plane(grid.fluxes, k).sum(axis=0)
        assert net == pytest.approx(grid.result.model.power_of_plane(k), abs=1e-7)


def test_flow_in_one_direction_has_no_indicator_in_the_others() -> None:
    """The whole of each layer is heated: no heat flows in plan, and kinks between layers do not count."""
    package = two_layers(Material("si", 148.0))
    grid = solved(discretize(package, cell=(1 * mm, 1 * mm, 0.1 * mm)))
    z, y, x = interval_indicators(grid.fluxes, grid.solve(adjoint_source(grid, 1e-4, 0.5)))
    assert y.max() < 1e-2 * z.max()
    assert x.max() < 1e-2 * z.max()
    heated = grid.result.model.grid.z_center > 0.5 * mm
    assert z[~heated].max() < 1e-2 * z[heated].max()


def test_sum_of_indicators_is_of_the_size_of_the_error() -> None:
    """The sum over all intervals, over the weight of the peak, against the true error of an exact case."""
    from exact.cases import reference_values

    case = next(case for case in block_cases() if case.name == "edge_and_corner")
    grid = solved(discretize(package_of_case(case), fineness=0.7))
    parts = grid.result.parts
    worst = max((parts[n] for n in bounded_parts(parts)), key=lambda part: part.error or 0.0)
    alone = replace(grid, result=replace(grid.result, parts=tuple(
        part if part is worst else replace(part, error=0.0) for part in parts
    )))  # fmt: skip
    assert worst.error is not None
    source = adjoint_source(alone, worst.error / 1.5, 0.5)
    total = sum(float(each.sum()) for each in interval_indicators(grid.fluxes, grid.solve(source)))
    truth = worst.max - reference_values(case)[worst.name.split(".")[-1]].peak
    assert 0.2 * abs(truth) < total < 5.0 * abs(truth)


def test_parts_without_power_are_bounded_only_where_none_has_power() -> None:
    heated = solved(discretize(two_layers(Material("si", 148.0)), cell=1 * mm)).result.parts
    assert [heated[n].name for n in bounded_parts(heated)] == ["die.active"]
    idle = [replace(part, power=0.0) for part in heated]
    assert [idle[n].name for n in bounded_parts(idle)] == ["die.bulk", "die.active"]
