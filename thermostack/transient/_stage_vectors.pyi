import numpy as np

def mix(
    fields: np.ndarray, rows: np.ndarray, weights: np.ndarray, begin: int, out: np.ndarray, threads: int
) -> None: ...
def depart(
    fields: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    other: np.ndarray,
    planes: np.ndarray,
    found: np.ndarray,
    threads: int,
) -> None: ...
def begin(
    fields: np.ndarray,
    base: np.ndarray,
    base_weights: np.ndarray,
    shift: float,
    capacity: np.ndarray,
    heat: np.ndarray,
    near: np.ndarray,
    near_weights: np.ndarray,
    guess: np.ndarray,
    threads: int,
) -> None: ...
def judge(
    fields: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    capacity: np.ndarray,
    found: np.ndarray,
    threads: int,
) -> None: ...
