"""The command `check`: errors and warnings of a package description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from thermostack.cli.console import print_json, warn
from thermostack.cli.options import Debug, IncludeRoot, Json, PackageName, Settings, read_settings
from thermostack.cli.timing import StageTimer
from thermostack.errors import ConvergenceError, DescriptionError, Diagnostic, ResourceError

if TYPE_CHECKING:
    from thermostack.mesh.model import Model
    from thermostack.package.package import Package

CHECK_CELL = 1.0  # m; larger than any package, so that the grid is as coarse as possible
COARSE_GRID_MARGIN = 2.0  # estimated errors: a bound farther from a temperature on this grid is not near
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
    """Check a description; print every error with its line and a hint, and the warnings of `solve`."""
    timer = StageTimer(lambda stage: None)
    try:
        overrides = read_settings(settings)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        _check_bands(description, package, overrides, allow_include_root=allow_include_root)
        model, warnings = _mesh(timer, description)
    except DescriptionError as error:
        if json:
            print_json({"package": package, "faults": [_as_dict(each) for each in error.diagnostics]})
        raise
    warn(warnings)
    if json:
        print_json({**_facts(model), "warnings": warnings})
    else:
        print(_summary(model))


def _check_bands(
    package: Package, source: str, overrides: Mapping[str, str], *, allow_include_root: bool
) -> None:
    """Raise DescriptionError if the description is not valid with both ends of each of its bands."""
    if not package.bands:
        return
    from thermostack.io.description.bands import band_diagnostics

    faults = list(band_diagnostics(package, source, overrides, allow_include_root=allow_include_root))
    if faults:
        raise DescriptionError(faults)


def _mesh(timer: StageTimer, package: Package) -> tuple[Model, list[str]]:
    """Return a package on the coarsest grid, and the warnings that `solve` gives on its default grid.

    A package without a steady solution has no warnings about temperatures.
    """
    from thermostack.mesh.mesh_diagnostics import SINGLE_CELL_WARNING

    coarse = timer.discretize(package, CHECK_CELL)  # finds parts that no face cools
    default: Model | None = None
    try:
        default = timer.discretize(package, None)
        warnings = list(default.warnings)
    except ResourceError:  # the default grid does not fit in memory, which is no error of the description
        warnings = [text for text in coarse.warnings if SINGLE_CELL_WARNING not in text]
    with suppress(DescriptionError, ConvergenceError):
        warnings += _temperature_warnings(coarse, default)
    return coarse, warnings


def _temperature_warnings(coarse: Model, default: Model | None) -> list[str]:
    """Return the warnings about the steady temperatures of a package on its default grid.

    The solution on the coarsest grid is sufficient where no temperature is near a bound. Without a default
    grid a bound counts as exceeded if the excess is more than the estimated error of the coarsest grid.
    """
    from thermostack.package.plausibility import expects_trace
    from thermostack.results.result_warnings import (
        extremes_beyond_doubt,
        extremes_of_parts,
        result_warnings,
        widened_extremes,
    )
    from thermostack.steady import solve_steady

    parts = solve_steady(coarse).parts
    is_powered = coarse.is_powered or expects_trace(coarse.package)
    if not result_warnings(coarse, widened_extremes(parts, COARSE_GRID_MARGIN), is_powered=is_powered):
        return []
    with suppress(ResourceError):
        if default is not None:
            extremes = extremes_of_parts(solve_steady(default).parts)
            return result_warnings(default, extremes, is_powered=is_powered)
    return result_warnings(coarse, extremes_beyond_doubt(parts), is_powered=is_powered)


def _as_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    return {key: getattr(diagnostic, attribute) for key, attribute in JSON_KEYS.items()}


def _facts(model: Model) -> dict[str, Any]:
    """Return name, stacks, parts, power [W], size [m], coolers, fills and grid of a correct package."""
    from thermostack.mesh.cooler_coverage import cooling_summary
    from thermostack.report.link_table import link_facts

    return {
        "package": model.package.name,
        "faults": [],
        "stacks": len(model.package.stacks),
        "parts": len(model.parts),
        "power": model.total_power,
        "leakage": 0.0 if model.leakage is None else model.leakage.reference,
        "size": _size(model),
        "coolers": cooling_summary(model.coolers),
        "fills": dict(model.geometry.fills),
        "links": link_facts(model),
        "grid": _default_grid(model),
    }


def _default_grid(model: Model) -> dict[str, Any] | None:
    """Return number, shape (nz, ny, nx) and fraction outside the body of the cells of the default grid.

    The result is None where the grid has too many planes.
    """
    from thermostack.mesh.default_grid import default_grid, fraction_outside

    try:
        grid = default_grid(model.geometry)
    except ResourceError:
        return None
    outside = fraction_outside(model.geometry, grid)
    return {"cells": grid.cells, "outside": outside, "shape": list(grid.shape)}


def _size(model: Model) -> Sequence[float]:
    """Return the extent of the package along x, y and z [m]."""
    return [float(axis[-1] - axis[0]) for axis in (model.grid.x, model.grid.y, model.grid.z)]


def _summary(model: Model) -> str:
    from thermostack.report.cooling_table import cooling_lines
    from thermostack.report.link_table import link_lines
    from thermostack.report.table_layout import format_count
    from thermostack.schema.spelling import counted
    from thermostack.units import format_quantity, format_share

    package = model.package
    size = " x ".join(format_quantity(length, "length") for length in _size(model))
    power = format_quantity(model.total_power, "power")
    if model.leakage is not None:
        power += f" and {format_quantity(model.leakage.reference, 'power')} of leakage"
    counts = f"{counted(len(package.stacks), 'stack')}, {counted(len(model.parts), 'part')}"
    head = f"{package.name}: no errors; {counts}, {size}, {power}"
    lines = [*cooling_lines(model), *link_lines(model)]
    if grid := _default_grid(model):
        count, outside = format_count(grid["cells"]), format_share(grid["outside"])
        lines.append(f"default grid: {count} cells, {outside} outside the body")
    return "\n".join([head, *(f"  {line}" for line in lines)])
