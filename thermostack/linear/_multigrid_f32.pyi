import numpy as np

class Columns:
    nz: int
    ny: int
    nx: int
    width: int
    blocks: int
    reach: int  # two for each time it smooths before or after the coarser grid
    slots: int
    # (ny, 2, nz, width), buffers for np.asarray; of float32 here and float64 in _columns_double
    g_x: np.ndarray
    g_y: np.ndarray
    g_z: np.ndarray
    inverse: np.ndarray
    ground: np.ndarray | None  # (lines, 2, width)
    line: np.ndarray  # (ny, nz) int32
    def __init__(
        self,
        nx: int,
        g_x: np.ndarray,
        g_y: np.ndarray,
        g_z: np.ndarray,
        inverse: np.ndarray,
        ground: np.ndarray,
        line: np.ndarray,
        bounds: np.ndarray,
        sweeps: int,
    ) -> None: ...
    def forget_ground(self) -> None: ...
    def load(
        self,
        g_x: np.ndarray,
        g_y: np.ndarray,
        g_z: np.ndarray,
        start: np.ndarray,
        cell: np.ndarray,
        ground: np.ndarray,
    ) -> None: ...
    def load_ground(self, start: np.ndarray, cell: np.ndarray, ground: np.ndarray) -> None: ...
    def merge_lines(self, first_y: np.ndarray, line: np.ndarray) -> int: ...
    def coarsen(
        self,
        coarse: Columns,
        first_x: np.ndarray,
        first_y: np.ndarray,
        dx: np.ndarray,
        dy: np.ndarray,
        coarse_dx: np.ndarray,
        coarse_dy: np.ndarray,
    ) -> None: ...
    def fill(self, coarse: Columns) -> None: ...
    def sum_ground(self, coarse: Columns) -> None: ...

class Level(Columns):
    t: np.ndarray  # (loads, ny, 2, nz, width)
    b: np.ndarray
    def give_room(
        self,
        t: np.ndarray | None,
        b: np.ndarray | None,
        change: np.ndarray | None,
        heat: np.ndarray | None,
        live: np.ndarray,
    ) -> None: ...
    def keep_alive(self, lives: int) -> None: ...
    def solve(self) -> None: ...
    def down(self, coarse: Level) -> None: ...
    def up(self, coarse: Level) -> None: ...
    def hand_down(self, coarse: Level) -> None: ...
    def clear(self) -> None: ...

class TrueResidual:
    def __init__(
        self,
        heat: np.ndarray,
        scale: np.ndarray,
        start: np.ndarray,
        cell: np.ndarray,
        ground: np.ndarray,
        threads: int,
        width: int,
    ) -> None: ...
    def ask(self, n: int, is_due: bool) -> None: ...
    def found(self, n: int) -> tuple[float, float] | None: ...

class FinestLevel(Level):
    p: np.ndarray  # (loads, ny, 2, nz, width)
    def search(
        self,
        p: np.ndarray | None,
        row_sums: np.ndarray | None,
        line_sums: np.ndarray | None,
        left: np.ndarray | None,
    ) -> None: ...
    def products(self, n: int) -> tuple[float, float, float, float]: ...
    def descend(
        self,
        beta: np.ndarray,
        alpha: np.ndarray,
        step: np.ndarray,
        constant: np.ndarray,
        field: np.ndarray,
        square: np.ndarray,
        true: TrueResidual | None = None,
    ) -> None: ...
    def begin(self, n: int, heat: np.ndarray, scale: float) -> None: ...
    def residual(
        self,
        n: int,
        g_x: np.ndarray,
        g_y: np.ndarray,
        g_z: np.ndarray,
        none: np.ndarray,
        start: np.ndarray,
        cell: np.ndarray,
        ground: np.ndarray,
        heat: np.ndarray,
        field: np.ndarray,
        scale: float,
    ) -> tuple[float, float]: ...

def operate(
    g_x: np.ndarray,
    g_y: np.ndarray,
    g_z: np.ndarray,
    none: np.ndarray,
    start: np.ndarray,
    cell: np.ndarray,
    ground: np.ndarray,
    t: np.ndarray,
    out: np.ndarray,
    threads: int,
) -> None: ...
def weigh_pairs(
    level: Columns,
    dx: np.ndarray,
    dy: np.ndarray,
    interface: float,
    most: float,
    cost_x: np.ndarray,
    cost_y: np.ndarray,
) -> None: ...
def choose(cost: np.ndarray, price: float, first: np.ndarray) -> int: ...
def weigh(field: np.ndarray, sums: np.ndarray, threads: int) -> None: ...
