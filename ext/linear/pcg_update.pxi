# Update of the preconditioned conjugate gradients on the finest level: new direction, temperature and residual in one
# pass over the rows. Included after smoothing_passes.pxi.

from libc.math cimport sqrt

cdef extern from "linear/pcg_update.h" nogil:
    void row_products(row_operator, row_values, row_values, const real *, double *)
    void row_pcg_residual(row_operator, real, row_values, real *, double *)
    void row_pcg_direction(int, int, int, ptrdiff_t, real, double, double, const real *, real *, double *)


cdef class ResidualReplacement:
    """Right-hand sides and operator by which an update computes the true residual instead of the recurrence.

    The face conductances are those of the finest level, which must be the operator's without rounding.
    """

    cdef const double[:, :, :, ::1] rhs  # (right-hand sides, nz, ny, nx) W
    cdef const double[::1] scale  # (right-hand sides,) of the residual r
    cdef NaturalOperator operator
    cdef int[::1] is_requested  # (right-hand sides,)
    cdef double[:, :, ::1] row_sums  # (right-hand sides, ny, 2) parts of |rhs - G t|^2 and of the sum of rhs - G t
    cdef real[:, :, ::1] faces  # (threads, FACES, 2 width) conductances of one line

    def __init__(self, rhs, scale, NaturalOperator operator, int threads, int width):
        """Set the right-hand sides [W] and the operator, and allocate the workspace."""
        self.rhs, self.scale, self.operator = rhs, scale, operator
        self.is_requested = np.zeros(self.rhs.shape[0], dtype=np.int32)
        self.row_sums = np.zeros((self.rhs.shape[0], self.rhs.shape[2], 2))
        self.faces = np.zeros((threads, FACES, 2 * width), dtype=np.float32 if sizeof(real) == 4 else np.float64)

    def request(self, int n, bint is_requested):
        """Set whether the next update replaces the residual of right-hand side n."""
        self.is_requested[n] = is_requested

    def result(self, int n):
        """Return norm and sum of rhs - G t [W] after an update, or None where they were not requested."""
        cdef int y
        cdef double square = 0.0, total = 0.0
        if not self.is_requested[n]:
            return None
        for y in range(self.row_sums.shape[1]):
            square += self.row_sums[n, y, 0]
            total += self.row_sums[n, y, 1]
        return sqrt(square), total


