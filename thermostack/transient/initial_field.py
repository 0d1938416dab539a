"""Initial temperatures of a simulation: given, uniform, by stack, or the steady solution at the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic, RunawayError
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.heat_balance import heat_through, residual_rounding, total_residual
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.nonlinear_iteration import NONLINEAR, runaway_error, solve_nonlinear
from thermostack.linear.shifted import ShiftedOperator
from thermostack.linear.steady_problem import TINY_HEAT
from thermostack.mesh.model import Model, is_equal_model
from thermostack.results.cell_temperatures import read_cell_temperatures
from thermostack.results.names import with_stacks
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import argument_error
from thermostack.schema.fields import to_si
from thermostack.schema.spelling import suggest
from thermostack.steady import require_fixed_temperature
from thermostack.transient.loads import Loads
from thermostack.transient.material_update import MaterialUpdate
from thermostack.transient.stage_sources import StageSources

Array = np.ndarray
UniformOrField: TypeAlias = "str | float | Array | SteadyResult"
Initial: TypeAlias = "UniformOrField | Mapping[str, UniformOrField]"

OTHER_PARTS = "*"  # key of the temperatures of all parts that a mapping does not name
STEADY_START_TOLERANCE = 1e-10  # relative residual
SAME_LOAD = 1e-9  # relative difference of powers, ambient temperatures and coefficients by rounding
FIRST_TOLERANCE = 1e-3  # relative residual of the first solve, with materials at 300 K


def read_initial(initial: Initial) -> Initial:
    """Return the initial temperatures with quantities in text, like "60 degC", as numbers [K]."""
    if isinstance(initial, Mapping):
        return {name: _read_value(value, f"initial[{name!r}]") for name, value in initial.items()}
    return _read_value(initial, "initial")


def _read_value(initial: UniformOrField, field: str) -> UniformOrField:
    if isinstance(initial, str) and not initial[:1].isalpha():
        return to_si(initial, "temperature", field)
    return initial


def require_parts(names: Iterable[str], model: Model) -> None:
    """Raise DescriptionError (E-NAME) for a name that is neither a stack nor a part of a model."""
    known = with_stacks(part.name for part in model.parts)
    for name in names:
        if name not in (OTHER_PARTS, *known):
            text = f"no stack or part is named {name!r}"
            hint = suggest(name, known) or f"{OTHER_PARTS!r} stands for all others"
            raise DescriptionError(Diagnostic("initial", text, hint, "E-NAME"))


def initial_rise(
    initial: Initial,
    time: float,
    materials: MaterialUpdate,
    sources: StageSources,
    shifted: ShiftedOperator,
) -> Array:
    """Return the initial temperatures over the reference temperature [K], zero outside the body.

    `initial` is that of `Simulation`, `time` is in s. Raises ArgumentError if it is out of range, and
    DescriptionError if it names an unknown stack or part.
    """
    initial = read_initial(initial)
    if not isinstance(initial, Mapping):
        return _rise(initial, time, materials, sources, shifted)
    model = materials.model
    require_parts(initial, model)
    rise = _rise(initial.get(OTHER_PARTS, "outside"), time, materials, sources, shifted)
    ordered = sorted((name for name in initial if name != OTHER_PARTS), key=lambda name: name.count("."))
    for name in ordered:  # a part after its stack
        of_name = [n for n, part in enumerate(model.parts, 1) if f"{part.name}.".startswith(f"{name}.")]
        cells = np.isin(model.part, of_name)
        field = f"initial[{name!r}]"
        rise[cells] = _rise(initial[name], time, materials, sources, shifted, field)[cells]
    return rise


def _rise(
    initial: UniformOrField,
    time: float,
    materials: MaterialUpdate,
    sources: StageSources,
    shifted: ShiftedOperator,
    name: str = "initial",
) -> Array:
    """Return the initial temperatures of one kind over the reference temperature [K]."""
    part, zero = materials.model.part, materials.zero
    if isinstance(initial, str):
        if initial == "outside":
            return np.zeros(part.shape)
        if initial != "steady":
            hint = 'it is "steady", "outside", a temperature or a field'
            raise argument_error("initial", f"{initial!r} is not an initial temperature", hint, "E-NAME")
        initial = _steady_field(time, materials, sources, shifted)
    start = read_cell_temperatures(initial, materials.model, name)
    return np.where(part > 0, start - zero, 0.0)


def steady_start(initial: Initial) -> Literal["steady"] | SteadyResult | None:
    """Return the initial temperatures of `Simulation` if they are steady ones, None otherwise."""
    if isinstance(initial, str):
        return "steady" if initial == "steady" else None
    return initial if isinstance(initial, SteadyResult) else None


def is_steady_start(initial: Initial, loads: Loads, time: float = 0.0) -> bool:
    """Return whether initial temperatures of `Simulation` are the steady ones of the loads at a time [s]."""
    if not isinstance(initial, SteadyResult):
        return isinstance(initial, str) and initial == "steady"
    before, model, fraction = Loads(initial.model), loads.model, loads.htc_fraction(time)
    return is_equal_model(initial.model, model) and all(
        np.allclose(old, new, rtol=SAME_LOAD, atol=0.0)
        for old, new in (
            (before.cell_powers(time), loads.cell_powers(time)),
            (initial.model.boundary.temperature, loads.ambient_temperature(time)),
            (1.0, 1.0 if fraction is None else fraction),
        )
    )


def initial_fluxes(
    initial: Literal["steady"] | SteadyResult | None, model: Model, t: Array
) -> FaceFluxes | None:
    """Return the fluxes of the initial temperatures t [K]; None where they are those of the present loads.

    `initial` is that of `steady_start`. A steady result has the fluxes of its own loads. In other fields
    every cell has one temperature, and no ambient acts on it yet.
    """
    if initial == "steady":
        return None
    if isinstance(initial, SteadyResult):
        return initial.fluxes
    return FaceFluxes.without_flow(model, CellConductivity(model), t)


def _steady_field(
    time: float, materials: MaterialUpdate, sources: StageSources, shifted: ShiftedOperator
) -> Array:
    """Return the steady temperatures [K] for the loads at a time [s]."""
    require_fixed_temperature(materials.model)
    problem = _SteadyStart(time, materials, sources, shifted)
    try:
        rise = solve_nonlinear(problem, NONLINEAR)
    except RunawayError as error:
        raise runaway_error(materials.model.leakage, error.history) from None
    if not problem.is_linear:
        rise = problem.solve_to(rise, STEADY_START_TOLERANCE)
    return rise + materials.zero


class _SteadyStart:
    """The steady equations for the loads at a time, for the Picard iteration."""

    def __init__(
        self, time: float, materials: MaterialUpdate, sources: StageSources, shifted: ShiftedOperator
    ) -> None:
        self.time, self.zero = time, materials.zero
        self.materials, self.sources, self.shifted = materials, sources, shifted
        loads = sources.loads
        self._power, self._ambient = loads.cell_powers(time), loads.ambient_temperature(time)
        materials.set_ambient(self._ambient)

    @property
    def is_linear(self) -> bool:
        return self.materials.are_constant and not self.materials.terms.exist

    @property
    def has_boundary_laws(self) -> bool:
        return self.materials.terms.faces is not None

    @property
    def has_leakage(self) -> bool:
        return self.materials.terms.leakage is not None

    def solve(self, rise: Array | None, reduction: float) -> Array:
        """Return the rise over `zero` [K]; the residual of a guess is reduced by a factor."""
        if rise is None:
            start = np.zeros(self.materials.model.grid.shape)
            return self.solve_to(start, STEADY_START_TOLERANCE if self.is_linear else FIRST_TOLERANCE)
        return self.solve_to(rise, reduction, relative_to_guess=True)

    def solve_to(self, rise: Array, tolerance: float, *, relative_to_guess: bool = False) -> Array:
        """Return the rise over `zero` [K] with the present materials, in the array of the guess."""
        rhs = self._rhs()
        self.shifted.update_shift(0.0)
        self.shifted.solve(rhs, rise, tolerance, relative_to_guess=relative_to_guess)
        self.shifted.balance(rhs, rise)
        return rise

    def update(self, rise: Array) -> float:
        """Evaluate materials, boundary laws and leakage at a rise over `zero` [K].

        Returns the residual relative to the heat.
        """
        self.materials.evaluate(rise)
        self.sources.set_terms(self.materials.terms)
        self.shifted.update_operator(self.materials.conduction, self.materials.capacity)
        return total_residual(self.materials.conduction, self._rhs(), rise) / self._heat_through(rise)

    def rounding(self, rise: Array) -> float:
        """Return the residual that rounding may cause, relative to the heat."""
        return residual_rounding(self.materials.conduction, rise) / self._heat_through(rise)

    def _rhs(self) -> Array:
        """Return the heat that cells at `zero` receive [W], (nz, ny, nx)."""
        surface = self.materials.conduction.boundary_face_conductance
        self.sources.set_stage(0, self.time, surface, before=False)
        rhs = np.zeros(self.materials.model.grid.shape)
        self.sources.sources[0].add_to(rhs)
        return rhs

    def _heat_through(self, rise: Array) -> float:
        """Return the heat that passes through the body [W]."""
        boundary, surface = self.materials.terms.boundary, self.materials.conduction.boundary_face_conductance
        ambient = self._ambient + self.materials.terms.ambient_change
        convected = surface * (rise.reshape(-1)[boundary.cell] - (ambient - self.zero))
        return max(heat_through([self._power], convected - boundary.flux * boundary.area), TINY_HEAT)
