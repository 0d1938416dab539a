"""The result of a steady solve: temperature field, temperatures of the parts, heat balance, solver report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.heat_balance import HeatBalance
from thermostack.finite_volume.link_heat import LinkHeat
from thermostack.finite_volume.nodal_values import temperature_at
from thermostack.finite_volume.operating_point import linearise
from thermostack.finite_volume.part_temperatures import (
    FaceTemperature,
    PartTemperature,
    measure_face,
    merge_parts,
)
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.nonlinear_report import NonlinearReport
from thermostack.linear.solver_report import SolverReport
from thermostack.mesh.model import Model
from thermostack.package.package import Package
from thermostack.results.actions import call
from thermostack.results.fields import cell_field, fill_inactive
from thermostack.results.names import unknown_name, with_stacks
from thermostack.results.refinement_log import Refinement
from thermostack.results.zoom_agreement import ZoomAgreement
from thermostack.schema.arguments import check_whole_number
from thermostack.schema.fields import point_in_metres
from thermostack.schema.spelling import counted

if TYPE_CHECKING:
    import xarray

PEAK_TIE = 0.05  # K: parts whose maxima differ by less share their hottest face


@dataclass(frozen=True, eq=False, repr=False)
class SteadyResult:
    """A steady temperature field with its heat balance and estimated errors.

    `solve_steady` and `read_result` return it.

    Parameters
    ----------
    model : Model
        The mesh and its materials, sources and boundary faces.
    field : numpy.ndarray, shape (nz, ny, nx)
        Temperature of the cells [K], NaN outside the body.
    parts : tuple of PartTemperature
        Temperatures of every part, each followed by its blocks.
    heat_balance : HeatBalance
        Power generated and heat rate through each face [W].
    report : SolverReport
        Method, iterations and residual of the linear solver.
    warnings : tuple of str
        Warnings about the description, the grid and the result; docs/guide/warnings.md lists them.
    seconds : dict of str to float
        Wall-clock time of each stage [s].
    memory : int
        Maximum resident memory of the process [bytes].
    links : tuple of LinkHeat
        Heat flow through every link of the package.
    refinement : Refinement, optional
        The grids of a solve to a tolerance in kelvin.
    agreement : ZoomAgreement, optional
        Comparison with the result that gave the boundary, in the result of `zoom`.
    nonlinear : NonlinearReport, optional
        Outer iterations, loop gain and margin to the critical heat flux, with boundary laws or leakage.

    Examples
    --------
    >>> import thermostack as ts
    >>> steady = ts.solve_steady(ts.discretize(ts.read_package("fcbga"), cell=4e-3))
    >>> steady.of("die").power
    10.0
    >>> round(steady.of("lid").max - steady.of("lid").min, 1) > 0.0
    True
    """

    model: Model
    field: np.ndarray  # (nz, ny, nx) K, NaN outside the body
    parts: tuple[PartTemperature, ...]
    heat_balance: HeatBalance
    report: SolverReport
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)  # s, by stage
    memory: int = 0  # bytes, maximum of this process
    links: tuple[LinkHeat, ...] = ()
    refinement: Refinement | None = None
    agreement: ZoomAgreement | None = None
    nonlinear: NonlinearReport | None = None

    def __repr__(self) -> str:
        """Return package, grid, peak, heat balance, solver and refinement in six lines at most."""
        peak, balance, report = self.peak, self.heat_balance, self.report
        iterations = report.total_iterations
        error = "error not estimated" if peak.error is None else f"error {peak.error:.2g} K"
        nz, ny, nx = self.model.grid.shape
        parts = counted(len(self.parts), "part")
        rows = [
            f"SteadyResult of {self.package.name!r}: {nx} x {ny} x {nz} cells, {parts}",
            f"  peak    {peak.max:.2f} K in {peak.name}, {error}",
            f"  heat    {balance.heat_in:.5g} W, relative imbalance {balance.relative:.1e}",
            f"  solver  {report.method}, {iterations} iterations, residual {report.residual:.1e}",
        ]
        if self.refinement is not None:
            rows.append(f"  grid    {self.refinement.text}")
        if self.warnings:
            rows.append(f"  {counted(len(self.warnings), 'warning')}, the first: {self.warnings[0]}")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """Return the table of stacks and blocks as HTML, for notebooks."""
        table = call("report.steady_table", "steady_table", self, 120)
        html: str = call("report.html_table", "as_html", table)
        return html

    @property
    def package(self) -> Package:
        """Return the package that was solved."""
        return self.model.package

    @property
    def temperature(self) -> xarray.DataArray:
        """Return the temperature [K] at the cell centres, over z, y and x [m]."""
        return cell_field(self.model.grid, self.field, "temperature", "K")

    @property
    def peak(self) -> PartTemperature:
        """Return the hottest part; of parts that share the hottest face, the one with the largest power."""
        parts = [part for part in self.parts if not part.is_block]
        hottest = max(part.max for part in parts)
        return max(
            (part for part in parts if part.max >= hottest - PEAK_TIE),
            key=lambda part: (part.power, part.max),
        )

    @property
    def above_limit(self) -> tuple[str, ...]:
        """Return the names of the parts whose maximum is above their limit."""
        return tuple(part.name for part in self.parts if part.exceeds and not part.is_block)

    @property
    def nearest_to_limit(self) -> PartTemperature | None:
        """Return the part with the minimum margin to its limit, None if no part has a limit.

        Of two parts that share a face, and so its temperature, it is the one with power.
        """
        limited = [part for part in self.parts if part.margin is not None and not part.is_block]
        return min(limited, key=lambda part: (round(part.margin or 0.0, 2), part.power == 0.0), default=None)

    def of(self, name: str) -> PartTemperature:
        """Return the temperatures of a part, or of all parts of a stack.

        Parameters
        ----------
        name : str
            "gpu.active" (part), "gpu.active.core" (block), "gpu" (stack), "hbm" (all stacks of that name).

        Returns
        -------
        PartTemperature
            Minimum, mean and maximum [K] with their estimated errors.

        Raises
        ------
        KeyError
            If no part or stack has that name; the message suggests similar names.
        """
        for part in self.parts:
            if part.name == name:
                return part
        found = [part for part in self.parts if part.name.startswith(f"{name}.") and not part.is_block]
        if not found:
            raise unknown_name(name, self.names)
        return merge_parts(name, found)

    @property
    def names(self) -> list[str]:
        """Return the names of all parts, blocks and stacks."""
        return with_stacks(part.name for part in self.parts)

    @cached_property
    def fluxes(self) -> FaceFluxes:
        """Return the heat rates through the faces of all cells."""
        t = self.field.copy()
        fill_inactive(self.model, t, 0.0)
        conductivity = CellConductivity(self.model, t)
        conduction = assemble_conduction(self.model, conductivity)
        model, conduction = linearise(self.model, self.model, conduction, t)
        return FaceFluxes(model, conduction, conductivity.with_boundary(model.boundary), t)

    def at(self, x: float | str, y: float | str, z: float | str) -> float:
        """Return the temperature [K] at a point [m], reconstructed from the fluxes; NaN outside the body.

        A coordinate in text has a unit, "5 mm".
        """
        return temperature_at(self.fluxes, *point_in_metres((x, y, z)))

    def face(self, name: str, side: str = "top") -> FaceTemperature:
        """Return the temperatures of one side of a part or stack.

        Parameters
        ----------
        name : str
            Name of a part or stack.
        side : str
            "top", "bottom", "west", "east", "south" or "north".

        Returns
        -------
        FaceTemperature
            Area [m2], heat rate [W], minimum, mean and maximum temperature [K] of the side.

        Raises
        ------
        KeyError
            If no part or stack has that name, or no side is called so.
        ValueError
            If the part has no face on that side.
        """
        members = [
            n
            for n, part in enumerate(self.model.parts)
            if part.name == name or part.name.startswith(f"{name}.")
        ]
        if not members:
            raise unknown_name(name, self.names)
        return measure_face(self.fluxes, name, members, side)

    def zoom(
        self,
        box: Any,
        *,
        margin: float | str | None = None,
        cell: Any = None,
        resolve: Any = (),
        boundary: str = "temperature",
        power: Mapping[str, Any] | None = None,
        estimate: bool = True,
        method: str = "multigrid",
        threads: int | None = None,
        progress: Callable[[str], None] = lambda stage: None,
    ) -> SteadyResult:
        """Return the result of a local model: a box of the package on a finer grid.

        The surfaces on which the box cuts the body take their temperature, or their heat flow, from this
        field. Surfaces of the body in the box keep their boundary conditions.

        Parameters
        ----------
        box : pair of points, or str
            Low and high corner (x, y, z) in coordinates of the package [m, or text with a unit]; or the name
            of a part, a block or a stack.
        margin : float or str, optional
            Distance [m] from a named part to the box on all sides; by default half of its larger side.
        cell : float, str or sequence, optional
            Maximum cell size [m], one or (x, y) or (x, y, z). No cell is larger than in this result.
        resolve : str, sequence of str, or mapping
            Parts whose vias, bumps or lines become parts of their own. A mapping gives a corner (x, y) of a
            unit cell [m], or None for the corner of the part.
        boundary : {"temperature", "flux"}
            Quantity that the cut surfaces take from this field.
        power : mapping from str to Power, PowerMap, array or quantity, optional
            Other powers of layers in the local model, by name "stack.layer", in the frame of the stack.
        estimate : bool
            Whether to estimate the discretisation error of the local model, and that of its boundary, which
            takes about as long as the solution of the model of this result.
        method : {"multigrid", "direct"}
            Linear solver.
        threads : int, optional
            Number of threads.
        progress : callable
            Function that is called with the name of each stage.

        Returns
        -------
        SteadyResult
            The local result. Its `agreement` compares it with this one, and its own `zoom` goes further.

        Raises
        ------
        ArgumentError
            If the box lies outside the body or has no extent, or another argument is wrong.
        DescriptionError
            If a part in `resolve` does not exist or is no array of vias, bumps or lines.
        ResourceError
            If the local model does not fit in the memory of this machine.

        Examples
        --------
        >>> import thermostack as ts
        >>> steady = ts.solve_steady(ts.discretize(ts.read_package("fcbga"), cell=4e-3))
        >>> local = steady.zoom("die", margin="1 mm", cell="1 mm")
        >>> abs(local.of("die").max - steady.of("die").max) < 5.0
        True
        """
        options = {"margin": margin, "cell": cell, "resolve": resolve, "boundary": boundary, "power": power}
        solver = {"estimate": estimate, "method": method, "threads": threads, "progress": progress}
        local: SteadyResult = call("zoom.local_solution", "zoom", self, box, **options, **solver)
        return local

    def table(self, width: int = 120, *, all_parts: bool = False) -> str:
        """Return the temperatures of stacks and blocks as text of at most `width` characters a line.

        With `all_parts` all parts and blocks have a row.
        """
        check_whole_number(width, "width", min=1)
        table = call("report.steady_table", "steady_table", self, width, all_parts=all_parts)
        text: str = call("report.table_layout", "as_text", table, width)
        return text

    def plot(self, path: Any = None) -> Any:
        """Return the figure of the hottest layer and a section through the peak, saved if a path is given."""
        return call("plot.overview", "plot_overview", self, path)

    def save(self, path: Any) -> None:
        """Write the result to a .vtkhdf file, which ParaView, PyVista and `read_result` open."""
        call("io.results.steady_file", "write_result", self, path)
