"""All cells bisected along one axis: the field interpolated to the halves and their residual, plane by plane."""

include "plane_fluxes.pxi"

cdef extern from "finite_volume/reconstruction.h" nogil:
    ctypedef struct half_row:
        const double *resistance
        const double *low
        const double *high
    void row_face_slopes(int, const double *, const double *, const double *, double *, double *, double *)
    void row_interpolate(int, double, const double *, const double *, const double *, const double *,
                         const double *, double *, double *, double *, double *, double *)
    void row_half_cell_flow(int, const double *, const double *, const double *, const double *,
                            const double *, double *)
    void row_residual(int, const double *, const double *, const double *, const double *, const double *,
                      const double *, const double *, double *, double *, double *)
    void row_add_transverse(int, const double *, const double *, const double *, const double *, const double *,
                            const double *, const double *, const double *, double *, double *)
    void row_restrict(int, const double *, const double *, const double *, const double *, const double *,
                      double *, double *, double *)
    void row_face_residual(int, const double *, const double *, const double *, double *)
    void row_add_scaled(int, double, const double *, double *)
    void row_inner_resistance(int, const half_row *, double *, double *)
    void row_half_bend(int, const half_row *, const double *, const double *, double *)
    void row_correct_halves(int, const half_row *, const double *, const double *, double *, double *, double *)
    void row_mean_change(int, const half_row *, const double *, const double *, const double *, const double *,
                         double *)

cdef extern from "math.h" nogil:
    double INFINITY

# Values of the bisected cells of one plane, the first axis of an array (PLANE_VALUES, ny, nx).
cdef enum:
    RESISTANCE = 0       # K/W, h / (k A) of the whole cell, with k at its temperature
    LOW = 1              # K, in the low halves
    HIGH = 2
    WEIGHT_LOW = 3       # K/W, resistance times the limiter of the slope at the low face
    WEIGHT_HIGH = 4
    MEAN_CHANGE = 5      # K, change of the mean of the cell by the interpolation
    CONSTANT_VALUES = 6
    RESISTANCE_LOW = 6   # K/W, h / (k A) with the mean k of the low half
    RESISTANCE_HIGH = 7
    INNER_LOW = 8        # K/W, the same with the mean k between the centres of the cell and of its low half
    INNER_HIGH = 9
    PLANE_VALUES = 10


