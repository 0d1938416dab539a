"""Temperatures of 2.5D and 3D chip packages by finite volumes, each with an estimate of its error.

The public names below load their modules on first use, so that the import is fast and loads no library that
the task does not need.

Examples
--------
>>> import thermostack as ts
>>> package = ts.read_package("hbm3_8h")
>>> steady = ts.solve_steady(ts.discretize(package, cell=1 * ts.units.mm))
>>> steady.heat_balance.relative < 1e-6
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from thermostack.threads import openmp as _openmp  # noqa: F401 - loaded before other kernels

if TYPE_CHECKING:
    from thermostack import units as units
    from thermostack.comparison.compare import compare as compare
    from thermostack.design.budget import power_budget as power_budget
    from thermostack.design.influence import influence as influence
    from thermostack.design.power_limits import power_limit_curve as power_limit_curve
    from thermostack.design.runaway import runaway as runaway
    from thermostack.design.session import Session as Session
    from thermostack.design.session_result import SessionResult as SessionResult
    from thermostack.errors import ArgumentError as ArgumentError
    from thermostack.errors import BoilingCrisisError as BoilingCrisisError
    from thermostack.errors import ConvergenceError as ConvergenceError
    from thermostack.errors import DescriptionError as DescriptionError
    from thermostack.errors import Diagnostic as Diagnostic
    from thermostack.errors import GridWarning as GridWarning
    from thermostack.errors import OutputError as OutputError
    from thermostack.errors import ResourceError as ResourceError
    from thermostack.errors import ResultFileError as ResultFileError
    from thermostack.errors import RunawayError as RunawayError
    from thermostack.errors import ThermostackError as ThermostackError
    from thermostack.errors import UnknownNameError as UnknownNameError
    from thermostack.finite_volume.heat_balance import HeatBalance as HeatBalance
    from thermostack.finite_volume.link_heat import LinkHeat as LinkHeat
    from thermostack.finite_volume.part_temperatures import FaceTemperature as FaceTemperature
    from thermostack.finite_volume.part_temperatures import PartTemperature as PartTemperature
    from thermostack.impedance.networks import Cauer as Cauer
    from thermostack.impedance.networks import Foster as Foster
    from thermostack.impedance.structure_function import StructureFunction as StructureFunction
    from thermostack.impedance.thermal_impedance import thermal_impedance as thermal_impedance
    from thermostack.io.description.package_file import read_package as read_package
    from thermostack.io.description.trace_files import read_trace as read_trace
    from thermostack.io.description.write_package import write_package as write_package
    from thermostack.io.results.influence_file import read_influence as read_influence
    from thermostack.io.results.steady_file import read_result as read_result
    from thermostack.io.results.transient_file import read_transient as read_transient
    from thermostack.linear.nonlinear_report import BoilingMargin as BoilingMargin
    from thermostack.linear.nonlinear_report import NonlinearReport as NonlinearReport
    from thermostack.linear.solver_report import SolverReport as SolverReport
    from thermostack.materials.effective_media import AreaComposite as AreaComposite
    from thermostack.materials.effective_media import BumpArray as BumpArray
    from thermostack.materials.effective_media import Constituent as Constituent
    from thermostack.materials.effective_media import Laminate as Laminate
    from thermostack.materials.effective_media import LineLayer as LineLayer
    from thermostack.materials.effective_media import Ply as Ply
    from thermostack.materials.effective_media import ViaArray as ViaArray
    from thermostack.materials.effective_media import Vias as Vias
    from thermostack.materials.material import Material as Material
    from thermostack.materials.material_library import find_material as find_material
    from thermostack.materials.ready_made_cells import BumpCell as BumpCell
    from thermostack.materials.ready_made_cells import HybridBondCell as HybridBondCell
    from thermostack.materials.ready_made_cells import ViaCell as ViaCell
    from thermostack.materials.temperature_laws import ConductivityLaw as ConductivityLaw
    from thermostack.materials.unit_cell import CellLayer as CellLayer
    from thermostack.materials.unit_cell import Inclusion as Inclusion
    from thermostack.materials.unit_cell import UnitCell as UnitCell
    from thermostack.mesh.cooler_coverage import CoolerCoverage as CoolerCoverage
    from thermostack.mesh.grid import Grid as Grid
    from thermostack.mesh.model import Model as Model
    from thermostack.mesh.model import discretize as discretize
    from thermostack.package.band import Band as Band
    from thermostack.package.contact_resistance import ContactResistance as ContactResistance
    from thermostack.package.cooling import Adiabatic as Adiabatic
    from thermostack.package.cooling import Base as Base
    from thermostack.package.cooling import ColdPlate as ColdPlate
    from thermostack.package.cooling import Convection as Convection
    from thermostack.package.cooling import Cooling as Cooling
    from thermostack.package.cooling import FaceCooling as FaceCooling
    from thermostack.package.cooling import FaceRectangle as FaceRectangle
    from thermostack.package.cooling import FixedFlux as FixedFlux
    from thermostack.package.cooling import FixedTemperature as FixedTemperature
    from thermostack.package.cooling import HeatSink as HeatSink
    from thermostack.package.cooling import HtcMap as HtcMap
    from thermostack.package.geometry import Geometry as Geometry
    from thermostack.package.geometry import Part as Part
    from thermostack.package.grid_options import GridOptions as GridOptions
    from thermostack.package.leakage import Leakage as Leakage
    from thermostack.package.leakage_laws import LeakageLaw as LeakageLaw
    from thermostack.package.nonlinear_coolers import ForcedConvection as ForcedConvection
    from thermostack.package.nonlinear_coolers import FreeConvection as FreeConvection
    from thermostack.package.nonlinear_coolers import PoolBoiling as PoolBoiling
    from thermostack.package.nonlinear_coolers import Radiation as Radiation
    from thermostack.package.nonlinear_coolers import TabulatedConvection as TabulatedConvection
    from thermostack.package.package import Package as Package
    from thermostack.package.power import Block as Block
    from thermostack.package.power import Power as Power
    from thermostack.package.power import PowerMap as PowerMap
    from thermostack.package.stack import Interface as Interface
    from thermostack.package.stack import Layer as Layer
    from thermostack.package.stack import Region as Region
    from thermostack.package.stack import Stack as Stack
    from thermostack.package.thermal_link import LinkEnd as LinkEnd
    from thermostack.package.thermal_link import ThermalLink as ThermalLink
    from thermostack.results.budget_result import BindingLimit as BindingLimit
    from thermostack.results.budget_result import PowerBudget as PowerBudget
    from thermostack.results.compact_model import CompactModels as CompactModels
    from thermostack.results.compact_model import DelphiNetwork as DelphiNetwork
    from thermostack.results.compact_model import FitError as FitError
    from thermostack.results.compact_model import TwoResistor as TwoResistor
    from thermostack.results.compact_model import TwoResistorCase as TwoResistorCase
    from thermostack.results.comparison import Comparison as Comparison
    from thermostack.results.comparison import HeatComparison as HeatComparison
    from thermostack.results.comparison import PartComparison as PartComparison
    from thermostack.results.comparison import PartState as PartState
    from thermostack.results.difference_field import DifferenceField as DifferenceField
    from thermostack.results.field_difference import FieldDifference as FieldDifference
    from thermostack.results.history import History as History
    from thermostack.results.impedance_error import ImpedanceError as ImpedanceError
    from thermostack.results.impedance_result import ThermalImpedance as ThermalImpedance
    from thermostack.results.influence_result import InfluenceMatrix as InfluenceMatrix
    from thermostack.results.influence_result import Linearisation as Linearisation
    from thermostack.results.influence_result import PeakTemperature as PeakTemperature
    from thermostack.results.jedec_result import DieMatrix as DieMatrix
    from thermostack.results.jedec_result import JedecMetric as JedecMetric
    from thermostack.results.jedec_result import JedecResult as JedecResult
    from thermostack.results.jedec_result import TemperatureReading as TemperatureReading
    from thermostack.results.peak_map import PeakMap as PeakMap
    from thermostack.results.power_limit_curve import PowerLimitCurve as PowerLimitCurve
    from thermostack.results.refinement_log import Refinement as Refinement
    from thermostack.results.refinement_log import RefinementPass as RefinementPass
    from thermostack.results.runaway_result import CriticalValue as CriticalValue
    from thermostack.results.runaway_result import RunawayPoint as RunawayPoint
    from thermostack.results.runaway_result import RunawayResult as RunawayResult
    from thermostack.results.steady_result import SteadyResult as SteadyResult
    from thermostack.results.throttling_log import ThrottlingLog as ThrottlingLog
    from thermostack.results.transient_result import RunReport as RunReport
    from thermostack.results.transient_result import TransientResult as TransientResult
    from thermostack.results.zoom_agreement import ErrorContribution as ErrorContribution
    from thermostack.results.zoom_agreement import FaceAgreement as FaceAgreement
    from thermostack.results.zoom_agreement import PartAgreement as PartAgreement
    from thermostack.results.zoom_agreement import ZoomAgreement as ZoomAgreement
    from thermostack.steady import solve_steady as solve_steady
    from thermostack.sweeps.run import sweep as sweep
    from thermostack.sweeps.study import Study as Study
    from thermostack.sweeps.study_file import read_study as read_study
    from thermostack.sweeps.sweep_result import SweepResult as SweepResult
    from thermostack.sweeps.sweep_result import read_sweep as read_sweep
    from thermostack.thermal_metrics.board import JedecBoard as JedecBoard
    from thermostack.thermal_metrics.compact import compact_models as compact_models
    from thermostack.thermal_metrics.metrics import jedec as jedec
    from thermostack.transient.controllers import Controller as Controller
    from thermostack.transient.controllers import Governor as Governor
    from thermostack.transient.loads import Loads as Loads
    from thermostack.transient.run import solve_transient as solve_transient
    from thermostack.transient.running_average import RunningAverageLimit as RunningAverageLimit
    from thermostack.transient.running_average import running_average_limit as running_average_limit
    from thermostack.transient.simulation import Simulation as Simulation
    from thermostack.transient.throttle_presets import clock_states as clock_states
    from thermostack.transient.throttle_presets import gpu_throttle as gpu_throttle
    from thermostack.transient.throttle_presets import hbm_throttle as hbm_throttle
    from thermostack.transient.throttling import PowerState as PowerState
    from thermostack.transient.throttling import Sensor as Sensor
    from thermostack.transient.throttling import Throttle as Throttle
    from thermostack.transient.trace import Trace as Trace
    from thermostack.transient.waveform import TimeFunction as TimeFunction
    from thermostack.transient.waveform import Waveform as Waveform
    from thermostack.unit_cells.axis_solution import AxisSolution as AxisSolution
    from thermostack.unit_cells.unit_cell_result import UnitCellResult as UnitCellResult
    from thermostack.unit_cells.unit_cell_result import solve_unit_cell as solve_unit_cell

__version__ = "0.1.0"

_NAMES_BY_MODULE = {
    "comparison.compare": ("compare",),
    "design.budget": ("power_budget",),
    "design.influence": ("influence",),
    "design.power_limits": ("power_limit_curve",),
    "design.runaway": ("runaway",),
    "design.session": ("Session",),
    "design.session_result": ("SessionResult",),
    "errors": (
        "ArgumentError",
        "ConvergenceError",
        "DescriptionError",
        "Diagnostic",
        "GridWarning",
        "OutputError",
        "ResourceError",
        "ResultFileError",
        "BoilingCrisisError",
        "RunawayError",
        "ThermostackError",
        "UnknownNameError",
    ),
    "finite_volume.heat_balance": ("HeatBalance",),
    "finite_volume.link_heat": ("LinkHeat",),
    "finite_volume.part_temperatures": (
        "FaceTemperature",
        "PartTemperature",
    ),
    "impedance.networks": (
        "Cauer",
        "Foster",
    ),
    "impedance.structure_function": ("StructureFunction",),
    "impedance.thermal_impedance": ("thermal_impedance",),
    "io.description.package_file": ("read_package",),
    "io.description.trace_files": ("read_trace",),
    "io.description.write_package": ("write_package",),
    "io.results.influence_file": ("read_influence",),
    "io.results.steady_file": ("read_result",),
    "io.results.transient_file": ("read_transient",),
    "linear.nonlinear_report": (
        "BoilingMargin",
        "NonlinearReport",
    ),
    "linear.solver_report": ("SolverReport",),
    "materials.effective_media": (
        "AreaComposite",
        "BumpArray",
        "Constituent",
        "Laminate",
        "LineLayer",
        "Ply",
        "ViaArray",
        "Vias",
    ),
    "materials.material": ("Material",),
    "materials.material_library": ("find_material",),
    "materials.ready_made_cells": (
        "BumpCell",
        "HybridBondCell",
        "ViaCell",
    ),
    "materials.temperature_laws": ("ConductivityLaw",),
    "materials.unit_cell": (
        "CellLayer",
        "Inclusion",
        "UnitCell",
    ),
    "mesh.cooler_coverage": ("CoolerCoverage",),
    "mesh.grid": ("Grid",),
    "mesh.model": (
        "Model",
        "discretize",
    ),
    "package.band": ("Band",),
    "package.contact_resistance": ("ContactResistance",),
    "package.cooling": (
        "Adiabatic",
        "Base",
        "ColdPlate",
        "Convection",
        "Cooling",
        "FaceCooling",
        "FaceRectangle",
        "FixedFlux",
        "FixedTemperature",
        "HeatSink",
        "HtcMap",
    ),
    "package.geometry": (
        "Geometry",
        "Part",
    ),
    "package.grid_options": ("GridOptions",),
    "package.leakage": ("Leakage",),
    "package.leakage_laws": ("LeakageLaw",),
    "package.nonlinear_coolers": (
        "ForcedConvection",
        "FreeConvection",
        "PoolBoiling",
        "Radiation",
        "TabulatedConvection",
    ),
    "package.package": ("Package",),
    "package.power": (
        "Block",
        "Power",
        "PowerMap",
    ),
    "package.stack": (
        "Interface",
        "Layer",
        "Region",
        "Stack",
    ),
    "package.thermal_link": (
        "LinkEnd",
        "ThermalLink",
    ),
    "results.budget_result": (
        "BindingLimit",
        "PowerBudget",
    ),
    "results.comparison": (
        "Comparison",
        "HeatComparison",
        "PartComparison",
        "PartState",
    ),
    "results.difference_field": ("DifferenceField",),
    "results.field_difference": ("FieldDifference",),
    "results.history": ("History",),
    "results.impedance_error": ("ImpedanceError",),
    "results.impedance_result": ("ThermalImpedance",),
    "results.influence_result": (
        "InfluenceMatrix",
        "Linearisation",
        "PeakTemperature",
    ),
    "results.compact_model": (
        "CompactModels",
        "DelphiNetwork",
        "FitError",
        "TwoResistor",
        "TwoResistorCase",
    ),
    "results.jedec_result": (
        "DieMatrix",
        "JedecMetric",
        "JedecResult",
        "TemperatureReading",
    ),
    "results.peak_map": ("PeakMap",),
    "results.power_limit_curve": ("PowerLimitCurve",),
    "results.refinement_log": (
        "Refinement",
        "RefinementPass",
    ),
    "results.runaway_result": (
        "CriticalValue",
        "RunawayPoint",
        "RunawayResult",
    ),
    "results.steady_result": ("SteadyResult",),
    "results.throttling_log": ("ThrottlingLog",),
    "results.transient_result": (
        "RunReport",
        "TransientResult",
    ),
    "results.zoom_agreement": (
        "ErrorContribution",
        "FaceAgreement",
        "PartAgreement",
        "ZoomAgreement",
    ),
    "steady": ("solve_steady",),
    "sweeps.run": ("sweep",),
    "sweeps.study": ("Study",),
    "sweeps.study_file": ("read_study",),
    "sweeps.sweep_result": (
        "SweepResult",
        "read_sweep",
    ),
    "thermal_metrics.board": ("JedecBoard",),
    "thermal_metrics.compact": ("compact_models",),
    "thermal_metrics.metrics": ("jedec",),
    "transient.controllers": (
        "Controller",
        "Governor",
    ),
    "transient.loads": ("Loads",),
    "transient.run": ("solve_transient",),
    "transient.running_average": (
        "RunningAverageLimit",
        "running_average_limit",
    ),
    "transient.simulation": ("Simulation",),
    "transient.throttle_presets": (
        "clock_states",
        "gpu_throttle",
        "hbm_throttle",
    ),
    "transient.throttling": (
        "PowerState",
        "Sensor",
        "Throttle",
    ),
    "transient.trace": ("Trace",),
    "transient.waveform": (
        "TimeFunction",
        "Waveform",
    ),
    "unit_cells.axis_solution": ("AxisSolution",),
    "unit_cells.unit_cell_result": (
        "UnitCellResult",
        "solve_unit_cell",
    ),
}
_MODULE = {name: f"{__name__}.{module}" for module, names in _NAMES_BY_MODULE.items() for name in names}
_SUBMODULES = ("units",)

__all__ = ["__version__", *sorted([*_MODULE, *_SUBMODULES])]


def __getattr__(name: str) -> object:
    """Return a public name from the module that defines it, or a public module (PEP 562)."""
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return list(__all__)
