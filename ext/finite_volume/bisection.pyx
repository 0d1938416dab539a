"""All cells cut in two along one axis: what then fails to balance, brought back to the cells, plane by plane."""

include "plane_fluxes.pxi"

cdef extern from "finite_volume/reconstruction.h" nogil:
    void row_slopes(int, const double *, const double *, const double *, double *, double *, double *)
    void row_carry(int, double, const double *, const double *, const double *, const double *,
                   const double *, double *, double *, double *, double *, double *)
    void row_nearer_flow(int, const double *, const double *, const double *, const double *,
                         const double *, double *)
    void row_balance(int, const double *, const double *, const double *, const double *, const double *,
                     const double *, double *, double *, double *)
    void row_across(int, const double *, const double *, const double *, const double *, const double *,
                    const double *, const double *, const double *, double *, double *)
    void row_restrict(int, const double *, const double *, const double *, const double *, const double *,
                      double *, double *, double *)
    void row_moved(int, const double *, const double *, const double *, double *)
    void row_shift(int, double, const double *, double *)
    void row_change(int, const double *, const double *, const double *, const double *, const double *,
                    double *)

cdef extern from "math.h" nogil:
    double INFINITY

# What is kept of a plane of halves, (HALVES, ny, nx).
cdef enum:
    RATIO = 0        # K/W, h / (k A) of the whole cell
    LOW = 1          # K, in the low halves
    HIGH = 2
    WEIGHT_LOW = 3   # K/W, ratio times the trust in the slope at the low face
    WEIGHT_HIGH = 4
    DRIFT = 5        # K, by which the field carried over changes the mean of the cell
    KEPT = 6
    ROWS = 19

HALVES = KEPT
WORK_ROWS = ROWS  # of nx + 2 each, which both kernels work in


def carry_plane(
    int axis,                              # 0 z, 1 y, 2 x: along which the cells are cut
    Py_ssize_t k,
    double shared,                         # times the bend of the flatter cell beside: how far one is trusted
    const real[:, :, ::1] g_x,             # (nz, ny, nx - 1) W/K
    const real[:, :, ::1] g_y,             # (nz, ny - 1, nx) W/K
    const real[:, :, ::1] g_z,             # (nz - 1, ny, nx) W/K
    const double[:, :, ::1] t,             # (nz, ny, nx) K
    const double[:, :, ::1] conductivity,  # (3, ny, nx) W/(m K) at height k
    const double[::1] dz,                  # m
    const double[::1] dy,
    const double[::1] dx,
    const Py_ssize_t[::1] column,          # (surfaces at height k,) j nx + i, ascending
    const unsigned char[::1] across,       # the axis across which each lies
    const unsigned char[::1] is_high,
    const double[::1] leaving,             # W
    double[:, ::1] work,                   # (WORK_ROWS, nx + 2)
    double[:, :, ::1] halves,              # (HALVES, ny, nx) at height k
):
    """Cut the cells at height k, and carry the field over by those slopes that the cells beside share."""
    cdef Py_ssize_t j, i, s = 0
    cdef Py_ssize_t nz = t.shape[0], ny = t.shape[1], nx = t.shape[2]
    cdef int n = <int> nx
    cdef double *per_dx = &work[0, 1]
    cdef double *g = &work[1, 1]
    cdef double *first = &work[2, 1]   # flows
    cdef double *second = &work[3, 1]
    cdef double *none = &work[4, 1]
    cdef double *bend_before = &work[5, 1]
    cdef double *bend_here = &work[6, 1]
    cdef double *bend_next = &work[7, 1]
    cdef double *flow_low
    cdef double *flow_high
    cdef const double *bend_low
    cdef const double *bend_high
    with nogil:
        for i in range(nx):
            per_dx[i] = 1.0 / dx[i]
        clear(nx + 2, &work[2, 0])
        clear(nx + 2, &work[3, 0])
        for j in range(4, 8):
            for i in range(nx + 2):
                work[j, i] = INFINITY
        for j in range(ny + 1):
            bend_before, bend_here, bend_next = bend_here, bend_next, bend_before
            if j == ny:
                for i in range(nx):
                    bend_next[i] = INFINITY
            else:
                shape_ratio(axis, conductivity, j, dz[k], dy[j], &dx[0], per_dx, &halves[RATIO, j, 0])
                if axis == X:
                    flow_low = first
                    flow_high = first + 1
                    load(g_x, k, j, g)
                    row_flow(n - 1, g, &t[k, j, 0], &t[k, j, 0] + 1, first + 1)
                    first[0] = first[nx] = 0.0
                elif axis == Y:
                    first, second = second, first
                    flow_low = first
                    flow_high = second
                    if j + 1 < ny:
                        load(g_y, k, j, g)
                        row_flow(n, g, &t[k, j, 0], &t[k, j + 1, 0], second)
                    else:
                        clear(nx, second)
                else:
                    flow_low = first
                    flow_high = second
                    clear(nx, first)
                    clear(nx, second)
                    if k > 0:
                        load(g_z, k - 1, j, g)
                        row_flow(n, g, &t[k - 1, j, 0], &t[k, j, 0], first)
                    if k + 1 < nz:
                        load(g_z, k, j, g)
                        row_flow(n, g, &t[k, j, 0], &t[k + 1, j, 0], second)
                while s < column.shape[0] and column[s] < (j + 1) * nx:
                    i = column[s] - j * nx
                    if across[s] == axis:
                        if is_high[s]:
                            flow_high[i] = leaving[s]
                        else:
                            flow_low[i] = -leaving[s]
                    s += 1
                row_slopes(n, &halves[RATIO, j, 0], flow_low, flow_high, &halves[WEIGHT_LOW, j, 0],
                           &halves[WEIGHT_HIGH, j, 0], bend_next)
            if j > 0:  # the row before, whose neighbours are known now
                bend_low = bend_before if axis == Y else bend_here - 1 if axis == X else none
                bend_high = bend_next if axis == Y else bend_here + 1 if axis == X else none
                row_carry(n, shared, &t[k, j - 1, 0], &halves[RATIO, j - 1, 0], bend_low, bend_here, bend_high,
                          &halves[WEIGHT_LOW, j - 1, 0], &halves[WEIGHT_HIGH, j - 1, 0],
                          &halves[LOW, j - 1, 0], &halves[HIGH, j - 1, 0], &halves[DRIFT, j - 1, 0])


