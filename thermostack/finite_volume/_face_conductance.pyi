import numpy as np

def lateral_conductance(
    low: np.ndarray,
    high: np.ndarray,
    dz: float,
    dy: np.ndarray,
    dx: np.ndarray,
    g_x: np.ndarray,
    g_y: np.ndarray,
) -> None: ...
def vertical_conductance(
    below: np.ndarray, above: np.ndarray, dy: np.ndarray, dx: np.ndarray, g_z: np.ndarray
) -> None: ...
def plane_extremes(
    values: np.ndarray, factor: np.ndarray, plane_min: np.ndarray, plane_max: np.ndarray, threads: int
) -> None: ...
