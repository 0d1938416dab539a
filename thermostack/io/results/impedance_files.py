"""Files of a thermal impedance: tables as CSV, circuits for SPICE, a summary as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import require_replaceable

if TYPE_CHECKING:
    from thermostack.results.impedance_result import ThermalImpedance

RISE_SHARES = (0.1, 0.5, 0.9)  # of the steady rise, whose times are stated
# Suffix of the name of each file, and the first bytes of such a file.
FILE_SIGNATURES = {
    ".csv": b"time [s],",
    "_spectrum.csv": b"time constant [s],",
    "_structure.csv": b"resistance [K/W],",
    ".sp": b"* thermal impedance",
    ".json": b'{\n  "package": ',
}


def impedance_files(stem: Path) -> list[Path]:
    """Return the paths of the files whose names start with a stem.

    Raises OutputError if another kind of file has such a name.
    """
    return [
        require_replaceable(stem.with_name(stem.name + suffix), mark)
        for suffix, mark in FILE_SIGNATURES.items()
    ]


def write_impedance(impedance: ThermalImpedance, paths: Sequence[Path]) -> list[Path]:
    """Write rises, spectrum, structure functions, circuits and summary to the paths of `impedance_files`.

    Raises OutputError if a file cannot be written completely.
    """
    texts = (
        rise_table(impedance),
        spectrum_table(impedance),
        structure_table(impedance),
        circuits(impedance),
        json.dumps(impedance_summary(impedance), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    )
    for path, text in zip(paths, texts, strict=True):
        write_atomic(path, text.encode())
    return list(paths)


def rise_table(impedance: ThermalImpedance) -> str:
    """Return the rise per watt [K/W] of every output at every time [s], and its error by the grid, as CSV."""
    errors = _grid_errors(impedance) or {}
    head = ["time [s]", *(f"{name} [K/W]" for name in impedance.zth)]
    head += [f"{name} grid error [K/W]" for name in errors]
    return _table(head, np.column_stack([impedance.time, *impedance.zth.values(), *errors.values()]))


def spectrum_table(impedance: ThermalImpedance) -> str:
    """Return the time constants [s] and their resistances [K/W] for every output as CSV."""
    head = ["time constant [s]", *(f"{name} [K/W]" for name in impedance.networks)]
    columns = [network.resistance for network in impedance.networks.values()]
    return _table(head, np.column_stack([impedance.foster.time_constant, *columns]))


def structure_table(impedance: ThermalImpedance) -> str:
    """Return the cumulative and the differential structure function of the source as CSV."""
    structure = impedance.structure
    columns = np.column_stack([structure.resistance, structure.capacity, structure.slope])
    return _table(["resistance [K/W]", "capacity [J/K]", "dC/dR [W2 s/K2]"], columns)


def circuits(impedance: ThermalImpedance) -> str:
    """Return the Cauer and the Foster network of the source as SPICE subcircuits."""
    name = f"{impedance.package}_{impedance.source}"
    return "\n".join(
        [
            f"* thermal impedance of {impedance.source} in {impedance.package}",
            f"* {impedance.theta:.6g} K/W at steady state",
            f"* conductivities and capacities: {impedance.taken_at}",
            "* 1 A is 1 W, 1 V is 1 K; the same impedance as a Cauer and as a Foster network",
            impedance.cauer.spice(f"{name}_cauer"),
            impedance.foster.spice(f"{name}_foster"),
        ]
    )


def impedance_summary(impedance: ThermalImpedance) -> dict[str, Any]:
    """Return a thermal impedance as dictionaries, lists and numbers in SI units: W, K, J, s, m.

    The keys are a contract with programs that read the JSON: no key is removed or changes its meaning.
    """
    return {
        "package": impedance.package,
        "source": impedance.source,
        "theta": {name: network.total for name, network in impedance.networks.items()},
        "peak_at": list(impedance.peak_at),
        "time": impedance.time.tolist(),
        "zth": {name: rise.tolist() for name, rise in impedance.zth.items()},
        "grid_error": _grid_errors(impedance),
        "foster": {
            "time_constant": impedance.foster.time_constant.tolist(),
            "resistance": {name: network.resistance.tolist() for name, network in impedance.networks.items()},
        },
        "cauer": {
            "resistance": impedance.cauer.resistance.tolist(),
            "capacity": impedance.cauer.capacity.tolist(),
        },
        "taken_at": impedance.taken_at,
        "error": impedance.error,
        "solves": len(impedance.rates),
        "capacity": impedance.capacity,
        "rise_time": {f"{share:.0%}": impedance.time_of_rise(share) for share in RISE_SHARES},
        "resolved": impedance.resolved if math.isfinite(impedance.resolved) else None,
        "seconds": dict(impedance.seconds),
        "warnings": list(impedance.warnings),
    }


def _grid_errors(impedance: ThermalImpedance) -> dict[str, list[float]] | None:
    """Return the estimated discretisation error [K/W] of each output at every time, None without it."""
    if impedance.grid_error is None:
        return None
    return {name: impedance.error_of_rise(impedance.time, name).tolist() for name in impedance.zth}


def _table(head: Sequence[str], rows: Iterable[Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([repr(float(value)) for value in row] for row in rows)
    return text.getvalue()