cdef class BisectedPlanes:
    """The cells of one temperature field, each cut in two halves along one axis."""

    cdef PlaneFluxes fluxes
    cdef int axis                         # 0 z, 1 y, 2 x
    cdef double max_ratio                 # of the slope change of a cell to the smaller one of its neighbours
    # The plane at height k is planes[k % 3]: (3, CONSTANT_VALUES, ny, nx), or PLANE_VALUES if k depends on temperature.
    cdef double[:, :, :, ::1] planes
    cdef bint has_halves[3]               # whether k depends on temperature in each of the planes
    cdef double[:, ::1] flow              # (ny, nx) W, through the high faces along z of the plane before
    cdef double[:, ::1] adjoint           # (ny, nx) K, of the slope at those faces

    def __init__(self, PlaneFluxes fluxes, int axis, double max_ratio, bint has_halves):
        """Take the fluxes; `has_halves` says whether any conductivity depends on temperature."""
        ny, nx = fluxes.cells.ny, fluxes.cells.nx
        self.fluxes, self.axis, self.max_ratio = fluxes, axis, max_ratio
        self.planes = np.zeros((3, PLANE_VALUES if has_halves else CONSTANT_VALUES, ny, nx))
        self.flow, self.adjoint = np.zeros((ny, nx)), np.zeros((ny, nx))

    cdef void _set_half_row(self, Py_ssize_t k, Py_ssize_t j, half_row *row) noexcept nogil:
        """Set the resistances of a row of cells at height k."""
        cdef Py_ssize_t p = k % 3
        cdef bint has_halves = self.has_halves[p]
        row.resistance = &self.planes[p, RESISTANCE, j, 0]
        row.low = &self.planes[p, RESISTANCE_LOW if has_halves else RESISTANCE, j, 0]
        row.high = &self.planes[p, RESISTANCE_HIGH if has_halves else RESISTANCE, j, 0]

    cdef const double *_inner(self, Py_ssize_t k, Py_ssize_t j, bint is_high) noexcept nogil:
        """Return the resistances of a row of cells by k between the centres of the cells and of their halves."""
        cdef Py_ssize_t p = k % 3
        return &self.planes[p, (INNER_HIGH if is_high else INNER_LOW) if self.has_halves[p] else RESISTANCE, j, 0]

    def interpolate(self, Py_ssize_t k, const double[:, :, ::1] conductivity, const double[:, :, ::1] of_low,
                    const double[:, :, ::1] of_high):
        """Bisect the cells at height k, and interpolate the field to the halves by the limited slopes.

        `conductivity` (3, ny, nx) [W/(m K)] is along z, y and x. `of_low` and `of_high` are its means over the low
        and the high halves, None if they equal it.
        """
        cdef PartCells cells = self.fluxes.cells
        cdef BoundaryFaces boundary = self.fluxes.boundary
        cdef FaceConductance g_x = self.fluxes.g_x
        cdef FaceConductance g_y = self.fluxes.g_y
        cdef FaceConductance g_z = self.fluxes.g_z
        cdef const double[:, :, ::1] t = self.fluxes.t
        cdef double[:, ::1] work = self.fluxes.work
        cdef double[:, :, ::1] halves = self.planes[k % 3]
        cdef int axis = self.axis
        cdef Py_ssize_t j, i, row, s = boundary.start[k], end = boundary.start[k + 1]
        cdef Py_ssize_t nz = cells.nz, ny = cells.ny, nx = cells.nx
        cdef int n = <int> nx
        cdef double *per_dx = &work[0, 1]
        cdef double *g = &work[1, 1]
        cdef double *first = &work[2, 1]   # flows
        cdef double *second = &work[3, 1]
        cdef double *none = &work[4, 1]    # infinite: no neighbour limits a slope
        cdef double *change_before = &work[5, 1]
        cdef double *change_here = &work[6, 1]
        cdef double *change_next = &work[7, 1]
        cdef double *flow_low
        cdef double *flow_high
        cdef const double *change_low
        cdef const double *change_high
        cdef double *correction = &work[8, 1]
        cdef bint has_halves = of_low is not None
        cdef half_row row_halves
        self.has_halves[k % 3] = has_halves
        with nogil:
            for i in range(nx):
                per_dx[i] = 1.0 / cells.dx[i]
            clear(nx + 2, &work[2, 0])
            clear(nx + 2, &work[3, 0])
            for j in range(4, 8):
                for i in range(nx + 2):
                    work[j, i] = INFINITY
            for j in range(ny + 1):
                change_before, change_here, change_next = change_here, change_next, change_before
                if j == ny:
                    for i in range(nx):
                        change_next[i] = INFINITY
                else:
                    cell_resistance(cells, axis, k, j, conductivity, per_dx, &halves[RESISTANCE, j, 0])
                    if has_halves:
                        cell_resistance(cells, axis, k, j, of_low, per_dx, &halves[RESISTANCE_LOW, j, 0])
                        cell_resistance(cells, axis, k, j, of_high, per_dx, &halves[RESISTANCE_HIGH, j, 0])
                        self._set_half_row(k, j, &row_halves)
                        row_inner_resistance(n, &row_halves, &halves[INNER_LOW, j, 0], &halves[INNER_HIGH, j, 0])
                    if axis == X:
                        flow_low = first
                        flow_high = first + 1
                        load(g_x, k, j, g)
                        row_heat_flow(n - 1, g, &t[k, j, 0], &t[k, j, 0] + 1, first + 1)
                        first[0] = first[nx] = 0.0
                    elif axis == Y:
                        first, second = second, first
                        flow_low = first
                        flow_high = second
                        if j + 1 < ny:
                            load(g_y, k, j, g)
                            row_heat_flow(n, g, &t[k, j, 0], &t[k, j + 1, 0], second)
                        else:
                            clear(nx, second)
                    else:
                        flow_low = first
                        flow_high = second
                        clear(nx, first)
                        clear(nx, second)
                        if k > 0:
                            load(g_z, k - 1, j, g)
                            row_heat_flow(n, g, &t[k - 1, j, 0], &t[k, j, 0], first)
                        if k + 1 < nz:
                            load(g_z, k, j, g)
                            row_heat_flow(n, g, &t[k, j, 0], &t[k + 1, j, 0], second)
                    row = (k * ny + j) * nx
                    while s < end and boundary.cell[s] < row + nx:
                        i = boundary.cell[s] - row
                        if boundary.axis[s] == axis:
                            if boundary.is_high[s]:
                                flow_high[i] += boundary.outflow[s]
                            else:
                                flow_low[i] -= boundary.outflow[s]
                        s += 1
                    row_face_slopes(n, &halves[RESISTANCE, j, 0], flow_low, flow_high, &halves[WEIGHT_LOW, j, 0],
                                    &halves[WEIGHT_HIGH, j, 0], change_next)
                if j > 0:  # the row before, both neighbours of which are known now
                    change_low = change_before if axis == Y else change_here - 1 if axis == X else none
                    change_high = change_next if axis == Y else change_here + 1 if axis == X else none
                    self._set_half_row(k, j - 1, &row_halves)
                    if has_halves:
                        row_half_bend(n, &row_halves, &halves[WEIGHT_LOW, j - 1, 0], &halves[WEIGHT_HIGH, j - 1, 0],
                                      correction)
                    row_interpolate(n, self.max_ratio, &t[k, j - 1, 0], &halves[RESISTANCE, j - 1, 0], change_low,
                                    change_here, change_high, &halves[WEIGHT_LOW, j - 1, 0],
                                    &halves[WEIGHT_HIGH, j - 1, 0], &halves[LOW, j - 1, 0],
                                    &halves[HIGH, j - 1, 0], &halves[MEAN_CHANGE, j - 1, 0])
                    if has_halves:
                        row_correct_halves(n, &row_halves, &t[k, j - 1, 0], correction, &halves[LOW, j - 1, 0],
                                           &halves[HIGH, j - 1, 0], &halves[MEAN_CHANGE, j - 1, 0])

    def restrict_residual(self, Py_ssize_t k, const double[:, ::1] power, const Py_ssize_t[::1] probes,
                          double[:, :, ::1] residual, double[::1] mean_change, double[:, ::1] probe_values,
                          const double[:, ::1] storage):
        """Restrict the residual of the halves at height k to the cells by the transpose of the interpolation.

        `power` (ny, nx) [W] is generated at height k. `residual` (nz, ny, nx) [W] is set at height k; where the
        axis is z, heat is added at height k - 1 too. `mean_change` (zones,) [K m3] is added to: the integral of
        the change by bisection. `probes` (n,) are the cells j nx + i, ascending, for which `probe_values` (n, 5)
        [K] is set: both halves, and h s at the low, the new and the high face, of the halves, by the resistance from
        the centre of the half to the face. `storage` (ny, nx) [W/K] is the
        conductance of each cell at height k to the reference temperature, half of it for each half.
        """
        cdef PartCells cells = self.fluxes.cells
        cdef BoundaryFaces boundary = self.fluxes.boundary
        cdef FaceConductance g_x = self.fluxes.g_x
        cdef FaceConductance g_y = self.fluxes.g_y
        cdef FaceConductance g_z = self.fluxes.g_z
        cdef double[:, ::1] work = self.fluxes.work
        cdef double[:, ::1] flow = self.flow
        cdef double[:, ::1] adjoint = self.adjoint
        cdef double[:, :, ::1] below = self.planes[(k + 2) % 3]  # any values where there is no plane below
        cdef double[:, :, ::1] here = self.planes[k % 3]
        cdef double[:, :, ::1] above = self.planes[(k + 1) % 3]
        cdef int axis = self.axis
        cdef Py_ssize_t j, i, begin, row, p = 0, s = boundary.start[k]
        cdef Py_ssize_t end = s, end_of_plane = boundary.start[k + 1]
        cdef Py_ssize_t nz = cells.nz, ny = cells.ny, nx = cells.nx
        cdef int n = <int> nx
        cdef double *west = &work[0, 1]  # conductances of the west faces; those of the east faces are one entry on
        cdef double *south = &work[1, 1]
        cdef double *north = &work[2, 1]
        cdef double *g_below = &work[3, 1]
        cdef double *g_above = &work[4, 1]
        cdef double *into = &work[5, 1]
        cdef double *out_of = &work[6, 1]
        cdef double *between = &work[7, 1]
        cdef double *residual_low = &work[8, 1]
        cdef double *residual_high = &work[9, 1]
        cdef double *low_x = &work[10, 1]
        cdef double *high_x = &work[11, 1]
        cdef double *adjoint_low = &work[12, 1]
        cdef double *adjoint_high = &work[13, 1]
        cdef double *adjoint_south = &work[14, 1]
        cdef double *through = &work[15, 1]
        cdef double *change = &work[16, 1]
        cdef double *flow_x = &work[18, 1]
        cdef const double *resistance
        cdef const double *inner_low   # resistances between the centre of the cell and those of its halves
        cdef const double *inner_high
        cdef half_row row_halves
        cdef const double *low
        cdef const double *high
        cdef double *enters
        cdef double *leaves
        cdef double g
        cdef Py_ssize_t u, d
        with nogil:
            for i in range(WORK_ROWS):
                clear(nx + 2, &work[i, 0])
            for j in range(ny):
                self._set_half_row(k, j, &row_halves)
                inner_low, inner_high = self._inner(k, j, False), self._inner(k, j, True)
                resistance, low, high = &here[RESISTANCE, j, 0], &here[LOW, j, 0], &here[HIGH, j, 0]
                load(g_x, k, j, west + 1)
                south, north = north, south
                clear(nx, north)
                if j + 1 < ny:
                    load(g_y, k, j, north)
                if k > 0:
                    load(g_z, k - 1, j, g_below)
                clear(nx, g_above)
                if k + 1 < nz:
                    load(g_z, k, j, g_above)
                # Heat through the original faces normal to the axis.
                if axis == X:
                    enters, leaves = flow_x, flow_x + 1
                    row_half_cell_flow(n - 1, west + 1, inner_high, inner_low + 1, high, low + 1, flow_x + 1)
                    flow_x[0] = flow_x[nx] = 0.0
                elif axis == Y:
                    into, out_of = out_of, into
                    enters, leaves = into, out_of
                    clear(nx, out_of)
                    if j + 1 < ny:
                        row_half_cell_flow(n, north, inner_high, self._inner(k, j + 1, False), high,
                                           &here[LOW, j + 1, 0], out_of)
                else:
                    enters, leaves = into, out_of
                    copy(nx, &flow[j, 0], into)
                    clear(nx, out_of)
                    if k + 1 < nz:
                        row_half_cell_flow(n, g_above, inner_high, self._inner(k + 1, j, False), high,
                                           &above[LOW, j, 0], out_of)
                    copy(nx, out_of, &flow[j, 0])
                row = (k * ny + j) * nx
                begin = end
                while end < end_of_plane and boundary.cell[end] < row + nx:
                    end += 1
                for s in range(begin, end):
                    if boundary.axis[s] == axis:
                        i = boundary.cell[s] - row
                        g = boundary.conductance[s]
                        # From the centre of the nearer half.
                        g = g / (1.0 - 0.25 * g * (inner_high[i] if boundary.is_high[s] else inner_low[i]))
                        if boundary.is_high[s]:
                            leaves[i] += g * (high[i] - boundary.ambient[s]) - boundary.heat_input[s]
                        else:
                            enters[i] += boundary.heat_input[s] - g * (low[i] - boundary.ambient[s])
                row_residual(n, &power[j, 0], inner_low, inner_high, low, high, enters, leaves, between, residual_low,
                             residual_high)
                # Heat through the faces normal to the other axes, half of each face for each half of the cell.
                if axis != X:
                    copy(nx, low, low_x)
                    copy(nx, high, high_x)
                    row_add_transverse(n, west, west + 1, low_x - 1, low_x, low_x + 1, high_x - 1, high_x,
                                       high_x + 1, residual_low, residual_high)
                if axis != Y:
                    d, u = j - 1 if j > 0 else j, j + 1 if j + 1 < ny else j
                    row_add_transverse(n, south, north, &here[LOW, d, 0], low, &here[LOW, u, 0], &here[HIGH, d, 0],
                                       high, &here[HIGH, u, 0], residual_low, residual_high)
                if axis != Z:
                    row_add_transverse(n, g_below, g_above, &below[LOW, j, 0], low, &above[LOW, j, 0],
                                       &below[HIGH, j, 0], high, &above[HIGH, j, 0], residual_low, residual_high)
                for s in range(begin, end):
                    if boundary.axis[s] != axis:
                        i = boundary.cell[s] - row
                        g = boundary.conductance[s]
                        residual_low[i] -= 0.5 * (g * (low[i] - boundary.ambient[s]) - boundary.heat_input[s])
                        residual_high[i] -= 0.5 * (g * (high[i] - boundary.ambient[s]) - boundary.heat_input[s])
                for i in range(nx):
                    residual_low[i] -= 0.5 * storage[j, i] * low[i]
                    residual_high[i] -= 0.5 * storage[j, i] * high[i]
                # Restriction: both halves to their cell, and the transpose of the slopes to the cells of each face.
                row_restrict(n, resistance, &here[WEIGHT_LOW, j, 0], &here[WEIGHT_HIGH, j, 0], residual_low,
                             residual_high, adjoint_low, adjoint_high, &residual[k, j, 0])
                if axis == X:
                    row_face_residual(n - 1, west + 1, adjoint_high, adjoint_low + 1, through + 1)
                    through[0] = through[nx] = 0.0
                    row_add_scaled(n, 1.0, through + 1, &residual[k, j, 0])
                    row_add_scaled(n, -1.0, through, &residual[k, j, 0])
                elif axis == Y and j > 0:
                    row_face_residual(n, south, adjoint_south, adjoint_low, through)
                    row_add_scaled(n, 1.0, through, &residual[k, j - 1, 0])
                    row_add_scaled(n, -1.0, through, &residual[k, j, 0])
                elif axis == Z and k > 0:
                    row_face_residual(n, g_below, &adjoint[j, 0], adjoint_low, through)
                    row_add_scaled(n, 1.0, through, &residual[k - 1, j, 0])
                    row_add_scaled(n, -1.0, through, &residual[k, j, 0])
                for s in range(begin, end):
                    if boundary.axis[s] == axis:
                        i = boundary.cell[s] - row
                        g = adjoint_high[i] if boundary.is_high[s] else -adjoint_low[i]
                        residual[k, j, i] += boundary.conductance[s] * g
                if axis == Z:
                    copy(nx, adjoint_high, &adjoint[j, 0])
                elif axis == Y:
                    adjoint_south, adjoint_high = adjoint_high, adjoint_south
                row_mean_change(n, &row_halves, enters, leaves, &here[MEAN_CHANGE, j, 0], &cells.dx[0], change)
                add_zones(cells, k, j, change, &mean_change[0])
                while p < probes.shape[0] and probes[p] < (j + 1) * nx:
                    i = probes[p] - j * nx
                    probe_values[p, 0] = low[i]
                    probe_values[p, 1] = high[i]
                    # Between the centre of a half and its face k has three quarters of its change in the half cell.
                    probe_values[p, 2] = -0.5 * (resistance[i] + 1.5 * (row_halves.low[i] - resistance[i])) * enters[i]
                    probe_values[p, 3] = -0.5 * resistance[i] * between[i]
                    probe_values[p, 4] = -0.5 * (resistance[i] + 1.5 * (row_halves.high[i] - resistance[i])) * leaves[i]
                    p += 1
