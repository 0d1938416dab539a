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


def require_parts(names: Sequence[str], model: Model) -> None:
    """Raise DescriptionError if a name is neither a stack, part or block nor a group of these."""
    if not names:
        return
    known = set(_names_and_groups(model))
    for name in names:
        if name not in known:
            from thermostack.schema.spelling import suggest

            message = f"{name!r} is no stack, part or block of {model.package.name}"
            hint = (
                suggest(name, sorted(known))
                or f"thermostack solve {model.package.name} --all lists the names"
            )
            raise usage_error("--only", message, hint, "E-NAME")


def _names_and_groups(model: Model) -> Iterable[str]:
    """Yield the names of all parts and blocks, and of the stacks and groups that contain them."""
    for full_name in [part.name for part in model.parts] + [block.name for block in model.blocks]:
        words = full_name.split(".")
        yield from (".".join(words[:count]) for count in range(1, len(words) + 1))
