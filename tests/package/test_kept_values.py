"""Packages, maps, traces and models cannot change after something was computed from them and kept."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Convection,
    Cooling,
    Grid,
    HtcMap,
    Layer,
    Material,
    Package,
    PowerMap,
    Stack,
    Trace,
    discretize,
    solve_steady,
)
from thermostack.package.geometry import Part
from thermostack.units import mm

SLOW, FAST = Material("goo", 2.0, 2000.0, 900.0), Material("goo", 200.0, 2000.0, 900.0)
COPIES = [copy.copy, copy.deepcopy, lambda item: pickle.loads(pickle.dumps(item))]


def package(materials: Any) -> Package:
    layers = (Layer("body", 1 * mm, "goo", power=5.0),)
    cooling = Cooling(top=Convection(1e4, 300.0))
    return Package("case", (Stack("die", (2 * mm, 2 * mm), layers),), cooling, materials=materials)


def test_materials_of_a_package_are_a_read_only_copy() -> None:
    given = {"goo": SLOW}
    case = package(given)
    before = solve_steady(case, estimate=False).peak.max
    given["goo"] = FAST
    with pytest.raises(TypeError, match=r"read-only; use dataclasses\.replace"):
        case.materials["goo"] = FAST  # type: ignore[index]
    assert not any(hasattr(case.materials, name) for name in ("update", "pop", "clear", "setdefault"))
    assert case.materials == {"goo": SLOW}
    assert solve_steady(case, estimate=False).peak.max == before
    changed = replace(case, materials=case.materials | given)
    assert solve_steady(changed, estimate=False).peak.max < before - 1.0


@pytest.mark.parametrize("copied", COPIES, ids=["copy", "deepcopy", "pickle"])
def test_copies_are_equal_and_read_only(copied: Callable[[Any], Any]) -> None:
    case = package({"goo": SLOW})
    assert copied(case) == case
    for item, name in (
        (PowerMap([[1.0, 2.0]]), "values"),
        (HtcMap([[1.0, 2.0]]), "values"),
        (Trace.of([0.0, 1.0], {"die": [1.0, 2.0]}), "values"),
        (Grid([0.0, 1.0], [0.0, 1.0], [0.0, 1.0]), "x"),
        (discretize(case), "part"),
    ):
        array = getattr(copied(item), name)
        np.testing.assert_array_equal(array, getattr(item, name))
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_grid_copies_its_planes() -> None:
    planes = np.array([0.0, 1.0, 3.0])
    grid = Grid(planes, [0.0, 1.0], [0.0, 1.0])
    planes[1] = 2.0
    assert grid.x.tolist() == [0.0, 1.0, 3.0]
    assert grid.dx.tolist() == [1.0, 2.0]


def test_arrays_of_a_model_are_read_only() -> None:
    model = discretize(package({"goo": SLOW}))
    arrays = [*vars(model.boundary).values(), *(source.plane for source in model.layer_sources)]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_properties_at_room_temperature_are_kept_and_turned_with_the_part() -> None:
    wood = Material("wood", (1.0, 2.0, 3.0))
    part = Part("stack.layer", wood, is_turned=True)
    assert wood.room_conductivity == wood.conductivity_at(300.0)
    assert part.room_conductivity == part.conductivity_at(300.0) == (2.0, 1.0, 3.0)
    assert wood.room_conductivity is wood.room_conductivity


def test_a_package_finds_a_material_by_name_once() -> None:
    case = package({"goo": SLOW})
    assert case.material("goo") is case.material("goo")
    assert replace(case, materials={"goo": FAST}).material("goo").room_conductivity == (200.0,) * 3
    for copied in COPIES:
        assert copied(case).material("goo") == SLOW
