"""Materials: laws of temperature, heat capacities, the library, and what is refused."""

from __future__ import annotations

import doctest
import pickle
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from support.cost import count_calls

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials import material
from thermostack.materials.effective_media import ViaArray
from thermostack.materials.material import Material
from thermostack.materials.material_library import MaterialDefinitions, find_material, library
from thermostack.schema.validated_dataclass import diagnostics_of, dump

POWER_LAW = {"power_law": {"at_reference": 148.0, "exponent": 1.3, "range": (250.0, 700.0)}}
FROM_FILE = {"from_file": True}


def read(description: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions that a package file's `materials:` holds."""
    made: dict[str, Any] = TypeAdapter(MaterialDefinitions).validate_python(description, context=FROM_FILE)
    return made


def diagnostics_in(description: dict[str, Any]) -> list[Diagnostic]:
    """Return what is wrong with a `materials:` section."""
    with pytest.raises(ValidationError) as caught:
        read(description)
    return diagnostics_of(caught.value)


# -- conductivity ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (148.0, (148.0, 148.0, 148.0)),
        (3, (3.0, 3.0, 3.0)),
        ((35.0, 0.6), (35.0, 35.0, 0.6)),
        ([212.0, 150.0, 140.0], (212.0, 150.0, 140.0)),
        ("0.6 W/m/K", (0.6, 0.6, 0.6)),
        (["35 W/m/K", 0.6], (35.0, 35.0, 0.6)),
    ],
)
def test_conductivity_is_one_two_or_three_values(given_value: Any, expected: tuple[float, ...]) -> None:
    material = Material("sheet", given_value)
    assert material.conductivity_at(350.0) == expected
    assert material.is_constant
    assert material.temperature_range is None
    assert material.is_isotropic == (len(set(expected)) == 1)
    assert material.is_isotropic_in_plane == (expected[0] == expected[1])


def test_power_law() -> None:
    silicon = Material("silicon", POWER_LAW)
    assert silicon.conductivity_at(300.0) == (148.0, 148.0, 148.0)
    assert silicon.conductivity_at(400.0)[2] == pytest.approx(148.0 * 0.75**1.3, rel=1e-15)
    assert not silicon.is_constant
    assert silicon.is_isotropic


def test_linear_law_along_each_axis() -> None:
    law = {"at_reference": [58.0, 40.0], "change_per_kelvin": [-0.02, 0.0], "range": [250.0, 450.0]}
    material = Material("solder", {"linear": law})
    assert material.conductivity_at(400.0) == (56.0, 56.0, 40.0)
    assert material.is_isotropic_in_plane
    assert not material.is_isotropic


def test_table_is_linear_between_its_rows() -> None:
    table = {"temperature": [300.0, 400.0, 600.0], "conductivity": [[4.0, 1.0], [2.0, 1.0], 1.0]}
    material = Material("sheet", {"table": table})
    assert material.conductivity_at(350.0) == (3.0, 3.0, 1.0)
    assert material.conductivity_at(500.0) == (1.5, 1.5, 1.0)


def test_table_with_power_interpolation_reproduces_a_power_law() -> None:
    rows = np.array([200.0, 320.0, 700.0])
    table = {
        "temperature": rows.tolist(),
        "conductivity": (148.0 * (300.0 / rows) ** 1.3).tolist(),
        "interpolation": "power",
    }
    material, law = Material("a", {"table": table}), Material("b", POWER_LAW)
    temperature = np.linspace(250.0, 700.0, 91)
    np.testing.assert_allclose(
        material.conductivity_at(temperature)[0], law.conductivity_at(temperature)[0], rtol=1e-13
    )


@pytest.mark.parametrize(
    "law",
    [
        POWER_LAW,
        {"linear": {"at_reference": 9.0, "change_per_kelvin": -0.01, "range": [250.0, 700.0]}},
        {"table": {"temperature": [250.0, 300.0, 700.0], "conductivity": [3.0, 2.0, 1.0]}},
        {
            "table": {
                "temperature": [250.0, 300.0, 700.0],
                "conductivity": [3.0, 2.0, 1.0],
                "interpolation": "power",
            }
        },
    ],
)
def test_law_is_constant_outside_its_range(law: Any) -> None:
    material = Material("clamped", law)
    assert material.temperature_range == (250.0, 700.0)
    for outside, end in ((-50.0, 250.0), (0.0, 250.0), (5000.0, 700.0)):
        assert material.conductivity_at(outside) == material.conductivity_at(end)


