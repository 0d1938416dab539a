"""Trace files: CSV tables of power and cooling over time, read with diagnostics by line and column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.delimited_text import (
    MAX_DIAGNOSTICS,
    Column,
    DelimitedTable,
    Header,
    column_with_unit,
    error_parts,
    number_error,
    read_table,
    refuse,
    split_label,
    unit_scale,
)
from thermostack.schema.fields import fail, quote_value, to_si
from thermostack.schema.spelling import suggest
from thermostack.transient.trace import Origin, Trace
from thermostack.transient.trace_checks import CHOICES, After, Kind, Rest
from thermostack.transient.waveform import column_diagnostic, face_of
from thermostack.units import UnitError, parse_quantity

HEADER = "time [ms],gpu [W]"
ROWS_PER_CHUNK = 20_000  # rows whose cells are in memory as text at the same time
_UNITS = {"power": "W", "fraction": "1", "temperature": "K"}  # dimension of a column: its unit in a trace
_SETTINGS_LINE = re.compile(r"#!(.*)")
_PLAIN_COMMENT_SETTING = re.compile(r"#\s*(kind|after|rest|period)\s*[:=]")
_SETTINGS_EXAMPLE = "like #! kind: linear, after: repeat"


def read_trace(
    path: str | Path,
    *,
    kind: Kind | None = None,
    after: After | None = None,
    period: float | str | None = None,
    rest: Rest | None = None,
) -> Trace:
    r"""Return the trace of a CSV file whose header is like "time [ms], gpu [W], hbm.west_0 [%]".

    The columns are named as those of a `Trace`, each with its unit; % is a share of the power in the package
    description. Cells are separated by commas or by semicolons. Lines that begin with # are comments, and
    lines that begin with #! are settings: "#! kind: linear, after: repeat, period: 20 ms, rest: drawn".

    Parameters
    ----------
    path : str or pathlib.Path
        The CSV file.
    kind : {"steps", "linear"}, optional
        Course of the values between the rows. Arguments take precedence over settings in the file; the
        default is "steps".
    after : {"refuse", "hold", "repeat"}, optional
        Values after the last row. The default "refuse" refuses a run that is longer than the trace.
    period : float or str, optional
        Duration [s, or text with a unit] of a period of a trace that is repeated.
    rest : {"refuse", "drawn", "off"}, optional
        Power of the blocks without a column in a layer that has columns for others. The default is "refuse".

    Returns
    -------
    Trace
        Times [s], and values in W, K or as a fraction.

    Raises
    ------
    DescriptionError
        With all diagnostics of the file, each with its line and column.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = pathlib.Path(directory) / "load.csv"
    ...     _ = path.write_text("time [ms],gpu [W]\n0,100\n5,250\n")
    ...     trace = read_trace(path, after="hold")
    >>> trace.times.tolist(), trace.values[:, 0].tolist()
    ([0.0, 0.005], [100.0, 250.0])
    """
    table = read_table(path)
    settings, diagnostics = _read_settings(table)
    period = None if period is None else to_si(period, "time", "period")
    given = {"kind": kind, "after": after, "period": period, "rest": rest}
    given_keys = {key for key, value in given.items() if value is not None}
    settings |= {key: given[key] for key in given_keys}
    settings = {"kind": "steps", "after": "refuse", "period": None, "rest": "refuse"} | settings
    header, found = _read_header(table, is_stepped=settings["kind"] != "linear")
    if diagnostics or found:
        refuse([*diagnostics, *found])
    if len(table.texts) == 1:
        refuse([table.diagnostic("", "has a header but no rows", HEADER, "E-MISSING")])
    values, diagnostics, is_reported = _read_rows(table, header)
    time = header.index("time")
    others = [place for place in range(len(header.columns)) if place != time]
    columns = [header.columns[place] for place in others]
    origin = Origin(
        table.file,
        table.numbers[0],
        tuple(column.start + 1 for column in columns),
        np.array(table.numbers[1:], dtype=np.int32),
    )
    names, units = (tuple(getattr(column, key) for column in columns) for key in ("name", "unit"))
    try:
        trace = Trace(values[:, time], names, units, values[:, others], **settings, origin=origin)
    except DescriptionError as error:
        for diagnostic in error.diagnostics:
            place, row = _cell_of(diagnostic, time, others)
            if str(diagnostic.path[1]) in given_keys:  # the argument is wrong, not the file
                diagnostics.append(replace(diagnostic, field=str(diagnostic.path[1])))
            elif row is None or not is_reported[row, place]:
                diagnostics.append(_locate(table, header, diagnostic, place, row))
    if diagnostics:
        refuse(diagnostics)
    return trace


def _cell_of(diagnostic: Diagnostic, time: int, others: Sequence[int]) -> tuple[int, int | None]:
    """Return the column and the row in the file of a diagnostic of a trace."""
    _, part, *indices = diagnostic.path
    if part == "times" and indices:
        return time, int(indices[0])
    if part == "values" and len(indices) == 2:
        return others[int(indices[1])], int(indices[0])
    return time, None


def _locate(
    table: DelimitedTable, header: Header, diagnostic: Diagnostic, place: int, row: int | None
) -> Diagnostic:
    """Return a diagnostic of a trace with the place of its cell, or of the last line if it has no row."""
    if row is None:
        key = str(diagnostic.path[1])
        return replace(diagnostic, field="" if key == "values" else key).located_at(
            table.file, table.numbers[-1]
        )
    error = fail(diagnostic.code, diagnostic.message, diagnostic.hint)
    located = table.cell_diagnostic(header, header.columns[place].name, error, row, place)
    return replace(located, path=diagnostic.path)


# -- settings --------------------------------------------------------------------------------


def _read_settings(table: DelimitedTable) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Return the settings in the lines that begin with #!, and their diagnostics."""
    settings: dict[str, Any] = {}
    diagnostics: list[Diagnostic] = []
    for number, text in table.comments:
        if plain := _PLAIN_COMMENT_SETTING.match(text):
            hint = f"begin the line with #! to set it: #! {plain[1]}: ..."
            diagnostics.append(table.diagnostic(plain[1], "is in a plain comment", hint, "E-KEY", number, 1))
        match = _SETTINGS_LINE.match(text)
        if match is None:
            continue
        column = 3
        for piece in match[1].split(","):
            try:
                key, value = _read_setting(piece)
                if key in settings:
                    raise fail("E-DUPLICATE", f"{key} is set twice")
                settings[key] = value
            except PydanticCustomError as error:
                start = column + len(piece) - len(piece.lstrip())
                field = piece.partition(":")[0].strip()
                diagnostics.append(table.diagnostic(field, *error_parts(error), number, start))
            column += len(piece) + 1
    return settings, diagnostics


