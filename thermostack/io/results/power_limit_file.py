"""CSV file of the power that is allowed for a limited time."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import require_replaceable
from thermostack.results.power_limit_curve import PowerLimitCurve

TITLES = ("duration [s]", "power [W]", "grid error [W]", "energy above base [J]")


def write_power_limits(curve: PowerLimitCurve, path: str | Path) -> None:
    """Write a row for each duration. Raises OutputError if the file cannot be written."""
    path = require_replaceable(Path(path), TITLES[0].encode())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TITLES)
    rows = (curve.duration.tolist(), curve.power.tolist(), curve.error.tolist(), curve.energy.tolist())
    writer.writerows([map(repr, row) for row in zip(*rows, strict=True)])
    write_atomic(path, text.getvalue().encode())
