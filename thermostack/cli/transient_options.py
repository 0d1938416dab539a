"""The options of the command `transient`, and how their texts are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from thermostack.cli.options import read_positive, read_quantity, usage_error
from thermostack.errors import DescriptionError

if TYPE_CHECKING:
    from thermostack.mesh.model import Model
    from thermostack.transient.throttling import Throttle
    from thermostack.transient.trace import Trace

Place = tuple[float, float, float]  # x, y, z in m

MOST_FRAMES = 100_000
AT_THE_END = 1e-9  # of a run: a frame nearer to its end than this is the one at the end
READY_MADE = ("gpu", "hbm")  # throttles


def read_traces(files: Sequence[Path]) -> list[Trace]:
    """Return the traces that files hold. Raises DescriptionError with every fault of the first wrong one."""
    from thermostack.io.description.trace_files import read_trace

    return [read_trace(file) for file in files]


def read_duration(text: str | None, traces: Sequence[Trace]) -> float:
    """Return how long a run is [s]: what is said, or else until the first of the traces that ends."""
    if text is not None:
        return read_positive("--duration", text, "time")
    ends = [float(trace.times[-1]) for trace in traces if trace.after == "refuse"]
    if not ends:
        why = "no trace ends" if traces else "there is no trace"
        raise usage_error("--duration", f"nothing says how long the run is: {why}", 'as "10 s"', "E-MISSING")
    if not min(ends) > 0.0:
        text = "the trace has one row, at 0 s, and says nothing of what comes after"
        raise usage_error(
            "--duration", text, "say after: hold in the trace, and how long the run is", "E-TRACE"
        )
    return min(ends)


def read_initial(text: str) -> str | float:
    """Return where a run starts: "steady", "outside", or a temperature [K].

    >>> read_initial("25 degC")
    298.15
    """
    if text in ("steady", "outside"):
        return text
    try:
        return read_quantity("--initial", text, "temperature")
    except DescriptionError as error:
        if any(sign.isdigit() for sign in text):
            raise
        remedy = 'steady, outside, or a temperature as "25 degC"'
        raise usage_error("--initial", f"{text!r} is no start", remedy, "E-NAME") from error


def read_frames(text: str | None, duration: float) -> list[float]:
    """Return the times [s] of the fields that are kept, beside those at both ends.

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
        between = read_positive("--frames", words.removeprefix("every "), "time")
        _check_count(max(2.0, duration / between), text)
        times = [n * between for n in range(1, math.ceil(duration / between))]
        return [time for time in times if time < duration * (1.0 - AT_THE_END)]
    if words.isdecimal():
        _check_count(float(words), text)
        return [n * duration / (int(words) - 1) for n in range(1, int(words) - 1)]
    times = [read_quantity("--frames", piece.strip(), "time") for piece in words.split(",")]
    for time, piece in zip(times, words.split(","), strict=True):
        if not 0.0 <= time <= duration:
            from thermostack.units import format_quantity

            long = format_quantity(duration, "time")
            text = f"{piece.strip()} is not in the run, which is {long} long"
            raise usage_error("--frames", text, "", "E-RANGE")
    return times


def _check_count(count: float, text: str) -> None:
    if not 2.0 <= count <= MOST_FRAMES:
        message = f"{text!r} is not 2 to {MOST_FRAMES} frames; those at both ends are two"
        raise usage_error("--frames", message, '"every 10 ms", 100, or "1 ms, 5 ms, 20 ms"', "E-RANGE")


def read_probes(texts: Sequence[str]) -> dict[str, Place]:
    """Return the places [m] of probes by name, from texts like "sensor=12 mm, 8 mm, 1.2 mm"."""
    probes: dict[str, Place] = {}
    remedy = 'write name=x,y,z, as "sensor=12 mm, 8 mm, 1.2 mm"'
    for text in texts:
        name, equals, place = (piece.strip() for piece in text.partition("="))
        lengths = place.split(",")
        if not (name and equals and len(lengths) == 3):
            raise usage_error("--probe", f"{text!r} is no place with a name", remedy, "E-VALUE")
        if name in probes:
            raise usage_error("--probe", f"{name!r} names two places", remedy, "E-DUPLICATE")
        x, y, z = (read_quantity("--probe", length.strip(), "length") for length in lengths)
        probes[name] = (x, y, z)
    return probes


def check_probes(probes: dict[str, Place], model: Model) -> None:
    """Raise DescriptionError where a probe is outside the body."""
    import numpy as np

    from thermostack.units import format_quantity

    grid = model.grid
    size = " x ".join(format_quantity(float(planes[-1]), "length") for planes in (grid.x, grid.y, grid.z))
    for name, (x, y, z) in probes.items():
        indices = []
        for planes, value in ((grid.z, z), (grid.y, y), (grid.x, x)):
            near = np.searchsorted(planes, [value - 1e-9, value + 1e-9]) - 1
            indices.append(sorted({int(n) for n in near if 0 <= n < planes.size - 1}))
        if not (all(indices) and (model.part[np.ix_(*indices)] > 0).any()):
            at = ", ".join(format_quantity(value, "length") for value in (x, y, z))
            text = f"{name} at {at} is outside the body"
            raise usage_error("--probe", text, f"the package goes from 0 to {size}", "E-OUTSIDE")


def read_throttles(texts: Sequence[str]) -> dict[str, str | float]:
    """Return by stack which ready-made throttle it has, or the temperature [K] a processor is throttled at.

    The texts are like "gpu=105 degC", "gpu=gpu" or "hbm=hbm".
    """
    from thermostack.schema.fields import suggest

    asked: dict[str, str | float] = {}
    remedy = 'write stack=temperature, as "gpu=105 degC", or "gpu=gpu", "hbm=hbm" for those ready made'
    for text in texts:
        stack, equals, what = (piece.strip() for piece in text.partition("="))
        if not (stack and equals and what):
            raise usage_error("--throttle", f"{text!r} throttles nothing", remedy)
        if stack in asked:
            raise usage_error("--throttle", f"{stack!r} is throttled twice", remedy, "E-DUPLICATE")
        if not any(sign.isdigit() for sign in what):
            if what not in READY_MADE:
                text = f"{what!r} is no ready-made throttle"
                raise usage_error("--throttle", text, suggest(what, READY_MADE) or remedy, "E-NAME")
            asked[stack] = what
        else:
            asked[stack] = read_quantity("--throttle", what, "temperature")
    return asked


def find_throttles(asked: dict[str, str | float], model: Model) -> list[Throttle]:
    """Return the throttles asked for; a name of several stacks, as "hbm", stands for one of each of them.

    Raises DescriptionError where a stack is not there or makes no heat.
    """
    from thermostack.mesh.heat_sources import find_heat_sources
    from thermostack.transient.throttle_presets import gpu_throttle, hbm_throttle

    heaters = find_heat_sources(model)
    made: dict[str, Throttle] = {}
    for name, what in asked.items():
        stacks = [stack.name for stack in model.package.stacks if stack.name.startswith(f"{name}.")]
        for stack in stacks or [name]:
            try:
                heaters.find(stack)
            except DescriptionError as error:
                diagnostic = error.diagnostics[0]
                raise usage_error(
                    "--throttle", diagnostic.message, diagnostic.hint, diagnostic.code
                ) from None
            if stack in made:
                raise usage_error("--throttle", f"{stack} is throttled twice", "", "E-DUPLICATE")
            if what == "hbm":
                made[stack] = hbm_throttle(stack)
            else:
                made[stack] = gpu_throttle(stack) if isinstance(what, str) else gpu_throttle(stack, what)
    return list(made.values())
