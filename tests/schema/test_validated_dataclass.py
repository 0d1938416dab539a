"""Reading of the fields of a description: quantities, names, choices, named items, and diagnostics."""

from __future__ import annotations

import dataclasses
from dataclasses import field, replace
from decimal import Decimal
from importlib import import_module
from math import inf, nan
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import Field, TypeAdapter, ValidationError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.effective_media import BumpArray
from thermostack.schema.fields import (
    Extent,
    Fraction,
    Name,
    PathName,
    Point,
    Quantity,
    Size,
    Temperature,
    Thickness,
    fail,
)
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import (
    NamedItems,
    TaggedUnion,
    class_key,
    described,
    diagnostic_at,
    diagnostics_of,
    dump,
    field_keys,
    field_path,
)


def read(kind: Any, value: Any, *, from_file: bool = False) -> Any:
    return TypeAdapter(kind).validate_python(value, context={"from_file": from_file})


def diagnostics(kind: Any, value: Any, *, from_file: bool = False) -> list[Diagnostic]:
    with pytest.raises(ValidationError) as caught:
        read(kind, value, from_file=from_file)
    return diagnostics_of(caught.value)


def diagnostic(kind: Any, value: Any, *, from_file: bool = False) -> Diagnostic:
    (found,) = diagnostics(kind, value, from_file=from_file)
    return found


# -- nearest ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "known", "text"),
    [
        ("silicn", ["silicon", "copper"], "did you mean silicon?"),
        ("die", ["die.bulk", "die.active", "lid"], "did you mean die.bulk or die.active?"),
        ("zzz", ["silicon", "copper"], ""),
        ("x", [], ""),
        ("di", ["die.bulk", "diamond_plate"], ""),
    ],
)
def test_nearest_names(word: str, known: list[str], text: str) -> None:
    assert suggest(word, iter(known)) == text


def test_at_most_three_similar_names_are_suggested() -> None:
    assert suggest("core", [f"core_{n}" for n in range(9)]) == "did you mean core_0 or core_1 or core_2?"


# -- quantities ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["50 um", "0.05 mm", 50e-6, np.float32(50e-6), np.float64(50e-6)])
def test_quantity_is_text_with_unit_or_si_number(value: Any) -> None:
    assert read(Thickness, value) == pytest.approx(50e-6, rel=1e-7)
    assert type(read(Thickness, value)) is float


def test_quantity_from_file_needs_unit() -> None:
    assert read(Thickness, "50 um", from_file=True) == 50e-6
    for value, shown in ((50, "50"), (50e-6, "5e-05")):
        found = diagnostic(Thickness, value, from_file=True)
        assert (found.code, found.message) == ("E-UNIT", f"{shown} has no unit; expected a length")
        assert found.hint.startswith('write "')
    assert (
        diagnostic(Annotated[float, Quantity("area")], 1.0, from_file=True).message
        == "1.0 has no unit; expected an area"
    )


@pytest.mark.parametrize("value", [True, None, [1.0], {"mm": 1}, Decimal(1), 1j, b"1 mm"])
def test_other_types_are_not_quantities(value: Any) -> None:
    found = diagnostic(Thickness, value)
    assert found.code == "E-TYPE"
    assert found.message == f"{value!r} is not a length"


@pytest.mark.parametrize("text", ["50", "50 K", "fifty um", ""])
def test_quantity_of_other_dimension_is_refused(text: str) -> None:
    assert diagnostic(Thickness, text).code == "E-UNIT"


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_non_finite_number_is_refused_from_python_and_files(value: float) -> None:
    for from_file in (False, True):
        found = diagnostic(Thickness, value, from_file=from_file)
        assert (found.code, found.message) == ("E-RANGE", f"{value} is not a finite length")


@pytest.mark.parametrize(
    ("quantity", "value", "message", "hint"),
    [
        (Quantity("length", above=0.0), 0.0, "0 um is not greater than zero", ""),
        (Quantity("length", above=0.0), -50e-6, "-50 um is not greater than zero", "did you mean 50 um?"),
        (Quantity("power", min=0.0), -2.0, "-2 W is less than zero", "did you mean 2 W?"),
        (Quantity("length", above=1e-3), 1e-3, "1 mm is not greater than 1 mm", ""),
        (Quantity("length", min=1e-3), 5e-4, "500 um is less than 1 mm", ""),
        (Quantity("length", max=1.0), 2.0, "2 m is more than 1 m", ""),
    ],
)
def test_bounds(quantity: Quantity, value: float, message: str, hint: str) -> None:
    found = diagnostic(Annotated[float, quantity], value)
    assert (found.code, found.message, found.hint) == ("E-RANGE", message, hint)


