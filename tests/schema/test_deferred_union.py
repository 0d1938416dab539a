"""Fields of a union whose classes have such fields themselves: reading, writing, JSON Schema, size."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError
from thermostack.materials.effective_media import EFFECTIVE_MEDIA
from thermostack.materials.material_library import MaterialDefinitions
from thermostack.package.package import Package
from thermostack.schema.deferred_union import MAX_DEPTH, DeferredUnion
from thermostack.schema.fields import Thickness
from thermostack.schema.validated_dataclass import TaggedUnion, described, diagnostics_of, dump

CONTENT = DeferredUnion(__name__, "FORMS", "Content")
Content = Annotated[Any, CONTENT]


@described
class Slab:
    """A slab on another content."""

    thickness: Thickness
    below: Content | None = None


@described
class Pair:
    """Two contents."""

    left: Content
    right: Content = "air"


FORMS = TaggedUnion((Slab, Pair), names=True)


def read(value: Any, *, from_file: bool = True) -> Any:
    return TypeAdapter(Content).validate_python(value, context={"from_file": from_file})


def errors(value: Any, *, from_file: bool = True) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(value, from_file=from_file)
    return [f"{each.field}: {each.message} [{each.code}]" for each in diagnostics_of(caught.value)]


def test_classes_that_contain_one_another_are_read_and_written() -> None:
    given = {"pair": {"left": {"slab": {"thickness": "1 um", "below": {"pair": {"left": "a"}}}}}}
    made = read(given)
    assert made == Pair(Slab(1e-6, Pair("a")), "air")
    assert dump(Content, made) == given
    assert dump(Pair, made) == given["pair"]
    assert TypeAdapter(Content).dump_python(made)["pair"]["right"] == "air"


def test_errors_are_located_inside_and_all_of_them_are_found() -> None:
    expected = "expected a name or exactly one of slab, pair"
    inner = {"slab": {"thickness": "1", "below": {"pear": {}}}}
    assert errors({"pair": {"left": inner, "right": 5, "top": 1}}) == [
        "pair.top: unknown key 'top' [E-KEY]",
        'pair.left.slab.thickness: "1" has no unit; expected a length, like "50 um" [E-UNIT]',
        f"pair.left.slab.below.pear: unknown kind 'pear'; {expected} [E-KEY]",
        f"pair.right: {expected}, got 5 [E-TYPE]",
    ]


def test_texts_need_units_in_files_only() -> None:
    number = {"pair": {"left": {"slab": {"thickness": 1e-6}}}}
    assert read(number, from_file=False) == Pair(Slab(1e-6))
    (error,) = errors(number)
    assert error.startswith("pair.left.slab.thickness: 1e-06 has no unit")


def test_mapping_that_contains_itself_is_refused() -> None:
    endless: dict[str, Any] = {"thickness": 1e-6}
    endless["below"] = {"slab": endless}
    with pytest.raises(DescriptionError, match=rf"more than {MAX_DEPTH} deep .*E-VALUE"):
        Slab(**endless)
    assert read("name") == "name"  # the count starts at zero again


def test_json_schema_has_one_definition_to_which_all_fields_refer() -> None:
    for kind in (Content, Pair, Slab, tuple[Pair, Content]):
        kinds = TypeAdapter(kind).json_schema()["$defs"]
        forms = kinds["Content"]["anyOf"]
        assert forms[0] == {"type": "string"}
        assert [form["properties"] for form in forms[1:]] == [
            {"slab": {"$ref": "#/$defs/Slab"}},
            {"pair": {"$ref": "#/$defs/Pair"}},
        ]
        assert kinds["Pair"]["properties"]["left"]["$ref"] == "#/$defs/Content"
        assert kinds["Slab"]["properties"]["below"]["anyOf"][0] == {"$ref": "#/$defs/Content"}


# -- of materials ----------------------------------------------------------------------------


def nodes(schema: Any) -> Iterator[Any]:
    """Yield the mappings in a schema of pydantic; a mapping in several places counts each time."""
    if isinstance(schema, dict):
        yield schema
    if isinstance(schema, (dict, list, tuple)):
        for item in schema.values() if isinstance(schema, dict) else schema:
            yield from nodes(item)


def test_no_effective_medium_contains_the_schema_of_another() -> None:
    def media(kind: Any) -> list[type]:
        found = (node.get("cls") for node in nodes(TypeAdapter(kind).core_schema))
        return [each for each in found if each in EFFECTIVE_MEDIA]

    for kind in EFFECTIVE_MEDIA:
        assert set(media(kind)) == {kind}
    # A package has those under `materials` and none in its many other fields of materials.
    assert len(media(Package)) == len(media(MaterialDefinitions))


@pytest.mark.parametrize("module", ["materials.unit_cell", "materials.ready_made_cells"])
def test_constituents_are_checked_whatever_is_imported(module: str) -> None:
    code = (
        f"import thermostack.{module}\n"
        "from thermostack.errors import DescriptionError\n"
        "from thermostack.materials.ready_made_cells import ViaCell\n"
        "try:\n    ViaCell(5, 'silicon', 1e-6, 4e-6)\n"
        "except DescriptionError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ViaCell.core: expected a name or exactly one of via_array" in done.stdout
