"""Weighted sums of fields: the stages of a step in time, its estimated error, and what they are solved with."""

from cython.parallel cimport prange

cdef enum:
    PIECE = 2048  # cells that are summed while they are in the cache


cdef inline void add_up(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights,
                        Py_ssize_t begin, Py_ssize_t count, double *out) noexcept nogil:
    """Set out to the weighted sum of the rows over a piece of them."""
    cdef Py_ssize_t n, i
    cdef double weight
    cdef const double *field
    for i in range(count):
        out[i] = 0.0
    for n in range(rows.shape[0]):
        weight, field = weights[n], &fields[rows[n], begin]
        for i in range(count):
            out[i] += weight * field[i]


cdef inline Py_ssize_t piece(Py_ssize_t number, Py_ssize_t count) noexcept nogil:
    return min(PIECE, count - number * PIECE)


def mix(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights, double[::1] out, int threads):
    """Set out (cells,) to the weighted sum of some rows of fields (rows, cells), of which out may not be one."""
    cdef Py_ssize_t n, cells = out.shape[0]
    for n in prange((cells + PIECE - 1) // PIECE, nogil=True, schedule="static", num_threads=threads):
        add_up(fields, rows, weights, n * PIECE, piece(n, cells), &out[n * PIECE])


def charge(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights, double shift,
           const double[::1] capacity, const double[::1] heat, double[::1] out, int threads):
    """Set out (cells,) [W] to shift capacity times the weighted sum of some rows, plus heat."""
    cdef Py_ssize_t n, cells = out.shape[0]
    for n in prange((cells + PIECE - 1) // PIECE, nogil=True, schedule="static", num_threads=threads):
        _charge_piece(fields, rows, weights, shift, capacity, heat, n * PIECE, piece(n, cells), out)


cdef void _charge_piece(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights, double shift,
                        const double[::1] capacity, const double[::1] heat, Py_ssize_t begin, Py_ssize_t count,
                        double[::1] out) noexcept nogil:
    cdef Py_ssize_t i
    cdef double *target = &out[begin]
    cdef const double *stored = &capacity[begin]
    cdef const double *given = &heat[begin]
    add_up(fields, rows, weights, begin, count, target)
    for i in range(count):
        target[i] = shift * stored[i] * target[i] + given[i]


def largest(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights, double[::1] most,
            int threads):
    """Set most, one per piece of `PIECE` cells, to the largest magnitude of the weighted sum of some rows."""
    cdef Py_ssize_t n, cells = fields.shape[1]
    for n in prange(most.shape[0], nogil=True, schedule="static", num_threads=threads):
        most[n] = _largest_piece(fields, rows, weights, n * PIECE, piece(n, cells))


cdef double _largest_piece(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights,
                           Py_ssize_t begin, Py_ssize_t count) noexcept nogil:
    cdef double work[PIECE]
    cdef double most = 0.0
    cdef Py_ssize_t i
    add_up(fields, rows, weights, begin, count, work)
    for i in range(count):
        if work[i] != work[i]:
            return work[i]
        if abs(work[i]) > most:
            most = abs(work[i])
    return most
