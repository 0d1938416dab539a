# Columns of cells on one grid, smoothed, restricted and prolonged row by row. Included once per precision.
#
# Arrays are (ny, 2, nz, width): for each row the columns with even x, then those with odd x, so that
# what is computed together is contiguous. See rows.h for what stands in the unused places. Temperatures and
# heats have an axis of loads before these: each stage does a row for all loads that are live, while the
# row's conductances are in the cache.
# A column is red where x + y is even. Rows are swept as a wavefront: each stage one row behind the one
# before it. Threads take blocks of rows, each stage one row narrower than the one before it, and then the
# wedges left between blocks; each row's arithmetic is the same in any division.

import numpy as np

from cython.parallel cimport prange, threadid

cdef extern from "rows.h" nogil:
    int LANES
    void row_solve_alone(ptrdiff_t, ptrdiff_t, int, int, const real *, const real *, const real *, real *)
    void row_solve(ptrdiff_t, ptrdiff_t, int, int, int, const real *, const real *, const real *, const real *, const real *,
                   const real *, const real *, const real *, const real *, real *)
    void row_solve_change(ptrdiff_t, ptrdiff_t, int, int, int, const real *, const real *, const real *, const real *,
                          const real *, const real *, const real *, const real *, real *)
    void row_solve_change_add(ptrdiff_t, ptrdiff_t, int, int, int, const real *, const real *, const real *, const real *,
                              const real *, const real *, const real *, const real *, real *, real *)
    void row_couple(int, int, int, const real *, const real *, const real *, const real *, const real *,
                    const real *, real *)
    void row_gather_add(int, int, const int *, int, const real *, real *)
    void row_gather_pair(int, int, const int *, const int *, int, const real *, real *)
    void row_scale(int, int, const real *, real *)
    void row_pivots(int, int, int, const real *, const real *, const real *, const real *, const real *,
                    const int *, real *)
    void row_hold(int, int, int, int, int, const real *, const real *, const real *, const real *,
                  const int *, real *)
    void row_weakness(int, int, int, int, const real *, const real *, const real *, const real *,
                      const real *, const real *, const real *, real *, real *, real *)
    void row_products(int, int, const real *, const real *, const real *, double *)
    void row_reduce(int, int, real, const real *, real *, double *)
    void row_split_float(int, int, int, int, ptrdiff_t, const float *, real *)
    void row_split_double(int, int, int, int, ptrdiff_t, const double *, real *)
    void row_follow(int, int, int, ptrdiff_t, double, const real *, double *)
    void row_settle(int, int, int, ptrdiff_t, double, double, const real *, double *)
    void row_turn(size_t, real, const real *, real *)
    void line_take(int, double, const double *, real *, real *)
    void row_operate(int, int, int, const real *, const real *, const real *, const real *, const real *,
                     const real *, const real *, const real *, const int *, const real *, real *, double *)

cdef extern from "small.h" nogil:
    ctypedef int rounding
    rounding drop_small()
    void keep_small(rounding)

cdef extern from "string.h" nogil:
    void *memset(void *, int, size_t)

ctypedef fused conductance:  # as the operator is given, in natural order
    float
    double

cdef enum:
    REACH = 4  # rows by which the last stage of a sweep lies behind the first
    ONE = 0  # a coarse column's first column
    OTHER = 1  # its second one, or an unused place
    LAST = 2  # the one at its far face
    LINE_ONE = 3  # the first two again, in a slab of one line
    LINE_OTHER = 4
    TAKES = 5


cdef inline void split(int lines, int nz, int width, int nx, ptrdiff_t stride, const conductance *field,
                       real *slab) noexcept nogil:
    """Copy lines of a natural field into those of even and those of odd columns."""
    if conductance is float:
        row_split_float(lines, nz, width, nx, stride, field, slab)
    else:
        row_split_double(lines, nz, width, nx, stride, field, slab)


