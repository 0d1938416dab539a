"""Links with their materials and the places of their ends in coordinates of the package."""

from __future__ import annotations

from dataclasses import dataclass

from thermostack.materials.material import Material
from thermostack.package.rectangles import Rectangle
from thermostack.package.thermal_link import ThermalLink
from thermostack.schema.validated_dataclass import FieldPath


@dataclass(frozen=True)
class LinkRectangle:
    """The place where a link ends in coordinates of the package, on the upper or lower face of a part."""

    part: str  # or stack
    is_top: bool
    rectangle: Rectangle | None  # m; None: the whole face
    path: FieldPath


@dataclass(frozen=True)
class LinkGeometry:
    """A link with its material and its two ends."""

    link: ThermalLink
    material: Material | None  # None where the conductance is given
    start: LinkRectangle
    end: LinkRectangle

    @property
    def ends(self) -> tuple[LinkRectangle, LinkRectangle]:
        """Return both ends."""
        return self.start, self.end

    @property
    def is_constant(self) -> bool:
        """Return whether the conductance is independent of temperature."""
        return self.material is None or self.material.is_constant

    def conductance_at(self, temperature: float) -> float:
        """Return the conductance [W/K] at the mean temperature of both ends [K]."""
        conductivity = 0.0 if self.material is None else float(self.material.conductivity_at(temperature)[0])
        return self.link.conductance_of(conductivity)
