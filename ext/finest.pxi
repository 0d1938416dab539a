# The finest level and the operator in natural order (nz, ny, nx), whose conductances come in either
# precision. Included after sweeps.pxi.

cdef extern from "rows.h" nogil:
    void row_products(int, int, const real *, const real *, const real *, double *)
    void row_reduce(int, int, real, const real *, real *, double *)
    void row_follow(int, int, int, ptrdiff_t, double, const real *, double *)
    void row_settle(int, int, int, ptrdiff_t, double, double, const real *, double *)
    void row_turn(size_t, real, const real *, real *)
    void row_operate(int, int, int, const real *, const real *, const real *, const real *, const real *,
                     const real *, const real *, const real *, const int *, const real *, real *, double *)
    void line_follow(int, double, const real *, const real *, double *)
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
    """The level of the problem itself, with the directions p of conjugate gradients and q = G p."""

    cdef readonly real[:, :, :, :, ::1] p, q  # (loads, ny, 2, nz, width)
    # Shares of each row or line in a sum, so that no sum depends on who computed it.
    cdef double[:, :, ::1] row_sums  # (loads, ny, 2)
    cdef double[:, :, ::1] line_sums  # (nz, ny, 2)
    cdef double[:, ::1] left  # (blocks, nx, and up to 7 more)
    cdef int[::1] planes  # (thread blocks + 1,) first plane of each thread's block in natural order

    def search(self, p, q, row_sums, line_sums, left, planes):
        """Take the room conjugate gradients need."""
        self.p, self.q, self.row_sums, self.line_sums, self.left = p, q, row_sums, line_sums, left
        self.planes = planes

    cdef double _total(self, int n, int which):
        cdef int y
        cdef double total = 0.0
        for y in range(self.ny):
            total += self.row_sums[n, y, which]
        return total

    cdef void _finish(self, int y) noexcept nogil:
        cdef int l, n
        for l in range(self.lives):
            n = self.live[l]
            row_products(self.nz, self.width, &self.t[n, y, 0, 0, 0], &self.b[n, y, 0, 0, 0],
                         &self.q[n, y, 0, 0, 0], &self.row_sums[n, y, 0])

    def products(self, int n):
        """Return (r.z, q.z) of load n: residual r = b, the cycle's answer z = t, and q, as the cycle left them."""
        return self._total(n, 0), self._total(n, 1)

    def excess(self, int n):
        """Return the sum of the residual of load n, as `reduce` left it."""
        return self._total(n, 1)

    def settle(self, int n, double step, double constant, double[:, :, ::1] field):
        """Add step p of load n and a constant to its field."""
        cdef int y
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            row_settle(self.nz, self.width, self.nx, <ptrdiff_t> self.ny * self.nx, step, constant,
                       &self.p[n, y, 0, 0, 0], &field[0, y, 0])

    def reduce(self, const double[::1] alpha, double[::1] square):
        """Take alpha q off the residual of each live load, and set the square of its norm."""
        cdef int y, l
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._reduce(y, alpha)
        for l in range(self.lives):
            square[self.live[l]] = self._total(self.live[l], 0)

    cdef void _reduce(self, int y, const double[::1] alpha) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int l, n
        for l in range(self.lives):
            n = self.live[l]
            row_reduce(self.nz, self.width, <real> alpha[n], &self.q[n, y, 0, 0, 0], &self.b[n, y, 0, 0, 0],
                       &self.row_sums[n, y, 0])
        keep_small(was)

    def advance(self, const double[::1] step, const double[::1] beta, double[:, :, :, ::1] field,
                double[::1] energy):
        """Add step p to the field of each live load, turn to p = z + beta p, and set p.G p with q = G p."""
        cdef int block, l, n
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._advance_block(block, step, beta, field)
        for block in prange(1, self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._operate(self.bounds[block] - 1)
            self._operate(self.bounds[block])
        for l in range(self.lives):
            n = self.live[l]
            energy[n] = self._total(n, 0) + self._total(n, 1)

    cdef void _advance_block(self, int block, const double[::1] step, const double[::1] beta,
                             double[:, :, :, ::1] field) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int s, l
        for s in range(self.bounds[block], self.bounds[block + 1] + 1):
            if self._is_in(block, 0, s):
                for l in range(self.lives):
                    self._turn(self.live[l], s, step, beta, field)
            if self._is_in(block, 1, s - 1):
                self._operate(s - 1)
        keep_small(was)

    cdef void _turn(self, int n, int y, const double[::1] step, const double[::1] beta,
                    double[:, :, :, ::1] field) noexcept nogil:
        if step[n] != 0.0:
            row_follow(self.nz, self.width, self.nx, <ptrdiff_t> self.ny * self.nx, step[n],
                       &self.p[n, y, 0, 0, 0], &field[n, 0, y, 0])
        row_turn(2 * <size_t> self.nz * <size_t> self.width, <real> beta[n], &self.t[n, y, 0, 0, 0],
                 &self.p[n, y, 0, 0, 0])

    cdef void _operate(self, int y) noexcept nogil:
        cdef int l, n, parity, south = self._south(y), north = self._north(y)
        for parity in range(2):
            for l in range(self.lives):
                n = self.live[l]
                row_operate(self.nz, self.width, parity, &self.g_x[y, 0, 0, 0],
                            &self.p[n, y, 1 - parity, 0, 0], &self.g_y[self._wrap(y), parity, 0, 0],
                            &self.p[n, south, parity, 0, 0], &self.g_y[y, parity, 0, 0],
                            &self.p[n, north, parity, 0, 0], &self.g_z[y, parity, 0, 0],
                            &self.ground[0, parity, 0], &self.line[y, 0], &self.p[n, y, parity, 0, 0],
                            &self.q[n, y, parity, 0, 0], &self.row_sums[n, y, parity])

    def begin(self, int n, const double[:, :, ::1] heat, double scale):
        """Set r = scale heat of load n."""
        cdef int k, y
        for k in prange(self.nz, nogil=True, schedule="static", num_threads=self.blocks):
            for y in range(self.ny):
                line_take(self.nx, scale, &heat[k, y, 0], &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0])

    def residual(self, int n, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
                 const conductance[:, :, ::1] g_z, const conductance[::1] none, const ptrdiff_t[::1] start,
                 const ptrdiff_t[::1] cell, const double[::1] ground, const double[:, :, ::1] heat, double step,
                 double[:, :, ::1] field, double scale):
        """Add step p of load n to its field, set r = scale (heat - G field).

        Return unscaled |r|^2 and the sum of r [W].
        """
        cdef int block, k, y, blocks = self.planes.shape[0] - 1
        cdef double square = 0.0, total = 0.0
        for block in prange(blocks, nogil=True, schedule="static", num_threads=blocks):
            self._residual_block(n, block, g_x, g_y, g_z, none, start, cell, ground, heat, step, field, scale)
        for block in prange(1, blocks, nogil=True, schedule="static", num_threads=blocks):
            for k in range(self.planes[block] - 1, self.planes[block] + 1):
                self._residual_plane(n, k, block, g_x, g_y, g_z, none, start, cell, ground, heat, field, scale)
        for k in range(self.nz):
            for y in range(self.ny):
                square += self.line_sums[k, y, 0]
                total += self.line_sums[k, y, 1]
        return square, total

    cdef void _residual_block(self, int n, int block, const conductance[:, :, ::1] g_x,
                              const conductance[:, :, ::1] g_y, const conductance[:, :, ::1] g_z,
                              const conductance[::1] none, const ptrdiff_t[::1] start,
                              const ptrdiff_t[::1] cell, const double[::1] ground,
                              const double[:, :, ::1] heat, double step, double[:, :, ::1] field,
                              double scale) noexcept nogil:
        # A plane behind the one the field is brought up to date in, while that is still in the cache.
        cdef int s, y, low = self.planes[block], high = self.planes[block + 1]
        cdef int begin = low + (low > 0), end = high - (high < self.nz)
        for s in range(low, high + 1):
            if s < high and step != 0.0:
                for y in range(self.ny):
                    line_follow(self.nx, step, &self.p[n, y, 0, s, 0], &self.p[n, y, 1, s, 0],
                                &field[s, y, 0])
            if begin <= s - 1 < end:
                self._residual_plane(n, s - 1, block, g_x, g_y, g_z, none, start, cell, ground, heat, field, scale)

    cdef void _residual_plane(self, int n, int k, int block, const conductance[:, :, ::1] g_x,
                              const conductance[:, :, ::1] g_y, const conductance[:, :, ::1] g_z,
                              const conductance[::1] none, const ptrdiff_t[::1] start,
                              const ptrdiff_t[::1] cell, const double[::1] ground,
                              const double[:, :, ::1] heat, const double[:, :, ::1] t,
                              double scale) noexcept nogil:
        cdef int y
        for y in range(self.ny):
            balance(k, y, g_x, g_y, g_z, none, start, cell, ground, t, &heat[k, y, 0], scale, &self.left[block, 0],
                    &self.b[n, y, 0, k, 0], &self.b[n, y, 1, k, 0], &self.line_sums[k, y, 0])


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
