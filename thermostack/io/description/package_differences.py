"""Differences of two package descriptions: paths of fields with their values and units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from thermostack.io.description.write_package import package_to_yaml
from thermostack.io.description.yaml_nodes import parse_yaml, to_plain
from thermostack.package.package import Package
from thermostack.results.field_difference import FieldDifference

TEXT_FIELDS = ("package", "kind", "about", "sources")  # they do not change a temperature
SECTIONS = ("stacks", "cooling", "materials", "links", "bands")  # of named objects; one may be absent
MAX_VALUE_LENGTH = 60  # characters of a value; longer ones are cut


def package_differences(first: Package, second: Package) -> tuple[FieldDifference, ...]:
    """Return the fields that differ between two packages, in the order of the first.

    Both are compared as `write_package` writes them, with all copies and repeats. A default value counts as
    absent. Names and texts about a package are not compared. Raises as `write_package` does.
    """
    trees = [to_plain(parse_yaml(package_to_yaml(package), package.name)) for package in (first, second)]
    empty: dict[str, Any] = {section: {} for section in SECTIONS}
    first_fields, second_fields = (
        {key: item for key, item in (empty | tree).items() if key not in TEXT_FIELDS} for tree in trees
    )
    return tuple(_differences((), first_fields, second_fields))


def _differences(path: tuple[str, ...], first: Any, second: Any) -> Iterator[FieldDifference]:
    """Yield the differences of two values at a path."""
    one, other = _items(first), _items(second)
    if one is None or other is None:
        if first != second:
            yield FieldDifference(".".join(path), _text(first), _text(second))
        return
    for key in dict.fromkeys([*one, *other]):
        here = (*path, key)
        if key not in other:
            yield FieldDifference(".".join(here), _text(one[key]), None)
        elif key not in one:
            yield FieldDifference(".".join(here), None, _text(other[key]))
        else:
            yield from _differences(here, one[key], other[key])


def _items(value: Any) -> dict[str, Any] | None:
    """Return the items of a mapping, or of a list of named mappings by name; None for other values."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(item, Mapping) and "name" in item for item in value):
        items = {str(item["name"]): {k: v for k, v in item.items() if k != "name"} for item in value}
        return items if len(items) == len(value) else None
    return None


def _text(value: Any) -> str:
    """Return a value as text of limited length: a scalar, a list, or the main fields of a mapping."""
    if isinstance(value, Mapping):
        if layers := _items(value.get("layers")):
            return f"a stack of {', '.join(layers)}"
        text = ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
        text = f"{{{text}}}"
    elif isinstance(value, list):
        if value and all(isinstance(row, list) for row in value):
            return f"{len(value)} x {len(value[0])} values"
        text = f"[{', '.join(map(_text, value))}]"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = "null" if value is None else str(value)
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 3]}..."
