import numpy as np

Array = np.ndarray

class NaturalOperator:
    def __init__(
        self, g_x: Array, g_y: Array, g_z: Array, start: Array, cell: Array, boundary: Array
    ) -> None: ...

class LevelOperator:
    nz: int
    ny: int
    nx: int
    width: int
    blocks: int
    # (ny, 2, nz, width), buffers for np.asarray; float32 here and float64 in _multigrid_f64
    g_x: Array
    g_y: Array
    g_z: Array
    inverse: Array
    boundary: Array | None  # (lines, 2, width)
    boundary_line: Array  # (ny, nz) int32
    def __init__(
        self,
        nx: int,
        g_x: Array,
        g_y: Array,
        g_z: Array,
        inverse: Array,
        boundary: Array,
        boundary_line: Array,
        bounds: Array,
    ) -> None: ...
    def free_boundary(self) -> None: ...
    def load_operator(self, operator: NaturalOperator) -> None: ...
    def load_boundary(self, operator: NaturalOperator) -> None: ...

class CoarsenedOperator(LevelOperator):
    def merge_boundary_lines(self, first_y: Array, line: Array) -> int: ...
    def coarsen(
        self,
        coarse: CoarsenedOperator,
        first_x: Array,
        first_y: Array,
        dx: Array,
        dy: Array,
        coarse_dx: Array,
        coarse_dy: Array,
    ) -> None: ...
    def form_coarse_operator(self, coarse: CoarsenedOperator) -> None: ...
    def sum_boundary(self, coarse: CoarsenedOperator) -> None: ...

class Smoother(CoarsenedOperator):
    t: Array  # (right-hand sides, ny, 2, nz, width)
    b: Array
    half_sweeps: int  # two for each smoothing step before and after the coarser grid
    slots: int
    def set_sweeps(self, sweeps: int) -> None: ...
    def set_workspace(
        self,
        t: Array | None,
        b: Array | None,
        red_change: Array | None,
        residual_rows: Array | None,
        active: Array,
    ) -> None: ...
    def set_active_count(self, count: int) -> None: ...
    def set_solution_to_zero(self) -> None: ...

class GridTransfer(Smoother):
    def restrict_rhs(self, coarse: GridTransfer) -> None: ...

class Level(GridTransfer):
    def solve_coarsest(self) -> None: ...
    def presmooth_restrict(self, coarse: Level) -> None: ...
    def prolong_postsmooth(self, coarse: Level) -> None: ...

class ResidualReplacement:
    def __init__(
        self, rhs: Array, scale: Array, operator: NaturalOperator, threads: int, width: int
    ) -> None: ...
    def request(self, n: int, is_requested: bool) -> None: ...
    def result(self, n: int) -> tuple[float, float] | None: ...

class FinestLevel(Level):
    p: Array  # (right-hand sides, ny, 2, nz, width)
    def set_pcg_workspace(
        self, p: Array | None, row_sums: Array | None, line_sums: Array | None, line_work: Array | None
    ) -> None: ...
    def set_rhs(self, n: int, rhs: Array, scale: float) -> None: ...
    def residual(
        self, n: int, operator: NaturalOperator, rhs: Array, field: Array, scale: float
    ) -> tuple[float, float]: ...
    def products(self, n: int) -> tuple[float, float, float, float]: ...
    def pcg_update(
        self,
        beta: Array,
        alpha: Array,
        step: Array,
        constant: Array,
        field: Array,
        square: Array,
        replacement: ResidualReplacement | None = None,
    ) -> None: ...

def apply_operator(operator: NaturalOperator, t: Array, out: Array, threads: int) -> None: ...
def plane_norms(field: Array, sums: Array, threads: int) -> None: ...
def pair_costs(
    level: LevelOperator,
    dx: Array,
    dy: Array,
    interface: float,
    max_cost: float,
    cost_x: Array,
    cost_y: Array,
) -> None: ...
def partition_axis(cost: Array, interval_cost: float, first: Array) -> int: ...
