"""Check that every law and effective medium of a package has a form in a file, before anything is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from thermostack.errors import OutputError
from thermostack.materials.effective_media import EFFECTIVE_MEDIA
from thermostack.materials.effective_medium_base import EffectiveConductivity, EffectiveMedium
from thermostack.materials.material import EffectiveHeatCapacity
from thermostack.materials.temperature_laws import (
    CapacityLaw,
    ConductivityLaw,
    Constant,
    Linear,
    PowerLaw,
    SpecificHeatTable,
    Table,
)
from thermostack.package.package import Package
from thermostack.package.power import Power
from thermostack.schema.validated_dataclass import FieldPath, field_path

_FORMULAS = (ConductivityLaw, CapacityLaw, EffectiveMedium)  # classes whose methods give the temperatures
_WITH_FORM = (Constant, PowerLaw, Linear, Table, SpecificHeatTable, *EFFECTIVE_MEDIA)
_COMPUTED = (EffectiveConductivity, EffectiveHeatCapacity)


def require_file_form(package: Package) -> None:
    """Raise OutputError at the first law or effective medium that a file cannot contain.

    A class derived from one with a form in a file may compute something else, and has no form either.
    """
    for path, value in _formulas(package, ()):
        if type(value) in _WITH_FORM:
            continue
        text = f"{field_path(path)} is of the class {type(value).__name__}, which has no form in a file"
        hint = "use a constant, a power law, a linear law, a table or a medium of thermostack"
        if isinstance(value, _COMPUTED):
            hint = "give the effective medium instead of the material that was computed from it"
        raise OutputError(f"package {package.name} cannot be stored: {text}; {hint}")


def _formulas(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    """Yield the laws and effective media in a value, each with its field path."""
    if isinstance(value, _FORMULAS):
        yield path, value
    if isinstance(value, tuple):
        for n, item in enumerate(value):
            yield from _formulas(item, (*path, getattr(item, "name", n)))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _formulas(item, (*path, name))
    elif dataclasses.is_dataclass(value) and not isinstance(value, (type, Power)):
        for field in dataclasses.fields(value):
            yield from _formulas(getattr(value, field.name), (*path, field.name))
