"""How fast and how far a source warms: impedance over time and frequency, networks, structure functions."""

from __future__ import annotations

from thermostack.impedance.networks import Cauer, Foster, StructureFunction
from thermostack.impedance.thermal_impedance import ThermalImpedance, thermal_impedance

__all__ = ["Cauer", "Foster", "StructureFunction", "ThermalImpedance", "thermal_impedance"]
