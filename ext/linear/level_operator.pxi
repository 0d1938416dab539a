# Operator of one multigrid level: conductances and inverse pivots of the columns of one grid. Included after
# natural_operator.pxi, once per precision.
#
# Arrays are (ny, 2, nz, width): for each row the columns of even x, then those of odd x, so that values computed
# together are contiguous. simd.h describes the unused values.

cdef extern from "simd.h" nogil:
    int LANES

cdef extern from "linear/row_operator.h" nogil:
    ctypedef struct row_operator:
        int nz, width, parity
        const real *g_x
        const real *g_s
        const real *g_n
        const real *g_z
        const real *boundary
        const int *boundary_line
    ctypedef struct row_values:
        const real *own
        const real *other
        const real *south
        const real *north

cdef extern from "linear/pivots.h" nogil:
    void row_pivots(row_operator, real *)

cdef extern from "string.h" nogil:
    void *memset(void *, int, size_t)


cdef inline void deinterleave(int lines, int nz, int width, int nx, ptrdiff_t stride, const conductance *field,
                              real *slab) noexcept nogil:
    """Fill a slab with lines of a field in natural order and its unused values with zero."""
    if conductance is float:
        row_deinterleave_float(lines, nz, width, nx, stride, field, slab)
    else:
        row_deinterleave_double(lines, nz, width, nx, stride, field, slab)


cdef class LevelOperator:
    """The conductances of one grid of columns, and the inverse pivots of their tridiagonal systems."""

    cdef readonly int nz, ny, nx, width
    cdef readonly real[:, :, :, ::1] g_x, g_y, g_z, inverse
    cdef readonly real[:, :, ::1] boundary  # (lines, 2, width): only lines with boundary conductances, row by row
    cdef readonly int[:, ::1] boundary_line  # (ny, nz) which of these belongs to a line of the level, or -1
    cdef readonly int blocks  # of rows, one for each thread
    cdef int[::1] bounds  # (blocks + 1,) first row of each block

    def __init__(self, int nx, g_x, g_y, g_z, inverse, boundary, boundary_line, int[::1] bounds):
        """Set the arrays of a grid, of any content, and the first row of each thread's block."""
        self.g_x, self.g_y, self.g_z, self.boundary = g_x, g_y, g_z, boundary
        self.inverse, self.boundary_line = inverse, boundary_line
        self.ny, self.nz = self.inverse.shape[0], self.inverse.shape[2]
        self.width, self.nx = self.inverse.shape[3], nx
        self.bounds, self.blocks = bounds, bounds.shape[0] - 1

    def free_boundary(self):
        """Free the boundary conductances, which only setup needs: the pivots contain them."""
        self.boundary = None

    def load_operator(self, NaturalOperator operator):
        """Copy the conductances of an operator in natural order, and compute the pivots."""
        cdef int block
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._load_block(block, operator)
        # The row to the south of a block's first row belongs to another block.
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._compute_pivots(self.bounds[block])

    cdef void _load_block(self, int block, NaturalOperator operator) noexcept nogil:
        # The pivots are computed while the row is in the cache.
        cdef int y, low = self.bounds[block]
        for y in range(low, self.bounds[block + 1]):
            if operator.is_single:
                self._load_row(y, operator.g_x32, operator.g_y32, operator.g_z32)
            else:
                self._load_row(y, operator.g_x64, operator.g_y64, operator.g_z64)
            self._load_boundary_row(y, operator)
            if y > low:
                self._compute_pivots(y)

    def load_boundary(self, NaturalOperator operator):
        """Copy the boundary conductances of an operator, on the same cells, and compute the pivots."""
        cdef int y
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._load_boundary_row(y, operator)
            self._compute_pivots(y)

    cdef void _load_boundary_row(self, int y, NaturalOperator operator) noexcept nogil:
        # Runs of consecutive cells are copied together.
        cdef int k, i, count
        cdef ptrdiff_t line, n, end, last
        for k in range(self.nz):
            line = <ptrdiff_t> k * self.ny + y
            n, end = operator.start[line], operator.start[line + 1]
            if self.boundary_line[y, k] >= 0:
                memset(&self.boundary[self.boundary_line[y, k], 0, 0], 0,
                       2 * sizeof(real) * <size_t> self.width)
            while n < end:
                last = end - 1
                if operator.cell[last] - operator.cell[n] > last - n:
                    last = n
                    while operator.cell[last + 1] == operator.cell[last] + 1:
                        last += 1
                i, count = <int> (operator.cell[n] - line * self.nx), <int> (last - n + 1)
                line_deinterleave(count, 1.0, &operator.boundary[n],
                                  &self.boundary[self.boundary_line[y, k], i & 1, i >> 1],
                                  &self.boundary[self.boundary_line[y, k], 1 - (i & 1), (i + 1) >> 1])
                n = last + 1

    cdef void _load_row(self, int y, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
                        const conductance[:, :, ::1] g_z) noexcept nogil:
        cdef int nx = self.nx, ny = self.ny, nz = self.nz, width = self.width
        deinterleave(nz, nz, width, nx - 1, <ptrdiff_t> ny * (nx - 1), &g_x[0, y, 0] if nx > 1 else NULL,
                     &self.g_x[y, 0, 0, 0])
        deinterleave(nz if y < ny - 1 else 0, nz, width, nx, <ptrdiff_t> (ny - 1) * nx,
                     &g_y[0, y, 0] if y < ny - 1 else NULL, &self.g_y[y, 0, 0, 0])
        deinterleave(nz - 1, nz, width, nx, <ptrdiff_t> ny * nx, &g_z[0, y, 0] if nz > 1 else NULL,
                     &self.g_z[y, 0, 0, 0])

    cdef void _compute_pivots(self, int y) noexcept nogil:
        cdef int parity
        for parity in range(2):
            row_pivots(self._row_with_boundary(y, parity), &self.inverse[y, parity, 0, 0])

    # ---- the columns of one parity of one row, as the loops in C take them

    cdef inline row_operator _row(self, int y, int parity) noexcept nogil:
        cdef row_operator row
        row.nz, row.width, row.parity = self.nz, self.width, parity
        row.g_x, row.g_z = &self.g_x[y, 0, 0, 0], &self.g_z[y, parity, 0, 0]
        row.g_s, row.g_n = &self.g_y[self._row_of_south_faces(y), parity, 0, 0], &self.g_y[y, parity, 0, 0]
        row.boundary, row.boundary_line = NULL, NULL
        return row

    cdef inline row_operator _row_with_boundary(self, int y, int parity) noexcept nogil:
        cdef row_operator row = self._row(y, parity)
        row.boundary, row.boundary_line = &self.boundary[0, parity, 0], &self.boundary_line[y, 0]
        return row

    cdef inline row_values _values(self, real[:, :, :, :, ::1] field, int n, int y, int parity) noexcept nogil:
        # Field n of (fields, ny, 2, nz, width). At the outermost rows any neighbour will do: its face has no
        # conductance.
        cdef row_values values
        values.own, values.other = &field[n, y, parity, 0, 0], &field[n, y, 1 - parity, 0, 0]
        values.south = &field[n, self._south(y), parity, 0, 0]
        values.north = &field[n, self._north(y), parity, 0, 0]
        return values

    cdef inline int _row_of_south_faces(self, int y) noexcept nogil:
        # g_y of the last row is zero and also serves as the face to the south of the first row.
        return y - 1 if y > 0 else self.ny - 1

    cdef inline int _south(self, int y) noexcept nogil:
        return y - 1 if y > 0 else y

    cdef inline int _north(self, int y) noexcept nogil:
        return y + 1 if y < self.ny - 1 else y
