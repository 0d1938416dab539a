# Which columns make a coarse one: how weakly those side by side couple, and the cheapest choice of pairs.
# Included after columns.pxi.

from libc.math cimport fmin, log2

cdef extern from "linear/pivots.h" nogil:
    void row_hold(int, int, int, int, int, const real *, const real *, const real *, const real *,
                  const int *, real *)
    void row_weakness(int, int, int, int, const real *, const real *, const real *, const real *,
                      const real *, const real *, const real *, real *, real *, real *)

cdef enum:
    SAMPLED_ROWS = 32  # where there are more, this many tell how strongly columns couple in x
    SAMPLED_STRIPS = 4  # of LANES columns of a parity side by side, likewise in y; every other one even


cdef inline int sampled(int n, int count, int wanted) noexcept nogil:
    """Return the place of sample n among `count`, spread evenly in steps that fit no pattern."""
    return n if count <= wanted else <int> ((n + 0.5) * (<double> count / wanted))


cdef inline void hold_row(Columns level, int y, int parity, int begin, int count, real *hold) noexcept nogil:
    row_hold(level.nz, level.width, parity, begin, count, &level.g_x[y, 0, 0, 0],
             &level.g_y[level._wrap(y), parity, 0, 0], &level.g_y[y, parity, 0, 0],
             &level.ground[0, parity, 0], &level.line[y, 0], hold)


cdef double cost_of(double weakness, double jump, int count, double interface, double most) noexcept nogil:
    """Return log2 of the mean of 1 + weakness over the faces there are, and the price of interfaces."""
    count = max(count, 1)
    # fmin, because a cost that is no number would never let a pair be made.
    return fmin(log2(1.0 + weakness / count) + interface * (jump / count), most)


def weigh_pairs(Columns level, const double[::1] dx, const double[::1] dy, double interface, double most,
                double[::1] cost_x, double[::1] cost_y):
    """Set what it costs to pair each interval with the next, in x (nx - 1,) and in y (ny - 1,).

    A pair with an interface all along it costs `interface` more; none costs more than `most`.
    """
    if level.nx > 1:
        weigh_x(level, dx, interface, most, cost_x)
    if level.ny > 1:
        weigh_y(level, dy, interface, most, cost_y)


cdef weigh_x(Columns level, const double[::1] dx, double interface, double most, double[::1] cost):
    cdef int nz = level.nz, width = level.width, rows = min(level.ny, SAMPLED_ROWS), n, x, m, count
    cdef double weakness, jump
    dtype = np.asarray(level.g_x).dtype
    cdef real[:, ::1] area = np.zeros((2, width + 1), dtype)
    cdef real[:, ::1] hold = np.empty((level.blocks, 2 * nz * (width + LANES)), dtype)
    cdef real[:, :, :, ::1] found = np.empty((rows, 2, 2, width), dtype)  # weakness and jump, even and odd
    with nogil:
        for x in range(level.nx):
            area[x & 1, x >> 1] = <real> dx[x]
        for n in prange(rows, schedule="static", num_threads=level.blocks):
            weigh_row(level, sampled(n, level.ny, SAMPLED_ROWS), area, &hold[threadid(), 0], &found[n, 0, 0, 0])
        for x in range(level.nx - 1):
            m, weakness, jump, count = x >> 1, 0.0, 0.0, 0
            for n in range(rows):
                if found[n, 0, x & 1, m] >= 0:
                    weakness += found[n, 0, x & 1, m]
                    jump += found[n, 1, x & 1, m]
                    count += 1
            cost[x] = cost_of(weakness, jump, count, interface, most)


