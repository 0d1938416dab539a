# The sweeps over the columns of one grid: smoothing, restriction and prolongation, row by row. Included after
# columns.pxi.
#
# Temperatures and heats have an axis of loads before those of the conductances: each stage does a row for all
# loads that are live, while the row's conductances are in the cache.
# A column is red where x + y is even. Rows are swept as a wavefront: each stage one row behind the one
# before it. Threads take blocks of rows, each stage one row narrower than the one before it, and then the
# wedges left between blocks; each row's arithmetic is the same in any division.

cdef extern from "linear/column_solve.h" nogil:
    void row_solve_alone(ptrdiff_t, ptrdiff_t, int, int, const real *, const real *, const real *, real *)
    void row_solve(ptrdiff_t, ptrdiff_t, int, int, int, const real *, const real *, const real *, const real *,
                   const real *, const real *, const real *, const real *, const real *, real *)
    void row_solve_change(ptrdiff_t, ptrdiff_t, int, int, int, const real *, const real *, const real *,
                          const real *, const real *, const real *, const real *, const real *, real *)
    void row_solve_change_add(ptrdiff_t, ptrdiff_t, int, int, int, const real *, const real *, const real *,
                              const real *, const real *, const real *, const real *, const real *, real *, real *)
    void row_couple(int, int, int, const real *, const real *, const real *, const real *, const real *,
                    const real *, real *)

cdef extern from "flush_denormals.h" nogil:
    ctypedef int rounding
    rounding drop_small()
    void keep_small(rounding)


cdef void wipe(real[:, :, :, :, ::1] field, int threads):
    """Set a field (loads, ny, 2, nz, width) to zero, each row by the thread that will work on it."""
    cdef int n, y
    cdef size_t slab = <size_t> (field.shape[2] * field.shape[3] * field.shape[4])
    for y in prange(field.shape[1], nogil=True, schedule="static", num_threads=threads):
        for n in range(field.shape[0]):
            memset(&field[n, y, 0, 0, 0], 0, sizeof(real) * slab)


