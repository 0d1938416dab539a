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

class NodalPlanes:
    def __init__(self, fluxes: PlaneFluxes) -> None: ...
    def measure(
        self,
        k: int,
        conductivity: np.ndarray,
        of_low: np.ndarray | None,
        of_high: np.ndarray | None,
        power: np.ndarray,
        integral: np.ndarray,
    ) -> None: ...
    def join(self, k: int) -> None: ...
    def update_extremes(
        self,
        k: int,
        t_min: float,
        t_max: float,
        zone_min: np.ndarray,
        zone_max: np.ndarray,
        hottest: np.ndarray,
    ) -> None: ...

def add_plane(cells: PartCells, k: int, values: np.ndarray, work: np.ndarray, sums: np.ndarray) -> None: ...
