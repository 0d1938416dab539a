"""The result of a transient run: temperatures and powers at every step, temperature fields of the frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.mesh.model import Model
from thermostack.package.package import Package
from thermostack.results.actions import call
from thermostack.results.fields import cell_field
from thermostack.results.history import History, history_of
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.results.zoom_agreement import ZoomAgreement
from thermostack.schema.arguments import as_names, check_whole_number
from thermostack.schema.spelling import counted

if TYPE_CHECKING:
    import xarray

Array = np.ndarray


@dataclass
class Energy:
    """Energy since the start of a transient [J].

    Parameters
    ----------
    generated : float
        Heat generated in the parts.
    outflow : float
        Heat that left through the faces.
    stored : float
        Increase of the heat stored in the body.
    correction : float
        Sum of the absolute imbalances of all steps, which single precision causes; each is distributed over
        all cells at the end of its step.
    """

    generated: float = 0.0
    outflow: float = 0.0
    stored: float = 0.0
    correction: float = 0.0

    @property
    def imbalance(self) -> float:
        """Return generated minus outflow minus stored heat [J]."""
        return self.generated - self.outflow - self.stored


@dataclass(frozen=True)
class RunReport:
    """Scheme, tolerance and counts of a transient run.

    Parameters
    ----------
    scheme : str
        Name of the Runge-Kutta scheme.
    tolerance : float
        Tolerance of the error in time [K].
    step : float or None
        Length of the steps [s] if it was fixed, None if the step-size controller set it.
    steps, rejected : int
        Number of accepted and of rejected steps.
    solves, iterations : int
        Number of linear systems, and of conjugate gradient iterations in all of them.
    correction : float
        Sum of the absolute imbalances of all steps that rounding caused [J].
    seconds : float
        Wall-clock time [s] of the process that finished the run.

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("hbm3_8h"), cell=2e-3)
    >>> report = ts.solve_transient(model, 0.01, tolerance=1.0).report
    >>> report.scheme, report.steps > 0
    ('sdirk3', True)
    """

    scheme: str
    tolerance: float  # K, of the error in time
    step: float | None  # s, where its length was fixed
    steps: int
    rejected: int  # repeated with a shorter step
    solves: int  # linear systems
    iterations: int  # of conjugate gradients, in all
    correction: float  # J, sum of the absolute imbalances of the steps
    seconds: float  # wall-clock, of the process that finished the run


@dataclass(frozen=True, eq=False, repr=False)
class TransientResult:
    """Temperatures and powers over time, and temperature fields at the times of the frames.

    `solve_transient` and `read_transient` return it. Members are the parts of the package, followed by their
    blocks.

    Parameters
    ----------
    model : Model
        The mesh and its materials, sources and boundary faces.
    time : numpy.ndarray, shape (n,)
        Times of the start and of the end of every step [s].
    names : tuple of str
        Names of the members.
    min, mean, max : numpy.ndarray, shape (n, members)
        Minimum, mean and maximum temperature of each member [K].
    power : numpy.ndarray, shape (n, members)
        Power of each member from that time on [W].
    probes : dict of str to numpy.ndarray, shape (n,)
        Temperature at each probe [K].
    energy : numpy.ndarray, shape (n, 3)
        Heat generated, heat that left through the faces, and increase of the stored heat since the start [J].
    frame_time : numpy.ndarray, shape (frames,)
        Times of the frames [s].
    frames : array_like, shape (frames, nz, ny, nx)
        Temperature [K] of the cells as float32, NaN outside the body. Those of a file are read one at a time.
    field : numpy.ndarray, shape (nz, ny, nx)
        Temperature at the end [K], NaN outside the body.
    throttling : tuple of ThrottlingLog
        States of each controller over time.
    report : RunReport or None
        Scheme, tolerance and counts of the run.
    warnings : tuple of str
        Warnings about the description, the grid and the run; docs/guide/warnings.md lists them.
    peak_error : tuple of float or None
        Estimated discretisation error of the maximum of each member over the run [K], None where unknown.
    link_heat : numpy.ndarray, shape (n, links)
        Heat flow [W] through each link of the package, in the order of `model.package.links`.
    agreement : ZoomAgreement, optional
        Comparison with the run that gave the boundary, at the last frame, in the result of `zoom`.
    is_steady_start : bool
        Whether the run begins with the steady temperatures of its loads at the start.

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("fcbga"), cell=6e-3)
    >>> run = ts.solve_transient(model, 0.2, initial="outside", tolerance=0.5)
    >>> bool(run.of("die").hottest == run.of("die").peak[-1])
    True
    >>> run.imbalance < 1e-6
    True
    """

    model: Model
    time: Array  # (n,) s, of the start and of the end of every step
    names: tuple[str, ...]  # of the members: parts, then blocks
    min: Array  # (n, members) K
    mean: Array  # (n, members) K
    max: Array  # (n, members) K
    power: Array  # (n, members) W, from that time on
    probes: dict[str, Array]  # (n,) K
    energy: Array  # (n, 3) J since the start: generated, outflow, stored
    frame_time: Array  # (frames,) s
    frames: Any  # (frames, nz, ny, nx) float32 K, NaN outside the body; a sequence that reads a file
    field: Array  # (nz, ny, nx) K at the end, NaN outside the body
    throttling: tuple[ThrottlingLog, ...] = ()
    report: RunReport | None = None
    warnings: tuple[str, ...] = ()
    peak_error: tuple[float | None, ...] = ()  # (members,) K
    link_heat: Array = dataclasses.field(default_factory=lambda: np.zeros((0, 0)))  # (n, links) W
    agreement: ZoomAgreement | None = None
    is_steady_start: bool = False

    def __repr__(self) -> str:
        """Return package, grid, duration, peak and energy balance in six lines at most."""
        nz, ny, nx = self.model.grid.shape
        steps, frames = self.time.size - 1, self.frame_time.size
        member = int(np.nanargmax(np.nanmax(self.max, axis=0)))
        members = counted(len(self.names), "member")
        rows = [
            f"TransientResult of {self.package.name!r}: {nx} x {ny} x {nz} cells, {members}",
            f"  time    {self.time[0]:g} to {self.time[-1]:g} s, {steps} steps, {frames} frames",
            f"  peak    {self.peak:.2f} K in {self.names[member]}",
            f"  energy  {self.energy[-1, 0]:.5g} J generated, relative imbalance {self.imbalance:.1e}",
        ]
        if self.throttling:
            throttled = sum(log.first is not None for log in self.throttling)
            rows.append(f"  {throttled} of {counted(len(self.throttling), 'controller')} throttled")
        if self.warnings:
            rows.append(f"  {counted(len(self.warnings), 'warning')}, the first: {self.warnings[0]}")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """Return the table of stacks and blocks as HTML, for notebooks."""
        table = call("report.history_table", "history_table", self)
        html: str = call("report.html_table", "as_html", table)
        return html

    @property
    def package(self) -> Package:
        """Return the package."""
        return self.model.package

    @property
    def peak(self) -> float:
        """Return the maximum temperature of the run [K]."""
        return float(np.nanmax(self.max))

    @property
    def above_limit(self) -> tuple[str, ...]:
        """Return the names of the parts whose maximum was above their limit at any time."""
        hottest = np.max(self.max, axis=0)  # NaN for a part without cells
        parts = zip(self.model.parts, hottest.tolist(), strict=False)
        return tuple(part.name for part, peak in parts if part.limit is not None and peak > part.limit)

    @property
    def imbalance(self) -> float:
        """Return the maximum imbalance of the energy, relative to the maximum of its three terms."""
        generated, outflow, stored = self.energy.T
        scale = np.abs(self.energy).max() if len(self.energy) > 1 else 0.0
        return float(np.abs(generated - outflow - stored).max() / scale) if scale > 0.0 else 0.0

    def of(self, name: str) -> History:
        """Return the temperature and power of a part, block or stack over time.

        Raises
        ------
        KeyError
            If no part, block or stack has that name; the message suggests similar names.
        """
        return history_of(self, name)

    @property
    def temperature(self) -> xarray.DataArray:
        """Return the temperature [K] of the frames at the cell centres, over time [s], z, y and x [m]."""
        import xarray

        frames = [cell_field(self.model.grid, np.asarray(frame), "temperature", "K") for frame in self.frames]
        time = xarray.Variable("time", self.frame_time, {"units": "s", "long_name": "time"})
        return xarray.concat(frames, dim=time)

    def zoom(
        self,
        box: Any,
        *,
        loads: Any = None,
        margin: float | str | None = None,
        cell: Any = None,
        resolve: Any = (),
        initial: Any = None,
        duration: float | str | None = None,
        times: Sequence[float | str] | None = None,
        tolerance: float | str = 0.1,
        threads: int | None = None,
        progress: Callable[[float, float, float], None] = lambda time, step, peak: None,
    ) -> TransientResult:
        """Return the transient of a local model: a box of the package on a finer grid.

        The surfaces on which the box cuts the body have the temperatures of the frames of this run,
        interpolated linearly between them. `SteadyResult.zoom` describes `box`, `margin`, `cell` and
        `resolve`.

        Parameters
        ----------
        loads : Loads, Waveform or sequence of Waveform, optional
            Loads of this run, which the result does not contain; by default the power of the package, if
            the run recorded the same.
        initial : optional
            Initial temperatures as in `Simulation`; by default "steady" if this run began with the steady
            temperatures of its loads, otherwise those of the first frame.
        duration : float or str, optional
            Time at the end [s]; by default that of the last frame.
        times : sequence of float, optional
            Times of the frames of the local run [s]; by default those of this run.
        tolerance : float or str
            Tolerance of the error in time [K].
        threads : int, optional
            Number of threads.
        progress : callable
            Function of time [s], step [s] and maximum temperature [K], called after every step.

        Returns
        -------
        TransientResult
            The local run. Its `agreement` compares its end with the frame of this run at that time, if
            there is one. Its `peak_error` contains a bound of the error of its boundary.
        """
        options = {"margin": margin, "cell": cell, "resolve": resolve, "initial": initial}
        options |= {"loads": loads, "duration": duration, "times": times, "tolerance": tolerance}
        options |= {"threads": threads, "progress": progress}
        local: TransientResult = call("zoom.local_transient", "zoom_transient", self, box, **options)
        return local

    def table(
        self, width: int = 120, names: str | Sequence[str] | None = None, *, all_parts: bool = False
    ) -> str:
        """Return temperatures, the time of the peak and the time above the limit as text.

        The rows are the stacks and their blocks, with `all_parts` all parts and blocks, with `names`
        those parts, blocks or stacks. Raises KeyError for an unknown name, with similar names.
        """
        check_whole_number(width, "width", min=1)
        names = None if names is None else as_names(names, "names")
        table = call("report.history_table", "history_table", self, width, names, all_parts=all_parts)
        text: str = call("report.table_layout", "as_text", table, width)
        return text

    def plot(self, path: Any = None, **options: Any) -> Any:
        """Return the figure of temperatures and powers over time; write it if a path is given.

        `options` are those of `thermostack.plot.history.plot_history`.
        """
        return call("plot.history", "plot_history", self, path, **options)

    def save(self, path: str | Path) -> None:
        """Write the result to a .vtkhdf file, which ParaView, PyVista and `read_transient` open."""
        call("io.results.transient_file", "write_transient", self, path)
