# Choice of the pairs of columns that form a coarse column: coupling weakness of adjacent columns, and the partition
# of an axis of minimum total cost. Included after coarse_operator.pxi.

from libc.math cimport fmin, log2, sqrt

cdef extern from "linear/coarsening.h" nogil:
    ctypedef struct face_side:
        const real *side
        const real *g_z
        const real *area
    void row_side_conductance(row_operator, int, int, real *)
    void row_coupling_weakness(int, int, int, int, const real *, face_side, face_side, real *, real *, real *)

cdef enum:
    MAX_SAMPLED_ROWS = 32  # rows that determine the coupling in x, where there are more
    MAX_SAMPLED_STRIPS = 8  # likewise in y: strips of LANES adjacent columns of one parity, every other one even


cdef inline int sample(int n, int count, int wanted) noexcept nogil:
    """Return the index of sample n among `count`, evenly distributed in steps that match no regular pattern."""
    return n if count <= wanted else <int> ((n + 0.5) * (<double> count / wanted))


cdef inline face_side side_of(const real *side, const real *g_z, const real *area) noexcept nogil:
    cdef face_side found
    found.side, found.g_z, found.area = side, g_z, area
    return found


cdef double cost_of(double squares, double jump, int count, double interface, double max_cost) noexcept nogil:
    """Return log2 of 1 + the root mean square of the weakness of the faces, plus the cost of interfaces.

    The square counts the few weak faces of an interval of strong ones, whose error the smoother leaves.
    """
    count = max(count, 1)
    # fmin, because a cost that is not a number would prevent every pair.
    return fmin(log2(1.0 + sqrt(squares / count)) + interface * (jump / count), max_cost)


def pair_costs(LevelOperator level, const double[::1] dx, const double[::1] dy, double interface,
               double max_cost, double[::1] cost_x, double[::1] cost_y):
    """Set the costs of pairing each interval with the next, in x (nx - 1,) and in y (ny - 1,).

    A pair with a material interface along its whole face costs `interface` more; no pair costs more than
    `max_cost`.
    """
    if level.nx > 1:
        pair_costs_x(level, dx, interface, max_cost, cost_x)
    if level.ny > 1:
        pair_costs_y(level, dy, interface, max_cost, cost_y)


cdef pair_costs_x(LevelOperator level, const double[::1] dx, double interface, double max_cost,
                  double[::1] cost):
    cdef int nz = level.nz, width = level.width, rows = min(level.ny, MAX_SAMPLED_ROWS), n, x, m, count
    cdef double squares, jump
    dtype = np.asarray(level.g_x).dtype
    cdef real[:, ::1] area = np.zeros((2, width + 1), dtype)
    cdef real[:, ::1] work = np.empty((level.blocks, 2 * nz * (width + LANES)), dtype)
    cdef real[:, :, :, ::1] found = np.empty((rows, 2, 2, width), dtype)  # weakness and jump, even and odd
    with nogil:
        for x in range(level.nx):
            area[x & 1, x >> 1] = <real> dx[x]
        for n in prange(rows, schedule="static", num_threads=level.blocks):
            coupling_of_row(level, sample(n, level.ny, MAX_SAMPLED_ROWS), area, &work[threadid(), 0],
                            &found[n, 0, 0, 0])
        for x in range(level.nx - 1):
            m, squares, jump, count = x >> 1, 0.0, 0.0, 0
            for n in range(rows):
                if found[n, 0, x & 1, m] >= 0:
                    squares += <double> found[n, 0, x & 1, m] * found[n, 0, x & 1, m]
                    jump += found[n, 1, x & 1, m]
                    count += 1
            cost[x] = cost_of(squares, jump, count, interface, max_cost)


cdef void coupling_of_row(LevelOperator level, int y, const real[:, ::1] area, real *side,
                          real *found) noexcept nogil:
    """Set coupling weakness and material jump (2, 2, width) of the columns' east faces."""
    cdef int nz = level.nz, width = level.width, half = nz * width
    cdef real *work = side + 2 * half
    cdef real *jump = found + 2 * width
    cdef const real *g_even = &level.g_z[y, 0, 0, 0]
    cdef const real *g_odd = &level.g_z[y, 1, 0, 0]
    row_side_conductance(level._row_with_boundary(y, 0), 0, width, side)
    row_side_conductance(level._row_with_boundary(y, 1), 0, width, side + half)
    row_coupling_weakness(nz, width, 0, width, &level.g_x[y, 0, 0, 0], side_of(side, g_even, &area[0, 0]),
                          side_of(side + half, g_odd, &area[1, 0]), work, found, jump)
    row_coupling_weakness(nz, width, 0, width, &level.g_x[y, 1, 0, 0], side_of(side + half, g_odd, &area[1, 0]),
                          side_of(side + 1, g_even + 1, &area[0, 0] + 1), work, found + width, jump + width)