def balance_plane(
    int axis,                              # along which the cells are cut
    Py_ssize_t k,
    const real[:, :, ::1] g_x,             # (nz, ny, nx - 1) W/K
    const real[:, :, ::1] g_y,             # (nz, ny - 1, nx) W/K
    const real[:, :, ::1] g_z,             # (nz - 1, ny, nx) W/K
    const unsigned short[:, :, ::1] part,  # (nz, ny, nx) 0 outside the body, else 1 + part
    const double[:, ::1] power,            # (ny, nx) W at height k
    const double[:, :, ::1] below,         # (HALVES, ny, nx) at height k - 1, any where there is none
    const double[:, :, ::1] here,
    const double[:, :, ::1] above,
    const double[::1] dz,                  # m
    const double[::1] dy,
    const double[::1] dx,
    const Py_ssize_t[::1] column,          # (surfaces at height k,) j nx + i, ascending
    const unsigned char[::1] across,
    const unsigned char[::1] is_high,
    const double[::1] film,                # W/K
    const double[::1] outside,             # K
    const double[::1] given,               # W into the body, whatever its temperature
    const Py_ssize_t[:, ::1] windows,      # (blocks, 7) member, k0, k1, j0, j1, i0, i1
    const Py_ssize_t[::1] asked,           # (cells,) j nx + i, ascending: cells at height k to tell of
    double[:, ::1] work,                   # (WORK_ROWS, nx + 2)
    double[:, ::1] through,                # (ny, nx) W, through the low faces along z; then the high ones
    double[:, ::1] on_high,                # (ny, nx) K, of the height below; then of this one
    double[:, :, ::1] back,                # (nz, ny, nx) W, at height k; along z at k - 1 too, added to
    double[::1] integral,                  # (members,) K m3 of the change by the cut, added to
    double[:, ::1] told,                   # (cells, 5) K: in both halves, and h s at their three faces
):
    """Bring back what fails to balance in the halves at height k, by the transpose of the way there."""
    cdef Py_ssize_t j, i, begin, s = 0, end = 0, a = 0
    cdef Py_ssize_t nz = back.shape[0], ny = back.shape[1], nx = back.shape[2]
    cdef int n = <int> nx
    cdef double *gx = &work[0, 1]
    cdef double *south = &work[1, 1]
    cdef double *north = &work[2, 1]
    cdef double *g_below = &work[3, 1]
    cdef double *g_above = &work[4, 1]
    cdef double *into = &work[5, 1]
    cdef double *out_of = &work[6, 1]
    cdef double *between = &work[7, 1]
    cdef double *left_low = &work[8, 1]
    cdef double *left_high = &work[9, 1]
    cdef double *low_x = &work[10, 1]
    cdef double *high_x = &work[11, 1]
    cdef double *up_low = &work[12, 1]    # on the faces, per watt through them
    cdef double *up_high = &work[13, 1]
    cdef double *up_south = &work[14, 1]
    cdef double *moved = &work[15, 1]
    cdef double *change = &work[16, 1]
    cdef double *flow_north = &work[17, 1]
    cdef double *flow_x = &work[18, 1]
    cdef const double *ratio
    cdef const double *low
    cdef const double *high
    cdef double *enters
    cdef double *leaves
    cdef double g
    cdef Py_ssize_t u, d
    with nogil:
        for i in range(ROWS):
            clear(nx + 2, &work[i, 0])
        for j in range(ny):
            ratio, low, high = &here[RATIO, j, 0], &here[LOW, j, 0], &here[HIGH, j, 0]
            load(g_x, k, j, gx + 1)
            south, north = north, south
            clear(nx, north)
            if j + 1 < ny:
                load(g_y, k, j, north)
            if k > 0:
                load(g_z, k - 1, j, g_below)
            clear(nx, g_above)
            if k + 1 < nz:
                load(g_z, k, j, g_above)
            # through the faces along the axis
            if axis == X:
                enters, leaves = flow_x, flow_x + 1
                row_nearer_flow(n - 1, gx + 1, ratio, ratio + 1, high, low + 1, flow_x + 1)
                flow_x[0] = flow_x[nx] = 0.0
            elif axis == Y:
                into, out_of = out_of, into
                enters, leaves = into, out_of
                clear(nx, out_of)
                if j + 1 < ny:
                    row_nearer_flow(n, north, ratio, &here[RATIO, j + 1, 0], high, &here[LOW, j + 1, 0], out_of)
            else:
                enters, leaves = into, out_of
                copy(nx, &through[j, 0], into)
                clear(nx, out_of)
                if k + 1 < nz:
                    row_nearer_flow(n, g_above, ratio, &above[RATIO, j, 0], high, &above[LOW, j, 0], out_of)
                copy(nx, out_of, &through[j, 0])
            begin = s = end
            while end < column.shape[0] and column[end] < (j + 1) * nx:
                end += 1
            for s in range(begin, end):
                if across[s] == axis:
                    i = column[s] - j * nx
                    g = film[s] / (1.0 - 0.25 * film[s] * ratio[i])  # to the nearer half
                    if is_high[s]:
                        leaves[i] = g * (high[i] - outside[s]) - given[s]
                    else:
                        enters[i] = given[s] - g * (low[i] - outside[s])
            row_balance(n, &power[j, 0], ratio, low, high, enters, leaves, between, left_low, left_high)
            # through the faces across the others
            if axis != X:
                copy(nx, low, low_x)
                copy(nx, high, high_x)
                row_across(n, gx, gx + 1, low_x - 1, low_x, low_x + 1, high_x - 1, high_x, high_x + 1,
                           left_low, left_high)
            if axis != Y:
                d, u = j - 1 if j > 0 else j, j + 1 if j + 1 < ny else j
                row_across(n, south, north, &here[LOW, d, 0], low, &here[LOW, u, 0], &here[HIGH, d, 0], high,
                           &here[HIGH, u, 0], left_low, left_high)
            if axis != Z:
                row_across(n, g_below, g_above, &below[LOW, j, 0], low, &above[LOW, j, 0], &below[HIGH, j, 0],
                           high, &above[HIGH, j, 0], left_low, left_high)
            for s in range(begin, end):
                if across[s] != axis:
                    i = column[s] - j * nx
                    left_low[i] -= 0.5 * (film[s] * (low[i] - outside[s]) - given[s])
                    left_high[i] -= 0.5 * (film[s] * (high[i] - outside[s]) - given[s])
            # back to the whole cells
            row_restrict(n, ratio, &here[WEIGHT_LOW, j, 0], &here[WEIGHT_HIGH, j, 0], left_low, left_high,
                         up_low, up_high, &back[k, j, 0])
            if axis == X:
                row_moved(n - 1, gx + 1, up_high, up_low + 1, moved + 1)
                moved[0] = moved[nx] = 0.0
                row_shift(n, 1.0, moved + 1, &back[k, j, 0])
                row_shift(n, -1.0, moved, &back[k, j, 0])
            elif axis == Y and j > 0:
                row_moved(n, south, up_south, up_low, moved)
                row_shift(n, 1.0, moved, &back[k, j - 1, 0])
                row_shift(n, -1.0, moved, &back[k, j, 0])
            elif axis == Z and k > 0:
                row_moved(n, g_below, &on_high[j, 0], up_low, moved)
                row_shift(n, 1.0, moved, &back[k - 1, j, 0])
                row_shift(n, -1.0, moved, &back[k, j, 0])
            for s in range(begin, end):
                if across[s] == axis:
                    i = column[s] - j * nx
                    back[k, j, i] += film[s] * (up_high[i] if is_high[s] else -up_low[i])
            if axis == Z:
                copy(nx, up_high, &on_high[j, 0])
            elif axis == Y:
                up_south, up_high = up_high, up_south
            row_change(n, ratio, enters, leaves, &here[DRIFT, j, 0], &dx[0], change)
            add_members(k, j, part, windows, dz[k] * dy[j], change, &integral[0])
            while a < asked.shape[0] and asked[a] < (j + 1) * nx:
                i = asked[a] - j * nx
                told[a, 0] = low[i]
                told[a, 1] = high[i]
                told[a, 2] = -0.5 * ratio[i] * enters[i]
                told[a, 3] = -0.5 * ratio[i] * between[i]
                told[a, 4] = -0.5 * ratio[i] * leaves[i]
                a += 1
