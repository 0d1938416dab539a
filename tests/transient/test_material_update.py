"""The coefficients of a transient: taken again where that matters, kept where it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.small_workloads import HOT_SILICON, workload_model

from thermostack import Convection, Cooling, Layer, Material, Package, Stack, discretize
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.heat_capacity import assemble_capacity, has_constant_capacity
from thermostack.mesh.model import Model
from thermostack.transient.material_update import MaterialUpdate, are_constant
from thermostack.transient.stepper import LinearCombination
from thermostack.units import mm

ZERO, TOLERANCE = 310.0, 0.05  # K


@pytest.fixture(name="model")
def _model() -> Model:
    return workload_model(HOT_SILICON)


def made(model: Model, tolerance: float = TOLERANCE) -> MaterialUpdate:
    """Return those of a body that is warm, taken there."""
    found = MaterialUpdate(model, ZERO, tolerance)
    found.evaluate(warm(model))
    return found


def warm(model: Model, by: float = 30.0) -> np.ndarray:
    """Return temperatures over zero [K], no two alike."""
    return by * (1.0 + np.linspace(0.0, 0.1, model.part.size).reshape(model.part.shape))


def mixed(*fields: np.ndarray) -> LinearCombination:
    """Return the mean of some temperatures."""
    rows = np.arange(len(fields), dtype=np.intc)
    return LinearCombination(
        np.stack([t.ravel() for t in fields]), rows, np.full(len(fields), 1.0 / len(fields))
    )


def check_halves(found: MaterialUpdate) -> None:
    """The halves that are kept are those of the temperatures of the conductances."""
    kept = found.conductivity
    fresh = CellConductivity(found.model).at_temperature(kept.temperature, kept.zero)
    fresh = fresh.with_boundary(kept.boundary)
    for k in np.flatnonzero(varying(found.model)).tolist():
        plane = fresh.plane(k)
        for half, expected in zip(kept.halves(k, plane), fresh.halves(k, plane), strict=True):
            assert half == pytest.approx(expected, rel=1e-7)


def varying(model: Model) -> np.ndarray:
    """Return which planes have cells whose conductivity depends on temperature, (nz,)."""
    return CellConductivity(model).varies


def bits(coefficients: MaterialUpdate) -> list[bytes]:
    conduction = coefficients.conduction
    faces = (conduction.g_x, conduction.g_y, conduction.g_z, conduction.boundary_face_conductance)
    return [array.tobytes() for array in (*faces, coefficients.capacity)]


def test_they_are_those_of_the_temperatures_they_were_taken_at(model: Model) -> None:
    assert not are_constant(model)
    assert not has_constant_capacity(model)
    found, t = made(model), warm(model) + ZERO
    expected = assemble_conduction(model, CellConductivity(model, t))
    assert np.array_equal(found.conduction.g_z, expected.g_z)
    assert np.array_equal(found.capacity, assemble_capacity(model, t))
    plain = MaterialUpdate(model, ZERO, TOLERANCE)
    assert np.array_equal(plain.conduction.g_z, assemble_conduction(model).g_z)
    assert not np.array_equal(plain.conduction.g_z, expected.g_z)
    assert not np.array_equal(plain.capacity, found.capacity)


def test_what_is_foreseen_counts_where_it_matters(model: Model) -> None:
    found, now = made(model), warm(model)
    before = bits(found)
    assert not found.predict(now, mixed(now + 1e-3))
    assert bits(found) == before
    assert found.predict(now, mixed(now + 5.0))
    expected = assemble_conduction(model, CellConductivity(model, now + 5.0 + ZERO))
    assert np.array_equal(found.conduction.g_z, expected.g_z)
    assert made(model, tolerance=1e3).predict(now, mixed(now + 5.0)) is False


def test_what_is_found_is_taken_in_the_middle_of_the_step(model: Model) -> None:
    found, now = made(model), warm(model)
    assert not found.predict(now, mixed(now))
    before = bits(found)
    assert not found.correct(mixed(now, now + 1e-3))
    assert bits(found) == before
    end = now + 10.0
    assert found.correct(mixed(now, end))
    varies = varying(model)
    assert np.array_equal(found.state()["conductivity_at"][varies], 0.5 * (now + end)[varies])
    beside = np.convolve(varies, [1, 1, 1], "same") > 0  # half cells depend on the planes next to them
    check_halves(found)
    assert np.array_equal(found.state()["conductivity_at"][~beside], now[~beside])
    assert not found.correct(mixed(now, end))  # they are there


def test_small_drifts_of_capacities_add_up(model: Model) -> None:
    """Conductivities are taken again each time, capacities when they have strayed as far as matters."""
    found, now, varies = made(model), warm(model), varying(model)
    stored = [found.state()["capacity_at"].mean()]
    count = 0
    while stored[-1] == stored[0] and count < 100:
        count += 1
        middle = now + 0.5 * count
        assert found.predict(now, mixed(middle))
        assert np.array_equal(found.state()["conductivity_at"][varies], middle[varies])
        stored.append(found.state()["capacity_at"].mean())
    assert 1 < count < 100
    assert np.array_equal(found.state()["capacity_at"][varies], middle[varies])
    assert np.array_equal(found.capacity, assemble_capacity(model, middle + ZERO))


def test_planes_may_vary_in_one_of_the_two_alone() -> None:
    """At the bottom what conducts by temperature and does not store so, over it what does both."""
    only_conducts = Material(
        "c", {"power_law": {"at_reference": 120.0, "exponent": 1.3}}, volumetric_heat_capacity=1.6e6
    )
    layers = Layer("low", 1 * mm, only_conducts), Layer("high", 1 * mm, HOT_SILICON)
    stack = Stack("body", (4 * mm, 4 * mm), layers)
    model = discretize(Package("two", (stack,), Cooling(top=Convection(1e4, 300.0))), 1 * mm)
    now = warm(model)
    for take in (lambda found: found.evaluate(now), lambda found: found.predict(now, mixed(now))):
        found = MaterialUpdate(model, ZERO, TOLERANCE)
        take(found)
        assert np.array_equal(found.capacity, assemble_capacity(model, now + ZERO))
        expected = assemble_conduction(model, CellConductivity(model, now + ZERO))
        assert np.array_equal(found.conduction.g_z, expected.g_z)
        other = MaterialUpdate(model, ZERO, TOLERANCE)
        other.restore(found.state(), None)
        assert bits(other) == bits(found)


def test_only_planes_where_it_matters_are_taken_again(model: Model) -> None:
    """A plane of hot silicon that drifts is, and its neighbours share its faces; one that does not is not."""
    found, now = made(model), warm(model)
    before, planes = bits(found), np.flatnonzero(varying(model))
    assert planes.size > 1
    drifting = now.copy()
    drifting[planes[0]] += 5.0
    assert found.predict(now, mixed(drifting))
    taken = found.state()["conductivity_at"]
    assert np.array_equal(taken[planes[0]], drifting[planes[0]])
    others = np.arange(len(now)) != planes[0]
    assert np.array_equal(taken[others], now[others])
    expected = assemble_conduction(model, CellConductivity(model, taken + ZERO))
    assert np.array_equal(found.conduction.g_z, expected.g_z)
    assert np.array_equal(found.conduction.g_x, expected.g_x)
    assert bits(found) != before
    assert np.count_nonzero(found.state()["capacity_drift"]) <= 1


def test_a_material_that_changes_only_when_it_is_hotter_is_followed() -> None:
    """Between the outside and 60 K over it the conductivity stays the same."""
    law = {"table": {"temperature": [300.0, 400.0, 500.0], "conductivity": [100.0, 100.0, 50.0]}}
    model = workload_model(Material("late", law, volumetric_heat_capacity=1.6e6))
    found, now = MaterialUpdate(model, ZERO, TOLERANCE), warm(model, by=130.0)
    assert found.predict(now, mixed(now))
    assert not found.predict(now, mixed(now))
    assert found.predict(now, mixed(now + 5.0))


def test_coefficients_change_surfaces_alone(model: Model) -> None:
    found = made(model)
    g_z, surface = found.conduction.g_z, found.conduction.boundary_face_conductance
    share = np.full(surface.size, 0.5)
    assert found.set_htc_fraction(share)
    assert np.array_equal(found.conduction.g_z, g_z)
    assert (found.conduction.boundary_face_conductance < surface).all()
    assert not found.set_htc_fraction(share.copy())
    assert found.set_htc_fraction(None)
    assert np.array_equal(found.conduction.boundary_face_conductance, surface)
    assert not found.set_htc_fraction(None)


def test_they_come_back_to_the_last_bit(model: Model) -> None:
    found, now = made(model), warm(model)
    share = np.full(found.conduction.boundary_face_conductance.size, 0.7)
    found.set_htc_fraction(share)
    assert found.predict(now, mixed(now + 0.5))  # conductivities, and not yet capacities
    state = found.state()
    assert not np.array_equal(state["conductivity_at"], state["capacity_at"])
    other = MaterialUpdate(model, ZERO, TOLERANCE)
    other.restore(state, share)
    assert bits(other) == bits(found)
    assert np.array_equal(other.state()["capacity_drift"], state["capacity_drift"])
    assert (state["capacity_drift"][varying(model)] > 0.0).all()


def test_what_does_not_depend_on_temperature_never_changes() -> None:
    model = workload_model()
    found, now = MaterialUpdate(model, ZERO, TOLERANCE), warm(model)
    assert found.are_constant
    assert are_constant(model)
    assert not found.predict(now, mixed(now + 500.0))
    assert not found.correct(mixed(now, now + 500.0))
    assert found.state()["conductivity_at"].size == 0
    assert found.conductivity.temperature is None


def test_change_of_an_ambient_evaluates_the_cells_behind_it(model: Model) -> None:
    """Half a cell at the surface conducts with the mean up to the temperature of its face."""
    found, now, warmer = made(model), warm(model), model.boundary.temperature + 40.0
    assert not found.predict(now, mixed(now))
    found.set_ambient(warmer)
    assert found.predict(now, mixed(now))
    check_halves(found)
    faces = replace(model.boundary, temperature=warmer)
    conductivity = CellConductivity(model, now + ZERO).with_boundary(faces)
    expected = assemble_conduction(model, conductivity).boundary_face_conductance
    assert np.array_equal(found.conduction.boundary_face_conductance, expected)
    assert not np.array_equal(expected, made(model).conduction.boundary_face_conductance)
    again = made(model)
    again.restore(found.state(), None)
    assert bits(again) == bits(found)
