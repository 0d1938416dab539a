"""Fluids around a package: properties by temperature, and saturation at 1 atm."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.schema.spelling import suggest

Array = np.ndarray


@dataclass(frozen=True)
class Saturation:
    """Boiling point and properties of the vapour at 1 atm."""

    temperature: float  # K
    vapour_density: float  # kg/m3
    latent_heat: float  # J/kg
    surface_tension: float  # N/m


@dataclass(frozen=True)
class FluidProperties:
    """Properties of a fluid at some temperatures, each in the shape of the temperatures."""

    conductivity: Array  # W/(m K)
    density: Array  # kg/m3
    specific_heat: Array  # J/(kg K)
    viscosity: Array  # Pa s
    expansion: Array  # 1/K, of the volume at constant pressure

    @property
    def kinematic_viscosity(self) -> Array:
        """Return the viscosity over the density [m2/s]."""
        return np.asarray(self.viscosity / self.density)

    @property
    def prandtl(self) -> Array:
        """Return the Prandtl number."""
        return np.asarray(self.viscosity * self.specific_heat / self.conductivity)


@dataclass(frozen=True, eq=False)
class Fluid:
    """A fluid with properties by temperature at 1 atm.

    Between the rows of its table the properties are linear, and so is the logarithm of the viscosity.

    Examples
    --------
    >>> air = find_fluid("air")
    >>> round(float(air.at(300.0).conductivity), 5)
    0.02638
    """

    name: str
    about: str
    source: str
    temperature: Array  # (rows,) K
    columns: dict[str, Array]  # (rows,) each: conductivity, density, specific_heat, viscosity
    is_gas: bool = False
    saturation: Saturation | None = None

    @property
    def range(self) -> tuple[float, float]:
        """Return the temperatures of the table [K]; beyond them, the value of the nearer end holds."""
        return float(self.temperature[0]), float(self.temperature[-1])

    def at(self, temperature: Any) -> FluidProperties:
        """Return the properties at temperatures [K]."""
        t = np.asarray(temperature, dtype=np.float64)
        values = {name: np.interp(t, self.temperature, column) for name, column in self.columns.items()}
        values["viscosity"] = np.exp(np.interp(t, self.temperature, np.log(self.columns["viscosity"])))
        return FluidProperties(**values, expansion=self._expansion(t))

    def _expansion(self, t: Array) -> Array:
        """Return the expansion coefficient [1/K]: 1/T of a gas, from the density of a liquid."""
        if self.is_gas:
            return np.asarray(1.0 / t)
        density = self.columns["density"]
        slope = -np.gradient(density, self.temperature) / density
        return np.asarray(np.maximum(np.interp(t, self.temperature, slope), 0.0))


@cache
def fluids() -> dict[str, Fluid]:
    """Return all fluids by name."""
    text = (files("thermostack.boundary_laws") / "fluids.toml").read_text(encoding="utf-8")
    return {name: _read(name, entry) for name, entry in tomllib.loads(text).items()}


def _read(name: str, entry: dict[str, Any]) -> Fluid:
    columns = ("conductivity", "density", "specific_heat", "viscosity")
    saturation = entry.get("saturation")
    return Fluid(
        name,
        entry["about"],
        entry["source"],
        np.array(entry["temperature"]),
        {column: np.array(entry[column]) for column in columns},
        entry.get("is_gas", False),
        Saturation(**saturation) if saturation else None,
    )


def find_fluid(name: str) -> Fluid:
    """Return a fluid by its name. Raises UnknownNameError with the names that exist."""
    known = fluids()
    if name not in known:
        hint = suggest(name, known) or f"there are {', '.join(known)}"
        raise UnknownNameError(Diagnostic("fluid", f"no fluid is named {name!r}", hint, "E-NAME"))
    return known[name]
