# The finest level and the operator in natural order (nz, ny, nx), whose conductances come in either
# precision. Included after sweeps.pxi.

from libc.math cimport sqrt

cdef extern from "linear/column_solve.h" nogil:
    void row_energies(int, int, int, const real *, const real *, const real *, const real *, const int *,
                      const real *, const real *, const real *, const real *, const real *, const real *,
                      const real *, double *)
    void row_descend(int, int, int, real, const real *, const real *, const real *, const real *, const real *,
                     const real *, const real *, const real *, const int *, const real *, real *, double *)
    void row_advance(int, int, int, ptrdiff_t, real, double, double, const real *, real *, double *)
    void row_weigh(size_t, const double *, double *)
    void line_operate_float(int, const float *, const float *, const float *, const float *, const float *, int,
                            ptrdiff_t, const ptrdiff_t *, const double *, const double *, const double *,
                            const double *, const double *, const double *, double *)
    void line_operate_double(int, const double *, const double *, const double *, const double *, const double *,
                             int, ptrdiff_t, const ptrdiff_t *, const double *, const double *, const double *,
                             const double *, const double *, const double *, double *)
    void line_residual_float(int, const float *, const float *, const float *, const float *, const float *, int,
                             ptrdiff_t, const ptrdiff_t *, const double *, const double *, const double *,
                             const double *, const double *, const double *, const double *, double, double *,
                             real *, real *, double *)
    void line_residual_double(int, const double *, const double *, const double *, const double *,
                              const double *, int, ptrdiff_t, const ptrdiff_t *, const double *, const double *,
                              const double *, const double *, const double *, const double *, const double *,
                              double, double *, real *, real *, double *)
    int ALONG, SOUTH, NORTH, BELOW, ABOVE, FACES
    void row_faces(int, int, int, int, const real *, const real *, const real *, const real *, real *)
    void line_residual_own "OWN(line_residual)"(
        int, const real *, const real *, const real *, const real *, const real *, int, ptrdiff_t,
        const ptrdiff_t *, const double *, const double *, const double *, const double *, const double *,
        const double *, const double *, double, double *, real *, real *, double *)


cdef class TrueResidual:
    """What the true residuals of loads are computed from as a step is made, whose are due, what they came to."""

    cdef const double[:, :, :, ::1] heat  # (loads, nz, ny, nx) W
    cdef const double[::1] scale  # (loads,) of what is left in r
    cdef const ptrdiff_t[::1] start, cell  # of ground conductances, as `operate` takes them
    cdef const double[::1] ground
    cdef int[::1] is_due  # (loads,)
    cdef double[:, :, ::1] row_sums  # (loads, ny, 2) shares of |heat - G t|^2 and of its sum
    cdef real[:, :, ::1] faces  # (threads, FACES, 2 width) conductances of one line

    def __init__(self, heat, scale, start, cell, ground, int threads, int width):
        """Take the heats and the ground conductances of the operator; it comes with the level, as do t and r."""
        self.heat, self.scale = heat, scale
        self.start, self.cell, self.ground = start, cell, ground
        self.is_due = np.zeros(self.heat.shape[0], dtype=np.int32)
        self.row_sums = np.zeros((self.heat.shape[0], self.heat.shape[2], 2))
        self.faces = np.zeros((threads, FACES, 2 * width), dtype=np.float32 if sizeof(real) == 4 else np.float64)

    def ask(self, int n, bint is_due):
        """Say whether the residual of a load is due at the next step."""
        self.is_due[n] = is_due

    def found(self, int n):
        """Return the norm and the sum of heat - G t [W] after a step, or None where it was not due."""
        cdef int y
        cdef double square = 0.0, total = 0.0
        if not self.is_due[n]:
            return None
        for y in range(self.row_sums.shape[1]):
            square += self.row_sums[n, y, 0]
            total += self.row_sums[n, y, 1]
        return sqrt(square), total


