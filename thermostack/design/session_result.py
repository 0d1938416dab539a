"""The result of a session: a steady result whose parts are measured when they are asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from thermostack.finite_volume.heat_balance import HeatBalance
from thermostack.finite_volume.link_heat import measure_links
from thermostack.finite_volume.part_temperatures import PartTemperature, measure_parts
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.nonlinear_report import NonlinearReport
from thermostack.linear.solver_report import SolverReport
from thermostack.mesh.model import Model
from thermostack.results.fields import fill_inactive
from thermostack.results.result_warnings import extremes_of_parts, result_warnings
from thermostack.results.steady_result import SteadyResult


class SessionResult(SteadyResult):
    """A steady result of a `Session`, with the algebraic error of its temperatures.

    It has everything that a `SteadyResult` has. Temperatures of parts, warnings and links are computed when
    they are first used.

    Attributes
    ----------
    model, field, parts, heat_balance, report, warnings, seconds, memory
        Those of `SteadyResult`. The residual of the report is not computed (NaN), the memory is 0.
    links, refinement, agreement, nonlinear
        Those of `SteadyResult`.
    algebraic_error : float
        Bound of the difference to the exact solution on the same grid, of the mean and of the maximum of
        parts and blocks with power [K].

    Examples
    --------
    >>> import thermostack as ts
    >>> session = ts.Session("fcbga", cell="4 mm")
    >>> result = session.solve(tolerance="0.1 K")
    >>> result.algebraic_error <= 0.1
    True
    >>> round(result.of("die").max - result.of("lid").max) > 0
    True
    """

    algebraic_error: float

    def __init__(
        self,
        fluxes: FaceFluxes,
        heat_balance: HeatBalance,
        report: SolverReport,
        seconds: dict[str, float],
        algebraic_error: float,
        model: Model,
        nonlinear: NonlinearReport | None = None,
    ) -> None:
        """Store the fluxes of a solved field; `model` has its boundary laws and its leakage."""
        field = fluxes.t.copy()
        fill_inactive(model, field, np.nan)
        values: dict[str, Any] = {
            "model": model,
            "field": field,
            "heat_balance": heat_balance,
            "report": report,
            "seconds": seconds,
            "memory": 0,
            "refinement": None,
            "agreement": None,
            "algebraic_error": algebraic_error,
            "nonlinear": nonlinear,
            "fluxes": fluxes,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def release_fluxes(self) -> None:
        """Forget the fluxes, whose conductances the session changes; they follow from the field if needed."""
        vars(self).pop("fluxes", None)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes for a copy or a file, with everything measured and without the fluxes."""
        _ = self.parts, self.warnings, self.links
        return {name: value for name, value in vars(self).items() if name != "fluxes"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the attributes of a copy."""
        vars(self).update(state)

    @cached_property
    def parts(self) -> tuple[PartTemperature, ...]:
        """Return the temperatures of every part, each followed by its blocks."""
        return tuple(measure_parts(self.fluxes).temperatures.values())

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Return the warnings about the description, the grid and the result."""
        model = self.model
        found = result_warnings(model, extremes_of_parts(self.parts), is_powered=model.is_powered)
        return (*model.warnings, *found)

    @cached_property
    def links(self) -> Any:
        """Return the heat flow through every link of the package."""
        return measure_links(self.model, self.fluxes.conduction.links, self.fluxes.t)
