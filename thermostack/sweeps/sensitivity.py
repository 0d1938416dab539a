"""Analysis of the table of a sweep: tornado, Sobol indices, Pareto front and worst cases.

The kind of the design follows from the inputs of the table alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermostack.errors import ThermostackError
from thermostack.sweeps.sweep_result import SweepResult
from thermostack.sweeps.table import INSTALL_HINT

MIN_SAMPLES = 4  # of a Saltelli design whose indices are computed
RESAMPLES = 200  # of the bootstrap for the confidence intervals
CONFIDENCE = 0.95


def input_codes(result: SweepResult) -> np.ndarray:
    """Return a whole number for each value of each input, equal for equal values, (cases, inputs)."""
    columns = [np.unique(result.column(name), return_inverse=True)[1] for name in result.inputs]
    return np.column_stack(columns) if columns else np.zeros((len(result), 0), dtype=np.intp)


# -- tornado --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TornadoBar:
    """The cases in which one input, or some that vary together, are not nominal.

    `rows` are those of the low and the high value, or of the other values of a list.
    """

    inputs: tuple[str, ...]
    rows: tuple[int, ...]


def find_tornado(result: SweepResult) -> list[TornadoBar]:
    """Return a bar for each axis if the design is a tornado about its first case, otherwise none.

    A single axis has three values: more of them are a line over the axis.
    """
    codes = input_codes(result)
    changed = codes != codes[0] if len(codes) else codes
    bars: list[TornadoBar] = []
    used = np.zeros(codes.shape[1], dtype=bool)
    own = used
    for row in range(1, len(result)):
        if bars and (changed[row] == own).all():
            bars[-1] = TornadoBar(bars[-1].inputs, (*bars[-1].rows, row))
            continue
        own = changed[row]
        if not own.any() or (used & own).any():
            return []
        used = used | own
        names = tuple(name for name, is_own in zip(result.inputs, own, strict=True) if is_own)
        bars.append(TornadoBar(names, (row,)))
    return bars if len(bars) > 1 or (bars and len(bars[0].rows) == 2) else []


def sorted_bars(result: SweepResult, bars: Sequence[TornadoBar], output: str) -> list[TornadoBar]:
    """Return the bars with a value of an output, the widest first.

    A bar of more than two rows has those with the smallest and the largest output.
    """
    values = result.column(output)
    known = []
    for bar in bars:
        rows = [row for row in bar.rows if np.isfinite(values[row])]
        if len(bar.rows) > 2 and rows:
            ends = {min(rows, key=values.__getitem__): None, max(rows, key=values.__getitem__): None}
            known.append(TornadoBar(bar.inputs, tuple(ends)))
        elif len(rows) == len(bar.rows):
            known.append(bar)
    return sorted(known, key=lambda bar: -np.ptp(values[[0, *bar.rows]]))


# -- Sobol indices --------------------------------------------------------------------------------


@dataclass(frozen=True)
class SaltelliDesign:
    """A Saltelli design: the number of samples, and whether it has the cases of second order."""

    samples: int
    second_order: bool


@dataclass(frozen=True)
class SobolIndices:
    """First and total order indices of the inputs for one output, with the widths of their confidence."""

    first: np.ndarray  # (inputs,)
    first_confidence: np.ndarray
    total: np.ndarray
    total_confidence: np.ndarray
    samples: int  # with a result of every case


def find_saltelli(result: SweepResult) -> SaltelliDesign | None:
    """Return the Saltelli design of a table, None if its inputs are of another design."""
    codes = input_codes(result)
    d = codes.shape[1]
    for second_order in (False, True):
        block = d * (1 + second_order) + 2
        samples, rest = divmod(len(result), block)
        if d and not rest and samples >= MIN_SAMPLES and _is_saltelli(codes, block):
            return SaltelliDesign(samples, second_order)
    return None


def _is_saltelli(codes: np.ndarray, block: int) -> bool:
    """Return whether rows exchange one input at a time between the first and the last row of each block."""
    rows = codes.reshape(-1, block, codes.shape[1])
    a, b = rows[:, 0], rows[:, -1]
    if (a == b).all():
        return False
    for n in range(1, block - 1):
        column = (n - 1) % codes.shape[1]
        base, other = (a, b) if n <= codes.shape[1] else (b, a)
        expected = base.copy()
        expected[:, column] = other[:, column]
        if (rows[:, n] != expected).any():
            return False
    return True


def sobol_indices(result: SweepResult, design: SaltelliDesign, output: str) -> SobolIndices | None:
    """Return the indices of an output by SALib; samples with a failed case are left out.

    It is None if fewer than four samples are complete, or the output does not vary. Raises ThermostackError
    without SALib.
    """
    try:
        from SALib.analyze import sobol
    except ImportError:
        raise ThermostackError(f"Sobol indices need SALib: {INSTALL_HINT}") from None
    d = len(result.inputs)
    values = result.column(output).reshape(design.samples, -1)
    complete = values[np.isfinite(values).all(axis=1)]
    if len(complete) < MIN_SAMPLES or np.ptp(complete) == 0.0:
        return None
    problem = {"num_vars": d, "names": [f"x{n}" for n in range(d)], "bounds": [[0.0, 1.0]] * d}
    found: Any = sobol.analyze(
        problem,
        complete.ravel(),
        calc_second_order=design.second_order,
        num_resamples=RESAMPLES,
        conf_level=CONFIDENCE,
        seed=1,
    )
    return SobolIndices(found["S1"], found["S1_conf"], found["ST"], found["ST_conf"], len(complete))


# -- Pareto front and worst cases -------------------------------------------------------------------


def pareto_front(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the rows of which no other row is smaller in one value and not larger in the other.

    Rows are in the order of x; rows with an unknown value are left out.

    >>> pareto_front(np.array([1.0, 2.0, 3.0, 2.5]), np.array([3.0, 1.0, 0.5, 2.0])).tolist()
    [0, 1, 2]
    """
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    rows = known[np.lexsort((y[known], x[known]))]
    front: list[int] = []
    best = np.inf
    for row in rows.tolist():
        if y[row] < best or (front and (x[row], y[row]) == (x[front[-1]], y[front[-1]])):
            front.append(row)
            best = y[row]
    return np.array(front, dtype=np.intp)


def is_better_when_larger(output: str) -> bool:
    """Return whether an output is maximised by default: margins and limits, of which more is safer."""
    return "margin" in output.lower()


def worst_cases(result: SweepResult, output: str, count: int) -> np.ndarray:
    """Return the rows with the worst values of an output: the smallest margins, otherwise the largest."""
    values = result.column(output)
    if values.dtype.kind != "f":
        return np.zeros(0, dtype=np.intp)
    known = np.flatnonzero(np.isfinite(values))
    order = np.argsort(values[known], kind="stable")
    found: np.ndarray = known[order if is_better_when_larger(output) else order[::-1]][:count]
    return found
