"""Writer of the VTKHDF file of a comparison: both temperature fields and their difference on a common grid.

The grid is a `RectilinearGrid` as in the file of a steady result. Its cell data are `temperature_difference`,
`temperature_first` and `temperature_second` [K], and `part` of the first result. Cells that are not in both
bodies have the difference NaN and are hidden. The group `thermostack` has the tables as JSON.
"""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import numpy as np

from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import RESULT_SUFFIX, require_result_path, require_suffix
from thermostack.io.results.comparison_summary import comparison_summary
from thermostack.io.results.hdf5_arrays import write_array, write_json
from thermostack.io.results.metadata import write_format
from thermostack.io.results.model_record import ROOT_GROUP
from thermostack.io.results.vtk_grid import HIDDEN_CELL, write_grid, write_names
from thermostack.results.comparison import Comparison

COMPARISON_KIND = "comparison"


def write_comparison(comparison: Comparison, path: str | Path) -> None:
    """Write the difference of two fields to a file, which ParaView and PyVista open.

    Raises OutputError if the name does not end in .vtkhdf, if a file of another kind has it, or if the file
    cannot be written; an older file of that name is then unchanged.
    """
    path = require_result_path(require_suffix(path, (RESULT_SUFFIX,)))
    field = comparison.field
    image = io.BytesIO()
    with h5py.File(image, "w", libver=("v110", "v110")) as file:
        group = file.create_group("VTKHDF")
        write_grid(group, field.grid)
        cells = group.create_group("CellData")
        difference = write_array(cells, "temperature_difference", field.values)
        difference.attrs["Attribute"] = np.bytes_(b"Scalars")
        write_array(cells, "temperature_first", field.first)
        write_array(cells, "temperature_second", field.second)
        write_array(cells, "part", field.part)
        write_array(cells, "vtkGhostType", np.where(field.is_common, 0, HIDDEN_CELL).astype(np.uint8))
        write_names(group, comparison.first.model)
        home = file.create_group(ROOT_GROUP)
        write_format(home, COMPARISON_KIND)
        write_json(home, "comparison", comparison_summary(comparison))
    write_atomic(path, image.getvalue())
