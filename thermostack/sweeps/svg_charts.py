"""Charts as inline SVG for the report of a sweep: points and lines over an axis, and horizontal bars.

Colours are classes of the style sheet of the page. All texts are escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 340, 230  # of a chart with axes, in pixels
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 10, 44  # margins, in pixels
BAR_HEIGHT, BAR_LABEL, BAR_WIDTH = 22, 190, 300  # pixels
LOG_RATIO = 50.0  # of the largest to the smallest value, from which an axis is logarithmic
MAX_POINTS = 1000  # of a chart
MAX_CATEGORIES = 12  # with a label on the axis
COLORS = 6  # classes c0 to c5
TICKS = 5


def number_text(value: float) -> str:
    """Return a number with at most four significant digits.

    >>> [number_text(value) for value in (0.0, 351.2345, 2e-7, 40000.0)]
    ['0', '351.2', '2e-07', '4e+04']
    """
    return f"{value:.4g}"


@dataclass(frozen=True)
class Scale:
    """Map from the values of a column to pixels: linear, logarithmic, or categories at equal distances."""

    low: float
    high: float
    start: float  # pixel of the low value
    stop: float
    is_log: bool = False
    categories: tuple[str, ...] = ()

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high = self.low, self.high
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        fraction = 0.5 if high == low else (value - low) / (high - low)
        return self.start + fraction * (self.stop - self.start)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Return positions and labels of the ticks."""
        if self.categories:
            step = max(1, math.ceil(len(self.categories) / MAX_CATEGORIES))
            return [(float(n), text) for n, text in enumerate(self.categories)][::step]
        if self.is_log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            values = [10.0**n for n in range(first, last + 1)]
            if len(values) > 1:
                return [(value, number_text(value)) for value in values]
            return [(value, number_text(value)) for value in (self.low, self.high)]
        return [(value, number_text(value)) for value in nice_ticks(self.low, self.high)]


def nice_ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers between two numbers.

    >>> nice_ticks(0.0, 10.0)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1.0, 2.0, 5.0, 10.0) if factor * size >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.10g}") for n in range(first, last + 1)]


