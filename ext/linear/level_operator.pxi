# Columns of cells on one grid: what they conduct, and how the next coarser grid comes of it. Included once per
# precision.
#
# Arrays are (ny, 2, nz, width): for each row the columns with even x, then those with odd x, so that
# what is computed together is contiguous. See vectors.h for what stands in the unused places.

import numpy as np

from cython.parallel cimport prange, threadid

cdef extern from "simd.h" nogil:
    int LANES

cdef extern from "linear/column_solve.h" nogil:
    void line_take(int, double, const double *, real *, real *)
    void row_split_float(int, int, int, int, ptrdiff_t, const float *, real *)
    void row_split_double(int, int, int, int, ptrdiff_t, const double *, real *)

cdef extern from "linear/pivots.h" nogil:
    void row_pivots(int, int, int, const real *, const real *, const real *, const real *, const real *,
                    const int *, real *)
    void row_scale(int, int, const real *, real *)
    void row_scale_evenly(int, int, real, real *)

cdef extern from "linear/grid_transfer.h" nogil:
    ctypedef struct transfer:
        int width, source_width
        const int *one
        const int *other
        const int *window
    void find_windows(transfer, int *)
    void row_gather(transfer, int, int, int, int, int, const real *, real *)

cdef extern from "string.h" nogil:
    void *memset(void *, int, size_t)

ctypedef fused conductance:  # as the operator is given, in natural order
    float
    double

cdef enum:
    BOTH = 0  # maps: a coarse column takes from all its columns
    LAST = 1  # from the one at its far face


cdef inline void split(int lines, int nz, int width, int nx, ptrdiff_t stride, const conductance *field,
                       real *slab) noexcept nogil:
    """Fill a slab with lines of a natural field, those of even and those of odd columns, and else with zero."""
    if conductance is float:
        row_split_float(lines, nz, width, nx, stride, field, slab)
    else:
        row_split_double(lines, nz, width, nx, stride, field, slab)


cdef double shrink(const double[::1] width, const int[::1] first, int n) noexcept nogil:
    """Return fine over coarse distance of the centres across the far face of coarse interval n."""
    cdef int i
    cdef double coarse = 0.0
    if n + 2 >= first.shape[0]:
        return 1.0
    for i in range(first[n], first[n + 2]):
        coarse += width[i]
    return (width[first[n + 1] - 1] + width[first[n + 1]]) / coarse


cdef void merge_widths(const double[::1] width, const int[::1] first, double[::1] coarse) noexcept nogil:
    cdef int n, i
    for n in range(coarse.shape[0]):
        coarse[n] = 0.0
        for i in range(first[n], first[n + 1]):
            coarse[n] += width[i]


