"""Unit cells from a file with the key `unit_cell`, from a package, and from texts `key=value`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.package_file import find_package, load_package
from thermostack.io.description.source_locations import SourceMap, diagnostic_in
from thermostack.io.description.yaml_nodes import Node, read_yaml, to_plain
from thermostack.materials.material_library import Definition, MaterialDefinitions
from thermostack.materials.unit_cell import READY_MADE, UnitCell
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import described, diagnostics_of

FoundCell = tuple[UnitCell, Mapping[str, Definition]]  # a cell, and the definitions of its names


@described
class UnitCellFile:
    """The content of a file with a unit cell."""

    unit_cell: UnitCell
    materials: MaterialDefinitions | None = None


def read_unit_cell(source: str | Path, material: str | None = None) -> FoundCell:
    """Return the unit cell of a file and the definitions of materials in it.

    The file has the key `unit_cell` and optionally `materials`, or is a package, of which `material` is the
    name of the definition. Raises DescriptionError with file, line and field.
    """
    path = find_package(source)
    root = read_yaml(path)
    if not root.is_mapping:
        raise DescriptionError(diagnostic_in(root, "is not a mapping of keys to values", _HINT, "E-YAML"))
    if root.get("stacks") is not None:
        return _of_package(path, material)
    if material is not None:
        text = "the file has one unit cell and no package"
        raise DescriptionError(Diagnostic("--material", text, "leave --material out", "E-VALUE"))
    return _of_file(root)


_HINT = "write `unit_cell:` with via, bump, hybrid_bond, or pitch and layers"


def _of_file(root: Node) -> FoundCell:
    if root.get("unit_cell") is None:
        raise DescriptionError(diagnostic_in(root, "unit_cell is missing", _HINT, "E-MISSING"))
    locator = SourceMap(root)
    try:
        content = TypeAdapter(UnitCellFile).validate_python(to_plain(root), context={"from_file": True})
    except ValidationError as error:
        raise DescriptionError([locator(each) for each in diagnostics_of(error)]) from None
    return content.unit_cell, content.materials or {}


def _of_package(path: Path, material: str | None) -> FoundCell:
    materials = load_package(path).materials
    cells = {name: each for name, each in materials.items() if isinstance(each, UnitCell)}
    if material is None and len(cells) == 1:
        return next(iter(cells.values())), materials
    known = ", ".join(cells)
    if not cells:
        text, hint = (
            f"{path.name} defines no material as unit_cell",
            "its materials may have the key unit_cell",
        )
    elif material is None:
        text, hint = f"{path.name} has several unit cells", f"name one of {known} with --material"
    elif material in cells:
        return cells[material], materials
    else:
        text = f"{path.name} has no unit cell {material!r}"
        hint = suggest(material, cells) or f"there are {known}"
    raise DescriptionError(Diagnostic("--material", text, hint, "E-NAME"))


def parse_unit_cell(kind: str, settings: Mapping[str, str]) -> UnitCell:
    """Return a ready-made cell, as "via", of texts with units by field. Raises DescriptionError."""
    if kind not in READY_MADE:
        raise DescriptionError(
            Diagnostic("", f"no ready-made cell is named {kind!r}", suggest(kind, READY_MADE), "E-NAME")
        )
    given: dict[str, Any] = {kind: dict(settings)}
    try:
        cell: UnitCell = TypeAdapter(UnitCell).validate_python(given, context={"from_file": True})
    except ValidationError as error:
        raise DescriptionError(diagnostics_of(error)) from None
    return cell