cdef class Level(Columns):
    """One grid of columns with temperature t and heat b."""

    cdef readonly real[:, :, :, :, ::1] t, b  # (loads, ny, 2, nz, width)
    cdef real[:, :, :, ::1] change  # (loads, slots, nz, width) red changes, a margin before and behind
    cdef real[:, :, :, ::1] heat  # (blocks, 2, nz, width) residual of the rows of one coarse row
    cdef int[::1] live  # (loads,) those that are worked on, first; of them there are
    cdef int lives

    def give_room(self, t, b, change, heat, int[::1] live):
        """Take the room that as many loads need as are live, of any content, and set it to zero."""
        self.t, self.b, self.change, self.heat, self.live = t, b, change, heat, live
        self.lives = live.shape[0]
        if t is not None:
            wipe(self.t, self.blocks)
            wipe(self.b, self.blocks)
            memset(&self.change[0, 0, 0, 0], 0, self.change.nbytes)
            memset(&self.heat[0, 0, 0, 0], 0, self.heat.nbytes)

    def keep_alive(self, int lives):
        """Work on so many of the live loads from now on."""
        self.lives = lives

    # ---- one row of one stage

    cdef inline int _red(self, int y) noexcept nogil:
        return y & 1

    # Two live loads at a time, l and l + 1: how far the second one's values lie behind the first one's in t
    # and b, and in change.

    cdef inline ptrdiff_t _apart(self, int l) noexcept nogil:
        if l + 1 >= self.lives:
            return 0
        return (self.live[l + 1] - self.live[l]) * (<ptrdiff_t> self.ny * 2 * self.nz * self.width)

    cdef inline ptrdiff_t _changes_apart(self, int l) noexcept nogil:
        if l + 1 >= self.lives:
            return 0
        return (self.live[l + 1] - self.live[l]) * (<ptrdiff_t> self.change.shape[1] * self.nz * self.width)

    cdef void _solve_alone(self, int y, int parity) noexcept nogil:
        cdef int l, n
        for l in range(0, self.lives, 2):
            n = self.live[l]
            row_solve_alone(self._apart(l), self._apart(l), self.nz, self.width, &self.b[n, y, parity, 0, 0],
                            &self.g_z[y, parity, 0, 0], &self.inverse[y, parity, 0, 0],
                            &self.t[n, y, parity, 0, 0])

    cdef inline int _south(self, int y) noexcept nogil:
        return y - 1 if y > 0 else y

    cdef inline int _north(self, int y) noexcept nogil:
        return y + 1 if y < self.ny - 1 else y

    cdef void _solve(self, int y, int parity) noexcept nogil:
        cdef int l, n, south = self._south(y), north = self._north(y)
        for l in range(0, self.lives, 2):
            n = self.live[l]
            row_solve(self._apart(l), self._apart(l), self.nz, self.width, parity, &self.b[n, y, parity, 0, 0],
                      &self.g_x[y, 0, 0, 0], &self.t[n, y, 1 - parity, 0, 0],
                      &self.g_y[self._wrap(y), parity, 0, 0], &self.t[n, south, parity, 0, 0],
                      &self.g_y[y, parity, 0, 0], &self.t[n, north, parity, 0, 0],
                      &self.g_z[y, parity, 0, 0], &self.inverse[y, parity, 0, 0], &self.t[n, y, parity, 0, 0])

    cdef void _change_red(self, int y) noexcept nogil:
        # The red columns answer the black ones; the change is kept for the black ones' answer.
        cdef int l, n, parity = self._red(y), south = self._south(y), north = self._north(y)
        for l in range(0, self.lives, 2):
            n = self.live[l]
            row_solve_change_add(self._apart(l), self._changes_apart(l), self.nz, self.width, parity,
                                 &self.g_x[y, 0, 0, 0], &self.t[n, y, 1 - parity, 0, 0],
                                 &self.g_y[self._wrap(y), parity, 0, 0], &self.t[n, south, parity, 0, 0],
                                 &self.g_y[y, parity, 0, 0], &self.t[n, north, parity, 0, 0],
                                 &self.g_z[y, parity, 0, 0], &self.inverse[y, parity, 0, 0],
                                 &self.change[n, self.slot[y], 0, 0], &self.t[n, y, parity, 0, 0])

    cdef void _change_black(self, int y) noexcept nogil:
        # The black columns' own values are not needed again: the change takes their place.
        cdef int l, n, parity = 1 - self._red(y), south = self._south(y), north = self._north(y)
        for l in range(0, self.lives, 2):
            n = self.live[l]
            row_solve_change(self._changes_apart(l), self._apart(l), self.nz, self.width, parity,
                             &self.g_x[y, 0, 0, 0], &self.change[n, self.slot[y], 0, 0],
                             &self.g_y[self._wrap(y), parity, 0, 0], &self.change[n, self.slot[south], 0, 0],
                             &self.g_y[y, parity, 0, 0], &self.change[n, self.slot[north], 0, 0],
                             &self.g_z[y, parity, 0, 0], &self.inverse[y, parity, 0, 0],
                             &self.t[n, y, parity, 0, 0])

    cdef void _restrict(self, Level coarse, int row, int block) noexcept nogil:
        cdef int l
        for l in range(self.lives):
            self._restrict_load(coarse, row, block, self.live[l])

    cdef void _restrict_load(self, Level coarse, int row, int block, int n) noexcept nogil:
        # The black columns are in balance, so what is left is what their change sends to the red ones.
        cdef int y, parity, low = self.first[row], high = self.first[row + 1]
        for y in range(low, high):
            parity = self._red(y)
            row_couple(self.nz, self.width, parity, &self.g_x[y, 0, 0, 0], &self.t[n, y, 1 - parity, 0, 0],
                       &self.g_y[self._wrap(y), parity, 0, 0], &self.t[n, self._south(y), parity, 0, 0],
                       &self.g_y[y, parity, 0, 0], &self.t[n, self._north(y), parity, 0, 0],
                       &self.heat[block, parity, 0, 0])
        if high - low == 1:
            memset(&self.heat[block, 1 - self._red(low), 0, 0], 0,
                   sizeof(real) * <size_t> self.nz * <size_t> self.width)
        for parity in range(2):
            self._gather(coarse, BOTH, parity, 0, &self.heat[block, 0, 0, 0], &coarse.b[n, row, parity, 0, 0])

    cdef void _prolong(self, Level coarse, int y) noexcept nogil:
        # Black columns are solved next, from the red ones alone: only these need the correction.
        cdef int l, n, parity = self._red(y)
        for l in range(self.lives):
            n = self.live[l]
            row_gather(self._given(coarse, parity), self.nz, coarse.width, self.nz * coarse.width, self.width, 1,
                       &coarse.t[n, self.coarse_of[y], 0, 0, 0], &self.t[n, y, parity, 0, 0])

    # ---- sweeps

    def solve(self):
        """Solve a level of one column exactly, t = b / G."""
        cdef rounding was = drop_small()
        self._solve_alone(0, 0)
        self._finish(0)
        keep_small(was)

    def down(self, Level coarse):
        """Smooth from zero, red, black, red, black and so on, and hand the residual to the coarse level."""
        cdef int block
        if self.blocks == 1:
            self._down_block(coarse, 0)
            return
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._down_block(coarse, block)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._down_wedge(coarse, block)

    cdef inline int _low(self, int block, int stage) noexcept nogil:
        return 0 if block == 0 else self.bounds[block] + stage

    cdef inline int _high(self, int block, int stage) noexcept nogil:
        return self.ny if block == self.blocks - 1 else self.bounds[block + 1] - stage

    cdef inline bint _is_in(self, int block, int stage, int y) noexcept nogil:
        return self._low(block, stage) <= y < self._high(block, stage)

    cdef inline void _down_stage(self, int stage, int y) noexcept nogil:
        # After the first answer, red and black columns answer each other's changes.
        if stage == 0:
            self._solve_alone(y, self._red(y))
        elif stage == 1:
            self._solve(y, 1 - self._red(y))
        elif stage % 2 == 0:
            self._change_red(y)
        else:
            self._change_black(y)

    cdef void _down_block(self, Level coarse, int block) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int s, y, stage, reach = self.reach
        for s in range(self.bounds[block], self.bounds[block + 1] + reach):
            for stage in range(reach):
                if self._is_in(block, stage, s - stage):
                    self._down_stage(stage, s - stage)
            y = s - reach
            if self._is_in(block, reach, y) and y + 1 == self.first[self.coarse_of[y] + 1]:
                if self.first[self.coarse_of[y]] >= self._low(block, reach):
                    self._restrict(coarse, self.coarse_of[y], block)
        keep_small(was)

    cdef void _down_wedge(self, Level coarse, int block) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int y, row, stage, edge = self.bounds[block], reach = self.reach
        for stage in range(1, reach):
            for y in range(edge - stage, edge + stage):
                self._down_stage(stage, y)
        for row in range(self.coarse_of[edge - reach], self.coarse_of[edge + reach - 1] + 1):
            self._restrict(coarse, row, block)
        keep_small(was)

    def hand_down(self, Level coarse):
        """Set b of the coarse level to that of this one, summed."""
        cdef int row
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._hand_down(coarse, row)

    cdef void _hand_down(self, Level coarse, int row) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int l, n, y, parity
        for l in range(self.lives):
            n = self.live[l]
            for parity in range(2):
                for y in range(self.first[row], self.first[row + 1]):
                    self._gather(coarse, BOTH, parity, y > self.first[row], &self.b[n, y, 0, 0, 0],
                                 &coarse.b[n, row, parity, 0, 0])
        keep_small(was)

    def clear(self):
        """Set t to zero."""
        cdef int y, l
        cdef size_t slab = 2 * <size_t> self.nz * <size_t> self.width
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            for l in range(self.lives):
                memset(&self.t[self.live[l], y, 0, 0, 0], 0, sizeof(real) * slab)

    def up(self, Level coarse):
        """Add the coarse level's answer and smooth, black, red, black, red and so on."""
        cdef int block
        if self.blocks == 1:
            self._up_block(coarse, 0)
            return
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._up_block(coarse, block)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._up_wedge(block)

    cdef void _up_block(self, Level coarse, int block) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int s, y, stage, reach = self.reach
        for s in range(self.bounds[block], self.bounds[block + 1] + reach):
            if self._is_in(block, 0, s):
                self._prolong(coarse, s)
            for stage in range(1, reach + 1):
                y = s - stage
                if self._is_in(block, stage, y):
                    self._solve(y, self._red(y + stage))
            # A row is finished with the one to its south, which a wedge may have yet to smooth.
            if self._is_in(block, reach, s - reach) and (block == 0 or s > self.bounds[block] + 2 * reach):
                self._finish(s - reach)
        keep_small(was)

    cdef void _up_wedge(self, int block) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int y, stage, edge = self.bounds[block], reach = self.reach
        for stage in range(1, reach + 1):
            for y in range(edge - stage, edge + stage):
                self._solve(y, self._red(y + stage))
        for y in range(edge - reach, edge + reach + 1):
            self._finish(y)
        keep_small(was)

    cdef void _finish(self, int y) noexcept nogil:
        # What the finest level does with a row that is ready, and the row to its south with it.
        pass
