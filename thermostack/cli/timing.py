"""Timer of the stages of a command, with the calls for the stages before and after the solver."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thermostack.mesh.grid_lines import Cell
    from thermostack.mesh.model import Model
    from thermostack.package.package import Package
    from thermostack.results.steady_result import SteadyResult


class StageTimer:
    """Reports the name of each stage and records its duration [s]."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report and time one stage."""
        self.progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start

    def read(self, package: str, overrides: Mapping[str, str], *, allow_include_root: bool) -> Package:
        """Return the package of a description file or name."""
        with self.stage("read"):
            from thermostack.io.description.package_file import load_package

            return load_package(package, overrides, allow_include_root=allow_include_root)

    def discretize(
        self, package: Package, cell: Cell, from_time: float | None = None, fineness: float = 1.0
    ) -> Model:
        """Return the package on its grid; with a shortest time [s], print its number of cells."""
        with self.stage("mesh"):
            from thermostack.mesh.model import discretize

            model = discretize(package, cell, from_time=from_time, fineness=fineness)
        if from_time is not None:
            from thermostack.cli.console import log
            from thermostack.report.grid_table import cell_counts
            from thermostack.units import format_quantity

            log(f"grid from {format_quantity(from_time, 'time')} on: {cell_counts(model)}")
        return model

    def write(self, steady: SteadyResult, path: Path) -> None:
        """Write the result file."""
        with self.stage("write"):
            from thermostack.io.results.steady_file import write_result

            path.parent.mkdir(exist_ok=True)
            write_result(steady, path)

    def plot(self, steady: SteadyResult, path: Path) -> None:
        """Write the overview figure."""
        with self.stage("plot"):
            load_matplotlib()
            from thermostack.plot.overview import plot_overview

            plot_overview(steady, path)

    def save(self, steady: SteadyResult, result: Path, figure: Path) -> None:
        """Write the result file and the overview figure."""
        self.write(steady, result)
        self.plot(steady, figure)


def load_matplotlib() -> None:
    """Import the figures of matplotlib without the texts of their documentation, which no command prints.

    matplotlib composes the documentation of the method `set` of each of its classes at import, which takes a
    quarter of the time of the import.
    """
    if "matplotlib.figure" in sys.modules:
        return
    import matplotlib.artist

    artist: Any = matplotlib.artist
    compose = artist.kwdoc
    artist.kwdoc = lambda kind: ""
    try:
        import matplotlib.figure
    finally:
        artist.kwdoc = compose
