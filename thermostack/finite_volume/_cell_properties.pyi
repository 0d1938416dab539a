import numpy as np

def spread(part: np.ndarray, table: np.ndarray, out: np.ndarray) -> None: ...
def collect(
    part: np.ndarray,
    law: np.ndarray,
    temperature: np.ndarray,
    zero: float,
    cell: np.ndarray,
    kelvin: np.ndarray,
    start: np.ndarray,
) -> None: ...
def place(cell: np.ndarray, values: np.ndarray, out: np.ndarray) -> None: ...