cdef class FinestLevel(Level):
    """The level of the problem itself, with the directions p of the conjugate gradients."""

    cdef readonly real[:, :, :, :, ::1] p  # (right-hand sides, ny, 2, nz, width)
    # Parts of the sums by row or line, added in a fixed order, so that no sum depends on the number of threads.
    cdef double[:, :, ::1] row_sums  # (right-hand sides, ny, 4)
    cdef double[:, :, ::1] line_sums  # (nz, ny, 2)
    cdef double[:, ::1] line_work  # (blocks, nx, and up to 7 more)

    def set_pcg_workspace(self, p, row_sums, line_sums, line_work):
        """Set the arrays of the conjugate gradients, p of any content; None frees them."""
        self.p, self.row_sums, self.line_sums, self.line_work = p, row_sums, line_sums, line_work
        if p is not None:
            set_zero(self.p, self.blocks)

    def set_rhs(self, int n, const double[:, :, ::1] rhs, double scale):
        """Set r = scale rhs of right-hand side n."""
        cdef int k, y
        for k in prange(self.nz, nogil=True, schedule="static", num_threads=self.blocks):
            for y in range(self.ny):
                line_deinterleave(self.nx, scale, &rhs[k, y, 0], &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0])

    def residual(self, int n, NaturalOperator operator, const double[:, :, ::1] rhs,
                 const double[:, :, ::1] field, double scale):
        """Set r = scale (rhs - G field) of right-hand side n; return |r|^2 and the sum of r [W] without scale."""
        cdef int k, y
        cdef double square = 0.0, total = 0.0
        for k in prange(self.nz, nogil=True, schedule="static", num_threads=self.blocks):
            for y in range(self.ny):
                operator._line(k, y, &field[0, 0, 0], &rhs[k, y, 0], scale, &self.line_work[threadid(), 0],
                               &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0], &self.line_sums[k, y, 0])
        for k in range(self.nz):
            for y in range(self.ny):
                square += self.line_sums[k, y, 0]
                total += self.line_sums[k, y, 1]
        return square, total

    cdef double _total(self, int n, int which):
        cdef int y
        cdef double total = 0.0
        for y in range(self.ny):
            total += self.row_sums[n, y, which]
        return total

    cdef void _finish_row(self, int y) noexcept nogil:
        cdef int l, n, parity
        for l in range(self.active_count):
            n = self.active[l]
            memset(&self.row_sums[n, y, 0], 0, 4 * sizeof(double))
            for parity in range(2):
                row_products(self._row_with_boundary(y, parity), self._values(self.t, n, y, parity),
                             self._values(self.p, n, y, parity), &self.b[n, y, parity, 0, 0],
                             &self.row_sums[n, y, 0])

    def products(self, int n):
        """Return z.r, z.Gz, z.Gp and the sum of Gz of right-hand side n after a cycle.

        z = t is the result of the cycle, r = b the residual and p the last direction.
        """
        return tuple([self._total(n, which) for which in range(4)])

    def pcg_update(self, const double[::1] beta, const double[::1] alpha, const double[::1] step,
                   const double[::1] constant, double[:, :, :, ::1] field, double[::1] square,
                   ResidualReplacement replacement=None):
        """Set p = z + beta p, field += step p + constant, r -= alpha G p and square = r.r of each active system.

        Where `replacement` is requested, r is the true residual of the field instead, by the conductances of this
        level, which are then those of the operator.
        """
        cdef int block, l, n
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._update_block(block, beta, alpha, step, constant, field, replacement)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._update_wedge(block, alpha, field, replacement)
        for l in range(self.active_count):
            n = self.active[l]
            square[n] = self._total(n, 0)

    cdef void _update_block(self, int block, const double[::1] beta, const double[::1] alpha,
                            const double[::1] step, const double[::1] constant, double[:, :, :, ::1] field,
                            ResidualReplacement replacement) noexcept nogil:
        # The residual of a row needs the directions of its neighbours and follows one row behind.
        cdef fp_mode saved = flush_denormals()
        cdef int s, l, n
        for s in range(self.bounds[block], self.bounds[block + 1] + 1):
            if self._has_row(block, 0, s):
                for l in range(self.active_count):
                    n = self.active[l]
                    row_pcg_direction(self.nz, self.width, self.nx, <ptrdiff_t> self.ny * self.nx,
                                      <real> beta[n], step[n], constant[n], &self.t[n, s, 0, 0, 0],
                                      &self.p[n, s, 0, 0, 0], &field[n, 0, s, 0])
            if self._has_row(block, 1, s - 1):
                self._update_residual_row(s - 1, block, alpha, field, replacement)
        restore_fp_mode(saved)

    cdef void _update_wedge(self, int block, const double[::1] alpha, double[:, :, :, ::1] field,
                            ResidualReplacement replacement) noexcept nogil:
        cdef fp_mode saved = flush_denormals()
        self._update_residual_row(self.bounds[block] - 1, block, alpha, field, replacement)
        self._update_residual_row(self.bounds[block], block, alpha, field, replacement)
        restore_fp_mode(saved)

    cdef void _update_residual_row(self, int y, int block, const double[::1] alpha, double[:, :, :, ::1] field,
                                   ResidualReplacement replacement) noexcept nogil:
        cdef int l, n, parity
        for l in range(self.active_count):
            n = self.active[l]
            if replacement is not None and replacement.is_requested[n]:
                self._replace_residual_row(y, block, n, field, replacement)
                continue
            self.row_sums[n, y, 0] = 0.0
            for parity in range(2):
                row_pcg_residual(self._row_with_boundary(y, parity), <real> alpha[n],
                                 self._values(self.p, n, y, parity), &self.b[n, y, parity, 0, 0],
                                 &self.row_sums[n, y, 0])

    cdef void _replace_residual_row(self, int y, int block, int n, double[:, :, :, ::1] field,
                                    ResidualReplacement replacement) noexcept nogil:
        # r = scale (rhs - G t) in a row.
        cdef int k, south = self._row_of_south_faces(y)
        cdef double sums[2]
        cdef line_faces_own faces
        faces.g_x, faces.g_s = &replacement.faces[block, ALONG, 0], &replacement.faces[block, SOUTH, 0]
        faces.g_n, faces.g_b = &replacement.faces[block, NORTH, 0], &replacement.faces[block, BELOW, 0]
        faces.g_a = &replacement.faces[block, ABOVE, 0]
        self.row_sums[n, y, 0] = replacement.row_sums[n, y, 0] = replacement.row_sums[n, y, 1] = 0.0
        for k in range(self.nz):
            row_faces(k, self.nz, self.width, self.nx, &self.g_x[y, 0, 0, 0], &self.g_y[south, 0, 0, 0],
                      &self.g_y[y, 0, 0, 0], &self.g_z[y, 0, 0, 0], &replacement.faces[block, 0, 0])
            line_residual_own(self.nx, faces, replacement.operator._values(k, y, &field[n, 0, 0, 0]),
                              &replacement.rhs[n, k, y, 0], replacement.scale[n], &self.line_work[block, 0],
                              &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0], sums)
            replacement.row_sums[n, y, 0] += sums[0]
            replacement.row_sums[n, y, 1] += sums[1]
        self.row_sums[n, y, 0] = replacement.row_sums[n, y, 0] * replacement.scale[n] * replacement.scale[n]