@given(st.lists(st.floats(150.0, 1200.0), min_size=1, max_size=20))
def test_array_of_temperatures_equals_single_temperatures(temperatures: list[float]) -> None:
    at = np.array(temperatures)
    for name in ("silicon", "silicon_carbide_4h", "link_mfit", "si_itp", "sac305"):
        material = find_material(name)
        along = material.conductivity_at(at)
        alone = np.array([material.conductivity_at(each) for each in temperatures]).T
        np.testing.assert_allclose(np.array(along), alone, rtol=1e-14)
        assert all(values.shape == at.shape for values in along)


def test_equal_axes_share_their_array() -> None:
    x, y, z = find_material("silicon").conductivity_at(np.linspace(300.0, 400.0, 5))
    assert x is y is z
    x, y, z = find_material("silicon_carbide_4h").conductivity_at(np.linspace(300.0, 400.0, 5))
    assert x is y is not z


# -- heat capacity ---------------------------------------------------------------------------


def test_capacity_is_density_times_specific_heat_or_given_by_volume() -> None:
    assert Material("a", 1.0, density=2330.0, specific_heat=712.0).capacity_at(300.0) == 2330.0 * 712.0
    assert Material("b", 1.0, volumetric_heat_capacity="1.628 MJ/m3/K").capacity_at(300.0) == 1.628e6
    both = Material("c", 1.0, density=1000.0, specific_heat=900.0, volumetric_heat_capacity=0.9005e6)
    assert both.capacity_at(300.0) == 0.9005e6


def test_specific_heat_may_depend_on_temperature() -> None:
    heat = {"table": {"temperature": [300.0, 400.0], "specific_heat": [700.0, 800.0]}}
    material = Material("a", 1.0, density=1000.0, specific_heat=heat)
    assert material.capacity_at(350.0) == 750e3
    np.testing.assert_array_equal(material.capacity_at(np.array([200.0, 400.0])), [700e3, 800e3])
    assert not material.has_constant_capacity
    assert material.is_constant


def test_missing_capacity_raises_only_on_evaluation() -> None:
    material = Material("a", 1.0)
    assert not material.has_capacity
    with pytest.raises(DescriptionError, match=r"materials\.a: has no heat capacity .*\[E-MISSING\]"):
        material.capacity_at(300.0)


# -- what is refused and warned of -----------------------------------------------------------

X_K = {"temperature": ["300 K", "400 K"], "conductivity": ["2 W/m/K", "1 W/m/K"]}