def average(const real[:, :, ::1] weak, const real[:, :, ::1] jump, int axis, double[:, ::1] mean):
    """Set the means of weakness and jump over the faces there are, those whose weakness is not negative.

    Over axis 0 they are of each column in x, mean (2, 2 width); over the other axes of each row, mean (2, rows).
    """
    cdef Py_ssize_t n, parity, m, place
    cdef int[::1] count
    count = np.zeros(mean.shape[1], dtype=np.int32)
    with nogil:
        mean[:] = 0.0
        for n in range(weak.shape[0]):
            for parity in range(2):
                for m in range(weak.shape[2]):
                    place = 2 * m + parity if axis == 0 else n
                    if weak[n, parity, m] >= 0:
                        count[place] += 1
                        mean[0, place] += weak[n, parity, m]
                        mean[1, place] += jump[n, parity, m]
        for place in range(mean.shape[1]):
            for n in range(2):
                mean[n, place] /= max(count[place], 1)


cdef double shrink(const double[::1] width, const int[::1] first, int n) noexcept nogil:
    """Return fine over coarse distance of the centres across the far face of coarse interval n."""
    cdef int i
    cdef double coarse = 0.0
    if n + 2 >= first.shape[0]:
        return 1.0
    for i in range(first[n], first[n + 2]):
        coarse += width[i]
    return (width[first[n + 1] - 1] + width[first[n + 1]]) / coarse


