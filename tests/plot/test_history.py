"""The picture of a run shows its curves, its limits, and who was throttled when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread
from support.small_result import small_model
from support.small_run import Run, small_run

from thermostack.errors import OutputError
from thermostack.plot.history import BIN_COUNT, _lost_performance, _separate, plot_history
from thermostack.results.history import group_stacks
from thermostack.results.throttling_log import ThrottlingLog

CELSIUS = 273.15


@pytest.fixture(scope="module")
def run() -> Run:
    return small_run(small_model())


def throttled(name: str = "logic", **options: Any) -> ThrottlingLog:
    known: dict[str, Any] = {
        "times": (0.0, 0.5, 1.0),
        "levels": (0, 1, 0),
        "performance": (1.0, 0.6),
        **options,
    }
    return ThrottlingLog(name, ("logic",), ("full", "half"), start=0.0, end=2.0, **known)


def texts(figure: Figure) -> list[str]:
    """Return all that is written in a figure."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()]
        found += [text.get_text() for text in axes.texts]
        found += [label.get_text() for label in axes.get_yticklabels()]
    return found


def test_figure_shows_the_histories_of_the_stacks(run: Any) -> None:
    figure = plot_history(run)
    axes = figure.axes[0]
    for family in group_stacks(run):
        curve = family.max - CELSIUS
        assert any(
            line.get_xdata().size == curve.size and np.allclose(line.get_ydata(), curve)
            for line in axes.lines
        )
        assert f"{family.label}\nmax {curve.max():.1f} °C" in texts(figure)


def test_power_panel_shows_the_total(run: Any) -> None:
    figure = plot_history(run)
    total = run.power[:, : len(run.model.parts)].sum(axis=1)
    assert any(np.allclose(line.get_ydata(), total) for line in figure.axes[-1].lines)
    assert figure.axes[-1].get_ylim()[0] <= 0.0


def test_parts_can_be_selected(run: Any) -> None:
    figure = plot_history(run, parts=["interposer", "logic.active.core"])
    said = "\n".join(texts(figure))
    assert "interposer" in said
    assert "logic.active.core" in said
    assert "memory\n" not in said
    with pytest.raises(KeyError, match="did you mean"):
        plot_history(run, parts=["logc"])


def test_close_limit_is_a_dashed_line(run: Any) -> None:
    hot: Any = replace(run, max=run.max + 20.0)
    figure = plot_history(hot)
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == [pytest.approx(360.0 - CELSIUS)]
    assert any("limit of logic, 86.85 °C" in text for text in texts(figure))
    assert figure.axes[0].get_ylim()[1] > 360.0 - CELSIUS


def test_limit_far_above_is_left_out(run: Any) -> None:
    cool: Any = replace(run, max=300.0 + 0.1 * (run.max - 300.0))
    figure = plot_history(cool)
    assert figure.axes[0].get_ylim()[1] < 60.0


@pytest.mark.parametrize(
    ("end", "unit"), [(50e-6, "us"), (2e-3, "ms"), (0.5, "ms"), (2.0, "s"), (1200.0, "min"), (1e5, "h")]
)
def test_time_axis_has_a_suitable_unit(end: float, unit: str) -> None:
    figure = plot_history(small_run(small_model(), end=end))  # type: ignore[arg-type]
    assert f"time [{unit}]" in texts(figure)


def test_logarithmic_axis_begins_at_the_first_step(run: Any) -> None:
    axes = plot_history(run, log=True).axes[-1]
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[0] == pytest.approx(run.time[1])
    assert axes.get_xlim()[1] == pytest.approx(run.time[-1])


def test_throttled_times_are_shaded_and_labelled(run: Any) -> None:
    figure = plot_history(replace(run, throttling=(throttled(), throttled("other", levels=(0, 0, 0)))))
    temperature, states, _ = figure.axes
    (ground,) = (each for each in temperature.collections if each.get_array() is not None)
    alpha = np.asarray(ground.get_array()).reshape(-1, 4)[:, 3]
    middle = (np.arange(BIN_COUNT) + 0.5) * 2.0 / BIN_COUNT
    assert (alpha[(middle > 0.51) & (middle < 0.99)] > 0.0).all()
    assert (alpha[(middle < 0.49) | (middle > 1.01)] == 0.0).all()
    assert [label.get_text() for label in states.get_yticklabels()] == ["logic", "other"]
    assert "10.0 % lost" in texts(figure)
    assert "0.0 % lost" in texts(figure)


def test_unknown_performance_has_no_label(run: Any) -> None:
    figure = plot_history(replace(run, throttling=(throttled(performance=(1.0, None)),)))
    assert not any("lost" in text for text in texts(figure))


@given(st.lists(st.tuples(st.floats(1e-3, 1.0), st.integers(0, 2)), min_size=1, max_size=20))
def test_mean_of_the_bins_is_the_lost_performance(spells: list[tuple[float, int]]) -> None:
    times = np.cumsum([0.0, *(length for length, _ in spells)])
    states = ThrottlingLog(
        "gpu", ("gpu",), ("a", "b", "c"), (1.0, 0.7, 0.2), 0.0, float(times[-1]),
        tuple(times[:-1].tolist()), tuple(level for _, level in spells),
    )  # fmt: skip
    edges = np.linspace(0.0, times[-1], 38)
    assert _lost_performance(states, edges).mean() == pytest.approx(states.performance_lost, abs=1e-9)


@given(st.lists(st.floats(-50.0, 300.0), min_size=1, max_size=8))
def test_labels_do_not_overlap(wanted: list[float]) -> None:
    places = _separate(np.array(wanted), 20.0, 250.0)
    assert (np.diff(np.sort(places)) > 19.0).all()
    assert places.min() > 5.0
    assert places.max() < 245.0
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(places[order]) > 0.0).all()


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_figure_is_written_in_each_format(run: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"run.{kind}"
    plot_history(replace(run, throttling=(throttled(),)), path)
    assert path.stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [path]
    if kind == "png":
        assert imread(path).shape[1] == 1650


def test_other_formats_are_rejected(run: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"name a file that ends in \.png"):
        plot_history(run, tmp_path / "run.gif")


def test_run_with_one_time_is_plotted(run: Any) -> None:
    still: Any = replace(
        run, time=run.time[:1], max=run.max[:1], min=run.min[:1], mean=run.mean[:1], power=run.power[:1]
    )
    assert plot_history(still).axes