cdef class Columns:
    """The conductances of one grid of columns, their inverse pivots, and the maps to the next coarser grid."""

    cdef readonly int nz, ny, nx, width
    cdef readonly real[:, :, :, ::1] g_x, g_y, g_z, inverse
    cdef readonly real[:, :, ::1] ground  # (lines, 2, width): only lines that have any, row by row
    cdef readonly int[:, ::1] line  # (ny, nz) which of those belongs to a line of the level, or -1
    cdef readonly int blocks  # of rows, one for each thread
    cdef int[::1] bounds  # (blocks + 1,) first row of each block
    cdef readonly int reach  # rows by which the last stage of a sweep lies behind the first
    cdef readonly int slots  # for the changes of rows
    cdef int[::1] slot  # (ny,) where a row's red changes are kept
    cdef int[::1] first, coarse_of  # (coarse ny + 1,) first row of a coarse row; (ny,) coarse row of a row
    cdef int[:, :, ::1] take  # (2, 2, 2 width + windows) maps of coarse columns, BOTH and LAST, by parity
    cdef int[:, ::1] give  # (2, width + windows) of columns of this level, by parity
    cdef real[:, ::1] shrink_x  # (2, coarse width) fine over coarse distance of the centres of coarse columns
    cdef real[::1] shrink_y  # (coarse ny,)

    def __init__(self, int nx, g_x, g_y, g_z, inverse, ground, line, int[::1] bounds, int sweeps):
        """Take the room of a grid, of any content, each thread's first row, and how often to smooth."""
        self.g_x, self.g_y, self.g_z, self.ground, self.line = g_x, g_y, g_z, ground, line
        self.inverse = inverse
        self.ny, self.nz = self.inverse.shape[0], self.inverse.shape[2]
        self.width, self.nx = self.inverse.shape[3], nx
        self.bounds, self.blocks = bounds, bounds.shape[0] - 1
        self.reach = 2 * sweeps
        self._find_slots()

    cdef void _find_slots(self):
        """Give each row a place for its changes, counted from 1: one of those that a block uses in turn.

        Rows beside an edge have their own, for the wedge.
        """
        cdef int block, y, edge, reach = self.reach
        self.slot = np.empty(self.ny, dtype=np.int32)
        self.slots = reach * self.blocks
        for block in range(self.blocks):
            for y in range(self.bounds[block], self.bounds[block + 1]):
                self.slot[y] = 1 + reach * block + y % reach
        for block in range(1, self.blocks):
            edge = self.bounds[block] - reach
            for y in range(edge, edge + 2 * reach):
                self.slots += 1
                self.slot[y] = self.slots

    def forget_ground(self):
        """Drop what only set-up needs."""
        self.ground = None

    # ---- from the operator

    def load(self, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
             const conductance[:, :, ::1] g_z, const ptrdiff_t[::1] start, const ptrdiff_t[::1] cell,
             const double[::1] ground):
        """Take the conductances of a natural-order operator, and compute the pivots."""
        cdef int block
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._load_block(block, g_x, g_y, g_z, start, cell, ground)
        # The row south of a block's first one is another block's.
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._both_pivots(self.bounds[block])

    cdef void _load_block(self, int block, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
                          const conductance[:, :, ::1] g_z, const ptrdiff_t[::1] start,
                          const ptrdiff_t[::1] cell, const double[::1] ground) noexcept nogil:
        # The pivots follow while the row is in the cache.
        cdef int y, low = self.bounds[block]
        for y in range(low, self.bounds[block + 1]):
            self._load_row(y, g_x, g_y, g_z)
            self._load_ground(y, start, cell, ground)
            if y > low:
                self._both_pivots(y)

    def load_ground(self, const ptrdiff_t[::1] start, const ptrdiff_t[::1] cell, const double[::1] ground):
        """Take other ground conductances of the same cells, and compute the pivots."""
        cdef int y
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._load_ground(y, start, cell, ground)
            self._both_pivots(y)

    cdef void _load_ground(self, int y, const ptrdiff_t[::1] start, const ptrdiff_t[::1] cell,
                           const double[::1] ground) noexcept nogil:
        # Cells on end are copied together.
        cdef int k, i, count
        cdef ptrdiff_t line, n, end, last
        for k in range(self.nz):
            line = <ptrdiff_t> k * self.ny + y
            n, end = start[line], start[line + 1]
            if self.line[y, k] >= 0:
                memset(&self.ground[self.line[y, k], 0, 0], 0, 2 * sizeof(real) * <size_t> self.width)
            while n < end:
                last = end - 1
                if cell[last] - cell[n] > last - n:
                    last = n
                    while cell[last + 1] == cell[last] + 1:
                        last += 1
                i, count = <int> (cell[n] - line * self.nx), <int> (last - n + 1)
                line_take(count, 1.0, &ground[n], &self.ground[self.line[y, k], i & 1, i >> 1],
                          &self.ground[self.line[y, k], 1 - (i & 1), (i + 1) >> 1])
                n = last + 1

    cdef void _load_row(self, int y, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
                        const conductance[:, :, ::1] g_z) noexcept nogil:
        cdef int nx = self.nx, ny = self.ny, nz = self.nz, width = self.width
        split(nz, nz, width, nx - 1, <ptrdiff_t> ny * (nx - 1), &g_x[0, y, 0] if nx > 1 else NULL,
              &self.g_x[y, 0, 0, 0])
        split(nz if y < ny - 1 else 0, nz, width, nx, <ptrdiff_t> (ny - 1) * nx,
              &g_y[0, y, 0] if y < ny - 1 else NULL, &self.g_y[y, 0, 0, 0])
        split(nz - 1, nz, width, nx, <ptrdiff_t> ny * nx, &g_z[0, y, 0] if nz > 1 else NULL,
              &self.g_z[y, 0, 0, 0])

    cdef void _both_pivots(self, int y) noexcept nogil:
        cdef int parity
        for parity in range(2):
            row_pivots(self.nz, self.width, parity, &self.g_x[y, 0, 0, 0],
                       &self.g_y[self._wrap(y), parity, 0, 0], &self.g_y[y, parity, 0, 0],
                       &self.g_z[y, parity, 0, 0], &self.ground[0, parity, 0], &self.line[y, 0],
                       &self.inverse[y, parity, 0, 0])

    cdef inline int _wrap(self, int y) noexcept nogil:
        # g_y of the last row is zero, and so serves as the face south of the first.
        return y - 1 if y > 0 else self.ny - 1

    # ---- to the coarser grid

    def merge_lines(self, const int[::1] first_y, int[:, ::1] line):
        """Number the lines (coarse ny, nz) that have any ground where rows are merged; return how many."""
        cdef int row, y, k, count = 0
        for row in range(line.shape[0]):
            for k in range(self.nz):
                line[row, k] = -1
                for y in range(first_y[row], first_y[row + 1]):
                    if self.line[y, k] >= 0:
                        line[row, k] = count
                if line[row, k] >= 0:
                    count += 1
        return count

    def coarsen(self, Columns coarse, int[::1] first_x, int[::1] first_y, const double[::1] dx,
                const double[::1] dy, double[::1] coarse_dx, double[::1] coarse_dy):
        """Decide which columns make a coarse one, set the coarse widths, and fill the coarse conductances."""
        self.first = first_y
        self.coarse_of = np.empty(self.ny, dtype=np.int32)
        # Of each map the columns it takes from, one and other, and what find_windows makes of them.
        self.take = np.empty((2, 2, 4 * coarse.width + 2 * (coarse.width // LANES)), dtype=np.int32)
        self.give = np.empty((2, 3 * self.width + 2 * (self.width // LANES)), dtype=np.int32)
        self.shrink_x = np.empty((2, coarse.width), dtype=np.asarray(self.g_x).dtype)
        self.shrink_y = np.empty(coarse.ny, dtype=np.asarray(self.g_x).dtype)
        merge_widths(dx, first_x, coarse_dx)
        merge_widths(dy, first_y, coarse_dy)
        self._map(coarse, first_x, dx, dy)
        self.fill(coarse)

    def fill(self, Columns coarse):
        """Fill the conductances of a coarse level, whatever they were, and its pivots."""
        cdef int row
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._coarsen_row(coarse, row)
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=coarse.blocks):
            coarse._both_pivots(row)

    cdef inline transfer _taken(self, Columns coarse, int which, int parity) noexcept nogil:
        # What coarse columns of a parity take from a row of this level.
        cdef transfer found
        found.width, found.source_width = coarse.width, self.width
        found.one = &self.take[which, parity, 0]
        found.other = found.one + coarse.width if which == BOTH else NULL
        found.window = found.one + 2 * coarse.width
        return found

    cdef inline transfer _given(self, Columns coarse, int parity) noexcept nogil:
        # What columns of this level take from a coarse row.
        cdef transfer found
        found.width, found.source_width = self.width, coarse.width
        found.one = &self.give[parity, 0]
        found.other = NULL
        found.window = found.one + self.width
        return found

    cdef void _map(self, Columns coarse, int[::1] first_x, const double[::1] dx,
                   const double[::1] dy) noexcept nogil:
        # Unused places take from and give to the last place of a half, which is unused too.
        cdef int x, y, row, column, begin, end, m, parity, spare = 2 * (self.width - 1)
        for row in range(coarse.ny):
            for y in range(self.first[row], self.first[row + 1]):
                self.coarse_of[y] = row
            self.shrink_y[row] = <real> shrink(dy, self.first, row)
        for column in range(2 * coarse.width):
            parity, m = column & 1, column >> 1
            begin = end = spare
            self.shrink_x[parity, m] = 0
            if column < coarse.nx:
                begin, end = first_x[column], first_x[column + 1] - 1
                self.shrink_x[parity, m] = <real> shrink(dx, first_x, column)
            self.take[BOTH, parity, m] = begin
            self.take[BOTH, parity, coarse.width + m] = end if end > begin else spare
            self.take[LAST, parity, m] = end
        for x in range(2 * self.width):
            self.give[x & 1, x >> 1] = 2 * (coarse.width - 1)
        for column in range(coarse.nx):
            for x in range(first_x[column], first_x[column + 1]):
                self.give[x & 1, x >> 1] = column
        for parity in range(2):
            for m in range(2):
                find_windows(self._taken(coarse, m, parity), &self.take[m, parity, 2 * coarse.width])
            find_windows(self._given(coarse, parity), &self.give[parity, self.width])

    cdef void _coarsen_row(self, Columns coarse, int row) noexcept nogil:
        cdef int y, parity, low = self.first[row], high = self.first[row + 1]
        cdef int nz = self.nz, width = coarse.width
        for parity in range(2):
            for y in range(low, high):
                self._gather(coarse, LAST, parity, y > low, &self.g_x[y, 0, 0, 0], &coarse.g_x[row, parity, 0, 0])
                self._gather(coarse, BOTH, parity, y > low, &self.g_z[y, 0, 0, 0], &coarse.g_z[row, parity, 0, 0])
            row_scale(nz, width, &self.shrink_x[parity, 0], &coarse.g_x[row, parity, 0, 0])
            self._gather(coarse, BOTH, parity, 0, &self.g_y[high - 1, 0, 0, 0], &coarse.g_y[row, parity, 0, 0])
            row_scale_evenly(nz, width, self.shrink_y[row], &coarse.g_y[row, parity, 0, 0])
        self._sum_ground(coarse, row)

    cdef inline void _gather(self, Columns coarse, int which, int parity, int adds, const real *source,
                             real *out) noexcept nogil:
        # Coarse columns of a parity take from a slab of this level.
        row_gather(self._taken(coarse, which, parity), self.nz, self.width, self.nz * self.width, coarse.width,
                   adds, source, out)

    def sum_ground(self, Columns coarse):
        """Set the coarse level's ground conductances to the sums of this one's, and its pivots."""
        cdef int row
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._sum_ground(coarse, row)
            coarse._both_pivots(row)

    cdef void _sum_ground(self, Columns coarse, int row) noexcept nogil:
        # Lines on end that have any lie on end in either level.
        cdef int y, begin, end, parity, nz = self.nz
        for begin in range(nz):
            if coarse.line[row, begin] >= 0:
                memset(&coarse.ground[coarse.line[row, begin], 0, 0], 0, 2 * sizeof(real) * <size_t> coarse.width)
        for y in range(self.first[row], self.first[row + 1]):
            end = 0
            while end < nz:
                begin = end
                end += 1
                if self.line[y, begin] < 0:
                    continue
                while end < nz and self.line[y, end] >= 0:
                    end += 1
                for parity in range(2):
                    row_gather(self._taken(coarse, BOTH, parity), end - begin, 2 * self.width, self.width,
                               2 * coarse.width, 1, &self.ground[self.line[y, begin], 0, 0],
                               &coarse.ground[coarse.line[row, begin], parity, 0])
