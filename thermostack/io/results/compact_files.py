"""Files of compact models: JSON, CSV of the conductances, and a SPICE netlist."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import require_replaceable, require_suffix
from thermostack.results.compact_model import NODES, PAIRS, CompactModels

SUFFIXES = (".json", ".csv", ".cir")
STARTS = {".json": b'{\n  "package"', ".csv": b"from,to,conductance [W/K]", ".cir": b"* compact thermal"}


def write_compact(models: CompactModels, path: str | Path) -> None:
    """Write the models in the format of the suffix. Raises OutputError if the file cannot be written."""
    path = require_suffix(path, SUFFIXES)
    suffix = path.suffix.lower()
    path = require_replaceable(path, STARTS[suffix])
    text = {".json": compact_json, ".csv": compact_csv, ".cir": compact_netlist}[suffix](models)
    write_atomic(path, text.encode())


def compact_json(models: CompactModels) -> str:
    """Return both models and their errors as JSON."""
    return json.dumps(models.to_dict(), indent=2, allow_nan=False) + "\n"


def compact_csv(models: CompactModels) -> str:
    """Return a row for each conductance of the network, and for each of the two resistors."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("from", "to", "conductance [W/K]", "resistance [K/W]"))
    for (i, j), g in zip(PAIRS, models.delphi.conductance.tolist(), strict=True):
        writer.writerow((NODES[i], NODES[j], repr(g), repr(1.0 / g)))
    two = models.two_resistor
    writer.writerow(("two_resistor.junction", "case", repr(1.0 / two.theta_jc), repr(two.theta_jc)))
    writer.writerow(("two_resistor.junction", "board", repr(1.0 / two.theta_jb), repr(two.theta_jb)))
    for name, area in zip(NODES[1:], models.delphi.area.tolist(), strict=True):
        writer.writerow((f"area of {name} [m2]", "", repr(area), ""))
    return text.getvalue()


def compact_netlist(models: CompactModels) -> str:
    """Return the models as subcircuits of SPICE: one volt is one kelvin, one ampere one watt."""
    name = re.sub(r"\W", "_", models.package)
    fit, two = models.delphi, models.two_resistor
    rows = [
        f"* compact thermal models of {models.package}: 1 V = 1 K, 1 A = 1 W",
        f"* error of the junction rise: network up to {100 * fit.test.max_junction:.2g} % (test)",
        f"* error of the junction rise: two resistors up to {100 * two.max_error:.2g} %",
    ]
    for node, area in zip(NODES[1:], fit.area.tolist(), strict=True):
        rows.append(f"* area of {node}: {area:.6e} m2")
    rows.append(f".subckt {name}_delphi {' '.join(NODES)}")
    for n, ((i, j), g) in enumerate(zip(PAIRS, fit.conductance.tolist(), strict=True), 1):
        rows.append(f"R{n} {NODES[i]} {NODES[j]} {1.0 / g:.9e}")
    rows += [".ends", f".subckt {name}_two_resistor junction case board"]
    rows += [f"R1 junction case {two.theta_jc:.9e}", f"R2 junction board {two.theta_jb:.9e}", ".ends", ".end"]
    return "\n".join(rows) + "\n"
