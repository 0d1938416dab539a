"""The public interface: documented names, exported types, short representations."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thermostack as ts

ROOT = Path(__file__).parents[2]
NAMES = [name for name in ts.__all__ if name not in ("__version__", "units")]
MAX_LINES = 10
MAX_CHARACTERS = 1500

# Types that signatures and fields mention and users only read: pieces of a geometry, a model or the numerics.
INTERNAL = {
    "Counts",
    "AnyEffectiveMedium",
    "BlockCells",
    "BoardOutline",
    "BoundaryFaces",
    "NonlinearFaces",
    "Box",
    "Case",
    "CellGeometry",
    "CellStructure",
    "FaceFluxes",
    "FieldOptions",
    "HeatSource",
    "HeatSources",
    "InterfaceResistance",
    "LayerHeatSource",
    "LeakageShare",
    "LeakageSources",
    "LinkCells",
    "LinkGeometry",
    "LocalRegion",
    "NamedItems",
    "Origin",
    "Output",
    "PartMeasurements",
    "PartContacts",
    "PeakLocations",
    "PlaneContact",
    "RasterField",
    "RunningGovernor",
    "RunningAverage",
    "RunningThrottle",
    "Startable",
    "ZoneTemperatures",
}


def documented(name: str) -> str:
    return inspect.getdoc(getattr(ts, name)) or ""


def has_section(text: str, title: str) -> bool:
    return re.search(rf"^{title}\n-{{{len(title)}}}$", text, re.MULTILINE) is not None


def parameters(thing: Any) -> list[str]:
    """Return the names of the parameters of a function or a constructor."""
    if inspect.isclass(thing) and getattr(thing, "_is_protocol", False):
        return []
    if dataclasses.is_dataclass(thing):
        return [field.name for field in dataclasses.fields(thing) if field.init]
    return [name for name in inspect.signature(thing).parameters if name != "self"]


@pytest.mark.parametrize("name", NAMES)
def test_public_name_has_a_summary_and_an_example(name: str) -> None:
    text = documented(name)
    assert re.match(r"[A-Z].*\.", text.split("\n\n")[0].replace("\n", " ")), "the summary is a sentence"
    assert has_section(text, "Examples"), "an example that runs"
    assert ">>> " in text.split("Examples\n--------\n")[1]


@pytest.mark.parametrize("name", NAMES)
def test_public_name_describes_its_parameters(name: str) -> None:
    thing, text = getattr(ts, name), documented(name)
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return
    if wanted := parameters(thing):
        assert has_section(text, "Parameters") or has_section(text, "Attributes")
        section = re.split(r"^(?:Parameters|Attributes)\n-+\n", text, flags=re.MULTILINE)[1]
        described = re.findall(r"^\**([a-z_0-9, *]+?) ?(?::.*)?$", section.split("\n\n")[0], re.MULTILINE)
        listed = {part.strip(" *") for line in described for part in line.split(",")}
        assert not [each for each in wanted if each not in listed and each not in ("args", "kwargs")]


RETURNING = [
    name
    for name in NAMES
    if inspect.isfunction(getattr(ts, name)) and getattr(ts, name).__annotations__["return"] != "None"
]


@pytest.mark.parametrize("name", RETURNING)
def test_public_function_describes_what_it_returns(name: str) -> None:
    assert has_section(documented(name), "Returns")


def annotated_types(thing: Any) -> set[str]:
    """Return the names of this project's classes in the annotations of a function or class."""
    members = [thing]
    if inspect.isclass(thing):
        members += [value for key, value in vars(thing).items() if not key.startswith("_")]
    found = set()
    for member in members:
        function = getattr(member, "fget", None) or getattr(member, "func", None) or member
        scope = vars(inspect.getmodule(function) or inspect.getmodule(thing))
        for annotation in getattr(function, "__annotations__", {}).values():
            text = annotation if isinstance(annotation, str) else str(annotation)
            for word in re.findall(r"[A-Za-z_]\w+", text):
                value = scope.get(word)
                if inspect.isclass(value) and value.__module__.startswith("thermostack"):
                    found.add(word)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_types_of_signatures_are_exported(name: str) -> None:
    assert not sorted(annotated_types(getattr(ts, name)) - set(ts.__all__) - INTERNAL)


def test_units_are_a_public_module() -> None:
    assert 30 * ts.units.um == 30e-6
    assert ts.units.parse_quantity("25 degC", "temperature") == 298.15


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    """Return one object of each public kind that holds much data."""
    package = ts.read_package("hbm3_8h")
    model = ts.discretize(package, cell=1e-3)
    steady = ts.solve_steady(model)
    trace = ts.Trace.of(np.arange(1000.0), {"hbm3_8h": np.full(1000, 20.0)})
    run = ts.solve_transient(model, 0.01, tolerance=1.0)
    return {
        "Package": package,
        "Stack": package.stacks[0],
        "Layer": package.stacks[0].layers[0],
        "Cooling": package.cooling,
        "Model": model,
        "Grid": model.grid,
        "SteadyResult": steady,
        "PartTemperature": steady.parts[0],
        "HeatBalance": steady.heat_balance,
        "SolverReport": steady.report,
        "TransientResult": run,
        "History": run.of("hbm3_8h"),
        "Trace": trace,
        "Simulation": ts.Simulation(model),
        "ThermalImpedance": ts.thermal_impedance(model, "hbm3_8h"),
        "Material": ts.find_material("silicon"),
        "Loads": ts.Loads(model, trace),
    }


def test_every_repr_is_short(objects: dict[str, Any]) -> None:
    for name, thing in objects.items():
        text = repr(thing)
        assert len(text.splitlines()) <= MAX_LINES, name
        assert len(text) <= MAX_CHARACTERS, name
        assert " at 0x" not in text, name


def test_packages_and_results_have_an_html_form(objects: dict[str, Any]) -> None:
    for name in ("Package", "SteadyResult", "TransientResult", "ThermalImpedance"):
        text = objects[name]._repr_html_()
        assert text.startswith("<table>"), name
        assert text.endswith("</table>"), name


def test_the_html_form_escapes_names(objects: dict[str, Any]) -> None:
    from dataclasses import replace

    assert "<script>" not in replace(objects["Package"], about="<script>alert()</script>")._repr_html_()