def _read_setting(text: str) -> tuple[str, Any]:
    """Return the key and the value of a setting like "kind: linear"."""
    key, colon, value = (part.strip() for part in text.partition(":"))
    known = (*CHOICES, "period")
    if not colon or key not in known:
        hint = suggest(key, known) or _SETTINGS_EXAMPLE
        raise fail("E-KEY", f"{quote_value(text.strip())} is not a setting of a trace", hint)
    if key == "period":
        try:
            return key, parse_quantity(value, "time")
        except UnitError as error:
            raise fail("E-UNIT", str(error)) from None
    if value not in CHOICES[key]:
        hint = suggest(value, CHOICES[key])
        raise fail("E-NAME", f"{quote_value(value)} is not one of {', '.join(CHOICES[key])}", hint)
    return key, value


# -- header ----------------------------------------------------------------------------------


def _read_header(table: DelimitedTable, *, is_stepped: bool) -> tuple[Header, list[Diagnostic]]:
    """Return the columns in their order, and their diagnostics."""
    line, text = table.numbers[0], table.texts[0]
    header, diagnostics = table.read_header(
        HEADER, lambda label, start: _read_label(label, start, is_stepped=is_stepped), ",;"
    )
    if len(header.columns) == 1 and "\t" in text:
        message = "the columns are separated by tabs"
        return header, [table.diagnostic("", message, "write commas", "E-FILE", line, 1)]
    if "time" not in [column.name for column in header.columns]:
        diagnostics.append(table.missing_column("time", HEADER))
    elif len(header.columns) == 1:
        message, hint = "there are no columns beside the time", f"the header is like {HEADER}"
        diagnostics.append(table.diagnostic("", message, hint, "E-MISSING", line, 1))
    return header, diagnostics


def _read_label(label: str, start: int, *, is_stepped: bool) -> Column:
    """Return the column of a label like "gpu [W]"; `start` is its position in the header."""
    name, unit = split_label(label)
    if not name:
        raise fail("E-NAME", "a column has no name", f"the header is like {HEADER}")
    face = face_of(name)
    example = {"time": "ms"}.get(name, "W" if face is None else "%" if face[1] else "degC")
    if name == "time" or unit is None:
        return replace(column_with_unit(name, label, start, "time", example), unit="s")
    for dimension, own in _UNITS.items():
        try:
            factor, zero = unit_scale(unit, dimension)
        except UnitError:
            continue
        if (problem := column_diagnostic(name, own, is_stepped=is_stepped)) is not None:
            message, hint, code = problem
            raise fail(code, message, hint)
        return Column(name, label, start, own, factor, zero)
    message = f"{quote_value(unit)} is not a unit of power, a fraction or a temperature"
    raise fail("E-UNIT", message, f"write {name} [{example}]{' or [%]' if face is None else ''}")


# -- rows ------------------------------------------------------------------------------------


def _read_rows(table: DelimitedTable, header: Header) -> tuple[np.ndarray, list[Diagnostic], np.ndarray]:
    """Return the values (rows, columns), the diagnostics of the cells, and which cells have one."""
    count = len(table.texts) - 1
    values = np.full((count, len(header.columns)), np.nan)
    is_reported = np.zeros(values.shape, dtype=bool)
    diagnostics: list[Diagnostic] = []
    for start in range(0, count, ROWS_PER_CHUNK):
        rows, misfits = table.read_rows(header, 1, start, start + ROWS_PER_CHUNK)
        for diagnostic, row in misfits:
            is_reported[row] = True
            diagnostics.append(diagnostic)
        for place, (column, cells) in enumerate(zip(header.columns, rows.cells, strict=True)):
            found = column.values(cells)
            values[rows.numbers, place] = found
            for n in np.flatnonzero(~np.isfinite(found))[:MAX_DIAGNOSTICS].tolist():
                row, error = int(rows.numbers[n]), number_error(cells[n].strip())
                is_reported[row, place] = True
                diagnostics.append(table.cell_diagnostic(header, column.name, error, row, place))
        if len(diagnostics) >= MAX_DIAGNOSTICS:
            is_reported[start:] = True
            break
    return values, diagnostics, is_reported