cdef pair_costs_y(LevelOperator level, const double[::1] dy, double interface, double max_cost,
                  double[::1] cost):
    cdef int block
    dtype = np.asarray(level.g_x).dtype
    cdef real[:, ::1] work = np.empty((level.blocks, 2 * level.nz * (level.width + LANES)), dtype)
    cdef real[:, :, ::1] strips = np.empty((level.blocks, 4, level.width), dtype)
    cdef double[:, ::1] sums = np.zeros((level.ny, 3))  # of squared weakness and jump, and their number
    for block in prange(level.blocks, nogil=True, schedule="static", num_threads=level.blocks):
        sum_coupling_of_block(level, block, dy, &work[block, 0], &strips[block, 0, 0], sums)
        costs_of_block(level, block, sums, interface, max_cost, cost)


cdef void sum_coupling_of_block(LevelOperator level, int block, const double[::1] dy, real *side, real *strip,
                                double[:, ::1] sums) noexcept nogil:
    """Add up the coupling of the pairs of rows whose first row is in a block, from some strips of columns."""
    cdef int parity, n, m, begin, y, nz = level.nz, width = level.width, strips = 2 * (width // LANES)
    cdef int low = level.bounds[block], high = min(level.bounds[block + 1], level.ny - 1)
    cdef real *side_north = side + nz * width
    cdef real *work = side + 2 * nz * width
    cdef real *weakness = strip
    cdef real *jump = strip + width
    cdef real *area = strip + 2 * width
    cdef real *area_north = strip + 3 * width
    for n in range(min(strips, MAX_SAMPLED_STRIPS)):
        parity, begin = n & 1, sample(n, strips, MAX_SAMPLED_STRIPS) // 2 * LANES
        row_side_conductance(level._row_with_boundary(low, parity), begin, LANES, side)
        for y in range(low, high):
            for m in range(begin, begin + LANES):
                area[m], area_north[m] = <real> dy[y], <real> dy[y + 1]
            row_side_conductance(level._row_with_boundary(y + 1, parity), begin, LANES, side_north)
            row_coupling_weakness(nz, width, begin, LANES, &level.g_y[y, parity, 0, 0],
                                  side_of(side, &level.g_z[y, parity, 0, 0], area),
                                  side_of(side_north, &level.g_z[y + 1, parity, 0, 0], area_north), work,
                                  weakness, jump)
            for m in range(begin, begin + LANES):
                if weakness[m] >= 0:
                    sums[y, 0] += <double> weakness[m] * weakness[m]
                    sums[y, 1] += jump[m]
                    sums[y, 2] += 1.0
            side, side_north = side_north, side


cdef void costs_of_block(LevelOperator level, int block, double[:, ::1] sums, double interface, double max_cost,
                         double[::1] cost) noexcept nogil:
    cdef int y
    for y in range(level.bounds[block], min(level.bounds[block + 1], level.ny - 1)):
        cost[y] = cost_of(sums[y, 0], sums[y, 1], <int> sums[y, 2], interface, max_cost)


def partition_axis(const double[::1] cost, double interval_cost, int[::1] first):
    """Set the first interval of each coarse interval, and the end of the axis, at minimum total cost.

    Coarse intervals are single intervals or pairs. `cost` is that of pairing interval i with i + 1,
    `interval_cost` that of each coarse interval. Return how many values of `first` were set; it has two more
    than `cost`. The algorithm is dynamic programming over the intervals.
    """
    cdef int n = <int> cost.shape[0] + 1, i, count = 0, place
    cdef double single, pair, before = 0.0, best = interval_cost  # of all intervals but the last, and of all
    cdef unsigned char[::1] is_pair = np.zeros(n + 1, dtype=np.uint8)
    with nogil:
        for i in range(2, n + 1):
            single, pair = best + interval_cost, before + interval_cost + cost[i - 2]
            is_pair[i] = pair < single
            before, best = best, min(single, pair)
        i = n
        while i > 0:
            i -= 1 + is_pair[i]
            count += 1
        first[count] = i = n
        for place in range(count - 1, -1, -1):
            i -= 1 + is_pair[i]
            first[place] = i
    return count + 1