def test_inclusive_bounds() -> None:
    assert read(Annotated[float, Quantity("power", min=0.0)], 0.0) == 0.0
    assert read(Annotated[float, Quantity("length", max=1.0)], 1.0) == 1.0
    assert read(Annotated[float, Quantity("length", above=0.0)], 1e-300) == 1e-300


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("50 m", "did you mean 50 mm?"),
        ("0.5 m", "did you mean 500 um?"),
        ("1e-12 m", "did you mean 1 um?"),
        ("1e9 m", "check the unit"),
    ],
)
def test_implausible_unit_is_reported(value: str, hint: str) -> None:
    found = diagnostic(Thickness, value)
    assert (found.code, found.hint) == ("E-SLIP", hint)
    assert "is outside 10 nm to 100 mm" in found.message


def test_written_quantity_reads_back() -> None:
    for value in (50e-6, 0.1 / 3, 1.0 / 7):
        text = dump(Extent, value)
        assert isinstance(text, str)
        assert read(Extent, text, from_file=True) == value
    assert dump(Temperature, 300.0) == "26.85 degC"


def test_json_schema_of_quantity_is_string() -> None:
    schema = TypeAdapter(Thickness).json_schema()
    assert schema["type"] == "string"


# -- pairs, names, fractions -----------------------------------------------------------------


def test_pairs() -> None:
    assert read(Point, ["1 mm", "-2 mm"], from_file=True) == (1e-3, -2e-3)
    assert read(Size, (1e-3, 2e-3)) == (1e-3, 2e-3)
    assert diagnostic(Size, ["1 mm", "0 mm"]).field == "[1]"
    for value in ("1 mm", ["1 mm"], ["1 mm"] * 3, 1e-3, None):
        found = diagnostic(Point, value)
        assert (found.code, found.message) == ("E-TYPE", f"{value!r} is not a pair of lengths")


@pytest.mark.parametrize("name", ["gpu", "west_0", "HBM3", "a-b+c", "0", "ä", "x" * 64])
def test_names(name: str) -> None:
    assert read(Name, name) == name
    assert read(PathName, f"{name}.{name}") == f"{name}.{name}"


@pytest.mark.parametrize("name", ["", "a b", "a.b", "-a", "a\n", "a/b", "x" * 65, "a:b"])
def test_invalid_names(name: str) -> None:
    assert diagnostic(Name, name).code == "E-NAME"
    if name != "a.b":
        assert diagnostic(PathName, f"ok.{name}").code == "E-NAME"


def test_number_as_name_gets_hint_of_quotes() -> None:
    assert (diagnostic(Name, 5).code, diagnostic(Name, 5).hint) == ("E-TYPE", "put it in quotes")
    assert diagnostic(Name, None).hint == ""


@pytest.mark.parametrize(("value", "number"), [(0, 0.0), (1.0, 1.0), ("35 %", 0.35), ("0.35", 0.35)])
def test_fractions(value: Any, number: float) -> None:
    assert read(Fraction, value, from_file=True) == number


@pytest.mark.parametrize(
    ("value", "code"),
    [(-0.1, "E-RANGE"), ("120 %", "E-RANGE"), (True, "E-RANGE"), (nan, "E-RANGE"), ("1 mm", "E-UNIT")],
)
def test_invalid_fractions(value: Any, code: str) -> None:
    assert diagnostic(Fraction, value).code == code


def test_long_values_are_abbreviated_in_messages() -> None:
    message = diagnostic(Name, "y z" * 100).message
    assert len(message) < 80
    assert "..." in message


# -- described classes -----------------------------------------------------------------------


@described
class Plate:
    """A plate."""

    name: Name
    thickness: Thickness
    place: Annotated[Point, Field(validation_alias="at", serialization_alias="at")] = (0.0, 0.0)
    tags: tuple[str, ...] = ()
    count: int = 1


@described
class RoundHole:
    """A hole."""

    diameter: Extent

    def __post_init__(self) -> None:
        """Refuse what is wider than 1 cm."""
        if self.diameter > 1e-2:
            raise fail("E-GRID", "too wide", "narrower")


@described
class Nothing:
    """Nothing at all."""


