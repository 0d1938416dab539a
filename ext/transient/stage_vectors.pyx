"""Weighted sums of fields: the stages of a step in time, its estimated error, and what they are solved with."""

from cython.parallel cimport prange

cdef extern from "math.h" nogil:
    double fabs(double)

cdef enum:
    PIECE = 2048  # cells that are summed while they are in the cache
    LANES = 8  # sums side by side


cdef inline void add_up(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights,
                        Py_ssize_t begin, Py_ssize_t count, double *out) noexcept nogil:
    """Set out to the weighted sum of the rows over a piece of them, read four at a time."""
    cdef Py_ssize_t n, m, i
    cdef double w[4]
    cdef const double *f[4]
    for n in range(0, rows.shape[0], 4):
        for m in range(4):
            w[m] = weights[n + m] if n + m < rows.shape[0] else 0.0
            f[m] = &fields[rows[n + m if n + m < rows.shape[0] else n], begin]
        if n == 0:
            for i in range(count):
                out[i] = w[0] * f[0][i] + w[1] * f[1][i] + w[2] * f[2][i] + w[3] * f[3][i]
        else:
            for i in range(count):
                out[i] = out[i] + w[0] * f[0][i] + w[1] * f[1][i] + w[2] * f[2][i] + w[3] * f[3][i]


cdef inline Py_ssize_t piece(Py_ssize_t number, Py_ssize_t count) noexcept nogil:
    return min(PIECE, count - number * PIECE)


def mix(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights, Py_ssize_t begin,
        double[::1] out, int threads):
    """Set out (n,) to the weighted sum of some rows of fields (rows, cells), from cell `begin` on.

    It may not be a piece of one of those rows.
    """
    cdef Py_ssize_t n, cells = out.shape[0]
    for n in prange((cells + PIECE - 1) // PIECE, nogil=True, schedule="static", num_threads=threads):
        add_up(fields, rows, weights, begin + n * PIECE, piece(n, cells), &out[n * PIECE])


def depart(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights, const double[:, ::1] other,
           const Py_ssize_t[::1] planes, double[::1] found, int threads):
    """Set found (n,) to how far the weighted sum of some rows is from other in each of some planes of it.

    `other` is (planes, cells of a plane). What is no number is farthest, and found so.
    """
    cdef Py_ssize_t n
    for n in prange(planes.shape[0], nogil=True, schedule="static", num_threads=threads):
        found[n] = _farthest_of_plane(fields, rows, weights, other, planes[n])


cdef double _farthest_of_plane(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights,
                               const double[:, ::1] other, Py_ssize_t k) noexcept nogil:
    cdef double most = 0.0, here
    cdef Py_ssize_t n, begin, cells = other.shape[1]
    for n in range((cells + PIECE - 1) // PIECE):
        begin = n * PIECE
        here = _farthest_piece(fields, rows, weights, &other[k, begin], k * cells + begin, piece(n, cells))
        most = most if most >= here or most != most else here
    return most


cdef double _farthest_piece(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights,
                            const double *other, Py_ssize_t begin, Py_ssize_t count) noexcept nogil:
    cdef double work[PIECE]
    cdef Py_ssize_t i
    add_up(fields, rows, weights, begin, count, work)
    for i in range(count):
        work[i] -= other[i]
    return _largest(work, count)


def begin(const double[:, ::1] fields, const int[::1] base, const double[::1] base_weights, double shift,
          const double[::1] capacity, double[::1] heat, const int[::1] near, const double[::1] near_weights,
          double[::1] guess, int threads):
    """Set heat (cells,) [W] to shift capacity times a weighted sum of rows, and guess to another sum.

    The guess may be one of the rows of fields, but none of those that are summed. Where nothing is stored, outside
    the body, it is zero: nothing else keeps what was added there from adding up.
    """
    cdef Py_ssize_t n, cells = heat.shape[0]
    for n in prange((cells + PIECE - 1) // PIECE, nogil=True, schedule="static", num_threads=threads):
        add_up(fields, base, base_weights, n * PIECE, piece(n, cells), &heat[n * PIECE])
        _charge(shift, &capacity[n * PIECE], piece(n, cells), &heat[n * PIECE])
        add_up(fields, near, near_weights, n * PIECE, piece(n, cells), &guess[n * PIECE])
        _empty(&capacity[n * PIECE], piece(n, cells), &guess[n * PIECE])


cdef void _charge(double shift, const double *capacity, Py_ssize_t count, double *heat) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        heat[i] *= shift * capacity[i]


cdef void _empty(const double *capacity, Py_ssize_t count, double *guess) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        guess[i] = guess[i] if capacity[i] > 0.0 else 0.0


def judge(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights, const double[::1] capacity,
          double[:, ::1] found, int threads):
    """Look at a step from the first of some rows to the last, for each piece of `PIECE` cells.

    Sets found (pieces, 2) to the largest magnitude of the rows' weighted sum, and to capacity times the rise [J].
    """
    cdef Py_ssize_t n, cells = fields.shape[1]
    for n in prange(found.shape[0], nogil=True, schedule="static", num_threads=threads):
        found[n, 0] = _largest_piece(fields, rows, weights, n * PIECE, piece(n, cells))
        found[n, 1] = _stored_piece(fields, rows, capacity, n * PIECE, piece(n, cells))


cdef double _stored_piece(const double[:, ::1] fields, const int[::1] rows, const double[::1] capacity,
                          Py_ssize_t begin, Py_ssize_t count) noexcept nogil:
    cdef const double *first = &fields[rows[0], begin]
    cdef const double *last = &fields[rows[rows.shape[0] - 1], begin]
    cdef const double *holds = &capacity[begin]
    cdef double sums[LANES]
    cdef double total = 0.0
    cdef Py_ssize_t i, j
    for j in range(LANES):
        sums[j] = 0.0
    for i in range(count // LANES):
        for j in range(LANES):
            sums[j] += holds[LANES * i + j] * (last[LANES * i + j] - first[LANES * i + j])
    for i in range(count // LANES * LANES, count):
        sums[0] += holds[i] * (last[i] - first[i])
    for j in range(LANES):
        total += sums[j]
    return total


cdef double _largest_piece(const double[:, ::1] fields, const int[::1] rows, const double[::1] weights,
                           Py_ssize_t begin, Py_ssize_t count) noexcept nogil:
    cdef double work[PIECE]
    add_up(fields, rows, weights, begin, count, work)
    return _largest(work, count)


cdef double _largest(double *work, Py_ssize_t count) noexcept nogil:
    """Return the largest magnitude of values, which have room for a whole number of lanes, or no number."""
    cdef double most[LANES]
    cdef double sound[LANES]
    cdef double largest = 0.0, total = 0.0
    cdef Py_ssize_t i, j
    for i in range(count, (count + LANES - 1) // LANES * LANES):
        work[i] = 0.0
    for j in range(LANES):
        most[j] = sound[j] = 0.0
    for i in range((count + LANES - 1) // LANES):
        for j in range(LANES):
            most[j] = fabs(work[LANES * i + j]) if fabs(work[LANES * i + j]) > most[j] else most[j]
            sound[j] += work[LANES * i + j]
    for j in range(LANES):
        largest = max(largest, most[j])
        total += sound[j]
    return largest if total == total else total  # what is no number is no largest one
