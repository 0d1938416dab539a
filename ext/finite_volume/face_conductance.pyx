"""Face conductances of one plane of cells, and the extremes of face conductances."""

from cython.parallel cimport prange
from libc.math cimport INFINITY

ctypedef fused conductance:
    float
    double


def lateral_conductance(const double[:, :, ::1] low, const double[:, :, ::1] high, double dz,
                        const double[::1] dy, const double[::1] dx, conductance[:, ::1] g_x,
                        conductance[:, ::1] g_y):
    """Set g_x and g_y [W/K] of a plane from the resistances of its low and high half cells [m2 K/W], (3, ny, nx)."""
    cdef Py_ssize_t j, i
    with nogil:
        for j in range(low.shape[1]):
            for i in range(low.shape[2] - 1):
                g_x[j, i] = <conductance> (dz * dy[j] / (high[2, j, i] + low[2, j, i + 1]))
        for j in range(low.shape[1] - 1):
            for i in range(low.shape[2]):
                g_y[j, i] = <conductance> (dz * dx[i] / (high[1, j, i] + low[1, j + 1, i]))


def vertical_conductance(const double[:, ::1] below, const double[:, ::1] above, const double[::1] dy,
                         const double[::1] dx, conductance[:, ::1] g_z):
    """Set g_z [W/K] from the half-cell resistances below and above a plane of faces [m2 K/W], (ny, nx)."""
    cdef Py_ssize_t j, i
    with nogil:
        for j in range(below.shape[0]):
            for i in range(below.shape[1]):
                g_z[j, i] = <conductance> (dy[j] * dx[i] / (below[j, i] + above[j, i]))


cdef enum:
    LANES = 16  # extremes kept side by side, which a processor updates with one instruction


def plane_extremes(const conductance[:, :, ::1] values, const conductance[:, ::1] factor, double[::1] plane_min,
                   double[::1] plane_max, int threads):
    """Set the minimum and maximum of the positive products of each plane of values (nz, ny, nx) and factor (ny, nx).

    In a plane without a positive product the minimum is infinite and the maximum zero.
    """
    cdef Py_ssize_t k
    for k in prange(values.shape[0], nogil=True, schedule="static", num_threads=threads):
        extremes_of_plane(k, values, factor, &plane_min[k], &plane_max[k])


cdef void extremes_of_plane(Py_ssize_t k, const conductance[:, :, ::1] values, const conductance[:, ::1] factor,
                            double *plane_min, double *plane_max) noexcept nogil:
    cdef Py_ssize_t j, i, lane, columns = values.shape[2]
    cdef conductance low[LANES]
    cdef conductance high[LANES]
    cdef conductance value
    for lane in range(LANES):
        low[lane] = <conductance> INFINITY
        high[lane] = 0
    for j in range(values.shape[1]):
        for i in range(columns // LANES):
            for lane in range(LANES):
                value = values[k, j, i * LANES + lane] * factor[j, i * LANES + lane]
                high[lane] = value if value > high[lane] else high[lane]
                value = value if value > 0 else <conductance> INFINITY
                low[lane] = value if value < low[lane] else low[lane]
        for i in range(columns // LANES * LANES, columns):
            value = values[k, j, i] * factor[j, i]
            high[0] = value if value > high[0] else high[0]
            low[0] = value if 0 < value < low[0] else low[0]
    plane_min[0], plane_max[0] = INFINITY, 0.0
    for lane in range(LANES):
        plane_max[0] = high[lane] if high[lane] > plane_max[0] else plane_max[0]
        plane_min[0] = low[lane] if low[lane] < plane_min[0] else plane_min[0]
