"""How hot a chip package gets, where, and with what error.

The public names below load their modules when they are first used, so that the import is quick
and nobody waits for a library that the task at hand does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thermostack.errors import ConvergenceError as ConvergenceError
    from thermostack.errors import DescriptionError as DescriptionError
    from thermostack.errors import Diagnostic as Diagnostic
    from thermostack.errors import OutputError as OutputError
    from thermostack.errors import ResourceError as ResourceError
    from thermostack.errors import ResultFileError as ResultFileError
    from thermostack.errors import RunawayError as RunawayError
    from thermostack.errors import ThermostackError as ThermostackError
    from thermostack.impedance.thermal_impedance import ThermalImpedance as ThermalImpedance
    from thermostack.impedance.thermal_impedance import thermal_impedance as thermal_impedance
    from thermostack.io.description.package_file import read_package as read_package
    from thermostack.io.description.trace_files import read_trace as read_trace
    from thermostack.io.description.write_package import write_package as write_package
    from thermostack.io.results.steady_file import read_result as read_result
    from thermostack.io.results.transient_file import read_transient as read_transient
    from thermostack.materials.effective_media import AreaComposite as AreaComposite
    from thermostack.materials.effective_media import BumpArray as BumpArray
    from thermostack.materials.effective_media import Laminate as Laminate
    from thermostack.materials.effective_media import LineLayer as LineLayer
    from thermostack.materials.effective_media import ViaArray as ViaArray
    from thermostack.materials.material import Material as Material
    from thermostack.materials.material_library import find_material as find_material
    from thermostack.mesh.grid import Grid as Grid
    from thermostack.mesh.model import Model as Model
    from thermostack.mesh.model import discretize as discretize
    from thermostack.package.cooling import Adiabatic as Adiabatic
    from thermostack.package.cooling import Base as Base
    from thermostack.package.cooling import ColdPlate as ColdPlate
    from thermostack.package.cooling import Convection as Convection
    from thermostack.package.cooling import Cooling as Cooling
    from thermostack.package.cooling import FixedFlux as FixedFlux
    from thermostack.package.cooling import FixedTemperature as FixedTemperature
    from thermostack.package.cooling import HeatSink as HeatSink
    from thermostack.package.cooling import HtcMap as HtcMap
    from thermostack.package.package import Interface as Interface
    from thermostack.package.package import Layer as Layer
    from thermostack.package.package import Package as Package
    from thermostack.package.package import Region as Region
    from thermostack.package.package import Stack as Stack
    from thermostack.package.power import Block as Block
    from thermostack.package.power import Power as Power
    from thermostack.package.power import PowerMap as PowerMap
    from thermostack.results.steady_result import SteadyResult as SteadyResult
    from thermostack.results.transient_result import TransientResult as TransientResult
    from thermostack.steady import solve_steady as solve_steady
    from thermostack.transient.controllers import Governor as Governor
    from thermostack.transient.run import solve_transient as solve_transient
    from thermostack.transient.simulation import Simulation as Simulation
    from thermostack.transient.throttling import PowerState as PowerState
    from thermostack.transient.throttling import Sensor as Sensor
    from thermostack.transient.throttling import Throttle as Throttle
    from thermostack.transient.throttling import clock_states as clock_states
    from thermostack.transient.throttling import gpu_throttle as gpu_throttle
    from thermostack.transient.throttling import hbm_throttle as hbm_throttle
    from thermostack.transient.trace import Trace as Trace

__version__ = "0.1.0"

_HOME = {
    "errors": (
        "ConvergenceError",
        "DescriptionError",
        "Diagnostic",
        "OutputError",
        "ResourceError",
        "ResultFileError",
        "RunawayError",
        "ThermostackError",
    ),
    "impedance.thermal_impedance": ("ThermalImpedance", "thermal_impedance"),
    "io.description.package_file": ("read_package",),
    "io.description.trace_files": ("read_trace",),
    "io.description.write_package": ("write_package",),
    "io.results.steady_file": ("read_result",),
    "io.results.transient_file": ("read_transient",),
    "materials.effective_media": ("AreaComposite", "BumpArray", "Laminate", "LineLayer", "ViaArray"),
    "materials.material": ("Material",),
    "materials.material_library": ("find_material",),
    "mesh.grid": ("Grid",),
    "mesh.model": ("Model", "discretize"),
    "package.cooling": (
        "Adiabatic",
        "Base",
        "ColdPlate",
        "Convection",
        "Cooling",
        "HtcMap",
        "FixedFlux",
        "FixedTemperature",
        "HeatSink",
    ),
    "package.package": ("Interface", "Layer", "Package", "Region", "Stack"),
    "package.power": ("Block", "Power", "PowerMap"),
    "results.steady_result": ("SteadyResult",),
    "results.transient_result": ("TransientResult",),
    "steady": ("solve_steady",),
    "transient.controllers": ("Governor",),
    "transient.run": ("solve_transient",),
    "transient.simulation": ("Simulation",),
    "transient.throttling": (
        "PowerState",
        "Sensor",
        "Throttle",
        "clock_states",
        "gpu_throttle",
        "hbm_throttle",
    ),
    "transient.trace": ("Trace",),
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
