"""Reader and writer of the VTKHDF file of a steady result.

The grid is a `RectilinearGrid` (VTK 9.7, ParaView 6.2 and newer) with the cell data `temperature` [K],
`part`, `power` [W] and, if there are cells outside the body, `vtkGhostType`, which hides them.
`FieldData/part_names` has the names of the parts, with number 0 for outside. A steady result has no group
`Steps`. The group `thermostack` contains the other data: the description with the definitions of its library
materials, the heat sources, the boundary faces, the temperatures of the parts with their errors, the heat
balance, the heat flow of links, the solver report, the refinement, the warnings and the provenance. Texts are
JSON in UTF-8.

Every array has a checksum (fletcher32), and the metadata of HDF5 1.10 have checksums too, so damage is
detected. The file is compressed to a few bytes per cell in memory, and written atomically.
"""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import numpy as np

from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import RESULT_SUFFIX, require_result_path, require_suffix
from thermostack.io.results.hdf5_arrays import open_checked, write_array, write_json
from thermostack.io.results.metadata import (
    FORMAT_VERSION,
    metadata_types,
    plain_metadata,
    provenance,
    read_metadata,
    write_format,
)
from thermostack.io.results.model_record import ROOT_GROUP, read_model, write_model
from thermostack.io.results.vtk_grid import write_cells, write_grid, write_names
from thermostack.results.steady_result import SteadyResult

RESULT_KIND = "steady"
_ARRAYS = ("model", "field")  # fields of a result that are stored as arrays, not as JSON


def write_result(result: SteadyResult, path: str | Path) -> None:
    """Write a steady result to a file, which `read_result`, ParaView and PyVista open.

    Raises OutputError if the name does not end in .vtkhdf, if a file of another kind has it, or if the file
    cannot be written; an older file of that name is then unchanged.
    """
    path = require_result_path(require_suffix(path, (RESULT_SUFFIX,)))
    write_atomic(path, result_bytes(result))


def read_result(path: str | Path) -> SteadyResult:
    """Return the steady result that `SteadyResult.save` wrote, equal to the last bit.

    Parameters
    ----------
    path : str or pathlib.Path
        The .vtkhdf file.

    Returns
    -------
    SteadyResult
        The result, with its model and package.

    Raises
    ------
    ResultFileError
        If the file is damaged, of another program, of another kind, or of a newer format.
    DescriptionError
        If there is no such file (E-FILE).

    Examples
    --------
    >>> import tempfile, thermostack as ts
    >>> steady = ts.solve_steady(ts.discretize(ts.read_package("fcbga"), cell=6e-3))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     steady.save(f"{directory}/fcbga.vtkhdf")
    ...     ts.read_result(f"{directory}/fcbga.vtkhdf").peak == steady.peak
    True
    """
    with open_checked(Path(path), FORMAT_VERSION, RESULT_KIND) as stored:
        model = read_model(stored)
        values = stored.array("VTKHDF/CellData/temperature", np.float64, model.grid.shape)
        if not np.array_equal(np.isfinite(values), model.part > 0):
            raise stored.fail("VTKHDF/CellData/temperature must be finite in the body and NaN outside")
        defaults = {"links": (), "refinement": None, "agreement": None, "nonlinear": None}
        types = metadata_types(SteadyResult, _ARRAYS)
        metadata = read_metadata(stored, f"{ROOT_GROUP}/result", types, defaults)
        return SteadyResult(model=model, field=values, **metadata)


def result_bytes(result: SteadyResult) -> bytes:
    """Return the content of the file of a result."""
    image = io.BytesIO()
    with h5py.File(image, "w", libver=("v110", "v110")) as file:
        group = file.create_group("VTKHDF")
        write_grid(group, result.model.grid)
        cells = group.create_group("CellData")
        write_array(cells, "temperature", result.field).attrs["Attribute"] = np.bytes_(b"Scalars")
        write_cells(cells, result.model)
        write_names(group, result.model)
        home = file.create_group(ROOT_GROUP)
        write_format(home, RESULT_KIND)
        write_model(home, result.model)
        types = metadata_types(SteadyResult, _ARRAYS)
        write_json(home, "result", plain_metadata({name: getattr(result, name) for name in types}, types))
        write_json(home, "provenance", provenance(result.model))
    return image.getvalue()
