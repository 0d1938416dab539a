"""Weighted sums of temperature fields: stage right-hand sides, guesses and error estimates of a time step."""

from cython.parallel cimport prange

cdef extern from "math.h" nogil:
    double fabs(double)

cdef enum:
    PIECE = 2048  # cells that are summed while they are in the cache
    LANES = 8  # sums side by side

CELLS_PER_PIECE = PIECE


cdef class WeightedSum:
    """A weighted sum of some rows of an array of fields."""

    cdef const double[:, ::1] fields   # (rows, cells) K
    cdef const int[::1] rows           # (n,) indices of the rows that are summed
    cdef const double[::1] weights     # (n,)

    def __init__(self, fields, rows, weights):
        self.fields, self.rows, self.weights = fields, rows, weights


cdef inline void evaluate(WeightedSum terms, Py_ssize_t begin, Py_ssize_t count, double *out) noexcept nogil:
    """Set out to a piece of the sum that begins at cell `begin`; four rows are read at a time."""
    cdef Py_ssize_t n, m, i, last = terms.rows.shape[0]
    cdef double w[4]
    cdef const double *f[4]
    for n in range(0, last, 4):
        for m in range(4):
            w[m] = terms.weights[n + m] if n + m < last else 0.0
            f[m] = &terms.fields[terms.rows[n + m if n + m < last else n], begin]
        if n == 0:
            for i in range(count):
                out[i] = w[0] * f[0][i] + w[1] * f[1][i] + w[2] * f[2][i] + w[3] * f[3][i]
        else:
            for i in range(count):
                out[i] = out[i] + w[0] * f[0][i] + w[1] * f[1][i] + w[2] * f[2][i] + w[3] * f[3][i]


cdef inline Py_ssize_t piece(Py_ssize_t number, Py_ssize_t count) noexcept nogil:
    """Return the number of cells in a piece."""
    return min(PIECE, count - number * PIECE)


