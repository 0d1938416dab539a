"""Powers of blocks by name, for a floorplan without a column of powers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError
from thermostack.package.power import Block
from thermostack.schema.fields import SignedPower
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import diagnostic_at, diagnostics_of

MAX_NAMES_IN_HINT = 20


def assign_powers(
    blocks: Sequence[Block], powers: Mapping[str, Any], *, from_file: bool = False
) -> tuple[Block, ...]:
    """Return the blocks with the powers given by name; other blocks keep their power.

    Raises DescriptionError with every unknown name (E-POWER) and every invalid value, at paths like
    ("powers", "gpc0"). With `from_file` a number without a unit is an error.
    """
    diagnostics, watts = [], {}
    known = {block.name for block in blocks}
    adapter = TypeAdapter(SignedPower)
    for name, value in powers.items():
        try:
            watts[name] = adapter.validate_python(value, context={"from_file": from_file})
        except ValidationError as error:
            (found,) = diagnostics_of(error)
            diagnostics.append(diagnostic_at(("powers", str(name)), found.message, found.hint, found.code))
        if name not in known:
            hint = suggest(str(name), known) or _known_blocks(sorted(known))
            diagnostics.append(
                diagnostic_at(("powers", str(name)), f"no block is named {name!r}", hint, "E-POWER")
            )
    if diagnostics:
        raise DescriptionError(diagnostics)
    named = (replace(block, power=watts[block.name]) for block in blocks if block.name in watts)
    return tuple(next(named) if block.name in watts else block for block in blocks)


def _known_blocks(names: Sequence[str]) -> str:
    if not names:
        return "the floorplan has no blocks"
    others = " and others" if len(names) > MAX_NAMES_IN_HINT else ""
    return f"there are {', '.join(names[:MAX_NAMES_IN_HINT])}{others}"
