import numpy as np

class Level:
    nz: int
    ny: int
    nx: int
    width: int
    blocks: int
    # (ny, 2, nz, width), buffers for np.asarray; of float32 here and float64 in _columns_double
    g_x: np.ndarray
    g_y: np.ndarray
    g_z: np.ndarray
    inverse: np.ndarray
    t: np.ndarray  # (loads, ny, 2, nz, width)
    b: np.ndarray
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
    ) -> None: ...
    def divide(self, bounds: np.ndarray, slot: np.ndarray) -> None: ...
    def give_room(
        self,
        t: np.ndarray | None,
        b: np.ndarray | None,
        change: np.ndarray | None,
        heat: np.ndarray | None,
        live: np.ndarray,
    ) -> None: ...
    def keep_alive(self, lives: int) -> None: ...
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
    def sum_ground(self, coarse: Level) -> None: ...
    def fill(self, coarse: Level) -> None: ...
    def clear_conductances(self) -> None: ...
    def coarsen(
        self,
        coarse: Level,
        first_x: np.ndarray,
        first_y: np.ndarray,
        dx: np.ndarray,
        dy: np.ndarray,
        take: np.ndarray,
        give: np.ndarray,
        coarse_of: np.ndarray,
        shrink_x: np.ndarray,
        shrink_y: np.ndarray,
    ) -> None: ...
    def weigh_x(
        self,
        rows: np.ndarray,
        dx: np.ndarray,
        hold: np.ndarray,
        work: np.ndarray,
        weak: np.ndarray,
        jump: np.ndarray,
    ) -> None: ...
    def weigh_y(
        self,
        begins: np.ndarray,
        dy: np.ndarray,
        hold: np.ndarray,
        work: np.ndarray,
        weak: np.ndarray,
        jump: np.ndarray,
    ) -> None: ...
    def solve(self) -> None: ...
    def down(self, coarse: Level) -> None: ...
    def up(self, coarse: Level) -> None: ...
    def hand_down(self, coarse: Level) -> None: ...
    def clear(self) -> None: ...

class FinestLevel(Level):
    p: np.ndarray  # (loads, ny, 2, nz, width)
    q: np.ndarray
    def search(
        self,
        p: np.ndarray,
        q: np.ndarray,
        row_sums: np.ndarray,
        line_sums: np.ndarray,
        left: np.ndarray,
        planes: np.ndarray,
    ) -> None: ...
    def products(self, n: int) -> tuple[float, float]: ...
    def reduce(self, alpha: np.ndarray, square: np.ndarray) -> None: ...
    def excess(self, n: int) -> float: ...
    def settle(self, n: int, step: float, constant: float, field: np.ndarray) -> None: ...
    def advance(self, step: np.ndarray, beta: np.ndarray, field: np.ndarray, energy: np.ndarray) -> None: ...
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
        step: float,
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
def average(weak: np.ndarray, jump: np.ndarray, axis: int, mean: np.ndarray) -> None: ...
def weigh(field: np.ndarray, sums: np.ndarray, threads: int) -> None: ...
