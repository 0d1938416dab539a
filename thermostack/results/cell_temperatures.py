"""Temperatures of cells given as an argument: one value, an array of all cells, or a steady result."""

from __future__ import annotations

import numpy as np

from thermostack.mesh.model import Model, has_equal_cells
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import argument_error, check_quantity


def read_cell_temperatures(
    value: SteadyResult | np.ndarray | float | str, model: Model, name: str
) -> float | np.ndarray:
    """Return one temperature [K], or those of all cells [K], (nz, ny, nx), that an argument gives.

    Raises ArgumentError if it is no temperature, not above absolute zero and finite in the body, or not of
    the cells of the model.
    """
    if isinstance(value, SteadyResult):
        if not has_equal_cells(value.model, model):
            text = f"{name} is a result of {value.package.name!r} with other parts or another grid"
            raise argument_error(name, text, "solve it with the grid and the parts of this model")
        value = value.field
    if isinstance(value, (str, bool)) or np.ndim(value) == 0:
        return check_quantity(value, "temperature", name, above=0.0)
    given = np.asarray(value)
    if given.dtype.kind not in "fiu" or given.shape != model.grid.shape:
        text = f"an array of {given.dtype} with shape {given.shape} is no field of temperatures"
        raise argument_error(name, text, f"give numbers [K] of shape {model.grid.shape}", "E-TYPE")
    field = given.astype(np.float64)
    inside = field[model.part > 0]
    if not (np.isfinite(inside).all() and (inside > 0.0).all()):
        text = "is not above absolute zero and finite in every cell of the body"
        raise argument_error(name, text, "give temperatures in kelvin", "E-RANGE")
    return field
