"""Options of the command `transient`, and the functions that read their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from thermostack.cli.options import read_positive, read_quantity, usage_error
from thermostack.errors import DescriptionError

if TYPE_CHECKING:
    from thermostack.mesh.model import Model
    from thermostack.transient.throttling import Throttle
    from thermostack.transient.trace import Trace

Position = tuple[float, float, float]  # x, y, z in m

MAX_FRAMES = 100_000
FRAME_TOLERANCE = 1e-9  # of the duration; a frame this close to the end is the last one
THROTTLE_NAMES = ("gpu", "hbm", "h100", "a100", "mi100")

# -- types of options ----------------------------------------------------------------------------

TraceOptions = Annotated[
    tuple[Path, ...],
    Parameter(
        help='A CSV file of powers over time with a header like "time [ms],gpu [W]"; may be repeated. '
        "Default: the power of the description, switched on at the start."
    ),
]
DurationOption = Annotated[
    str | None, Parameter(help='Simulated time, as "10 s". Default: until the first trace ends.')
]
ToleranceOption = Annotated[
    str, Parameter(help="Largest time-integration error of any cell, as a temperature.", show_default=True)
]
SchemeOption = Annotated[
    Literal["sdirk3", "sdirk4", "implicit_euler"],
    Parameter(help="Time-integration scheme; implicit_euler needs --step.", show_default=True),
]
StepOption = Annotated[
    str | None,
    Parameter(help='Fixed step size, as "1 ms". Default: step-size control by the tolerance.'),
]
InitialOption = Annotated[
    str | None,
    Parameter(
        help="Initial temperatures: steady, for the power at the start; outside, the ambient temperature; "
        'or a temperature, as "25 degC"; by stack or part as "gpu=80 degC, outside". Default: steady with a '
        "trace, otherwise outside."
    ),
]
FramesOption = Annotated[
    str | None,
    Parameter(
        help='Fields in the result file: "every 10 ms", a number of them, or times as "1 ms, 5 ms". '
        "Default: the first and the last."
    ),
]
ProbeOptions = Annotated[
    tuple[str, ...],
    Parameter(
        help="A point whose temperature is recorded at every step, as "
        '"sensor=12 mm, 8 mm, 1 mm"; may be repeated.'
    ),
]
ThrottleOptions = Annotated[
    tuple[str, ...],
    Parameter(
        help='A stack whose power is reduced when it is hot: "gpu=105 degC" lowers the clock of a processor; '
        "gpu=gpu and hbm=hbm use the usual limits; may be repeated."
    ),
]
ResumeOption = Annotated[
    bool, Parameter(help="Continue the same run from its checkpoint after an interruption.")
]
OverwriteOption = Annotated[
    bool, Parameter(help="Start from the beginning, even if an unfinished run is discarded.")
]
CheckpointOption = Annotated[
    str, Parameter(help="Wall time between two checkpoints, from which a run can resume.", show_default=True)
]

# -- values of options ---------------------------------------------------------------------------


def check_combination(scheme: str, step: str | None, *, resume: bool, overwrite: bool, no_save: bool) -> None:
    """Raise DescriptionError for options that exclude each other or need another one."""
    if scheme == "implicit_euler" and step is None:
        message = "implicit_euler does not estimate its error"
        raise usage_error("--scheme", message, 'set the step size, as --step "1 ms"', "E-MISSING")
    if resume and no_save:
        raise usage_error("--resume", "needs the files that --no-save does not write", "omit one of them")
    if resume and overwrite:
        message = "continues an unfinished run, which --overwrite discards"
        raise usage_error("--resume", message, "omit one of them")


def read_traces(files: Sequence[Path]) -> list[Trace]:
    """Return the traces of files. Raises DescriptionError with all errors of the first wrong file."""
    from thermostack.io.description.trace_files import read_trace

    return [read_trace(file) for file in files]


def read_duration(text: str | None, traces: Sequence[Trace]) -> float:
    """Return the duration of a run [s]: that of the option, else the time at which the first trace ends."""
    if text is not None:
        return read_positive("--duration", text, "time")
    ends = [float(trace.times[-1]) for trace in traces if trace.after == "refuse"]
    if not ends:
        reason = "no trace ends (each holds its last values or repeats)" if traces else "there is no trace"
        raise usage_error("--duration", f"is required: {reason}", 'as "10 s"', "E-MISSING")
    if not min(ends) > 0.0:
        message = "is required: the trace has one row only, at 0 s"
        hint = 'give --duration, and "after: hold" in the trace'
        raise usage_error("--duration", message, hint, "E-TRACE")
    return min(ends)


def read_initial(text: str) -> str | float | dict[str, str | float]:
    """Return the initial condition of a run: "steady", "outside", a temperature [K], or one by part.

    A piece without a name is that of all other parts.

    >>> read_initial("25 degC")
    298.15
    >>> read_initial("gpu=80 degC, outside")
    {'gpu': 353.15, '*': 'outside'}
    """
    if "=" not in text:
        return _read_initial_value(text)
    found: dict[str, str | float] = {}
    for piece in text.split(","):
        name, equals, value = (part.strip() for part in piece.partition("="))
        if not equals:
            name, value = "*", name
        if not name:
            raise usage_error("--initial", f"{piece.strip()!r} has no name", 'as "gpu=80 degC, outside"')
        if name in found:
            message = "two temperatures have no name" if name == "*" else f"{name!r} is given twice"
            raise usage_error("--initial", message, 'as "gpu=80 degC, outside"', "E-DUPLICATE")
        found[name] = _read_initial_value(value)
    return found


def _read_initial_value(text: str) -> str | float:
    if text in ("steady", "outside"):
        return text
    try:
        return read_quantity("--initial", text, "temperature")
    except DescriptionError as error:
        if any(char.isdigit() for char in text):
            raise
        hint = 'steady, outside, or a temperature as "25 degC"'
        raise usage_error("--initial", f"unknown initial condition {text!r}", hint, "E-NAME") from error


def read_frames(text: str | None, duration: float) -> list[float]:
    """Return the times [s] of the fields that are stored besides the first and the last one.

    >>> read_frames("every 2 ms", 0.005)
    [0.002, 0.004]
    >>> read_frames("5", 1.0)
    [0.25, 0.5, 0.75]
    >>> read_frames("1 ms, 50 ms", 1.0)
    [0.001, 0.05]
    """
    if text is None:
        return []
    words = text.strip()
    if words.startswith("every "):
        interval = read_positive("--frames", words.removeprefix("every "), "time")
        _check_count(max(2.0, duration / interval), text)
        times = [n * interval for n in range(1, math.ceil(duration / interval))]
        return [time for time in times if time < duration * (1.0 - FRAME_TOLERANCE)]
    if words.isdecimal():
        _check_count(float(words), text)
        return [n * duration / (int(words) - 1) for n in range(1, int(words) - 1)]
    times = [read_quantity("--frames", piece.strip(), "time") for piece in words.split(",")]
    for time, piece in zip(times, words.split(","), strict=True):
        if not 0.0 <= time <= duration:
            from thermostack.units import format_quantity

            message = f"{piece.strip()} is outside the run of {format_quantity(duration, 'time')}"
            raise usage_error("--frames", message, "", "E-RANGE")
    return times


def _check_count(count: float, text: str) -> None:
    if not 2.0 <= count <= MAX_FRAMES:
        message = f"the number of frames must be 2 to {MAX_FRAMES}, with the first and the last, got {text!r}"
        raise usage_error("--frames", message, '"every 10 ms", 100, or "1 ms, 5 ms, 20 ms"', "E-RANGE")


def read_probes(texts: Sequence[str]) -> dict[str, Position]:
    """Return the positions [m] of probes by name, from texts like "sensor=12 mm, 8 mm, 1.2 mm"."""
    probes: dict[str, Position] = {}
    hint = 'write name=x,y,z, as "sensor=12 mm, 8 mm, 1.2 mm"'
    for text in texts:
        name, equals, position = (piece.strip() for piece in text.partition("="))
        lengths = position.split(",")
        if not (name and equals and len(lengths) == 3):
            raise usage_error("--probe", f"{text!r} is not a name with three coordinates", hint, "E-VALUE")
        if name in probes:
            raise usage_error("--probe", f"{name!r} is given twice", hint, "E-DUPLICATE")
        x, y, z = (read_quantity("--probe", length.strip(), "length") for length in lengths)
        probes[name] = (x, y, z)
    return probes


def check_probes(probes: dict[str, Position], model: Model) -> None:
    """Raise DescriptionError where a probe lies outside the body."""
    from thermostack.transient.probes import require_inside

    require_inside(probes, model, "--probe")


def read_throttles(texts: Sequence[str]) -> dict[str, str | float]:
    """Return the throttle of each stack: the name of a predefined one, or the limit of a processor [K].

    The texts are like "gpu=105 degC", "gpu=gpu" or "hbm=hbm".
    """
    from thermostack.schema.spelling import suggest

    throttles: dict[str, str | float] = {}
    hint = 'write stack=temperature, as "gpu=105 degC", or "gpu=gpu", "hbm=hbm" for predefined throttles'
    for text in texts:
        stack, equals, value = (piece.strip() for piece in text.partition("="))
        if not (stack and equals and value):
            raise usage_error("--throttle", f"{text!r} is not stack=temperature", hint)
        if stack in throttles:
            raise usage_error("--throttle", f"{stack!r} is given twice", hint, "E-DUPLICATE")
        if value.lstrip("+-.")[:1].isdigit():
            throttles[stack] = read_quantity("--throttle", value, "temperature")
            continue
        if value not in THROTTLE_NAMES:
            nearest = suggest(value, THROTTLE_NAMES) or hint
            raise usage_error("--throttle", f"unknown throttle {value!r}", nearest, "E-NAME")
        throttles[stack] = value
    return throttles


def find_throttles(throttles: dict[str, str | float], model: Model) -> list[Throttle]:
    """Return the throttles of stacks; the name of several stacks, as "hbm", gives one for each of them.

    Raises DescriptionError for an unknown stack or one without power.
    """
    sources = model.heat_sources
    found: dict[str, Throttle] = {}
    for name, value in throttles.items():
        stacks = [stack.name for stack in model.package.stacks if stack.name.startswith(f"{name}.")]
        for stack in stacks or [name]:
            try:
                sources.find(stack)
            except DescriptionError as error:
                diagnostic = error.diagnostics[0]
                raise usage_error(
                    "--throttle", diagnostic.message, diagnostic.hint, diagnostic.code
                ) from None
            if stack in found:
                raise usage_error("--throttle", f"{stack!r} is given twice", "", "E-DUPLICATE")
            found[stack] = _throttle(stack, value)
    return list(found.values())


def _throttle(stack: str, value: str | float) -> Throttle:
    """Return the predefined throttle of a name, or that of a processor with a limit [K]."""
    from thermostack.transient.throttle_presets import gpu_throttle, hbm_throttle

    if value == "hbm":
        return hbm_throttle(stack)
    if value == "gpu":
        return gpu_throttle(stack)
    return gpu_throttle(stack, product=value) if isinstance(value, str) else gpu_throttle(stack, value)
