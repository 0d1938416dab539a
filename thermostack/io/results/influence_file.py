"""Files of an influence matrix: NPZ with all its data, a table as CSV, a summary as JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.errors import ResultFileError
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import require_replaceable
from thermostack.io.results.summary import escape_formula
from thermostack.results.influence_result import InfluenceMatrix, Linearisation
from thermostack.results.peak_map import PeakMap

FORMAT = 1  # of the NPZ file; a file of a larger number is of a newer version
METADATA = "metadata"  # array with the JSON of names and numbers
ARRAYS = (
    "power",
    "resistance",
    "constant",
    "source_resistance",
    "ambient_temperature",
    "ambient_weight",
    "source_ambient_weight",
    "heat",
    "constant_heat",
    "ambient_heat",
)
PEAK_ARRAYS = ("start", "member", "center", "width", "rise", "constant", "ambient")


def write_influence(matrix: InfluenceMatrix, path: str | Path) -> None:
    """Write a matrix to an NPZ file. Raises OutputError if it cannot be written."""
    path = require_replaceable(Path(path), b"PK")
    arrays = {name: getattr(matrix, name) for name in ARRAYS}
    metadata: dict[str, Any] = {
        "format": FORMAT,
        "kind": "influence",
        "package": matrix.package,
        "outputs": matrix.outputs,
        "kinds": matrix.kinds,
        "sources": matrix.sources,
        "layers": matrix.layers,
        "ambients": matrix.ambients,
        "other_power": matrix.other_power,
        "tolerance": matrix.tolerance,
        "iterations": matrix.iterations,
        "warnings": matrix.warnings,
        "linearisation": None,
        "peaks": None,
    }
    if (at := matrix.linearisation) is not None:
        metadata["linearisation"] = {
            "min": at.min,
            "max": at.max,
            "mean_error": list(at.mean_error.items()),
            "peak_error": list(at.peak_error.items()),
        }
    if (peaks := matrix.peaks) is not None:
        arrays |= {f"peaks.{name}": getattr(peaks, name) for name in PEAK_ARRAYS}
        metadata["peaks"] = {
            "names": peaks.names,
            "limits": peaks.limits,
            "is_block": peaks.is_block,
            "difference": peaks.difference,
            "differences": peaks.differences.tolist(),
        }
    content = io.BytesIO()
    text = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    stored: dict[str, Any] = {METADATA: text, **arrays}
    np.savez(content, **stored)
    write_atomic(path, content.getvalue())


def read_influence(path: str | Path) -> InfluenceMatrix:
    """Return an influence matrix from a file of `InfluenceMatrix.save`, without the mesh.

    Parameters
    ----------
    path : str or Path
        The NPZ file.

    Returns
    -------
    InfluenceMatrix
        The matrix; `model` and `fields` are None.

    Raises
    ------
    ResultFileError
        If there is no such file, or if it is damaged, of another program, or of a newer version.

    Examples
    --------
    >>> import tempfile, thermostack as ts
    >>> matrix = ts.influence(ts.discretize(ts.read_package("hbm3_8h"), cell=3e-3), check=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     matrix.save(f"{folder}/matrix.npz")
    ...     same = ts.read_influence(f"{folder}/matrix.npz")
    >>> bool((same.resistance == matrix.resistance).all())
    True
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            metadata = json.loads(bytes(stored[METADATA]))
            if metadata.get("kind") != "influence":
                raise ResultFileError(f"{path}: contains no influence matrix")
            if metadata["format"] > FORMAT:
                raise ResultFileError(f"{path}: is of a newer version of thermostack")
            return _matrix(metadata, dict(stored))
    except FileNotFoundError:
        raise ResultFileError(f"{path}: there is no such file") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ResultFileError(f"{path}: is no influence matrix, or is damaged: {error}") from None


def _matrix(metadata: dict[str, Any], arrays: dict[str, np.ndarray]) -> InfluenceMatrix:
    """Return the matrix of the content of a file."""
    titles = ("outputs", "kinds", "sources", "layers", "ambients")
    fields: dict[str, Any] = {name: tuple(metadata[name]) for name in titles}
    fields |= {name: arrays[name] for name in ARRAYS}
    matrix = InfluenceMatrix(
        package=metadata["package"],
        **fields,
        other_power=metadata["other_power"],
        tolerance=metadata["tolerance"],
        iterations=metadata["iterations"],
        warnings=tuple(metadata["warnings"]),
    )
    expected = {"resistance": (len(matrix.outputs), len(matrix.sources)), "power": (len(matrix.sources),)}
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
    if (at := metadata["linearisation"]) is not None:
        errors = {key: dict(map(tuple, at[key])) for key in ("mean_error", "peak_error")}
        matrix = dataclasses.replace(matrix, linearisation=Linearisation(at["min"], at["max"], **errors))
    if (known := metadata["peaks"]) is not None:
        of_peaks: dict[str, Any] = {name: arrays[f"peaks.{name}"] for name in PEAK_ARRAYS}
        of_peaks |= {name: tuple(known[name]) for name in ("names", "limits", "is_block")}
        differences = np.array(known.get("differences", []))
        peaks = PeakMap(**of_peaks, difference=known["difference"], differences=differences)
        matrix = dataclasses.replace(matrix, peaks=peaks)
    return matrix


def write_influence_table(matrix: InfluenceMatrix, path: str | Path) -> None:
    """Write resistances, ambient weights and heat as CSV. Raises OutputError if it cannot be written."""
    path = require_replaceable(Path(path), b"output,quantity,")
    write_atomic(path, influence_table(matrix).encode())


def influence_table(matrix: InfluenceMatrix) -> str:
    """Return the CSV table: a row for each output and each cooler, a column for each source and ambient.

    The numbers of a row are K/W for a source and 1 for an ambient; in the rows of the heat they are W/W and
    W/K. The first row has the described powers [W] and ambient temperatures [K].
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    sources = [f"{escape_formula(name)} [per W]" for name in matrix.sources]
    ambients = [f"{name} ambient [per K]" for name in matrix.ambients]
    writer.writerow(["output", "quantity", "at zero power", *sources, *ambients])
    described = [*matrix.power.tolist(), *matrix.ambient_temperature.tolist()]
    writer.writerow(["described", "power [W] or temperature [K]", "", *map(repr, described)])
    titles = {"mean": "mean temperature [K]", "point": "temperature at a point [K]"}
    for name, kind, constant, resistance, weights in zip(
        matrix.outputs,
        matrix.kinds,
        matrix.constant.tolist(),
        matrix.resistance.tolist(),
        matrix.ambient_weight.tolist(),
        strict=True,
    ):
        row = [constant, *resistance, *weights]
        writer.writerow([escape_formula(name), titles[kind], *map(repr, row)])
    for name, constant, heat, by_ambient in zip(
        matrix.ambients,
        matrix.constant_heat.tolist(),
        matrix.heat.tolist(),
        matrix.ambient_heat.tolist(),
        strict=True,
    ):
        writer.writerow([name, "heat out [W]", *map(repr, [constant, *heat, *by_ambient])])
    return text.getvalue()


def influence_summary(matrix: InfluenceMatrix) -> dict[str, Any]:
    """Return a matrix as dictionaries, lists and numbers in SI units: W, K.

    The keys are a contract with programs that read the JSON: no key is removed or changes its meaning.
    """
    at, peaks = matrix.linearisation, matrix.peaks
    return {
        "package": matrix.package,
        "sources": list(matrix.sources),
        "power": matrix.power.tolist(),
        "outputs": list(matrix.outputs),
        "kinds": list(matrix.kinds),
        "resistance": matrix.resistance.tolist(),
        "constant": matrix.constant.tolist(),
        "source_resistance": matrix.source_resistance.tolist(),
        "ambients": list(matrix.ambients),
        "ambient_temperature": matrix.ambient_temperature.tolist(),
        "ambient_weight": matrix.ambient_weight.tolist(),
        "heat": matrix.heat.tolist(),
        "constant_heat": matrix.constant_heat.tolist(),
        "other_power": matrix.other_power,
        "peaks": None
        if peaks is None
        else {
            each.name: {"max": each.max, "at": list(each.at), "error": each.error}
            for each in matrix.hottest()
        },
        "peak_difference": None if peaks is None or math.isnan(peaks.difference) else peaks.difference,
        "temperature": matrix.temperatures().tolist(),
        "heat_by_face": {face: heat.tolist() for face, heat in matrix.heat_by_face.items()},
        "linearisation": None
        if at is None
        else {"min": at.min, "max": at.max, "error": at.error, "factors": list(at.mean_error)},
        "tolerance": matrix.tolerance,
        "iterations": matrix.iterations,
        "seconds": dict(matrix.seconds),
        "warnings": list(matrix.warnings),
    }
