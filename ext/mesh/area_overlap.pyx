"""Rectangles laid on the cells of a plane grid by their overlap."""


cdef Py_ssize_t _first_cell(const double[::1] edges, double position) noexcept nogil:
    """Return the last cell that begins at or before a position on the grid."""
    cdef Py_ssize_t low = 0
    cdef Py_ssize_t high = edges.shape[0] - 1
    cdef Py_ssize_t middle
    while high - low > 1:
        middle = (low + high) // 2
        if edges[middle] <= position:
            low = middle
        else:
            high = middle
    return low


def spread_rectangles(
    const double[::1] x,     # (nx + 1,) m, ascending
    const double[::1] y,     # (ny + 1,) m, ascending
    const double[::1] x0,    # (rectangles,) m, at or after x[0]
    const double[::1] x1,    # (rectangles,) m, after x0, at or before x[nx]
    const double[::1] y0,
    const double[::1] y1,
    const double[::1] heat,  # (rectangles,) W
    double[:, ::1] spread,   # (ny, nx) W, added to
):
    """Add the heat [W] of each rectangle to the cells it overlaps, evenly over its area.

    The overlaps along an axis are differences of the numbers given, each rounded once, and they are
    divided by their whole: so a rectangle's heat is kept to a few roundings, however thin it is.
    """
    cdef Py_ssize_t n, i, j, first
    cdef Py_ssize_t nx = x.shape[0] - 1
    cdef Py_ssize_t ny = y.shape[0] - 1
    cdef double low, high, per_row
    with nogil:
        for n in range(heat.shape[0]):
            first = _first_cell(x, x0[n])
            j = _first_cell(y, y0[n])
            while j < ny and y[j] < y1[n]:
                low = y0[n] if y0[n] > y[j] else y[j]
                high = y1[n] if y1[n] < y[j + 1] else y[j + 1]
                per_row = heat[n] * ((high - low) / (y1[n] - y0[n]))
                i = first
                while i < nx and x[i] < x1[n]:
                    low = x0[n] if x0[n] > x[i] else x[i]
                    high = x1[n] if x1[n] < x[i + 1] else x[i + 1]
                    spread[j, i] += per_row * ((high - low) / (x1[n] - x0[n]))
                    i += 1
                j += 1
