# Operator of the next coarser grid: one conductance per face, formed from those of the finer grid and the pairs of
# columns. Included after level_operator.pxi.

cdef extern from "linear/coarsening.h" nogil:
    ctypedef struct added_path:
        const real *share
        const real *distance
    void row_conductance_in_series(int, int, const real *, const real *, added_path, const real *, added_path,
                                   real *)

cdef extern from "linear/grid_transfer.h" nogil:
    ctypedef struct transfer_map:
        int width, source_width
        const int *first
        const int *second
        const int *window
    ctypedef struct gather_strides:
        int source, half, out
    void find_windows(transfer_map, int *)
    void row_gather(transfer_map, int, gather_strides, int, const real *, real *)

cdef enum:
    ALL_COLUMNS = 0  # maps: a coarse column receives the sum of all its columns
    FAR_COLUMN = 1  # the value of the column at its far face
    INNER_FACE = 2  # the value of the face inside it
    NEXT_INNER_FACE = 3  # the value of the face inside the next coarse column
    MAPS = 4
    BEFORE = 0  # sides of a coarse face
    BEHIND = 1


cdef inline gather_strides strides(int source, int half, int out) noexcept nogil:
    cdef gather_strides found
    found.source, found.half, found.out = source, half, out
    return found


cdef inline int is_pair(const int[::1] first, int n) noexcept nogil:
    """Return whether coarse interval n joins two fine intervals; one beyond the end does not."""
    return n + 1 < first.shape[0] and first[n + 1] - first[n] == 2


cdef void add_path(const double[::1] width, const int[::1] first, int n, real[:, ::1] added_share,
                   real[:, ::1] added_distance, int out) noexcept nogil:
    """Set the paths (2, intervals) that the far face of coarse interval n has in addition to the fine face."""
    cdef int end, side, near, far
    cdef double distance
    added_share[BEFORE, out] = added_share[BEHIND, out] = 0
    added_distance[BEFORE, out] = added_distance[BEHIND, out] = 0
    if n + 2 >= first.shape[0]:
        return
    end = first[n + 1]
    distance = width[end - 1] + width[end]
    for side in range(2):
        if is_pair(first, n + side):
            near = end - 1 + side
            far = near + 1 if side == BEHIND else near - 1
            added_share[side, out] = <real> (width[far] / (width[far] + width[near]))
            added_distance[side, out] = <real> (width[far] / distance)


cdef void merge_widths(const double[::1] width, const int[::1] first, double[::1] coarse) noexcept nogil:
    cdef int n, i
    for n in range(coarse.shape[0]):
        coarse[n] = 0.0
        for i in range(first[n], first[n + 1]):
            coarse[n] += width[i]