def combine(WeightedSum terms, Py_ssize_t begin, double[::1] out, int threads):
    """Set out (n,) to the weighted sum from cell `begin` on. `out` must not be part of a row that is summed."""
    cdef Py_ssize_t n, cells = out.shape[0]
    for n in prange((cells + PIECE - 1) // PIECE, nogil=True, schedule="static", num_threads=threads):
        evaluate(terms, begin + n * PIECE, piece(n, cells), &out[n * PIECE])


def distance(WeightedSum terms, const double[:, ::1] other, const Py_ssize_t[::1] planes, double[::1] out,
             int threads):
    """Set out (n,) to the maximum distance [K] of the weighted sum from `other` in each of n planes.

    `other` is (nz, cells of a plane) and `planes` (n,) are indices along z. The distance is NaN where a value is.
    """
    cdef Py_ssize_t n
    for n in prange(planes.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[n] = _distance_of_plane(terms, other, planes[n])


cdef double _distance_of_plane(WeightedSum terms, const double[:, ::1] other, Py_ssize_t k) noexcept nogil:
    cdef double maximum = 0.0, here
    cdef Py_ssize_t n, begin, cells = other.shape[1]
    for n in range((cells + PIECE - 1) // PIECE):
        begin = n * PIECE
        here = _distance_of_piece(terms, &other[k, begin], k * cells + begin, piece(n, cells))
        maximum = maximum if maximum >= here or maximum != maximum else here
    return maximum


cdef double _distance_of_piece(WeightedSum terms, const double *other, Py_ssize_t begin,
                               Py_ssize_t count) noexcept nogil:
    cdef double work[PIECE]
    cdef Py_ssize_t i
    evaluate(terms, begin, count, work)
    for i in range(count):
        work[i] -= other[i]
    return _max_magnitude(work, count)


def stage_rhs(WeightedSum base, WeightedSum predictor, double shift, const double[::1] capacity, double[::1] rhs,
              double[::1] guess, int threads):
    """Set rhs (cells,) [W] to shift [1/s] times capacity [J/K] times one sum, and guess (cells,) [K] to the other.

    `guess` may be a row of the fields that neither sum contains. It is set to zero where the capacity is zero, outside
    the body, where otherwise the values of successive steps would accumulate.
    """
    cdef Py_ssize_t n, cells = rhs.shape[0]
    for n in prange((cells + PIECE - 1) // PIECE, nogil=True, schedule="static", num_threads=threads):
        evaluate(base, n * PIECE, piece(n, cells), &rhs[n * PIECE])
        _scale_by_capacity(shift, &capacity[n * PIECE], piece(n, cells), &rhs[n * PIECE])
        evaluate(predictor, n * PIECE, piece(n, cells), &guess[n * PIECE])
        _clear_outside_body(&capacity[n * PIECE], piece(n, cells), &guess[n * PIECE])


cdef void _scale_by_capacity(double shift, const double *capacity, Py_ssize_t count, double *rhs) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        rhs[i] *= shift * capacity[i]


cdef void _clear_outside_body(const double *capacity, Py_ssize_t count, double *guess) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        guess[i] = guess[i] if capacity[i] > 0.0 else 0.0


def error_and_storage(WeightedSum error, const double[::1] capacity, double[:, ::1] out, int threads):
    """Set out (pieces, 2) for each piece of `CELLS_PER_PIECE` cells of a step from the first row to the last.

    The first value is the maximum magnitude of the sum [K], the second the stored heat: capacity times the
    temperature rise [J].
    """
    cdef Py_ssize_t n, cells = error.fields.shape[1]
    for n in prange(out.shape[0], nogil=True, schedule="static", num_threads=threads):
        out[n, 0] = _max_magnitude_of_piece(error, n * PIECE, piece(n, cells))
        out[n, 1] = _storage_of_piece(error, capacity, n * PIECE, piece(n, cells))


cdef double _storage_of_piece(WeightedSum terms, const double[::1] capacity, Py_ssize_t begin,
                              Py_ssize_t count) noexcept nogil:
    cdef const double *first = &terms.fields[terms.rows[0], begin]
    cdef const double *last = &terms.fields[terms.rows[terms.rows.shape[0] - 1], begin]
    cdef const double *c = &capacity[begin]
    cdef double sums[LANES]
    cdef double total = 0.0
    cdef Py_ssize_t i, j
    for j in range(LANES):
        sums[j] = 0.0
    for i in range(count // LANES):
        for j in range(LANES):
            sums[j] += c[LANES * i + j] * (last[LANES * i + j] - first[LANES * i + j])
    for i in range(count // LANES * LANES, count):
        sums[0] += c[i] * (last[i] - first[i])
    for j in range(LANES):
        total += sums[j]
    return total


cdef double _max_magnitude_of_piece(WeightedSum terms, Py_ssize_t begin, Py_ssize_t count) noexcept nogil:
    cdef double work[PIECE]
    evaluate(terms, begin, count, work)
    return _max_magnitude(work, count)


cdef double _max_magnitude(double *work, Py_ssize_t count) noexcept nogil:
    """Return the maximum magnitude, or NaN where a value is NaN; `work` holds a whole number of lanes."""
    cdef double lane_max[LANES]
    cdef double lane_sum[LANES]
    cdef double maximum = 0.0, total = 0.0
    cdef Py_ssize_t i, j
    for i in range(count, (count + LANES - 1) // LANES * LANES):
        work[i] = 0.0
    for j in range(LANES):
        lane_max[j] = lane_sum[j] = 0.0
    for i in range((count + LANES - 1) // LANES):
        for j in range(LANES):
            lane_max[j] = fabs(work[LANES * i + j]) if fabs(work[LANES * i + j]) > lane_max[j] else lane_max[j]
            lane_sum[j] += work[LANES * i + j]
    for j in range(LANES):
        maximum = max(maximum, lane_max[j])
        total += lane_sum[j]
    return maximum if total == total else total  # a NaN does not enter a maximum but makes the sum a NaN
