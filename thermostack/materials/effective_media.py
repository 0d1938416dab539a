"""Effective media: arrays of vias and bumps, lines, laminates and areas, homogenized to one material.

Along straight inclusions, the conductances of the constituents add up. Across them, each class has its own
formula. The formulas use the conductivities of the constituents at the temperature of evaluation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from thermostack.materials.effective_medium_base import (
    EffectiveMedium,
    parallel_conductivity,
    series_conductivity,
)
from thermostack.materials.material import Material
from thermostack.materials.temperature_laws import Array, ArrayAxes
from thermostack.materials.transverse_conductivity import (
    Arrangement,
    area_fraction,
    conductivity_across,
    dilute_conductivity,
    self_consistent_mean,
)
from thermostack.materials.unit_cell import UnitCell
from thermostack.schema.fields import Depth, Extent, Fraction, Thickness, fail
from thermostack.schema.validated_dataclass import TaggedUnion, described

if TYPE_CHECKING:
    MaterialLike: TypeAlias = "str | Material | AnyEffectiveMedium"
else:  # a field of `MATERIAL_FORMS`, below
    from thermostack.materials.effective_medium_base import MaterialLike

FRACTION_SUM_TOLERANCE = 1e-9  # of the difference between the sum of area fractions and one
MAX_LINED_FRACTION = 0.504  # of the area; a diameter of 0.8 pitches


def _check_array(diameter: float, pitch: float) -> None:
    """Raise if cylinders of a diameter touch at a pitch [m]."""
    if diameter >= pitch:
        text = f"cylinders of {diameter * 1e6:g} um touch or overlap at a pitch of {pitch * 1e6:g} um"
        raise fail("E-RANGE", text, "diameter must be less than pitch")


@described
class ViaArray(EffectiveMedium):
    """Straight vias in a regular array, with an optional liner at the wall of each hole.

    `diameter` is that of the hole; the core has diameter - 2 liner_thickness. Along z, the constituents
    conduct in parallel. In the plane, the array of cylinders is exact (`transverse_conductivity.py`); a lined
    via counts as the solid cylinder with the same dipole:
    liner ((1 + s) core + (1 - s) liner) / ((1 - s) core + (1 + s) liner),
    s = (core diameter / diameter)^2 (Hashin and Rosen, J. Appl. Mech. 31, 223, 1964). The error is less than
    0.03 % of the host's conductivity for holes on a quarter of the area, and 1.1 % for holes on half of it;
    lined vias on more than half of the area raise an error.

    Parameters
    ----------
    core, host : str, Material or effective medium
        Materials of the vias and of the matrix around them.
    diameter, pitch : float
        Diameter of the holes and distance of their axes [m].
    liner : str, Material or effective medium, optional
        Material of the liner.
    liner_thickness : float
        Thickness of the liner [m].
    arrangement : {"square", "hexagonal"}
        Arrangement of the vias.
    source : str
        Source of the values.

    Examples
    --------
    >>> from thermostack import find_material
    >>> vias = ViaArray("copper", "silicon_dioxide", 10e-6, 40e-6)
    >>> x, y, z = find_material(vias).conductivity_at(300.0)
    >>> x == y < z
    True
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
        """Check that vias do not touch and that liners do not fill the holes."""
        _check_array(self.diameter, self.pitch)
        if (self.liner is None) != (self.liner_thickness == 0.0):
            given, missing = ("liner", "liner_thickness") if self.liner else ("liner_thickness", "liner")
            raise fail("E-MISSING", f"{given} without {missing}", f"give {missing} as well")
        if 2.0 * self.liner_thickness >= self.diameter:
            text = f"a liner of {self.liner_thickness * 1e6:g} um fills a hole of {self.diameter * 1e6:g} um"
            raise fail("E-RANGE", text, "diameter is that of the hole, liner included")
        fraction = area_fraction(self.diameter, self.pitch, self.arrangement)
        if self.liner is not None and fraction > MAX_LINED_FRACTION:
            text = f"lined vias cover {100.0 * fraction:.0f} % of the area; the formula is valid up to 50 %"
            raise fail("E-RANGE", text, "use a larger pitch, or give the conductivity as numbers")

    @property
    def core_share(self) -> float:
        """Return the area of the core over the area of the hole."""
        return (1.0 - 2.0 * self.liner_thickness / self.diameter) ** 2

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field name, material and volume fraction of host, core and liner, if any."""
        fraction = area_fraction(self.diameter, self.pitch, self.arrangement)
        core = fraction * self.core_share
        both = (("host", self.host, 1.0 - fraction), ("core", self.core, core))
        return both if self.liner is None else (*both, ("liner", self.liner, fraction - core))

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the effective conductivity [W/(m K)] along x, y and z from those of the constituents."""
        host, core = parts[0][0], parts[1][0]
        via = core if self.liner is None else dilute_conductivity(parts[2][0], core, self.core_share)
        in_plane = conductivity_across(host, via, self.diameter, self.pitch, self.arrangement)
        return in_plane, in_plane, parallel_conductivity(self, parts, 2)


