import numpy as np

def spread_rectangles(
    x: np.ndarray,
    y: np.ndarray,
    x0: np.ndarray,
    x1: np.ndarray,
    y0: np.ndarray,
    y1: np.ndarray,
    heat: np.ndarray,
    spread: np.ndarray,
) -> None: ...
