"""The result of a sweep: the columns of its table as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.results.actions import call
from thermostack.schema.arguments import check_whole_number, require_instance
from thermostack.schema.spelling import counted, suggest
from thermostack.sweeps.case_rows import FAILED, OK
from thermostack.sweeps.table import name_and_unit, read_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT_COLUMNS = ("status", "version", "hash", "message")
FACT_COLUMNS = ("balance", "seconds", *TEXT_COLUMNS)
MAX_SHOWN_NAMES = 6


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """The table of a sweep: a row for each case, as arrays by column.

    `sweep` and `read_sweep` return it.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray, shape (cases,)
        Values by the name of the column, in the order of the table. Numbers are NaN where unknown; inputs
        that are labels, and facts such as the message of a failed case, are texts.
    units : dict of str to str
        Unit of each column, "" without one.
    path : pathlib.Path, optional
        The table from which it was read.

    Examples
    --------
    >>> columns = {"case": np.arange(2), "h": np.array([1.0, 2.0]), "status": np.array(["ok", "ok"])}
    >>> result = SweepResult({**columns, "peak": np.array([350.0, 340.0])}, {"h": "kW/m2/K", "peak": "K"})
    >>> result.inputs, result.outputs, result.column("peak").min()
    (['h'], ['peak'], np.float64(340.0))
    """

    columns: dict[str, np.ndarray]
    units: dict[str, str]
    path: Path | None = None

    def __repr__(self) -> str:
        """Return the number of cases, inputs and outputs in four lines at most."""
        failed = f", {self.failed.size} failed" if self.failed.size else ""
        rows = [f"SweepResult: {counted(len(self), 'case')}{failed}"]
        for title, names in (("inputs", self.inputs), ("outputs", self.outputs)):
            shown = [self.label(name)[:60] for name in names[:MAX_SHOWN_NAMES]]
            more = [f"... {len(names) - MAX_SHOWN_NAMES} more"] if len(names) > MAX_SHOWN_NAMES else []
            rows.append(f"  {title:<8}{', '.join([*shown, *more])}")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """Return the table as HTML, for notebooks."""
        html: str = call("report.html_table", "as_html", self._rich_table())
        return html

    def __len__(self) -> int:
        """Return the number of cases."""
        return int(self.columns["case"].size)

    @property
    def inputs(self) -> list[str]:
        """Return the names of the columns of the axes."""
        names = list(self.columns)
        return names[1 : names.index("status")]

    @property
    def outputs(self) -> list[str]:
        """Return the names of the columns of the outputs, without those of their errors."""
        names = list(self.columns)
        found = [name for name in names[names.index("status") + 1 :] if name not in FACT_COLUMNS]
        return [name for name in found if name.removesuffix(" error") == name or name[:-6] not in found]

    @property
    def is_ok(self) -> np.ndarray:
        """Return whether each case has a result, (cases,)."""
        found: np.ndarray = self.columns["status"] == OK
        return found

    @property
    def failed(self) -> np.ndarray:
        """Return the numbers of the cases that failed; their reasons are in the column "message"."""
        found: np.ndarray = self.columns["case"][self.columns["status"] == FAILED]
        return found

    def label(self, name: str) -> str:
        """Return the name of a column with its unit in brackets."""
        unit = self.units.get(name, "")
        return f"{name} [{unit}]" if unit else name

    def column(self, name: str) -> np.ndarray:
        """Return the values of a column, (cases,).

        Raises
        ------
        KeyError
            If there is no such column; the message suggests similar names.
        """
        if name in self.columns:
            return self.columns[name]
        hint = suggest(str(name), self.columns) or f"there are {', '.join(list(self.columns)[:12])}"
        raise UnknownNameError(Diagnostic("", f"no column is named {name!r}", hint, "E-NAME"))

    def table(self, width: int = 120) -> str:
        """Return cases, inputs, outputs and the status as text of at most `width` characters a line."""
        check_whole_number(width, "width", min=1)
        text: str = call("report.table_layout", "as_text", self._rich_table(), width)
        return text

    def report(self, path: Any) -> None:
        """Write an HTML page of the table with figures, which needs no other file and no network."""
        call("sweeps.report_page", "write_report", self, path)

    def _rich_table(self) -> Any:
        table: Any = call("sweeps.sweep_table", "sweep_table", self)
        return table


def read_sweep(path: str | Path) -> SweepResult:
    r"""Return the result of a sweep from its table.

    Parameters
    ----------
    path : str or pathlib.Path
        The .csv or .parquet file, or the log of an unfinished sweep (.sweeplog).

    Returns
    -------
    SweepResult
        The columns as arrays.

    Raises
    ------
    DescriptionError
        If the file does not exist or is not the table of a sweep.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> header = "case,h [kW/m2/K],status,peak [K],balance,seconds [s],version,hash,message"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "table.csv")
    ...     _ = file.write_text(f"{header}\n0,1.0,ok,350.5,1e-9,0.1,0.1.0,ab12,\n")
    ...     read_sweep(file).column("peak")
    array([350.5])
    """
    require_instance(path, (str, PathLike), "path", "a path", 'write read_sweep("study.csv")')
    path = Path(path)
    labels, cells = read_cells(path)
    columns: dict[str, np.ndarray] = {}
    units: dict[str, str] = {}
    for label, values in zip(labels, cells, strict=True):
        name, unit = name_and_unit(label)
        columns[name], units[name] = _as_array(name, values), unit
    return SweepResult(columns, units, path)


def _as_array(name: str, values: Sequence[Any]) -> np.ndarray:
    """Return numbers as floats, the numbers of cases as integers, and other values as texts."""
    if name == "case":
        return np.array([int(value) for value in values], dtype=np.int64)
    if name not in TEXT_COLUMNS:
        try:
            return np.array([np.nan if value in ("", None) else float(value) for value in values])
        except ValueError:
            pass
    return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)
