"""Solver of the cases of a study: a package with overrides, its grid, and its steady or transient result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from thermostack.design.session import Session
from thermostack.io.description.package_file import ParsedDescription
from thermostack.io.description.trace_files import read_trace
from thermostack.linear.steady_problem import steady_memory
from thermostack.mesh.memory_estimate import MemoryEstimate
from thermostack.mesh.model import discretize
from thermostack.package.package import Package
from thermostack.refinement.settings import RULE
from thermostack.results.steady_result import SteadyResult
from thermostack.results.transient_result import TransientResult
from thermostack.schema.validated_dataclass import dump
from thermostack.steady import solve_steady
from thermostack.sweeps.analyses import SteadyAnalysis, TransientAnalysis, trace_paths
from thermostack.sweeps.study import Study, package_path
from thermostack.transient.run import solve_transient
from thermostack.transient.runge_kutta import SCHEMES
from thermostack.transient.trace import Trace

Admit = Callable[
    [int], None
]  # called with the memory of a solve [bytes] before it; may wait, or raise ResourceError


@dataclass(frozen=True)
class SweepTask:
    """The study of a sweep as text, which processes receive, and the folder of the fields."""

    study_text: str
    directory: str  # to which paths of the study are relative
    key: str  # hash of study, package and version
    fields_folder: str

    @cached_property
    def study(self) -> Study:
        """Return the study."""
        study: Study = TypeAdapter(Study).validate_python(
            json.loads(self.study_text), context={"from_file": True}
        )
        return study

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the fields alone, without the study, which the receiver reads from its text."""
        return type(self), (self.study_text, self.directory, self.key, self.fields_folder)


def study_text(study: Study) -> str:
    """Return a study as JSON, from which the same study is read, with axes and outputs in the same order."""
    return json.dumps(dump(Study, study), ensure_ascii=False)


class CaseSolver:
    """Solves cases of a study one after another; the description is parsed once."""

    def __init__(
        self, study: Study, directory: Path, *, threads: int | None = 1, max_memory: int | None = None
    ) -> None:
        self.study, self.directory = study, directory
        self.threads, self.max_memory = threads, max_memory
        self.description = ParsedDescription(package_path(study, directory), study.allow_include_root)
        self._session: Session | None = None  # of the cases so far

    def solve(
        self, overrides: Mapping[str, Any], admit: Admit = lambda memory: None
    ) -> SteadyResult | TransientResult:
        """Return the result of the package with the values of fields by path.

        `admit` is called with the memory of the solve [bytes] before it starts. Raises the errors of
        `read_package`, `discretize` and the solver.
        """
        analysis = self.study.analysis
        if isinstance(analysis, SteadyAnalysis) and analysis.solver_error is not None:
            return self._solve_in_session(overrides, analysis, analysis.solver_error, admit)
        package = self.description.build(overrides)
        if isinstance(analysis, SteadyAnalysis):
            return self._solve_steady(package, analysis, admit)
        return self._solve_transient(package, analysis, admit)

    def _solve_steady(self, package: Package, analysis: SteadyAnalysis, admit: Admit) -> SteadyResult:
        tolerance = analysis.tolerance
        if (
            tolerance is None
            and package.grid is not None
            and analysis.cell is None
            and analysis.estimates_errors
        ):
            tolerance = package.grid.tolerance
        coarse = tolerance is not None and analysis.cell is None
        model = discretize(package, analysis.cell, fineness=RULE.start_fineness if coarse else 1.0)
        memory = steady_memory(model, analysis.method, analysis.estimates_errors).memory
        limits: dict[str, Any] = {}
        if tolerance is not None:
            limit = analysis.max_memory or self.max_memory
            limits = {"tolerance": tolerance, "max_memory": limit, "max_time": analysis.max_time}
            memory = max(memory, int(limit or 0))
        admit(memory)
        return solve_steady(
            model, method=analysis.method, estimate=analysis.estimates_errors, threads=self.threads, **limits
        )

    def _solve_in_session(
        self, overrides: Mapping[str, Any], analysis: SteadyAnalysis, solver_error: float, admit: Admit
    ) -> SteadyResult:
        """Return the result of a session that keeps what the cases have in common."""
        if self._session is None:
            self._session = Session(
                self.description.path,
                overrides,
                cell=analysis.cell,
                threads=self.threads,
                allow_include_root=self.study.allow_include_root,
            )
        else:
            self._session.reset(overrides)
        admit(steady_memory(self._session.model, analysis.method, estimate=False).memory)
        return self._session.solve(solver_error)

    def _solve_transient(
        self, package: Package, analysis: TransientAnalysis, admit: Admit
    ) -> TransientResult:
        model = discretize(package, analysis.cell, from_time=analysis.from_time)
        faces, stages = model.boundary.cell.size, SCHEMES[analysis.scheme].stages
        admit(MemoryEstimate(model.grid, model.is_linear, boundary_faces=faces, time_stages=stages).memory)
        traces = self._traces
        duration = analysis.duration
        if duration is None:
            duration = min(float(trace.times[-1]) for trace in traces if trace.after == "refuse")
        initial = analysis.initial or ("steady" if traces else "outside")
        return solve_transient(
            model,
            duration,
            traces or None,
            controllers=analysis.throttles(model),
            initial=initial,
            tolerance=analysis.tolerance,
            scheme=analysis.scheme,
            step=analysis.step,
            threads=self.threads,
        )

    @cached_property
    def _traces(self) -> list[Trace]:
        return [read_trace(path) for path in trace_paths(self.study.analysis, self.directory)]
