"""Temperatures inside cells from the heat through their faces, and what they come to part by part."""

include "plane_fluxes.pxi"

cdef extern from "finite_volume/reconstruction.h" nogil:
    void row_crest(int, const double *, const double *, const double *, const double *, const double *,
                   const double *, const double *, const double *, double *, double *, double *)
    void row_extremes(int, double, double, const double *, const double *, double *, double *, double *)
    void row_bound(int, int, int, const unsigned short *, ptrdiff_t, const double *, const double *,
                   double *, double *, Py_ssize_t *)

cdef enum:
    ROWS = 16

WORK_ROWS = ROWS  # of nx + 2 each, which measure_plane works in


def measure_plane(
    Py_ssize_t k,
    const real[:, :, ::1] g_x,                 # (nz, ny, nx - 1) W/K
    const real[:, :, ::1] g_y,                 # (nz, ny - 1, nx) W/K
    const real[:, :, ::1] g_z,                 # (nz - 1, ny, nx) W/K
    const double[:, :, ::1] t,                 # (nz, ny, nx) K
    const unsigned short[:, :, ::1] part,      # (nz, ny, nx) 0 outside the body, else 1 + part
    const double[:, :, ::1] conductivity,      # (3, ny, nx) W/(m K) at height k
    const double[::1] dz,                      # m
    const double[::1] dy,
    const double[::1] dx,
    const Py_ssize_t[::1] column,              # (surfaces at height k,) j nx + i, ascending
    const unsigned char[::1] axis,             # 0 z, 1 y, 2 x
    const unsigned char[::1] is_high,
    const double[::1] leaving,                 # W
    const Py_ssize_t[:, ::1] windows,          # (blocks, 7) member, k0, k1, j0, j1, i0, i1
    double least,                              # K, no temperature is below or
    double most,                               # K, above
    double[:, ::1] work,                       # (WORK_ROWS, nx + 2)
    double[::1] integral,                      # (members,) K m3, added to
    double[::1] lowest,                        # (members,) K
    double[::1] highest,                       # (members,) K
    Py_ssize_t[::1] hottest,                   # (members,) index of the cell
):
    """Take the cells at height k into the integral and the extremes of every part and block."""
    cdef Py_ssize_t j, i, m, s = 0
    cdef Py_ssize_t nz = t.shape[0], ny = t.shape[1], nx = t.shape[2]
    cdef int n = <int> nx
    cdef double *per_dx = &work[0, 1]
    cdef double *t_x = &work[1, 1]
    cdef double *gx = &work[2, 1]
    cdef double *south = &work[3, 1]  # conductances, below which stand flows
    cdef double *north = &work[4, 1]
    cdef double *below = &work[5, 1]
    cdef double *above = &work[6, 1]
    cdef double *flow_x = &work[7, 1]
    cdef double *flow_south = &work[8, 1]
    cdef double *flow_north = &work[9, 1]
    cdef double *flow_below = &work[10, 1]
    cdef double *flow_above = &work[11, 1]
    cdef double *ratio = &work[12, 1]
    cdef double *rise = &work[13, 1]
    cdef double *fall = &work[14, 1]
    cdef double *bend = &work[15, 1]
    cdef const double *here
    cdef const double *t_below
    cdef const double *t_above
    cdef const double *t_south
    cdef const double *t_north
    with nogil:
        for i in range(nx):
            per_dx[i] = 1.0 / dx[i]
        for i in range(1, ROWS):
            clear(nx + 2, &work[i, 0])
        for j in range(ny):
            here = &t[k, j, 0]
            t_below = &t[k - 1, j, 0] if k > 0 else here
            t_above = &t[k + 1, j, 0] if k + 1 < nz else here
            t_south = &t[k, j - 1, 0] if j > 0 else here
            t_north = &t[k, j + 1, 0] if j + 1 < ny else here
            copy(nx, here, t_x)
            load(g_x, k, j, gx + 1)
            row_flow(n - 1, gx + 1, here, here + 1, flow_x + 1)
            flow_x[0] = flow_x[nx] = 0.0
            south, north = north, south
            flow_south, flow_north = flow_north, flow_south
            if j + 1 < ny:
                load(g_y, k, j, north)
                row_flow(n, north, here, t_north, flow_north)
            else:
                clear(nx, north)
                clear(nx, flow_north)
            clear(nx, flow_below)
            clear(nx, flow_above)
            if k > 0:
                load(g_z, k - 1, j, below)
                row_flow(n, below, t_below, here, flow_below)
            if k + 1 < nz:
                load(g_z, k, j, above)
                row_flow(n, above, here, t_above, flow_above)
            while s < column.shape[0] and column[s] < (j + 1) * nx:
                i = column[s] - j * nx
                if axis[s] == Z:
                    if is_high[s]:
                        flow_above[i] = leaving[s]
                    else:
                        flow_below[i] = -leaving[s]
                elif axis[s] == Y:
                    if is_high[s]:
                        flow_north[i] = leaving[s]
                    else:
                        flow_south[i] = -leaving[s]
                elif is_high[s]:
                    flow_x[i + 1] = leaving[s]
                else:
                    flow_x[i] = -leaving[s]
                s += 1
            clear(nx, rise)
            clear(nx, fall)
            clear(nx, bend)
            shape_ratio(Z, conductivity, j, dz[k], dy[j], &dx[0], per_dx, ratio)
            row_crest(n, ratio, flow_below, flow_above, below, above, t_below, here, t_above, rise, fall, bend)
            shape_ratio(Y, conductivity, j, dz[k], dy[j], &dx[0], per_dx, ratio)
            row_crest(n, ratio, flow_south, flow_north, south, north, t_south, here, t_north, rise, fall, bend)
            shape_ratio(X, conductivity, j, dz[k], dy[j], &dx[0], per_dx, ratio)
            row_crest(n, ratio, flow_x, flow_x + 1, gx, gx + 1, t_x - 1, here, t_x + 1, rise, fall, bend)
            row_extremes(n, least, most, here, &dx[0], rise, fall, bend)
            add_members(k, j, part, windows, dz[k] * dy[j], bend, &integral[0])
            row_bound(0, n, -1, &part[k, j, 0], (k * ny + j) * nx, fall, rise, &lowest[0], &highest[0],
                      &hottest[0])
            for m in range(windows.shape[0]):
                if windows[m, 1] <= k < windows[m, 2] and windows[m, 3] <= j < windows[m, 4]:
                    row_bound(<int> windows[m, 5], <int> windows[m, 6], <int> windows[m, 0], &part[k, j, 0],
                              (k * ny + j) * nx, fall, rise, &lowest[0], &highest[0], &hottest[0])


def add_plane(
    Py_ssize_t k,
    const unsigned short[:, :, ::1] part,  # (nz, ny, nx)
    const double[::1] dz,                  # m
    const double[::1] dy,
    const double[::1] dx,
    const Py_ssize_t[:, ::1] windows,      # (blocks, 7)
    const double[:, ::1] values,           # (ny, nx)
    double[:, ::1] work,                   # (1 or more, nx)
    double[::1] sums,                      # (members,) added to
):
    """Add the integral of a plane of values over the volume of each part and block at height k."""
    cdef Py_ssize_t j, i
    cdef double *weighted = &work[0, 0]
    with nogil:
        for j in range(values.shape[0]):
            for i in range(values.shape[1]):
                weighted[i] = values[j, i] * dx[i]
            add_members(k, j, part, windows, dz[k] * dy[j], weighted, &sums[0])