BAD = [
    ({"conductivity": 148}, "conductivity", "E-UNIT", "148 has no unit"),
    ({"conductivity": "148"}, "conductivity", "E-UNIT", '"148" has no unit'),
    ({"conductivity": "1e3"}, "conductivity", "E-UNIT", '"1e3" has no unit'),
    ({"conductivity": "148 W/K"}, "conductivity", "E-UNIT", '"148 W/K" is a conductance'),
    ({"conductivity": "0 W/m/K"}, "conductivity", "E-RANGE", "not greater than zero"),
    ({"conductivity": "-148 W/m/K"}, "conductivity", "E-RANGE", "did you mean 148 W/m/K?"),
    ({"conductivity": float("nan")}, "conductivity", "E-RANGE", "nan is not a finite conductivity"),
    ({"conductivity": "nan W/m/K"}, "conductivity", "E-UNIT", "does not begin with a number"),
    ({"conductivity": None}, "conductivity", "E-TYPE", "None is not a conductivity"),
    ({"conductivity": True}, "conductivity", "E-TYPE", "True is not a conductivity"),
    ({"conductivity": ["1 W/m/K"]}, "conductivity", "E-TYPE", "a list of length 1; give two"),
    ({"conductivity": ["1 W/m/K"] * 4}, "conductivity", "E-TYPE", "a list of length 4; give two"),
    ({"conductivity": ["1 W/m/K", "-2 W/m/K"]}, "conductivity[1]", "E-RANGE", "-2 W/m/K"),
    ({"conductvity": "1 W/m/K"}, "conductvity", "E-KEY", "did you mean conductivity?"),
    ({}, "conductivity", "E-MISSING", "is missing"),
    ({"conductivity": {"tabel": X_K}}, "conductivity.tabel", "E-KEY", "did you mean table?"),
    ({"conductivity": X_K}, "conductivity", "E-TYPE", "expected exactly one of power_law, linear, table"),
    ({"conductivity": {"table": None}}, "conductivity.table.temperature", "E-MISSING", "is missing"),
    (
        {"conductivity": {"table": X_K | {"temperature": ["400 K", "300 K"]}}},
        "conductivity.table",
        "E-RANGE",
        "row 2: 300 K follows 400 K (sort the rows",
    ),
    (
        {"conductivity": {"table": X_K | {"temperature": ["300 K", "300 K"]}}},
        "conductivity.table",
        "E-RANGE",
        "row 2 repeats 300 K",
    ),
    (
        {"conductivity": {"table": X_K | {"conductivity": ["2 W/m/K", "-1 W/m/K"]}}},
        "conductivity.table.conductivity[1]",
        "E-RANGE",
        "did you mean 1 W/m/K?",
    ),
    (
        {"conductivity": {"table": {"temperature": ["300 K"], "conductivity": ["2 W/m/K"]}}},
        "conductivity.table",
        "E-RANGE",
        "1 row; a table needs at least two",
    ),
    (
        {"conductivity": {"table": X_K | {"temperature": ["300 K", "350 K", "400 K"]}}},
        "conductivity.table",
        "E-TYPE",
        "3 temperatures but 2 values of conductivity",
    ),
    (
        {"conductivity": {"table": X_K | {"temperature": ["-300 degC", "400 K"]}}},
        "conductivity.table.temperature[0]",
        "E-UNIT",
        "below absolute zero",
    ),
    (
        {"conductivity": {"table": X_K | {"interpolation": "spline"}}},
        "conductivity.table.interpolation",
        "E-TYPE",
        "'linear' or 'power'",
    ),
    (
        {"conductivity": {"power_law": {"at_reference": "1 W/m/K", "exponent": float("inf")}}},
        "conductivity.power_law.exponent",
        "E-TYPE",
        "finite number",
    ),
    (
        {
            "conductivity": {
                "power_law": {"at_reference": "1 W/m/K", "exponent": 1, "range": ["400 K", "300 K"]}
            }
        },
        "conductivity.power_law",
        "E-RANGE",
        "the range 400 K to 300 K must ascend",
    ),
    (
        {
            "conductivity": {
                "linear": {
                    "at_reference": "3 W/m/K",
                    "change_per_kelvin": "-0.1 W/m/K",
                    "range": ["300 K", "400 K"],
                }
            }
        },
        "conductivity.linear",
        "E-RANGE",
        "the conductivity is -7 W/m/K at 400 K (narrow the range)",
    ),
    (
        {"conductivity": "1 W/m/K", "density": "2330 kg/m3"},
        "",
        "E-MISSING",
        "density without specific_heat is not a heat capacity",
    ),
    (
        {"conductivity": "1 W/m/K", "specific_heat": "712 J/kg/K"},
        "",
        "E-MISSING",
        "specific_heat without density is not a heat capacity",
    ),
    ({"conductivity": "1 W/m/K", "density": "0 kg/m3"}, "density", "E-RANGE", "not greater than zero"),
    (
        {"conductivity": "1 W/m/K", "specific_heat": {"power_law": {}}, "density": "1 kg/m3"},
        "specific_heat.power_law",
        "E-KEY",
        "expected exactly one of table",
    ),
    (
        {
            "conductivity": "1 W/m/K",
            "density": "2330 kg/m3",
            "specific_heat": "712 J/kg/K",
            "volumetric_heat_capacity": "1.75 MJ/m3/K",
        },
        "",
        "E-RANGE",
        "density times specific_heat is 1.659 MJ/m3/K, volumetric_heat_capacity is 1.75 MJ/m3/K",
    ),
]


