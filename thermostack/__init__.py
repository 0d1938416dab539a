"""How hot a chip package gets, where, and with what error.

The public names below load their modules when they are first used, so that the import is quick
and nobody waits for a library that the task at hand does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thermostack.control import Governor as Governor
    from thermostack.cooling import Adiabatic as Adiabatic
    from thermostack.cooling import Base as Base
    from thermostack.cooling import ColdPlate as ColdPlate
    from thermostack.cooling import Convection as Convection
    from thermostack.cooling import Cooling as Cooling
    from thermostack.cooling import FilmMap as FilmMap
    from thermostack.cooling import FixedFlux as FixedFlux
    from thermostack.cooling import FixedTemperature as FixedTemperature
    from thermostack.cooling import HeatSink as HeatSink
    from thermostack.errors import ConvergenceError as ConvergenceError
    from thermostack.errors import DescriptionError as DescriptionError
    from thermostack.errors import Fault as Fault
    from thermostack.errors import OutputError as OutputError
    from thermostack.errors import ResourceError as ResourceError
    from thermostack.errors import ResultFileError as ResultFileError
    from thermostack.errors import RunawayError as RunawayError
    from thermostack.errors import ThermostackError as ThermostackError
    from thermostack.grid import Grid as Grid
    from thermostack.impedance.response import ThermalImpedance as ThermalImpedance
    from thermostack.impedance.response import thermal_impedance as thermal_impedance
    from thermostack.io.package_file import read_package as read_package
    from thermostack.io.package_text import write_package as write_package
    from thermostack.io.trace_files import read_trace as read_trace
    from thermostack.library import find_material as find_material
    from thermostack.materials import Material as Material
    from thermostack.mixtures import AreaBlend as AreaBlend
    from thermostack.mixtures import BumpArray as BumpArray
    from thermostack.mixtures import Laminate as Laminate
    from thermostack.mixtures import LineLayer as LineLayer
    from thermostack.mixtures import ViaArray as ViaArray
    from thermostack.model import Model as Model
    from thermostack.model import discretize as discretize
    from thermostack.package import Interface as Interface
    from thermostack.package import Layer as Layer
    from thermostack.package import Package as Package
    from thermostack.package import Region as Region
    from thermostack.package import Stack as Stack
    from thermostack.power import Block as Block
    from thermostack.power import Power as Power
    from thermostack.power import PowerMap as PowerMap
    from thermostack.simulation import Simulation as Simulation
    from thermostack.steady import Steady as Steady
    from thermostack.steady import read_result as read_result
    from thermostack.steady import solve_steady as solve_steady
    from thermostack.throttle import PowerState as PowerState
    from thermostack.throttle import Sensor as Sensor
    from thermostack.throttle import Throttle as Throttle
    from thermostack.throttle import clock_states as clock_states
    from thermostack.throttle import gpu_throttle as gpu_throttle
    from thermostack.throttle import hbm_throttle as hbm_throttle
    from thermostack.traces import Trace as Trace
    from thermostack.transient import Transient as Transient
    from thermostack.transient import read_transient as read_transient
    from thermostack.transient import solve_transient as solve_transient

__version__ = "0.1.0"

_HOME = {
    "control": ("Governor",),
    "cooling": (
        "Adiabatic",
        "Base",
        "ColdPlate",
        "Convection",
        "Cooling",
        "FilmMap",
        "FixedFlux",
        "FixedTemperature",
        "HeatSink",
    ),
    "errors": (
        "ConvergenceError",
        "DescriptionError",
        "Fault",
        "OutputError",
        "ResourceError",
        "ResultFileError",
        "RunawayError",
        "ThermostackError",
    ),
    "grid": ("Grid",),
    "impedance.response": ("ThermalImpedance", "thermal_impedance"),
    "io.package_file": ("read_package",),
    "io.package_text": ("write_package",),
    "io.trace_files": ("read_trace",),
    "library": ("find_material",),
    "materials": ("Material",),
    "mixtures": ("AreaBlend", "BumpArray", "Laminate", "LineLayer", "ViaArray"),
    "model": ("Model", "discretize"),
    "package": ("Interface", "Layer", "Package", "Region", "Stack"),
    "power": ("Block", "Power", "PowerMap"),
    "simulation": ("Simulation",),
    "steady": ("Steady", "read_result", "solve_steady"),
    "throttle": ("PowerState", "Sensor", "Throttle", "clock_states", "gpu_throttle", "hbm_throttle"),
    "traces": ("Trace",),
    "transient": ("Transient", "read_transient", "solve_transient"),
}
_MODULE = {name: f"{__name__}.{module}" for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *sorted(_MODULE)]


def __getattr__(name: str) -> object:
    """Return a public name from the module it lives in (PEP 562)."""
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return list(__all__)
