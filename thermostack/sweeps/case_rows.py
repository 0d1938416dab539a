"""Rows of the table of a sweep: its columns, and the row of one case that was solved or has failed."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thermostack import __version__
from thermostack.io.files.output_paths import RESULT_SUFFIX
from thermostack.results.steady_result import SteadyResult
from thermostack.results.transient_result import TransientResult
from thermostack.sweeps.case_solver import Admit, CaseSolver, SweepTask
from thermostack.sweeps.outputs import read_outputs
from thermostack.sweeps.study import Case, Study

OK, FAILED = "ok", "failed"
MAX_MESSAGE_LENGTH = 1000  # characters
_WARNING_CODE = re.compile(r"\[(W-[A-Z]+)\]|\b(W-[A-Z]+)\b")

Cell = float | int | str | None
Row = list[Cell]


def column_names(study: Study) -> list[str]:
    """Return the header of the table: inputs, status, outputs with their errors, and facts."""
    inputs = [labelled(axis.name or path, axis.unit) for path, axis in study.axes.items()]
    outputs = []
    for name, output in study.outputs.items():
        outputs.append(labelled(name, output.shown_unit))
        if output.has_error:
            outputs.append(labelled(f"{name} error", output.error_unit))
    return ["case", *inputs, "status", *outputs, "balance", "seconds [s]", "version", "hash", "message"]


def labelled(name: str, unit: str) -> str:
    """Return a name with its unit in brackets, as in the header of a table."""
    return f"{name} [{unit}]" if unit else name


def case_hash(key: str, case: Case) -> str:
    """Return the hash of the inputs of a case: study, package, version and values of fields."""
    text = json.dumps([key, case.overrides], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def solve_case(solver: CaseSolver, task: SweepTask, case: Case, admit: Admit = lambda memory: None) -> Row:
    """Return the row of a case. A case that fails has a row with its message."""
    start = time.perf_counter()
    study = solver.study
    try:
        result = solver.solve(case.overrides, admit)
        values = read_outputs(study.outputs, study.expressions, case.inputs, result)
        cells: list[Cell] = []
        for name, output in study.outputs.items():
            cells.append(_number(values[name].value))
            if output.has_error:
                cells.append(_number(values[name].error))
        cells.append(_number(_balance(result)))
        if study.fields is not None and study.fields.contains(case.number):
            _save_field(result, Path(task.fields_folder), case.number)
    except Exception as error:
        return failed_row(study, task.key, case, _message(error), time.perf_counter() - start)
    seconds = time.perf_counter() - start
    return _row(case, OK, cells, seconds, task.key, _codes(result.warnings))


def failed_row(study: Study, key: str, case: Case, message: str, seconds: float = 0.0) -> Row:
    """Return the row of a case without a result, with the reason."""
    blank = sum(2 if output.has_error else 1 for output in study.outputs.values()) + 1
    text = " ".join(message.split())[:MAX_MESSAGE_LENGTH]
    return _row(case, FAILED, [None] * blank, seconds, key, text)


def _row(case: Case, status: str, cells: Sequence[Cell], seconds: float, key: str, message: str) -> Row:
    facts: list[Cell] = [round(seconds, 6), __version__, case_hash(key, case), message]
    return [case.number, *case.inputs.values(), status, *cells, *facts]


def _number(value: Any) -> float | None:
    """Return a number of a result; None where it is not known."""
    if value is None or not np.isfinite(value):
        return None
    return float(value)


def _balance(result: SteadyResult | TransientResult) -> float:
    """Return the imbalance of heat, or of energy, relative to that which flows through the body."""
    return result.heat_balance.relative if isinstance(result, SteadyResult) else result.imbalance


def _codes(warnings: Sequence[str]) -> str:
    """Return the codes of warnings, each once."""
    found = (match[1] or match[2] for text in warnings for match in _WARNING_CODE.finditer(text))
    return " ".join(dict.fromkeys(found))


def _message(error: Exception) -> str:
    """Return the text of an error; that of an unexpected one begins with its class."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    is_own = type(error).__module__.startswith("thermostack") or type(error) is ValueError
    return text if is_own and text else f"{type(error).__name__}: {text}"


def _save_field(result: SteadyResult | TransientResult, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    result.save(folder / f"case_{number:06d}{RESULT_SUFFIX}")
