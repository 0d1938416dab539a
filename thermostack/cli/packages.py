"""The command `packages`: the shipped package descriptions."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from thermostack.cli.console import log, print_json, print_tables
from thermostack.cli.options import Debug, Json

KindFilter = Annotated[str | None, Parameter(help="Only packages whose kind contains this text.")]


def packages(*, kind: KindFilter = None, json: Json = False, debug: Debug = False) -> None:
    """List the shipped packages: kind, size, dies, power, and the peak on the default grid."""
    from thermostack.io.description.package_file import read_package, shipped_packages
    from thermostack.io.description.shipped_packages import shipped_peaks
    from thermostack.report.package_table import package_summary, packages_table
    from thermostack.schema.arguments import argument_error

    peaks = shipped_peaks()
    summaries = {name: package_summary(read_package(name), peaks[name]) for name in shipped_packages()}
    known = sorted({facts["kind"] for facts in summaries.values()})
    if kind is not None:
        summaries = {
            name: facts for name, facts in summaries.items() if kind.lower() in facts["kind"].lower()
        }
        if not summaries:
            text = f"no shipped package is of the kind {kind!r}"
            raise argument_error("--kind", text, f"there are {', '.join(known)}", "E-NAME")
    if json:
        print_json(summaries)
        return
    print_tables(lambda width: [packages_table(summaries, width)])
    log("`thermostack new MINE --from NAME` writes a copy to edit")