cdef class FinestLevel(Level):
    """The level of the problem itself, with the directions p of conjugate gradients."""

    cdef readonly real[:, :, :, :, ::1] p  # (loads, ny, 2, nz, width)
    # Shares of each row or line in a sum, so that no sum depends on who computed it.
    cdef double[:, :, ::1] row_sums  # (loads, ny, 4)
    cdef double[:, :, ::1] line_sums  # (nz, ny, 2)
    cdef double[:, ::1] left  # (blocks, nx, and up to 7 more)

    def search(self, p, row_sums, line_sums, left):
        """Take the room conjugate gradients need, that of p of any content."""
        self.p, self.row_sums, self.line_sums, self.left = p, row_sums, line_sums, left
        if p is not None:
            wipe(self.p, self.blocks)

    cdef double _total(self, int n, int which):
        cdef int y
        cdef double total = 0.0
        for y in range(self.ny):
            total += self.row_sums[n, y, which]
        return total

    cdef void _finish(self, int y) noexcept nogil:
        cdef int l, n, parity, south = self._south(y)
        for l in range(self.lives):
            n = self.live[l]
            memset(&self.row_sums[n, y, 0], 0, 4 * sizeof(double))
            for parity in range(2):
                row_energies(self.nz, self.width, parity, &self.g_x[y, 0, 0, 0],
                             &self.g_y[self._wrap(y), parity, 0, 0], &self.g_z[y, parity, 0, 0],
                             &self.ground[0, parity, 0], &self.line[y, 0], &self.t[n, y, 1 - parity, 0, 0],
                             &self.t[n, south, parity, 0, 0], &self.t[n, y, parity, 0, 0],
                             &self.p[n, y, 1 - parity, 0, 0], &self.p[n, south, parity, 0, 0],
                             &self.p[n, y, parity, 0, 0], &self.b[n, y, parity, 0, 0], &self.row_sums[n, y, 0])

    def products(self, int n):
        """Return z.r, z.Gz, z.Gp and the sum of Gz of load n, as the cycle left its answer z = t.

        The residual r is b, p the last direction.
        """
        return tuple([self._total(n, which) for which in range(4)])

    def descend(self, const double[::1] beta, const double[::1] alpha, const double[::1] step,
                const double[::1] constant, double[:, :, :, ::1] field, double[::1] square,
                TrueResidual true=None):
        """Turn each live load to p = z + beta p, take alpha G p off its residual, and set the square of its norm.

        Its field grows by step p and a constant. Where `true` says that it is due, the residual is computed anew
        from the field instead: by the conductances of this level, which are then those of the operator.
        """
        cdef int block, l, n
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._descend_block(block, beta, alpha, step, constant, field, true)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._descend_wedge(block, alpha, field, true)
        for l in range(self.lives):
            n = self.live[l]
            square[n] = self._total(n, 0)

    cdef void _descend_block(self, int block, const double[::1] beta, const double[::1] alpha,
                             const double[::1] step, const double[::1] constant,
                             double[:, :, :, ::1] field, TrueResidual true) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int s, l, n
        for s in range(self.bounds[block], self.bounds[block + 1] + 1):
            if self._is_in(block, 0, s):
                for l in range(self.lives):
                    n = self.live[l]
                    row_advance(self.nz, self.width, self.nx, <ptrdiff_t> self.ny * self.nx, <real> beta[n],
                                step[n], constant[n], &self.t[n, s, 0, 0, 0], &self.p[n, s, 0, 0, 0],
                                &field[n, 0, s, 0])
            if self._is_in(block, 1, s - 1):
                self._descend_row(s - 1, block, alpha, field, true)
        keep_small(was)

    cdef void _descend_wedge(self, int block, const double[::1] alpha, double[:, :, :, ::1] field,
                             TrueResidual true) noexcept nogil:
        cdef rounding was = drop_small()
        self._descend_row(self.bounds[block] - 1, block, alpha, field, true)
        self._descend_row(self.bounds[block], block, alpha, field, true)
        keep_small(was)

    cdef void _descend_row(self, int y, int block, const double[::1] alpha, double[:, :, :, ::1] field,
                           TrueResidual true) noexcept nogil:
        cdef int l, n, parity, south = self._south(y), north = self._north(y)
        for l in range(self.lives):
            n = self.live[l]
            if true is not None and true.is_due[n]:
                self._balance_row(y, block, n, field, true)
                continue
            self.row_sums[n, y, 0] = 0.0
            for parity in range(2):
                row_descend(self.nz, self.width, parity, <real> alpha[n], &self.g_x[y, 0, 0, 0],
                            &self.p[n, y, 1 - parity, 0, 0], &self.g_y[self._wrap(y), parity, 0, 0],
                            &self.p[n, south, parity, 0, 0], &self.g_y[y, parity, 0, 0],
                            &self.p[n, north, parity, 0, 0], &self.g_z[y, parity, 0, 0],
                            &self.ground[0, parity, 0], &self.line[y, 0], &self.p[n, y, parity, 0, 0],
                            &self.b[n, y, parity, 0, 0], &self.row_sums[n, y, 0])

    cdef void _balance_row(self, int y, int block, int n, double[:, :, :, ::1] field,
                           TrueResidual true) noexcept nogil:
        # r = scale (heat - G t) in a row.
        cdef int k, grounded, south = self._south(y), north = self._north(y)
        cdef ptrdiff_t line, entry
        cdef double sums[2]
        self.row_sums[n, y, 0] = true.row_sums[n, y, 0] = true.row_sums[n, y, 1] = 0.0
        for k in range(self.nz):
            row_faces(k, self.nz, self.width, self.nx, &self.g_x[y, 0, 0, 0], &self.g_y[self._wrap(y), 0, 0, 0],
                      &self.g_y[y, 0, 0, 0], &self.g_z[y, 0, 0, 0], &true.faces[block, 0, 0])
            line = <ptrdiff_t> k * self.ny + y
            entry = true.start[line]
            grounded = <int> (true.start[line + 1] - entry)
            line_residual_own(self.nx, &true.faces[block, ALONG, 0], &true.faces[block, SOUTH, 0],
                              &true.faces[block, NORTH, 0], &true.faces[block, BELOW, 0],
                              &true.faces[block, ABOVE, 0], grounded, line * self.nx,
                              &true.cell[entry] if grounded else NULL, &true.ground[entry] if grounded else NULL,
                              &field[n, k, y, 0], &field[n, k, south, 0], &field[n, k, north, 0],
                              &field[n, max(k - 1, 0), y, 0], &field[n, min(k + 1, self.nz - 1), y, 0],
                              &true.heat[n, k, y, 0], true.scale[n], &self.left[block, 0],
                              &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0], sums)
            true.row_sums[n, y, 0] += sums[0]
            true.row_sums[n, y, 1] += sums[1]
        self.row_sums[n, y, 0] = true.row_sums[n, y, 0] * true.scale[n] * true.scale[n]

    def begin(self, int n, const double[:, :, ::1] heat, double scale):
        """Set r = scale heat of load n."""
        cdef int k, y
        for k in prange(self.nz, nogil=True, schedule="static", num_threads=self.blocks):
            for y in range(self.ny):
                line_take(self.nx, scale, &heat[k, y, 0], &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0])

    def residual(self, int n, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
                 const conductance[:, :, ::1] g_z, const conductance[::1] none, const ptrdiff_t[::1] start,
                 const ptrdiff_t[::1] cell, const double[::1] ground, const double[:, :, ::1] heat,
                 const double[:, :, ::1] field, double scale):
        """Set r = scale (heat - G field) of load n; return unscaled |r|^2 and the sum of r [W]."""
        cdef int k, y
        cdef double square = 0.0, total = 0.0
        for k in prange(self.nz, nogil=True, schedule="static", num_threads=self.blocks):
            for y in range(self.ny):
                balance(k, y, g_x, g_y, g_z, none, start, cell, ground, field, &heat[k, y, 0], scale,
                        &self.left[threadid(), 0], &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0],
                        &self.line_sums[k, y, 0])
        for k in range(self.nz):
            for y in range(self.ny):
                square += self.line_sums[k, y, 0]
                total += self.line_sums[k, y, 1]
        return square, total


