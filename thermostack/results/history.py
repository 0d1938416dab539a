"""How hot stacks and parts were over a run: their curves, families of like stacks, and a table of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.tables import NARROW_MARGIN, ZERO, table_of_parts
from thermostack.schema.fields import suggest
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from thermostack.transient.controllers import ThrottlingLog
    from thermostack.transient.run import TransientResult

MOST_BLOCKS = 8  # of a stack that are listed; the hottest where there are more


@dataclass(frozen=True, eq=False)
class History:
    """The greatest temperature and the power of a part, a block or a stack at every accepted step."""

    name: str
    time: np.ndarray  # (n,) s
    peak: np.ndarray  # (n,) K
    mean: np.ndarray  # (n,) K, the greatest of the means of its parts
    power: np.ndarray  # (n,) W, each from its time on
    limit: float | None  # K, of several the least

    @property
    def hottest(self) -> float:
        """Return the greatest temperature of the run [K]."""
        return float(self.peak.max())

    @property
    def when(self) -> float:
        """Return when it was first that hot [s]."""
        return float(self.time[int(self.peak.argmax())])

    @property
    def above(self) -> float:
        """Return for how long it was above its limit [s]; zero where it has none."""
        return 0.0 if self.limit is None else time_above(self.time, self.peak, self.limit)


def time_above(time: np.ndarray, values: np.ndarray, limit: float) -> float:
    """Return for how long [s] the straight lines between values at some times [s] run above a limit."""
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    share = (high > limit).astype(float)
    crosses = (low < limit) & (limit < high)
    share[crosses] = (high[crosses] - limit) / (high[crosses] - low[crosses])
    return float(share @ np.diff(time))


def history_of(transient: TransientResult, name: str) -> History:
    """Return the curve of a part, a heated block, a stack, or of all stacks whose names begin so.

    Raises KeyError with the nearest names.
    """
    members = [n for n, each in enumerate(transient.names) if each == name]
    if not members:
        solid = transient.names[: len(transient.model.parts)]
        members = [n for n, each in enumerate(solid) if each.startswith(f"{name}.")]
    members = [n for n in members if np.isfinite(transient.max[:, n]).all()]
    if not members:
        hint = suggest(name, names_of(transient))
        raise KeyError(f"no part is named {name!r}{'; ' if hint else ''}{hint}")
    known = [limit for n in members if (limit := _limit(transient, n)) is not None]
    return History(
        name,
        transient.time,
        transient.max[:, members].max(axis=1),
        transient.mean[:, members].max(axis=1),
        transient.power[:, members].sum(axis=1),
        min(known, default=None),
    )


def _limit(transient: TransientResult, member: int) -> float | None:
    """Return the limit of a part, or of the part that a block lies in [K]."""
    parts, blocks = transient.model.parts, transient.model.blocks
    return parts[member if member < len(parts) else blocks[member - len(parts)].part].limit


def names_of(transient: TransientResult) -> list[str]:
    """Return the names of all parts, blocks and stacks."""
    names: dict[str, None] = {}
    for name in transient.names:
        pieces = name.split(".")
        names.update(dict.fromkeys(".".join(pieces[: n + 1]) for n in range(len(pieces))))
    return list(names)


@dataclass(frozen=True, eq=False)
class StackGroup:
    """Stacks placed as copies of one another, like those of a memory: "hbm.west_0", "hbm.east_0"."""

    name: str
    histories: tuple[History, ...]

    @property
    def label(self) -> str:
        """Return its name, and of how many it is."""
        return self.name if len(self.histories) == 1 else f"{self.name}, {len(self.histories)} stacks"

    @property
    def max(self) -> np.ndarray:
        """Return the greatest temperature of all of them, (n,) K."""
        peaks: np.ndarray = np.stack([curve.peak for curve in self.histories]).max(axis=0)
        return peaks

    @property
    def min(self) -> np.ndarray:
        """Return that of the coolest of them, (n,) K."""
        peaks: np.ndarray = np.stack([curve.peak for curve in self.histories]).min(axis=0)
        return peaks

    @property
    def power(self) -> np.ndarray:
        """Return the power of all of them together, (n,) W."""
        power: np.ndarray = np.stack([curve.power for curve in self.histories]).sum(axis=0)
        return power

    @property
    def limit(self) -> float | None:
        """Return the least of their limits [K]."""
        return min((curve.limit for curve in self.histories if curve.limit is not None), default=None)


def group_stacks(transient: TransientResult, names: Sequence[str] | None = None) -> list[StackGroup]:
    """Return the curves asked for; without names those of all stacks that heat or have a limit, by family.

    Raises KeyError for an unknown name.
    """
    if names is not None:
        return [StackGroup(name, (history_of(transient, name),)) for name in names]
    found: dict[str, list[History]] = {}
    curves = list(_stack_curves(transient))
    chosen = [curve for curve in curves if curve.power.any() or curve.limit is not None] or curves
    for curve in chosen:
        found.setdefault(curve.name.partition(".")[0], []).append(curve)
    return [
        StackGroup(name if len(members) > 1 else members[0].name, tuple(members))
        for name, members in found.items()
    ]


def _stack_curves(transient: TransientResult) -> Iterator[History]:
    parts = transient.names[: len(transient.model.parts)]
    for stack in transient.model.package.stacks:
        if any(part.startswith(f"{stack.name}.") for part in parts):
            yield history_of(transient, stack.name)


# -- tables ----------------------------------------------------------------------------------------


def history_table(
    transient: TransientResult, width: int = 120, names: Sequence[str] | None = None
) -> RenderableType:
    """Return how hot each stack and its parts were in a run, when, how long above the limit, and at its end.

    With names only those parts, blocks or stacks. What the controllers did stands below.
    Raises KeyError for an unknown name.
    """
    table, columns = table_of_parts(_COLUMNS, _LEAST_IMPORTANT, width)
    if names is not None:
        for name in names:
            table.add_row(Text(name), *_cells(history_of(transient, name), columns))
    else:
        for n, stack in enumerate(_stack_curves(transient)):
            if n > 0:
                table.add_row()
            _add_stack(table, transient, stack, columns)
    if not transient.throttling:
        return table
    return Group(table, Text(), throttling_table(transient.throttling))


_COLUMNS = {  # title: unit, and the characters it takes with the space beside it
    "power": ("W, mean", 10),
    "start": ("degC", 8),
    "peak": ("degC", 8),
    "at": ("", 11),
    "end": ("degC", 8),
    "limit": ("degC", 7),
    "above limit": ("", 13),
    "margin": ("K", 8),
}
_LEAST_IMPORTANT = (("start",), ("limit",), ("power",), ("margin",))


def _add_stack(table: Table, transient: TransientResult, stack: History, columns: Sequence[str]) -> None:
    """Add the rows of a stack: itself, its parts, and of its heated blocks the hottest."""
    solid = len(transient.model.parts)
    inner = [n for n, name in enumerate(transient.names) if name.startswith(f"{stack.name}.")]
    inner = [n for n in inner if np.isfinite(transient.max[:, n]).all()]
    blocks = sorted((n for n in inner if n >= solid), key=lambda n: -transient.max[:, n].max())[:MOST_BLOCKS]
    table.add_row(Text(stack.name), *_cells(stack, columns), style="bold")
    for n in (n for n in inner if n < solid):
        name = transient.names[n]
        table.add_row(
            Text("  " + name.removeprefix(f"{stack.name}.")), *_cells(history_of(transient, name), columns)
        )
        for m in (m for m in blocks if transient.model.blocks[m - solid].part == n):
            block = transient.names[m]
            table.add_row(
                Text("    " + block.removeprefix(f"{name}.")), *_cells(history_of(transient, block), columns)
            )
    dropped = sum(n >= solid for n in inner) - len(blocks)
    if dropped > 0:
        table.add_row(Text(f"    and {dropped} cooler blocks"), style="dim")


def _cells(curve: History, columns: Sequence[str]) -> list[Text]:
    margin = None if curve.limit is None else curve.limit - curve.hottest
    duration = float(curve.time[-1] - curve.time[0])
    mean_power = float(curve.power[:-1] @ np.diff(curve.time)) / duration if duration > 0.0 else 0.0
    style = (
        "" if margin is None else "red" if margin < 0.0 else "yellow" if margin < NARROW_MARGIN else "green"
    )
    values = {
        "power": f"{mean_power:.3f}" if curve.power.any() else "",
        "start": f"{curve.peak[0] - ZERO:.2f}",
        "peak": f"{curve.hottest - ZERO:.2f}",
        "at": format_quantity(curve.when, "time"),
        "end": f"{curve.peak[-1] - ZERO:.2f}",
        "limit": "" if curve.limit is None else f"{curve.limit - ZERO:.0f}",
        "above limit": ""
        if curve.limit is None
        else format_quantity(curve.above, "time")
        if curve.above
        else "never",
        "margin": "" if margin is None else f"{margin:.1f}",
    }
    marked, style = ("margin", "above limit"), _style(margin)
    return [Text(values[title], style=style if title in marked else "") for title in columns]


def _style(margin: float | None) -> str:
    if margin is None:
        return ""
    return "red" if margin < 0.0 else "yellow" if margin < NARROW_MARGIN else "green"


def throttling_table(throttling: Sequence[ThrottlingLog]) -> RenderableType:
    """Return of each controller when it first throttled, how long, how often, and what that cost."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    table.add_column("controller", no_wrap=True, overflow="ellipsis", max_width=34, min_width=16)
    for title in ("first", "throttled", "", "changes", "lost"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("time in each state")
    for each in throttling:
        span, lost = each.end - each.start, each.performance_lost
        states = ", ".join(
            f"{name} {_percent(spent, span)}" for name, spent in each.seconds.items() if spent > 0.0
        )
        table.add_row(
            Text(each.name),
            "never" if each.first is None else format_quantity(each.first, "time"),
            format_quantity(each.throttled, "time") if each.throttled else "",
            _percent(each.throttled, span) if each.throttled else "",
            str(each.changes),
            "?" if lost is None else f"{100.0 * lost:.1f} %",
            Text(states),
        )
    return table


def _percent(part: float, whole: float) -> str:
    return f"{100.0 * part / whole if whole > 0.0 else 0.0:.1f} %"
