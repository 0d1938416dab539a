# The finest level and the operator in natural order (nz, ny, nx), whose conductances come in either
# precision. Included after sweeps.pxi.

cdef extern from "rows.h" nogil:
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


cdef class FinestLevel(Level):
    """The level of the problem itself, with the directions p of conjugate gradients."""

    cdef readonly real[:, :, :, :, ::1] p  # (loads, ny, 2, nz, width)
    # Shares of each row or line in a sum, so that no sum depends on who computed it.
    cdef double[:, :, ::1] row_sums  # (loads, ny, 4)
    cdef double[:, :, ::1] line_sums  # (nz, ny, 2)
    cdef double[:, ::1] left  # (blocks, nx, and up to 7 more)

    def search(self, p, row_sums, line_sums, left):
        """Take the room conjugate gradients need."""
        self.p, self.row_sums, self.line_sums, self.left = p, row_sums, line_sums, left

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
                const double[::1] constant, double[:, :, :, ::1] field, double[::1] square):
        """Turn each live load to p = z + beta p, take alpha G p off its residual, and set the square of its norm.

        Its field grows by step p and a constant.
        """
        cdef int block, l, n
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._descend_block(block, beta, alpha, step, constant, field)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._descend_wedge(block, alpha)
        for l in range(self.lives):
            n = self.live[l]
            square[n] = self._total(n, 0)

    cdef void _descend_block(self, int block, const double[::1] beta, const double[::1] alpha,
                             const double[::1] step, const double[::1] constant,
                             double[:, :, :, ::1] field) noexcept nogil:
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
                self._descend_row(s - 1, alpha)
        keep_small(was)

    cdef void _descend_wedge(self, int block, const double[::1] alpha) noexcept nogil:
        cdef rounding was = drop_small()
        self._descend_row(self.bounds[block] - 1, alpha)
        self._descend_row(self.bounds[block], alpha)
        keep_small(was)

    cdef void _descend_row(self, int y, const double[::1] alpha) noexcept nogil:
        cdef int l, n, parity, south = self._south(y), north = self._north(y)
        for l in range(self.lives):
            n = self.live[l]
            self.row_sums[n, y, 0] = 0.0
            for parity in range(2):
                row_descend(self.nz, self.width, parity, <real> alpha[n], &self.g_x[y, 0, 0, 0],
                            &self.p[n, y, 1 - parity, 0, 0], &self.g_y[self._wrap(y), parity, 0, 0],
                            &self.p[n, south, parity, 0, 0], &self.g_y[y, parity, 0, 0],
                            &self.p[n, north, parity, 0, 0], &self.g_z[y, parity, 0, 0],
                            &self.ground[0, parity, 0], &self.line[y, 0], &self.p[n, y, parity, 0, 0],
                            &self.b[n, y, parity, 0, 0], &self.row_sums[n, y, 0])

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
