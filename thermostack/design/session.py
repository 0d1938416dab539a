"""A package that stays alive: values change, and each solution takes what it can from the one before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

from thermostack.design.live_system import CellRule, LiveSystem
from thermostack.design.session_result import SessionResult
from thermostack.io.description.live_description import LiveDescription, merge_values
from thermostack.linear.error_control import MIN_SOLVER_ERROR, BoundedField
from thermostack.linear.solver_report import ERROR_REASON, SolverReport
from thermostack.mesh.model import CellInput, Model
from thermostack.package.package import Package
from thermostack.schema.arguments import (
    argument_error,
    check_number,
    check_quantity,
    check_threads,
    require_mapping,
)
from thermostack.steady import require_fixed_temperature

DEFAULT_TOLERANCE = 0.05  # K


class Session:
    """A package whose values change, and its steady temperatures after each change.

    A session keeps the parsed description, the grid, the conductances, the multigrid hierarchy and the last
    field. A change renews what depends on it alone. The grid is that of `discretize`; where faces of the
    package move, its planes move with them. Cell sizes are chosen again where distances of faces have changed
    more than twofold, or conductivities or heat-transfer coefficients more than fourfold.

    Parameters
    ----------
    package : str, pathlib.Path or Package
        Path of a description file, name of a shipped package, or a package.
    overrides : mapping from str to value, optional
        First values of fields by their path, as those of `read_package`.
    cell : float, str, sequence or mapping, optional
        Maximum cell size, as that of `discretize`.
    fineness : float
        Factor that divides the cell sizes of the default rule, as that of `discretize`.
    threads : int, optional
        Number of threads of the solver.
    allow_include_root : bool, optional
        Whether the description may refer to files outside its own directory.

    Raises
    ------
    DescriptionError
        With every error of the description.
    ArgumentError
        If another argument has the wrong type or is out of its range.

    Notes
    -----
    Results agree with those of a new `solve_steady` on the same grid within the tolerance of `solve`. A
    session does not refine its grid and does not estimate discretisation errors, as
    `solve_steady(session.model)` does. Several threads must not use one session at the same time.

    Examples
    --------
    >>> import thermostack as ts
    >>> session = ts.Session("fcbga", cell="4 mm")
    >>> cool = session.solve(tolerance="0.2 K").peak.max
    >>> session.set("stacks.die.layers.active.power", "12 W")
    >>> session.solve(tolerance="0.2 K").peak.max > cool
    True
    """

    def __init__(
        self,
        package: str | Path | Package,
        overrides: Mapping[str, Any] | None = None,
        *,
        cell: CellInput = None,
        fineness: float = 1.0,
        threads: int | None = None,
        allow_include_root: bool = False,
    ) -> None:
        """Read the description and build the grid."""
        rule = CellRule(cell, check_number(fineness, "fineness", above=0.0))
        threads = check_threads(threads)
        self._results: WeakSet[SessionResult] = WeakSet()  # with the conductances of the session
        self._description = LiveDescription(package, overrides, allow_include_root=allow_include_root)
        self._system = LiveSystem(self._description.package, rule, threads)

    def __repr__(self) -> str:
        """Return the package, the cells and the values that are set."""
        nz, ny, nx = self.model.grid.shape
        rows = [f"Session of {self.package.name!r}: {nx} x {ny} x {nz} cells"]
        rows += [f"  {path} = {value}" for path, value in list(self.values.items())[:8]]
        return "\n".join(rows)

    @property
    def package(self) -> Package:
        """Return the package with the present values."""
        return self._description.package

    @property
    def model(self) -> Model:
        """Return the cells of the present package."""
        return self._system.model

    @property
    def values(self) -> dict[str, Any]:
        """Return the values that are set, by their path."""
        return self._description.values

    def set(self, path: str | Mapping[str, Any], value: Any = None) -> None:
        """Set a field of the description, or several fields at once.

        Parameters
        ----------
        path : str or mapping from str to value
            Path of a field, as in `overrides` of `read_package`: "stacks.die.layers.active.power". Several
            paths with their values are set together, so that no error follows from one of them alone.
        value : str, number, list or mapping
            Its new value, as in a file: text, with a unit if it is a quantity.

        Raises
        ------
        DescriptionError
            With every error of the description with these values; then the session is as before.

        Examples
        --------
        >>> import thermostack as ts
        >>> session = ts.Session("fcbga", cell="4 mm")
        >>> session.set({"cooling.top.h": "2 kW/(m2 K)", "cooling.top.ambient": "30 degC"})
        """
        values = dict(path) if isinstance(path, Mapping) else {path: value}
        before = self._description.values
        self._change(self._description.set(values), before)

    def move(self, stack: str, x: float | str, y: float | str) -> None:
        """Set the position of a stack on its support.

        Parameters
        ----------
        stack : str
            Name of the stack, "hbm.west_0".
        x, y : float or str
            Position of its lower left corner, or of its centre if the description gives `center` [m, or text
            with a unit].

        Raises
        ------
        DescriptionError
            If there is no such stack, or the stack cannot lie there; then the session is as before.

        Examples
        --------
        >>> import thermostack as ts
        >>> session = ts.Session("cowos_s_h100", cell="4 mm")
        >>> session.move("gpu", "12.1 mm", "3.3 mm")
        """
        found = self.package.stack(stack)
        key = "center" if found.center is not None else "at"
        self.set(f"stacks.{stack}.{key}", [_length(x, "x"), _length(y, "y")])

    def rotate(self, stack: str, degrees: int) -> None:
        """Set the rotation of a stack, 0, 90, 180 or 270 degrees counterclockwise.

        Raises DescriptionError as `move` does.
        """
        self.package.stack(stack)
        self.set(f"stacks.{stack}.rotate", degrees)

    def reset(self, values: Mapping[str, Any] | None = None) -> None:
        """Remove all values that are set, or replace them by others.

        Raises DescriptionError with every error; then the session is as before.
        """
        before = self._description.values
        self._change(self._description.restore(dict(values or {})), before)

    def solve(self, tolerance: float | str = DEFAULT_TOLERANCE) -> SessionResult:
        """Return the steady temperatures of the present package.

        Parameters
        ----------
        tolerance : float or str
            Bound of the algebraic error of mean and maximum of the parts and blocks with power [K, or text
            with a unit], at least 0.1 mK. The error of the grid is not part of it.

        Returns
        -------
        SessionResult
            Temperatures, heat balance and report.

        Raises
        ------
        ArgumentError
            If the tolerance is out of its range.
        DescriptionError
            If no boundary condition fixes the temperature.
        ConvergenceError
            If the equations cannot be solved, as in `solve_steady`.

        Notes
        -----
        The heat balance is made exact by a constant. docs/numerics.md, section 5, has the error bound.
        """
        aim = _check_tolerance(tolerance)
        require_fixed_temperature(self.model)
        return self._solve_together([self.model], aim)[0]

    def solve_many(
        self, cases: Iterable[Mapping[str, Any]], tolerance: float | str = DEFAULT_TOLERANCE
    ) -> list[SessionResult]:
        """Return the steady temperatures of several cases, each a mapping of paths to values.

        Each case is the present package with its own values, and the session keeps its present values. With
        constant materials, two adjacent cases that differ in power alone are solved together.

        Parameters
        ----------
        cases : iterable of mapping from str to value
            Values of fields by their path, as those of `set`.
        tolerance : float or str
            Bound of the algebraic error, as that of `solve`.

        Returns
        -------
        list of SessionResult
            The results in the order of the cases.

        Raises
        ------
        ArgumentError, DescriptionError, ConvergenceError
            As `set` and `solve` for the first case that fails; the session keeps its present values.

        Examples
        --------
        >>> import thermostack as ts
        >>> session = ts.Session("fcbga", cell="4 mm")
        >>> cases = [{"stacks.die.active.power": power} for power in ("8 W", "9 W", "10 W")]
        >>> peaks = [result.peak.max for result in session.solve_many(cases)]
        >>> peaks == sorted(peaks)
        True
        """
        aim, before, system = _check_tolerance(tolerance), self.values, self._system
        found: list[SessionResult] = []
        pending: list[Model] = []  # cases to be solved together
        try:
            for case in cases:
                require_mapping(case, "cases", 'write [{"stacks.gpu.active.power": "700 W"}]')
                package = self._description.restore(merge_values(before, case))
                if pending and not (len(pending) == 1 and system.may_pair(package)):
                    found += self._solve_together(pending, aim)
                    pending = []
                self._release_results()
                system.change(package)
                require_fixed_temperature(system.model)
                pending.append(system.model)
            found += self._solve_together(pending, aim) if pending else []
        finally:
            self.reset(before)
        return found

    def _solve_together(self, models: Sequence[Model], max_error: float) -> list[SessionResult]:
        """Return the results of one model or two, of which the last one is the present model."""
        system = self._system
        self._release_results()
        seconds: dict[str, float] = {}
        system.problem.seconds, system.problem.iterations = seconds, 0
        fields = [system.solve(max_error)] if len(models) == 1 else system.solve_pair(models[0], max_error)
        found = [_result(system, model, field, seconds) for model, field in zip(models, fields, strict=True)]
        self._results.update(found)
        return found

    def _release_results(self) -> None:
        """Detach earlier results from the conductances, before these change."""
        for result in self._results:
            result.release_fluxes()
        self._results.clear()

    def _change(self, package: Package, before: Mapping[str, Any]) -> None:
        """Change the model to that of a package; restore the values of before where it fails."""
        self._release_results()
        try:
            self._system.change(package)
        except Exception:
            self._description.restore(before)
            raise


def _result(
    system: LiveSystem, model: Model, solved: BoundedField, seconds: dict[str, float]
) -> SessionResult:
    """Return the result of a solved rise, with a heat balance that is closed by a constant."""
    problem = system.problem
    present = problem.model
    if not problem.has_newton_terms:
        problem.model = model
    problem.close_balance(solved.rise)
    fluxes, balance = problem.measure_balance(solved.rise)
    problem.model = present
    report = SolverReport(
        method=problem.solver.method,
        iterations=problem.iterations,
        residual=math.nan,
        imbalance=balance.relative,
        history=(),
        reason=f"{ERROR_REASON} {solved.error:.2g} K",
        levels=problem.solver.levels,
        fallback=problem.solver.fallback,
        seconds=seconds.get("solve", 0.0),
        memory=problem.solver.memory,
        total_iterations=problem.iterations,
        error=solved.error,
    )
    nonlinear = problem.nonlinear_report(fluxes.t)
    return SessionResult(fluxes, balance, report, dict(seconds), solved.error, model, nonlinear)


def _check_tolerance(tolerance: float | str) -> float:
    """Return a tolerance in K."""
    return check_quantity(tolerance, "temperature_difference", "tolerance", min=MIN_SOLVER_ERROR)


def _length(value: float | str, name: str) -> str:
    """Return a coordinate [m] as text with a unit; raise ArgumentError where it is no length."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        raise argument_error(name, f"{value!r} is not a length", "write 12.5e-3 or '12.5 mm'")
    return f"{check_quantity(value, 'length', name)!r} m"