@described
class Panel:
    """Plates, holes, and a short form."""

    plates: Annotated[tuple[Plate, ...], NamedItems(Plate)] = ()
    hole: Annotated[RoundHole | Nothing, TaggedUnion((RoundHole, Nothing))] = field(default_factory=Nothing)
    label: str = ""

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return a bare text as the label."""
        return {"label": value} if isinstance(value, str) else value


def test_described_object_is_frozen_and_compares_by_value() -> None:
    plate = Plate("a", 1e-3)
    assert plate == Plate(name="a", thickness="1 mm")  # type: ignore[arg-type]
    assert replace(plate, name="b") != plate
    with pytest.raises(dataclasses.FrozenInstanceError):
        plate.name = "c"  # type: ignore[misc]


def test_constructor_raises_all_diagnostics_with_fields() -> None:
    with pytest.raises(DescriptionError) as caught:
        Plate("a b", -1e-3, thicknes=3)  # type: ignore[call-arg]
    assert {(found.field, found.code) for found in caught.value.diagnostics} == {
        ("Plate.name", "E-NAME"),
        ("Plate.thickness", "E-RANGE"),
        ("Plate.thicknes", "E-KEY"),
    }
    (odd,) = [found for found in caught.value.diagnostics if found.code == "E-KEY"]
    assert odd.hint == "did you mean thickness?"


def test_missing_field_is_named() -> None:
    with pytest.raises(DescriptionError) as caught:
        Plate("a")  # type: ignore[call-arg]
    assert [(found.field, found.message) for found in caught.value.diagnostics] == [
        ("Plate.thickness", "is missing")
    ]
    assert diagnostic(Plate, {"name": "a"}).code == "E-MISSING"


def test_keys_in_files_are_aliases() -> None:
    """A file says `at`; Python may say either."""
    assert field_keys(Plate) == {
        "name": "name", "thickness": "thickness", "at": "place", "tags": "tags", "count": "count",
    }  # fmt: skip
    thing = {"name": "a", "thickness": "1 mm"}
    place = ["1 mm", "2 mm"]
    assert read(Plate, thing | {"at": place}, from_file=True).place == (1e-3, 2e-3)
    assert read(Plate, thing | {"place": place}).place == (1e-3, 2e-3)
    found = diagnostic(Plate, thing | {"place": place}, from_file=True)
    assert (found.code, found.field, found.message) == ("E-KEY", "place", "unknown key 'place'")


def test_unknown_keys_and_bad_values_are_reported_together() -> None:
    found = diagnostics(Plate, {"name": "a", "thickness": "-1 mm", "tag": 3, "at": 5}, from_file=True)
    assert {(one.field, one.code) for one in found} == {
        ("thickness", "E-RANGE"), ("tag", "E-KEY"), ("at", "E-TYPE"),
    }  # fmt: skip
    assert {one.hint for one in found if one.code == "E-KEY"} == {"did you mean tags?"}


def test_dissimilar_key_gets_list_of_keys() -> None:
    assert diagnostic(RoundHole, {"diameter": "1 mm", "zzz": 1}).hint == "the keys are diameter"
    assert diagnostic(Nothing, {"zzz": 1}).hint == "there are no keys here"


def test_value_that_is_not_a_mapping_is_refused_with_keys() -> None:
    found = diagnostic(RoundHole, 5, from_file=True)
    assert (found.code, found.message) == ("E-TYPE", "5 is not a round hole")
    assert found.hint == "write a mapping with keys of diameter"
    assert diagnostic(Nothing, [1], from_file=True).hint == ""
    assert diagnostic(RoundHole, 5).hint == "write RoundHole(diameter)"


def test_short_forms_are_converted_to_mappings() -> None:
    assert read(Panel, "mine") == Panel(label="mine")
    made = Panel(label="mine")
    assert read(Panel, made) is made


def test_validator_of_whole_object_keeps_its_code() -> None:
    with pytest.raises(DescriptionError) as caught:
        RoundHole(0.5)
    (found,) = caught.value.diagnostics
    assert (found.field, found.code, found.message, found.hint) == (
        "RoundHole",
        "E-GRID",
        "too wide",
        "narrower",
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"count": 1.5}, "1.5 is not a whole number"),
        ({"count": "many"}, "'many' is not a whole number"),
        ({"tags": 5}, "5 is not a list"),
        ({"tags": [5]}, "5 is not a text"),
    ],
)
def test_messages_of_plain_types(value: dict[str, Any], message: str) -> None:
    found = diagnostic(Plate, {"name": "a", "thickness": 1e-3} | value)
    assert (found.code, found.message) == ("E-TYPE", message)
    assert found.hint == ("put it in quotes" if message == "5 is not a text" else "")


# -- one of several --------------------------------------------------------------------------

Hole = Annotated[RoundHole | Nothing, TaggedUnion((RoundHole, Nothing))]
Holed = Annotated[Any, TaggedUnion((RoundHole, Nothing), names=True, plain=(Plate,))]


def test_class_keys() -> None:
    assert class_key(RoundHole) == "round_hole"
    assert class_key(Nothing) == "nothing"


def test_tagged_union_is_mapping_of_one_key_or_object() -> None:
    assert read(Hole, {"round_hole": {"diameter": "1 mm"}}, from_file=True) == RoundHole(1e-3)
    assert read(Hole, {"nothing": {}}) == read(Hole, {"nothing": None}) == Nothing()
    assert read(Hole, RoundHole(1e-3)) == RoundHole(1e-3)
    assert dump(Hole, RoundHole(1e-3)) == {"round_hole": {"diameter": "1 mm"}}
    assert read(Hole, dump(Hole, Nothing())) == Nothing()


def test_tagged_union_accepts_names_and_plain_objects_if_permitted() -> None:
    assert read(Holed, "copper") == "copper"
    plate = Plate("a", 1e-3)
    assert read(Holed, plate) is plate
    assert dump(Holed, plate) == "a"
    assert diagnostic(Hole, "copper").code == "E-TYPE"
    assert diagnostic(Hole, plate).code == "E-TYPE"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"round_hole": {}, "nothing": {}},
            "expected exactly one of round_hole, nothing, got round_hole and nothing",
        ),
        ({}, "expected exactly one of round_hole, nothing, got {}"),
        (5, "expected exactly one of round_hole, nothing, got 5"),
    ],
)
def test_tagged_union_refuses_none_or_two_choices(value: Any, message: str) -> None:
    assert diagnostic(Hole, value).message == message
    assert diagnostic(Holed, value).message == message.replace("exactly one", "a name or exactly one")


def test_unknown_choice_gets_similar_name() -> None:
    found = diagnostic(Hole, {"round_hol": {}})
    assert (found.code, found.field, found.hint) == ("E-KEY", "round_hol", "did you mean round_hole?")


def test_diagnostic_inside_choice_has_full_path() -> None:
    assert diagnostic(Hole, {"round_hole": {"diameter": "0 mm"}}).field == "round_hole.diameter"


# -- things by name --------------------------------------------------------------------------

Plates = Annotated[tuple[Plate, ...], NamedItems(Plate)]


def test_named_items_are_mapping_in_files_and_sequence_in_python() -> None:
    file = {"a": {"thickness": "1 mm"}, "b": {"thickness": "2 mm"}}
    plates = (Plate("a", 1e-3), Plate("b", 2e-3))
    assert read(Plates, file, from_file=True) == plates
    assert read(Plates, list(plates)) == plates
    assert dump(Plates, plates) == file
    assert read(Plates, {}) == ()


def test_invalid_names_of_items_are_located() -> None:
    assert (
        diagnostic(Plates, {"a": {"thickness": "1 mm", "name": "b"}}).message == "'a' contains another name"
    )
    assert diagnostic(Plates, {"a b": {"thickness": "1 mm"}}).code == "E-NAME"
    assert diagnostic(Plates, {5: {"thickness": "1 mm"}}).hint == "put it in quotes"
    assert diagnostic(Plates, 5).message == "5 is not a mapping of names"
    assert diagnostic(Plates, {"a": {"thickness": "0 mm"}}).field == "a.thickness"
    assert diagnostic(Panel, {"plates": {"a": 5}}).field == "plates.a"


# -- faults ----------------------------------------------------------------------------------


def test_field_paths_as_text() -> None:
    assert field_path(("stacks", "gpu", "layers", 2, "@mapping", "name")) == "stacks.gpu.layers[2].name"
    assert field_path(()) == ""
    assert field_path((0, 1)) == "[0][1]"


def test_diagnostic_keeps_its_path() -> None:
    found = diagnostic_at(iter(("a", 1)), "is wrong", "right it", "E-GAP")
    assert found == Diagnostic("a[1]", "is wrong", "right it", "E-GAP", path=("a", 1))


def test_braces_in_message_are_kept() -> None:
    assert diagnostic(Name, "{text}").message == "'{text}' is not a name"


def test_dump_leaves_out_defaults() -> None:
    assert dump(Plate, Plate("a", 1e-3)) == {"name": "a", "thickness": "1 mm"}
    assert dump(Plate, Plate("a", 1e-3, place=(0.0, 1e-3))) == {
        "name": "a",
        "thickness": "1 mm",
        "at": ["0 um", "1 mm"],
    }


@pytest.mark.parametrize(
    "room",
    [
        "materials.temperature_laws",
        "materials.material",
        "materials.effective_media",
        "package.power",
        "package.cooling",
        "package.package",
    ],
)
def test_all_description_classes_are_resolved_at_import(room: str) -> None:
    """Pydantic completes such a class on its first use, and puts its own constructor back."""
    module = import_module(f"thermostack.{room}")
    kinds = [
        kind
        for kind in vars(module).values()
        if hasattr(kind, "__pydantic_fields__") and kind.__module__ == module.__name__
    ]
    assert kinds
    assert all(kind.__pydantic_complete__ for kind in kinds)


def test_second_use_of_invalid_medium_has_same_message() -> None:
    BumpArray("copper", "silicon", 20e-6, 50e-6)
    with pytest.raises(DescriptionError, match=r"BumpArray\.pitch.*not greater than zero"):
        BumpArray("copper", "silicon", 20e-6, -50e-6)
