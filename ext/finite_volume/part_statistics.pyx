"""Integral, minimum and maximum of the temperature of every part and block, plane by plane."""

include "plane_fluxes.pxi"

cdef extern from "finite_volume/reconstruction.h" nogil:
    void row_part_extremes(int, int, int, const unsigned short *, ptrdiff_t, const double *, const double *,
                           double *, double *, Py_ssize_t *)

cdef extern from "finite_volume/nodal_values.h" nogil:
    enum:
        ROWS
    ctypedef struct cell_row:
        const double *t
        const double *rise_z
        const double *rise_y
        const double *rise_low
        const double *rise_high
        const double *weight
        double *min
        double *max
    ctypedef struct flag_row:
        const unsigned char *is_present
        const unsigned char *x
        const unsigned char *y
        const unsigned char *z
    void row_rises(int, const double *, const double *, const double *, const double *, const double *, double *,
                   double *, double *, double *, double *, double *, double *)
    void row_bends(int, const double *, const double *, const double *, const double *, double *, double *)
    void row_add(int, const double *, double *)
    void row_without_storage(int, const double *, const double *, const double *, double *)
    void row_mean(int, const double *, const double *, double *)
    void row_weight(int, const double *, const double *, const double *, double *, unsigned char *)
    void row_separated(int, const double *, const double *, const double *, unsigned char *)
    void row_clip(int, double, double, double *, double *)
    void row_vertex_bounds(int, const double *, const double *, const double *, const double *, const double *,
                           const double *, double *, double *)
    void row_vertex_sums(int, const double *, const double *, const double *, const double *, const double *,
                         const double *, const double *, const double *, double *, double *)
    void row_vertex_means(int, const double *, const double *, const double *, const unsigned char *, double *)
    void row_extend(int, const double *, double *, double *)
    void row_special(int, const flag_row *, const unsigned char *, unsigned char *, unsigned char *)
    void row_extend_special(int, const cell_row *, const flag_row *, const unsigned char *, const unsigned char *)
    void set_connected(unsigned char *)

cdef extern from "math.h" nogil:
    double INFINITY

# Values of the cells of one plane in padded rows, the first axis of an array (CELL_VALUES, ny + 2, nx + 2).
cdef enum:
    T = 0             # K
    RISE_LOW = 1      # K, at the low face along z, y (one on) and x (two on)
    RISE_HIGH = 4     # K, at the high face
    WEIGHT = 7        # W/(m K), the largest conductivity of the cell, zero outside the body
    CELL_MIN = 8      # K
    CELL_MAX = 9
    RESISTANCE_Z = 10  # K/W, h / (k A) of the cell with k of its high half
    CELL_VALUES = 11

# Flags of the same cells: in the body, and separated by a contact from the next cell along x and y and from the one
# below.
cdef enum:
    PRESENT = 0
    CONTACT_X = 1
    CONTACT_Y = 2
    CONTACT_BELOW = 3
    CELL_FLAGS = 4


