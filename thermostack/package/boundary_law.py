"""The boundary law of a cooler whose heat flux is no linear function of the surface temperature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from thermostack.boundary_laws.correlations import DOWN, UP, VERTICAL
from thermostack.boundary_laws.fluids import find_fluid
from thermostack.boundary_laws.laws import (
    BoundaryLaw,
    ConstantCoefficientLaw,
    ForcedConvectionLaw,
    FreeConvectionLaw,
    PoolBoilingLaw,
    RadiationLaw,
    TabulatedCoefficientLaw,
    TabulatedFluxLaw,
    sum_of_laws,
)
from thermostack.package.cooling import (
    LAW_TYPES,
    ForcedConvection,
    FreeConvection,
    PoolBoiling,
    Radiation,
    TabulatedConvection,
)
from thermostack.package.robin_coefficients import robin_coefficients

ORIENTATIONS = {"top": UP, "bottom": DOWN}  # of the faces; all others are vertical
WATER_EXPONENT, OTHER_EXPONENT = 1.0, 1.7  # of the Prandtl number in Rohsenow's correlation


def is_nonlinear(cooler: Any) -> bool:
    """Return whether the heat flux of a cooler is no linear function of the surface temperature."""
    return isinstance(cooler, LAW_TYPES) or getattr(cooler, "emissivity", None) is not None


def boundary_law(cooler: Any, face: str, area: float, length: float) -> BoundaryLaw:
    """Return the law of a nonlinear cooler on a face.

    Parameters
    ----------
    cooler
        The cooler.
    face
        Direction of the face, "top" to "north".
    area
        Area that the cooler covers on all faces [m2].
    length
        Area over perimeter of a horizontal face, height of a vertical one [m].
    """
    convection = _convection(cooler, face, area, length)
    if isinstance(cooler, (Radiation, PoolBoiling)) or cooler.emissivity is None:
        return convection
    surroundings = cooler.radiates_to if cooler.radiates_to is not None else convection.ambient
    return sum_of_laws([convection, RadiationLaw(cooler.emissivity, surroundings)])


def _convection(cooler: Any, face: str, area: float, length: float) -> BoundaryLaw:
    """Return the law without additional radiation."""
    if isinstance(cooler, Radiation):
        return RadiationLaw(cooler.emissivity, cooler.ambient)
    free: Callable[[], FreeConvectionLaw] = lambda: FreeConvectionLaw(  # noqa: E731
        find_fluid(cooler.fluid), cooler.ambient, cooler.length or length, ORIENTATIONS.get(face, VERTICAL)
    )
    if isinstance(cooler, FreeConvection):
        return free()
    if isinstance(cooler, PoolBoiling):
        exponent = WATER_EXPONENT if cooler.fluid == "water" else OTHER_EXPONENT
        return PoolBoilingLaw.of_pool(
            find_fluid(cooler.fluid),
            cooler.ambient,
            free(),
            cooler.surface_factor,
            exponent if cooler.exponent is None else cooler.exponent,
            cooler.critical_flux_factor,
        )
    if isinstance(cooler, ForcedConvection):
        return ForcedConvectionLaw(find_fluid(cooler.fluid), cooler.ambient, cooler.speed, cooler.length)
    if isinstance(cooler, TabulatedConvection):
        temperature = np.array(cooler.temperature)
        if cooler.h is not None:
            return TabulatedCoefficientLaw(cooler.ambient, temperature, np.array(cooler.h))
        return TabulatedFluxLaw(cooler.ambient, temperature, np.array(cooler.flux))
    robin = robin_coefficients(cooler, area)
    return ConstantCoefficientLaw(robin.h, robin.temperature)
