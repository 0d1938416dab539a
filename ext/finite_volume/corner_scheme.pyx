"""The heat balances at the corners of the cells, assembled plane by plane, and means and maxima of their solution."""

include "plane_fluxes.pxi"

cdef extern from "finite_volume/reconstruction.h" nogil:
    void row_part_extremes(int, int, int, const unsigned short *, ptrdiff_t, const double *, const double *,
                           double *, double *, Py_ssize_t *)

# Rows of cells along x with a zero on both sides: sums over the two rows beside a row of corners.
cdef enum:
    ROW_X = 0       # W/K m, conductivity along x times dy
    ROW_Y = 1       # W/K m, conductivity along y times dx, of one row
    ROW_Z = 2       # W m/K, conductivity along z times the area
    ROW_POWER = 3   # W
    ROW_WEIGHT = 4  # W/(m K), the largest conductivity
    ROW_T = 5       # K, times the weight
    ROWS = 6


cdef class CornerEquations:
    """Conductances between the corners of the cells, the heat of each corner, and a first temperature.

    Cells at height k have their lower corners in the plane `base[k]` of corners and the upper ones in the next.
    A plane of the grid with contact resistance has two planes of corners.
    """

    cdef PartCells cells
    cdef const Py_ssize_t[::1] base   # (nz,) plane of the lower corners of the cells at each height
    cdef float[:, :, ::1] g_x         # (planes, ny + 1, nx) W/K
    cdef float[:, :, ::1] g_y         # (planes, ny, nx + 1)
    cdef float[:, :, ::1] g_z         # (planes - 1, ny + 1, nx + 1)
    cdef double[:, :, ::1] power      # (planes, ny + 1, nx + 1) W
    cdef double[:, :, ::1] t          # (planes, ny + 1, nx + 1) K
    cdef double[:, :, ::1] weight     # (2, ny + 1, nx + 1) W/(m K): lower corners at height k are weight[k % 2]
    cdef double[:, ::1] work          # (ROWS, nx + 2)

    def __init__(self, cells, base, conductances, power, t):
        """Take the arguments of PartCells as a tuple, and the arrays (g_z, g_y, g_x), power and t, all zero."""
        self.cells, self.base = PartCells(*cells), base
        self.g_z, self.g_y, self.g_x = conductances
        self.power, self.t = power, t
        self.weight = np.zeros((2, *np.shape(t)[1:]))
        self.work = np.zeros((ROWS, self.cells.nx + 2))

    def add_cells(self, Py_ssize_t k, const double[:, :, ::1] conductivity, const double[:, ::1] power,
                  const double[:, ::1] t):
        """Add the cells at height k, in ascending order of heights.

        `conductivity` (3, ny, nx) [W/(m K)] is along z, y and x, `power` (ny, nx) in W. The first temperature of
        a corner is the mean of the temperatures `t` (ny, nx) [K] of the cells around it, weighted by conductivity.
        """
        cdef PartCells cells = self.cells
        cdef const Py_ssize_t[::1] base = self.base
        cdef double[:, :, ::1] weight = self.weight
        cdef double[:, ::1] work = self.work
        cdef Py_ssize_t j, row, low = base[k], high = base[k] + 1, own = k % 2, other = 1 - k % 2
        cdef Py_ssize_t nz = cells.nz, ny = cells.ny, nx = cells.nx
        cdef double dz = cells.dz[k], dy
        cdef bint is_shared = k > 0 and base[k] == base[k - 1] + 1
        with nogil:
            if not is_shared:
                if k > 0:
                    self._divide(low - 1, own)
                weight[own, :, :] = 0.0
            weight[other, :, :] = 0.0
            for j in range(ny + 1):
                clear(ROWS * (nx + 2), &work[0, 0])
                for row in range(j - 1, j + 1):
                    if 0 <= row < ny:
                        self._load_cells(row, conductivity, power, t)
                if j < ny:
                    dy = cells.dy[j]
                    self._add_y(low, j, 0.25 * dz / dy)
                    self._add_y(high, j, 0.25 * dz / dy)
                self._add_x(low, j, 0.25 * dz)
                self._add_x(high, j, 0.25 * dz)
                self._add_corners(low, j, own)
                self._add_corners(high, j, other)
                self._set_z(low, j, 0.25 / dz)
            self._divide(low, own)
            if k == nz - 1:
                self._divide(high, other)

    cdef void _load_cells(self, Py_ssize_t j, const double[:, :, ::1] conductivity, const double[:, ::1] power,
                          const double[:, ::1] t) noexcept nogil:
        """Add a row of cells to the sums; the row along y is that of the last cells."""
        cdef const double[::1] dx = self.cells.dx
        cdef const double *k_z = &conductivity[Z, j, 0]
        cdef const double *k_y = &conductivity[Y, j, 0]
        cdef const double *k_x = &conductivity[X, j, 0]
        cdef double *sum_x = &self.work[ROW_X, 1]
        cdef double *sum_y = &self.work[ROW_Y, 1]
        cdef double *sum_z = &self.work[ROW_Z, 1]
        cdef double *sum_power = &self.work[ROW_POWER, 1]
        cdef double *sum_weight = &self.work[ROW_WEIGHT, 1]
        cdef double *sum_t = &self.work[ROW_T, 1]
        cdef double dy = self.cells.dy[j], w
        cdef Py_ssize_t i
        for i in range(self.cells.nx):
            sum_x[i] += k_x[i] * dy
            sum_y[i] = k_y[i] * dx[i]
            sum_z[i] += k_z[i] * dy * dx[i]
            sum_power[i] += power[j, i]
            w = k_z[i] if k_z[i] > k_y[i] else k_y[i]
            w = w if w > k_x[i] else k_x[i]
            sum_weight[i] += w
            sum_t[i] += w * t[j, i]

    cdef void _add_x(self, Py_ssize_t n, Py_ssize_t j, double scale) noexcept nogil:
        cdef const double[::1] dx = self.cells.dx
        cdef float *g = &self.g_x[n, j, 0]
        cdef const double *row = &self.work[ROW_X, 1]
        cdef Py_ssize_t i
        for i in range(self.cells.nx):
            g[i] += <float> (scale * row[i] / dx[i])

    cdef void _add_y(self, Py_ssize_t n, Py_ssize_t j, double scale) noexcept nogil:
        cdef float *g = &self.g_y[n, j, 0]
        cdef const double *row = &self.work[ROW_Y, 0]
        cdef Py_ssize_t i
        for i in range(self.cells.nx + 1):
            g[i] += <float> (scale * (row[i] + row[i + 1]))

    cdef void _set_z(self, Py_ssize_t n, Py_ssize_t j, double scale) noexcept nogil:
        cdef float *g = &self.g_z[n, j, 0]
        cdef const double *row = &self.work[ROW_Z, 0]
        cdef Py_ssize_t i
        for i in range(self.cells.nx + 1):
            g[i] = <float> (scale * (row[i] + row[i + 1]))

    cdef void _add_corners(self, Py_ssize_t n, Py_ssize_t j, Py_ssize_t side) noexcept nogil:
        """Add the power, the temperatures and their weights to a row of corners."""
        cdef double *power = &self.power[n, j, 0]
        cdef double *t = &self.t[n, j, 0]
        cdef double *weight = &self.weight[side, j, 0]
        cdef const double *sum_power = &self.work[ROW_POWER, 0]
        cdef const double *sum_weight = &self.work[ROW_WEIGHT, 0]
        cdef const double *sum_t = &self.work[ROW_T, 0]
        cdef Py_ssize_t i
        for i in range(self.cells.nx + 1):
            power[i] += 0.125 * (sum_power[i] + sum_power[i + 1])
            weight[i] += sum_weight[i] + sum_weight[i + 1]
            t[i] += sum_t[i] + sum_t[i + 1]

    cdef void _divide(self, Py_ssize_t n, Py_ssize_t side) noexcept nogil:
        """Divide the temperatures of a plane of corners by their weights; outside the body they are zero."""
        cdef Py_ssize_t j, i
        cdef double weight
        for j in range(self.cells.ny + 1):
            for i in range(self.cells.nx + 1):
                weight = self.weight[side, j, i]
                self.t[n, j, i] = self.t[n, j, i] / weight if weight > 0.0 else 0.0

    def measure(self, Py_ssize_t k, const double[:, :, ::1] bend, own, double[::1] integral, double[::1] zone_max):
        """Add the cells at height k to the integral of `t` over each part and block, and to its maximum.

        `integral` [K m3] and `zone_max` [K] are (zones,). The temperature is linear along each axis of a cell, so
        that its mean is that of the eight corners. `bend` (3, ny, nx) along z, y and x is the fraction of the
        difference between two faces of a cell by which its mean is lower, None if all are zero. `own` are the cells
        j nx + i in ascending order, their means and largest corners [K], each (n,), where these differ; or None.
        """
        cdef PartCells cells = self.cells
        cdef const double[:, :, ::1] t = self.t
        cdef const Py_ssize_t[:, ::1] windows = cells.windows
        cdef Py_ssize_t j, i, m, low = self.base[k], nx = cells.nx
        cdef Py_ssize_t zones = zone_max.shape[0]
        cdef Py_ssize_t[::1] hottest = np.zeros(zones, np.intp)
        cdef double[::1] zone_min = np.zeros(zones)
        cdef double[:, ::1] work = self.work
        cdef double *mean = &work[0, 0]
        cdef double *largest = &work[1, 0]
        cdef double *column_sum = &work[2, 0]
        cdef double *column_max = &work[3, 0]
        cdef double *column_z = &work[4, 0]
        cdef double *column_y = &work[5, 0]
        cdef double lower
        cdef bint has_bend = bend is not None
        cdef Py_ssize_t m_own = 0, own_count = 0
        cdef const Py_ssize_t[::1] own_cell
        cdef const double[::1] own_mean
        cdef const double[::1] own_max
        cdef const double *a
        cdef const double *b
        cdef const double *c
        cdef const double *d
        cdef int n = <int> nx
        if own is not None:
            own_cell, own_mean, own_max = own
            own_count = own_cell.shape[0]
        with nogil:
            for j in range(cells.ny):
                a, b = &t[low, j, 0], &t[low, j + 1, 0]
                c, d = &t[low + 1, j, 0], &t[low + 1, j + 1, 0]
                for i in range(nx + 1):
                    column_sum[i] = 0.125 * ((a[i] + b[i]) + (c[i] + d[i]))
                    column_max[i] = greater(greater(a[i], b[i]), greater(c[i], d[i]))
                for i in range(nx):
                    mean[i] = (column_sum[i] + column_sum[i + 1]) * cells.dx[i]
                    largest[i] = greater(column_max[i], column_max[i + 1])
                if has_bend:
                    for i in range(nx + 1):
                        column_z[i] = 0.125 * ((c[i] + d[i]) - (a[i] + b[i]))
                        column_y[i] = 0.125 * ((b[i] + d[i]) - (a[i] + c[i]))
                    for i in range(nx):
                        lower = (bend[Z, j, i] * (column_z[i] + column_z[i + 1])
                                 + bend[Y, j, i] * (column_y[i] + column_y[i + 1])
                                 + bend[X, j, i] * (column_sum[i + 1] - column_sum[i]))
                        mean[i] -= 2.0 * lower * cells.dx[i]
                while m_own < own_count and own_cell[m_own] < (j + 1) * nx:
                    i = own_cell[m_own] - j * nx
                    mean[i], largest[i] = own_mean[m_own] * cells.dx[i], own_max[m_own]
                    m_own += 1
                add_zones(cells, k, j, mean, &integral[0])
                row_part_extremes(0, n, -1, &cells.part[k, j, 0], 0, largest, largest, &zone_min[0], &zone_max[0],
                                  &hottest[0])
                for m in range(windows.shape[0]):
                    if windows[m, 1] <= k < windows[m, 2] and windows[m, 3] <= j < windows[m, 4]:
                        row_part_extremes(<int> windows[m, 5], <int> windows[m, 6], <int> windows[m, 0],
                                          &cells.part[k, j, 0], 0, largest, largest, &zone_min[0], &zone_max[0],
                                          &hottest[0])


cdef inline double greater(double a, double b) noexcept nogil:
    return a if a > b else b
