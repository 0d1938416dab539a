"""Tables of JEDEC metrics: resistances with readings and heat by surface, matrices, and compact models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import (
    add_files_row,
    add_name_column,
    add_number_column,
    fact_table,
    format_celsius,
    format_stage_times,
    header_table,
)
from thermostack.results.compact_model import NODES, PAIRS

if TYPE_CHECKING:
    from thermostack.results.compact_model import CompactModels
    from thermostack.results.jedec_result import DieMatrix, JedecMetric, JedecResult

MIN_SHOWN_CONDUCTANCE = 1e-5  # of the largest; the fit sets the others to almost zero
MIN_HEAT_SHARE = 5e-4  # a surface with less is not listed


def metric_table(result: JedecResult) -> Table:
    """Return the table of metrics: value, error, environment, temperature difference and its two readings."""
    table = header_table()
    table.add_column("metric", no_wrap=True)
    add_number_column(table, "value", "K/W")
    add_number_column(table, "error", "K/W")
    table.add_column("environment")
    add_number_column(table, "difference", "K")
    add_number_column(table, "junction", "degC")
    add_number_column(table, "reference", "degC")
    table.add_column("of")
    for metric in result.metrics:
        table.add_row(
            metric.name,
            f"{metric.value:.4g}",
            f"{metric.error:.2g}",
            metric.environment,
            f"{metric.difference:.4g}",
            format_celsius(metric.junction.temperature),
            format_celsius(metric.reference.temperature),
            metric.reference.place,
        )
    return table


def heat_table(result: JedecResult) -> Table:
    """Return the table of the share of the heat by surface in each environment, with board and standard."""
    table = header_table()
    table.add_column("environment")
    table.add_column("standard", no_wrap=True)
    table.add_column("board")
    table.add_column("heat by surface")
    seen: dict[str, JedecMetric] = {}
    for metric in result.metrics:
        seen.setdefault(metric.environment, metric)
    for name, metric in seen.items():
        listed = sorted(metric.heat.items(), key=lambda pair: -pair[1])
        shares = [f"{where} {100 * share:.1f} %" for where, share in listed if abs(share) > MIN_HEAT_SHARE]
        board = metric.board.split(",")[0]
        table.add_row(name, metric.standard, board, ", ".join(shares))
    return table


def matrix_table(matrix: DieMatrix) -> Table:
    """Return the table of the rise of every die (row) per watt in every die (column)."""
    table = header_table()
    add_name_column(table, f"rise in {matrix.environment}")
    for die in matrix.dies:
        add_number_column(table, die, "K/W")
    for die, row in zip(matrix.dies, matrix.resistance.tolist(), strict=True):
        table.add_row(die, *(f"{value:.4g}" for value in row))
    return table


def compact_tables(models: CompactModels) -> list[RenderableType]:
    """Return the tables of the two resistors with their error in each environment, and of the network."""
    two, network = models.two_resistor, models.delphi
    cases = header_table()
    for title, unit in (("htc top", "W/m2/K"), ("htc bottom", "W/m2/K"), ("full model", "K/W")):
        add_number_column(cases, title, unit)
    add_number_column(cases, "two resistors", "K/W")
    add_number_column(cases, "error", "%")
    for case in two.cases:
        cases.add_row(
            f"{case.top:g}",
            f"{case.bottom:g}",
            f"{case.full:.4g}",
            f"{case.model:.4g}",
            f"{100 * case.error:+.1f}",
        )
    pairs = header_table()
    pairs.add_column("DELPHI network")
    pairs.add_column("")
    add_number_column(pairs, "conductance", "W/K")
    for (i, j), g in zip(PAIRS, network.conductance.tolist(), strict=True):
        if g > MIN_SHOWN_CONDUCTANCE * network.conductance.max():
            pairs.add_row(NODES[i], NODES[j], f"{g:.4g}")
    facts = fact_table()
    facts.add_row("two resistors", f"theta_JC {two.theta_jc:.4g} K/W, theta_JB {two.theta_jb:.4g} K/W")
    for title, error in (("training", network.training), ("test", network.test)):
        text = f"{error.rows} environments: junction rise within {100 * error.max_junction:.2g} % "
        text += (
            f"(mean {100 * error.mean_junction:.2g} %), heat within {100 * error.max_heat:.2g} % of the power"
        )
        facts.add_row(title, text)
    inner = " x ".join(f"{1e3 * side:.4g}" for side in network.inner_size)
    facts.add_row("inner faces", f"{inner} mm")
    facts.add_row("environments", f"computed within {100 * models.reduction_error:.2g} % of full solves")
    return [cases, "", pairs, "", facts]


def jedec_summary(result: JedecResult, seconds: Mapping[str, float], files: Sequence[str]) -> RenderableType:
    """Return the table of board, power, ambient, junction, notes, wall-clock times [s] and files."""
    table = fact_table()
    table.add_row("board", result.board)
    table.add_row("power", f"{result.power:.5g} W")
    table.add_row("ambient", f"{format_celsius(result.ambient)} degC")
    for place in dict.fromkeys(metric.junction.place for metric in result.metrics):
        table.add_row("junction", Text(place))
    for note in result.notes:
        table.add_row("note", Text(note))
    table.add_row("time", format_stage_times(seconds))
    add_files_row(table, files)
    return table


def jedec_tables(
    result: JedecResult, seconds: Mapping[str, float], files: Sequence[str]
) -> list[RenderableType]:
    """Return all tables of a result."""
    tables: list[RenderableType] = [metric_table(result), "", heat_table(result), ""]
    for matrix in result.matrices:
        tables += [matrix_table(matrix), ""]
    return [*tables, jedec_summary(result, seconds, files)]
