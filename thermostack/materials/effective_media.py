"""Layers too fine to resolve as one material: arrays of vias and bumps, lines, laminates, areas.

Heat along straight inclusions flows in parallel; what it meets across them is the formula of each class.
Every formula is evaluated at the temperatures asked, with the components' conductivities there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np

from thermostack.errors import DescriptionError
from thermostack.materials.cylinder_arrays import (
    Arrangement,
    area_fraction,
    conductivity_across,
    dilute_conductivity,
    self_consistent_mean,
)
from thermostack.materials.material import ROOM_TEMPERATURE, Material
from thermostack.materials.temperature_laws import Array, ArrayAxes, CapacityLaw, ConductivityLaw, Constant
from thermostack.schema.fields import Depth, Extent, Fraction, Thickness, fail
from thermostack.schema.validated_dataclass import (
    TaggedUnion,
    class_key,
    described,
    diagnostic_at,
    resolve_references,
)

Find: TypeAlias = Callable[["MaterialLike"], Material]  # from a name, a material or a mixture
SUM_OF_FRACTIONS = 1e-9  # how far from one it may be
MOST_LINED = 0.504  # of the area: a diameter of 0.8 pitches


class EffectiveMedium:
    """What the mixtures have in common: parts, their shares of the volume, and a formula."""

    is_directional = False  # x and y differ even where the parts are alike along them

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field, material and share of the volume of each part."""
        raise NotImplementedError

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z of the mixture of these."""
        raise NotImplementedError

    def material(self, name: str, find: Find) -> Material:
        """Return the mixture as a material; `find` returns the material of each part.

        Raises DescriptionError where a part conducts differently along x and y, where the formula
        takes them as alike, and what `find` raises.
        """
        found = tuple(find(part) for _, part, _ in self.constituents())
        self.check(found)
        law: ConductivityLaw = EffectiveConductivity(self, found)
        if all(part.is_constant for part in found):
            x, y, z = (float(value) for value in law.evaluate(np.array(ROOM_TEMPERATURE)))
            law = Constant((x, y, z))
        capacity: CapacityLaw | float | None = None
        if all(part.has_capacity for part in found):
            capacity = EffectiveHeatCapacity(tuple(share for _, _, share in self.constituents()), found)
            if all(part.has_constant_capacity for part in found):
                capacity = float(capacity.evaluate(np.array(ROOM_TEMPERATURE)))
        names = ", ".join(dict.fromkeys(part.name for part in found))
        source = f"computed as {class_key(type(self))} of {names}"
        stated: str = getattr(self, "source", "")
        if stated:
            source += f"; {stated}"
        return Material(name, law, volumetric_heat_capacity=capacity, source=source)

    def check(self, found: tuple[Material, ...]) -> None:
        """Raise DescriptionError where a part is not alike along x and y."""
        for (field, _, _), part in zip(self.constituents(), found, strict=True):
            if not part.is_isotropic_in_plane:
                kind = class_key(type(self))
                text = f"{part.name} conducts differently along x and y, {kind} takes them as alike"
                remedy = "give a material with one in-plane conductivity"
                raise DescriptionError(diagnostic_at((field,), text, remedy, "E-VALUE"))


@dataclass(frozen=True)
class EffectiveConductivity(ConductivityLaw):
    """The conductivity of a mixture whose parts depend on temperature."""

    medium: EffectiveMedium
    found: tuple[Material, ...]

    @property
    def range(self) -> tuple[float, float] | None:  # type: ignore[override]  # read-only here
        """Return the temperatures [K] at which all parts are known."""
        ranges = [part.temperature_range for part in self.found if part.temperature_range is not None]
        return (max(low for low, _ in ranges), min(high for _, high in ranges)) if ranges else None

    @property
    def is_isotropic_in_plane(self) -> bool:
        """True where x and y are alike at every temperature."""
        return not self.medium.is_directional and all(part.is_isotropic_in_plane for part in self.found)

    @property
    def is_isotropic(self) -> bool:
        """False: no formula here makes all directions alike."""
        return False

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        return self.medium.homogenize(tuple(part.law.evaluate(temperature) for part in self.found))

    @property
    def written(self) -> Any:
        """Raise: what stands in a file is the mixture."""
        raise TypeError("write the mixture that this law comes from")


@dataclass(frozen=True)
class EffectiveHeatCapacity(CapacityLaw):
    """The heat capacity [J/(m3 K)] of a mixture, by volume."""

    shares: tuple[float, ...]
    found: tuple[Material, ...]

    def evaluate(self, temperature: Array) -> Array:
        """Return the capacity [J/(m3 K)] at temperatures [K]."""
        return np.asarray(
            sum(
                share * part.capacity_at(temperature)
                for share, part in zip(self.shares, self.found, strict=True)
            )
        )

    @property
    def written(self) -> Any:
        """Raise: what stands in a file is the mixture."""
        raise TypeError("write the mixture that this law comes from")


def _check_array(diameter: float, pitch: float) -> None:
    if diameter >= pitch:
        text = f"cylinders of {diameter * 1e6:g} um touch or overlap at a pitch of {pitch * 1e6:g} um"
        raise fail("E-RANGE", text, "diameter must be less than pitch")


@described
class ViaArray(EffectiveMedium):
    """Straight vias in a regular array, each with a liner inside its wall where one is given.

    `diameter` is that of the hole, so the core measures diameter - 2 liner_thickness. Along z: in
    parallel. In the plane: the array of cylinders exactly (`cylinders.py`), a lined one as the solid
    cylinder of the same dipole: liner ((1 + s) core + (1 - s) liner) / ((1 - s) core + (1 + s) liner),
    s = (core diameter / diameter)^2 (Hashin and Rosen, J. Appl. Mech. 31, 223, 1964). That is off by less
    than 0.03 % of the host's conductivity where holes take a quarter of the area, and by 1.1 % where they
    take half; beyond, lined vias are refused.
    """

    core: MaterialLike
    host: MaterialLike
    diameter: Extent  # of the hole, liner included
    pitch: Extent
    liner: MaterialLike | None = None
    liner_thickness: Depth = 0.0
    arrangement: Arrangement = "square"
    source: str = ""

    def __post_init__(self) -> None:
        """Check that vias leave room for each other, and liners for a core."""
        _check_array(self.diameter, self.pitch)
        if (self.liner is None) != (self.liner_thickness == 0.0):
            given, due = ("liner", "liner_thickness") if self.liner else ("liner_thickness", "liner")
            raise fail("E-MISSING", f"{given} without {due}", f"give {due} as well")
        if 2.0 * self.liner_thickness >= self.diameter:
            text = f"a liner of {self.liner_thickness * 1e6:g} um fills a hole of {self.diameter * 1e6:g} um"
            raise fail("E-RANGE", text, "diameter is that of the hole, liner included")
        fraction = area_fraction(self.diameter, self.pitch, self.arrangement)
        if self.liner is not None and fraction > MOST_LINED:
            text = f"lined vias take {100.0 * fraction:.0f} % of the area, the formula holds to 50 %"
            raise fail("E-RANGE", text, "give a wider pitch, or the conductivity as numbers")

    @property
    def core_share(self) -> float:
        """Return the fraction of a hole's area that is core."""
        return (1.0 - 2.0 * self.liner_thickness / self.diameter) ** 2

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field, material and share of the volume of host, core and, where there is one, liner."""
        fraction = area_fraction(self.diameter, self.pitch, self.arrangement)
        core = fraction * self.core_share
        both = (("host", self.host, 1.0 - fraction), ("core", self.core, core))
        return both if self.liner is None else (*both, ("liner", self.liner, fraction - core))

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z of the mixture of these."""
        host, core = parts[0][0], parts[1][0]
        via = core if self.liner is None else dilute_conductivity(parts[2][0], core, self.core_share)
        in_plane = conductivity_across(host, via, self.diameter, self.pitch, self.arrangement)
        return in_plane, in_plane, _in_parallel(self, parts, 2)


