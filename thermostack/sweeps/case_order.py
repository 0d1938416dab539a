"""Order in which cases are solved: little changes between neighbours, and the geometry changes last."""

from __future__ import annotations

import re

import numpy as np

# Kinds of fields, the slowest axis first: a new geometry needs a new grid, a new material new conductances, a
# new coefficient new boundary conductances, and a new power a new right-hand side only.
GEOMETRY, MATERIAL, COEFFICIENT, POWER = range(4)
_POWER_KEYS = {"power", "powers", "scale_to", "total", "flux", "fixed_flux"}
_MATERIAL_KEYS = {"material", "materials", "conductivity", "filler", "heat_capacity", "density"}
_COEFFICIENT_KEYS = {"cooling", "interface", "resistance", "h", "ambient", "conductance", "links"}


def field_kind(path: str) -> int:
    """Return the kind of the field at a path.

    >>> [field_kind(path) for path in ("stacks.die.layers.tim.thickness", "materials.tim.conductivity")]
    [0, 1]
    >>> [field_kind(path) for path in ("cooling.top.convection.h", "stacks.die.layers.active.power")]
    [2, 3]
    """
    keys = [key for key in re.split(r"[.\[\]]+", path) if key]
    if _POWER_KEYS & set(keys):
        return POWER
    if keys[:1] == ["materials"] or (keys[-1:] and keys[-1] in _MATERIAL_KEYS):
        return MATERIAL
    return COEFFICIENT if _COEFFICIENT_KEYS & set(keys) else GEOMETRY


def execution_order(paths: list[str], levels: np.ndarray) -> np.ndarray:
    """Return the numbers of the cases in the order in which they are solved, (cases,).

    The levels (cases, axes) are sorted by the geometry, then by materials, coefficients and powers; among
    axes of one kind the first varies slowest.
    """
    slowest_first = sorted(range(len(paths)), key=lambda n: field_kind(paths[n]))
    found: np.ndarray = np.lexsort([levels[:, n] for n in reversed(slowest_first)])
    return found
