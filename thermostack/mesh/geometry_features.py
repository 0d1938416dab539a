"""The features of a geometry from which the rules of the default grid follow, each found at its first use."""

from __future__ import annotations

from functools import cached_property

from thermostack.mesh.face_grid import FaceGrid
from thermostack.mesh.healing_length import HealingLengths
from thermostack.mesh.link_regions import LinkEnds, find_link_ends
from thermostack.mesh.material_edges import EdgeHeights, MaterialEdges
from thermostack.package.geometry import Geometry


class GeometryFeatures:
    """Faces, healing lengths, ends of links and edges between unlike materials, for all three axes."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.faces = FaceGrid(geometry)

    @cached_property
    def healing_lengths(self) -> HealingLengths:
        """Return the healing lengths."""
        return HealingLengths(self.geometry)

    @cached_property
    def link_ends(self) -> LinkEnds:
        """Return the ends of links."""
        return find_link_ends(self.geometry)

    @cached_property
    def material_edges(self) -> tuple[MaterialEdges, MaterialEdges]:
        """Return the edges along x and along y."""
        along_x, along_y = (MaterialEdges(self.geometry, axis, self.faces) for axis in (0, 1))
        return along_x, along_y

    @cached_property
    def edge_heights(self) -> EdgeHeights:
        """Return the heights of the edges."""
        return EdgeHeights(self.geometry, self.material_edges)
