"""The stages of a command before and after the solver, shown and timed as it does its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thermostack.mesh.cell_size import Cell
    from thermostack.mesh.model import Model
    from thermostack.package.package import Package
    from thermostack.results.steady_result import SteadyResult
    from thermostack.steady import Progress


class StageTimer:
    """What shows the stages, and the seconds each took."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.progress(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start

    def read(self, package: str, overrides: Mapping[str, str], *, may_leave: bool) -> Package:
        with self.stage("read"):
            from thermostack.io.description.package_file import read_package

            return read_package(package, overrides, allow_include_root=may_leave)

    def discretize(self, drawn: Package, cell: Cell) -> Model:
        with self.stage("mesh"):
            from thermostack.mesh.model import discretize

            return discretize(drawn, cell)

    def save(self, steady: SteadyResult, result: Path, picture: Path) -> None:
        with self.stage("write"):
            from thermostack.io.results.steady_file import write_result

            result.parent.mkdir(exist_ok=True)
            write_result(steady, result)
        with self.stage("plot"):
            from thermostack.plot.overview import plot_overview

            plot_overview(steady, picture)
