"""Comparison of a local model with the result that it was cut out of: sides of the box, means of parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from thermostack.results.actions import call
from thermostack.schema.arguments import check_whole_number
from thermostack.schema.short_repr import html_table
from thermostack.units import ZERO_CELSIUS, format_quantity

Point3 = tuple[float, float, float]


@dataclass(frozen=True)
class FaceAgreement:
    """Heat flow and mean temperature of one side of the box, in the local and in the global model.

    Parameters
    ----------
    side : str
        "top", "bottom", "west", "east", "south" or "north".
    area : float
        Area on which the local model is cut out of the body [m2].
    heat : float
        Heat flow out of the box in the local model [W].
    global_heat : float
        Heat flow out of the box in the global model [W].
    mean : float
        Mean temperature of the side in the local model [K].
    global_mean : float
        Mean temperature of the side in the global model [K].

    Examples
    --------
    >>> import thermostack as ts
    >>> side = ts.FaceAgreement("top", 1e-6, 1.02, 1.0, 330.0, 330.0)
    >>> round(side.heat - side.global_heat, 3)
    0.02
    """

    side: str
    area: float
    heat: float
    global_heat: float
    mean: float
    global_mean: float


@dataclass(frozen=True)
class PartAgreement:
    """Mean temperature of a part in the box, in the local and in the global model.

    Parameters
    ----------
    name : str
        Name of the part in the global model; of a resolved array, the mean includes its vias or bumps.
    mean : float
        Mean temperature in the local model [K].
    global_mean : float
        Mean temperature of the same volume in the global model [K].

    Examples
    --------
    >>> import thermostack as ts
    >>> ts.PartAgreement("die", 350.5, 350.0).difference
    0.5
    """

    name: str
    mean: float
    global_mean: float

    @property
    def difference(self) -> float:
        """Return the mean of the local model minus that of the global model [K]."""
        return self.mean - self.global_mean


@dataclass(frozen=True)
class ErrorContribution:
    """Estimated errors of a part or block of a local model that its grid and its boundary cause.

    Parameters
    ----------
    name : str
        Name of the part or block.
    grid, boundary : float
        Errors of the maximum [K]; their sum is `error` of the part.
    mean_grid, mean_boundary : float, optional
        Errors of the mean [K]; None in a transient.

    Examples
    --------
    >>> import thermostack as ts
    >>> ts.ErrorContribution("die.active", 0.01, 0.5).is_of_boundary
    True
    """

    name: str
    grid: float
    boundary: float
    mean_grid: float | None = None
    mean_boundary: float | None = None

    @property
    def is_of_boundary(self) -> bool:
        """Return whether the boundary causes more than half of the error of the maximum."""
        return self.boundary > self.grid


@dataclass(frozen=True)
class ZoomAgreement:
    """The agreement of a local model with the result that gave its boundary.

    `SteadyResult.zoom` returns a result with it in the attribute `agreement`.

    Parameters
    ----------
    low, high : tuple of float
        Corners of the box [m].
    boundary : {"temperature", "flux"}
        Quantity that the cut faces take from the global model.
    faces : tuple of FaceAgreement
        Sides of the box that cut the body.
    parts : tuple of PartAgreement
        Parts in the box.
    power : float
        Power in the box in the local model [W].
    global_power : float
        Power in the box in the global model [W].
    cells : int
        Cells of the local model.
    global_cells : int
        Cells of the global model.
    errors : tuple of ErrorContribution
        Errors of the parts and blocks by the local grid and by the boundary; empty without an estimate.

    Examples
    --------
    >>> import thermostack as ts
    >>> steady = ts.solve_steady(ts.discretize(ts.read_package("fcbga"), cell=4e-3))
    >>> local = steady.zoom("die", margin="1 mm", cell="1 mm")
    >>> local.agreement.heat_difference < 0.05
    True
    """

    low: Point3
    high: Point3
    boundary: str
    faces: tuple[FaceAgreement, ...]
    parts: tuple[PartAgreement, ...]
    power: float
    global_power: float
    cells: int
    global_cells: int
    errors: tuple[ErrorContribution, ...] = ()

    @property
    def worst_error(self) -> ErrorContribution | None:
        """Return the contributions to the largest error of a maximum, None without an estimate."""
        return max(self.errors, key=lambda each: each.grid + each.boundary, default=None)

    @property
    def heat_difference(self) -> float:
        """Return the sum of the differences of the heat flows through the sides, relative to the heat.

        The heat is the larger of the power in the box and half of the sum of the flows through the sides.
        """
        differences = sum(abs(face.heat - face.global_heat) for face in self.faces)
        through = 0.5 * sum(abs(face.global_heat) for face in self.faces)
        heat = max(abs(self.global_power), through)
        return differences / heat if heat > 0.0 else 0.0

    @property
    def max_difference(self) -> float:
        """Return the maximum difference of the mean temperatures of a part [K]."""
        return max((abs(part.difference) for part in self.parts), default=0.0)

    def __repr__(self) -> str:
        """Return the box, the boundary, the power, and the agreement of faces and parts, line by line."""
        corners = " : ".join(
            ", ".join(format_quantity(value, "length") for value in corner)
            for corner in (self.low, self.high)
        )
        power, before = (format_quantity(value, "power") for value in (self.power, self.global_power))
        return "\n".join(
            [
                f"ZoomAgreement of the box {corners}",
                f"  boundary  {self.boundary} of the global model, {self.cells} cells of {self.global_cells}",
                f"  power     {power}, global {before}",
                f"  faces     heat flows differ by {100.0 * self.heat_difference:.2g} % of the heat",
                f"  parts     means differ by {self.max_difference:.2g} K at most",
            ]
        )

    def table(self, width: int = 120) -> str:
        """Return the sides and the parts as text: heat flows [W] and mean temperatures [degC]."""
        check_whole_number(width, "width", min=1)
        table = call("report.zoom_table", "zoom_table", self)
        text: str = call("report.table_layout", "as_text", table, width)
        return text

    def _repr_html_(self) -> str:
        """Return the mean temperatures of the parts as an HTML table."""
        rows = [
            (
                part.name,
                f"{part.mean - ZERO_CELSIUS:.2f}",
                f"{part.global_mean - ZERO_CELSIUS:.2f}",
                f"{part.difference:+.3f}",
            )
            for part in self.parts
        ]
        return html_table("local and global means [degC]", ("part", "local", "global", "change"), rows)


def agreement_summary(agreement: ZoomAgreement) -> dict[str, Any]:
    """Return the agreement of a local model with its global model as plain data in SI units."""
    data = asdict(agreement)
    data["faces"] = {face.pop("side"): face for face in data["faces"]}
    data["parts"] = {part.pop("name"): part for part in data["parts"]}
    data["errors"] = {error.pop("name"): error for error in data["errors"]}
    return {**data, "heat_difference": agreement.heat_difference}
