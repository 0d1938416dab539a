# Restriction of the residual to the coarser grid and prolongation of its correction, row by row. Included after
# smoother.pxi.
#
# Restriction adds the residuals of the columns of a coarse column; prolongation, its transpose, copies the correction.

cdef extern from "flush_denormals.h" nogil:
    ctypedef int fp_mode
    fp_mode flush_denormals()
    void restore_fp_mode(fp_mode)


cdef class GridTransfer(Smoother):
    """The transfers between a level and the next coarser one."""

    cdef void _restrict_residual(self, GridTransfer coarse, int row, int block) noexcept nogil:
        cdef int l
        for l in range(self.active_count):
            self._restrict_residual_of(coarse, row, block, self.active[l])

    cdef void _restrict_residual_of(self, GridTransfer coarse, int row, int block, int n) noexcept nogil:
        # The residual of the black columns is zero; that of the red ones is the inflow from the black ones' change.
        cdef int y, parity, low = self.first[row], high = self.first[row + 1]
        for y in range(low, high):
            parity = self._red(y)
            row_lateral_inflow(self._row(y, parity), self._values(self.t, n, y, parity),
                               &self.residual_rows[block, parity, 0, 0])
        if high - low == 1:
            memset(&self.residual_rows[block, 1 - self._red(low), 0, 0], 0,
                   sizeof(real) * <size_t> self.nz * <size_t> self.width)
        for parity in range(2):
            self._gather(coarse, ALL_COLUMNS, parity, 0, &self.residual_rows[block, 0, 0, 0],
                         &coarse.b[n, row, parity, 0, 0])

    cdef void _prolong_correction(self, GridTransfer coarse, int y) noexcept nogil:
        # Only red columns need the correction: the black ones are solved next, from the red ones alone.
        cdef int l, n, parity = self._red(y)
        for l in range(self.active_count):
            n = self.active[l]
            row_gather(self._prolongation(coarse, parity), self.nz,
                       strides(coarse.width, self.nz * coarse.width, self.width), 1,
                       &coarse.t[n, self.coarse_of[y], 0, 0, 0], &self.t[n, y, parity, 0, 0])

    def restrict_rhs(self, GridTransfer coarse):
        """Set b of the coarse level to the sums of b of this level."""
        cdef int row
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._restrict_rhs_row(coarse, row)

    cdef void _restrict_rhs_row(self, GridTransfer coarse, int row) noexcept nogil:
        cdef fp_mode saved = flush_denormals()
        cdef int l, n, y, parity
        for l in range(self.active_count):
            n = self.active[l]
            for parity in range(2):
                for y in range(self.first[row], self.first[row + 1]):
                    self._gather(coarse, ALL_COLUMNS, parity, y > self.first[row], &self.b[n, y, 0, 0, 0],
                                 &coarse.b[n, row, parity, 0, 0])
        restore_fp_mode(saved)
