"""The response of a body to heat-transfer coefficients on classes of its faces, from a few solutions.

The classes are the inner and the outer part of the top and of the bottom, and the sides. The temperatures for
any coefficients are the best combination of a few computed fields (a Ritz-Galerkin approximation), which is
solved exactly for as many unknowns as there are fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from thermostack.linear.steady_problem import Progress, SteadyProblem
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import CellInput, Model, discretize
from thermostack.package.cooling import Convection, Cooling, FaceCooling, FaceRectangle
from thermostack.package.geometry import package_geometry
from thermostack.package.package import Package
from thermostack.package.rectangles import Rectangle
from thermostack.thermal_metrics.body import PlacedBody

CLASSES = ("top_inner", "top_outer", "bottom_inner", "bottom_outer", "sides")
_ORDER = (4, 1, 0, 3, 2)  # class of each cooler: sides, top outer, top inner, bottom outer, bottom inner
INNER_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7)  # of the side lengths of the body: inner rectangles
REFERENCE_HTC = 1e6  # W/(m2 K), of the solution from which the resistances of the half cells follow
AMBIENT = 300.0  # K; materials are evaluated at it
RESIDUAL = 1e-10  # relative, of the computed fields
DEPENDENCE_TOLERANCE = 1e-13  # eigenvalue of the products of the fields that is rounding, relative
TOPS, BOTTOMS, SIDES = (5.0, 100.0, 3e3, 1e9), (10.0, 300.0, 5e3, 1e9), 30.0  # W/(m2 K) of the fields
EXTRA_ROWS = ((5.0, 10.0, 5.0), (1e9, 1e9, 5.0))  # top, bottom, sides


def expand(rows: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Return the coefficients of the five classes (rows, 5) from top, bottom and sides (rows, 3)."""
    given = np.asarray(rows, dtype=float)
    return given[:, [0, 0, 1, 1, 2]]


@dataclass(frozen=True)
class Response:
    """Rise and heat for some rows of coefficients at the power of the description."""

    junction: np.ndarray  # (rows,) K, maximum over the cells with power
    surface: np.ndarray  # (rows, 5) K, mean rise of the surface of each class
    heat: np.ndarray  # (rows, 5) W through each class


