"""Heat capacities of cells: sums over parts, temperature laws, and materials without a heat capacity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.small_workloads import HOT_SILICON, workload_model, workload_package

from thermostack import DescriptionError, Material, discretize
from thermostack.finite_volume.heat_capacity import (
    CellHeatCapacity,
    assemble_capacity,
    has_constant_capacity,
    update_capacity,
)
from thermostack.mesh.model import Model
from thermostack.units import mm


def volumes(model: Model) -> np.ndarray:
    grid = model.grid
    return grid.dz[:, None, None] * grid.dy[:, None] * grid.dx


def test_capacity_of_a_stack_is_volume_times_volumetric_heat_capacity() -> None:
    model = workload_model()
    capacity = assemble_capacity(model)
    board, die, memory = 9 * 5 * 1.0, 4 * 3 * 0.3, 2 * 2 * 0.3  # mm3
    expected = {"board": board * 2000.0 * 900.0, "die": die * 1.6e6, "memory": memory * 1.6e6}
    for stack, joules in expected.items():
        own = [n for n, part in enumerate(model.parts, 1) if part.name.startswith(f"{stack}.")]
        assert capacity[np.isin(model.part, own)].sum() == pytest.approx(joules * mm**3, rel=1e-12)
    assert capacity.shape == model.grid.shape
    assert capacity.dtype == np.float64


@pytest.mark.parametrize("cell", [3 * mm, 1 * mm, 0.3 * mm])
def test_total_capacity_does_not_depend_on_the_grid(cell: float) -> None:
    total = assemble_capacity(discretize(workload_package(), cell)).sum()
    assert total == pytest.approx(assemble_capacity(workload_model()).sum(), rel=1e-12)


def test_capacity_is_zero_outside_the_body_and_positive_inside() -> None:
    model = workload_model()
    capacity = assemble_capacity(model)
    assert (model.part == 0).sum() == 48
    assert np.array_equal(capacity > 0.0, model.part > 0)
    hot = assemble_capacity(model, np.full(model.grid.shape, 400.0))
    assert np.array_equal(hot, capacity)  # nothing here depends on temperature


def test_capacity_law_is_evaluated_at_the_temperature_of_each_cell() -> None:
    model = workload_model(HOT_SILICON)
    t = 280.0 + 250.0 * np.random.default_rng(3).random(model.grid.shape)
    capacity = assemble_capacity(model, t)
    heat = 2330.0 * np.interp(t, (250.0, 300.0, 400.0, 600.0), (650.0, 710.0, 790.0, 870.0))
    of_die = [n for n, part in enumerate(model.parts, 1) if part.name.startswith("die.")]
    inside = np.isin(model.part, of_die)
    assert np.allclose(capacity[inside], (heat * volumes(model))[inside], rtol=1e-13)
    others = assemble_capacity(workload_model(), t)
    assert np.array_equal(capacity[~inside], others[~inside])


def test_capacity_law_without_temperature_is_evaluated_at_300_k() -> None:
    model = workload_model(HOT_SILICON)
    cold = assemble_capacity(model)
    assert np.allclose(cold, assemble_capacity(model, np.full(model.grid.shape, 300.0)), rtol=1e-13)


def test_updated_capacity_equals_assembled_capacity() -> None:
    model = workload_model(HOT_SILICON)
    t = 20.0 + 200.0 * np.random.default_rng(5).random(model.grid.shape)
    capacity, storage = assemble_capacity(model), CellHeatCapacity(model)
    expected = assemble_capacity(model, t + 300.0)
    assert not np.array_equal(capacity, expected)
    capacity[~storage.varies] *= 2.0  # planes that the update must not change
    update_capacity(capacity, model, storage.at_temperature(t, 300.0))
    capacity[~storage.varies] *= 0.5
    assert np.array_equal(capacity, expected)
    assert 0 < np.count_nonzero(storage.varies) < len(capacity)


def test_capacity_ignores_temperatures_outside_the_body() -> None:
    model = workload_model(HOT_SILICON)
    t = np.where(model.part > 0, 350.0, np.nan)
    assert np.isfinite(assemble_capacity(model, t)).all()


def test_has_constant_capacity() -> None:
    assert has_constant_capacity(workload_model())
    assert not has_constant_capacity(workload_model(HOT_SILICON))
    only_conductivity = Material(
        "s", {"power_law": {"at_reference": 120.0, "exponent": 1.3}}, volumetric_heat_capacity=1.6e6
    )
    assert has_constant_capacity(workload_model(only_conductivity))


def test_error_lists_each_material_without_capacity_once_with_a_part() -> None:
    package = workload_package(Material("bare", 120.0))
    board, *others = package.stacks
    plate = replace(board.layers[0], material=Material("plain", 20.0))
    package = replace(package, stacks=(replace(board, layers=(plate,)), *others))
    with pytest.raises(DescriptionError) as caught:
        assemble_capacity(discretize(package, 1 * mm))
    diagnostics = {diagnostic.field: diagnostic for diagnostic in caught.value.diagnostics}
    assert set(diagnostics) == {"materials.bare", "materials.plain"}
    for name, part in (("bare", "die.active"), ("plain", "board.plate")):
        diagnostic = diagnostics[f"materials.{name}"]
        assert diagnostic.code == "E-MISSING"
        assert diagnostic.message == f"the material of {part} has no heat capacity"
        assert diagnostic.hint == "give density and specific_heat, or volumetric_heat_capacity"
