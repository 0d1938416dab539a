"""Tables of a steady result: temperatures of stacks, parts and blocks, and a summary of the solution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.finite_volume.heat_balance import HeatBalance
from thermostack.finite_volume.part_temperatures import PartTemperature, merge_parts
from thermostack.linear.nonlinear_report import NonlinearReport
from thermostack.report.cooling_table import cooling_table, fill_rows
from thermostack.report.grid_table import cell_counts
from thermostack.report.link_table import link_table
from thermostack.report.table_layout import (
    Column,
    Member,
    add_files_row,
    fact_table,
    format_bytes,
    format_celsius,
    format_error,
    format_limit,
    format_margin,
    format_margin_number,
    format_percent,
    format_position,
    format_power,
    format_stage_times,
    margin_notes,
    margin_style,
    note_on_rows,
    part_table,
    smallest_cells,
    stack_heading,
    stack_rows,
)
from thermostack.results.steady_result import SteadyResult
from thermostack.units import format_quantity

COLUMNS = {
    "power": Column("W", 9),
    "leakage": Column("W", 9),
    "reference leakage": Column("W", 18),
    "min": Column("degC", 8),
    "mean": Column("degC", 8),
    "peak": Column("degC", 8),
    "error": Column("K", 7),
    "extrapolated": Column("degC", 13),
    "x": Column("mm", 8),
    "y": Column("mm", 8),
    "z": Column("mm", 7),
    "limit": Column("degC", 7),
    "margin": Column("K", 10),
}
# In a narrow terminal, in this order.
DROP_ORDER = (
    ("extrapolated",),
    ("reference leakage",),
    ("min",),
    ("limit",),
    ("mean",),
    ("x", "y", "z"),
    ("leakage",),
    ("power",),
)


def steady_table(
    steady: SteadyResult, width: int, *, all_parts: bool = False, only: Sequence[str] = ()
) -> RenderableType:
    """Return the temperatures of stacks and blocks, in `width` characters.

    With `all_parts` all parts and blocks have a row; with `only` those with one of these names, or in a stack
    or part with one of them.
    """
    table, columns = part_table(_columns_of(steady), DROP_ORDER, width)
    if only:
        _add_selected(table, steady, only, columns)
        return table
    missing = 0
    for n, (stack, parts) in enumerate(_parts_by_stack(steady).items()):
        if n > 0 and all_parts:
            table.add_row()
        missing += _add_stack(table, steady, stack, parts, columns, all_parts=all_parts)
    notes = margin_notes([str(cell) for cell in table.columns[-1].cells]) if "margin" in columns else []
    notes += [note_on_rows(missing)] if missing else []
    return Group(table, *notes) if notes else table


def _columns_of(steady: SteadyResult) -> dict[str, Column]:
    """Return the columns of a result; those of leakage only where it is known of a part."""
    known = {
        "leakage": any(part.leakage is not None for part in steady.parts),
        "reference leakage": any(part.reference_leakage is not None for part in steady.parts),
    }
    return {title: column for title, column in COLUMNS.items() if known.get(title, True)}


def _add_selected(table: Table, steady: SteadyResult, only: Sequence[str], columns: Sequence[str]) -> None:
    sizes, peak = smallest_cells(steady.model.grid), steady.peak.name
    for part in (part for parts in _parts_by_stack(steady).values() for part in parts):
        if any(f"{part.name}.".startswith(f"{name}.") for name in only):
            cells = _cells(part, columns, sizes, is_within_error=part.is_within_error)
            table.add_row(part.name, *cells, style="bold red" if part.name == peak else "")


def _add_stack(
    table: Table,
    steady: SteadyResult,
    stack: str,
    parts: Sequence[PartTemperature],
    columns: Sequence[str],
    *,
    all_parts: bool,
) -> int:
    """Add the rows of a stack; return the number of its parts and blocks without a row."""
    peak = steady.peak.name
    solid = [part for part in parts if not part.is_block]
    members = [Member(part.name, part.is_block, part.max) for part in parts]
    heading = stack_heading(stack, members)
    is_hottest = any(part.name == peak for part in solid) and (heading != stack or not all_parts)
    style = "bold red" if is_hottest else "bold"
    sizes = smallest_cells(steady.model.grid)
    is_within_error = any(part.is_within_error for part in solid)
    cells = _cells(merge_parts(heading, solid), columns, sizes, is_within_error=is_within_error)
    table.add_row(Text(heading), *cells, style=style)
    rows = list(stack_rows(stack, members, all_parts=all_parts))
    for row in rows:
        part = parts[row.member]
        style = "bold red" if part.name == peak else ""
        cells = _cells(part, columns, sizes, is_within_error=part.is_within_error)
        table.add_row(row.name, *cells, style=style)
    return len(parts) - len(rows) - (heading != stack)


def _cells(
    part: PartTemperature, columns: Sequence[str], cell_sizes: Sequence[float], *, is_within_error: bool
) -> list[Text]:
    x, y, z = format_position(part.at, cell_sizes)
    values = {
        "power": format_power(part.power) if part.power else "",
        "leakage": format_power(part.leakage) if part.leakage else "",
        "reference leakage": format_power(part.reference_leakage) if part.reference_leakage else "",
        "min": format_celsius(part.min),
        "mean": format_celsius(part.mean),
        "peak": format_celsius(part.max),
        "error": format_error(part.error),
        "extrapolated": "" if part.extrapolated is None else format_celsius(part.extrapolated),
        "x": x,
        "y": y,
        "z": z,
        "limit": format_limit(part.limit),
        "margin": format_margin(part.margin, is_within_error=is_within_error),
    }
    style = margin_style(part.margin)
    return [Text(values[title], style=style if title == "margin" else "") for title in columns]


def _parts_by_stack(steady: SteadyResult) -> dict[str, list[PartTemperature]]:
    """Return the parts and blocks of each stack in the order of the description, fillers last."""
    names = sorted((stack.name for stack in steady.package.stacks), key=len, reverse=True)
    stacks: dict[str, list[PartTemperature]] = {}
    for part in steady.parts:
        stack = next(
            (name for name in names if part.name.startswith(f"{name}.")), part.name.rpartition(".")[0]
        )
        stacks.setdefault(stack, []).append(part)
    for parts in stacks.values():
        parts.sort(key=lambda part: part.name.endswith((".filler", ".gap_fill")))
    return stacks


def steady_summary(steady: SteadyResult, files: Sequence[str]) -> RenderableType:
    """Return the peak, the smallest margin, heat balance, grid, solver, time, memory and written files."""
    has_files = bool(files)
    return Group(solution_facts(steady, has_files=has_files), run_facts(steady, files))


def solution_facts(steady: SteadyResult, *, has_files: bool) -> Table:
    """Return the peak, the smallest margin, heat balance, cooling, grid and solver.

    `has_files`: the facts of the run that follow name files.
    """
    report = steady.report
    table = fact_table(_name_width(has_files=has_files))
    table.add_row("peak", _peak(steady.peak, smallest_cells(steady.model.grid)))
    if (margin := _smallest_margin(steady)) is not None:
        table.add_row("margin", Text(margin))
    table.add_row("heat", _heat_balance_table(steady.heat_balance))
    for text in _nonlinear_lines(steady.nonlinear):
        table.add_row("", Text(text))
    if steady.model.coolers:  # none in a local model inside of the body
        table.add_row("cooled", cooling_table(steady.model))
    if steady.links:
        table.add_row("links", link_table(steady.links))
    for name, thickness in fill_rows(steady.model):
        table.add_row("fill", Text(f"{name}: {thickness}"))
    table.add_row("grid", Text(cell_counts(steady.model)))
    if steady.refinement is not None:
        table.add_row("", Text(steady.refinement.text))
        if steady.refinement.advice:
            table.add_row("", Text(steady.refinement.advice))
    accuracy = report.reason if report.bounds_error else f"residual {report.residual:.1e}"
    outer = "" if steady.nonlinear is None else f" in {steady.nonlinear.iterations + 1} linear solves"
    solver = f"{report.method}, {report.total_iterations} iterations{outer}, {accuracy}"
    table.add_row("solver", Text(solver))
    return table


def run_facts(steady: SteadyResult, files: Sequence[str]) -> Table:
    """Return the time of each stage, the memory of the process, and the written files."""
    table = fact_table(_name_width(has_files=bool(files)))
    table.add_row("time", format_stage_times(steady.seconds))
    table.add_row("memory", Text(f"{format_bytes(steady.memory)} at most, of the process with its libraries"))
    add_files_row(table, files)
    return table


def _name_width(*, has_files: bool) -> int:
    """Return the width of the longest name of both tables of facts, so that their columns are aligned."""
    return len("written" if has_files else "memory")


def _peak(part: PartTemperature, cell_sizes: Sequence[float]) -> Text:
    error = "error not estimated" if part.error is None else f"+- {part.error:.2g} K"
    x, y, z = format_position(part.at, cell_sizes)
    text = f"{format_celsius(part.max)} degC {error}, in {part.name} at x {x}, y {y}, z {z} mm"
    return Text(text, style="bold red" if part.margin is not None and part.margin < 0.0 else "bold")


def _smallest_margin(steady: SteadyResult) -> str | None:
    part = steady.nearest_to_limit
    if part is None:
        return None
    margin = part.margin or 0.0
    limit = f"its limit of {format_limit(part.limit)} degC"
    text = f"{format_margin_number(margin)} K in {part.name}, which exceeds {limit}"
    if not part.exceeds:
        text = f"{format_margin_number(margin)} K in {part.name}, below {limit}"
    return f"{text}; less than its error" if part.is_within_error else text


def _nonlinear_lines(report: NonlinearReport | None) -> Iterator[str]:
    """Yield a line on the leakage, and one on the margin to the boiling crisis."""
    if report is None:
        return
    if report.loop_gain is not None:
        before = format_power(report.reference_leakage)
        text = f"leakage {format_power(report.leakage)} W, {before} W at its reference temperature, "
        yield f"{text}loop gain {report.loop_gain:.3g}"
    if report.boiling is not None:
        flux, critical = (
            format_quantity(value, "heat_flux")
            for value in (report.boiling.flux, report.boiling.critical_flux)
        )
        yield f"boiling at {flux} at most, 1/{report.boiling.ratio:.3g} of the critical {critical}"


def _heat_balance_table(balance: HeatBalance) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_row("in", f"{format_power(balance.heat_in)} W")
    for face, heat in balance.out.items():
        percent = format_percent(heat, balance.heat_in) if balance.heat_in > 0.0 else ""
        table.add_row(f"out, {face}", f"{format_power(heat)} W", percent)
    table.add_row("imbalance", f"{balance.imbalance:.1e} W")
    return table