@pytest.mark.parametrize(("description", "field", "code", "text"), BAD)
def test_invalid_materials_raise(description: Any, field: str, code: str, text: str) -> None:
    diagnostics = diagnostics_in({"mine": description})
    path = f"mine.{field}" if field else "mine"
    assert [
        diagnostic
        for diagnostic in diagnostics
        if diagnostic.field == path and diagnostic.code == code and text in str(diagnostic)
    ]


def test_all_diagnostics_are_found_at_once() -> None:
    diagnostics = diagnostics_in(
        {"a": {"conductivity": 3}, "b": {"conductivity": "-1 W/m/K", "densty": 3}, "a b": {}}
    )
    assert {diagnostic.code for diagnostic in diagnostics} == {
        "E-UNIT",
        "E-RANGE",
        "E-KEY",
        "E-NAME",
        "E-MISSING",
    }


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), None, True, "3", [1.0] * 4])
def test_python_values_are_checked_too(value: Any) -> None:
    with pytest.raises(DescriptionError, match=r"^Material\.conductivity: "):
        Material("bad", value)


def test_void_is_not_a_material() -> None:
    with pytest.raises(DescriptionError, match="void is the space outside the body"):
        Material("void", 1.0)
    with pytest.raises(DescriptionError, match=r"void is the space outside the body.*\[E-NAME\]"):
        find_material("void")
    assert [diagnostic.code for diagnostic in diagnostics_in({"void": {"conductivity": "1 W/m/K"}})] == [
        "E-NAME"
    ]


@pytest.mark.parametrize("value", [120e3, 1e-4, (1.0, 2e4), (1.0, 1.0, 5e-4)])
def test_unusual_conductivity_is_a_warning(value: Any) -> None:
    (warning,) = Material("odd", value).warnings()
    assert warning.code == "W-RANGE"
    assert warning.is_warning
    assert "outside 0.001 to 10000 W/m/K" in warning.message
    assert not Material("usual", 148.0).warnings()


def test_warning_covers_the_ends_of_a_law() -> None:
    table = {"temperature": [300.0, 400.0], "conductivity": [1.0, 1.2e4]}
    assert Material("odd", {"table": table}).warnings()


# -- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in library() if "conductivity" in library().definitions[name]]
)
def test_written_material_reads_back_equal(name: str) -> None:
    material = library()[name]
    written = dump(Material, material)
    assert read({name: {key: value for key, value in written.items() if key != "name"}})[name] == material


def test_definitions_keep_the_name_of_their_key() -> None:
    made = TypeAdapter(MaterialDefinitions).validate_python({"b": Material("a", 1.0)})
    assert made["b"].name == "b"
    assert TypeAdapter(MaterialDefinitions).validate_python([Material("a", 1.0)])["a"].name == "a"
    assert dump(MaterialDefinitions, made) == {"b": {"conductivity": "1 W/m/K"}}


def test_definitions_have_a_json_schema() -> None:
    schema = TypeAdapter(MaterialDefinitions).json_schema()
    assert {"Material", "PowerLaw", "Table", "ViaArray"} <= set(schema["$defs"])


def test_equal_materials_are_equal_hash_alike_and_survive_pickling() -> None:
    for name in ("silicon", "abf_large", "si_itp"):
        material = find_material(name)
        again = pickle.loads(pickle.dumps(material))
        assert again == material
        assert hash(again) == hash(material)


# -- the library -----------------------------------------------------------------------------

CERTAINTY = re.compile(r"(handbook|published|remembered|computed|assumed)\b")


def test_the_library_has_at_least_eighty_materials() -> None:
    assert len(library()) >= 80


