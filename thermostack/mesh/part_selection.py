"""The parts that a name in a description selects: one part, or all parts of a stack."""

from __future__ import annotations

import numpy as np

from thermostack.package.geometry import Geometry
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import FieldPath, diagnostic_at


def select_parts(geometry: Geometry, name: str, path: FieldPath) -> np.ndarray:
    """Return 1 + the index of each part with a name: of the part, or of a stack or group that contains it.

    Raises DescriptionError at the field `path` where there is none.
    """
    names = [part.name for part in geometry.parts]
    numbers = [i + 1 for i, each in enumerate(names) if f"{each}.".startswith(f"{name}.")]
    if not numbers:
        known = {each.rsplit(".", dots)[0] for each in names for dots in range(each.count(".") + 1)}
        text = f"no part or stack is named {name!r}"
        geometry.package.refuse([diagnostic_at(path, text, suggest(name, known), "E-NAME")])
    return np.array(numbers)


def layer_part_names(geometry: Geometry, name: str) -> set[str]:
    """Return the names of the parts that a name means as the place of something on a stack.

    The name of a stack means its layers and their regions, without its filler and gap fill and without the
    stacks on it. Any other name means the part, or all parts of a group, as in `select_parts`.
    """
    names = {part.name for part in geometry.parts}
    stack = next((stack for stack in geometry.package.stacks if stack.name == name), None)
    of_name = [name] if stack is None else [f"{name}.{layer.name}" for layer in stack.layers]
    return {each for each in names if any(f"{each}.".startswith(f"{begin}.") for begin in of_name)}
