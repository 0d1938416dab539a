"""The option `--fail-on-limit`: exit code 3 where a part exceeds its limit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.options import usage_error

if TYPE_CHECKING:
    from thermostack.mesh.model import Model
    from thermostack.results.steady_result import SteadyResult
    from thermostack.results.transient_result import TransientResult

LIMIT_EXIT_CODE = 3

FailOnLimit = Annotated[
    bool,
    Parameter(
        name="--fail-on-limit",
        help="End with exit code 3 if a part exceeds its limit; the results are written and printed.",
    ),
]


def require_limits(model: Model) -> None:
    """Raise DescriptionError if no part has a limit, so that `--fail-on-limit` would compare nothing."""
    if all(part.limit is None for part in model.parts):
        hint = "write `limit: 105 degC` at a stack or a layer, or use --set"
        message = f"no part of {model.package.name} has a limit"
        raise usage_error("--fail-on-limit", message, hint, "E-MISSING")


def fail_above_limit(result: SteadyResult | TransientResult) -> None:
    """End the command with exit code 3 if a part exceeds its limit."""
    if result.above_limit:
        sys.stdout.flush()
        raise SystemExit(LIMIT_EXIT_CODE)
