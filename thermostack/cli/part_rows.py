"""The option `--only`: rows of some stacks, parts or blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.options import usage_error

if TYPE_CHECKING:
    from thermostack.mesh.model import Model

OnlyParts = Annotated[
    tuple[str, ...],
    Parameter(
        name="--only",
        help="List the parts and blocks of this stack, part or block alone, as gpu.active; may be repeated.",
    ),
]


def selected_names(only: Sequence[str], names: Iterable[str]) -> list[str]:
    """Return the names that are one of `only`, or in a stack or part of these names."""
    return [name for name in names if any(f"{name}.".startswith(f"{each}.") for each in only)]


def require_parts(names: Sequence[str], model: Model) -> None:
    """Raise DescriptionError if a name is neither a stack, part or block nor a group of these."""
    if names:
        known = [part.name for part in model.parts] + [block.name for block in model.blocks]
        require_names(
            names, known, f"of {model.package.name}", f"thermostack solve {model.package.name} --all"
        )


def require_names(names: Sequence[str], known: Iterable[str], owner: str, command: str) -> None:
    """Raise DescriptionError if a name is neither one of the known names nor the beginning of some.

    `owner` says what has the names, "of fcbga", and `command` lists them.
    """
    if not names:
        return
    from thermostack.results.names import with_stacks

    groups = set(with_stacks(known))
    for name in names:
        if name not in groups:
            from thermostack.schema.spelling import suggest

            message = f"{name!r} is no stack, part or block {owner}"
            hint = suggest(name, sorted(groups)) or f"{command} lists the names"
            raise usage_error("--only", message, hint, "E-NAME")
