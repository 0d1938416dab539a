"""Temperatures of cells given as an argument: one value, an array of all cells, or a steady result."""

from __future__ import annotations

import numpy as np

from thermostack.mesh.model import Model, has_equal_cells
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.fields import to_si


def read_cell_temperatures(
    value: SteadyResult | np.ndarray | float | str, model: Model, name: str
) -> float | np.ndarray:
    """Return one temperature [K], or those of all cells [K], (nz, ny, nx), from an argument of a name.

    Raises ValueError if it is not above absolute zero and finite in the body, or not of the cells of the
    model, and DescriptionError if it is neither a number nor text with a unit.
    """
    if isinstance(value, SteadyResult):
        if not has_equal_cells(value.model, model):
            text = f"{name} is a result of {value.package.name!r} with other parts or another grid"
            raise ValueError(f"{text}; solve it with the grid and the parts of this model")
        value = value.field
    if isinstance(value, (str, bool)) or np.ndim(value) == 0:
        kelvin = to_si(value, "temperature", name)
        if not 0.0 < kelvin < np.inf:
            raise ValueError(f"{name} must be above absolute zero and finite, got {kelvin:g} K")
        return kelvin
    given = np.asarray(value)
    if given.dtype.kind not in "fiu" or given.shape != model.grid.shape:
        text = f"{name} is an array of {given.dtype} with shape {given.shape}"
        raise ValueError(f"{text}; expected temperatures [K] of the cells, with shape {model.grid.shape}")
    field = given.astype(np.float64)
    inside = field[model.part > 0]
    if not (np.isfinite(inside).all() and (inside > 0.0).all()):
        raise ValueError(f"{name} must be above absolute zero and finite in every cell of the body")
    return field