@described
class BumpArray(EffectiveMedium):
    """Bumps, balls or pillars in a regular array with a fill between them, modeled as upright cylinders.

    Along z, bumps and fill conduct in parallel. This neglects the constriction resistance in thin layers
    above and below: include it, with that of pads and wiring, in the interface resistance of the layer. In
    the plane, the array of cylinders is exact (`transverse_conductivity.py`).

    Parameters
    ----------
    bump, fill : str, Material or effective medium
        Materials of the bumps and of the fill.
    diameter, pitch : float
        Diameter of the bumps and distance of their axes [m].
    arrangement : {"square", "hexagonal"}
        Arrangement of the bumps.
    source : str
        Source of the values.

    Examples
    --------
    >>> from thermostack import find_material
    >>> bumps = BumpArray("copper", "air", 20e-6, 40e-6)
    >>> x, y, z = find_material(bumps).conductivity_at(300.0)
    >>> x == y < z
    True
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
        """Return field name, material and volume fraction of fill and bump."""
        fraction = area_fraction(self.diameter, self.pitch, self.arrangement)
        return ("fill", self.fill, 1.0 - fraction), ("bump", self.bump, fraction)

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the effective conductivity [W/(m K)] along x, y and z from those of the constituents."""
        in_plane = conductivity_across(parts[0][0], parts[1][0], self.diameter, self.pitch, self.arrangement)
        return in_plane, in_plane, parallel_conductivity(self, parts, 2)


@described
class LineLayer(EffectiveMedium):
    """Parallel lines of full layer height: parallel conduction along them and z, series across them.

    Parameters
    ----------
    line, dielectric : str, Material or effective medium
        Materials of the lines and between them.
    width, pitch : float
        Width and distance of the lines [m].
    direction : {"x", "y"}
        Direction of the lines.
    source : str
        Source of the values.

    Examples
    --------
    >>> LineLayer("copper", "silicon_dioxide", 1e-6, 2e-6).constituents()[0]
    ('line', 'copper', 0.5)
    """

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
        """Return field name, material and volume fraction of line and dielectric."""
        share = self.width / self.pitch
        return ("line", self.line, share), ("dielectric", self.dielectric, 1.0 - share)

    def check(self, materials: tuple[Material, ...]) -> None:
        """Accept all constituents: each axis has its own sum."""

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the effective conductivity [W/(m K)] along x, y and z from those of the constituents."""
        along, across = (0, 1) if self.direction == "x" else (1, 0)
        pair = parallel_conductivity(self, parts, along), series_conductivity(self, parts, across)
        return pair[along], pair[across], parallel_conductivity(self, parts, 2)


@described
class Ply:
    """A sheet of a laminate; the filler of the laminate occupies the area that `coverage` leaves free.

    Parameters
    ----------
    material : str, Material or effective medium
        Material of the ply.
    thickness : float
        Thickness [m].
    coverage : float
        Area fraction of the material.

    Examples
    --------
    >>> Ply("copper", 35e-6, 0.6).coverage
    0.6
    """

    material: MaterialLike
    thickness: Thickness
    coverage: Fraction = 1.0


@described
class Vias:
    """Vias through a laminate: their material and their area fraction.

    Parameters
    ----------
    material : str, Material or effective medium
        Material of the vias.
    fraction : float
        Area fraction.

    Examples
    --------
    >>> Vias("copper", 0.02).fraction
    0.02
    """

    material: MaterialLike
    fraction: Fraction


@described
class Laminate(EffectiveMedium):
    """A stack of plies, as in substrates and boards: parallel conduction in the plane, series along z.

    Within a ply, material and filler conduct in parallel, as in connected patterns (planes, long traces); for
    islands this is an upper bound. Vias conduct in parallel along z and count as scattered cylinders in the
    plane (Maxwell-Garnett).

    Parameters
    ----------
    plies : tuple of Ply
        Plies, the lowest first.
    filler : str, Material or effective medium, optional
        Material of the area that plies leave free.
    vias : Vias, optional
        Vias through all plies.
    source : str
        Source of the values.

    Examples
    --------
    >>> board = Laminate((Ply("copper", 35e-6), Ply("fr4", 1e-3)))
    >>> len(board.constituents())
    2
    """

    plies: tuple[Ply, ...]
    filler: MaterialLike | None = None
    vias: Vias | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Check that there are plies, and a filler if a ply does not cover its area."""
        if not self.plies:
            raise fail("E-MISSING", "a laminate needs a ply", "give plies: [{material, thickness}]")
        for row, ply in enumerate(self.plies):
            if ply.coverage < 1.0 and self.filler is None:
                text = f"ply {row} covers {100.0 * ply.coverage:g} % of its area, and no filler is given"
                raise fail("E-MISSING", text, "give filler")

    @property
    def _via_fraction(self) -> float:
        return self.vias.fraction if self.vias is not None else 0.0

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field name, material and volume fraction of each ply, the filler and the vias."""
        total = sum(ply.thickness for ply in self.plies)
        plies = 1.0 - self._via_fraction
        constituents = [
            ("plies", ply.material, plies * ply.coverage * ply.thickness / total) for ply in self.plies
        ]
        if self.filler is not None:
            constituents.append(("filler", self.filler, plies - sum(share for _, _, share in constituents)))
        if self.vias is not None:
            constituents.append(("vias", self.vias.material, self.vias.fraction))
        return tuple(constituents)

    def check(self, materials: tuple[Material, ...]) -> None:
        """Raise DescriptionError if there are vias and a constituent is not isotropic in the plane."""
        if self.vias is not None:
            super().check(materials)

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the effective conductivity [W/(m K)] along x, y and z from those of the constituents."""
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
    """A constituent of an area: its material and its area fraction.

    Parameters
    ----------
    material : str, Material or effective medium
        Material.
    fraction : float
        Area fraction.

    Examples
    --------
    >>> Constituent("copper", 0.3).fraction
    0.3
    """

    material: MaterialLike
    fraction: Fraction


