"""Operating point of an influence matrix, and its error at other powers from nonlinear solves."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from thermostack.design.source_columns import SourceColumns
from thermostack.mesh.model import Model
from thermostack.results.influence_result import InfluenceMatrix, Linearisation
from thermostack.results.steady_result import SteadyResult
from thermostack.steady import solve_steady

POWER_FACTORS = (0.8, 1.2)  # of all described powers, at which the error is evaluated


class SolveOptions(NamedTuple):
    """Options of a nonlinear solve."""

    residual: float = 1e-8
    method: str = "multigrid"
    threads: int | None = None


def solve_at(model: Model, columns: SourceColumns, power: np.ndarray, options: SolveOptions) -> SteadyResult:
    """Return the steady temperatures of a model for powers of its sources [W], without an error estimate."""
    powered = columns.powered_model(model, power)
    return solve_steady(
        powered, residual=options.residual, method=options.method, threads=options.threads, estimate=False
    )


def evaluate_linearisation(
    matrix: InfluenceMatrix, columns: SourceColumns, t: np.ndarray, options: SolveOptions, *, check: bool
) -> InfluenceMatrix:
    """Return a matrix with its operating point, the field t [K], and its error at other powers if asked for.

    The error is the maximum difference from a nonlinear solve, over the means and over the peaks of all
    parts and blocks.
    """
    model = matrix.model
    assert model is not None
    inside = t[model.part > 0]
    means, peaks = {}, {}
    for factor in POWER_FACTORS if check else ():
        steady = solve_at(model, columns, factor * matrix.power, options)
        of_parts = {part.name: part for part in steady.parts}
        predicted = zip(matrix.outputs, matrix.temperatures(factor * matrix.power).tolist(), strict=True)
        means[factor] = max(
            (abs(of_parts[name].mean - value) for name, value in predicted if name in of_parts), default=0.0
        )
        if matrix.peaks is not None:
            hottest = zip(matrix.peaks.names, matrix.peak(factor * matrix.power).tolist(), strict=True)
            peaks[factor] = max(abs(of_parts[name].max - value) for name, value in hottest)
    at = Linearisation(float(inside.min()), float(inside.max()), means, peaks)
    return dataclasses.replace(matrix, linearisation=at)
