import numpy as np

def deposit_rectangles(
    x: np.ndarray, y: np.ndarray, bounds: np.ndarray, power: np.ndarray, out: np.ndarray
) -> None: ...
