from typing import Any

import numpy as np

class CornerEquations:
    def __init__(
        self,
        cells: tuple[Any, ...],
        base: np.ndarray,
        conductances: tuple[np.ndarray, np.ndarray, np.ndarray],
        power: np.ndarray,
        t: np.ndarray,
    ) -> None: ...
    def add_cells(self, k: int, conductivity: np.ndarray, power: np.ndarray, t: np.ndarray) -> None: ...
    def measure(
        self,
        k: int,
        bend: np.ndarray | None,
        own: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
        integral: np.ndarray,
        zone_max: np.ndarray,
    ) -> None: ...
