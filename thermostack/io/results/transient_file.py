"""One file holds a transient: a film that ParaView and PyVista play, its history, and all to come back.

The file is VTKHDF, as that of a steady result (`result_file`), with a `Steps` group: the temperatures [K] of
the frames are float32, (frames, nz, ny, nx). `thermostack/history` holds what was noted at every step, and
the temperatures at the end in full.

While a run goes on, three files stand beside the place of the result, and a process that is killed at any
moment leaves all of them such that the run can go on:

- NAME.partial.vtkhdf, the film so far, which ParaView and PyVista open; what is yet to come is NaN. The place
  of every frame is reserved on the disk from the start. A frame is filled in past HDF5 (`frames`), and then
  its step is pointed to it by one number.
- NAME.rows, a row for every step (`row_log`).
- NAME.checkpoint, the state from which the run goes on (`checkpoint_file`).

At the end the rows go into the film in one step (`amended`), it takes the name of the result, and the other
two are removed. Until then whatever stood under that name is untouched.
"""

from __future__ import annotations

import contextlib
import json
import math
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
from thermostack.io.results.checkpoint_file import CHECKPOINT_SUFFIX as CHECKPOINT
from thermostack.io.results.checkpoint_file import State, read_checkpoint, write_checkpoint
from thermostack.io.results.frames import (
    FRAME_INDEX_DATASET,
    FrameSequence,
    FrameWriter,
    allocate_frames,
    frame_bytes,
)
from thermostack.io.results.hdf5_arrays import Hdf5Reader, open_checked, write_array, write_json
from thermostack.io.results.hdf5_transaction import Transaction, commit, hdf5_end, open_transaction
from thermostack.io.results.metadata import (
    FORMAT_VERSION,
    metadata_types,
    provenance,
    read_metadata,
    write_format,
)
from thermostack.io.results.model_record import ROOT_GROUP, input_hash, read_model, write_model
from thermostack.io.results.vtk_grid import write_cells, write_grid, write_names
from thermostack.mesh.model import Model
from thermostack.results.transient_result import TransientResult

RESULT_KIND = "transient"
HISTORY_GROUP = f"{ROOT_GROUP}/history"
_STEPS = "VTKHDF/Steps"
_PART_FIELDS = ("min", "mean", "max", "power")  # K, K, K, W
_ENERGY_TERMS = 3  # J since the start: made by parts, let out, stored
_ARRAYS = ("model", "time", "names", *_PART_FIELDS, "probes", "frame_time", "frames", "field", "energy")
_COLUMNS = {"names": tuple[str, ...], "probes": dict[str, tuple[float, float, float]]}
_MIN_FRAMES = 2  # frames: of one alone, VTK finds no temperatures
_RESERVED_BYTES = 2**20  # bytes, for history and facts, beside the temperatures at the end

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, AttributeError)  # of what is no sound film


def partial_path(path: str | Path) -> Path:
    """Return where the film stands while a run goes on."""
    path = Path(path)
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def checkpoint_path(path: str | Path) -> Path:
    """Return where the state of a run stands while it goes on."""
    return Path(path).with_suffix(CHECKPOINT)


