import numpy as np

CELLS_PER_PIECE: int

class WeightedSum:
    def __init__(self, fields: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> None: ...

def combine(terms: WeightedSum, begin: int, out: np.ndarray, threads: int) -> None: ...
def distance(
    terms: WeightedSum, other: np.ndarray, planes: np.ndarray, out: np.ndarray, threads: int
) -> None: ...
def stage_rhs(
    base: WeightedSum,
    predictor: WeightedSum,
    shift: float,
    capacity: np.ndarray,
    rhs: np.ndarray,
    guess: np.ndarray,
    threads: int,
) -> None: ...
def error_and_storage(error: WeightedSum, capacity: np.ndarray, out: np.ndarray, threads: int) -> None: ...
