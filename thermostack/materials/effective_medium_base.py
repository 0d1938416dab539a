"""Homogenization: base class of effective media, from constituents and a formula to a material."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np

from thermostack.errors import DescriptionError
from thermostack.materials.material import ROOM_TEMPERATURE, EffectiveHeatCapacity, Material
from thermostack.materials.temperature_laws import (
    Array,
    ArrayAxes,
    Axes,
    CapacityLaw,
    ConductivityLaw,
    Constant,
)
from thermostack.schema.deferred_union import DeferredUnion
from thermostack.schema.validated_dataclass import class_key, diagnostic_at

# The field of a constituent: a name, a material or an effective medium. Media are in later modules, which are
# imported by name when the first constituent is read.
CONSTITUENT = DeferredUnion("thermostack.materials.effective_media", "MATERIAL_FORMS", "MaterialLike")
MaterialLike: TypeAlias = Annotated[Any, CONSTITUENT]
Find: TypeAlias = Callable[[MaterialLike], Material]  # returns the material of a constituent


class EffectiveMedium:
    """Base class of effective media: constituents, their volume fractions, and a formula."""

    is_directional = False  # x and y differ even if each constituent is isotropic in the plane

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field name, material and volume fraction of each constituent."""
        raise NotImplementedError

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the effective conductivity [W/(m K)] along x, y and z from those of the constituents."""
        raise NotImplementedError

    def material(self, name: str, find: Find) -> Material:
        """Return the homogenized material; `find` returns the material of each constituent.

        Raises DescriptionError if the formula needs constituents that are isotropic in the plane and one is
        not, and the errors of `find`.
        """
        materials = tuple(find(part) for _, part, _ in self.constituents())
        self.check(materials)
        law = self.law(materials)
        capacity: CapacityLaw | float | None = None
        if all(part.has_capacity for part in materials):
            capacity = EffectiveHeatCapacity(tuple(share for _, _, share in self.constituents()), materials)
            if all(part.has_constant_capacity for part in materials):
                capacity = float(capacity.evaluate(np.array(ROOM_TEMPERATURE)))
        names = ", ".join(dict.fromkeys(part.name for part in materials))
        source = f"computed as {class_key(type(self))} of {names}"
        stated: str = getattr(self, "source", "")
        if stated:
            source += f"; {stated}"
        melting = [part.melting_point for part in materials if part.melting_point is not None]
        return Material(
            name,
            law,
            volumetric_heat_capacity=capacity,
            source=source,
            melting_point=min(melting, default=None),
        )

    def law(self, materials: tuple[Material, ...]) -> ConductivityLaw:
        """Return the law of the conductivity, a constant if no constituent depends on temperature."""
        law = EffectiveConductivity(self, materials)
        if not all(part.is_constant for part in materials):
            return law
        x, y, z = (float(value) for value in law.evaluate(np.array(ROOM_TEMPERATURE)))
        return ConstantOfParts((x, y, z), law.relative_errors)

    def check(self, materials: tuple[Material, ...]) -> None:
        """Raise DescriptionError if a constituent is not isotropic in the plane."""
        for (field, _, _), part in zip(self.constituents(), materials, strict=True):
            if not part.is_isotropic_in_plane:
                kind = class_key(type(self))
                text = f"{part.name} has different conductivities along x and y; {kind} needs equal ones"
                hint = "give a material with one in-plane conductivity"
                raise DescriptionError(diagnostic_at((field,), text, hint, "E-VALUE"))


def law_errors(law: ConductivityLaw) -> Axes:
    """Return the estimated relative errors along x, y, z of a law; one of the user may omit them."""
    errors: Axes = getattr(law, "relative_errors", ConductivityLaw.relative_errors)
    return errors


@dataclass(frozen=True)
class ConstantOfParts(Constant):
    """Effective conductivity of constituents that do not depend on temperature."""

    relative_errors: Axes = ConductivityLaw.relative_errors


@dataclass(frozen=True)
class EffectiveConductivity(ConductivityLaw):
    """Effective conductivity of constituents that depend on temperature."""

    medium: EffectiveMedium
    materials: tuple[Material, ...]  # of the constituents

    @property
    def range(self) -> tuple[float, float] | None:  # type: ignore[override]  # read-only here
        """Return the range [K] in which all constituents are known."""
        ranges = [part.temperature_range for part in self.materials if part.temperature_range is not None]
        return (max(low for low, _ in ranges), min(high for _, high in ranges)) if ranges else None

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Return the temperatures [K] at which the slope of a constituent may jump."""
        return tuple(sorted({point for part in self.materials for point in part.law.breakpoints}))

    @property
    def relative_errors(self) -> Axes:  # type: ignore[override]  # read-only here
        """Return the largest estimated relative error of a constituent, along each axis.

        Where all conductivities are multiplied by a factor, so is that of the medium.
        """
        largest = max((e for part in self.materials for e in law_errors(part.law)), default=0.0)
        return largest, largest, largest

    @property
    def is_isotropic_in_plane(self) -> bool:
        """Return whether x and y are equal at every temperature."""
        return not self.medium.is_directional and all(part.is_isotropic_in_plane for part in self.materials)

    @property
    def is_isotropic(self) -> bool:
        """Return False: no formula makes all directions equal."""
        return False

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        return self.medium.homogenize(tuple(part.law.evaluate(temperature) for part in self.materials))

    @property
    def written(self) -> Any:
        """Raise TypeError: a file contains the effective medium, not this law."""
        raise TypeError("write the effective medium of this law")


def parallel_conductivity(medium: EffectiveMedium, parts: tuple[ArrayAxes, ...], axis: int) -> Array:
    """Return the mean conductivity [W/(m K)] by volume along an axis."""
    shares = (share for _, _, share in medium.constituents())
    return np.asarray(sum(share * part[axis] for share, part in zip(shares, parts, strict=True)))


def series_conductivity(medium: EffectiveMedium, parts: tuple[ArrayAxes, ...], axis: int) -> Array:
    """Return the harmonic mean conductivity [W/(m K)] by volume along an axis."""
    shares = (share for _, _, share in medium.constituents())
    return np.asarray(1.0 / sum(share / part[axis] for share, part in zip(shares, parts, strict=True)))
