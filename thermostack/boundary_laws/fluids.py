"""Properties of fluids over temperature, and their state of boiling at 1 atm."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.schema.spelling import suggest
from thermostack.units import format_quantity

_PROPERTIES = ("conductivity", "density", "specific_heat", "viscosity", "expansion")


class PropertyValues(NamedTuple):
    """Properties of a fluid at some temperatures, or their derivatives by temperature."""

    conductivity: np.ndarray  # W/(m K)
    density: np.ndarray  # kg/m3
    specific_heat: np.ndarray  # J/(kg K)
    viscosity: np.ndarray  # Pa s, dynamic
    expansion: np.ndarray  # 1/K, volumetric thermal expansion coefficient


@dataclass(frozen=True)
class Saturation:
    """State of boiling at 1 atm."""

    temperature: float  # K
    vapour_density: float  # kg/m3
    latent_heat: float  # J/kg
    surface_tension: float  # N/m


@dataclass(frozen=True)
class Fluid:
    """A fluid with a table of its properties over temperature.

    Parameters
    ----------
    name : str
        Name.
    source : str
        Source of the numbers, which starts with its reliability.
    temperature : tuple of float
        Ascending temperatures of the rows [K].
    conductivity, density, specific_heat, viscosity, expansion : tuple of float
        Values at those temperatures [W/(m K), kg/m3, J/(kg K), Pa s, 1/K].
    saturation : Saturation, optional
        State of boiling at 1 atm.
    """

    name: str
    source: str
    temperature: tuple[float, ...]
    conductivity: tuple[float, ...]
    density: tuple[float, ...]
    specific_heat: tuple[float, ...]
    viscosity: tuple[float, ...]
    expansion: tuple[float, ...]
    saturation: Saturation | None = None

    def __repr__(self) -> str:
        """Return the name, without the table."""
        return f"Fluid({self.name!r})"

    @property
    def range(self) -> tuple[float, float]:
        """Return the first and the last temperature of the table [K]; outside it the nearer row applies."""
        return self.temperature[0], self.temperature[-1]

    def at(self, temperature: np.ndarray) -> PropertyValues:
        """Return the properties at temperatures [K], by linear interpolation between the rows."""
        return PropertyValues(
            *(np.interp(temperature, self.temperature, getattr(self, name)) for name in _PROPERTIES)
        )

    def slopes_at(self, temperature: np.ndarray) -> PropertyValues:
        """Return the derivatives of `at` by temperature; at a row that of the interval above it."""
        rows = np.array(self.temperature)
        interval = np.searchsorted(rows, temperature, side="right") - 1
        inside = (interval >= 0) & (interval < rows.size - 1)
        interval = np.clip(interval, 0, rows.size - 2)
        steps = np.diff(rows)
        return PropertyValues(
            *(np.where(inside, (np.diff(getattr(self, name)) / steps)[interval], 0.0) for name in _PROPERTIES)
        )

    def range_text(self) -> str:
        """Return the range of the table with units."""
        return " to ".join(format_quantity(bound, "temperature") for bound in self.range)


def find_fluid(name: str) -> Fluid:
    """Return a fluid by its name; capitals, blanks and hyphens do not count.

    Raises UnknownNameError (E-NAME) where no fluid has the name, with the names that exist.

    Examples
    --------
    >>> find_fluid("fc 72").name
    'FC-72'
    """
    found = fluids()
    key = _plain(name)
    for each, fluid in found.items():
        if _plain(each) == key:
            return fluid
    hint = suggest(name, found) or f"the fluids are {', '.join(found)}"
    raise UnknownNameError(Diagnostic("fluid", f"no fluid is named {name!r}", hint, "E-NAME"))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


@cache
def fluids() -> Mapping[str, Fluid]:
    """Return the shipped fluids by name."""
    text = (files("thermostack.boundary_laws") / "fluids.toml").read_text(encoding="utf-8")
    return {name: _fluid(name, item) for name, item in tomllib.loads(text).items()}


def _fluid(name: str, item: dict[str, Any]) -> Fluid:
    saturation = item.get("saturation")
    columns = {key: tuple(item[key]) for key in ("temperature", *_PROPERTIES)}
    return Fluid(name, item["source"], **columns, saturation=Saturation(**saturation) if saturation else None)
