"""The command `packages`: the shipped package descriptions."""

from __future__ import annotations

from thermostack.cli.console import print_json, print_tables
from thermostack.cli.options import Debug, Json


def packages(*, json: Json = False, debug: Debug = False) -> None:
    """List the shipped packages."""
    from thermostack.io.description.package_file import shipped_packages

    shipped = shipped_packages()
    if json:
        print_json(shipped)
        return
    from thermostack.report.table_layout import fact_table

    table = fact_table()
    for name, about in shipped.items():
        table.add_row(name, about)
    print_tables(lambda width: [table])