@described
class BumpArray(EffectiveMedium):
    """Bumps, balls or pillars in a regular array with a fill around them, as upright cylinders.

    Along z: in parallel, which leaves out how heat gathers toward a bump in thin layers above and
    below: give that, with pads and wiring, as the interface resistance of the layer. In the plane: the
    array of cylinders exactly (`cylinders.py`).
    """

    bump: MaterialLike
    fill: MaterialLike
    diameter: Extent
    pitch: Extent
    arrangement: Arrangement = "square"
    source: str = ""

    def __post_init__(self) -> None:
        """Check that bumps do not touch."""
        _check_array(self.diameter, self.pitch)

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field, material and share of the volume of fill and bump."""
        fraction = area_fraction(self.diameter, self.pitch, self.arrangement)
        return ("fill", self.fill, 1.0 - fraction), ("bump", self.bump, fraction)

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z of the mixture of these."""
        in_plane = conductivity_across(parts[0][0], parts[1][0], self.diameter, self.pitch, self.arrangement)
        return in_plane, in_plane, _in_parallel(self, parts, 2)


@described
class LineLayer(EffectiveMedium):
    """Parallel lines as high as their layer: in parallel along them and along z, in series across them."""

    line: MaterialLike
    dielectric: MaterialLike
    width: Extent
    pitch: Extent
    direction: Literal["x", "y"] = "x"
    source: str = ""

    is_directional = True

    def __post_init__(self) -> None:
        """Check that lines do not touch."""
        if self.width >= self.pitch:
            text = f"lines of {self.width * 1e6:g} um touch at a pitch of {self.pitch * 1e6:g} um"
            raise fail("E-RANGE", text, "width must be less than pitch")

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field, material and share of the volume of line and dielectric."""
        share = self.width / self.pitch
        return ("line", self.line, share), ("dielectric", self.dielectric, 1.0 - share)

    def check(self, found: tuple[Material, ...]) -> None:
        """Raise nothing: each axis has its own sum."""

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z of the mixture of these."""
        along, across = (0, 1) if self.direction == "x" else (1, 0)
        pair = _in_parallel(self, parts, along), _in_series(self, parts, across)
        return pair[along], pair[across], _in_parallel(self, parts, 2)


