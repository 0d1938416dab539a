"""Ready-made unit cells from few numbers: via with liner and pads, bump or pillar, pads of a hybrid bond."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from thermostack.materials.effective_medium_base import MaterialLike  # see `effective_media` for its type
from thermostack.materials.transverse_conductivity import Arrangement
from thermostack.schema.fields import Depth, Extent, Thickness, fail
from thermostack.schema.validated_dataclass import described
from thermostack.units import format_quantity

Filling: TypeAlias = tuple[str, MaterialLike]  # a field and its material
Shape: TypeAlias = tuple[Filling, tuple[float, float], tuple[float, float], bool]  # centre, size, is round


@dataclass(frozen=True)
class StructureLayer:
    """A layer of a cell: thickness [m], background, and shapes with centre and size [m]."""

    thickness: float
    background: Filling
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class CellStructure:
    """Period [m], layers from the bottom up, and whether x and y are equal by a symmetry under rotation."""

    pitch: tuple[float, float]
    layers: tuple[StructureLayer, ...]
    is_isotropic: bool = False


@dataclass(frozen=True)
class Lattice:
    """A square or hexagonal lattice, of which one period holds one point or two."""

    pitch: float  # m
    arrangement: Arrangement

    @property
    def period(self) -> tuple[float, float]:
        """Return the period along x and y [m]."""
        return self.pitch, self.pitch * (1.0 if self.arrangement == "square" else math.sqrt(3.0))

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """Return the points [m] of a period."""
        x, y = self.period
        middle = (0.5 * x, 0.5 * y)
        return (middle,) if self.arrangement == "square" else ((0.0, 0.0), middle)

    def layer(
        self, thickness: float, background: Filling, *shapes: tuple[Filling, float], is_round: bool = True
    ) -> StructureLayer:
        """Return a layer with discs or squares of fillings and widths [m] at each point."""
        found = tuple(
            (filling, point, (width, width), is_round) for point in self.points for filling, width in shapes
        )
        return StructureLayer(thickness, background, found)


def _check_fits(diameter: float, pitch: float, noun: str) -> None:
    """Raise if shapes of a diameter touch at a pitch [m]."""
    if diameter >= pitch:
        shown, limit = (format_quantity(each, "length") for each in (diameter, pitch))
        text = f"{noun} of {shown} touch or overlap at a pitch of {limit}"
        raise fail("E-RANGE", text, "a diameter must be less than the pitch")


def _check_pads(
    diameter: float | None, thickness: float | None, pitch: float, others: dict[str, MaterialLike | None]
) -> None:
    """Raise if the numbers of landing pads are incomplete, or the pads touch."""
    given = {"pad_diameter": diameter, "pad_thickness": thickness}
    missing = [key for key, value in given.items() if value is None]
    if len(missing) == 1:
        present = next(key for key in given if key not in missing)
        raise fail("E-MISSING", f"{present} without {missing[0]}", f"give {missing[0]} as well")
    if missing:
        for key, material in others.items():
            if material is not None:
                raise fail("E-MISSING", f"{key} without pads", "give pad_diameter and pad_thickness as well")
        return
    assert diameter is not None
    _check_fits(diameter, pitch, "pads")


@described
class ViaCell:
    """A via with an optional liner, and optional landing pads at both ends.

    Parameters
    ----------
    core, host : str, Material or effective medium
        Materials of the via and around it.
    diameter, pitch : float
        Diameter of the hole, liner included, and distance of the axes [m].
    height : float, optional
        Length of the via without pads [m]; needed with pads.
    liner : str, Material or effective medium, optional
        Material of the liner at the wall of the hole.
    liner_thickness : float
        Thickness of the liner [m].
    pad_diameter, pad_thickness : float, optional
        Dimensions of the landing pads [m].
    pad, dielectric : str, Material or effective medium, optional
        Materials of the pads, by default that of the core, and around them, by default that of the host.
    arrangement : {"square", "hexagonal"}
        Arrangement of the vias.

    Examples
    --------
    >>> ViaCell("copper", "silicon", 10e-6, 50e-6, liner="silicon_dioxide", liner_thickness=0.5e-6).diameter
    1e-05
    """

    core: MaterialLike
    host: MaterialLike
    diameter: Extent
    pitch: Extent
    height: Extent | None = None
    liner: MaterialLike | None = None
    liner_thickness: Depth = 0.0
    pad_diameter: Extent | None = None
    pad_thickness: Thickness | None = None
    pad: MaterialLike | None = None
    dielectric: MaterialLike | None = None
    arrangement: Arrangement = "square"

    def __post_init__(self) -> None:
        """Check that vias do not touch, that liners do not fill the holes, and that pads are complete."""
        _check_fits(self.diameter, self.pitch, "vias")
        if (self.liner is None) != (self.liner_thickness == 0.0):
            given, missing = ("liner", "liner_thickness") if self.liner else ("liner_thickness", "liner")
            raise fail("E-MISSING", f"{given} without {missing}", f"give {missing} as well")
        if 2.0 * self.liner_thickness >= self.diameter:
            shown = [format_quantity(each, "length") for each in (self.liner_thickness, self.diameter)]
            text = f"a liner of {shown[0]} fills a hole of {shown[1]}"
            raise fail("E-RANGE", text, "diameter is that of the hole, liner included")
        others = {"pad": self.pad, "dielectric": self.dielectric}
        _check_pads(self.pad_diameter, self.pad_thickness, self.pitch, others)
        if self.pad_diameter is not None and self.height is None:
            raise fail("E-MISSING", "pads without height", "give the length of the via between the pads")

    def structure(self) -> CellStructure:
        """Return the period and the layers."""
        lattice = Lattice(self.pitch, self.arrangement)
        core, host = ("core", self.core), ("host", self.host)
        discs: list[tuple[Filling, float]] = [(core, self.diameter - 2.0 * self.liner_thickness)]
        if self.liner is not None:
            discs.insert(0, (("liner", self.liner), self.diameter))
        layers = [lattice.layer(self.height or self.pitch, host, *discs)]
        if self.pad_diameter is not None and self.pad_thickness is not None:
            pad = core if self.pad is None else ("pad", self.pad)
            around = host if self.dielectric is None else ("dielectric", self.dielectric)
            ends = lattice.layer(self.pad_thickness, around, (pad, self.pad_diameter))
            layers = [ends, *layers, ends]
        return CellStructure(lattice.period, tuple(layers), is_isotropic=True)


@described
class BumpCell:
    """A bump, ball or pillar with the fill around it, and optional pads at both ends.

    Parameters
    ----------
    bump, fill : str, Material or effective medium
        Materials of the bump and around it.
    diameter, pitch, height : float
        Diameter of the bump, distance of the axes, and height between the pads [m].
    pillar : str, Material or effective medium, optional
        Material of the upper part of the bump, such as copper.
    pillar_height : float, optional
        Height of the upper part [m]; the rest of the height is the bump.
    pad_diameter, pad_thickness : float, optional
        Dimensions of the pads [m].
    pad, dielectric : str, Material or effective medium, optional
        Materials of the pads, by default that of the bump, and around them, by default that of the fill.
    arrangement : {"square", "hexagonal"}
        Arrangement of the bumps.

    Examples
    --------
    >>> BumpCell("sac305", "underfill", 25e-6, 40e-6, 30e-6).height
    3e-05
    """

    bump: MaterialLike
    fill: MaterialLike
    diameter: Extent
    pitch: Extent
    height: Extent
    pillar: MaterialLike | None = None
    pillar_height: Extent | None = None
    pad_diameter: Extent | None = None
    pad_thickness: Thickness | None = None
    pad: MaterialLike | None = None
    dielectric: MaterialLike | None = None
    arrangement: Arrangement = "square"

    def __post_init__(self) -> None:
        """Check that bumps do not touch, and that pillar and pads are complete."""
        _check_fits(self.diameter, self.pitch, "bumps")
        if (self.pillar is None) != (self.pillar_height is None):
            given, missing = ("pillar", "pillar_height") if self.pillar else ("pillar_height", "pillar")
            raise fail("E-MISSING", f"{given} without {missing}", f"give {missing} as well")
        if self.pillar_height is not None and self.pillar_height >= self.height:
            shown = [format_quantity(each, "length") for each in (self.pillar_height, self.height)]
            text = f"a pillar of {shown[0]} leaves no bump in a height of {shown[1]}"
            raise fail("E-RANGE", text, "height is that of pillar and bump; name one material for both")
        others = {"pad": self.pad, "dielectric": self.dielectric}
        _check_pads(self.pad_diameter, self.pad_thickness, self.pitch, others)

    def structure(self) -> CellStructure:
        """Return the period and the layers."""
        lattice = Lattice(self.pitch, self.arrangement)
        bump, fill = ("bump", self.bump), ("fill", self.fill)
        upper = self.pillar_height or 0.0
        layers = [lattice.layer(self.height - upper, fill, (bump, self.diameter))]
        if self.pillar is not None:
            layers.append(lattice.layer(upper, fill, (("pillar", self.pillar), self.diameter)))
        if self.pad_diameter is not None and self.pad_thickness is not None:
            pad = bump if self.pad is None else ("pad", self.pad)
            around = fill if self.dielectric is None else ("dielectric", self.dielectric)
            ends = lattice.layer(self.pad_thickness, around, (pad, self.pad_diameter))
            layers = [ends, *layers, ends]
        return CellStructure(lattice.period, tuple(layers), is_isotropic=True)


@described
class HybridBondCell:
    """Metal pads in the dielectric of a hybrid bond: a lower and an upper pad, and optional vias to them.

    Parameters
    ----------
    pad, dielectric : str, Material or effective medium
        Materials of the pads and around them.
    diameter, pitch : float
        Width of the lower pads and distance of their axes [m].
    thickness : float
        Thickness of both pads together [m]; each has half of it.
    upper_diameter : float, optional
        Width of the upper pads [m], by default that of the lower ones.
    via_diameter, via_height : float, optional
        Dimensions of the vias below and above the pads [m], of the material of the pads.
    pad_shape : {"round", "square"}
        Shape of the pads; vias are round.
    arrangement : {"square", "hexagonal"}
        Arrangement of the pads.

    Examples
    --------
    >>> HybridBondCell("copper", "oxide_pecvd", 3e-6, 9e-6, 2e-6, upper_diameter=2.5e-6).pad_shape
    'round'
    """

    pad: MaterialLike
    dielectric: MaterialLike
    diameter: Extent
    pitch: Extent
    thickness: Thickness
    upper_diameter: Extent | None = None
    via_diameter: Extent | None = None
    via_height: Extent | None = None
    pad_shape: Literal["round", "square"] = "round"
    arrangement: Arrangement = "square"

    def __post_init__(self) -> None:
        """Check that pads and vias do not touch, and that the numbers of the vias are complete."""
        for width, noun in (
            (self.diameter, "pads"),
            (self.upper_diameter, "pads"),
            (self.via_diameter, "vias"),
        ):
            if width is not None:
                _check_fits(width, self.pitch, noun)
        if (self.via_diameter is None) != (self.via_height is None):
            given, missing = ("via_diameter", "via_height")[:: 1 if self.via_diameter else -1]
            raise fail("E-MISSING", f"{given} without {missing}", f"give {missing} as well")

    def structure(self) -> CellStructure:
        """Return the period and the layers."""
        lattice = Lattice(self.pitch, self.arrangement)
        pad, around, is_round = ("pad", self.pad), ("dielectric", self.dielectric), self.pad_shape == "round"
        widths = self.diameter, self.upper_diameter or self.diameter
        layers = [
            lattice.layer(0.5 * self.thickness, around, (pad, width), is_round=is_round) for width in widths
        ]
        if self.via_diameter is not None and self.via_height is not None:
            vias = lattice.layer(self.via_height, around, (pad, self.via_diameter))
            layers = [vias, *layers, vias]
        is_isotropic = is_round or self.arrangement == "square"
        return CellStructure(lattice.period, tuple(layers), is_isotropic=is_isotropic)