class BodyResponse:
    """The response of a body without a board to coefficients on the classes of its faces."""

    def __init__(
        self,
        placed: PlacedBody,
        inner: Rectangle,
        cell: CellInput = None,
        fineness: float = 1.0,
        threads: int | None = None,
        progress: Progress = lambda stage: None,
    ) -> None:
        """Solve the fields of the approximation; `inner` is the inner rectangle of top and bottom [m]."""
        self.placed, self.threads, self.inner = placed, threads, inner
        rows = [*product(TOPS, BOTTOMS, (SIDES,)), *EXTRA_ROWS]
        reference = self._cooled([REFERENCE_HTC] * len(CLASSES))
        model = discretize(reference, cell, fineness=fineness)
        self.grid: Grid = model.grid
        problem = self._problem(model)
        boundary = model.boundary
        self.face_class = np.array(_ORDER)[boundary.cooler]  # (faces,)
        self.face_area = boundary.area  # (faces,) m2
        conductance = np.asarray(problem.conduction.boundary_face_conductance, dtype=float)
        self.half_cell = np.maximum(boundary.area / conductance - 1.0 / REFERENCE_HTC, 0.0)  # m2 K/W
        self.area = np.bincount(self.face_class, weights=self.face_area, minlength=len(CLASSES))  # m2
        self.power = model.total_power  # W
        fields = []
        for n, row in enumerate(expand(rows)):
            progress(f"field {n + 1} of {len(rows)}")
            fields.append(self.solve(row).reshape(-1))
        basis = _independent(np.stack(fields))
        self.basis_faces = basis[:, boundary.cell]  # (fields, faces)
        powered = np.flatnonzero(model.power.reshape(-1) > 0.0)
        self.basis_powered = basis[:, powered]
        shape = self.grid.shape
        applied = np.stack([problem.conduction.apply(each.reshape(shape)).reshape(-1) for each in basis])
        of_faces = (self.basis_faces * conductance) @ self.basis_faces.T
        stiffness = basis @ applied.T - of_faces
        self.stiffness = 0.5 * (stiffness + stiffness.T)  # W/K, without any cooling
        self.load = basis @ model.power.reshape(-1)

    def _cooled(self, coefficients: Sequence[float] | np.ndarray) -> Package:
        """Return the body with coefficients of the five classes [W/(m2 K)]."""
        x0, y0, x1, y1 = self.inner
        region = FaceRectangle((x0, y0), (x1 - x0, y1 - y0))
        top_inner, top_outer, bottom_inner, bottom_outer, sides = (
            Convection(float(h), AMBIENT) for h in coefficients
        )
        cooling = Cooling(
            top=(FaceCooling(top_outer), FaceCooling(top_inner, region)),
            bottom=(FaceCooling(bottom_outer), FaceCooling(bottom_inner, region)),
            surroundings=(FaceCooling(sides),),
        )
        return replace(self.placed.package, cooling=cooling)

    def _problem(self, model: Model) -> SteadyProblem:
        problem = SteadyProblem(model, RESIDUAL, "multigrid", self.threads, {}, lambda stage: None)
        problem.assemble()
        return problem

    def solve(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the rise of all cells [K] for coefficients of the five classes, from a solve."""
        model = discretize(self._cooled(coefficients), grid=self.grid)
        return self._problem(model).solve_to(None, RESIDUAL)

    def solve_junction(self, coefficients: np.ndarray) -> float:
        """Return the junction rise [K] from a solve."""
        model = discretize(self._cooled(coefficients), grid=self.grid)
        rise = self._problem(model).solve_to(None, RESIDUAL)
        return float(rise[model.power > 0.0].max())

    def respond(self, coefficients: np.ndarray) -> Response:
        """Return the response to coefficients of the five classes [W/(m2 K)], (rows, 5)."""
        junction, surface, heat = [], [], []
        for row in np.asarray(coefficients, dtype=float):
            h = row[self.face_class]
            conductance = self.face_area / (1.0 / h + self.half_cell)
            matrix = self.stiffness + (self.basis_faces * conductance) @ self.basis_faces.T
            weights = np.linalg.solve(matrix, self.load)
            flow = conductance * (weights @ self.basis_faces)
            junction.append(float((weights @ self.basis_powered).max()))
            of_class = np.bincount(self.face_class, weights=flow, minlength=len(CLASSES))
            heat.append(of_class)
            on_surface = np.bincount(self.face_class, weights=flow / h, minlength=len(CLASSES))
            surface.append(
                np.divide(on_surface, self.area, out=np.zeros(len(CLASSES)), where=self.area > 0.0)
            )
        return Response(np.array(junction), np.array(surface), np.array(heat))


def inner_rectangles(placed: PlacedBody) -> list[Rectangle]:
    """Return the inner rectangles of top and bottom to choose from [m].

    They have 30 to 70 % of the side lengths of the body, or are the rectangle around the sources of heat.
    """
    x0, y0, x1, y1 = placed.outline
    found = []
    for share in INNER_SHARES:
        dx, dy = 0.5 * (1.0 - share) * (x1 - x0), 0.5 * (1.0 - share) * (y1 - y0)
        found.append((x0 + dx, y0 + dy, x1 - dx, y1 - dy))
    sources = [each.rectangle for each in package_geometry(placed.package).sources]
    around = (
        min(each[0] for each in sources),
        min(each[1] for each in sources),
        max(each[2] for each in sources),
        max(each[3] for each in sources),
    )
    is_inside = all(a < b for a, b in zip((x0, y0, *around[2:]), (*around[:2], x1, y1), strict=True))
    return [*found, around] if is_inside else found


def _independent(fields: np.ndarray) -> np.ndarray:
    """Return orthonormal fields that span some fields, (fields, cells)."""
    scaled = fields / np.linalg.norm(fields, axis=1)[:, np.newaxis]
    values, vectors = np.linalg.eigh(scaled @ scaled.T)
    kept = values > DEPENDENCE_TOLERANCE * values.max()
    basis = (vectors[:, kept] / np.sqrt(values[kept])).T @ scaled
    found: np.ndarray = np.linalg.qr(basis.T)[0].T
    return found