cdef class Level:
    """One grid of columns: conductances, inverse pivots, temperature t and heat b."""

    cdef readonly int nz, ny, nx, width
    cdef readonly real[:, :, :, ::1] g_x, g_y, g_z, inverse
    cdef readonly real[:, :, :, :, ::1] t, b  # (loads, ny, 2, nz, width)
    cdef readonly real[:, :, ::1] ground  # (lines, 2, width): only lines that have any
    cdef readonly int[:, ::1] line  # (ny, nz) which of those belongs to a line of the level, or -1
    cdef readonly int blocks  # of rows, one for each thread
    cdef int[::1] bounds  # (blocks + 1,) first row of each block
    cdef int[::1] slot  # (ny,) where a row's red changes are kept
    cdef real[:, :, :, ::1] change  # (loads, slots, nz, width) red changes, a margin before and behind
    cdef real[:, :, :, ::1] heat  # (blocks, 2, nz, width) residual of the rows of one coarse row
    cdef int[::1] live  # (loads,) those that are worked on, first; of them there are
    cdef int lives
    cdef int[::1] first, coarse_of  # (coarse ny + 1,) first row of a coarse row; (ny,) coarse row of a row
    cdef int[:, :, ::1] take  # (TAKES, 2, coarse width) where in a row of this level a coarse one takes from
    cdef int[:, ::1] give  # (2, width) where in a coarse row a column of this level takes from
    cdef real[:, ::1] shrink_x  # (2, coarse width) fine over coarse distance of the centres of coarse columns
    cdef real[::1] shrink_y  # (coarse ny,)

    def __init__(self, int nx, g_x, g_y, g_z, inverse, ground, line):
        self.g_x, self.g_y, self.g_z, self.ground, self.line = g_x, g_y, g_z, ground, line
        self.inverse = inverse
        self.ny, self.nz = self.inverse.shape[0], self.inverse.shape[2]
        self.width, self.nx = self.inverse.shape[3], nx

    def divide(self, int[::1] bounds, int[::1] slot):
        """Give each thread its block of rows, and each row a place for its changes."""
        self.bounds, self.slot = bounds, slot
        self.blocks = bounds.shape[0] - 1

    def give_room(self, t, b, change, heat, int[::1] live):
        """Take the room that as many loads need as are live."""
        self.t, self.b, self.change, self.heat, self.live = t, b, change, heat, live
        self.lives = live.shape[0]

    def keep_alive(self, int lives):
        """Work on so many of the live loads from now on."""
        self.lives = lives

    def forget_ground(self):
        """Drop what only set-up needs."""
        self.ground = None

    # ---- set-up

    def load(self, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
             const conductance[:, :, ::1] g_z, const ptrdiff_t[::1] start, const ptrdiff_t[::1] cell,
             const double[::1] ground):
        """Take the conductances of a natural-order operator and compute the pivots."""
        cdef int y
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._load_row(y, g_x, g_y, g_z)
            self._load_ground(y, start, cell, ground)
        self._all_pivots()

    def load_ground(self, const ptrdiff_t[::1] start, const ptrdiff_t[::1] cell, const double[::1] ground):
        """Take other ground conductances of the same cells, and compute the pivots."""
        cdef int y
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._load_ground(y, start, cell, ground)
        self._all_pivots()

    cdef void _clear_ground(self, int y) noexcept nogil:
        cdef int k
        for k in range(self.nz):
            if self.line[y, k] >= 0:
                memset(&self.ground[self.line[y, k], 0, 0], 0, 2 * sizeof(real) * <size_t> self.width)

    cdef void _load_ground(self, int y, const ptrdiff_t[::1] start, const ptrdiff_t[::1] cell,
                           const double[::1] ground) noexcept nogil:
        cdef int k, i
        cdef ptrdiff_t line, n
        for k in range(self.nz):
            line = <ptrdiff_t> k * self.ny + y
            if start[line + 1] - start[line] == self.nx:
                line_take(self.nx, 1.0, &ground[start[line]], &self.ground[self.line[y, k], 0, 0],
                          &self.ground[self.line[y, k], 1, 0])
                continue
            for n in range(start[line], start[line + 1]):
                i = <int> (cell[n] - line * self.nx)
                self.ground[self.line[y, k], i & 1, i >> 1] = <real> ground[n]

    cdef void _load_row(self, int y, const conductance[:, :, ::1] g_x, const conductance[:, :, ::1] g_y,
                        const conductance[:, :, ::1] g_z) noexcept nogil:
        cdef int nx = self.nx, ny = self.ny, nz = self.nz, width = self.width
        cdef ptrdiff_t plane = <ptrdiff_t> ny * nx
        if nx > 1:
            split(nz, nz, width, nx - 1, <ptrdiff_t> ny * (nx - 1), &g_x[0, y, 0], &self.g_x[y, 0, 0, 0])
        if y < ny - 1:
            split(nz, nz, width, nx, <ptrdiff_t> (ny - 1) * nx, &g_y[0, y, 0], &self.g_y[y, 0, 0, 0])
        if nz > 1:
            split(nz - 1, nz, width, nx, plane, &g_z[0, y, 0], &self.g_z[y, 0, 0, 0])

    cdef void _all_pivots(self):
        cdef int y
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._pivots(y, 0)
            self._pivots(y, 1)

    cdef void _pivots(self, int y, int parity) noexcept nogil:
        row_pivots(self.nz, self.width, parity, &self.g_x[y, 0, 0, 0], &self.g_y[self._wrap(y), parity, 0, 0],
                   &self.g_y[y, parity, 0, 0], &self.g_z[y, parity, 0, 0], &self.ground[0, parity, 0],
                   &self.line[y, 0], &self.inverse[y, parity, 0, 0])

    cdef inline int _wrap(self, int y) noexcept nogil:
        # g_y of the last row is zero, and so serves as the face south of the first.
        return y - 1 if y > 0 else self.ny - 1

    def coarsen(self, Level coarse, int[::1] first_x, int[::1] first_y, const double[::1] dx,
                const double[::1] dy, int[:, :, ::1] take, int[:, ::1] give, int[::1] coarse_of,
                real[:, ::1] shrink_x, real[::1] shrink_y):
        """Remember which columns make a coarse one, and fill the coarse level's conductances.

        The last five are room for the maps between the two, kept by this level.
        """
        self.first, self.take, self.give, self.coarse_of = first_y, take, give, coarse_of
        self.shrink_x, self.shrink_y = shrink_x, shrink_y
        self._map(coarse, first_x, dx, dy, shrink_x, shrink_y)
        self.fill(coarse)

    def fill(self, Level coarse):
        """Fill the conductances of a coarse level that is empty, and its pivots."""
        cdef int row
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._coarsen_row(coarse, row)
        coarse._all_pivots()

    def clear_conductances(self):
        """Make the level empty, to be filled anew."""
        cdef int y
        cdef size_t slab = 2 * sizeof(real) * <size_t> self.nz * <size_t> self.width
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            memset(&self.g_x[y, 0, 0, 0], 0, slab)
            memset(&self.g_y[y, 0, 0, 0], 0, slab)
            memset(&self.g_z[y, 0, 0, 0], 0, slab)
            self._clear_ground(y)

    cdef void _map(self, Level coarse, int[::1] first_x, const double[::1] dx, const double[::1] dy,
                   real[:, ::1] shrink_x, real[::1] shrink_y) noexcept nogil:
        # Unused places take from and give to the last place of a half, which is unused too.
        cdef int x, y, row, column, begin, end, m, parity
        cdef int half = self.nz * self.width, spare = self.width - 1
        for row in range(coarse.ny):
            for y in range(self.first[row], self.first[row + 1]):
                self.coarse_of[y] = row
            shrink_y[row] = shrink(dy, self.first, row)
        for column in range(2 * coarse.width):
            parity, m = column & 1, column >> 1
            for x in range(TAKES):
                self.take[x, parity, m] = spare
            shrink_x[parity, m] = 0
            if column < coarse.nx:
                begin, end = first_x[column], first_x[column + 1] - 1
                self.take[ONE, parity, m] = (begin & 1) * half + (begin >> 1)
                self.take[LAST, parity, m] = (end & 1) * half + (end >> 1)
                self.take[LINE_ONE, parity, m] = (begin & 1) * self.width + (begin >> 1)
                if end > begin:
                    self.take[OTHER, parity, m] = self.take[LAST, parity, m]
                    self.take[LINE_OTHER, parity, m] = (end & 1) * self.width + (end >> 1)
                shrink_x[parity, m] = shrink(dx, first_x, column)
        for x in range(2 * self.width):
            self.give[x & 1, x >> 1] = coarse.width - 1
        for column in range(coarse.nx):
            for x in range(first_x[column], first_x[column + 1]):
                self.give[x & 1, x >> 1] = (column & 1) * coarse.nz * coarse.width + (column >> 1)

    cdef void _coarsen_row(self, Level coarse, int row) noexcept nogil:
        cdef int y, k, m, parity
        cdef int nz = self.nz, width = coarse.width
        cdef real shrink_y = self.shrink_y[row]
        for parity in range(2):
            for y in range(self.first[row], self.first[row + 1]):
                row_gather_add(nz, width, &self.take[LAST, parity, 0], self.width, &self.g_x[y, 0, 0, 0],
                               &coarse.g_x[row, parity, 0, 0])
                self._gather_both(coarse, parity, &self.g_z[y, 0, 0, 0], &coarse.g_z[row, parity, 0, 0], nz)
            row_scale(nz, width, &self.shrink_x[parity, 0], &coarse.g_x[row, parity, 0, 0])
            self._gather_both(coarse, parity, &self.g_y[self.first[row + 1] - 1, 0, 0, 0],
                              &coarse.g_y[row, parity, 0, 0], nz)
            for k in range(nz):
                for m in range(width):
                    coarse.g_y[row, parity, k, m] = coarse.g_y[row, parity, k, m] * shrink_y
        self._sum_ground(coarse, row)

    def sum_ground(self, Level coarse):
        """Set the coarse level's ground conductances to the sums of this one's, and its pivots."""
        cdef int row
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            coarse._clear_ground(row)
            self._sum_ground(coarse, row)
        coarse._all_pivots()

    cdef void _sum_ground(self, Level coarse, int row) noexcept nogil:
        cdef int y, k, parity
        for y in range(self.first[row], self.first[row + 1]):
            for k in range(self.nz):
                if self.line[y, k] >= 0:
                    for parity in range(2):
                        self._gather_line(coarse, parity, &self.ground[self.line[y, k], 0, 0],
                                          &coarse.ground[coarse.line[row, k], parity, 0])

    cdef inline void _gather_both(self, Level coarse, int parity, const real *source, real *out,
                                  int lines) noexcept nogil:
        row_gather_add(lines, coarse.width, &self.take[ONE, parity, 0], self.width, source, out)
        row_gather_add(lines, coarse.width, &self.take[OTHER, parity, 0], self.width, source, out)

    cdef inline void _gather_line(self, Level coarse, int parity, const real *source, real *out) noexcept nogil:
        row_gather_add(1, coarse.width, &self.take[LINE_ONE, parity, 0], self.width, source, out)
        row_gather_add(1, coarse.width, &self.take[LINE_OTHER, parity, 0], self.width, source, out)

    def weigh_x(self, const int[::1] rows, const real[:, ::1] dx, real[:, :, :, ::1] hold, real[:, ::1] work,
                real[:, :, ::1] weak, real[:, :, ::1] jump):
        """Fill weakness of coupling and material jump of the columns' east faces in the rows given."""
        cdef int n
        for n in prange(rows.shape[0], nogil=True, schedule="static", num_threads=self.blocks):
            self._weigh_row(rows[n], dx, &hold[threadid(), 0, 0, 0], &work[threadid(), 0], &weak[n, 0, 0],
                            &jump[n, 0, 0])

    cdef void _weigh_row(self, int y, const real[:, ::1] dx, real *hold, real *work, real *weak,
                         real *jump) noexcept nogil:
        cdef int nz = self.nz, width = self.width
        cdef size_t half = <size_t> nz * width
        self._hold(y, 0, 0, width, hold)
        self._hold(y, 1, 0, width, hold + half)
        row_weakness(nz, width, 0, width, &self.g_x[y, 0, 0, 0], hold, hold + half, &self.g_z[y, 0, 0, 0],
                     &self.g_z[y, 1, 0, 0], &dx[0, 0], &dx[1, 0], work, weak, jump)
        row_weakness(nz, width, 0, width, &self.g_x[y, 1, 0, 0], hold + half, hold + 1, &self.g_z[y, 1, 0, 0],
                     &self.g_z[y, 0, 0, 0] + 1, &dx[1, 0], &dx[0, 0] + 1, work, weak + width, jump + width)

    def weigh_y(self, const int[::1] begins, const real[:, ::1] dy, real[:, :, :, ::1] hold, real[:, ::1] work,
                real[:, :, ::1] weak, real[:, :, ::1] jump):
        """Fill the same of the north faces in LANES columns of each parity from each of the places given."""
        cdef int block
        for block in prange(self.blocks, nogil=True, schedule="static", num_threads=self.blocks):
            self._weigh_block(block, begins, dy, &hold[block, 0, 0, 0], &work[block, 0], weak, jump)

    cdef void _weigh_block(self, int block, const int[::1] begins, const real[:, ::1] dy, real *hold, real *work,
                           real[:, :, ::1] weak, real[:, :, ::1] jump) noexcept nogil:
        cdef int n, y, parity
        cdef int nz = self.nz, width = self.width, low = self.bounds[block], high = self.bounds[block + 1]
        cdef real *other = hold + <size_t> nz * width
        for n in range(begins.shape[0]):
            for parity in range(2):
                self._hold(low, parity, begins[n], LANES, hold)
                for y in range(low, min(high, self.ny - 1)):
                    self._hold(y + 1, parity, begins[n], LANES, other)
                    row_weakness(nz, width, begins[n], LANES, &self.g_y[y, parity, 0, 0], hold, other,
                                 &self.g_z[y, parity, 0, 0], &self.g_z[y + 1, parity, 0, 0], &dy[y, 0],
                                 &dy[y + 1, 0], work, &weak[y, parity, 0], &jump[y, parity, 0])
                    hold, other = other, hold

    cdef void _hold(self, int y, int parity, int begin, int count, real *hold) noexcept nogil:
        row_hold(self.nz, self.width, parity, begin, count, &self.g_x[y, 0, 0, 0],
                 &self.g_y[self._wrap(y), parity, 0, 0], &self.g_y[y, parity, 0, 0],
                 &self.ground[0, parity, 0], &self.line[y, 0], hold)

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
            row_gather_pair(self.nz, coarse.width, &self.take[ONE, parity, 0], &self.take[OTHER, parity, 0],
                            self.width, &self.heat[block, 0, 0, 0], &coarse.b[n, row, parity, 0, 0])

    cdef void _prolong(self, Level coarse, int y) noexcept nogil:
        # Black columns are solved next, from the red ones alone: only these need the correction.
        cdef int l, n, parity = self._red(y)
        for l in range(self.lives):
            n = self.live[l]
            row_gather_add(self.nz, self.width, &self.give[parity, 0], coarse.width,
                           &coarse.t[n, self.coarse_of[y], 0, 0, 0], &self.t[n, y, parity, 0, 0])

    # ---- sweeps

    def solve(self):
        """Solve a level of one column exactly, t = b / G."""
        cdef rounding was = drop_small()
        self._solve_alone(0, 0)
        self._finish(0)
        keep_small(was)

    def down(self, Level coarse):
        """Smooth from zero, red, black, red, black, and hand the residual to the coarse level."""
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

    cdef void _down_block(self, Level coarse, int block) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int s, y
        for s in range(self.bounds[block], self.bounds[block + 1] + REACH):
            if self._is_in(block, 0, s):
                self._solve_alone(s, self._red(s))
            if self._is_in(block, 1, s - 1):
                self._solve(s - 1, 1 - self._red(s - 1))
            if self._is_in(block, 2, s - 2):
                self._change_red(s - 2)
            if self._is_in(block, 3, s - 3):
                self._change_black(s - 3)
            y = s - REACH
            if self._is_in(block, REACH, y) and y + 1 == self.first[self.coarse_of[y] + 1]:
                if self.first[self.coarse_of[y]] >= self._low(block, REACH):
                    self._restrict(coarse, self.coarse_of[y], block)
        keep_small(was)

    cdef void _down_wedge(self, Level coarse, int block) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int y, row, edge = self.bounds[block]
        for y in range(edge - 1, edge + 1):
            self._solve(y, 1 - self._red(y))
        for y in range(edge - 2, edge + 2):
            self._change_red(y)
        for y in range(edge - 3, edge + 3):
            self._change_black(y)
        for row in range(self.coarse_of[edge - REACH], self.coarse_of[edge + REACH - 1] + 1):
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
        cdef size_t slab = <size_t> self.nz * <size_t> coarse.width
        for l in range(self.lives):
            n = self.live[l]
            for parity in range(2):
                memset(&coarse.b[n, row, parity, 0, 0], 0, sizeof(real) * slab)
                for y in range(self.first[row], self.first[row + 1]):
                    self._gather_both(coarse, parity, &self.b[n, y, 0, 0, 0], &coarse.b[n, row, parity, 0, 0],
                                      self.nz)
        keep_small(was)

    def clear(self):
        """Set t to zero."""
        cdef int y, l
        cdef size_t slab = 2 * <size_t> self.nz * <size_t> self.width
        for y in prange(self.ny, nogil=True, schedule="static", num_threads=self.blocks):
            for l in range(self.lives):
                memset(&self.t[self.live[l], y, 0, 0, 0], 0, sizeof(real) * slab)

    def up(self, Level coarse):
        """Add the coarse level's answer and smooth, black, red, black, red."""
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
        cdef int s, y, stage
        for s in range(self.bounds[block], self.bounds[block + 1] + REACH):
            if self._is_in(block, 0, s):
                self._prolong(coarse, s)
            for stage in range(1, REACH + 1):
                y = s - stage
                if self._is_in(block, stage, y):
                    self._solve(y, self._red(y + stage))
            if self._is_in(block, REACH, s - REACH):
                self._finish(s - REACH)
        keep_small(was)

    cdef void _up_wedge(self, int block) noexcept nogil:
        cdef rounding was = drop_small()
        cdef int y, stage, edge = self.bounds[block]
        for stage in range(1, REACH + 1):
            for y in range(edge - stage, edge + stage):
                self._solve(y, self._red(y + stage))
        for y in range(edge - REACH, edge + REACH):
            self._finish(y)
        keep_small(was)

    cdef void _finish(self, int y) noexcept nogil:
        # What the finest level does with a row that is ready.
        pass