def positions_of(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return numbers as they are, and texts as the numbers of their categories, with the categories."""
    if values.dtype.kind == "f":
        return values, ()
    categories, index = np.unique(values, return_inverse=True)
    return index.astype(float), tuple(str(each) for each in categories)


def scale_of(values: np.ndarray, categories: tuple[str, ...], start: float, stop: float) -> Scale:
    """Return the scale of finite values, with a little room at both ends."""
    low, high = float(values.min()), float(values.max())
    if categories:
        return Scale(-0.5, len(categories) - 0.5, start, stop, categories=categories)
    if low > 0.0 and high / low >= LOG_RATIO:
        room = (high / low) ** 0.05
        return Scale(low / room, high * room, start, stop, is_log=True)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Scale(low - room, high + room, start, stop)


@dataclass(frozen=True)
class Series:
    """Rows of a table that a line joins, with the text of a tooltip."""

    rows: np.ndarray
    title: str = ""


def scatter_chart(
    x: np.ndarray,
    y: np.ndarray,
    labels: tuple[str, str],
    cases: np.ndarray,
    series: Sequence[Series] = (),
    marked: np.ndarray | None = None,
) -> str:
    """Return the chart of y over x with a line for each series; `marked` rows are emphasised.

    `cases` are the numbers of the rows, which tooltips show. Of more than 1000 points an evenly spaced part
    is shown.
    """
    x, x_categories = positions_of(x)
    y, y_categories = positions_of(y)
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not known.size:
        return '<p class="note">no case has both values</p>'
    horizontal = scale_of(x[known], x_categories, LEFT, WIDTH - RIGHT)
    vertical = scale_of(y[known], y_categories, HEIGHT - BOTTOM, TOP)
    shown = known[:: math.ceil(known.size / MAX_POINTS)]
    pieces = [_frame(horizontal, vertical, labels)]
    color = np.zeros(x.size, dtype=int)
    for n, each in enumerate(series):
        rows = each.rows[np.isin(each.rows, known)]
        color[rows] = n % COLORS
        path = " ".join(f"{horizontal(x[row]):.1f},{vertical(y[row]):.1f}" for row in rows)
        title = f"<title>{escape(each.title)}</title>" if each.title else ""
        pieces.append(f'<polyline class="line c{n % COLORS}" points="{path}">{title}</polyline>')
    points = [(row, f"point c{color[row]}", 2.2) for row in shown.tolist()]
    points += [] if marked is None else [(row, "point marked", 3.6) for row in marked.tolist()]
    pieces += [
        _point(horizontal(x[row]), vertical(y[row]), kind, size, int(cases[row]))
        for row, kind, size in points
    ]
    name = f"{labels[1]} over {labels[0]}"
    return _svg(WIDTH, HEIGHT, name, pieces)


def _point(x: float, y: float, kind: str, radius: float, case: int) -> str:
    title = f"<title>case {case}</title>"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}">{title}</circle>'


def _frame(horizontal: Scale, vertical: Scale, labels: tuple[str, str]) -> str:
    """Return axes, ticks, grid lines and labels."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    pieces = [f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}"/>']
    for value, text in horizontal.ticks:
        x = horizontal(value)
        pieces.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        pieces.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{escape(text[:14])}</text>')
    for value, text in vertical.ticks:
        y = vertical(value)
        pieces.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        pieces.append(f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{escape(text[:9])}</text>')
    middle, center = (LEFT + right) / 2, (TOP + bottom) / 2
    pieces.append(_label(labels[0], f'x="{middle}" y="{HEIGHT - 8}"'))
    pieces.append(_label(labels[1], f'transform="translate(12 {center}) rotate(-90)"'))
    return "".join(pieces)


def _label(text: str, place: str) -> str:
    shown = text if len(text) <= 44 else f"...{text[-41:]}"
    title = f"<title>{escape(text)}</title>"
    return f'<text class="label" {place} text-anchor="middle">{escape(shown)}{title}</text>'


def _svg(width: float, height: float, name: str, pieces: Sequence[str]) -> str:
    start = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    return f'{start} aria-label="{escape(name)}">{"".join(pieces)}</svg>'


# -- bars ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """A bar from a base value to two others, or to one, with a label and texts at its ends."""

    label: str
    values: tuple[float, ...]
    texts: tuple[str, ...] = ()
    intervals: tuple[float, ...] = ()  # half widths of confidence, of each value


def bar_chart(bars: Sequence[Bar], base: float, label: str, legend: tuple[str, str]) -> str:
    """Return horizontal bars of two values each, on both sides of a base or above each other.

    `legend` names the first and the second value of each bar.
    """
    values = [base, *(value for bar in bars for value in bar.values)]
    reach = [value + side * (bar.intervals[n] if bar.intervals else 0.0)
             for bar in bars for n, value in enumerate(bar.values) for side in (-1, 1)]  # fmt: skip
    low, high = min([*values, *reach]), max([*values, *reach])
    room = 0.16 * (high - low) or 1.0
    scale = Scale(low - room, high + room, BAR_LABEL, BAR_LABEL + BAR_WIDTH)
    height = BAR_HEIGHT * len(bars) + TOP + BOTTOM
    pieces = []
    for value, text in scale.ticks:
        x = scale(value)
        pieces.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - BOTTOM}"/>')
        pieces.append(
            f'<text x="{x:.1f}" y="{height - BOTTOM + 14}" text-anchor="middle">{escape(text)}</text>'
        )
    for n, bar in enumerate(bars):
        pieces.append(_bar(bar, scale, base, TOP + n * BAR_HEIGHT))
    x = scale(base)
    pieces.append(f'<line class="base" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - BOTTOM}"/>')
    middle = BAR_LABEL + BAR_WIDTH / 2
    pieces.append(_label(label, f'x="{middle}" y="{height - 12}"'))
    for n, text in enumerate(legend):
        y = height - 26 + 14 * n
        pieces.append(f'<rect class="bar b{n}" x="8" y="{y}" width="10" height="10"/>')
        pieces.append(f'<text x="22" y="{y + 9}">{escape(text)}</text>')
    return _svg(BAR_LABEL + BAR_WIDTH + RIGHT, height, label, pieces)


def _bar(bar: Bar, scale: Scale, base: float, top: float) -> str:
    """Return one bar; values on one side of the base share its height."""
    is_split = len(bar.values) == 2 and (bar.values[0] - base) * (bar.values[1] - base) >= 0.0
    height = (BAR_HEIGHT - 6) / (2 if is_split else 1)
    label = bar.label if len(bar.label) <= 30 else f"...{bar.label[-27:]}"
    place = f'x="{BAR_LABEL - 6}" y="{top + 14}" text-anchor="end"'
    pieces = [f"<text {place}>{escape(label)}<title>{escape(bar.label)}</title></text>"]
    for n, value in enumerate(bar.values):
        start, stop = sorted((scale(base), scale(value)))
        y = top + 3 + (n * height if is_split else 0.0)
        width = max(stop - start, 0.5)
        pieces.append(
            f'<rect class="bar b{n}" x="{start:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        )
        if bar.intervals:
            ends = [scale(value + side * bar.intervals[n]) for side in (-1.0, 1.0)]
            y_mid = y + height / 2
            pieces.append(
                f'<line class="interval" x1="{ends[0]:.1f}" y1="{y_mid}" x2="{ends[1]:.1f}" y2="{y_mid}"/>'
            )
        if bar.texts:
            is_left = value < base
            anchor, x = ("end", start - 3) if is_left else ("start", stop + 3)
            size = f'y="{y + height / 2 + 3.5:.1f}" text-anchor="{anchor}"'
            pieces.append(f'<text class="value" x="{x:.1f}" {size}>{escape(bar.texts[n])}</text>')
    return "".join(pieces)
