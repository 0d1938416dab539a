"""Rectangles at the ends of links, near which the default grid is fine."""

from __future__ import annotations

import numpy as np

from thermostack.mesh.part_selection import layer_part_names
from thermostack.package.geometry import Geometry
from thermostack.package.link_geometry import LinkRectangle


def link_rectangles(geometry: Geometry) -> np.ndarray:
    """Return the rectangles [m] of the ends of links, (n, 4), whose edges are planes of the grid."""
    found = [place.rectangle for link in geometry.links for place in link.ends if place.rectangle]
    return np.array(found).reshape(-1, 4)


def link_heights(geometry: Geometry) -> np.ndarray:
    """Return the height [m] of the face under each rectangle of `link_rectangles`, (n,)."""
    places = [place for link in geometry.links for place in link.ends if place.rectangle]
    return np.array([_face_height(geometry, place) for place in places]).reshape(-1)


def _face_height(geometry: Geometry, place: LinkRectangle) -> float:
    """Return the height [m] of the outermost face of the boxes of a part; zero where there is none."""
    of_layers = layer_part_names(geometry, place.part)
    boxes = [box for box in geometry.boxes if box.part >= 0 and geometry.parts[box.part].name in of_layers]
    if place.is_top:
        return max((box.high[2] for box in boxes), default=0.0)
    return min((box.low[2] for box in boxes), default=0.0)
