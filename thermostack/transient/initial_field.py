"""Initial temperatures of a simulation: given, uniform, or the steady solution for the loads at the start."""

from __future__ import annotations

import numpy as np

from thermostack.linear.shifted import ShiftedOperator
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import argument_error, check_quantity
from thermostack.schema.fields import to_si
from thermostack.steady import PicardSettings, require_fixed_temperature, solve_picard
from thermostack.transient.material_update import MaterialUpdate
from thermostack.transient.stage_sources import StageSources

Array = np.ndarray

STEADY_START_TOLERANCE = 1e-10  # relative residual
STEADY_START_PICARD = PicardSettings(tolerance=1e-8, max_iterations=50)


def read_initial(initial: str | float | Array | SteadyResult) -> str | float | Array | SteadyResult:
    """Return the initial temperatures with a quantity in text, like "60 degC", as a number [K]."""
    if isinstance(initial, str) and not initial[:1].isalpha():
        return to_si(initial, "temperature", "initial")
    return initial


def initial_rise(
    initial: str | float | Array | SteadyResult,
    time: float,
    materials: MaterialUpdate,
    sources: StageSources,
    shifted: ShiftedOperator,
) -> Array:
    """Return the initial temperatures over the reference temperature [K], zero outside the body.

    `initial` is that of `Simulation`, `time` is in s. Raises ArgumentError if it is out of range.
    """
    part, zero = materials.model.part, materials.zero
    initial = read_initial(initial)
    if isinstance(initial, SteadyResult):
        initial = initial.field
    if isinstance(initial, str):
        if initial == "outside":
            return np.zeros(part.shape)
        if initial != "steady":
            hint = 'it is "steady", "outside", a temperature or a field'
            raise argument_error("initial", f"{initial!r} is not an initial temperature", hint, "E-NAME")
        initial = _steady_field(time, materials, sources, shifted)
    if np.ndim(initial) == 0:
        kelvin = check_quantity(initial, "temperature", "initial", above=0.0)
        return np.where(part > 0, kelvin - zero, 0.0)
    start = np.asarray(initial, dtype=np.float64)
    if start.shape != part.shape:
        text = f"initial temperatures have shape {start.shape}; the cells have {part.shape}"
        raise argument_error("initial", text, "", "E-TYPE")
    if not np.isfinite(start[part > 0]).all():
        text = "initial temperatures are not finite in every cell of the body"
        raise argument_error("initial", text, "", "E-RANGE")
    return np.where(part > 0, start - zero, 0.0)


def _steady_field(
    time: float, materials: MaterialUpdate, sources: StageSources, shifted: ShiftedOperator
) -> Array:
    """Return the steady temperatures [K] for the loads at a time [s]."""
    require_fixed_temperature(materials.model)
    return solve_picard(_SteadyStart(time, materials, sources, shifted), STEADY_START_PICARD) + materials.zero


class _SteadyStart:
    """The steady equations for the loads at a time, for the Picard iteration."""

    def __init__(
        self, time: float, materials: MaterialUpdate, sources: StageSources, shifted: ShiftedOperator
    ) -> None:
        self.time, self.zero = time, materials.zero
        self.materials, self.sources, self.shifted = materials, sources, shifted

    @property
    def is_linear(self) -> bool:
        return self.materials.are_constant

    def solve(self, rise: Array | None, last_change: float) -> Array:
        """Return the rise over `zero` [K] with the present materials, in the array of the guess if given."""
        shape = self.materials.model.grid.shape
        rise = np.zeros(shape) if rise is None else rise
        self.sources.set_stage(
            0, self.time, self.materials.conduction.boundary_face_conductance, before=False
        )
        rhs = np.zeros(shape)
        self.sources.sources[0].add_to(rhs)
        self.shifted.update_shift(0.0)
        self.shifted.solve(rhs, rise, STEADY_START_TOLERANCE)
        self.shifted.balance(rhs, rise)
        return rise

    def update_materials(self, rise: Array, temperature: Array) -> None:
        """Evaluate conductivities and heat capacities at a rise over `zero` [K]."""
        self.materials.evaluate(rise)
        self.shifted.update_operator(self.materials.conduction, self.materials.capacity)
