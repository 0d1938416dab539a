"""The accuracy that a description asks of the grid of a steady solve."""

from __future__ import annotations

from typing import Annotated

from thermostack.schema.fields import Quantity
from thermostack.schema.validated_dataclass import described

MIN_TOLERANCE = 1e-4  # K; conductances in float32 and the linear solver are exact to about 1e-5 K

TemperatureTolerance = Annotated[float, Quantity("temperature_difference", min=MIN_TOLERANCE)]


@described
class GridOptions:
    """The tolerance to which a steady solve of a package refines its grid, where the caller gives none.

    Parameters
    ----------
    tolerance : float or str
        Bound of the estimated error of the peak of every part and block with power [K], at least 0.1 mK.

    Notes
    -----
    `solve_steady` of the package and the command `solve` begin with the default grid and refine it as with
    the argument `tolerance`, which takes precedence, as do cell sizes. Grids of `discretize` do not depend
    on it.

    Examples
    --------
    >>> GridOptions("1 K").tolerance
    1.0
    """

    tolerance: TemperatureTolerance
