"""Figures and tables of the comparison with other libraries, from the results of libraries.py.

    python benchmarks/plots.py [--results benchmarks/results/libraries.json] [--folder docs/pictures] [--page]

Prints the tables and writes the figures; `--page` also writes the tables into
docs/development/library_comparison.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "drivers"))

from catalogue import CLAIMS, THERMOSTACK_NAME  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "libraries.json"
TABLE_PAGE = ROOT / "docs" / "development" / "library_comparison.md"
BEGIN, END = "<!-- tables: written by benchmarks/plots.py -->", "<!-- end of tables -->"
COLOURS = {
    THERMOSTACK_NAME: "#c1121f",
    "hypre PFMG": "#1d4e89",
    "hypre BoomerAMG": "#4a90c2",
    "AMGCL": "#2a7f62",
    "PyAMG": "#8a6d1d",
    "PARDISO": "#555555",
    "CHOLMOD": "#888888",
    "SuperLU": "#9a5aa5",
}
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "savefig.dpi": 130,
}
SIZE = (7.2, 4.6)  # inches
# Minimum memory traffic: each array is read or written once by each sweep over it.
UNIT_BYTES = 40  # per cell: three conductances, temperature and right-hand side in float64
CYCLE_BYTES = 52  # per cell of every grid: pre- (16 + b + t) and postsmoothing (16 + b + 2 t) in float32
SEARCH_BYTES = (
    48  # per cell and iteration: conductances, z, p and b (both also written) in float32, t in float64
)
RESIDUAL_BYTES = 32  # per cell, once: conductances and b in float32, right-hand side and t in float64

Found = dict[str, Any]


def totals(results: Found) -> Iterator[tuple[str, float]]:
    """Yield the libraries that solved the problem, with their times [s]."""
    for name, one in results.items():
        if "total_s" in one:
            yield name, float(one["total_s"])


def names_of(sizes: Sequence[Found]) -> list[str]:
    return list(dict.fromkeys(name for size in sizes for name, _ in totals(size["results"])))


def in_words(cells: int) -> str:
    return f"{cells / 1e6:.2f} million" if cells >= 1e5 else f"{cells}"


# -- figures ----------------------------------------------------------------------------------------


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]], gap: float) -> None:
    """Write the name of each line to the right of its end, with a minimum ratio `gap` in y between names."""
    at = -np.inf
    for x, y, name, colour in sorted(ends, key=lambda end: end[1]):
        at = max(np.log(y), at + np.log(gap))
        weight = "bold" if name == THERMOSTACK_NAME else "normal"
        axes.annotate(
            name,
            (x, np.exp(at)),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            weight=weight,
        )


def draw_time(saved: Found, file: Path) -> None:
    """Draw the time per cell against the cells."""
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    sizes, ends = saved["sizes"], []
    for name in names_of(sizes):
        points = [
            (size["cells"], 1e6 * dict(totals(size["results"]))[name] / size["cells"])
            for size in sizes
            if name in dict(totals(size["results"]))
        ]
        x, y = zip(*points, strict=True)
        colour = COLOURS.get(name, "black")
        width = 2.4 if name == THERMOSTACK_NAME else 1.4
        axes.plot(x, y, marker="o", ms=4.5, color=colour, lw=width, clip_on=False)
        ends.append((x[-1], y[-1], name, colour))
    axes.set(xscale="log", yscale="log", xlabel="cells", ylabel="microseconds per cell, one thread")
    axes.set_title("Set-up and solution to a true residual of 1e-8")
    last = max(size["cells"] for size in sizes)
    for cells in {end[0] for end in ends}:
        label_ends(axes, [end for end in ends if end[0] == cells], 1.55)
    axes.set_xlim(0.8 * min(size["cells"] for size in sizes), 3.2 * last)
    axes.set_xticks([size["cells"] for size in sizes], [f"{size['cells'] / 1e6:.3g} M" for size in sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(plt.NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    save(figure, file)


def draw_histories(saved: Found, file: Path) -> None:
    """Draw the true residual against the time since the start, set-up included."""
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    cells, ends = saved["histories"]["cells"], []
    results = next(size["results"] for size in saved["sizes"] if size["cells"] == cells)
    unit = results[THERMOSTACK_NAME]["unit_s"]
    for name, one in saved["histories"]["of"].items():
        seconds = np.array([one["setup_s"], *np.maximum.accumulate(one["seconds"])])
        residuals = np.array([1.0, *np.minimum.accumulate(one["residuals"])])
        colour = COLOURS.get(name, "black")
        axes.plot(
            seconds, residuals, marker="o", ms=3.5, color=colour, lw=2.4 if name == THERMOSTACK_NAME else 1.4
        )
        ends.append((seconds[-1], residuals[-1], name, colour))
    axes.set(xscale="log", yscale="log", xlabel="seconds from the start of the set-up", ylim=(2e-10, 2.0))
    axes.set_ylabel("true residual / right-hand side")
    axes.set_yticks([10.0**-n for n in range(0, 10, 2)])
    axes.axhline(1e-8, color="black", lw=0.7, ls=(0, (4, 3)))
    for n, (seconds, residual, name, colour) in enumerate(sorted(ends)):
        axes.annotate(
            name,
            (seconds, residual),
            (2, -10 - 16 * ((n + 1) % 2)) if n < len(ends) - 1 else (6, 0),
            textcoords="offset points",
            ha="right" if n < len(ends) - 1 else "left",
            va="top" if n < len(ends) - 1 else "center",
            color=colour,
            weight="bold" if name == THERMOSTACK_NAME else "normal",
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6},
        )
    axes.set_xlim(axes.get_xlim()[0], 1.8 * max(end[0] for end in ends))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    above = axes.secondary_xaxis("top", functions=(lambda x: x / unit, lambda x: x * unit))
    above.set_xlabel("work units (applications of the operator)")
    above.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_title(f"Convergence on {in_words(cells)} cells; a line begins where its set-up ends")
    save(figure, file)


def phases(size: Found) -> dict[str, tuple[float, float]]:
    """Return the minimum memory traffic of each phase of a solution [bytes], and its time [s]."""
    own, cells = size["results"][THERMOSTACK_NAME], size["cells"]
    search = own["solve_s"] - own["iterations"] * own["cycle_s"]
    return {
        "work unit": (UNIT_BYTES * cells, own["unit_s"]),
        "cycle": (CYCLE_BYTES * own["cells_of_levels"], own["cycle_s"]),
        "conjugate gradients": ((own["iterations"] * SEARCH_BYTES + RESIDUAL_BYTES) * cells, search),
    }


def draw_roof(saved: Found, file: Path) -> None:
    """Draw the bandwidth of the phases and of the machine against the size of the arrays."""
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    held, rate = np.array(saved["stream"], dtype=float).T
    axes.plot(held, rate / 1e9, color="black", lw=1.6)
    axes.fill_between(held, rate / 1e9, 1e3, color="#f0f0f0", lw=0)
    axes.annotate(
        "STREAM triad, one thread",
        (held[1], rate[1] / 1e9),
        (4, 6),
        textcoords="offset points",
        weight="bold",
    )
    sizes = [size for size in saved["sizes"] if "total_s" in size["results"][THERMOSTACK_NAME]]
    marks = {
        "work unit": ("o", "#1d4e89"),
        "cycle": ("s", "#c1121f"),
        "conjugate gradients": ("^", "#2a7f62"),
    }
    for name, (mark, colour) in marks.items():
        x = [UNIT_BYTES * size["cells"] for size in sizes]
        y = [moved / seconds / 1e9 for size in sizes for moved, seconds in [phases(size)[name]]]
        axes.plot(x, y, marker=mark, ms=6, color=colour, lw=1.0)
        axes.annotate(name, (x[-1], y[-1]), (7, 0), textcoords="offset points", color=colour, va="center")
    for size in sizes:
        axes.annotate(
            f"{size['cells'] / 1e6:.3g} M cells",
            (UNIT_BYTES * size["cells"], 0.0),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            color="#777777",
            size=8,
        )
    axes.set(xscale="log", yscale="log", xlabel="bytes worked on", ylabel="bytes moved per second [GB/s]")
    min_rate = min(moved / seconds / 1e9 for size in sizes for moved, seconds in phases(size).values())
    axes.set(ylim=(0.4 * min_rate, 1.6 * rate.max() / 1e9), xlim=(held[0], held[-1]))
    names = {1e6: "1 MB", 1e7: "10 MB", 1e8: "100 MB", 1e9: "1 GB"}
    axes.set_xticks(list(names), list(names.values()))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_title("How near the solver comes to the bandwidth of the machine")
    save(figure, file)


def save(figure: plt.Figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Software": None})
    plt.close(figure)
    print(f"written: {file.name}")


# -- tables ------------------------------------------------------------------------------------------


def three(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:.3g}" if value < 1000.0 else f"{value:,.0f}".replace(",", " ")


def tables(saved: Found) -> str:
    """Return the tables of the page: times and ratios of every library, then the claims."""
    sizes = saved["sizes"]
    rows = [
        "| | " + " | ".join(f"{in_words(size['cells'])} cells" for size in sizes) + " | settings |",
        "| --- |" + " ---: |" * len(sizes) + " --- |",
    ]
    for name in names_of(sizes):
        row, settings = [], ""
        for size in sizes:
            found = dict(totals(size["results"]))
            if name not in found:
                row.append("–")
                continue
            one = size["results"][name]
            settings = one.get("settings", "")
            ratio = f" ({three(found[name] / found[THERMOSTACK_NAME])})" if name != THERMOSTACK_NAME else ""
            row.append(f"{three(found[name])} s{ratio}")
        rows.append(f"| {name} | " + " | ".join(row) + f" | {settings} |")
    rows += ["", "| times faster than | cells | aim | measured |", "| --- | ---: | ---: | ---: |"]
    for claimed, million, times in CLAIMS:
        for size in sizes:
            found = dict(totals(size["results"]))
            theirs = [found[name] for name in claimed if name in found]
            if size["million"] == million and theirs:
                measured = three(min(theirs) / found[THERMOSTACK_NAME])
                rows.append(
                    f"| {' and '.join(claimed)} | {in_words(size['cells'])} | {times:g} | {measured} |"
                )
    rows += ["", "| per cell | " + " | ".join(f"{in_words(size['cells'])} cells" for size in sizes) + " |"]
    rows.append("| --- |" + " ---: |" * len(sizes))
    for name in names_of(sizes):
        if any(name in dict(totals(size["results"])) for size in sizes):
            held = [size["results"].get(name, {}).get("bytes_per_cell") for size in sizes]
            rows.append(f"| {name} | " + " | ".join(f"{three(b)} B" if b else "–" for b in held) + " |")
    return "\n".join([*rows, "", conditions(saved)])


def conditions(saved: Found) -> str:
    """Return a sentence on the machine, the versions, and the time of thermostack in work units."""
    machine, sizes = saved["machine"], saved["sizes"]
    own = [size["results"][THERMOSTACK_NAME] for size in sizes]
    units = ", ".join(three(one["total_s"] / one["unit_s"]) for one in own)
    lengths = ", ".join(three(1e3 * one["unit_s"]) for one in own)
    iterations = ", ".join(str(one["iterations"]) for one in own)
    measured = " ".join(names_of(sizes))
    versions = ", ".join(version for name, version in saved["versions"].items() if name in measured)
    return (
        f"thermostack takes {iterations} iterations, in all {units} work units, which are {lengths} ms. "
        f"One thread of {machine['processors']} of an {machine['processor'].replace('(R)', '')}; load "
        f"{machine['load']:.1f} as it began. {versions}."
    )


def draw(saved: Found, folder: Path) -> None:
    """Write the figures into a folder."""
    with plt.rc_context(STYLE):
        draw_time(saved, folder / "libraries_time.png")
        if saved.get("histories"):
            draw_histories(saved, folder / "libraries_convergence.png")
        if saved["stream"]:
            draw_roof(saved, folder / "roofline.png")


def on_page(page: str, table: str) -> str:
    """Return the page with its tables replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument(
        "--page", action="store_true", help="put the tables on docs/development/library_comparison.md"
    )
    parser.add_argument("--quick", action="store_true", help="keep no files, to test that it runs")
    options = parser.parse_args()
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            draw(json.loads(options.results.read_text(encoding="utf-8")), Path(folder))
        return
    saved = json.loads(options.results.read_text(encoding="utf-8"))
    print(tables(saved))
    if options.page:
        TABLE_PAGE.write_text(
            on_page(TABLE_PAGE.read_text(encoding="utf-8"), tables(saved)), encoding="utf-8"
        )
    draw(saved, options.folder)


if __name__ == "__main__":
    main()
