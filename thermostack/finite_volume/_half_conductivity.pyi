from typing import Any

import numpy as np

class ConductivityTables:
    def __init__(
        self, rows: tuple[np.ndarray, ...], start: np.ndarray, buckets: tuple[np.ndarray, ...]
    ) -> None: ...

class CellTemperatures:
    def __init__(
        self,
        part: np.ndarray,
        t: np.ndarray,
        zero: float,
        per_half_width: tuple[np.ndarray, ...],
        law: np.ndarray,
        constant: np.ndarray,
    ) -> None: ...

def set_conductivities(
    cells: CellTemperatures, tables: ConductivityTables, k: int, out: np.ndarray
) -> None: ...
def set_conductivities_of_cells(
    cells: CellTemperatures,
    tables: ConductivityTables,
    cell: np.ndarray,
    inflow_low: np.ndarray,
    inflow_high: np.ndarray,
    own: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> None: ...
def set_half_conductivities(
    cells: CellTemperatures,
    tables: ConductivityTables,
    k: int,
    contacts: tuple[np.ndarray | None, ...],
    axis: int,
    known: np.ndarray | None,
    low: np.ndarray,
    high: np.ndarray,
    low_above: np.ndarray,
) -> None: ...
def set_boundary_conductivities(
    cells: CellTemperatures,
    tables: ConductivityTables,
    k: int,
    faces: tuple[Any, ...],
    low: np.ndarray,
    high: np.ndarray,
) -> None: ...
