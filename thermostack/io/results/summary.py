"""Summary of a steady result as plain data for JSON, and a table of its parts as CSV."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thermostack.finite_volume.link_heat import link_summary
from thermostack.io.files.atomic_file import write_atomic
from thermostack.mesh.cooler_coverage import cooling_summary
from thermostack.results.zoom_agreement import agreement_summary

if TYPE_CHECKING:
    from thermostack.finite_volume.part_temperatures import PartTemperature
    from thermostack.linear.nonlinear_report import NonlinearReport
    from thermostack.results.refinement_log import Refinement
    from thermostack.results.steady_result import SteadyResult

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")

_COLUMNS = (
    "part",
    "power [W]",
    "min [K]",
    "mean [K]",
    "max [K]",
    "error of max [K]",
    "error of mean [K]",
    "extrapolated max [K]",
    "extrapolated mean [K]",
    "x of max [m]",
    "y of max [m]",
    "z of max [m]",
    "limit [K]",
    "margin [K]",
    "leakage [W]",
    "reference leakage [W]",
)


def result_summary(steady: SteadyResult) -> dict[str, Any]:
    """Return a steady result as plain data in SI units: W, K, m, s, bytes; null if not estimated.

    The keys, which `thermostack solve --json` prints, are stable: none is removed or changes its meaning, but
    new ones may be added. The blocks of floorplans, which belong to parts, are separate from the parts, so
    that the powers of the parts add up to the total.
    """
    model, report, balance, peak = steady.model, steady.report, steady.heat_balance, steady.peak
    return {
        "package": steady.package.name,
        "parts": {part.name: _temperatures(part) for part in steady.parts if not part.is_block},
        "blocks": {part.name: _temperatures(part) for part in steady.parts if part.is_block},
        "peak": {"part": peak.name, "temperature": peak.max, "error": peak.error, "at": list(peak.at)},
        "heat": {"in": balance.heat_in, "out": dict(balance.out), "imbalance": balance.imbalance},
        "coolers": cooling_summary(model.coolers),
        "links": link_summary(steady.links),
        "fill": dict(model.geometry.fills),
        "margin": _margin(steady.nearest_to_limit),
        "grid": {
            "cells": model.grid.cells,
            "active": model.active,
            "outside": model.outside,
            "shape": list(model.grid.shape),
        },
        "solver": {
            "iterations": report.total_iterations,
            "residual": report.residual if math.isfinite(report.residual) else None,
            "error": report.error,
            "method": report.method,
        },
        "nonlinear": None if steady.nonlinear is None else nonlinear_summary(steady.nonlinear),
        "refinement": None if steady.refinement is None else _refinement(steady.refinement),
        "seconds": dict(steady.seconds),
        "memory": steady.memory,
        "warnings": list(steady.warnings),
        **({} if (agreement := steady.agreement) is None else {"agreement": agreement_summary(agreement)}),
    }


def nonlinear_summary(report: NonlinearReport) -> dict[str, Any]:
    """Return outer iterations, loop gain, leakage and margin to the boiling crisis as plain data."""
    boiling = report.boiling
    margin = None
    if boiling is not None:
        margin = {"flux": boiling.flux, "critical_flux": boiling.critical_flux, "at": list(boiling.at)}
    return {
        "iterations": report.iterations,
        "history": list(report.history),
        "loop_gain": report.loop_gain,
        "leakage": report.leakage,
        "reference_leakage": report.reference_leakage,
        "boiling": margin,
    }


def _margin(part: PartTemperature | None) -> dict[str, Any] | None:
    """Return the part nearest to its limit, None if no part has a limit."""
    if part is None:
        return None
    return {
        "part": part.name,
        "margin": part.margin,
        "limit": part.limit,
        "exceeds": part.exceeds,
        "within_error": part.is_within_error,
    }


def _refinement(refinement: Refinement) -> dict[str, Any]:
    return {
        "tolerance": refinement.tolerance,
        "outcome": refinement.outcome,
        "advice": refinement.advice,
        "error": refinement.error,
        "part": refinement.part,
        "passes": [vars(each) for each in refinement.passes],
        "max_memory": refinement.max_memory,
        "max_time": refinement.max_time,
    }


def _temperatures(part: PartTemperature) -> dict[str, Any]:
    return {
        "power": part.power,
        "min": part.min,
        "mean": part.mean,
        "max": part.max,
        "error": part.error,
        "mean_error": part.mean_error,
        "extrapolated": part.extrapolated,
        "extrapolated_mean": part.extrapolated_mean,
        "at": list(part.at),
        "limit": part.limit,
        "margin": part.margin,
        "leakage": part.leakage,
        "reference_leakage": part.reference_leakage,
    }


def write_table(steady: SteadyResult, path: str | Path) -> None:
    """Write the temperatures of all parts and blocks as CSV, with all digits.

    Raises OutputError if the file cannot be written.
    """
    write_atomic(path, table_text(steady).encode())


def table_text(steady: SteadyResult) -> str:
    """Return the CSV table of all parts and blocks; unknown values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for part in steady.parts:
        values: tuple[float | None, ...] = (
            part.power,
            part.min,
            part.mean,
            part.max,
            part.error,
            part.mean_error,
        )
        values += (part.extrapolated, part.extrapolated_mean, *part.at, part.limit, part.margin)
        row = (*values, part.leakage, part.reference_leakage)
        writer.writerow(
            [escape_formula(part.name), *("" if value is None else repr(float(value)) for value in row)]
        )
    return text.getvalue()


def escape_formula(name: str) -> str:
    """Return a name with an apostrophe before it if a spreadsheet would evaluate it as a formula."""
    return f"'{name}" if name.startswith(_FORMULA_STARTS) else name