cdef class CoarsenedOperator(LevelOperator):
    """A level operator that also forms the operator of the next coarser grid, and the maps between the two."""

    cdef int[::1] first, coarse_of  # (coarse ny + 1,) first row of a coarse row; (ny,) coarse row of a row
    cdef int[:, :, ::1] restriction  # (MAPS, 2, 2 width + windows) maps of coarse columns by kind and parity
    cdef int[:, ::1] prolongation  # (2, width + windows) maps of columns of this level by parity
    # Paths added to the faces in x (2 sides, 2 coarse width) and in y (2 sides, coarse ny).
    cdef real[:, ::1] share_x, distance_x, share_y, distance_y

    def merge_boundary_lines(self, const int[::1] first_y, int[:, ::1] line):
        """Number the lines (coarse ny, nz) with boundary conductances of the coarse grid; return how many."""
        cdef int row, y, k, count = 0
        for row in range(line.shape[0]):
            for k in range(self.nz):
                line[row, k] = -1
                for y in range(first_y[row], first_y[row + 1]):
                    if self.boundary_line[y, k] >= 0:
                        line[row, k] = count
                if line[row, k] >= 0:
                    count += 1
        return count

    def coarsen(self, CoarsenedOperator coarse, int[::1] first_x, int[::1] first_y, const double[::1] dx,
                const double[::1] dy, double[::1] coarse_dx, double[::1] coarse_dy):
        """Set the columns of each coarse column and the coarse widths [m], and form the coarse operator."""
        self.first = first_y
        self.coarse_of = np.empty(self.ny, dtype=np.int32)
        # Each map has its first and second source columns, and the windows of find_windows.
        self.restriction = np.empty((MAPS, 2, 4 * coarse.width + 2 * (coarse.width // LANES)), dtype=np.int32)
        self.prolongation = np.empty((2, 3 * self.width + 2 * (self.width // LANES)), dtype=np.int32)
        dtype = np.asarray(self.g_x).dtype
        self.share_x, self.distance_x = np.empty((2, 2, 2 * coarse.width), dtype)
        self.share_y, self.distance_y = np.empty((2, 2, coarse.ny), dtype)
        merge_widths(dx, first_x, coarse_dx)
        merge_widths(dy, first_y, coarse_dy)
        self._set_maps(coarse, first_x, dx, dy)
        self.form_coarse_operator(coarse)

    def form_coarse_operator(self, CoarsenedOperator coarse):
        """Overwrite the conductances and pivots of the coarse level."""
        cdef int row
        cdef int size = 2 * self.nz * max(self.width, 2 * coarse.width) + 4 * self.width
        cdef real[:, ::1] work = np.empty((self.blocks, size), np.asarray(self.g_x).dtype)
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._form_coarse_row(coarse, row, &work[threadid(), 0])
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=coarse.blocks):
            coarse._compute_pivots(row)

    def sum_boundary(self, CoarsenedOperator coarse):
        """Set the boundary conductances of the coarse level to the sums of these, and compute its pivots."""
        cdef int row
        for row in prange(coarse.ny, nogil=True, schedule="static", num_threads=self.blocks):
            self._sum_boundary_row(coarse, row)
            coarse._compute_pivots(row)

    cdef inline transfer_map _restriction(self, CoarsenedOperator coarse, int kind, int parity) noexcept nogil:
        # From a row of this level to coarse columns of a parity.
        cdef transfer_map found
        found.width, found.source_width = coarse.width, self.width
        found.first = &self.restriction[kind, parity, 0]
        found.second = found.first + coarse.width if kind == ALL_COLUMNS else NULL  # the others name one column
        found.window = found.first + 2 * coarse.width
        return found

    cdef inline transfer_map _prolongation(self, CoarsenedOperator coarse, int parity) noexcept nogil:
        # From a coarse row to columns of this level of a parity.
        cdef transfer_map found
        found.width, found.source_width = self.width, coarse.width
        found.first = &self.prolongation[parity, 0]
        found.second = NULL
        found.window = found.first + self.width
        return found

    cdef void _set_maps(self, CoarsenedOperator coarse, int[::1] first_x, const double[::1] dx,
                        const double[::1] dy) noexcept nogil:
        # Unused values are mapped to the last value of a half, which is unused too.
        cdef int x, y, row, column, begin, end, inner, next_inner, m, parity, unused = 2 * (self.width - 1)
        for row in range(coarse.ny):
            for y in range(self.first[row], self.first[row + 1]):
                self.coarse_of[y] = row
            add_path(dy, self.first, row, self.share_y, self.distance_y, row)
        for column in range(2 * coarse.width):
            parity, m = column & 1, column >> 1
            begin = end = inner = next_inner = unused
            if column < coarse.nx:
                begin, end = first_x[column], first_x[column + 1] - 1
                inner = begin if is_pair(first_x, column) else unused
                next_inner = end + 1 if is_pair(first_x, column + 1) else unused
            add_path(dx, first_x, min(column, coarse.nx), self.share_x, self.distance_x,
                     parity * coarse.width + m)
            self.restriction[ALL_COLUMNS, parity, m] = begin
            self.restriction[ALL_COLUMNS, parity, coarse.width + m] = end if end > begin else unused
            self.restriction[FAR_COLUMN, parity, m] = end
            self.restriction[INNER_FACE, parity, m] = inner
            self.restriction[NEXT_INNER_FACE, parity, m] = next_inner
        for x in range(2 * self.width):
            self.prolongation[x & 1, x >> 1] = 2 * (coarse.width - 1)
        for column in range(coarse.nx):
            for x in range(first_x[column], first_x[column + 1]):
                self.prolongation[x & 1, x >> 1] = column
        for parity in range(2):
            for m in range(MAPS):
                find_windows(self._restriction(coarse, m, parity), &self.restriction[m, parity, 2 * coarse.width])
            find_windows(self._prolongation(coarse, parity), &self.prolongation[parity, self.width])

    cdef void _form_coarse_row(self, CoarsenedOperator coarse, int row, real *work) noexcept nogil:
        cdef int y, parity, low = self.first[row], high = self.first[row + 1]
        cdef int nz = self.nz, width = coarse.width
        self._faces_in_series_y(coarse, row, work)
        for parity in range(2):
            self._gather(coarse, ALL_COLUMNS, parity, 0, work, &coarse.g_y[row, parity, 0, 0])
        for parity in range(2):
            for y in range(low, high):
                self._gather(coarse, ALL_COLUMNS, parity, y > low, &self.g_z[y, 0, 0, 0],
                             &coarse.g_z[row, parity, 0, 0])
                self._add_faces_in_series_x(coarse, y, parity, y > low, &coarse.g_x[row, parity, 0, 0], work)
        self._sum_boundary_row(coarse, row)

    cdef void _faces_in_series_y(self, CoarsenedOperator coarse, int row, real *out) noexcept nogil:
        # Of the columns of this level (2, nz, width), to the north of a coarse row; four lines behind are used too.
        cdef int side, m, size = 2 * self.nz * self.width, end = self.first[row + 1] - 1
        cdef int next_inner = end + 1 if is_pair(self.first, row + 1) else end
        cdef real *line = out + size
        cdef added_path path[2]
        for side in range(2):
            path[side].share, path[side].distance = line, line + self.width
            for m in range(self.width):
                line[m], line[self.width + m] = self.share_y[side, row], self.distance_y[side, row]
            line += 2 * self.width
        row_conductance_in_series(2 * self.nz, self.width, &self.g_y[end, 0, 0, 0],
                                  &self.g_y[self.first[row], 0, 0, 0], path[BEFORE],
                                  &self.g_y[next_inner, 0, 0, 0], path[BEHIND], out)

    cdef void _add_faces_in_series_x(self, CoarsenedOperator coarse, int y, int parity, int adds, real *out,
                                     real *work) noexcept nogil:
        # To the east of the coarse columns of a parity (nz, coarse width), of one row of this level.
        cdef int side, o, size = self.nz * coarse.width
        cdef added_path path[2]
        for side in range(2):
            path[side].share = &self.share_x[side, parity * coarse.width]
            path[side].distance = &self.distance_x[side, parity * coarse.width]
        for side in range(3):
            self._gather(coarse, FAR_COLUMN + side, parity, 0, &self.g_x[y, 0, 0, 0], work + side * size)
        row_conductance_in_series(self.nz, coarse.width, work, work + size, path[BEFORE], work + 2 * size,
                                  path[BEHIND], work if adds else out)
        if adds:
            for o in range(size):
                out[o] += work[o]

    cdef inline void _gather(self, CoarsenedOperator coarse, int kind, int parity, int adds, const real *source,
                             real *out) noexcept nogil:
        # Coarse columns of a parity receive values of a slab of this level.
        row_gather(self._restriction(coarse, kind, parity), self.nz,
                   strides(self.width, self.nz * self.width, coarse.width), adds, source, out)

    cdef void _sum_boundary_row(self, CoarsenedOperator coarse, int row) noexcept nogil:
        # Consecutive lines with boundary conductances are consecutive in both levels.
        cdef int y, begin, end, parity, nz = self.nz
        for begin in range(nz):
            if coarse.boundary_line[row, begin] >= 0:
                memset(&coarse.boundary[coarse.boundary_line[row, begin], 0, 0], 0,
                       2 * sizeof(real) * <size_t> coarse.width)
        for y in range(self.first[row], self.first[row + 1]):
            end = 0
            while end < nz:
                begin = end
                end += 1
                if self.boundary_line[y, begin] < 0:
                    continue
                while end < nz and self.boundary_line[y, end] >= 0:
                    end += 1
                for parity in range(2):
                    row_gather(self._restriction(coarse, ALL_COLUMNS, parity), end - begin,
                               strides(2 * self.width, self.width, 2 * coarse.width), 1,
                               &self.boundary[self.boundary_line[y, begin], 0, 0],
                               &coarse.boundary[coarse.boundary_line[row, begin], parity, 0])