@pytest.mark.parametrize("name", sorted(library()))
def test_each_entry_is_usual_complete_and_has_a_source(name: str) -> None:
    material = library()[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert material.name == name
    assert material.has_capacity
    assert 0.0 < material.capacity_at(300.0) < 1.1e7
    # The published value of this pad contains its contacts, and no pad has such a heat capacity.
    assert bool(material.warnings()) == (name == "silicone_pad_3dice")
    assert CERTAINTY.match(material.source)
    definition = library().definitions[name]
    stated = definition.get("source") or next(iter(definition.values()))["source"]
    assert CERTAINTY.match(stated)
    assert stated in material.source


@pytest.mark.parametrize(
    ("name", "temperature", "expected"),
    [
        ("silicon", 300.0, 148.0),
        ("silicon", 400.0, 98.9),
        ("silicon", 600.0, 61.9),
        ("silicon_power_law", 400.0, 101.8),
        ("copper", 300.0, 401.0),
        ("copper", 400.0, 393.0),
        ("aluminum", 400.0, 240.0),
        ("tungsten", 600.0, 137.0),
        ("germanium", 400.0, 43.2),
        ("silicon_dioxide", 400.0, 1.51),
        ("alumina", 400.0, 26.4),
        ("aluminum_nitride", 400.0, 102.0),
        ("silicon_3dice", 400.0, 130.0),
        ("silicon_mfit", 400.0, 150.0),
        ("copper_mfit", 400.0, 398.0),
        ("water", 320.0, 0.640),
    ],
)
def test_handbook_values(name: str, temperature: float, expected: float) -> None:
    assert find_material(name).conductivity_at(temperature)[0] == pytest.approx(expected, rel=1e-3)


def test_silicon_power_law_deviates_from_the_table_as_documented() -> None:
    table, law = find_material("silicon"), find_material("silicon_power_law")
    for temperature, departure in ((400.0, 0.029), (600.0, -0.029)):
        ratio = law.conductivity_at(temperature)[0] / table.conductivity_at(temperature)[0]
        assert ratio - 1.0 == pytest.approx(departure, abs=1e-3)


def test_library_loads_at_bounded_cost() -> None:
    text = (files("thermostack.materials") / "materials.toml").read_text(encoding="utf-8")
    assert count_calls(lambda: tomllib.loads(text))[0] < 50_000


# -- finding ---------------------------------------------------------------------------------


def test_find_material_returns_a_material_unchanged() -> None:
    mine = Material("mine", 1.0)
    assert find_material(mine) is mine


def test_own_materials_take_precedence_over_the_library() -> None:
    own = {"copper": Material("copper", 390.0), "glue": Material("glue", 1.0)}
    assert find_material("copper", own).conductivity_at(300.0)[0] == 390.0
    assert find_material("glue", own).name == "glue"
    assert find_material("silicon", own) is library()["silicon"]


def test_own_names_do_not_change_media_of_the_library() -> None:
    own = {"copper": Material("copper", 1.0)}
    assert find_material("si_itp", own) is find_material("si_itp")


@pytest.mark.parametrize(("name", "near"), [("coper", "copper"), ("siliconn", "silicon"), ("gleu", "glue")])
def test_unknown_name_is_reported_with_similar_names(name: str, near: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        find_material(name, {"glue": Material("glue", 1.0)})
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E-NAME"
    assert diagnostic.message == f"no material is named '{name}'"
    assert near in diagnostic.hint


def test_material_that_contains_itself_is_reported_with_the_cycle() -> None:
    own = {
        "a": ViaArray("copper", "b", diameter=1e-6, pitch=2e-6),
        "b": ViaArray(ViaArray("c", "silicon", diameter=1e-6, pitch=2e-6), "silicon", 1e-6, 2e-6),
        "c": ViaArray("copper", "b", diameter=1e-6, pitch=2e-6),
    }
    with pytest.raises(DescriptionError, match=r"contains itself: b of c of b \[E-CYCLE\]"):
        find_material("a", own)


# -- the guide -------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "materials.md"
FILES = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def test_examples_of_the_guide_run() -> None:
    result = doctest.testfile(str(GUIDE), module_relative=False, encoding="utf-8")
    assert result.attempted > 10
    assert result.failed == 0


@pytest.mark.parametrize("block", FILES)
def test_files_of_the_guide_are_valid(block: str) -> None:
    own = read(YAML(typ="safe").load(block)["materials"])
    for name in own:
        assert find_material(name, own).name == name


def test_example_of_material_runs() -> None:
    result = doctest.testmod(material)
    assert result.attempted
    assert result.failed == 0
