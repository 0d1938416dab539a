"""The command `check`: errors and warnings of a package description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from thermostack.cli.console import print_json, warn
from thermostack.cli.options import Debug, IncludeRoot, Json, PackageName, Settings, read_settings
from thermostack.cli.timing import StageTimer
from thermostack.errors import DescriptionError, Diagnostic

if TYPE_CHECKING:
    from thermostack.mesh.model import Model

CHECK_CELL = 1.0  # m; larger than any package, so that the grid is as coarse as possible
JSON_KEYS = {  # of a diagnostic: key, attribute
    "file": "file",
    "line": "line",
    "column": "column",
    "field": "field",
    "message": "message",
    "remedy": "hint",
    "code": "code",
}


def check(
    package: PackageName,
    /,
    *,
    settings: Settings = (),
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Check a description, without solving; print every error with its line and a hint."""
    timer = StageTimer(lambda stage: None)
    try:
        description = timer.read(package, read_settings(settings), allow_include_root=allow_include_root)
        model = timer.discretize(description, CHECK_CELL)  # finds parts that no face cools
    except DescriptionError as error:
        if json:
            print_json({"package": package, "faults": [_as_dict(each) for each in error.diagnostics]})
        raise
    from thermostack.mesh.mesh_diagnostics import SINGLE_CELL_WARNING

    warnings = [text for text in model.warnings if SINGLE_CELL_WARNING not in text]
    warn(warnings)
    if json:
        print_json({**_facts(model), "warnings": warnings})
    else:
        print(_summary(model))


def _as_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    return {key: getattr(diagnostic, attribute) for key, attribute in JSON_KEYS.items()}


def _facts(model: Model) -> dict[str, Any]:
    """Return name, stacks, parts, power [W], size [m], coolers and fills of a package without errors."""
    from thermostack.mesh.cooler_coverage import cooling_summary

    return {
        "package": model.package.name,
        "faults": [],
        "stacks": len(model.package.stacks),
        "parts": len(model.parts),
        "power": model.total_power,
        "size": _size(model),
        "coolers": cooling_summary(model.coolers),
        "fills": dict(model.geometry.fills),
    }


def _size(model: Model) -> Sequence[float]:
    """Return the extent of the package along x, y and z [m]."""
    return [float(axis[-1] - axis[0]) for axis in (model.grid.x, model.grid.y, model.grid.z)]


def _summary(model: Model) -> str:
    from thermostack.report.cooling_table import cooling_lines
    from thermostack.schema.spelling import counted
    from thermostack.units import format_quantity

    package = model.package
    size = " x ".join(format_quantity(length, "length") for length in _size(model))
    power = format_quantity(model.total_power, "power")
    counts = f"{counted(len(package.stacks), 'stack')}, {counted(len(model.parts), 'part')}"
    head = f"{package.name}: no errors; {counts}, {size}, {power}"
    return "\n".join([head, *(f"  {line}" for line in cooling_lines(model))])
