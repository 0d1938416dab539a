"""JSON Schema of a description file, for editors that complete and validate it."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from thermostack.package.package import Package

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_LENGTH: Schema = {"type": "string", "description": "a length with its unit", "examples": ["50 um"]}
_POINT: Schema = {"type": "array", "items": _LENGTH, "minItems": 2, "maxItems": 2}


def json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a description file, including its short forms."""
    schema = TypeAdapter(Package).json_schema()
    kinds = schema["$defs"]
    for kind in (*kinds.values(), schema):
        if "properties" in kind:  # an object, not a union
            kind["additionalProperties"] = False
    _use_names_as_keys(kinds)
    _add_stack_short_forms(kinds)
    _add_power_files(kinds["Layer"])
    _add_cooling_short_forms(kinds)
    for key in ("from", "to"):  # a name alone is the whole top face
        end = kinds["ThermalLink"]["properties"][key]
        kinds["ThermalLink"]["properties"][key] = _any_of(_TEXT, end)
    mixtures = [form for form in kinds["MaterialLike"]["anyOf"] if form.get("type") != "string"]
    schema["properties"]["materials"]["additionalProperties"] = _any_of(
        {"$ref": "#/$defs/Material"}, *mixtures
    )
    templates = {
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/Stack"},
        "description": "stacks that are included only by `use:` in other stacks",
    }
    schema["properties"]["templates"] = templates
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "thermostack package",
    }


def _use_names_as_keys(kinds: Schema) -> None:
    """Remove the field `name` from the objects whose name is their key in a mapping."""
    for kind in ("Stack", "Material", "Region", "Block", "ThermalLink", "Band"):
        kinds[kind]["required"].remove("name")
    kinds["Region"]["required"].remove("size")  # a round one has a diameter instead
    for kind in ("Stack", "Material", "ThermalLink", "Band"):
        del kinds[kind]["properties"]["name"]
    regions = kinds["Layer"]["properties"]["regions"]
    items = regions["additionalProperties"]
    kinds["Layer"]["properties"]["regions"] = _any_of(regions, {"type": "array", "items": items})


def _add_stack_short_forms(kinds: Schema) -> None:
    """Add the keys `use` and `copies` of a stack, and `repeat` in its layers."""
    stack = kinds["Stack"]
    own = stack["properties"]
    own["on"] = _any_of(_TEXT, {"type": "array", "items": _TEXT}, description="the stack or stacks below it")
    own["use"] = {**_TEXT, "description": "a template, a shipped package or a file to take this stack from"}
    own["copies"] = {
        "type": "object",
        "additionalProperties": _any_of(_POINT, {"$ref": "#/$defs/Stack"}),
        "description": "name and lower-left corner of each copy, or the fields in which it differs",
    }
    count = {"type": "integer", "minimum": 1}
    own["array"] = {
        **_mapping({"columns": count, "rows": count, "pitch": _POINT}, required=["columns", "rows", "pitch"]),
        "description": "copies in columns and rows, named c0r0, c1r0, ...; `at` is the position of c0r0",
    }
    layers = own["layers"]
    layers["items"] = _any_of(layers["items"], {"$ref": "#/$defs/Repeat"})
    stack["required"] = []
    inner = {"type": "array", "items": layers["items"]}
    times = {"type": "integer", "minimum": 1}
    repeat = _mapping({"times": times, "layers": inner}, required=["times", "layers"])
    kinds["Repeat"] = _mapping({"repeat": repeat}, required=["repeat"])


def _add_power_files(layer: Schema) -> None:
    """Add the keys of a power for the files of its floorplan and its map."""
    for form in layer["properties"]["power"]["anyOf"]:
        for power in form.get("anyOf", [form]):
            own = power.get("properties")
            if own is None:
                continue
            power["additionalProperties"] = False
            unit = {**_TEXT, "examples": ["W", "W/m2", "W/cm2"]}
            origin = {"enum": ["south", "north"]}
            map_file = {
                "file": _TEXT,
                "unit": unit,
                "origin": origin,
                "at": _POINT,
                "size": _POINT,
                "source": _TEXT,
            }
            own |= {
                "unit": unit,
                "origin": origin,
                "floorplan": {**_TEXT, "description": "a CSV file of blocks"},
            }
            own["map"] = _any_of(_TEXT, _mapping(map_file, required=["file"]), {"$ref": "#/$defs/PowerMap"})
            blocks = own["blocks"]
            named = blocks.get("additionalProperties", {})
            own["blocks"] = _any_of(blocks, {"type": "array", "items": named})


def _add_cooling_short_forms(kinds: Schema) -> None:
    """Add the short forms of the cooling: a cooler beside its region and part, one cooler instead of a list.

    A map of heat transfer coefficients may also be a file with a unit and an origin.
    """
    table = kinds["HtcMap"]["properties"]
    unit = {**_TEXT, "examples": ["W/m2/K", "kW/m2/K"]}
    file = {"map": {**_TEXT, "examples": ["h.csv", "h.npy"]}, "unit": unit, "source": _TEXT}
    kinds["HtcMap"] = _any_of(
        _mapping({**file, "origin": {"enum": ["south", "north"]}}, required=["map", "unit"]),
        _mapping(table, required=["map", "unit"]),
        description=kinds["HtcMap"]["description"],
    )
    cooled = kinds["FaceCooling"]
    beside = {key: item for key, item in cooled["properties"].items() if key != "cooler"}
    forms = [
        {**form, "properties": {**form["properties"], **beside}}
        for form in cooled["properties"]["cooler"]["anyOf"]
    ]
    kinds["FaceCooling"] = {"anyOf": forms, "description": cooled.get("description", "")}
    one = {"$ref": "#/$defs/FaceCooling"}
    for face in kinds["Cooling"]["properties"]:
        kinds["Cooling"]["properties"][face] = _any_of(one, {"type": "array", "items": one})


def _any_of(*forms: Schema, **more: Any) -> Schema:
    return {"anyOf": list(forms), **more}


def _mapping(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
