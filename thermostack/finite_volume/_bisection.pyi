from typing import Any

import numpy as np

class PlaneFluxes:
    def __init__(
        self,
        cells: tuple[Any, ...],
        conductances: tuple[np.ndarray, ...],
        boundary: tuple[np.ndarray, ...],
        t: np.ndarray,
    ) -> None: ...

class BisectedPlanes:
    def __init__(self, fluxes: PlaneFluxes, axis: int, max_ratio: float, has_halves: bool) -> None: ...
    def interpolate(
        self, k: int, conductivity: np.ndarray, of_low: np.ndarray | None, of_high: np.ndarray | None
    ) -> None: ...
    def restrict_residual(
        self,
        k: int,
        power: np.ndarray,
        probes: np.ndarray,
        residual: np.ndarray,
        mean_change: np.ndarray,
        probe_values: np.ndarray,
        storage: np.ndarray,
    ) -> None: ...
