"""Report of a sweep as one HTML page with figures and a sortable table, made from the table alone.

The page needs no other file and no network. Its content security policy permits only its own style sheet and
its own script, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np

from thermostack import __version__
from thermostack.errors import OutputError, ThermostackError
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import require_replaceable, require_suffix
from thermostack.schema.spelling import counted
from thermostack.sweeps.case_rows import FAILED
from thermostack.sweeps.sensitivity import (
    SaltelliDesign,
    TornadoBar,
    find_saltelli,
    find_tornado,
    is_better_when_larger,
    pareto_front,
    sobol_indices,
    sorted_bars,
    worst_cases,
)
from thermostack.sweeps.svg_charts import Bar, Series, bar_chart, scatter_chart
from thermostack.sweeps.sweep_result import TEXT_COLUMNS, SweepResult
from thermostack.sweeps.sweep_table import format_cell

PAGE_SUFFIX = ".html"
PAGE_BEGIN = b"<!doctype html>"
MAX_TABLE_ROWS = 2000
MAX_CHARTS = 60  # of outputs over inputs
MAX_SERIES = 12  # lines of a chart
WORST_CASES = 5


@dataclass(frozen=True)
class Objective:
    """A column of which small values are better, or large ones."""

    name: str
    is_maximized: bool = False

    @property
    def words(self) -> str:
        """Return for example "small peak"."""
        return f"{'large' if self.is_maximized else 'small'} {self.name}"


def write_report(
    result: SweepResult, path: str | Path, objectives: Sequence[Objective] = (), title: str | None = None
) -> None:
    """Write the report of a sweep. The Pareto front is that of the first two objectives.

    By default these are the first two outputs that vary, of which margins are maximised. Raises OutputError
    if the file cannot be written, or another kind of file is there.
    """
    path = require_replaceable(require_suffix(path, [PAGE_SUFFIX]), PAGE_BEGIN)
    if path.parent != Path() and not path.parent.is_dir():
        raise OutputError(f"cannot write {path}: the directory {path.parent} does not exist")
    name = title or (result.path.stem if result.path is not None else "sweep")
    write_atomic(path, report_page(result, name, objectives).encode())


def report_page(result: SweepResult, title: str, objectives: Sequence[Objective] = ()) -> str:
    """Return the HTML page of a sweep."""
    style, script = (_resource(f"report_page.{kind}") for kind in ("css", "js"))
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    body = "\n".join(_sections(result, title, objectives))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _resource(name: str) -> str:
    return files("thermostack.sweeps").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the source expression of an inline style or script (CSP level 2)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _sections(result: SweepResult, title: str, objectives: Sequence[Objective]) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    failed = f", {result.failed.size} failed" if result.failed.size else ""
    versions = ", ".join(sorted({*result.columns["version"].tolist()})) or __version__
    yield f'<p class="note">{counted(len(result), "case")}{failed}; thermostack {escape(versions)}</p>'
    outputs = [name for name in result.outputs if _is_numeric(result, name)]
    bars, saltelli = find_tornado(result), find_saltelli(result)
    if bars:
        yield from _tornado_section(result, bars, outputs)
    if saltelli is not None:
        yield from _sobol_section(result, saltelli, outputs)
    if not bars:
        yield from _axes_section(result, outputs)
    yield from _pareto_section(result, [*objectives] or default_objectives(result))
    yield from _worst_section(result, outputs)
    yield from _table_section(result)


def _is_numeric(result: SweepResult, name: str) -> bool:
    values = result.column(name)
    return values.dtype.kind == "f" and bool(np.isfinite(values).any())


def _varies(result: SweepResult, name: str) -> bool:
    values = result.column(name)
    if values.dtype.kind != "f":
        return np.unique(values).size > 1
    known = values[np.isfinite(values)]
    return known.size > 1 and bool(np.ptp(known) > 0.0)


# -- figures --------------------------------------------------------------------------------------


def _tornado_section(
    result: SweepResult, bars: Sequence[TornadoBar], outputs: Sequence[str]
) -> Iterator[str]:
    yield "<h2>One axis at a time</h2>"
    yield (
        '<p class="note">The line is the nominal case. A bar has the low and the high value of an axis; '
        "of more than two other values it has those with the smallest and the largest output.</p>"
    )
    yield '<div class="charts">'
    for output in outputs:
        nominal = float(result.column(output)[0])
        if not np.isfinite(nominal) or not (known := sorted_bars(result, bars, output)):
            continue
        made = [
            Bar(
                ", ".join(result.label(name) for name in bar.inputs),
                tuple(float(result.column(output)[row]) for row in bar.rows),
                tuple(format_cell(result.column(bar.inputs[0])[row]) for row in bar.rows),
            )
            for bar in known
        ]
        yield bar_chart(made, nominal, result.label(output), ("first value", "second value"))
    yield "</div>"


def _sobol_section(result: SweepResult, design: SaltelliDesign, outputs: Sequence[str]) -> Iterator[str]:
    yield "<h2>Sobol indices</h2>"
    try:
        found = {output: sobol_indices(result, design, output) for output in outputs}
    except ThermostackError as error:
        yield f'<p class="note">{escape(str(error))}</p>'
        return
    yield (
        '<p class="note">Share of the variance of an output that an input causes alone (first order), and '
        "with its interactions (total order), by SALib; the lines are confidence intervals of 95 %.</p>"
    )
    yield '<div class="charts">'
    for output, indices in found.items():
        if indices is None:
            continue
        rows = zip(indices.first, indices.total, indices.first_confidence, indices.total_confidence,
                   strict=True)  # fmt: skip
        made = [
            Bar(result.label(name), (float(first), float(total)), intervals=(float(low), float(high)))
            for name, (first, total, low, high) in zip(result.inputs, rows, strict=True)
        ]
        made.sort(key=lambda bar: -bar.values[1])
        text = f"{output}, {counted(indices.samples, 'sample')}"
        yield bar_chart(made, 0.0, text, ("first order", "total order"))
    yield "</div>"


def _axes_section(result: SweepResult, outputs: Sequence[str]) -> Iterator[str]:
    inputs = [name for name in result.inputs if _varies(result, name)]
    pairs = [(output, name) for output in outputs for name in inputs]
    if not pairs:
        return
    yield "<h2>Outputs over inputs</h2>"
    lines = {name: series_over(result, name) for name in inputs}
    if any(lines.values()):
        yield '<p class="note">A line joins cases with equal other inputs; its tooltip has their values.</p>'
    yield '<div class="charts">'
    cases = result.column("case")
    for output, name in pairs[:MAX_CHARTS]:
        labels = result.label(name), result.label(output)
        yield scatter_chart(result.column(name), result.column(output), labels, cases, lines[name])
    yield "</div>"
    if len(pairs) > MAX_CHARTS:
        yield f'<p class="note">the first {MAX_CHARTS} of {len(pairs)} figures are shown</p>'


def series_over(result: SweepResult, name: str) -> list[Series]:
    """Return the cases with equal other inputs, in the order of one input; none if there are many."""
    others = [other for other in result.inputs if other != name]
    groups: dict[tuple[str, ...], list[int]] = {}
    columns = [result.column(other).tolist() for other in others]
    for row in range(len(result)):
        groups.setdefault(tuple(str(column[row]) for column in columns), []).append(row)
    if not 0 < len(groups) <= MAX_SERIES or min(len(rows) for rows in groups.values()) < 2:
        return []
    order = np.argsort(np.argsort(result.column(name), kind="stable"), kind="stable")
    return [
        Series(
            np.array(sorted(rows, key=lambda row: int(order[row]))),
            ", ".join(f"{other} = {value}" for other, value in zip(others, values, strict=True)),
        )
        for values, rows in groups.items()
    ]


def default_objectives(result: SweepResult) -> list[Objective]:
    """Return the first two outputs that vary."""
    names = [name for name in result.outputs if _is_numeric(result, name) and _varies(result, name)]
    return [Objective(name, is_better_when_larger(name)) for name in names[:2]]


def _pareto_section(result: SweepResult, objectives: Sequence[Objective]) -> Iterator[str]:
    if len(objectives) < 2:
        return
    x, y = objectives[:2]
    columns = [result.column(each.name) for each in (x, y)]
    if any(column.dtype.kind != "f" for column in columns):
        return
    signs = [-1.0 if each.is_maximized else 1.0 for each in (x, y)]
    front = pareto_front(signs[0] * columns[0], signs[1] * columns[1])
    yield "<h2>Pareto front</h2>"
    words = f"{escape(x.words)} and {escape(y.words)}"
    yield f'<p class="note">No case is better in one and not worse in the other: {words}.</p>'
    labels = result.label(x.name), result.label(y.name)
    line = [Series(front)] if front.size else []
    yield scatter_chart(columns[0], columns[1], labels, result.column("case"), line, front)
    names = [x.name, y.name, *(name for name in result.inputs if name not in (x.name, y.name))]
    yield _table(result, front[: WORST_CASES * 4], names)


def _worst_section(result: SweepResult, outputs: Sequence[str]) -> Iterator[str]:
    varying = [name for name in outputs if _varies(result, name)]
    if not varying:
        return
    yield "<h2>Worst cases</h2>"
    for output in varying:
        end = "smallest" if is_better_when_larger(output) else "largest"
        yield f"<h3>{end} {escape(result.label(output))}</h3>"
        yield _table(result, worst_cases(result, output, WORST_CASES), [output, *result.inputs])


# -- tables ----------------------------------------------------------------------------------------


def _table_section(result: SweepResult) -> Iterator[str]:
    yield "<h2>All cases</h2>"
    if len(result) > MAX_TABLE_ROWS:
        yield f'<p class="note">the first {MAX_TABLE_ROWS} of {len(result)} cases</p>'
    names = [name for name in result.columns if name not in ("case", "version", "hash")]
    yield _table(result, np.arange(min(len(result), MAX_TABLE_ROWS)), names, is_sortable=True)


def _table(result: SweepResult, rows: np.ndarray, names: Sequence[str], *, is_sortable: bool = False) -> str:
    """Return a table of some rows and columns; the number of the case comes first."""
    names = ["case", *names]
    kinds = [_cell_kind(result, name) for name in names]
    head = "".join(
        f'<th scope="col"{kind}><button type="button">{label}</button></th>'
        if is_sortable
        else f'<th scope="col"{kind}>{label}</th>'
        for kind, label in zip(kinds, [escape(result.label(name)) for name in names], strict=True)
    )
    body = []
    for row in rows.tolist():
        values = [result.columns[name][row] for name in names]
        cells = "".join(f"<td{kind}{_data(value)}>{escape(format_cell(value))}</td>"
                        for kind, value in zip(kinds, values, strict=True))  # fmt: skip
        failed = ' class="failed"' if result.columns["status"][row] == FAILED else ""
        body.append(f"<tr{failed}>{cells}</tr>")
    kind = ' class="sortable"' if is_sortable else ""
    table = f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f'<div class="table">{table}</div>'


def _cell_kind(result: SweepResult, name: str) -> str:
    if name == "message":
        return ' class="text message"'
    is_text = name in TEXT_COLUMNS or result.columns[name].dtype.kind == "U"
    return ' class="text"' if is_text else ""


def _data(value: object) -> str:
    """Return the attribute with all digits of a number, by which rows are sorted."""
    if not isinstance(value, np.floating):
        return ""
    return ' data-value=""' if np.isnan(value) else f' data-value="{float(value)!r}"'