@described
class AreaComposite(EffectiveMedium):
    """Regions of several materials side by side, given by their area fractions.

    Along z, they conduct in parallel. In the plane, the self-consistent mean without matrix phase applies
    (Bruggeman); with `in_plane="parallel"`, the area-weighted mean, valid if all regions span the area.

    Parameters
    ----------
    parts : tuple of Constituent
        Constituents; their fractions sum to one.
    in_plane : {"self_consistent", "parallel"}
        Mean of the conductivity in the plane.
    source : str
        Source of the values.

    Examples
    --------
    >>> area = AreaComposite((Constituent("copper", 0.3), Constituent("fr4", 0.7)))
    >>> [fraction for _, _, fraction in area.constituents()]
    [0.3, 0.7]
    """

    key: ClassVar[str] = "area_blend"  # in a file

    parts: tuple[Constituent, ...]
    in_plane: Literal["self_consistent", "parallel"] = "self_consistent"
    source: str = ""

    def __post_init__(self) -> None:
        """Check that the fractions sum to one."""
        total = math.fsum(part.fraction for part in self.parts)
        if abs(total - 1.0) > FRACTION_SUM_TOLERANCE:
            raise fail(
                "E-RANGE",
                f"the fractions sum to {total:.6g}",
                "fractions must sum to 1; add a part for the rest",
            )

    def constituents(self) -> tuple[tuple[str, MaterialLike, float], ...]:
        """Return field name, material and volume fraction of each constituent."""
        return tuple(("parts", part.material, part.fraction) for part in self.parts)

    def check(self, materials: tuple[Material, ...]) -> None:
        """Raise DescriptionError if the mean needs isotropy in the plane and a constituent lacks it."""
        if self.in_plane == "self_consistent":
            super().check(materials)

    def homogenize(self, parts: tuple[ArrayAxes, ...]) -> ArrayAxes:
        """Return the effective conductivity [W/(m K)] along x, y and z from those of the constituents."""
        z = parallel_conductivity(self, parts, 2)
        if self.in_plane == "parallel":
            return parallel_conductivity(self, parts, 0), parallel_conductivity(self, parts, 1), z
        mean = self_consistent_mean([part.fraction for part in self.parts], [part[0] for part in parts])
        return mean, mean, z


EFFECTIVE_MEDIA = (ViaArray, BumpArray, LineLayer, Laminate, AreaComposite, UnitCell)
AnyEffectiveMedium: TypeAlias = ViaArray | BumpArray | LineLayer | Laminate | AreaComposite | UnitCell
MATERIAL_FORMS = TaggedUnion(EFFECTIVE_MEDIA, names=True, plain=(Material,))