class TransientWriter:
    """Writes a transient as it goes on; a context manager.

    `frame_times` [s] ascend and are two or more, the start and the end among them. `asked` is a hash of all
    that is asked of the run beside its model. Where `resume` is set and a run of the same was interrupted,
    `resumed` is the state it goes on from, and rows and frames beyond it are forgotten; where that run had
    come to its end, `is_finished` is set, and there is nothing to be done.

    Raises OutputError where the disk has no room, before anything is computed, or where another run writes
    there; DescriptionError where the run to go on with is another one; ResultFileError where what that left
    is damaged.
    """

    def __init__(
        self,
        path: str | Path,
        model: Model,
        names: Sequence[str],  # of the members: parts, then heated blocks
        probes: Mapping[str, tuple[float, float, float]],  # m
        frame_times: Sequence[float] | np.ndarray,
        asked: str,
        resume: bool = False,
    ) -> None:
        self.times = np.asarray(frame_times, dtype=np.float64)
        if self.times.size < _MIN_FRAMES or np.any(np.diff(self.times) <= 0.0):
            raise ValueError("the times of a film's frames ascend and are two or more")
        self.path = resolve_target(path)
        self.partial, self.state_path = partial_path(self.path), checkpoint_path(self.path)
        self.model, self.names, self.probes = model, tuple(names), dict(probes)
        self._key = {"model": input_hash(model), "asked": asked}
        self.resumed: State | None = None
        self.is_finished = False
        self.frames = 0  # of the film, so far
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise OutputError(f"cannot write {self.path}: it is protected")
        found = self._checkpoint() if resume else None
        width = 1 + len(_PART_FIELDS) * len(self.names) + len(self.probes) + _ENERGY_TERMS
        self._log = AppendLog(self.path.with_suffix(".rows"), width, "".join(self._key.values()))
        try:
            if resume and self._has_finished():
                self._log.close()
            elif found is None:
                self._begin()
            else:
                self._go_on(found)
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the files go; without a checkpoint to go on from they are removed."""
        if self.is_finished:
            return
        if not self.state_path.exists():
            self._forget(self.partial, self._log.path)
        self._close()

    # -- while the run goes on ---------------------------------------------------------------

    def row(
        self,
        time: float,  # s
        least: np.ndarray,  # (members,) K
        mean: np.ndarray,  # (members,) K
        most: np.ndarray,  # (members,) K
        power: np.ndarray,  # (members,) W
        probes: Mapping[str, float] | Sequence[float] | np.ndarray,  # K
        energy: Sequence[float] | np.ndarray,  # (3,) J since the start: made by parts, let out, stored
    ) -> None:
        """Note what holds at the end of a step. Raises OutputError where it cannot be written."""
        if isinstance(probes, Mapping):
            probes = [probes[name] for name in self.probes]
        self._log.append(np.concatenate([[time], least, mean, most, power, probes, energy]))

    def frame(self, time: float, field: np.ndarray) -> None:
        """Add a field (nz, ny, nx) [K] to the film, at one of its times, in their order.

        Raises OutputError where it cannot be written.
        """
        n = self.frames
        if n == self.times.size or time != self.times[n]:
            due = "none" if n == self.times.size else f"{self.times[n]} s"
            raise ValueError(f"a frame is given for {time} s where {due} is due")
        with with_path_error(self.partial, self._needed, self._after):
            self._film.write(n, field)
        self.frames = n + 1

    def checkpoint(self, state: State) -> None:
        """Keep a state to go on from: arrays and plain numbers by name, states in it too.

        Raises OutputError where it cannot be written; the last one is then still there.
        """
        self._log.sync()
        with with_path_error(self.partial, self._needed, self._after):
            os.fdatasync(self._film.file)
        kept = {**self._key, "rows": self._log.count, "frames": self.frames, "state": state}
        write_checkpoint(self.state_path, kept)

    def finish(self, field: np.ndarray, facts: Mapping[str, Any]) -> None:
        """Give the film its history and the name of the result, and remove what the run needed.

        `field` (nz, ny, nx) [K] is that at the end, and `facts` is what else the result says, by the names of
        its class. Raises OutputError where it cannot be written; the run can then be finished with `resume`.
        """
        if self.frames < self.times.size:
            raise ValueError(f"the film has {self.frames} of its {self.times.size} frames")
        with with_path_error(self.partial, self._needed, self._after):
            commit(self._film.file, lambda hdf: self._put_history(hdf[HISTORY_GROUP], field, facts))
            self._give_name()
        self._close()

    # -- beginning ---------------------------------------------------------------------------

    def _begin(self) -> None:
        reserve = _RESERVED_BYTES + self.model.grid.cells * 8
        self._needed = frame_bytes(self.model.grid.shape, self.times.size) + reserve
        try:
            self._forget(self.state_path, self.partial)
            self._log.clear()
            with atomic_file(self.partial, self._needed) as file:
                os.posix_fallocate(file, 0, self._needed)  # before anything is made for it
                made = open_transaction(file, self._put_all)
                os.posix_fallocate(file, 0, made.size + reserve)
                made.commit(0)
            self._open_film()
        except BaseException:
            with contextlib.suppress(OutputError):
                self._forget(self._log.path, self.partial)
            raise

    def _go_on(self, found: dict[str, Any]) -> None:
        self._log.truncate(found["rows"])
        try:
            self._open_film()
        except _DAMAGE:
            raise ResultFileError(f"{self.partial}: is missing or damaged; start the run anew") from None
        with with_path_error(self.partial, self._needed, self._after):
            self._film.hide_after(found["frames"])
        self.frames, self.resumed = found["frames"], found["state"]

    def _open_film(self) -> None:
        file = os.open(self.partial, os.O_RDWR)
        try:
            with h5py.File(Transaction(file), "r") as hdf:
                self._film, self._history_of = FrameWriter(file, hdf), _history_of(hdf)
        except BaseException:
            os.close(file)
            raise
        self._needed = os.fstat(file).st_size

    @property
    def _after(self) -> str:
        if self.state_path.exists():
            return f"make room and resume; {self.partial} opens with {self.frames} frames"
        return "there is no checkpoint yet to go on from"

    def _checkpoint(self) -> dict[str, Any] | None:
        """Return the checkpoint of this run, None where there is none."""
        try:
            found = read_checkpoint(self.state_path)
        except FileNotFoundError:
            return None
        for what, key in self._key.items():
            if found.get(what) != key:
                is_model = what == "model"
                other = "model" if is_model else "run, whose loads or options are others"
                text = f"{what if is_model else 'input'} hash mismatch: it is a state of another {other}"
                hint = "start the run anew, or give back what it was started with"
                raise DescriptionError(Diagnostic("", text, hint, "E-FILE", str(self.state_path)))
        return found

    def _has_finished(self) -> bool:
        """Return whether a run of the same has come to its end, having done what it was killed before."""
        if self.partial.exists():
            with contextlib.suppress(*_DAMAGE):
                self._open_film()
                if self._history_of == self._key:
                    with with_path_error(self.partial, self._needed, self._after):
                        self._give_name()
                os.close(self._film.file)
        elif self.path.exists():
            with (
                contextlib.suppress(ResultFileError, *_DAMAGE),
                open_checked(self.path, FORMAT_VERSION, RESULT_KIND) as stored,
            ):
                self.is_finished = _history_of(stored.file) == self._key
                if self.is_finished:
                    self._forget(self.state_path, self._log.path)
        return self.is_finished

    # -- the file ----------------------------------------------------------------------------

    def _put_all(self, hdf: h5py.File) -> None:
        """Write the whole file but for the frames' values and the history."""
        hdf.create_group(HISTORY_GROUP)  # first, since it is amended later
        home, count = hdf[ROOT_GROUP], self.times.size
        write_format(home, RESULT_KIND)
        group = hdf.create_group("VTKHDF")
        write_grid(group, self.model)
        cells = group.create_group("CellData")
        allocate_frames(cells, self.model.grid.shape, count).attrs["Attribute"] = np.bytes_(b"Scalars")
        constant = write_cells(cells, self.model, leading=(1,))
        names = write_names(group, self.model)
        steps = hdf.create_group(_STEPS)
        steps.attrs["NSteps"] = np.int64(count)  # of fewer than there are values, VTK 9.7 breaks down
        write_array(steps, "Values", self.times)
        hdf[FRAME_INDEX_DATASET] = np.full(
            count, count, dtype="<i8"
        )  # changed in place, so without a checksum
        for name in constant:  # the same in every frame
            write_array(steps, f"CellDataOffsets/{name}", np.zeros(count, np.int64))
        write_array(steps, "FieldDataOffsets/part_names", np.zeros(count, np.int64))
        write_array(steps, "FieldDataSizes/part_names", np.tile([1, names], (count, 1)))
        write_model(home, self.model)
        write_json(home, "provenance", {**provenance(self.model), "asked": self._key["asked"]})

    def _put_history(self, group: h5py.Group, field: np.ndarray, facts: Mapping[str, Any]) -> None:
        rows, m = self._log.rows(), len(self.names)
        sizes = {
            "time": 1,
            **dict.fromkeys(_PART_FIELDS, m),
            "probes": len(self.probes),
            "energy": _ENERGY_TERMS,
        }
        first = 0
        for name, size in sizes.items():
            write_array(group, name, np.ascontiguousarray(rows[:, first : first + size]))
            first += size
        write_array(group, "field", field)
        write_json(group, "columns", {"names": self.names, "probes": self.probes})
        write_json(group, "result", to_jsonable_python(dict(facts)))

    # -- the end -----------------------------------------------------------------------------

    def _give_name(self) -> None:
        os.ftruncate(self._film.file, hdf5_end(self._film.file))
        os.fsync(self._film.file)
        os.rename(self.partial, self.path)
        self._sync_directory()
        self._forget(self.state_path, self._log.path)
        self.is_finished = True

    def _sync_directory(self) -> None:
        place = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(place)
        finally:
            os.close(place)

    def _close(self) -> None:
        self._log.close()
        with contextlib.suppress(OSError):
            os.close(self._film.file)

    @staticmethod
    def _forget(*paths: Path) -> None:
        for path in paths:
            with with_path_error(path, 0):
                path.unlink(missing_ok=True)


