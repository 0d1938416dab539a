"""The command `materials`: the material library."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables
from thermostack.cli.options import Debug, Json


def materials(
    name: Annotated[str | None, Parameter(help="Name of a material, or a part of several names.")] = None,
    /,
    *,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List the materials of the library, or the properties of one with their source."""
    from thermostack.materials.material_library import find_material, library
    from thermostack.report.material_table import material_summary, material_table, materials_table

    known = library()
    names = [each for each in known if name is None or name == each or (name not in known and name in each)]
    found = [known[each] for each in names] if names else [find_material(name or "")]
    if json:
        print_json({material.name: material_summary(material) for material in found})
    elif len(found) == 1:
        print_tables(lambda width: [material_table(found[0])])
    else:
        print_tables(lambda width: [materials_table(found, width)])
