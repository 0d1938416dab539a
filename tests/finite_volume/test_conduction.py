"""Conductances by hand, three forms of the operator, and rotated and temperature-dependent conductivities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.small_workloads import HOT_SILICON, workload_model

from thermostack import (
    Convection,
    Cooling,
    FixedFlux,
    FixedTemperature,
    Grid,
    Interface,
    Layer,
    Material,
    Model,
    Package,
    Region,
    Stack,
    discretize,
    read_package,
)
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import (
    BoundaryConductance,
    Conduction,
    add_boundary_sources,
    assemble_conduction,
    half_cell_resistance,
    update_conduction,
)
from thermostack.materials.material import VOID
from thermostack.units import mm

ODD = Material("odd", (10.0, 20.0, 5.0))
FALLING = Material("falling", {"power_law": {"at_reference": 100.0, "exponent": 1.0}})  # 100 * 300 / T
X, Y, Z = np.array([0.0, 1.0, 3.0]) * mm, np.array([0.0, 4.0, 5.0]) * mm, np.array([0.0, 0.5, 0.8]) * mm


def model_of(*layers: Layer, grid: Grid | None = None, rotate: Any = 0, **cooling: Any) -> Model:
    stack = Stack("s", (3 * mm, 5 * mm), layers, rotate=rotate)
    faces = cooling or {"top": Convection(1e4, 300.0)}
    return discretize(Package("case", (stack,), Cooling(**faces)), cell=1 * mm, grid=grid or Grid(X, Y, Z))


def two_layers(upper: Material = ODD, lower: Material = ODD, resistance: float = 0.0, **more: Any) -> Model:
    """Return two layers of 0.5 and 0.3 mm in cells of 1 and 2 by 4 and 1 mm."""
    over = Layer("upper", 0.3 * mm, upper, interface=Interface(bottom=resistance))
    return model_of(Layer("lower", 0.5 * mm, lower), over, **more)


def random_conduction(shape: tuple[int, int, int], seed: int) -> Conduction:
    """Return conductances of any size, a tenth of them zero."""
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape

    def some(*size: int) -> np.ndarray:
        return np.where(rng.random(size) < 0.1, 0.0, 10.0 ** rng.uniform(-3, 3, size))

    return Conduction(
        some(nz, ny, nx - 1),
        some(nz, ny - 1, nx),
        some(nz - 1, ny, nx),
        BoundaryConductance.from_dense(some(nz, ny, nx)),
    )


# -- conductances by hand ------------------------------------------------------------------


def test_conductance_is_that_of_two_half_cells_in_series() -> None:
    """A / (d1 / 2 k1 + d2 / 2 k2) with the conductivity along the axis."""
    g = assemble_conduction(two_layers())
    assert g.g_x[1, 0, 0] == pytest.approx(0.3 * mm * 4 * mm / (0.5 * mm / 10 + 1 * mm / 10))
    assert g.g_y[0, 0, 1] == pytest.approx(0.5 * mm * 2 * mm / (2 * mm / 20 + 0.5 * mm / 20))
    assert g.g_z[0, 1, 0] == pytest.approx(1e-6 / (0.25 * mm / 5 + 0.15 * mm / 5))


def test_contact_resistance_is_in_series_with_two_materials() -> None:
    g = assemble_conduction(two_layers(Material("cu", 400.0), resistance=1e-5))
    assert g.g_z[0, 0, 1] == pytest.approx(8e-6 / (0.25 * mm / 5 + 1e-5 + 0.15 * mm / 400))
    assert g.g_x[0, 0, 0] == assemble_conduction(two_layers()).g_x[0, 0, 0]


def test_two_contact_resistances_at_one_plane_add() -> None:
    """One at the top of the lower layer, one at the bottom of the upper layer."""
    lower = Layer("lower", 0.5 * mm, ODD, interface=Interface(top=3e-5))
    upper = Layer("upper", 0.3 * mm, ODD, interface=Interface(bottom=1e-5))
    g = assemble_conduction(model_of(lower, upper))
    assert g.g_z[0, 0, 0] == pytest.approx(4e-6 / (0.4 * mm / 5 + 4e-5))


def test_convection_is_in_series_with_a_half_cell_and_fixed_temperature_is_a_half_cell() -> None:
    g = assemble_conduction(two_layers(top=Convection(1e4, 300.0), west=FixedTemperature(310.0)))
    up, west = 4e-6 / (0.15 * mm / 5 + 1e-4), 0.3 * mm * 4 * mm / (0.5 * mm / 10)
    assert g.boundary.dense[1, 0, 0] == pytest.approx(up + west)
    assert g.boundary.dense[1, 0, 1] == pytest.approx(8e-6 / (0.15 * mm / 5 + 1e-4))
    assert g.boundary.dense[0, 0, 1] == 0.0
    assert g.boundary_face_conductance.sum() == pytest.approx(g.boundary.dense.sum(), rel=1e-12)


def test_fixed_flux_has_no_conductance() -> None:
    g = assemble_conduction(two_layers(top=Convection(1e4, 300.0), bottom=FixedFlux(flux=100.0)))
    assert not g.boundary.dense[0].any()


def test_void_has_no_conductance() -> None:
    gap = Region("gap", (1 * mm, 4 * mm), VOID)
    g = assemble_conduction(model_of(Layer("a", 0.5 * mm, ODD), Layer("b", 0.3 * mm, ODD, regions=(gap,))))
    assert g.g_z[0, 0, 0] == g.g_x[1, 0, 0] == g.g_y[1, 0, 0] == 0.0
    assert not g.is_active[1, 0, 0]
    assert g.is_active.sum() == 7
    assert np.isfinite(g.diagonal()).all()


def test_half_cell_resistance() -> None:
    """Width / (2 k) along z, y and x; infinite outside the body."""
    conductivity = np.broadcast_to(np.array([5.0, 20.0, 10.0])[:, None, None], (3, 2, 2)).copy()
    conductivity[:, 1, 1] = 0.0
    half = half_cell_resistance(Grid(X, Y, Z), conductivity, 1)
    assert half[:, 0, 1] == pytest.approx([0.15 * mm / 5, 2 * mm / 20, 1 * mm / 10])
    assert np.isinf(half[:, 1, 1]).all()


# -- three forms of one operator -------------------------------------------------------------

SHAPES = [
    (1, 1, 1),
    (1, 1, 4),
    (1, 4, 1),
    (4, 1, 1),
    (1, 3, 4),
    (3, 1, 4),
    (3, 4, 1),
    (1, 1, 2),
    (3, 4, 5),
    (2, 2, 2),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_apply_diagonal_and_matrix_agree(shape: tuple[int, int, int]) -> None:
    """All equal the matrix of a loop over pairs of cells, on axes of one cell too."""
    g = random_conduction(shape, sum(shape))
    dense = np.diag(g.boundary.dense.ravel())
    number = np.arange(dense.shape[0]).reshape(shape)
    for conductance, axis in ((g.g_x, 2), (g.g_y, 1), (g.g_z, 0)):
        low, high = (np.delete(number, end, axis) for end in (-1, 0))
        for a, b, value in zip(low.ravel(), high.ravel(), conductance.ravel(), strict=True):
            dense[a, a] += value
            dense[b, b] += value
            dense[a, b] -= value
            dense[b, a] -= value
    t = np.random.default_rng(1).standard_normal(shape)
    assert g.apply(t).ravel() == pytest.approx(dense @ t.ravel(), rel=1e-12, abs=1e-12 * dense.max())
    assert g.diagonal().ravel() == pytest.approx(np.diag(dense), rel=1e-12)
    outside = np.diag(dense) == 0.0
    dense[outside, outside] = 1.0
    assert g.to_csr().toarray() == pytest.approx(dense, rel=1e-12, abs=1e-12 * dense.max())


def test_matrix_has_a_unit_diagonal_outside_the_body() -> None:
    g = random_conduction((2, 3, 2), 5)
    for values in (g.g_x[0, 0], g.g_y[0, 0, :1], g.g_z[:, 0, 0], g.boundary.conductance[:1]):
        values[:] = 0.0
    row = g.to_csr()[[0]].toarray()
    assert row[0].tolist() == [1.0, *([0.0] * 11)]
    assert not g.is_active[0, 0, 0]


def test_matrix_stores_no_zeros() -> None:
    g = random_conduction((3, 4, 5), 2)
    assert np.count_nonzero(g.to_csr().data) == g.to_csr().nnz
    assert g.to_csr().shape == (60, 60)


# -- conductivities --------------------------------------------------------------------------


def test_conductivity_of_each_cell_is_that_of_its_part() -> None:
    values = CellConductivity(two_layers(Material("cu", 400.0))).plane(0)
    assert values.shape == (3, 2, 2)
    assert values[:, 1, 0].tolist() == [5.0, 20.0, 10.0]
    assert CellConductivity(two_layers(Material("cu", 400.0))).plane(1).tolist() == [[[400.0] * 2] * 2] * 3


def test_conductivity_law_is_evaluated_at_the_temperature_of_each_cell() -> None:
    model = two_layers(FALLING)
    t = np.full(model.grid.shape, 300.0)
    t[1] = [[400.0, 500.0], [600.0, 250.0]]
    by_temperature = CellConductivity(model, t)
    assert by_temperature.plane(1)[2] == pytest.approx(3e4 / t[1], rel=1e-12)
    assert by_temperature.plane(0).tolist() == CellConductivity(model).plane(0).tolist()
    assert CellConductivity(model).plane(1)[0] == pytest.approx(np.full((2, 2), 100.0))


def test_conductances_follow_the_temperature() -> None:
    model = two_layers(FALLING)
    t = np.full(model.grid.shape, 300.0)
    t[1] = 600.0
    g = assemble_conduction(model, CellConductivity(model, t))
    below, above, convection = 0.25 * mm / 5, 0.15 * mm / 50, 1e-4
    for _ in range(20):  # the mean of 100 (300 K / T) between the cell and its face
        face = 300.0 + 300.0 * below / (below + above)
        above = 0.15 * mm * (600.0 - face) / (30e3 * np.log(600.0 / face))
    assert g.g_z[0, 0, 0] == pytest.approx(4e-6 / (below + above), rel=1e-6)
    above = 0.15 * mm / 50
    for _ in range(20):
        face = 300.0 + 300.0 * convection / (convection + above)
        above = 0.15 * mm * (600.0 - face) / (30e3 * np.log(600.0 / face))
    assert g.boundary.dense[1, 0, 0] == pytest.approx(4e-6 / (above + convection), rel=1e-6)


def test_conductivity_table_is_interpolated_and_constant_outside_its_range() -> None:
    law = {"table": {"temperature": [300.0, 400.0, 500.0], "conductivity": [100.0, 80.0, 40.0]}}
    model = two_layers(Material("listed", law))
    t = np.full(model.grid.shape, 300.0)
    t[1] = [[350.0, 450.0], [200.0, 700.0]]
    assert CellConductivity(model, t).plane(1)[1] == pytest.approx(np.array([[90.0, 60.0], [100.0, 40.0]]))


def test_quarter_turn_exchanges_conductivity_along_x_and_y() -> None:
    """A half turn changes nothing."""
    square = Grid(np.array([0.0, 5.0]) * mm, np.array([0.0, 3.0]) * mm, Z)
    layer = Layer("sheet", 0.8 * mm, ODD)
    turned = model_of(layer, rotate=90, grid=square)
    assert CellConductivity(turned).plane(0)[:, 0, 0].tolist() == [5.0, 10.0, 20.0]
    assert CellConductivity(model_of(layer, rotate=180)).plane(0)[:, 0, 0].tolist() == [5.0, 20.0, 10.0]
    g = assemble_conduction(replace(turned, grid=square))
    assert g.g_z[0, 0, 0] == pytest.approx(15e-6 / (0.4 * mm / 5))


def test_quarter_turn_of_temperature_dependent_conductivity() -> None:
    law = {"power_law": {"at_reference": [100.0, 50.0, 20.0], "exponent": 1.0}}
    layer = Layer("sheet", 0.8 * mm, Material("odd", law))
    square = Grid(np.array([0.0, 5.0]) * mm, np.array([0.0, 3.0]) * mm, Z)
    turned = model_of(layer, rotate=270, grid=square)
    t = np.full(turned.grid.shape, 600.0)
    assert CellConductivity(turned, t).plane(0)[:, 0, 0] == pytest.approx([10.0, 50.0, 25.0])


# -- updates -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cowos_s_h100", "v_cache", "workload"])
def test_updated_conductances_equal_assembled_conductances(name: str) -> None:
    """To the last bit, in the same arrays; planes without temperature laws are not written."""
    model = workload_model(HOT_SILICON) if name == "workload" else discretize(read_package(name), 2 * mm)
    t = np.random.default_rng(1).uniform(20.0, 90.0, model.grid.shape)
    conductivity = CellConductivity(model)
    old = assemble_conduction(model, conductivity)
    expected = assemble_conduction(model, CellConductivity(model, t + 300.0))
    is_same = ~conductivity.varies
    assert is_same.any()
    assert not is_same.all()
    for faces in (old.g_x, old.g_y):
        faces[is_same] *= 2.0  # the update must not write these planes
    new = update_conduction(old, model, conductivity.at_temperature(t, 300.0))
    assert new.g_x is old.g_x
    for faces in (new.g_x, new.g_y):
        faces[is_same] *= 0.5
    for one, other in zip(arrays_of(new), arrays_of(expected), strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(
        new.boundary_face_conductance, old.boundary_face_conductance
    )  # which has a copy of its own


def arrays_of(conduction: Conduction) -> list[np.ndarray]:
    ground = conduction.boundary
    return [
        conduction.g_x,
        conduction.g_y,
        conduction.g_z,
        conduction.boundary_face_conductance,
        ground.cell,
        ground.dense,
    ]


# -- boundary sources -----------------------------------------------------------------


def test_boundary_sources_are_convection_to_the_datum_and_fixed_fluxes() -> None:
    """With a datum of 290 K: G (ambient - 290) and the flux times its area, cell by cell."""
    model = two_layers(top=Convection(1e4, 300.0), bottom=FixedFlux(heat=3.0))
    g = assemble_conduction(model)
    heat = np.ones(model.grid.shape)
    add_boundary_sources(model, g, heat, zero=290.0)
    assert heat[1] - 1.0 == pytest.approx(g.boundary.dense[1] * 10.0)
    assert heat[0] - 1.0 == pytest.approx(3.0 * np.array([[4.0, 8.0], [1.0, 2.0]]) / 15.0)
    at_ambient = np.zeros(model.grid.shape)
    add_boundary_sources(model, g, at_ambient, zero=300.0)
    assert not at_ambient[1].any()