@described
class Ply:
    """A sheet of a laminate; what `coverage` leaves free is the laminate's filler."""

    material: MaterialLike
    thickness: Thickness
    coverage: Fraction = 1.0


@described
class Vias:
    """Vias through a laminate: their material and the fraction of the area it covers."""

    material: MaterialLike
    fraction: Fraction


@described
class Laminate(EffectiveMedium):
    """Plies on each other, as in substrates and boards: in parallel in the plane, in series along z.

    Within a ply, material and filler count in parallel, which takes the pattern as connected (planes,
    long traces): for islands it is an upper bound. Vias come in parallel along z, and as scattered
    cylinders in the plane (Maxwell-Garnett).
    """

    plies: tuple[Ply, ...]
    filler: MaterialLike | None = None
    vias: Vias | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Check that there are plies, and a filler where one does not cover its area."""
        if not self.plies:
            raise fail("E-MISSING", "a laminate needs a ply", "give plies: [{material, thickness}]")
        for row, ply in enumerate(self.plies):
            if ply.coverage < 1.0 and self.filler is None:
                text = f"ply {row} covers {100.0 * ply.coverage:g} % of its area and there is no filler"
                raise fail("E-MISSING", text, "give filler")

    @property
    def _via_fraction(self) -> float:
        return self.vias.fraction if self.vias is not None else 0.0

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field, material and share of the volume of each ply, the filler and the vias."""
        total = sum(ply.thickness for ply in self.plies)
        plies = 1.0 - self._via_fraction
        found = [("plies", ply.material, plies * ply.coverage * ply.thickness / total) for ply in self.plies]
        if self.filler is not None:
            found.append(("filler", self.filler, plies - sum(share for _, _, share in found)))
        if self.vias is not None:
            found.append(("vias", self.vias.material, self.vias.fraction))
        return tuple(found)

    def check(self, found: tuple[Material, ...]) -> None:
        """Raise DescriptionError where there are vias and a part is not alike along x and y."""
        if self.vias is not None:
            super().check(found)

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z of the mixture of these."""
        total = sum(ply.thickness for ply in self.plies)
        filler = parts[len(self.plies)] if self.filler is not None else (np.zeros(()),) * 3
        shares = [ply.thickness / total for ply in self.plies]

        def of_ply(row: int, axis: int) -> Array:
            coverage = self.plies[row].coverage
            return np.asarray(coverage * parts[row][axis] + (1.0 - coverage) * filler[axis])

        rows = range(len(self.plies))
        x, y = (np.asarray(sum(shares[row] * of_ply(row, axis) for row in rows)) for axis in (0, 1))
        z = np.asarray(1.0 / sum(shares[row] / of_ply(row, 2) for row in rows))
        if self.vias is not None:
            fraction, via = self.vias.fraction, parts[-1]
            x = y = dilute_conductivity(x, via[0], fraction)
            z = (1.0 - fraction) * z + fraction * via[2]
        return x, y, z


@described
class Constituent:
    """A part of an area: its material and the fraction of the area it covers."""

    material: MaterialLike
    fraction: Fraction


@described
class AreaComposite(EffectiveMedium):
    """Regions of several materials side by side, known by their areas alone.

    Along z: in parallel. In the plane: the self-consistent mean, in which no part surrounds the others
    (Bruggeman); with `in_plane="parallel"` the area-weighted mean, right where every part reaches across.
    """

    key: ClassVar[str] = "area_blend"  # in a file

    parts: tuple[Constituent, ...]
    in_plane: Literal["self_consistent", "parallel"] = "self_consistent"
    source: str = ""

    def __post_init__(self) -> None:
        """Check that the fractions sum to one."""
        total = math.fsum(part.fraction for part in self.parts)
        if abs(total - 1.0) > SUM_OF_FRACTIONS:
            raise fail(
                "E-RANGE", f"the fractions sum to {total:.6g}", "they sum to 1, name the rest as a part"
            )

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field, material and share of the volume of each part."""
        return tuple(("parts", part.material, part.fraction) for part in self.parts)

    def check(self, found: tuple[Material, ...]) -> None:
        """Raise DescriptionError where a part is not alike along x and y and the mean needs that."""
        if self.in_plane == "self_consistent":
            super().check(found)

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z of the mixture of these."""
        z = _in_parallel(self, parts, 2)
        if self.in_plane == "parallel":
            return _in_parallel(self, parts, 0), _in_parallel(self, parts, 1), z
        mean = self_consistent_mean([part.fraction for part in self.parts], [part[0] for part in parts])
        return mean, mean, z


def _in_parallel(mixture: EffectiveMedium, parts: tuple[ArrayAxes, ...], axis: int) -> Array:
    shares = (share for _, _, share in mixture.constituents())
    return np.asarray(sum(share * part[axis] for share, part in zip(shares, parts, strict=True)))


def _in_series(mixture: EffectiveMedium, parts: tuple[ArrayAxes, ...], axis: int) -> Array:
    shares = (share for _, _, share in mixture.constituents())
    return np.asarray(1.0 / sum(share / part[axis] for share, part in zip(shares, parts, strict=True)))


EFFECTIVE_MEDIA = (ViaArray, BumpArray, LineLayer, Laminate, AreaComposite)
AnyEffectiveMedium: TypeAlias = ViaArray | BumpArray | LineLayer | Laminate | AreaComposite
MaterialLike = Annotated[
    str | Material | ViaArray | BumpArray | LineLayer | Laminate | AreaComposite,
    TaggedUnion(EFFECTIVE_MEDIA, names=True, plain=(Material,)),
]

resolve_references(*EFFECTIVE_MEDIA, Ply, Vias, Constituent)  # each may be made of any other
