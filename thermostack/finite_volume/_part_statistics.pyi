from typing import Any

import numpy as np

class PartCells:
    def __init__(self, widths: tuple[np.ndarray, ...], part: np.ndarray, windows: np.ndarray) -> None: ...

class PlaneFluxes:
    def __init__(
        self,
        cells: tuple[Any, ...],
        conductances: tuple[np.ndarray, ...],
        boundary: tuple[np.ndarray, ...],
        t: np.ndarray,
    ) -> None: ...

def measure_plane(
    fluxes: PlaneFluxes,
    k: int,
    conductivity: np.ndarray,
    t_min: float,
    t_max: float,
    integral: np.ndarray,
    zone_min: np.ndarray,
    zone_max: np.ndarray,
    hottest: np.ndarray,
) -> None: ...
def add_plane(cells: PartCells, k: int, values: np.ndarray, work: np.ndarray, sums: np.ndarray) -> None: ...
