"""The heat balance of a solved field: power generated and heat flow out through each face of the package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from thermostack.finite_volume.conduction import Conduction
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.mesh.boundary_faces import SURROUNDINGS
from thermostack.package.cooling import FACES


@dataclass(frozen=True)
class HeatBalance:
    """Power generated in the parts and heat flow out through each face.

    Parameters
    ----------
    heat_in : float
        Power generated in all parts [W].
    out : dict of str to float
        Heat flow [W] out of the body through each face, negative where heat enters.
    through : float
        Heat that passes through the body [W]. It is more than the sum over the faces where heat enters and
        leaves through one face.

    Examples
    --------
    >>> balance = HeatBalance(10.0, {"top": 7.5, "bottom": 2.0})
    >>> balance.imbalance, balance.relative
    (0.5, 0.05)
    """

    heat_in: float
    out: dict[str, float]
    through: float = 0.0

    @property
    def imbalance(self) -> float:
        """Return the generated power minus the heat flow out [W]."""
        return self.heat_in - sum(self.out.values())

    @property
    def relative(self) -> float:
        """Return the imbalance divided by the heat flow that passes through the body."""
        faces = sum(abs(heat) for heat in self.out.values()) / 2.0
        passing = max(abs(self.heat_in), faces, self.through)
        return abs(self.imbalance) / passing if passing > 0.0 else 0.0

    def __str__(self) -> str:
        """Return one line for the power, one for each face, and one for the imbalance."""
        rows = [f"{'heat in':<18}{self.heat_in:12.5g} W"]
        rows += [f"{'out ' + face:<18}{heat:12.5g} W" for face, heat in self.out.items()]
        return "\n".join([*rows, f"{'imbalance':<18}{self.imbalance:12.2g} W  ({self.relative:.1e})"])


def balance_heat(fluxes: FaceFluxes) -> HeatBalance:
    """Return the power generated in the parts and the heat flow out through each face [W]."""
    model = fluxes.model
    by_face = np.bincount(model.boundary.face, weights=fluxes.boundary_outflow, minlength=SURROUNDINGS + 1)
    present = np.bincount(model.boundary.face, minlength=SURROUNDINGS + 1) > 0
    names = (*FACES, "surroundings")
    out = {names[n]: float(by_face[n]) for n in range(SURROUNDINGS + 1) if present[n]}
    powers = [source.plane for source in model.layer_sources]
    return HeatBalance(model.total_power, out, heat_through(powers, fluxes.boundary_outflow))


def heat_through(powers: Iterable[np.ndarray], outflow: np.ndarray) -> float:
    """Return the heat that passes through a body [W]: the heat that enters or leaves, the larger of the two.

    `powers` are arrays of power generated in cells, `outflow` (boundary faces,) is the heat flow out through
    each boundary face [W]. Unlike the heat that ambient temperatures bring to a body at one temperature, it
    is small where little heat flows between cold plates of similar temperatures.
    """
    flows = [*powers, -outflow]
    entering = sum(float(flow[flow > 0.0].sum()) for flow in flows)
    leaving = -sum(float(flow[flow < 0.0].sum()) for flow in flows)
    return max(entering, leaving)


def total_residual(conduction: Conduction, rhs: np.ndarray, t: np.ndarray) -> float:
    """Return the sum over all cells of |P - G t| [W], at temperatures t [K] and powers `rhs` [W].

    No heat flow through a face of the package differs by more from that of the exact solution.
    """
    planes = (np.abs(rhs[k] - conduction.outflow_of_plane(k, t)).sum() for k in range(len(rhs)))
    return float(sum(map(float, planes)))


def residual_rounding(conduction: Conduction, t: np.ndarray) -> float:
    """Return the residual [W] that rounding may cause, as `total_residual`, at temperatures t [K].

    Temperatures are rounded to float64. Conductances are rounded to their own precision, and rounded again
    each time materials are evaluated.
    """
    temperatures = conductances = 0.0
    for k in range(len(t)):
        temperatures += float(np.abs(conduction.diagonal_of_plane(k) * t[k]).sum())
        conductances += float(np.abs(conduction.g_x[k] * np.diff(t[k], axis=1)).sum())
        conductances += float(np.abs(conduction.g_y[k] * np.diff(t[k], axis=0)).sum())
        if k + 1 < len(t):
            conductances += float(np.abs(conduction.g_z[k] * (t[k + 1] - t[k])).sum())
    single, double = np.finfo(conduction.g_z.dtype).eps, np.finfo(np.float64).eps
    return 2.0 * float(double) * temperatures + float(single) * conductances
