import numpy as np

def mix(
    fields: np.ndarray, rows: np.ndarray, weights: np.ndarray, out: np.ndarray, threads: int
) -> None: ...
def charge(
    fields: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    shift: float,
    capacity: np.ndarray,
    heat: np.ndarray,
    out: np.ndarray,
    threads: int,
) -> None: ...
def largest(
    fields: np.ndarray, rows: np.ndarray, weights: np.ndarray, most: np.ndarray, threads: int
) -> None: ...