cdef void weigh_row(Columns level, int y, const real[:, ::1] area, real *hold, real *found) noexcept nogil:
    """Set weakness of coupling and material jump (2, 2, width) of the columns' east faces."""
    cdef int nz = level.nz, width = level.width, half = nz * width
    cdef real *work = hold + 2 * half
    cdef real *jump = found + 2 * width
    hold_row(level, y, 0, 0, width, hold)
    hold_row(level, y, 1, 0, width, hold + half)
    row_weakness(nz, width, 0, width, &level.g_x[y, 0, 0, 0], hold, hold + half, &level.g_z[y, 0, 0, 0],
                 &level.g_z[y, 1, 0, 0], &area[0, 0], &area[1, 0], work, found, jump)
    row_weakness(nz, width, 0, width, &level.g_x[y, 1, 0, 0], hold + half, hold + 1, &level.g_z[y, 1, 0, 0],
                 &level.g_z[y, 0, 0, 0] + 1, &area[1, 0], &area[0, 0] + 1, work, found + width, jump + width)


cdef weigh_y(Columns level, const double[::1] dy, double interface, double most, double[::1] cost):
    cdef int block
    dtype = np.asarray(level.g_x).dtype
    cdef real[:, ::1] hold = np.empty((level.blocks, 2 * level.nz * (level.width + LANES)), dtype)
    cdef real[:, :, ::1] room = np.empty((level.blocks, 4, level.width), dtype)
    cdef double[:, ::1] sums = np.zeros((level.ny, 3))  # of weakness and jump, and how many
    for block in prange(level.blocks, nogil=True, schedule="static", num_threads=level.blocks):
        weigh_block(level, block, dy, &hold[block, 0], &room[block, 0, 0], sums, interface, most, cost)


cdef void weigh_block(Columns level, int block, const double[::1] dy, real *hold, real *room, double[:, ::1] sums,
                      double interface, double most, double[::1] cost) noexcept nogil:
    """Set the costs of the pairs whose first row is in a block, from some strips of columns."""
    cdef int parity, n, m, begin, y, nz = level.nz, width = level.width, strips = 2 * (width // LANES)
    cdef int low = level.bounds[block], high = min(level.bounds[block + 1], level.ny - 1)
    cdef real *other = hold + nz * width
    cdef real *work = hold + 2 * nz * width
    cdef real *weak = room
    cdef real *jump = room + width
    cdef real *here = room + 2 * width
    cdef real *north = room + 3 * width
    for n in range(min(strips, SAMPLED_STRIPS)):
        parity, begin = n & 1, sampled(n, strips, SAMPLED_STRIPS) // 2 * LANES
        hold_row(level, low, parity, begin, LANES, hold)
        for y in range(low, high):
            for m in range(begin, begin + LANES):
                here[m], north[m] = <real> dy[y], <real> dy[y + 1]
            hold_row(level, y + 1, parity, begin, LANES, other)
            row_weakness(nz, width, begin, LANES, &level.g_y[y, parity, 0, 0], hold, other,
                         &level.g_z[y, parity, 0, 0], &level.g_z[y + 1, parity, 0, 0], here, north, work,
                         weak, jump)
            for m in range(begin, begin + LANES):
                if weak[m] >= 0:
                    sums[y, 0] += weak[m]
                    sums[y, 1] += jump[m]
                    sums[y, 2] += 1.0
            hold, other = other, hold
    for y in range(low, high):
        cost[y] = cost_of(sums[y, 0], sums[y, 1], <int> sums[y, 2], interface, most)


def choose(const double[::1] cost, double price, int[::1] first):
    """Set the first interval of each coarse one, and one beyond the last, at the least total cost.

    `cost` is that of pairing interval i with i + 1, `price` that of each coarse interval; intervals come alone
    or in pairs. Return how many were set of `first`, which is longer than `cost` by two.
    """
    cdef int n = <int> cost.shape[0] + 1, i, count = 0, place
    cdef double single, pair, before = 0.0, best = price  # of all intervals but the last, and of all so far
    cdef unsigned char[::1] is_pair = np.zeros(n + 1, dtype=np.uint8)
    with nogil:
        for i in range(2, n + 1):
            single, pair = best + price, before + price + cost[i - 2]
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
