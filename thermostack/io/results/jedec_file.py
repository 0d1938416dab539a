"""CSV files of JEDEC metrics, and of the matrices of several dies."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import require_replaceable
from thermostack.io.results.summary import escape_formula
from thermostack.results.jedec_result import JedecResult
from thermostack.units import ZERO_CELSIUS

TITLES = (
    "metric",
    "value [K/W]",
    "error [K/W]",
    "environment",
    "standard",
    "board",
    "power [W]",
    "difference [K]",
    "junction",
    "junction [degC]",
    "reference",
    "reference [degC]",
    "heat by surface",
)


def metrics_csv(result: JedecResult) -> str:
    """Return a row for each metric, and after an empty row the rows of the matrices."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TITLES)
    for metric in result.metrics:
        heat = "; ".join(f"{name} {share:.6f}" for name, share in metric.heat.items())
        writer.writerow(
            [
                metric.name,
                repr(metric.value),
                repr(metric.error),
                metric.environment,
                metric.standard,
                metric.board,
                repr(metric.power),
                repr(metric.difference),
                escape_formula(metric.junction.place),
                repr(metric.junction.temperature - ZERO_CELSIUS),
                metric.reference.place,
                repr(metric.reference.temperature - ZERO_CELSIUS),
                escape_formula(heat),
            ]
        )
    for matrix in result.matrices:
        writer.writerow([])
        names = [escape_formula(die) for die in matrix.dies]
        writer.writerow([f"rise per watt in {matrix.environment} [K/W]", *names])
        for die, row in zip(names, matrix.resistance.tolist(), strict=True):
            writer.writerow([die, *map(repr, row)])
    return text.getvalue()


def write_metrics(result: JedecResult, path: str | Path) -> None:
    """Write the metrics as CSV. Raises OutputError if the file cannot be written."""
    path = require_replaceable(Path(path), TITLES[0].encode())
    write_atomic(path, metrics_csv(result).encode())
