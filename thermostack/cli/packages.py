"""The command `packages`: the shipped package descriptions."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from thermostack.cli.console import log, print_json, print_tables
from thermostack.cli.options import Debug, Json

KindFilter = Annotated[str | None, Parameter(help="Only packages whose kind contains this text.")]


def packages(*, kind: KindFilter = None, json: Json = False, debug: Debug = False) -> None:
    """List the shipped packages: kind, size, dies, power, and the peak on the default grid."""
    from thermostack.io.description.package_summaries import shipped_peaks
    from thermostack.report.package_table import packages_table

    peaks = shipped_peaks()
    summaries = {name: {**facts, **peaks[name]} for name, facts in _facts().items()}
    known = sorted({facts["kind"] for facts in summaries.values()})
    if kind is not None:
        summaries = {
            name: facts for name, facts in summaries.items() if kind.lower() in facts["kind"].lower()
        }
        if not summaries:
            from thermostack.schema.arguments import argument_error

            text = f"no shipped package is of the kind {kind!r}"
            raise argument_error("--kind", text, f"there are {', '.join(known)}", "E-NAME")
    if json:
        print_json(summaries)
        return
    print_tables(lambda width: [packages_table(summaries, width)])
    log("`thermostack new MINE --from NAME` writes a copy to edit")


def _facts() -> dict[str, dict[str, Any]]:
    """Return the facts of the shipped packages by name, from their descriptions if those have changed."""
    from thermostack.io.description.package_summaries import stored_summaries

    if (stored := stored_summaries()) is not None:
        return stored
    from thermostack.io.description.package_file import read_package, shipped_packages
    from thermostack.report.package_summary import package_summary

    return {name: package_summary(read_package(name)) for name in shipped_packages()}