cdef void balance(int k, int y, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
                  const conductance[:, :, ::1] g_z, const conductance[::1] none, const ptrdiff_t[::1] start,
                  const ptrdiff_t[::1] cell, const double[::1] ground, const double[:, :, ::1] t,
                  const double *heat, double scale, double *out, real *even, real *odd,
                  double *sums) noexcept nogil:
    """Set out = G t along one line, or heat - G t, split and summed, where there is heat."""
    cdef int nz = t.shape[0], ny = t.shape[1], nx = t.shape[2]
    # Where there is no neighbour the difference is that of a cell with itself.
    cdef int south = max(y - 1, 0), north = min(y + 1, ny - 1), below = max(k - 1, 0), above = min(k + 1, nz - 1)
    cdef ptrdiff_t line = <ptrdiff_t> k * ny + y, first = line * nx, entry = start[line]
    cdef int grounded = <int> (start[line + 1] - entry)
    cdef const conductance *along = &g_x[k, y, 0] if nx > 1 else &none[0]
    cdef const conductance *to_south = &g_y[k, south, 0] if y > 0 else &none[0]
    cdef const conductance *to_north = &g_y[k, y, 0] if y < north else &none[0]
    cdef const conductance *down = &g_z[below, y, 0] if k > 0 else &none[0]
    cdef const conductance *up = &g_z[k, y, 0] if k < above else &none[0]
    cdef const ptrdiff_t *cells = &cell[entry] if grounded else NULL
    cdef const double *grounds = &ground[entry] if grounded else NULL
    if conductance is float:
        if heat:
            line_residual_float(nx, along, to_south, to_north, down, up, grounded, first, cells, grounds,
                                &t[k, y, 0], &t[k, south, 0], &t[k, north, 0], &t[below, y, 0], &t[above, y, 0],
                                heat, scale, out, even, odd, sums)
        else:
            line_operate_float(nx, along, to_south, to_north, down, up, grounded, first, cells, grounds,
                               &t[k, y, 0], &t[k, south, 0], &t[k, north, 0], &t[below, y, 0], &t[above, y, 0],
                               out)
    elif heat:
        line_residual_double(nx, along, to_south, to_north, down, up, grounded, first, cells, grounds,
                             &t[k, y, 0], &t[k, south, 0], &t[k, north, 0], &t[below, y, 0], &t[above, y, 0],
                             heat, scale, out, even, odd, sums)
    else:
        line_operate_double(nx, along, to_south, to_north, down, up, grounded, first, cells, grounds,
                            &t[k, y, 0], &t[k, south, 0], &t[k, north, 0], &t[below, y, 0], &t[above, y, 0], out)


def operate(const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
            const conductance[:, :, ::1] g_z, const conductance[::1] none, const ptrdiff_t[::1] start,
            const ptrdiff_t[::1] cell, const double[::1] ground, const double[:, :, ::1] t,
            double[:, :, ::1] out, int threads):
    """Set out = G t [W] in natural order."""
    cdef int k, y
    for k in prange(t.shape[0], nogil=True, schedule="static", num_threads=threads):
        for y in range(t.shape[1]):
            balance(k, y, g_x, g_y, g_z, none, start, cell, ground, t, NULL, 0.0, &out[k, y, 0], NULL, NULL, NULL)


def weigh(const double[:, :, ::1] field, double[:, ::1] sums, int threads):
    """Set sums (nz, 2) to the sum of squares and of absolute values of each plane."""
    cdef int k
    for k in prange(field.shape[0], nogil=True, schedule="static", num_threads=threads):
        row_weigh(<size_t> field.shape[1] * <size_t> field.shape[2], &field[k, 0, 0], &sums[k, 0])
