"""Reader of transient result files, and writer of a transient result that is in memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.io.results.frames import FRAME_INDEX_DATASET, FrameSequence
from thermostack.io.results.hdf5_arrays import Hdf5Reader, open_checked
from thermostack.io.results.metadata import FORMAT_VERSION, metadata_types, read_metadata
from thermostack.io.results.model_record import read_model
from thermostack.io.results.transient_writer import (
    ENERGY_TERMS,
    HISTORY_GROUP,
    PART_FIELDS,
    RESULT_KIND,
    STEPS_GROUP,
    TransientWriter,
)
from thermostack.results.transient_result import TransientResult

_ROWS = ("time", *PART_FIELDS, "probes", "energy", "link_heat")
_ARRAYS = ("model", "names", *_ROWS, "frame_time", "frames", "field")
_COLUMNS = {"names": tuple[str, ...], "probes": dict[str, tuple[float, float, float]]}


def write_transient(transient: TransientResult, path: str | Path) -> None:
    """Write a transient result to a file, which `read_transient`, ParaView and PyVista open.

    Raises OutputError if the file cannot be written.
    """
    positions = dict.fromkeys(transient.probes, (math.nan,) * 3)
    frame_times = transient.frame_time
    with TransientWriter(path, transient.model, transient.names, positions, frame_times, "") as writer:
        for n in range(transient.time.size):
            probes = {name: float(values[n]) for name, values in transient.probes.items()}
            parts = (transient.min[n], transient.mean[n], transient.max[n], transient.power[n])
            writer.row(float(transient.time[n]), *parts, probes, transient.energy[n], transient.link_heat[n])
        for time, frame in zip(frame_times.tolist(), transient.frames, strict=True):
            writer.frame(time, np.asarray(frame))
        metadata = {
            name: getattr(transient, name)
            for name in ("throttling", "report", "warnings", "peak_error", "agreement", "is_steady_start")
        }
        writer.finish(transient.field, metadata)


def read_transient(path: str | Path) -> TransientResult:
    """Return the transient result of a file; its frames are read one at a time when they are used.

    Parameters
    ----------
    path : str or pathlib.Path
        The .vtkhdf file that `solve_transient` or `TransientResult.save` wrote.

    Returns
    -------
    TransientResult
        The result, with its model and package.

    Raises
    ------
    ResultFileError
        If the file is damaged, of another program, of another kind, of a newer format, or of a run that has
        not finished.
    DescriptionError
        If there is no such file (E-FILE).

    Examples
    --------
    >>> import tempfile, thermostack as ts
    >>> model = ts.discretize(ts.read_package("fcbga"), cell=6e-3)
    >>> run = ts.solve_transient(model, 0.1, initial="outside", tolerance=0.5)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     run.save(f"{directory}/run.vtkhdf")
    ...     ts.read_transient(f"{directory}/run.vtkhdf").peak == run.peak
    True
    """
    with open_checked(Path(path), FORMAT_VERSION, RESULT_KIND) as stored:
        model = read_model(stored, leading=(1,))
        times, frames = _read_frames(stored, model.grid.shape)
        count = len(frames)
        if not stored.names(HISTORY_GROUP):
            text = f"has {count} of the {times.size} frames of a run that has not finished"
            raise stored.fail(f"{text}; resume the run")
        if count < times.size:
            raise stored.fail(f"{FRAME_INDEX_DATASET} is damaged")
        columns = read_metadata(stored, f"{HISTORY_GROUP}/columns", _COLUMNS)
        m, p = len(columns["names"]), len(columns["probes"])
        time = stored.array(f"{HISTORY_GROUP}/time", np.float64, (None, 1))[:, 0]
        shape = (time.size, m)
        values: dict[str, Any] = {
            name: stored.array(f"{HISTORY_GROUP}/{name}", np.float64, shape) for name in PART_FIELDS
        }
        probes = stored.array(f"{HISTORY_GROUP}/probes", np.float64, (time.size, p))
        links = len(model.geometry.links)
        link_heat = np.zeros((time.size, 0))
        if links:
            link_heat = stored.array(f"{HISTORY_GROUP}/link_heat", np.float64, (time.size, links))
        field = stored.array(f"{HISTORY_GROUP}/field", np.float64, model.grid.shape)
        if not np.array_equal(np.isfinite(field), model.part > 0):
            raise stored.fail(f"{HISTORY_GROUP}/field must be finite in the body and NaN outside")
        return TransientResult(
            model=model,
            time=time,
            names=columns["names"],
            **values,
            probes={name: probes[:, n] for n, name in enumerate(columns["probes"])},
            frame_time=times,
            frames=frames,
            field=field,
            link_heat=link_heat,
            energy=stored.array(f"{HISTORY_GROUP}/energy", np.float64, (time.size, ENERGY_TERMS)),
            **read_metadata(
                stored,
                f"{HISTORY_GROUP}/result",
                metadata_types(TransientResult, _ARRAYS),
                {"peak_error": (), "agreement": None, "is_steady_start": False},
            ),
        )


def read_frames(path: str | Path) -> tuple[np.ndarray, FrameSequence]:
    """Return the times [s] and the frames [K] of a result file, as many as are written.

    Raises the errors of `read_transient`, except that the run need not have finished.
    """
    with open_checked(Path(path), FORMAT_VERSION, RESULT_KIND) as stored:
        sizes = [stored.array(f"VTKHDF/{axis}Coordinates", np.float64, (None,)).size - 1 for axis in "ZYX"]
        nz, ny, nx = sizes
        times, frames = _read_frames(stored, (nz, ny, nx))
        return times[: len(frames)], frames


def _read_frames(stored: Hdf5Reader, shape: tuple[int, int, int]) -> tuple[np.ndarray, FrameSequence]:
    """Return the times [s] of all frames, and the frames that are written."""
    times = stored.array(f"{STEPS_GROUP}/Values", np.float64, (None,))
    index = stored.array(FRAME_INDEX_DATASET, np.int64, (times.size,))
    count = int(np.argmin([*(index == np.arange(times.size)), False]))
    if np.any(index[count:] != times.size):
        raise stored.fail(f"{FRAME_INDEX_DATASET} is damaged")
    return times, FrameSequence(stored.path, count, shape)
