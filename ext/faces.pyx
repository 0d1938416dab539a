"""Conductances of the faces of one plane of cells, from the cells' properties."""

ctypedef fused conductance:
    float
    double


def spread(const unsigned short[:, ::1] part, const double[:, ::1] table, double[:, :, ::1] out):
    """Set out (3, ny, nx) to what the table (3, parts) says of each cell's part."""
    cdef Py_ssize_t axis, j, i
    with nogil:
        for axis in range(out.shape[0]):
            for j in range(part.shape[0]):
                for i in range(part.shape[1]):
                    out[axis, j, i] = table[axis, part[j, i]]


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


def span(const conductance[:, ::1] values, const conductance[:, ::1] factor):
    """Return the least of values times factor that is not zero, zero where there is none, and the greatest."""
    cdef Py_ssize_t j, i
    cdef conductance value, low, high = 0, least = 0
    with nogil:
        for j in range(values.shape[0]):
            low = 0
            for i in range(values.shape[1]):
                value = values[j, i] * factor[j, i]
                high = value if value > high else high
                low = value if (value < low or low == 0) and value > 0 else low
            least = low if (low < least or least == 0) and low > 0 else least
    return least, high
