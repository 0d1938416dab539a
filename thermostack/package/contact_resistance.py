"""Contact resistance between two parts or stacks that touch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from thermostack.schema.fields import AreaResistance, PathName, fail
from thermostack.schema.validated_dataclass import described


def _read_names(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise fail("E-TYPE", "names two parts or stacks", "write [die, mold]")
    return tuple(value)


PartNames = Annotated[tuple[PathName, PathName], BeforeValidator(_read_names)]


@described
class ContactResistance:
    """Thermal resistance per area at the faces where two parts or stacks touch, in any direction.

    It is added to the `interface` of layers. Where several contacts name the same face, the last one counts.

    Parameters
    ----------
    between : pair of str
        Two parts, stacks or groups of stacks, such as "die.bulk", "die" or "hbm". One that contains the other
        stands for the rest of it: a layer and one of its regions.
    resistance : float or str
        Area resistance [m2 K/W].
    on : {"all", "sides", "top", "bottom"}
        Faces of the first of the two that have the resistance: all, the vertical ones, or those that look up
        or down.

    Examples
    --------
    >>> ContactResistance(("die", "substrate.filler"), "5 mm2 K/W", on="sides").resistance
    5e-06
    """

    between: PartNames
    resistance: AreaResistance
    on: Literal["all", "sides", "top", "bottom"] = "all"
