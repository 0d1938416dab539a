"""Writer of a transient result: frames, rows and checkpoints during the run, and the result file.

The result file is VTKHDF, like that of a steady result (`steady_file`), with a group `Steps`. The
temperatures [K] of the frames are float32 (frames, nz, ny, nx). `thermostack/history` contains the values at
every step and the temperatures at the end in float64.

During the run there are three files beside the path of the result. A process that is killed at any moment
leaves them in a state from which the run can be resumed:

- NAME.partial.vtkhdf has the frames so far, and can be opened by ParaView and PyVista; later frames are NaN.
  The disk space of all frames is reserved at the start. A frame is written without HDF5 (`frames`), and then
  one number points its step to it.
- NAME.rows has a row for every step (`append_log`).
- NAME.checkpoint has the state from which the run is resumed (`checkpoint_file`).

At the end the rows are added to the partial file in one step (`hdf5_transaction`), the file gets the name of
the result, and the other two are removed. Until then an older file of that name is unchanged.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from pydantic_core import to_jsonable_python

from thermostack.errors import DescriptionError, Diagnostic, OutputError, ResultFileError
from thermostack.io.files.append_log import AppendLog
from thermostack.io.files.atomic_file import atomic_file, resolve_target, with_path_error
from thermostack.io.files.output_paths import RESULT_SUFFIX, require_result_path, require_suffix
from thermostack.io.results.checkpoint_file import CHECKPOINT_SUFFIX as CHECKPOINT
from thermostack.io.results.checkpoint_file import State, read_checkpoint, write_checkpoint
from thermostack.io.results.frames import (
    FRAME_INDEX_DATASET,
    FrameWriter,
    allocate_frames,
    frame_bytes,
)
from thermostack.io.results.hdf5_arrays import open_checked, write_array, write_json
from thermostack.io.results.hdf5_transaction import Transaction, commit, hdf5_end, open_transaction
from thermostack.io.results.metadata import (
    FORMAT_VERSION,
    provenance,
    write_format,
)
from thermostack.io.results.model_record import ROOT_GROUP, input_hash, write_model
from thermostack.io.results.vtk_grid import write_cells, write_grid, write_names
from thermostack.mesh.model import Model

RESULT_KIND = "transient"
HISTORY_GROUP = f"{ROOT_GROUP}/history"
STEPS_GROUP = "VTKHDF/Steps"
PART_FIELDS = ("min", "mean", "max", "power")  # K, K, K, W
ENERGY_TERMS = 3  # J since the start: generated in parts, outflow, stored
_MIN_FRAMES = 2  # VTK finds no temperatures in a file with a single frame
_RESERVED_BYTES = 2**20  # for history and metadata, besides the temperatures at the end

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, AttributeError)  # errors of reading a damaged file


def partial_path(path: str | Path) -> Path:
    """Return the path of the frames during a run."""
    path = Path(path)
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def checkpoint_path(path: str | Path) -> Path:
    """Return the path of the checkpoint of a run."""
    return Path(path).with_suffix(CHECKPOINT)


class TransientWriter:
    """Context manager that writes a transient result during its run.

    `frame_times` [s] ascend and include the start and the end. `request` is a hash of all inputs of the run
    except the model. If `resume` is set and the same run was interrupted, `resumed` is the state of its last
    checkpoint, and later rows and frames are discarded. If that run had finished, `is_finished` is set.

    Raises OutputError if the name does not end in .vtkhdf, if the disk has too little space, before the run
    starts, or if another run writes to these files; DescriptionError if the interrupted run had other inputs;
    ResultFileError if its files are damaged.
    """

    def __init__(
        self,
        path: str | Path,
        model: Model,
        names: Sequence[str],  # of the parts, then of the blocks
        probes: Mapping[str, tuple[float, float, float]],  # m
        frame_times: Sequence[float] | np.ndarray,
        request: str,
        resume: bool = False,
    ) -> None:
        self.times = np.asarray(frame_times, dtype=np.float64)
        if self.times.size < _MIN_FRAMES or np.any(np.diff(self.times) <= 0.0):
            raise ValueError("frame times must ascend, and there must be at least two")
        self.path = resolve_target(require_suffix(path, (RESULT_SUFFIX,)))
        self.partial, self.state_path = partial_path(self.path), checkpoint_path(self.path)
        require_result_path(self.path)
        self.model, self.names, self.probes = model, tuple(names), dict(probes)
        self._links = len(model.geometry.links)
        self._key = {"model": input_hash(model), "request": request}
        self.resumed: State | None = None
        self.is_finished = False
        self.frames = 0  # number written so far
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise OutputError(f"cannot write {self.path}: it is write-protected")
        found = self._checkpoint() if resume else None
        width = 1 + len(PART_FIELDS) * len(self.names) + len(self.probes) + ENERGY_TERMS
        width += self._links
        self._log = AppendLog(self.path.with_suffix(".rows"), width, "".join(self._key.values()))
        try:
            if resume and self._has_finished():
                self._log.close()
            elif found is None:
                self._begin()
            else:
                self._resume(found)
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files, and remove them if there is no checkpoint."""
        if self.is_finished:
            return
        if not self.state_path.exists():
            self._remove(self.partial, self._log.path)
        self._close()

    # -- during the run ----------------------------------------------------------------------

    def row(
        self,
        time: float,  # s
        min_: np.ndarray,  # (parts and blocks,) K
        mean: np.ndarray,  # (parts and blocks,) K
        max_: np.ndarray,  # (parts and blocks,) K
        power: np.ndarray,  # (parts and blocks,) W
        probes: Mapping[str, float] | Sequence[float] | np.ndarray,  # K
        energy: Sequence[float] | np.ndarray,  # (3,) J since the start: generated in parts, outflow, stored
        link_heat: Sequence[float] | np.ndarray = (),  # (links,) W
    ) -> None:
        """Write the values at the end of a step. Raises OutputError if they cannot be written."""
        if isinstance(probes, Mapping):
            probes = [probes[name] for name in self.probes]
        self._log.append(np.concatenate([[time], min_, mean, max_, power, probes, energy, link_heat]))

    def frame(self, time: float, field: np.ndarray) -> None:
        """Write the field (nz, ny, nx) [K] at the next frame time. Raises OutputError if that fails."""
        n = self.frames
        if n == self.times.size or time != self.times[n]:
            expected = "no frame" if n == self.times.size else f"a frame at {self.times[n]} s"
            raise ValueError(f"expected {expected}, got a frame at {time} s")
        with with_path_error(self.partial, self._needed, self._after):
            self._frames.write(n, field)
        self.frames = n + 1

    def checkpoint(self, state: State) -> None:
        """Write the state from which the run can be resumed: arrays, numbers and nested states by name.

        Raises OutputError if it cannot be written; the last checkpoint then remains.
        """
        self._log.sync()
        with with_path_error(self.partial, self._needed, self._after):
            os.fdatasync(self._frames.file)
        state = {**self._key, "rows": self._log.count, "frames": self.frames, "state": state}
        write_checkpoint(self.state_path, state)

    def finish(self, field: np.ndarray, metadata: Mapping[str, Any]) -> None:
        """Add the history to the file, rename it to the result, and remove the files of the run.

        `field` (nz, ny, nx) [K] is the field at the end; `metadata` has the other fields of the result by
        name. Raises OutputError if the file cannot be written; the run can then be finished with `resume`.
        """
        if self.frames < self.times.size:
            raise ValueError(f"only {self.frames} of {self.times.size} frames are written")
        with with_path_error(self.partial, self._needed, self._after):
            commit(self._frames.file, lambda hdf: self._write_history(hdf[HISTORY_GROUP], field, metadata))
            self._rename_to_result()
        self._close()

    # -- start and resume --------------------------------------------------------------------

    def _begin(self) -> None:
        reserve = _RESERVED_BYTES + self.model.grid.cells * 8
        self._needed = frame_bytes(self.model.grid.shape, self.times.size) + reserve
        try:
            self._remove(self.state_path, self.partial)
            self._log.clear()
            with atomic_file(self.partial, self._needed) as file:
                os.posix_fallocate(file, 0, self._needed)  # before the content is built in memory
                made = open_transaction(file, self._write_all)
                os.posix_fallocate(file, 0, made.size + reserve)
                made.commit(0)
            self._open_partial()
        except BaseException:
            with contextlib.suppress(OutputError):
                self._remove(self._log.path, self.partial)
            raise

    def _resume(self, found: dict[str, Any]) -> None:
        self._log.truncate(found["rows"])
        try:
            self._open_partial()
        except _DAMAGE:
            raise ResultFileError(f"{self.partial}: is missing or damaged; start the run again") from None
        with with_path_error(self.partial, self._needed, self._after):
            self._frames.hide_after(found["frames"])
        self.frames, self.resumed = found["frames"], found["state"]

    def _open_partial(self) -> None:
        file = os.open(self.partial, os.O_RDWR)
        try:
            with h5py.File(Transaction(file), "r") as hdf:
                self._frames, self._history_key = FrameWriter(file, hdf), _key_of_history(hdf)
        except BaseException:
            os.close(file)
            raise
        self._needed = os.fstat(file).st_size

    @property
    def _after(self) -> str:
        if self.state_path.exists():
            return f"free disk space and resume the run; {self.partial} has {self.frames} frames"
        return "there is no checkpoint yet"

    def _checkpoint(self) -> dict[str, Any] | None:
        """Return the checkpoint of this run, or None if there is none."""
        try:
            found = read_checkpoint(self.state_path)
        except FileNotFoundError:
            return None
        for name, key in self._key.items():
            if found.get(name) != key:
                is_model = name == "model"
                other = "model" if is_model else "run with other loads or options"
                text = f"{name if is_model else 'input'} hash mismatch: the checkpoint is of another {other}"
                hint = "restore its original inputs, or start again with --overwrite (resume=False in Python)"
                raise DescriptionError(Diagnostic("", text, hint, "E-FILE", str(self.state_path)))
        return found

    def _has_finished(self) -> bool:
        """Return whether the same run has finished, and complete its last steps if it was killed in them."""
        if self.partial.exists():
            with contextlib.suppress(*_DAMAGE):
                self._open_partial()
                if self._history_key == self._key:
                    with with_path_error(self.partial, self._needed, self._after):
                        self._rename_to_result()
                os.close(self._frames.file)
        elif self.path.exists():
            with (
                contextlib.suppress(ResultFileError, *_DAMAGE),
                open_checked(self.path, FORMAT_VERSION, RESULT_KIND) as stored,
            ):
                self.is_finished = _key_of_history(stored.file) == self._key
                if self.is_finished:
                    self._remove(self.state_path, self._log.path)
        return self.is_finished

    # -- content of the file -----------------------------------------------------------------

    def _write_all(self, hdf: h5py.File) -> None:
        """Write the whole file except the values of the frames and the history."""
        hdf.create_group(HISTORY_GROUP)  # first, since it is changed later (`hdf5_transaction`)
        home, count = hdf[ROOT_GROUP], self.times.size
        write_format(home, RESULT_KIND)
        group = hdf.create_group("VTKHDF")
        write_grid(group, self.model.grid)
        cells = group.create_group("CellData")
        allocate_frames(cells, self.model.grid.shape, count).attrs["Attribute"] = np.bytes_(b"Scalars")
        constant = write_cells(cells, self.model, leading=(1,))
        names = write_names(group, self.model)
        steps = hdf.create_group(STEPS_GROUP)
        steps.attrs["NSteps"] = np.int64(count)  # VTK 9.7 crashes if there are more values than this
        write_array(steps, "Values", self.times)
        frame_index = np.full(count, count, dtype="<i8")
        hdf[FRAME_INDEX_DATASET] = frame_index  # changed in place, so without a checksum
        for name in constant:  # the same in every frame
            write_array(steps, f"CellDataOffsets/{name}", np.zeros(count, np.int64))
        write_array(steps, "FieldDataOffsets/part_names", np.zeros(count, np.int64))
        write_array(steps, "FieldDataSizes/part_names", np.tile([1, names], (count, 1)))
        write_model(home, self.model)
        write_json(home, "provenance", {**provenance(self.model), "request": self._key["request"]})

    def _write_history(self, group: h5py.Group, field: np.ndarray, metadata: Mapping[str, Any]) -> None:
        rows, m = self._log.rows(), len(self.names)
        sizes = {
            "time": 1,
            **dict.fromkeys(PART_FIELDS, m),
            "probes": len(self.probes),
            "energy": ENERGY_TERMS,
            **({"link_heat": self._links} if self._links else {}),
        }
        first = 0
        for name, size in sizes.items():
            write_array(group, name, np.ascontiguousarray(rows[:, first : first + size]))
            first += size
        write_array(group, "field", field)
        write_json(group, "columns", {"names": self.names, "probes": self.probes})
        write_json(group, "result", to_jsonable_python(dict(metadata)))

    # -- end of the run ----------------------------------------------------------------------

    def _rename_to_result(self) -> None:
        os.ftruncate(self._frames.file, hdf5_end(self._frames.file))
        os.fsync(self._frames.file)
        os.rename(self.partial, self.path)
        self._sync_directory()
        self._remove(self.state_path, self._log.path)
        self.is_finished = True

    def _sync_directory(self) -> None:
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _close(self) -> None:
        self._log.close()
        with contextlib.suppress(OSError):
            os.close(self._frames.file)

    @staticmethod
    def _remove(*paths: Path) -> None:
        for path in paths:
            with with_path_error(path, 0):
                path.unlink(missing_ok=True)


def _key_of_history(hdf: h5py.File) -> dict[str, str] | None:
    """Return the hashes of the model and of the request of a finished run, or None if it has not finished."""
    if not len(hdf[HISTORY_GROUP]):
        return None
    source = json.loads(hdf[f"{ROOT_GROUP}/provenance"][()].tobytes())
    return {"model": source["input"], "request": source["request"]}
