"""The command `unit-cell`: effective conductivity of a periodic structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, warn
from thermostack.cli.options import Debug, Json, read_quantity, usage_error

SourceName = Annotated[
    str,
    Parameter(
        help="A ready-made cell: via, bump or hybrid_bond; or a file with the key unit_cell, or a package."
    ),
]
FieldValues = Annotated[
    str, Parameter(name="FIELDS", help='Fields of a ready-made cell, as core=copper pitch="50 um".')
]
MaterialOption = Annotated[
    str | None, Parameter(help="The material of a package, if it has several unit cells.")
]
TemperatureOption = Annotated[
    str, Parameter(help='Temperature of the constituents, as "85 degC".', show_default=True)
]
ToleranceOption = Annotated[
    float, Parameter(help="Estimated relative error at which the refinement ends.", show_default=True)
]


def unit_cell(
    source: SourceName,
    /,
    *fields: FieldValues,
    material: MaterialOption = None,
    temperature: TemperatureOption = "300 K",
    tolerance: ToleranceOption = 1e-3,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compute the conductivity of a periodic structure along x, y and z, with bounds and the formula."""
    from thermostack.io.description.unit_cell_file import parse_unit_cell, read_unit_cell
    from thermostack.materials.unit_cell import READY_MADE
    from thermostack.report.unit_cell_table import unit_cell_summary, unit_cell_table
    from thermostack.unit_cells.unit_cell_result import MIN_TOLERANCE, solve_unit_cell

    kelvin = read_quantity("--temperature", temperature, "temperature")
    if not MIN_TOLERANCE <= tolerance < 1.0:
        message = f"must be at least {MIN_TOLERANCE:g} and below 1, got {tolerance:g}"
        raise usage_error("--tolerance", message, "as 1e-3", "E-RANGE")
    if source in READY_MADE:
        if material is not None:
            raise usage_error("--material", f"{source} is no package", "leave --material out")
        cell, materials = parse_unit_cell(source, read_fields(fields)), None
    else:
        _require_file(source, fields)
        cell, materials = read_unit_cell(source, material)
    result = solve_unit_cell(cell, kelvin, materials=materials, tolerance=tolerance)
    warn(result.warnings)
    if json:
        print_json(unit_cell_summary(result))
    else:
        print_tables(lambda width: [unit_cell_table(result)])


def _require_file(source: str, fields: Sequence[str]) -> None:
    """Raise DescriptionError if a source is neither a file nor a package, or if fields follow it."""
    from thermostack.io.description.package_file import find_package, is_package
    from thermostack.materials.unit_cell import READY_MADE
    from thermostack.schema.spelling import suggest

    ready_made = f"{', '.join(READY_MADE[:-1])} or {READY_MADE[-1]}"
    if is_package(source):
        if fields:
            hint = f"fields are those of {ready_made}; edit the file"
            raise usage_error("FIELDS", f"{fields[0]!r} after a file", hint)
        return
    near = suggest(source, READY_MADE)
    if fields or near:
        hint = near or "a description is the path of its file, as cell.yaml"
        raise usage_error("", f"{source!r} is not {ready_made}, a file or a shipped package", hint, "E-NAME")
    find_package(source)


def read_fields(fields: tuple[str, ...]) -> dict[str, str]:
    """Return the fields of texts `key=value`.

    >>> read_fields(("core=copper", "pitch=50 um"))
    {'core': 'copper', 'pitch': '50 um'}
    """
    found: dict[str, str] = {}
    for text in fields:
        key, sign, value = text.partition("=")
        if not sign or not key.strip() or not value.strip():
            raise usage_error("FIELDS", f"{text!r} is not key=value", 'as pitch="50 um"')
        if key.strip() in found:
            raise usage_error("FIELDS", f"{key.strip()} is given twice", "", "E-DUPLICATE")
        found[key.strip()] = value.strip()
    return found
