"""A heated slab whose temperatures have a closed form, and studies of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SLAB = """\
package: slab
stacks:
  die:
    size: [10 mm, 10 mm]
    limit: 85 degC
    layers:
      - {name: body, thickness: 1 mm, material: slab, power: 10 W}
materials:
  slab: {conductivity: 100 W/m/K}
cooling:
  top: {convection: {h: 2 kW/m2/K, ambient: 25 degC}}
"""
AREA = 1e-4  # m2
AMBIENT = 298.15  # K
H = "cooling.top.convection.h"
THICKNESS = "stacks.die.layers.body.thickness"
POWER = "stacks.die.layers.body.power"
CONDUCTIVITY = "materials.slab.conductivity"

STUDY = """\
package: slab.yaml
axes:
  cooling.top.convection.h: {name: h, from: 1 kW/m2/K, to: 4 kW/m2/K, steps: 4}
  stacks.die.layers.body.power: {name: p, values: [5 W, 10 W, 20 W]}
outputs:
  peak: max of die
  mean: mean of die.body
analysis: {steady: {cell: 10 mm}}
"""


def peak(power: float = 10.0, h: float = 2e3, thickness: float = 1e-3, conductivity: float = 100.0) -> float:
    """Return the maximum temperature [K]: uniform heat, adiabatic bottom, convection at the top."""
    flux = power / AREA
    return AMBIENT + flux / h + flux * thickness / (2.0 * conductivity)


def mean(power: float = 10.0, h: float = 2e3, thickness: float = 1e-3, conductivity: float = 100.0) -> float:
    """Return the mean temperature [K]."""
    flux = power / AREA
    return AMBIENT + flux / h + flux * thickness / (3.0 * conductivity)


def write_study(folder: Path, text: str = STUDY, name: str = "study.yaml") -> Path:
    """Write the slab and a study of it; return the file of the study."""
    (folder / "slab.yaml").write_text(SLAB)
    file = folder / name
    file.write_text(text)
    return file


def slab_study(folder: Path, **fields: Any) -> dict[str, Any]:
    """Return a study of the slab as plain data, with other fields than the usual ones."""
    (folder / "slab.yaml").write_text(SLAB)
    usual = {
        "package": str(folder / "slab.yaml"),
        "axes": {H: {"name": "h", "values": ["1 kW/m2/K", "2 kW/m2/K"]}},
        "outputs": {"peak": "max of die"},
        "analysis": {"steady": {"cell": "10 mm"}},
    }
    return {**usual, **fields}
