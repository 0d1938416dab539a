"""Peaks of many power vectors agree with those of all points, for powers of any sign and other ambients."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import thermostack as ts
from thermostack.results.compact_peaks import RELATIVE_ERROR, compact_groups, compact_maxima
from thermostack.results.peak_map import COMPACT_VECTORS, POINTS, PeakMap


@cache
def h100() -> ts.InfluenceMatrix:
    return ts.influence(ts.discretize(ts.read_package("cowos_s_h100"), cell="4 mm"), check=False)


def all_points(peaks: PeakMap, power: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Return the maxima over all points in double precision [K]."""
    t = power @ peaks.rise.T.astype(np.float64) + constant
    return np.stack([t[:, peaks.points_of(n)].max(axis=1) for n in range(len(peaks.names))], axis=1)


@pytest.mark.parametrize("low", [0.0, -15.0])
@pytest.mark.parametrize("change", [0.0, 40.0])
def test_peaks_of_many_vectors_are_those_of_all_points(low: float, change: float) -> None:
    peaks = h100().require_peaks()
    power = np.random.default_rng(3).uniform(low, 15.0, (COMPACT_VECTORS, len(h100().sources)))
    constant = peaks.constant_at(change * np.linspace(-1.0, 1.0, len(h100().ambients)))
    rise = np.abs(power).sum(axis=1).max() * np.abs(peaks.rise).max()
    bound = 4.0 * RELATIVE_ERROR * rise
    found = peaks.maxima(power, constant)
    assert np.abs(found - all_points(peaks, power, constant)).max() < min(bound, 5e-4)


def test_each_source_alone_has_its_peak() -> None:
    peaks = h100().require_peaks()
    power = np.diag(np.full(len(h100().sources), 20.0))
    found = compact_maxima(peaks, compact_groups(peaks), power, peaks.constant)
    assert found == pytest.approx(all_points(peaks, power, peaks.constant), abs=2e-4)


def test_many_vectors_and_single_ones_have_the_same_peaks() -> None:
    power = np.random.default_rng(4).uniform(0.0, 10.0, (COMPACT_VECTORS, len(h100().sources)))
    many = h100().peak(power)
    assert many[:5] == pytest.approx(np.array([h100().peak(each) for each in power[:5]]), abs=2e-4)


def test_faces_between_cells_of_a_part_are_left_out_and_surfaces_are_kept() -> None:
    peaks = h100().require_peaks()
    groups = compact_groups(peaks)
    assert sum(group.point.size for group in groups) < 0.6 * POINTS * peaks.member.size
    for n, group in enumerate(groups):
        own = peaks.points_of(n)
        height = np.array([peaks.position(point)[2] for point in own.tolist()])
        assert np.isin(own[height == height.max()], group.point).all()
        assert np.isin(group.point, own).all()
        assert group.left.shape[1] <= len(h100().sources)


def test_a_part_of_one_cell_has_all_its_points() -> None:
    peaks = PeakMap(
        ("cell",),
        (None,),
        (False,),
        np.array([0, 1]),
        np.array([0]),
        np.zeros((1, 3)),
        np.ones((1, 3)),
        np.arange(14, dtype=np.float32).reshape(7, 2),
        np.full(7, 300.0),
        np.ones((7, 1)),
    )
    groups = compact_groups(peaks)
    assert groups[0].point.tolist() == list(range(7))
    found = compact_maxima(peaks, groups, np.array([[1.0, 2.0], [-1.0, 0.0]]), peaks.constant)
    assert found[:, 0] == pytest.approx([300.0 + 12.0 + 26.0, 300.0])
