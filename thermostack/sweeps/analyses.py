"""Analyses of a study: the options of a steady solve or of a transient run of each case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from thermostack.linear.error_control import MIN_SOLVER_ERROR
from thermostack.mesh.model import Model
from thermostack.package.grid_options import TemperatureTolerance
from thermostack.schema.fields import PathName, Quantity, Temperature, fail, quote_value
from thermostack.schema.validated_dataclass import described
from thermostack.transient.throttle_presets import gpu_throttle, hbm_throttle
from thermostack.transient.throttling import Throttle

PRODUCTS = ("gpu", "hbm", "h100", "a100", "mi100")  # throttles with the limits of a product

SolverError = Annotated[float, Quantity("temperature_difference", min=MIN_SOLVER_ERROR)]
Memory = Annotated[float, Quantity("memory_size", above=0.0)]
Time = Annotated[float, Quantity("time", above=0.0)]


def _read_cell(value: Any) -> Any:
    """Return a cell size as `discretize` takes it; each text is checked for its unit."""
    size = Quantity("length", above=0.0)
    if isinstance(value, Mapping):
        for each in value.values():
            _read_cell(each)
    elif isinstance(value, (list, tuple)):
        if not 2 <= len(value) <= 3:
            raise fail("E-TYPE", f"{quote_value(value)} has not two or three sizes", "write [x, y, z]")
        for each in value:
            _read_cell(each)
    else:
        size.read(value, _FROM_FILE)
    return value


class _FileInfo:
    """The validation context of a file, where lengths need a unit."""

    context = {"from_file": True}  # noqa: RUF012 - never changed


_FROM_FILE: Any = _FileInfo()
CellSize = Annotated[
    Any,
    BeforeValidator(_read_cell),
    Field(description="as of `discretize`: 0.2 mm, [x, y, z], {part: 0.1 mm}"),
]


@described
class SteadyAnalysis:
    """The options of `solve_steady` and `discretize`.

    With `solver_error` all cases of a worker share a `Session`, which stops at this algebraic error [K].
    """

    key = "steady"

    cell: CellSize | None = None
    tolerance: TemperatureTolerance | None = None
    max_memory: Memory | None = None
    max_time: Time | None = None
    method: Literal["multigrid", "direct"] = "multigrid"
    estimate: bool | None = None
    solver_error: SolverError | None = None

    @property
    def estimates_errors(self) -> bool:
        """Return whether the errors of the grid are estimated: by default, unless cases share a session."""
        return self.solver_error is None if self.estimate is None else self.estimate

    def __post_init__(self) -> None:
        """Check that limits have a tolerance, and that a session has no other method and no estimate."""
        if self.solver_error is not None:
            if self.estimate:
                raise fail("E-VALUE", "a session estimates no error of the grid", "remove estimate: true")
            if self.tolerance is not None or self.method != "multigrid":
                text = (
                    "with solver_error all cases share a session, which has no grid tolerance and no method"
                )
                raise fail("E-VALUE", text, "remove solver_error, or tolerance and method")
        if self.tolerance is None and (self.max_memory is not None or self.max_time is not None):
            raise fail("E-VALUE", "max_memory and max_time limit a refinement", "add a tolerance, as 0.5 K")
        if self.tolerance is not None and self.estimate is False:
            raise fail("E-VALUE", "a tolerance needs the error estimate", "remove estimate: false")


def _read_throttle(value: Any) -> Any:
    """Return the name of a product or the text of a limit, unchanged. Raises the error of `fail`."""
    if isinstance(value, str) and value in PRODUCTS:
        return value
    try:
        Quantity("temperature", above=0.0).read(value, _FROM_FILE)
    except ValueError as error:
        hint = f"write a temperature, as 105 degC, or one of {', '.join(PRODUCTS)}"
        raise fail("E-VALUE", f"{quote_value(value)} is no throttle", hint) from error
    return value


def _read_files(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


@described
class TransientAnalysis:
    """The options of `solve_transient`, and the throttles of stacks by name."""

    key = "transient"

    duration: Time | None = None
    trace: Annotated[tuple[str, ...], BeforeValidator(_read_files)] = ()
    cell: CellSize | None = None
    from_time: Annotated[Time | None, Field(validation_alias="from", serialization_alias="from")] = None
    tolerance: TemperatureTolerance = 0.1
    scheme: Literal["sdirk3", "sdirk4", "implicit_euler"] = "sdirk3"
    step: Time | None = None
    initial: Literal["steady", "outside"] | Temperature | None = None
    throttle: dict[PathName, Annotated[Any, BeforeValidator(_read_throttle)]] = Field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that there is a duration, and a step where the scheme needs one."""
        if self.duration is None and not self.trace:
            raise fail("E-MISSING", "duration is required without a trace", "as duration: 10 s")
        if self.scheme == "implicit_euler" and self.step is None:
            raise fail("E-MISSING", "implicit_euler does not estimate its error", "set the step, as 1 ms")

    def throttles(self, model: Model) -> list[Throttle]:
        """Return the throttles of the stacks; the name of several stacks gives one for each of them."""
        found = []
        for name, limit in self.throttle.items():
            members = [stack.name for stack in model.package.stacks if stack.name.startswith(f"{name}.")]
            for stack in members or [name]:
                model.heat_sources.find(stack)
                found.append(_throttle(stack, limit))
        return found


def _throttle(stack: str, limit: str) -> Throttle:
    if limit == "hbm":
        return hbm_throttle(stack)
    if limit == "gpu":
        return gpu_throttle(stack)
    return gpu_throttle(stack, product=limit) if limit in PRODUCTS else gpu_throttle(stack, limit)


def trace_paths(analysis: SteadyAnalysis | TransientAnalysis, directory: Path) -> list[Path]:
    """Return the files of the traces of an analysis, relative to the directory of the study."""
    return [directory / name for name in analysis.trace] if isinstance(analysis, TransientAnalysis) else []
