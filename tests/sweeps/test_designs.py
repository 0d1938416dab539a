"""Designs: numbers of cases, reproducible samples, and the order in which cases are solved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thermostack.errors import DescriptionError
from thermostack.sweeps.case_order import COEFFICIENT, GEOMETRY, MATERIAL, POWER, field_kind
from thermostack.sweeps.study import Study

UNIFORM = {"from": "20 um", "to": "100 um"}


def study(axes: dict[str, Any], design: Any = "grid") -> Study:
    return Study(package="fcbga", axes=axes, design=design, outputs={"peak": "peak"})


def test_a_grid_has_all_combinations_and_the_last_axis_varies_fastest() -> None:
    made = study({"a": ["1 um", "2 um"], "b": {"from": 1, "to": 3, "steps": 3}})
    cells = [tuple(made.case(n).inputs.values()) for n in range(made.count)]
    assert cells == [(a, b) for a in (1.0, 2.0) for b in (1.0, 2.0, 3.0)]


def test_zipped_axes_vary_together() -> None:
    corner = {"a": {"values": [1, 2], "zip": "corner"}, "b": {"values": ["x", "y"], "zip": "corner"}}
    made = study({**corner, "c": [7, 8, 9]})
    assert made.count == 6
    assert {tuple(made.case(n).inputs.values())[:2] for n in range(6)} == {(1.0, "x"), (2.0, "y")}


def test_other_fields_have_the_same_value_and_no_column() -> None:
    made = study({"a": {"values": ["1 um", "2 um"], "also": ["b", "c"]}})
    assert made.case(1).overrides == {"a": "2 um", "b": "2 um", "c": "2 um"}
    assert made.case(1).inputs == {"a": 2.0}


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_tornado_has_a_nominal_case_and_two_for_each_axis(d: int) -> None:
    made = study({f"a{n}": {"nominal": "50 um", "tolerance": "10 %"} for n in range(d)}, "tornado")
    assert made.count == 2 * d + 1
    assert (made.levels[0] == 50.0).all()
    assert ((made.levels[1:] != 50.0).sum(axis=1) == 1).all()
    assert sorted(made.levels[1:][made.levels[1:] != 50.0].tolist()) == [45.0] * d + [55.0] * d


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_a_sample_is_reproducible_by_its_seed(kind: str) -> None:
    axes = {"a": UNIFORM, "b": {"mean": 1.0, "deviation": 0.1}, "c": ["x", "y"]}
    first, again, other = (study(axes, {kind: {"cases": 64, "seed": seed}}).levels for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_each_interval_of_an_axis_has_one_point(kind: str) -> None:
    levels = study({"a": UNIFORM, "b": UNIFORM}, {kind: {"cases": 32, "seed": 5}}).levels
    for column in levels.T:
        interval = np.floor((column - 20.0) / 80.0 * 32).astype(int)
        assert sorted(interval.tolist()) == list(range(32))


@pytest.mark.parametrize(("second_order", "block"), [(False, 5), (True, 8)])
def test_the_design_of_saltelli_exchanges_one_column_at_a_time(second_order: bool, block: int) -> None:
    options = {"samples": 16, "seed": 3, "second_order": second_order}
    made = study(dict.fromkeys("abc", UNIFORM), {"saltelli": options})
    assert made.count == 16 * block
    for rows in made.levels.reshape(16, block, 3):
        a, b = rows[0], rows[-1]
        for n in range(3):
            is_n = np.arange(3) == n
            np.testing.assert_array_equal(rows[1 + n], np.where(is_n, b, a))
            if second_order:
                np.testing.assert_array_equal(rows[4 + n], np.where(is_n, a, b))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("stacks.die.layers.tim.thickness", GEOMETRY),
        ("stacks.hbm.layers.die.material", MATERIAL),
        ("materials.tim.conductivity", MATERIAL),
        ("cooling.top.convection.ambient", COEFFICIENT),
        ("stacks.die.layers.tim.interface.top", COEFFICIENT),
        ("stacks.die.power", POWER),
        ("stacks.die.layers.active.power.scale_to", POWER),
    ],
)
def test_kind_of_a_field(path: str, kind: int) -> None:
    assert field_kind(path) == kind


def test_powers_vary_fastest_and_the_geometry_slowest() -> None:
    paths = ["stacks.d.power", "cooling.top.convection.h", "materials.m.conductivity", "stacks.d.size"]
    made = study({path: [1, 2] for path in paths})
    solved = made.levels[made.order]
    changes = [int((np.diff(solved[:, n]) != 0).sum()) for n in range(4)]
    assert changes == [15, 7, 3, 1]
    assert sorted(made.order.tolist()) == list(range(16))


def test_a_tornado_varies_lists_around_their_first_value() -> None:
    made = study(
        {
            "m": ["copper", "silicon", "aluminum"],
            "t": {"nominal": "50 um", "tolerance": "10 um"},
            "x": {"values": [1, 2], "zip": "z"},
            "y": {"values": ["a", "b"], "zip": "z"},
        },
        "tornado",
    )
    assert made.count == 1 + 2 + 2 + 1
    cells = [tuple(made.case(n).inputs.values()) for n in range(made.count)]
    assert cells == [
        ("copper", 50.0, 1.0, "a"),
        ("silicon", 50.0, 1.0, "a"),
        ("aluminum", 50.0, 1.0, "a"),
        ("copper", 40.0, 1.0, "a"),
        ("copper", 60.0, 1.0, "a"),
        ("copper", 50.0, 2.0, "b"),
    ]


ERRORS = [
    ({"a": UNIFORM}, "grid", "E-MISSING", "steps"),
    ({"a": {"mean": 1, "deviation": 1}}, "grid", "E-VALUE", "latin_hypercube"),
    ({"a": {"values": [1, 2], "zip": "z"}, "b": {"values": [1], "zip": "z"}}, "grid", "E-VALUE",
     "equally many"),
    ({"a": {"values": [1, 2], "zip": "z"}, "b": {"nominal": 1, "tolerance": 0.5, "zip": "z"}}, "tornado",
     "E-VALUE", "a has 2, b has 3"),
    ({"a": UNIFORM}, {"sobol": {"cases": 60, "seed": 1}}, "E-RANGE", "write cases: 64"),
    ({"a": UNIFORM}, {"sobol": {"cases": 64}}, "E-MISSING", "missing"),
    ({"a": UNIFORM}, {"latin_hypercube": {"cases": 0, "seed": 1}}, "E-RANGE", "0 is not"),
    ({"a": UNIFORM}, {"latin_hypercube": {"cases": 8, "seed": -1}}, "E-TYPE", "seed"),
    ({"a": UNIFORM}, {"saltelli": {"samples": 5, "seed": 1}}, "E-RANGE", "power of two"),
    ({"a": {**UNIFORM, "zip": "z"}, "b": {**UNIFORM, "zip": "z"}}, {"saltelli": {"samples": 4, "seed": 1}},
     "E-VALUE", "independently"),
    ({"a": UNIFORM}, "box_behnken", "E-TYPE", "latin_hypercube"),
    ({f"a{n}": {"from": 1, "to": 2, "steps": 100} for n in range(4)}, "grid", "E-RANGE", "100000000 cases"),
]  # fmt: skip


@pytest.mark.parametrize(("axes", "design", "code", "text"), ERRORS)
def test_errors_of_designs(axes: Any, design: Any, code: str, text: str) -> None:
    with pytest.raises(DescriptionError) as error:
        study(axes, design)
    diagnostic = error.value.diagnostics[0]
    assert diagnostic.code == code
    assert text in diagnostic.message + diagnostic.hint
    assert "design" in diagnostic.field
