"""Power of rectangles deposited on the cells of a plane grid in proportion to the overlap."""


cdef Py_ssize_t _cell_at(const double[::1] edges, double position) noexcept nogil:
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


def deposit_rectangles(const double[::1] x, const double[::1] y, const double[:, ::1] bounds, const double[::1] power,
                       double[:, ::1] out):
    """Add the power [W] of each rectangle to the cells it overlaps, uniformly over its area.

    `x` (nx + 1,) and `y` (ny + 1,) are the edges of the cells [m], ascending. `bounds` (4, rectangles) are x0, x1,
    y0 and y1 [m], within the grid, x0 < x1 and y0 < y1. `out` (ny, nx) [W] is added to.

    The overlaps along an axis are differences of given numbers, each rounded once, divided by the length of the
    rectangle: the power of a rectangle is conserved to a few roundings, however thin it is.
    """
    cdef Py_ssize_t n, i, j, first
    cdef Py_ssize_t nx = x.shape[0] - 1
    cdef Py_ssize_t ny = y.shape[0] - 1
    cdef double low, high, x0, x1, y0, y1, row_power
    with nogil:
        for n in range(power.shape[0]):
            x0, x1, y0, y1 = bounds[0, n], bounds[1, n], bounds[2, n], bounds[3, n]
            first = _cell_at(x, x0)
            j = _cell_at(y, y0)
            while j < ny and y[j] < y1:
                low = y0 if y0 > y[j] else y[j]
                high = y1 if y1 < y[j + 1] else y[j + 1]
                row_power = power[n] * ((high - low) / (y1 - y0))
                i = first
                while i < nx and x[i] < x1:
                    low = x0 if x0 > x[i] else x[i]
                    high = x1 if x1 < x[i + 1] else x[i + 1]
                    out[j, i] += row_power * ((high - low) / (x1 - x0))
                    i += 1
                j += 1
