# Smoother of one multigrid level: column Gauss-Seidel in two colours (zebra in x and y), one row of one half sweep at
# a time. Included after coarsening.pxi.
#
# Fields have an axis of right-hand sides before the axes of the conductances: each half sweep processes a row for
# all active right-hand sides while the conductances of the row are in the cache. A column is red where x + y is even.

cdef extern from "linear/column_solve.h" nogil:
    ctypedef struct system_offset:
        ptrdiff_t in_ "in"
        ptrdiff_t out
    void row_solve_uncoupled(row_operator, const real *, system_offset, const real *, real *)
    void row_solve(row_operator, const real *, system_offset, const real *, row_values, real *)
    void row_solve_change(row_operator, const real *, system_offset, row_values, real *)
    void row_solve_change_add(row_operator, const real *, system_offset, row_values, real *, real *)
    void row_lateral_inflow(row_operator, row_values, real *)


cdef void set_zero(real[:, :, :, :, ::1] field, int threads):
    """Set a field (right-hand sides, ny, 2, nz, width) to zero, each row by the thread that will process it."""
    cdef int n, y
    cdef size_t slab = <size_t> (field.shape[2] * field.shape[3] * field.shape[4])
    for y in prange(field.shape[1], nogil=True, schedule="static", num_threads=threads):
        for n in range(field.shape[0]):
            memset(&field[n, y, 0, 0, 0], 0, sizeof(real) * slab)


cdef class Smoother(CoarsenedOperator):
    """The system G t = b of one level for several right-hand sides, and the half sweeps over its rows."""

    cdef readonly real[:, :, :, :, ::1] t, b  # (right-hand sides, ny, 2, nz, width)
    cdef real[:, :, :, ::1] red_change  # (right-hand sides, slots, nz, width), one slot unused before and behind
    cdef real[:, :, :, ::1] residual_rows  # (blocks, 2, nz, width) residual of the rows of one coarse row
    cdef int[::1] active  # right-hand sides; the first `active_count` are processed
    cdef int active_count
    cdef readonly int half_sweeps  # before and after the coarser grid: two for each smoothing step
    cdef readonly int slots  # for the changes of red columns
    cdef int[::1] slot  # (ny,) where the change of a row's red columns is stored

    def set_sweeps(self, int sweeps):
        """Set the smoothing steps before and after the coarser grid, and assign each row a slot, counted from 1.

        The rows of a block use some slots in turn. Rows next to the edge of a block have their own slots, which
        the wedge between the blocks reads later.
        """
        cdef int block, y, edge, lag = 2 * sweeps
        self.half_sweeps = lag
        self.slot = np.empty(self.ny, dtype=np.int32)
        self.slots = lag * self.blocks
        for block in range(self.blocks):
            for y in range(self.bounds[block], self.bounds[block + 1]):
                self.slot[y] = 1 + lag * block + y % lag
        for block in range(1, self.blocks):
            edge = self.bounds[block] - lag
            for y in range(edge, edge + 2 * lag):
                self.slots += 1
                self.slot[y] = self.slots

    def set_workspace(self, t, b, red_change, residual_rows, int[::1] active):
        """Set the arrays for as many right-hand sides as `active` has, and set them to zero; None frees them."""
        self.t, self.b, self.red_change, self.residual_rows = t, b, red_change, residual_rows
        self.active, self.active_count = active, active.shape[0]
        if t is not None:
            set_zero(self.t, self.blocks)
            set_zero(self.b, self.blocks)
            memset(&self.red_change[0, 0, 0, 0], 0, self.red_change.nbytes)
            memset(&self.residual_rows[0, 0, 0, 0], 0, self.residual_rows.nbytes)

    def set_active_count(self, int count):
        """Set how many of the active right-hand sides are processed."""
        self.active_count = count

    def set_solution_to_zero(self):
        """Set t of the active right-hand sides to zero."""
        cdef int y, l
        cdef size_t slab = 2 * <size_t> self.nz * <size_t> self.width
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            for l in range(self.active_count):
                memset(&self.t[self.active[l], y, 0, 0, 0], 0, sizeof(real) * slab)

    cdef inline int _red(self, int y) noexcept nogil:
        return y & 1

    # Two active right-hand sides at a time, l and l + 1: the offset of the values of the second one in t and b, and
    # in red_change.

    cdef inline ptrdiff_t _offset(self, int l) noexcept nogil:
        if l + 1 >= self.active_count:
            return 0
        return (self.active[l + 1] - self.active[l]) * (<ptrdiff_t> self.ny * 2 * self.nz * self.width)

    cdef inline ptrdiff_t _change_offset(self, int l) noexcept nogil:
        if l + 1 >= self.active_count:
            return 0
        return (self.active[l + 1] - self.active[l]) * (
            <ptrdiff_t> self.red_change.shape[1] * self.nz * self.width)

    cdef void _solve_uncoupled(self, int y, int parity) noexcept nogil:
        cdef int l, n
        cdef system_offset offset
        for l in range(0, self.active_count, 2):
            n = self.active[l]
            offset.in_ = offset.out = self._offset(l)
            row_solve_uncoupled(self._row(y, parity), &self.inverse[y, parity, 0, 0], offset,
                                &self.b[n, y, parity, 0, 0], &self.t[n, y, parity, 0, 0])

    cdef void _solve(self, int y, int parity) noexcept nogil:
        cdef int l, n
        cdef system_offset offset
        for l in range(0, self.active_count, 2):
            n = self.active[l]
            offset.in_ = offset.out = self._offset(l)
            row_solve(self._row(y, parity), &self.inverse[y, parity, 0, 0], offset,
                      &self.b[n, y, parity, 0, 0], self._values(self.t, n, y, parity),
                      &self.t[n, y, parity, 0, 0])

    cdef void _solve_red_change(self, int y) noexcept nogil:
        # The red columns respond to the change of the black ones; the response is stored for the next half sweep.
        cdef int l, n, parity = self._red(y)
        cdef system_offset offset
        for l in range(0, self.active_count, 2):
            n = self.active[l]
            offset.in_, offset.out = self._offset(l), self._change_offset(l)
            row_solve_change_add(self._row(y, parity), &self.inverse[y, parity, 0, 0], offset,
                                 self._values(self.t, n, y, parity), &self.red_change[n, self.slot[y], 0, 0],
                                 &self.t[n, y, parity, 0, 0])

    cdef void _solve_black_change(self, int y) noexcept nogil:
        # The values of the black columns are not needed again: their change replaces them.
        cdef int l, n, parity = 1 - self._red(y)
        cdef system_offset offset
        cdef row_values near
        for l in range(0, self.active_count, 2):
            n = self.active[l]
            offset.in_, offset.out = self._change_offset(l), self._offset(l)
            near.own = near.other = &self.red_change[n, self.slot[y], 0, 0]
            near.south = &self.red_change[n, self.slot[self._south(y)], 0, 0]
            near.north = &self.red_change[n, self.slot[self._north(y)], 0, 0]
            row_solve_change(self._row(y, parity), &self.inverse[y, parity, 0, 0], offset, near,
                             &self.t[n, y, parity, 0, 0])
