import numpy as np

WORK_ROWS: int

def measure_plane(
    k: int,
    g_x: np.ndarray,
    g_y: np.ndarray,
    g_z: np.ndarray,
    t: np.ndarray,
    part: np.ndarray,
    conductivity: np.ndarray,
    dz: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray,
    column: np.ndarray,
    axis: np.ndarray,
    is_high: np.ndarray,
    leaving: np.ndarray,
    windows: np.ndarray,
    least: float,
    most: float,
    work: np.ndarray,
    integral: np.ndarray,
    lowest: np.ndarray,
    highest: np.ndarray,
    hottest: np.ndarray,
) -> None: ...
def add_plane(
    k: int,
    part: np.ndarray,
    dz: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray,
    windows: np.ndarray,
    values: np.ndarray,
    work: np.ndarray,
    sums: np.ndarray,
) -> None: ...