cdef class NodalPlanes:
    """Temperatures at the faces and vertices of the cells of one field: two planes of cells at a time."""

    cdef PlaneFluxes fluxes
    cdef double[:, :, :, ::1] values        # (2, CELL_VALUES, ny + 2, nx + 2): height k is values[k % 2]
    cdef unsigned char[:, :, :, ::1] flags  # (2, CELL_FLAGS, ny + 2, nx + 2)
    cdef double[:, ::1] outside             # (CELL_VALUES, nx + 2) a row of cells below or above the grid
    cdef unsigned char[:, ::1] outside_flags
    cdef unsigned char[::1] present         # (nx + 2,) cells of the body around each vertex of a row, one bit a cell
    cdef unsigned char[::1] is_special      # (nx + 2,)
    cdef unsigned char[::1] is_connected    # (256,) by the cells of the body around a vertex

    def __init__(self, PlaneFluxes fluxes):
        rows = fluxes.cells.ny + 2, fluxes.cells.nx + 2
        self.fluxes = fluxes
        self.values = np.zeros((2, CELL_VALUES, *rows))
        self.flags = np.zeros((2, CELL_FLAGS, *rows), np.uint8)
        self.outside, self.outside_flags = np.zeros((CELL_VALUES, rows[1])), np.zeros((CELL_FLAGS, rows[1]), np.uint8)
        self.present, self.is_special = np.zeros(rows[1], np.uint8), np.zeros(rows[1], np.uint8)
        self.is_connected = np.zeros(256, np.uint8)
        set_connected(&self.is_connected[0])

    def measure(self, Py_ssize_t k, const double[:, :, ::1] conductivity, const double[:, :, ::1] of_low,
                const double[:, :, ::1] of_high, const double[:, ::1] power, double[::1] integral):
        """Evaluate the cells at height k and their faces, and add to the integral over every part and block.

        `conductivity` (3, ny, nx) [W/(m K)] is along z, y and x; `of_low` and `of_high` are its means over the low
        and the high halves, None if they equal it. `power` (ny, nx) [W] is generated, without rows in a steady
        field. `integral` (zones,) [K m3] is added to.
        """
        cdef PartCells cells = self.fluxes.cells
        cdef BoundaryFaces boundary = self.fluxes.boundary
        cdef FaceConductance g_x = self.fluxes.g_x
        cdef FaceConductance g_y = self.fluxes.g_y
        cdef FaceConductance g_z = self.fluxes.g_z
        cdef const double[:, :, ::1] t = self.fluxes.t
        cdef double[:, ::1] work = self.fluxes.work
        cdef double[:, :, ::1] here = self.values[k % 2]
        cdef double[:, :, ::1] before = self.values[(k + 1) % 2]
        cdef unsigned char[:, :, ::1] flag = self.flags[k % 2]
        cdef Py_ssize_t j, i, first, s = boundary.start[k], end = boundary.start[k + 1]
        cdef Py_ssize_t nz = cells.nz, ny = cells.ny, nx = cells.nx
        cdef int n = <int> nx
        cdef bint is_steady = power.shape[0] == 0
        cdef double *per_dx = &work[0, 1]
        cdef double *g = &work[1, 1]
        cdef double *flow_x = &work[2, 1]
        cdef double *flow_south = &work[3, 1]
        cdef double *flow_north = &work[4, 1]
        cdef double *flow_below = &work[5, 1]
        cdef double *flow_above = &work[6, 1]
        cdef double *x_high = &work[7, 1]  # resistances of the cells with k of a half
        cdef double *y_high = &work[8, 1]
        cdef double *south_high = &work[9, 1]
        cdef double *slope_change = &work[10, 1]
        cdef double *outflow = &work[11, 1]
        cdef double *magnitude = &work[12, 1]
        cdef double *bend = &work[13, 1]
        cdef bint has_halves = of_low is not None
        cdef double *x_low = &work[14, 1] if has_halves else x_high
        cdef double *y_low = &work[15, 1]
        cdef double *z_low = &work[16, 1]
        cdef double *z_high
        cdef const double[:, :, ::1] high = of_high if has_halves else conductivity
        cdef const double *row
        with nogil:
            for i in range(nx):
                per_dx[i] = 1.0 / cells.dx[i]
            for i in range(1, 17):
                clear(nx + 2, &work[i, 0])
            for j in range(ny):
                row = &t[k, j, 0]
                copy(nx, row, &here[T, j + 1, 1])
                copy(nx, row, &here[CELL_MIN, j + 1, 1])
                copy(nx, row, &here[CELL_MAX, j + 1, 1])
                clear(nx, slope_change)
                clear(nx, outflow)
                clear(nx, magnitude)
                clear(nx, bend)
                row_weight(n, &conductivity[Z, j, 0], &conductivity[Y, j, 0], &conductivity[X, j, 0],
                           &here[WEIGHT, j + 1, 1], &flag[PRESENT, j + 1, 1])
                # Flows through all faces of the row, and the contacts at its west, south and lower faces.
                z_high = &here[RESISTANCE_Z, j + 1, 1]
                south_high, y_high = y_high, south_high
                cell_resistance(cells, Z, k, j, high, per_dx, z_high)
                cell_resistance(cells, Y, k, j, high, per_dx, y_high)
                cell_resistance(cells, X, k, j, high, per_dx, x_high)
                if has_halves:
                    cell_resistance(cells, Z, k, j, of_low, per_dx, z_low)
                    cell_resistance(cells, Y, k, j, of_low, per_dx, y_low)
                    cell_resistance(cells, X, k, j, of_low, per_dx, x_low)
                else:
                    y_low, z_low = y_high, z_high
                clear(nx, flow_below)
                clear(nx, flow_above)
                if k > 0:
                    load(g_z, k - 1, j, g)
                    row_heat_flow(n, g, &t[k - 1, j, 0], row, flow_below)
                    row_separated(n, g, &before[RESISTANCE_Z, j + 1, 1], z_low, &flag[CONTACT_BELOW, j + 1, 1])
                if k + 1 < nz:
                    load(g_z, k, j, g)
                    row_heat_flow(n, g, row, &t[k + 1, j, 0], flow_above)
                flow_south, flow_north = flow_north, flow_south
                if j > 0:
                    load(g_y, k, j - 1, g)
                    row_separated(n, g, south_high, y_low, &flag[CONTACT_Y, j, 1])
                clear(nx, flow_north)
                if j + 1 < ny:
                    load(g_y, k, j, g)
                    row_heat_flow(n, g, row, &t[k, j + 1, 0], flow_north)
                load(g_x, k, j, g)
                row_heat_flow(n - 1, g, row, row + 1, flow_x + 1)
                row_separated(n - 1, g, x_high, x_low + 1, &flag[CONTACT_X, j + 1, 1])
                flow_x[0] = flow_x[nx] = 0.0
                first = (k * ny + j) * nx
                while s < end and boundary.cell[s] < first + nx:
                    i = boundary.cell[s] - first
                    if boundary.axis[s] == Z:
                        if boundary.is_high[s]:
                            flow_above[i] += boundary.outflow[s]
                        else:
                            flow_below[i] -= boundary.outflow[s]
                    elif boundary.axis[s] == Y:
                        if boundary.is_high[s]:
                            flow_north[i] += boundary.outflow[s]
                        else:
                            flow_south[i] -= boundary.outflow[s]
                    elif boundary.is_high[s]:
                        flow_x[i + 1] += boundary.outflow[s]
                    else:
                        flow_x[i] -= boundary.outflow[s]
                    s += 1
                row_rises(n, z_low, z_high, flow_below, flow_above, row, &here[RISE_LOW + Z, j + 1, 1],
                          &here[RISE_HIGH + Z, j + 1, 1], &here[CELL_MIN, j + 1, 1], &here[CELL_MAX, j + 1, 1],
                          slope_change, outflow, magnitude)
                row_rises(n, y_low, y_high, flow_south, flow_north, row, &here[RISE_LOW + Y, j + 1, 1],
                          &here[RISE_HIGH + Y, j + 1, 1], &here[CELL_MIN, j + 1, 1], &here[CELL_MAX, j + 1, 1],
                          slope_change, outflow, magnitude)
                row_rises(n, x_low, x_high, flow_x, flow_x + 1, row, &here[RISE_LOW + X, j + 1, 1],
                          &here[RISE_HIGH + X, j + 1, 1], &here[CELL_MIN, j + 1, 1], &here[CELL_MAX, j + 1, 1],
                          slope_change, outflow, magnitude)
                if has_halves:
                    row_bends(n, z_low, z_high, flow_below, flow_above, slope_change, bend)
                    row_bends(n, y_low, y_high, flow_south, flow_north, slope_change, bend)
                    row_bends(n, x_low, x_high, flow_x, flow_x + 1, slope_change, bend)
                if not is_steady:
                    row_without_storage(n, &power[j, 0], outflow, magnitude, slope_change)
                if has_halves:
                    row_add(n, bend, slope_change)
                row_mean(n, row, &cells.dx[0], slope_change)
                add_zones(cells, k, j, slope_change, &integral[0])

    cdef void _rows_around(self, Py_ssize_t k, Py_ssize_t j, cell_row *rows, flag_row *flags) noexcept nogil:
        """Set the four rows of cells around the vertices between the heights k - 1 and k and the rows j - 1 and j."""
        cdef Py_ssize_t q, slot, stride, nz = self.fluxes.cells.nz
        cdef double *first
        cdef unsigned char *flag
        cdef bint is_upper, is_outside
        for q in range(ROWS):
            is_upper = q >= 2
            is_outside = k == nz if is_upper else k == 0
            if is_outside:
                first, flag, stride = &self.outside[0, 0], &self.outside_flags[0, 0], self.outside.shape[1]
            else:
                slot = k % 2 if is_upper else (k + 1) % 2
                first, flag = &self.values[slot, 0, j + q % 2, 0], &self.flags[slot, 0, j + q % 2, 0]
                stride = self.values.shape[2] * self.values.shape[3]
            rows[q].t = first + T * stride
            rows[q].rise_z = first + ((RISE_LOW if is_upper else RISE_HIGH) + Z) * stride
            rows[q].rise_y = first + ((RISE_LOW if q % 2 else RISE_HIGH) + Y) * stride
            rows[q].rise_low = first + (RISE_LOW + X) * stride
            rows[q].rise_high = first + (RISE_HIGH + X) * stride
            rows[q].weight = first + WEIGHT * stride
            rows[q].min = first + CELL_MIN * stride
            rows[q].max = first + CELL_MAX * stride
            flags[q].is_present = flag + PRESENT * stride
            flags[q].x = flag + CONTACT_X * stride
            flags[q].y = flags[q - 1].y if q % 2 else flag + CONTACT_Y * stride
            if is_upper:
                flags[q].z = flags[q - 2].z = flag + CONTACT_BELOW * stride

    def join(self, Py_ssize_t k):
        """Extend the extremes of the cells at the heights k - 1 and k by the vertices between them."""
        cdef Py_ssize_t j, i, q, ny = self.fluxes.cells.ny, nx = self.fluxes.cells.nx
        cdef int n = <int> nx + 1
        cdef double[:, ::1] work = self.fluxes.work
        cdef double *least = &work[0, 0]
        cdef double *greatest = &work[1, 0]
        cdef double *value = &work[2, 0]
        cdef double *total = &work[3, 0]
        cdef cell_row rows[ROWS]
        cdef flag_row flags[ROWS]
        with nogil:
            for j in range(ny + 1):
                self._rows_around(k, j, rows, flags)
                for i in range(n):
                    least[i], greatest[i] = INFINITY, -INFINITY
                    value[i] = total[i] = 0.0
                for q in range(ROWS):
                    row_vertex_bounds(n, rows[q].t, rows[q].rise_z, rows[q].rise_y, rows[q].rise_low,
                                      rows[q].rise_high, rows[q].weight, least, greatest)
                for q in range(ROWS):
                    row_vertex_sums(n, rows[q].t, rows[q].rise_z, rows[q].rise_y, rows[q].rise_low,
                                    rows[q].rise_high, rows[q].weight, least, greatest, value, total)
                row_special(n, flags, &self.is_connected[0], &self.present[0], &self.is_special[0])
                row_vertex_means(n, total, least, greatest, &self.is_special[0], value)
                for q in range(ROWS):
                    row_extend(n - 1, value, rows[q].min + 1, rows[q].max + 1)
                row_extend_special(n, rows, flags, &self.present[0], &self.is_special[0])

    def update_extremes(self, Py_ssize_t k, double t_min, double t_max, double[::1] zone_min, double[::1] zone_max,
                        Py_ssize_t[::1] hottest):
        """Update the extremes of every part and block by the cells at height k, which are joined on both sides.

        `t_min` and `t_max` [K] bound every temperature. `hottest` is the index of the hottest cell in the raveled
        grid. All three arrays are (zones,).
        """
        cdef PartCells cells = self.fluxes.cells
        cdef double[:, :, ::1] here = self.values[k % 2]
        cdef const Py_ssize_t[:, ::1] windows = cells.windows
        cdef Py_ssize_t j, m, first
        cdef int n = <int> cells.nx
        cdef double *low
        cdef double *high
        with nogil:
            for j in range(cells.ny):
                low, high = &here[CELL_MIN, j + 1, 1], &here[CELL_MAX, j + 1, 1]
                first = (k * cells.ny + j) * cells.nx
                row_clip(n, t_min, t_max, low, high)
                row_part_extremes(0, n, -1, &cells.part[k, j, 0], first, low, high, &zone_min[0], &zone_max[0],
                                  &hottest[0])
                for m in range(windows.shape[0]):
                    if windows[m, 1] <= k < windows[m, 2] and windows[m, 3] <= j < windows[m, 4]:
                        row_part_extremes(<int> windows[m, 5], <int> windows[m, 6], <int> windows[m, 0],
                                          &cells.part[k, j, 0], first, low, high, &zone_min[0], &zone_max[0],
                                          &hottest[0])


def add_plane(PartCells cells, Py_ssize_t k, const double[:, ::1] values, double[::1] work, double[::1] sums):
    """Add the integral of a plane of values (ny, nx) over each part and block at height k to `sums` (zones,).

    `work` (nx,) is workspace.
    """
    cdef const double[::1] dx = cells.dx
    cdef Py_ssize_t j, i
    with nogil:
        for j in range(values.shape[0]):
            for i in range(values.shape[1]):
                work[i] = values[j, i] * dx[i]
            add_zones(cells, k, j, &work[0], &sums[0])
