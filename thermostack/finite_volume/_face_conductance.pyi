import numpy as np

def join_sideways(
    half: np.ndarray, dz: float, dy: np.ndarray, dx: np.ndarray, g_x: np.ndarray, g_y: np.ndarray
) -> None: ...
def join_upwards(
    below: np.ndarray, above: np.ndarray, dy: np.ndarray, dx: np.ndarray, g_z: np.ndarray
) -> None: ...
def span(
    values: np.ndarray, factor: np.ndarray, least: np.ndarray, greatest: np.ndarray, threads: int
) -> None: ...
