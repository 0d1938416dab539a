import numpy as np

def expand(part: np.ndarray, table: np.ndarray, out: np.ndarray) -> None: ...
def gather(
    part: np.ndarray,
    law: np.ndarray,
    temperature: np.ndarray,
    zero: float,
    cell: np.ndarray,
    kelvin: np.ndarray,
    start: np.ndarray,
) -> None: ...
def scatter(cell: np.ndarray, values: np.ndarray, out: np.ndarray) -> None: ...