def _history_of(hdf: h5py.File) -> dict[str, str] | None:
    """Return hashes of model and request of the run whose history a file holds, None where it has none."""
    if not len(hdf[HISTORY_GROUP]):
        return None
    said = json.loads(hdf[f"{ROOT_GROUP}/provenance"][()].tobytes())
    return {"model": said["input"], "asked": said["asked"]}


# -- reading ---------------------------------------------------------------------------------


def write_transient(transient: TransientResult, path: str | Path) -> None:
    """Write a transient result to a file, which `read_transient`, ParaView and PyVista open.

    Raises OutputError if the file cannot be written.
    """
    positions = dict.fromkeys(transient.probes, (math.nan,) * 3)
    frame_times = transient.frame_time
    with TransientWriter(path, transient.model, transient.names, positions, frame_times, "") as writer:
        for n in range(transient.time.size):
            probes = {name: float(values[n]) for name, values in transient.probes.items()}
            members = (transient.min[n], transient.mean[n], transient.max[n], transient.power[n])
            writer.row(float(transient.time[n]), *members, probes, transient.energy[n])
        for time, frame in zip(frame_times.tolist(), transient.frames, strict=True):
            writer.frame(time, np.asarray(frame))
        metadata = {name: getattr(transient, name) for name in ("throttling", "report", "warnings")}
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
        times, frames = _film(stored, model.grid.shape)
        count = len(frames)
        if not stored.names(HISTORY_GROUP):
            text = f"holds {count} of the {times.size} frames of a run that has not come to its end"
            raise stored.fail(f"{text}; resume it")
        if count < times.size:
            raise stored.fail(f"{FRAME_INDEX_DATASET} is damaged")
        columns = read_metadata(stored, f"{HISTORY_GROUP}/columns", _COLUMNS)
        m, p = len(columns["names"]), len(columns["probes"])
        time = stored.array(f"{HISTORY_GROUP}/time", np.float64, (None, 1))[:, 0]
        shape = (time.size, m)
        values: dict[str, Any] = {
            name: stored.array(f"{HISTORY_GROUP}/{name}", np.float64, shape) for name in _PART_FIELDS
        }
        probes = stored.array(f"{HISTORY_GROUP}/probes", np.float64, (time.size, p))
        field = stored.array(f"{HISTORY_GROUP}/field", np.float64, model.grid.shape)
        if not np.array_equal(np.isfinite(field), model.part > 0):
            raise stored.fail(f"{HISTORY_GROUP}/field is not finite in the body, or not empty outside")
        return TransientResult(
            model=model,
            time=time,
            names=columns["names"],
            **values,
            probes={name: probes[:, n] for n, name in enumerate(columns["probes"])},
            frame_time=times,
            frames=frames,
            field=field,
            energy=stored.array(f"{HISTORY_GROUP}/energy", np.float64, (time.size, _ENERGY_TERMS)),
            **read_metadata(stored, f"{HISTORY_GROUP}/result", metadata_types(TransientResult, _ARRAYS)),
        )


def read_frames(path: str | Path) -> tuple[np.ndarray, FrameSequence]:
    """Return the times [s] and the frames [K] of a film, as many as there are yet.

    Raises as `read_transient` does, but not for a run that has not come to its end.
    """
    with open_checked(Path(path), FORMAT_VERSION, RESULT_KIND) as stored:
        sizes = [stored.array(f"VTKHDF/{axis}Coordinates", np.float64, (None,)).size - 1 for axis in "ZYX"]
        nz, ny, nx = sizes
        times, frames = _film(stored, (nz, ny, nx))
        return times[: len(frames)], frames


def _film(stored: Hdf5Reader, shape: tuple[int, int, int]) -> tuple[np.ndarray, FrameSequence]:
    """Return the times [s] of all frames, and those frames that there are."""
    times = stored.array(f"{_STEPS}/Values", np.float64, (None,))
    shown = stored.array(FRAME_INDEX_DATASET, np.int64, (times.size,))
    count = int(np.argmin([*(shown == np.arange(times.size)), False]))
    if np.any(shown[count:] != times.size):
        raise stored.fail(f"{FRAME_INDEX_DATASET} is damaged")
    return times, FrameSequence(stored.path, count, shape)
