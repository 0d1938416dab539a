"""Result of a unit cell: conductivities with bounds, error and formula, heat capacity, and its material."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from thermostack.materials.cell_formulas import formula_of
from thermostack.materials.material import ROOM_TEMPERATURE, Material
from thermostack.materials.material_library import Definition, find_material
from thermostack.materials.unit_cell import UnitCell
from thermostack.results.actions import call
from thermostack.schema.arguments import check_number, check_quantity, require_instance
from thermostack.schema.validated_dataclass import class_key
from thermostack.unit_cells.axis_solution import AxisSolution
from thermostack.unit_cells.cell_solution import RELATIVE_TOLERANCE, solve_geometry
from thermostack.unit_cells.range_warnings import range_warnings

MIN_TOLERANCE = 1e-5  # relative; below, the largest grid is always reached


@dataclass(frozen=True)
class UnitCellResult:
    """Effective properties of a unit cell at one temperature.

    Attributes
    ----------
    cell : UnitCell
        Description of the cell.
    temperature : float
        Temperature of the constituents [K].
    x, y, z : AxisSolution
        Conductivity along each axis with bounds and error [W/(m K)].
    cross : float
        Component xy of the conductivity [W/(m K)], which materials neglect; zero if a mirror plane is normal
        to x or y.
    volumetric_heat_capacity : float or None
        Mean by volume [J/(m3 K)], None if a constituent has no heat capacity.
    constituents : tuple
        Field, name, volume fraction, and conductivities along x, y, z [W/(m K)] of each constituent.
    formula : tuple or None
        Key of the effective medium with a formula for this structure, and its conductivities along x, y and
        z [W/(m K)]; pads are not in the formula.
    material : Material
        The material of the cell, over the whole range of temperatures.
    unresolved : float
        Width of the narrowest gap or shell that no grid resolves [m], zero if there is none. The errors are
        then the distances to the bounds.
    warnings : list of str
        W-RANGE for each constituent that is not known at the temperature.

    Examples
    --------
    >>> from thermostack import BumpCell, UnitCell, solve_unit_cell
    >>> result = solve_unit_cell(UnitCell(bump=BumpCell("solder_bump", "underfill", 25e-6, 40e-6, 30e-6)))
    >>> round(1e6 * result.area_resistance, 2)  # mm2 K/W of the layer
    1.91
    """

    cell: UnitCell
    temperature: float
    x: AxisSolution
    y: AxisSolution
    z: AxisSolution
    cross: float
    volumetric_heat_capacity: float | None
    constituents: tuple[tuple[str, str, float, tuple[float, float, float]], ...]
    formula: tuple[str, tuple[float, float, float]] | None
    material: Material
    unresolved: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def conductivity(self) -> tuple[float, float, float]:
        """Return the conductivity along x, y and z [W/(m K)]."""
        return self.x.value, self.y.value, self.z.value

    @property
    def area_resistance(self) -> float | None:
        """Return the resistance between bottom and top for one area [m2 K/W], None without a height."""
        return self.cell.geometry.height / self.z.value if self.cell.has_height else None

    def __repr__(self) -> str:
        x, y, z = (
            f"{name}={axis.value:.4g} +- {axis.error:.1g}"
            for name, axis in (("x", self.x), ("y", self.y), ("z", self.z))
        )
        return f"UnitCellResult({x}, {y}, {z} W/m/K at {self.temperature:g} K)"

    def table(self) -> str:
        """Return the table of conductivities with bounds, errors and formula as text."""
        text: str = call("report.unit_cell_table", "unit_cell_text", self)
        return text

    def _repr_html_(self) -> str:
        """Return the table as HTML, for notebooks."""
        html: str = call("report.unit_cell_table", "unit_cell_html", self)
        return html


def solve_unit_cell(
    cell: UnitCell,
    temperature: float | str = ROOM_TEMPERATURE,
    *,
    materials: Mapping[str, Definition] | None = None,
    tolerance: float = RELATIVE_TOLERANCE,
) -> UnitCellResult:
    """Return the effective conductivity and heat capacity of a unit cell.

    Parameters
    ----------
    cell : UnitCell
        The structure.
    temperature : float or str
        Temperature of the constituents [K].
    materials : mapping of str to Material or effective medium, optional
        Definitions of names in the cell, such as `package.materials`; they take precedence over the library.
    tolerance : float
        Estimated error relative to the value, at which the refinement of the grid ends, unless the largest
        grid is reached before.

    Returns
    -------
    UnitCellResult
        Conductivities with bounds and errors, heat capacity, and the material.

    Raises
    ------
    DescriptionError
        If a material is unknown.
    ArgumentError
        If an argument is invalid.
    ConvergenceError
        If the linear solver does not converge.

    Notes
    -----
    The heat equation is solved in one period on three or more grids, and the values are extrapolated
    (docs/numerics.md, section 4). Solutions are kept in the cache directory of the user; see the guide,
    docs/guide/materials.md.

    Examples
    --------
    >>> from thermostack import UnitCell, ViaCell
    >>> result = solve_unit_cell(UnitCell(via=ViaCell("copper_mfit", "silicon_constant", 10e-6, 50e-6)))
    >>> [round(value, 1) for value in result.conductivity]
    [152.3, 152.3, 155.9]
    """
    require_instance(cell, (UnitCell,), "cell", "a UnitCell", "write UnitCell(via=ViaCell(...))")
    kelvin = check_quantity(temperature, "temperature", "temperature", above=0.0)
    check_number(tolerance, "tolerance", min=MIN_TOLERANCE, below=1.0)
    own: dict[str, Any] = dict(materials or {})
    material = find_material(cell, own)
    parts = [(place, find_material(part, own), share) for place, part, share in cell.constituents()]
    rows = [part.conductivity_at(kelvin) for _, part, _ in parts]
    solution = solve_geometry(cell.geometry, np.array(rows, dtype=np.float64), tolerance)
    medium = formula_of(cell)
    formula = None
    if medium is not None:
        formula = class_key(type(medium)), find_material(medium, own).conductivity_at(kelvin)
    constituents = tuple(
        (place, part.name, share, row) for (place, part, share), row in zip(parts, rows, strict=True)
    )
    capacity = material.capacity_at(kelvin) if material.has_capacity else None
    warnings = range_warnings(((place, part) for place, part, _ in parts), kelvin)
    return UnitCellResult(
        cell,
        kelvin,
        *solution.axes,
        solution.cross,
        capacity,
        constituents,
        formula,
        material,
        unresolved=solution.unresolved,
        warnings=warnings,
    )
