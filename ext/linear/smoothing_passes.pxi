# The two passes of a V-cycle over one level: pre-smoothing with restriction, and prolongation with post-smoothing.
# Included after restriction_prolongation.pxi.
#
# Rows are swept as a wavefront: each half sweep follows the one before it by one row, so that a row stays in the cache
# for all half sweeps. Threads process blocks of rows, where each half sweep covers one row less at the edges than the
# one before it, and then the wedges left between blocks. The arithmetic of a row does not depend on the division.


cdef class Level(GridTransfer):
    """One level of the column multigrid.

    It is an extension type with methods, not a set of functions on arrays: the passes over a level use a score of
    arrays, whose addresses are read from the object for each row, and the finest level adds its own work to the last
    pass by a method of its own. Its base classes are the parts of the method, one file each.
    """

    def solve_coarsest(self):
        """Solve a level of one column exactly: t = G^-1 b."""
        cdef fp_mode saved = flush_denormals()
        self._solve_uncoupled(0, 0)
        self._finish_row(0)
        restore_fp_mode(saved)

    def presmooth_restrict(self, Level coarse):
        """Smooth from t = 0 in the order red, black, red, black, and restrict the residual to the coarse level."""
        cdef int block
        if self.blocks == 1:
            self._presmooth_block(coarse, 0)
            return
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._presmooth_block(coarse, block)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._presmooth_wedge(coarse, block)

    def prolong_postsmooth(self, Level coarse):
        """Add the correction of the coarse level and smooth in the order black, red, black, red."""
        cdef int block
        if self.blocks == 1:
            self._postsmooth_block(coarse, 0)
            return
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._postsmooth_block(coarse, block)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._postsmooth_wedge(block)

    # The rows of a block that are processed in a half sweep, before the wedges.

    cdef inline int _first_row(self, int block, int half_sweep) noexcept nogil:
        return 0 if block == 0 else self.bounds[block] + half_sweep

    cdef inline int _end_row(self, int block, int half_sweep) noexcept nogil:
        return self.ny if block == self.blocks - 1 else self.bounds[block + 1] - half_sweep

    cdef inline bint _has_row(self, int block, int half_sweep, int y) noexcept nogil:
        return self._first_row(block, half_sweep) <= y < self._end_row(block, half_sweep)

    cdef inline void _presmooth_row(self, int half_sweep, int y) noexcept nogil:
        # After the first sweep, red and black columns respond to each other's changes.
        if half_sweep == 0:
            self._solve_uncoupled(y, self._red(y))
        elif half_sweep == 1:
            self._solve(y, 1 - self._red(y))
        elif half_sweep % 2 == 0:
            self._solve_red_change(y)
        else:
            self._solve_black_change(y)

    cdef void _presmooth_block(self, Level coarse, int block) noexcept nogil:
        cdef fp_mode saved = flush_denormals()
        cdef int s, y, half_sweep, last = self.half_sweeps
        for s in range(self.bounds[block], self.bounds[block + 1] + last):
            for half_sweep in range(last):
                if self._has_row(block, half_sweep, s - half_sweep):
                    self._presmooth_row(half_sweep, s - half_sweep)
            y = s - last
            if self._has_row(block, last, y) and y + 1 == self.first[self.coarse_of[y] + 1]:
                if self.first[self.coarse_of[y]] >= self._first_row(block, last):
                    self._restrict_residual(coarse, self.coarse_of[y], block)
        restore_fp_mode(saved)

    cdef void _presmooth_wedge(self, Level coarse, int block) noexcept nogil:
        cdef fp_mode saved = flush_denormals()
        cdef int y, row, half_sweep, edge = self.bounds[block], last = self.half_sweeps
        for half_sweep in range(1, last):
            for y in range(edge - half_sweep, edge + half_sweep):
                self._presmooth_row(half_sweep, y)
        for row in range(self.coarse_of[edge - last], self.coarse_of[edge + last - 1] + 1):
            self._restrict_residual(coarse, row, block)
        restore_fp_mode(saved)

    cdef void _postsmooth_block(self, Level coarse, int block) noexcept nogil:
        cdef fp_mode saved = flush_denormals()
        cdef int s, y, half_sweep, last = self.half_sweeps
        for s in range(self.bounds[block], self.bounds[block + 1] + last):
            if self._has_row(block, 0, s):
                self._prolong_correction(coarse, s)
            for half_sweep in range(1, last + 1):
                y = s - half_sweep
                if self._has_row(block, half_sweep, y):
                    self._solve(y, self._red(y + half_sweep))
            # A row is finished together with the row to its south, which a wedge may still have to smooth.
            if self._has_row(block, last, s - last) and (block == 0 or s > self.bounds[block] + 2 * last):
                self._finish_row(s - last)
        restore_fp_mode(saved)

    cdef void _postsmooth_wedge(self, int block) noexcept nogil:
        cdef fp_mode saved = flush_denormals()
        cdef int y, half_sweep, edge = self.bounds[block], last = self.half_sweeps
        for half_sweep in range(1, last + 1):
            for y in range(edge - half_sweep, edge + half_sweep):
                self._solve(y, self._red(y + half_sweep))
        for y in range(edge - last, edge + last + 1):
            self._finish_row(y)
        restore_fp_mode(saved)

    cdef void _finish_row(self, int y) noexcept nogil:
        # The finest level computes scalar products with a row as soon as it and the row to its south are smoothed.
        pass
