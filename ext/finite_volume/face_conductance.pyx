"""Conductances of the faces of one plane of cells, from the cells' properties."""

from cython.parallel cimport prange
from libc.math cimport INFINITY

ctypedef fused conductance:
    float
    double


def join_sideways(const double[:, :, ::1] half, double dz, const double[::1] dy, const double[::1] dx,
                  conductance[:, ::1] g_x, conductance[:, ::1] g_y):
    """Set g_x and g_y [W/K] of a plane from its half cells along z, y and x [m2 K/W], (3, ny, nx)."""
    cdef Py_ssize_t j, i
    with nogil:
        for j in range(half.shape[1]):
            for i in range(half.shape[2] - 1):
                g_x[j, i] = <conductance> (dz * dy[j] / (half[2, j, i] + half[2, j, i + 1]))
        for j in range(half.shape[1] - 1):
            for i in range(half.shape[2]):
                g_y[j, i] = <conductance> (dz * dx[i] / (half[1, j, i] + half[1, j + 1, i]))


def join_upwards(const double[:, ::1] below, const double[:, ::1] above, const double[::1] dy,
                 const double[::1] dx, conductance[:, ::1] g_z):
    """Set g_z [W/K] from the half cells below and above a plane of faces [m2 K/W], (ny, nx)."""
    cdef Py_ssize_t j, i
    with nogil:
        for j in range(below.shape[0]):
            for i in range(below.shape[1]):
                g_z[j, i] = <conductance> (dy[j] * dx[i] / (below[j, i] + above[j, i]))


cdef enum:
    LANES = 16  # extremes kept side by side, which a processor takes at once


def span(const conductance[:, :, ::1] values, const conductance[:, ::1] factor, double[::1] least,
         double[::1] greatest, int threads):
    """Set the least of each plane times factor that is not zero, infinite where there is none, and the greatest."""
    cdef Py_ssize_t k
    for k in prange(values.shape[0], nogil=True, schedule="static", num_threads=threads):
        span_plane(k, values, factor, &least[k], &greatest[k])


cdef void span_plane(Py_ssize_t k, const conductance[:, :, ::1] values, const conductance[:, ::1] factor,
                     double *least, double *greatest) noexcept nogil:
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
    least[0], greatest[0] = INFINITY, 0.0
    for lane in range(LANES):
        greatest[0] = high[lane] if high[lane] > greatest[0] else greatest[0]
        least[0] = low[lane] if low[lane] < least[0] else least[0]
