"""Integral, minimum and maximum of the temperature of every part and block, plane by plane."""

include "plane_fluxes.pxi"

cdef extern from "finite_volume/reconstruction.h" nogil:
    void row_extremum(int, const double *, const double *, const double *, const double *, const double *,
                      const double *, const double *, const double *, double *, double *, double *)
    void row_cell_extremes(int, double, double, const double *, const double *, double *, double *, double *)
    void row_part_extremes(int, int, int, const unsigned short *, ptrdiff_t, const double *, const double *,
                           double *, double *, Py_ssize_t *)


def measure_plane(PlaneFluxes fluxes, Py_ssize_t k, const double[:, :, ::1] conductivity, double t_min,
                  double t_max, double[::1] integral, double[::1] zone_min, double[::1] zone_max,
                  Py_ssize_t[::1] hottest):
    """Add the cells at height k to the integral and the extremes of every part and block.

    `conductivity` (3, ny, nx) [W/(m K)] is along z, y and x; `t_min` and `t_max` [K] bound every temperature.
    `integral` [K m3] is added to; `zone_min` and `zone_max` [K] are updated, as is `hottest`, the index of the
    hottest cell in the raveled grid. All four are (zones,).
    """
    cdef PartCells cells = fluxes.cells
    cdef BoundaryFaces boundary = fluxes.boundary
    cdef FaceConductance g_x = fluxes.g_x
    cdef FaceConductance g_y = fluxes.g_y
    cdef FaceConductance g_z = fluxes.g_z
    cdef const double[:, :, ::1] t = fluxes.t
    cdef const Py_ssize_t[:, ::1] windows = cells.windows
    cdef double[:, ::1] work = fluxes.work
    cdef Py_ssize_t j, i, m, first, s = boundary.start[k], end = boundary.start[k + 1]
    cdef Py_ssize_t nz = cells.nz, ny = cells.ny, nx = cells.nx
    cdef int n = <int> nx
    cdef const double *dx = &cells.dx[0]
    cdef double *per_dx = &work[0, 1]
    cdef double *t_x = &work[1, 1]
    cdef double *west = &work[2, 1]  # conductances of the west faces; those of the east faces are one entry on
    cdef double *south = &work[3, 1]
    cdef double *north = &work[4, 1]
    cdef double *below = &work[5, 1]
    cdef double *above = &work[6, 1]
    cdef double *flow_x = &work[7, 1]
    cdef double *flow_south = &work[8, 1]
    cdef double *flow_north = &work[9, 1]
    cdef double *flow_below = &work[10, 1]
    cdef double *flow_above = &work[11, 1]
    cdef double *resistance = &work[12, 1]
    cdef double *rise = &work[13, 1]
    cdef double *fall = &work[14, 1]
    cdef double *slope_change = &work[15, 1]
    cdef const double *here
    cdef const double *t_below
    cdef const double *t_above
    cdef const double *t_south
    cdef const double *t_north
    with nogil:
        for i in range(nx):
            per_dx[i] = 1.0 / dx[i]
        for i in range(1, 16):
            clear(nx + 2, &work[i, 0])
        for j in range(ny):
            here = &t[k, j, 0]
            t_below = &t[k - 1, j, 0] if k > 0 else here
            t_above = &t[k + 1, j, 0] if k + 1 < nz else here
            t_south = &t[k, j - 1, 0] if j > 0 else here
            t_north = &t[k, j + 1, 0] if j + 1 < ny else here
            copy(nx, here, t_x)
            load(g_x, k, j, west + 1)
            row_heat_flow(n - 1, west + 1, here, here + 1, flow_x + 1)
            flow_x[0] = flow_x[nx] = 0.0
            south, north = north, south
            flow_south, flow_north = flow_north, flow_south
            if j + 1 < ny:
                load(g_y, k, j, north)
                row_heat_flow(n, north, here, t_north, flow_north)
            else:
                clear(nx, north)
                clear(nx, flow_north)
            clear(nx, flow_below)
            clear(nx, flow_above)
            if k > 0:
                load(g_z, k - 1, j, below)
                row_heat_flow(n, below, t_below, here, flow_below)
            if k + 1 < nz:
                load(g_z, k, j, above)
                row_heat_flow(n, above, here, t_above, flow_above)
            first = (k * ny + j) * nx
            while s < end and boundary.cell[s] < first + nx:
                i = boundary.cell[s] - first
                if boundary.axis[s] == Z:
                    if boundary.is_high[s]:
                        flow_above[i] = boundary.outflow[s]
                    else:
                        flow_below[i] = -boundary.outflow[s]
                elif boundary.axis[s] == Y:
                    if boundary.is_high[s]:
                        flow_north[i] = boundary.outflow[s]
                    else:
                        flow_south[i] = -boundary.outflow[s]
                elif boundary.is_high[s]:
                    flow_x[i + 1] = boundary.outflow[s]
                else:
                    flow_x[i] = -boundary.outflow[s]
                s += 1
            clear(nx, rise)
            clear(nx, fall)
            clear(nx, slope_change)
            cell_resistance(cells, Z, k, j, conductivity, per_dx, resistance)
            row_extremum(n, resistance, flow_below, flow_above, below, above, t_below, here, t_above,
                         rise, fall, slope_change)
            cell_resistance(cells, Y, k, j, conductivity, per_dx, resistance)
            row_extremum(n, resistance, flow_south, flow_north, south, north, t_south, here, t_north,
                         rise, fall, slope_change)
            cell_resistance(cells, X, k, j, conductivity, per_dx, resistance)
            row_extremum(n, resistance, flow_x, flow_x + 1, west, west + 1, t_x - 1, here, t_x + 1,
                         rise, fall, slope_change)
            row_cell_extremes(n, t_min, t_max, here, dx, rise, fall, slope_change)
            add_zones(cells, k, j, slope_change, &integral[0])
            row_part_extremes(0, n, -1, &cells.part[k, j, 0], first, fall, rise, &zone_min[0], &zone_max[0],
                              &hottest[0])
            for m in range(windows.shape[0]):
                if windows[m, 1] <= k < windows[m, 2] and windows[m, 3] <= j < windows[m, 4]:
                    row_part_extremes(<int> windows[m, 5], <int> windows[m, 6], <int> windows[m, 0],
                                      &cells.part[k, j, 0], first, fall, rise, &zone_min[0], &zone_max[0],
                                      &hottest[0])


def add_plane(PartCells cells, Py_ssize_t k, const double[:, ::1] values, double[::1] work, double[::1] sums):
    """Add the integral of a plane of values (ny, nx) over each part and block at height k to `sums` (zones,).

    `work` (nx,) is workspace.
    """
    cdef const double[::1] dx = cells.dx
    cdef Py_ssize_t j, i
    with nogil:
        for j in range(values.shape[0]):
            for i in range(values.shape[1]):
                work[i] = values[j, i] * dx[i]
            add_zones(cells, k, j, &work[0], &sums[0])
