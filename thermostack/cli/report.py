"""The command `report`: the table of a sweep as an HTML page with figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from thermostack.cli.console import log
from thermostack.cli.options import Debug

TableName = Annotated[
    Path, Parameter(help="The table of a sweep: .csv, .parquet, or .sweeplog of an unfinished one.")
]
OutputOption = Annotated[
    Path | None,
    Parameter(name=["--output", "-o"], help="The page, an .html file. Default: the name of the table."),
]
MinimizeOption = Annotated[
    tuple[str, ...],
    Parameter(help="A column for the Pareto front, of which small values are better; may be repeated."),
]
MaximizeOption = Annotated[
    tuple[str, ...],
    Parameter(help="A column for the Pareto front, of which large values are better; may be repeated."),
]


def report(
    table: TableName,
    /,
    *,
    output: OutputOption = None,
    minimize: MinimizeOption = (),
    maximize: MaximizeOption = (),
    debug: Debug = False,
) -> None:
    """Write the table of a sweep as one HTML page: figures, sensitivities, worst cases, all rows."""
    from thermostack.cli.options import require_not_read, usage_error
    from thermostack.errors import UnknownNameError
    from thermostack.sweeps.report_page import Objective, write_report
    from thermostack.sweeps.sweep_result import read_sweep

    result = read_sweep(table)
    objectives = [*map(Objective, minimize), *(Objective(name, is_maximized=True) for name in maximize)]
    for each in objectives:
        option = "--maximize" if each.is_maximized else "--minimize"
        try:
            result.column(each.name)
        except UnknownNameError as error:
            diagnostic = error.diagnostics[0]
            raise usage_error(option, diagnostic.message, diagnostic.hint, "E-NAME") from None
    if len(objectives) not in (0, 2):
        message = f"{len(objectives)} columns, and a Pareto front has two"
        raise usage_error("--minimize", message, "as --minimize peak --maximize margin")
    path = output or table.with_suffix(".html")
    require_not_read(path, table)
    write_report(result, path, objectives)
    log(f"written {path}")
