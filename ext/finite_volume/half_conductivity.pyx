"""Mean conductivity of each half of the cells of one plane, between the temperatures of the cell and of its face.

The conductivity laws are tables, linear between their rows, with the integral of the conductivity over temperature
(Kirchhoff's transformation). Near the temperature of a cell a law is a parabola, where that is accurate. Cells whose conductivity follows no law have law 0 and the conductivity of their part.
"""

import numpy as np

cdef enum:
    Z = 0
    Y = 1
    X = 2
    MAX_SWEEPS = 12
    BISECTIONS = 50

cdef extern from "math.h" nogil:
    double fabs(double)
    double sqrt(double)
    double INFINITY

cdef double MIN_DIFFERENCE = 0.01   # K: below, the mean is the conductivity at the mean temperature
cdef double FLUID_CONDUCTANCE = 1e30  # W/(m2 K), behind the contact of a boundary face
cdef double MEAN_TOLERANCE = 1e-6   # relative, of a mean conductivity: expected change by the next sweep


cdef class ConductivityTables:
    """The rows of all conductivity laws, and a bucket index that finds the row of a temperature."""

    cdef const double[::1] temperature        # (rows,) K, ascending within each law
    cdef const double[:, ::1] conductivity    # (3, rows) W/(m K) along z, y and x
    cdef const double[:, ::1] slope           # (3, rows) W/(m K2) up to the next row, 0 at the last row of a law
    cdef const double[:, ::1] integral        # (3, rows) W/m from the first row of the law
    cdef const double[:, ::1] derivative      # (3, rows) W/(m K2) of the law at the row
    cdef const double[:, ::1] curvature       # (3, rows) W/(m K3)
    cdef const double[::1] reach              # (rows,) K, from a temperature up to the next row, which these two hold for
    cdef const Py_ssize_t[::1] start          # (laws + 1,) first row of each law, and the number of rows
    cdef const int[::1] bucket                # (buckets,) row below the lower end of each bucket
    cdef const Py_ssize_t[::1] bucket_start   # (laws + 1,)
    cdef const double[::1] buckets_per_kelvin  # (laws,)

    def __init__(self, rows, start, buckets):
        """Take the seven arrays of rows, `start`, and (bucket, bucket_start, buckets_per_kelvin)."""
        self.temperature, self.conductivity, self.slope, self.integral, *smooth = rows
        self.derivative, self.curvature, self.reach = smooth
        self.start = start
        self.bucket, self.bucket_start, self.buckets_per_kelvin = buckets


cdef class CellTemperatures:
    """The part and the temperature of every cell, and the law and the constant conductivity of every part."""

    cdef const unsigned short[:, :, ::1] part   # (nz, ny, nx) 0 outside the body
    cdef const double[:, :, ::1] t              # (nz, ny, nx) K above the reference
    cdef const double[::1] per_dz               # 1/m, of half the width
    cdef const double[::1] per_dy
    cdef const double[::1] per_dx
    cdef double zero                            # K, the reference
    cdef const unsigned short[::1] law          # (parts + 1,) law of a part, 0 without one
    cdef const double[:, ::1] constant          # (3, parts + 1) W/(m K) along z, y and x
    cdef int[:, :, ::1] row                     # (3, ny, nx) of the law at the temperature of the cells at height k: k % 3
    cdef Py_ssize_t[3] height                   # heights of these planes, -1 for none

    def __init__(self, part, t, zero, per_half_width, law, constant):
        cdef int n
        self.part, self.t, self.zero = part, t, zero
        self.row = np.zeros((3, *part.shape[1:]), np.intc)
        for n in range(3):
            self.height[n] = -1
        self.per_dz, self.per_dy, self.per_dx = per_half_width
        self.law, self.constant = law, constant


cdef struct Half:  # half a cell at a face
    Py_ssize_t law     # -1 without one
    Py_ssize_t row     # of its law at the temperature of the cell
    unsigned short part
    double t           # K, of the cell
    double per_width   # 1/m, of the half
    int axis
    double own         # W/(m K), at the temperature of the cell
    double mean        # W/(m K)
    double reach       # K, distance from t within which the mean is own + difference (slope + curvature difference)
    double slope       # W/(m K2)
    double curvature   # W/(m K3)


cdef inline Py_ssize_t row_of(ConductivityTables tables, Py_ssize_t law, double t) noexcept nogil:
    """Return the last row of a law at or below a temperature; the first row where there is none."""
    cdef Py_ssize_t row = tables.start[law], last = tables.start[law + 1] - 1
    if t <= tables.temperature[row]:
        return row
    if t >= tables.temperature[last]:
        return last
    row = tables.bucket[tables.bucket_start[law]
                        + <Py_ssize_t> ((t - tables.temperature[row]) * tables.buckets_per_kelvin[law])]
    while row < last and tables.temperature[row + 1] <= t:
        row += 1
    return row


cdef inline double value_at(ConductivityTables tables, int axis, Py_ssize_t row, double t) noexcept nogil:
    """Return the conductivity [W/(m K)] at a temperature [K] in a row; below the first row it is constant."""
    cdef double above = t - tables.temperature[row]
    return tables.conductivity[axis, row] + (tables.slope[axis, row] * above if above > 0.0 else 0.0)


cdef inline double integral_to(ConductivityTables tables, int axis, Py_ssize_t row, double t) noexcept nogil:
    """Return the integral of the conductivity [W/m] from the first row of the law to a temperature [K] in a row."""
    cdef double above = t - tables.temperature[row]
    cdef double slope = tables.slope[axis, row] if above > 0.0 else 0.0
    return tables.integral[axis, row] + above * (tables.conductivity[axis, row] + 0.5 * slope * above)


cdef inline double mean_between(ConductivityTables tables, const Half *half, double t_face) noexcept nogil:
    """Return the mean conductivity [W/(m K)] between the temperatures of the cell and of its face."""
    cdef double difference = t_face - half.t, middle
    if fabs(difference) <= half.reach:
        return half.own + difference * (half.slope + half.curvature * difference)
    if half.law < 0:  # the difference is not a number
        return half.own
    if fabs(difference) < MIN_DIFFERENCE:
        middle = half.t + 0.5 * difference
        return value_at(tables, half.axis, row_of(tables, half.law, middle), middle)
    return (integral_to(tables, half.axis, row_of(tables, half.law, t_face), t_face)
            - integral_to(tables, half.axis, half.row, half.t)) / difference


cdef inline double temperature_of_integral(ConductivityTables tables, const Half *half, double wanted) noexcept nogil:
    """Return the temperature [K] up to which the integral of the conductivity has a value [W/m]."""
    cdef int axis = half.axis
    cdef Py_ssize_t row = tables.start[half.law], end = tables.start[half.law + 1], middle
    cdef double rest, k, slope
    while row + 1 < end:  # the last row whose integral is not above the value, the first row without one
        middle = row + (end - row) // 2
        if tables.integral[axis, middle] <= wanted:
            row = middle
        else:
            end = middle
    rest, k = wanted - tables.integral[axis, row], tables.conductivity[axis, row]
    slope = tables.slope[axis, row] if rest > 0.0 else 0.0
    return tables.temperature[row] + 2.0 * rest / (k + sqrt(k * k + 2.0 * slope * rest))


cdef inline double mean_by_flux(ConductivityTables tables, const Half *half, double inflow) noexcept nogil:
    """Return the mean conductivity [W/(m K)] between a cell and its face by the heat flux through it [W/m2]."""
    cdef double wanted = inflow / half.per_width, difference = wanted / half.own, middle
    if half.law < 0:
        return half.own
    if fabs(difference) < MIN_DIFFERENCE:
        middle = half.t + 0.5 * difference
        return value_at(tables, half.axis, row_of(tables, half.law, middle), middle)
    return wanted / (temperature_of_integral(
        tables, half, integral_to(tables, half.axis, half.row, half.t) + wanted) - half.t)


cdef inline void set_cell(CellTemperatures cells, ConductivityTables tables, Py_ssize_t k, Py_ssize_t j, Py_ssize_t i,
                          Half *half) noexcept nogil:
    """Set the values of a cell in the body that do not depend on the axis."""
    half.part = cells.part[k, j, i]
    half.law = <Py_ssize_t> cells.law[half.part] - 1
    half.t = cells.t[k, j, i] + cells.zero
    if half.law < 0:
        half.row = 0
    elif cells.height[k % 3] == k:
        half.row = cells.row[k % 3, j, i]
    else:
        half.row = row_of(tables, half.law, half.t)


cdef void find_rows(CellTemperatures cells, ConductivityTables tables, Py_ssize_t k) noexcept nogil:
    """Set the rows of the cells at height k, which later calls then find there."""
    cdef Py_ssize_t j, i, law
    if cells.height[k % 3] == k:
        return
    for j in range(cells.part.shape[1]):
        for i in range(cells.part.shape[2]):
            law = <Py_ssize_t> cells.law[cells.part[k, j, i]] - 1
            if law >= 0:
                cells.row[k % 3, j, i] = <int> row_of(tables, law, cells.t[k, j, i] + cells.zero)
    cells.height[k % 3] = k


cdef inline void set_axis(CellTemperatures cells, ConductivityTables tables, int axis, double per_width,
                          Half *half) noexcept nogil:
    """Set the values that depend on the axis; `per_width` [1/m] is that of the half."""
    half.axis, half.per_width = axis, per_width
    set_own(cells, tables, half)


cdef inline void set_own(CellTemperatures cells, ConductivityTables tables, Half *half) noexcept nogil:
    """Set the conductivity at the temperature of the cell, which is the first mean."""
    cdef double above
    if half.law < 0:
        half.own, half.reach, half.slope, half.curvature = cells.constant[half.axis, half.part], INFINITY, 0.0, 0.0
    else:
        above = half.t - tables.temperature[half.row]
        half.own = value_at(tables, half.axis, half.row, half.t)
        half.curvature = tables.curvature[half.axis, half.row] / 6.0
        half.slope = 0.5 * tables.derivative[half.axis, half.row] + 3.0 * half.curvature * above
        half.reach = tables.reach[half.row] if above >= 0.0 else 0.0
    half.mean = half.own


cdef void bisect_face(ConductivityTables tables, Half *low, Half *high, double contact) noexcept nogil:
    """Set the means as `solve_face` by bisection of the temperature at the low side, which always converges."""
    cdef double below = low.t, above = high.t, middle, flux, beyond
    cdef int step
    for step in range(BISECTIONS):
        middle = 0.5 * (below + above)
        low.mean = mean_between(tables, low, middle)
        flux = low.mean * low.per_width * (middle - low.t)  # W/m2 downwards
        beyond = middle + flux * contact
        high.mean = mean_between(tables, high, beyond)
        # The flux in the low half grows from zero towards the temperature of the high cell, the other one falls.
        if (high.mean * high.per_width * (high.t - beyond) > flux) == (high.t > low.t):
            below = middle
        else:
            above = middle


cdef inline void solve_face(ConductivityTables tables, Half *low, Half *high, double contact) noexcept nogil:
    """Set the means of the halves below and above a face to those of the temperatures at the face.

    The heat flux gives both temperatures, and these the means, until the means are settled. `contact` [m2 K/W] is
    the resistance of the face.
    """
    cdef double difference = high.t - low.t, c_low, c_high, share, before_low, before_high
    cdef double change_low, change_high, change, last = 1.0
    cdef int sweep
    if difference == 0.0 or (low.law < 0 and high.law < 0):
        return
    for sweep in range(MAX_SWEEPS):
        c_low, c_high = low.mean * low.per_width, high.mean * high.per_width  # W/(m2 K)
        share = difference / (c_low + c_high + contact * c_low * c_high)
        before_low, before_high = low.mean, high.mean
        low.mean = mean_between(tables, low, low.t + share * c_high)
        high.mean = mean_between(tables, high, high.t - share * c_low)
        change_low, change_high = fabs(low.mean - before_low) / low.mean, fabs(high.mean - before_high) / high.mean
        change = change_low if change_low > change_high else change_high
        if change * change <= MEAN_TOLERANCE * last:  # changes form a geometric series, from a first one of `change`
            return
        last = change
    bisect_face(tables, low, high, contact)


cdef inline void solve_boundary(ConductivityTables tables, Half *half, double h, double ambient,
                                double flux) noexcept nogil:
    """Set the mean of a half whose face has a heat transfer coefficient [W/(m2 K)] and a flux into it [W/m2]."""
    cdef Half fluid
    if h > 0.0:  # the ambient temperature is that of a half cell without width behind a contact
        fluid.law, fluid.t, fluid.axis, fluid.own = -1, ambient + flux / h, half.axis, 1.0
        fluid.mean, fluid.per_width, fluid.row = 1.0, FLUID_CONDUCTANCE, 0
        fluid.reach, fluid.slope, fluid.curvature = INFINITY, 0.0, 0.0
        solve_face(tables, half, &fluid, 1.0 / h)
    else:
        half.mean = mean_by_flux(tables, half, flux)


def set_conductivities(CellTemperatures cells, ConductivityTables tables, Py_ssize_t k, double[:, :, ::1] out):
    """Set the conductivities [W/(m K)] of the cells at height k along z, y and x, (3, ny, nx); 0 outside the body."""
    cdef Py_ssize_t j, i, law, row
    cdef int axis
    cdef double t
    with nogil:
        find_rows(cells, tables, k)
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                law = <Py_ssize_t> cells.law[cells.part[k, j, i]] - 1
                if law < 0:
                    for axis in range(3):
                        out[axis, j, i] = cells.constant[axis, cells.part[k, j, i]]
                    continue
                t = cells.t[k, j, i] + cells.zero
                row = cells.row[k % 3, j, i]
                for axis in range(3):
                    out[axis, j, i] = value_at(tables, axis, row, t)


def set_conductivities_of_cells(CellTemperatures cells, ConductivityTables tables, const Py_ssize_t[::1] cell,
                                const double[:, ::1] inflow_low, const double[:, ::1] inflow_high,
                                double[:, ::1] own, double[:, ::1] low, double[:, ::1] high):
    """Set the conductivities of some cells and the means over their low and high halves, each (3, n) [W/(m K)].

    `cell` (n,) are indices in the raveled grid, `inflow_low` and `inflow_high` (3, n) [W/m2] the heat fluxes into
    the cells through their low and high faces.
    """
    cdef Py_ssize_t n, i, j, k, ny = cells.part.shape[1], nx = cells.part.shape[2]
    cdef int axis
    cdef Half half
    with nogil:
        for n in range(cell.shape[0]):
            i, j, k = cell[n] % nx, cell[n] // nx % ny, cell[n] // (nx * ny)
            set_cell(cells, tables, k, j, i, &half)
            for axis in range(3):
                half.axis = axis
                half.per_width = cells.per_dz[k] if axis == Z else cells.per_dy[j] if axis == Y else cells.per_dx[i]
                set_own(cells, tables, &half)
                own[axis, n] = half.own
                low[axis, n] = mean_by_flux(tables, &half, inflow_low[axis, n])
                high[axis, n] = mean_by_flux(tables, &half, inflow_high[axis, n])


def set_half_conductivities(CellTemperatures cells, ConductivityTables tables, Py_ssize_t k, contacts, int axis,
                            const double[:, ::1] known, double[:, :, ::1] low, double[:, :, ::1] high,
                            double[:, ::1] low_above):
    """Set the mean conductivity [W/(m K)] of the low and of the high halves of the cells at height k, each (3, ny, nx).

    The axes are z, y and x; only those of one axis are set unless `axis` is -1. On entry both arrays contain the
    conductivities at the temperatures of the cells, which halves at faces without neighbour keep. `contacts` are the
    resistances [m2 K/W] of the lower and the upper faces and of the faces to the next cells along y and x, each
    (ny, nx) or None. `low_above` (ny, nx) is set along z to the low halves of the cells above, where both cells are
    in the body; as `known` they save their computation in the next plane. `known` is None if they are not known.
    """
    cdef Py_ssize_t i, j, nz = cells.part.shape[0], ny = cells.part.shape[1], nx = cells.part.shape[2]
    cdef bint is_known = known is not None
    cdef const double[:, ::1] below = contacts[0]
    cdef const double[:, ::1] above = contacts[1]
    cdef const double[:, ::1] along_y = contacts[2]
    cdef const double[:, ::1] along_x = contacts[3]
    cdef bint has_below = below is not None, has_above = above is not None
    cdef bint has_y = along_y is not None, has_x = along_x is not None
    with nogil:
        find_rows(cells, tables, k)
        if axis == Z or axis < 0:
            if k > 0 and not is_known:
                find_rows(cells, tables, k - 1)
            if k + 1 < nz:
                find_rows(cells, tables, k + 1)
        for j in range(ny):
            if axis == X or axis < 0:
                set_row_x(cells, tables, k, j, &along_x[j, 0] if has_x else NULL, &low[X, j, 0], &high[X, j, 0])
            if (axis == Y or axis < 0) and j + 1 < ny:
                set_row_between(cells, tables, Y, k, j, k, j + 1, &along_y[j, 0] if has_y else NULL, &high[Y, j, 0],
                                &low[Y, j + 1, 0])
            if (axis == Z or axis < 0) and k > 0 and is_known:
                for i in range(nx):
                    if cells.part[k, j, i] > 0 and cells.part[k - 1, j, i] > 0:
                        low[Z, j, i] = known[j, i]
            elif (axis == Z or axis < 0) and k > 0:
                set_row_between(cells, tables, Z, k - 1, j, k, j, &below[j, 0] if has_below else NULL, NULL,
                                &low[Z, j, 0])
            if (axis == Z or axis < 0) and k + 1 < nz:
                set_row_between(cells, tables, Z, k, j, k + 1, j, &above[j, 0] if has_above else NULL,
                                &high[Z, j, 0], &low_above[j, 0])


cdef void set_row_x(CellTemperatures cells, ConductivityTables tables, Py_ssize_t k, Py_ssize_t j,
                    const double *contact, double *low, double *high) noexcept nogil:
    """Set the halves along x of a row of cells."""
    cdef Py_ssize_t i
    cdef Half one, other
    cdef bint has_one = False
    for i in range(cells.part.shape[2]):
        if cells.part[k, j, i] == 0:
            has_one = False
            continue
        set_cell(cells, tables, k, j, i, &other)
        set_axis(cells, tables, X, cells.per_dx[i], &other)
        if has_one:
            solve_face(tables, &one, &other, contact[i - 1] if contact != NULL else 0.0)
            high[i - 1], low[i] = one.mean, other.mean
        one, has_one = other, True
        one.mean = one.own


cdef void set_row_between(CellTemperatures cells, ConductivityTables tables, int axis, Py_ssize_t k, Py_ssize_t j,
                          Py_ssize_t k_next, Py_ssize_t j_next, const double *contact, double *high,
                          double *low) noexcept nogil:
    """Set the high halves of a row of cells and the low halves of the next row along y or z, or one of them."""
    cdef Py_ssize_t i
    cdef Half one, other
    cdef double per_width = cells.per_dz[k] if axis == Z else cells.per_dy[j]
    cdef double per_width_next = cells.per_dz[k_next] if axis == Z else cells.per_dy[j_next]
    for i in range(cells.part.shape[2]):
        if cells.part[k, j, i] == 0 or cells.part[k_next, j_next, i] == 0:
            continue
        if cells.law[cells.part[k, j, i]] == 0 and cells.law[cells.part[k_next, j_next, i]] == 0:
            if low != NULL:
                low[i] = cells.constant[axis, cells.part[k_next, j_next, i]]
            continue
        set_cell(cells, tables, k, j, i, &one)
        set_cell(cells, tables, k_next, j_next, i, &other)
        set_axis(cells, tables, axis, per_width, &one)
        set_axis(cells, tables, axis, per_width_next, &other)
        solve_face(tables, &one, &other, contact[i] if contact != NULL else 0.0)
        if high != NULL:
            high[i] = one.mean
        if low != NULL:
            low[i] = other.mean


def set_boundary_conductivities(CellTemperatures cells, ConductivityTables tables, Py_ssize_t k, faces,
                                double[:, :, ::1] low, double[:, :, ::1] high):
    """Set the mean conductivity of the halves behind the boundary faces of the cells at height k, in the same arrays.

    `faces` are arrays (n,): the cell in the raveled grid, the axis, whether the face is at the high side, the heat
    transfer coefficient [W/(m2 K)], the ambient temperature [K] and the heat flux into the body [W/m2].
    """
    cdef const Py_ssize_t[::1] cell = faces[0]
    cdef const unsigned char[::1] axis = faces[1]
    cdef const unsigned char[::1] is_high = faces[2]
    cdef const double[::1] h = faces[3]
    cdef const double[::1] ambient = faces[4]
    cdef const double[::1] flux = faces[5]
    cdef Py_ssize_t n, j, i, ny = cells.part.shape[1], nx = cells.part.shape[2]
    cdef double per_width
    cdef Half half
    with nogil:
        for n in range(cell.shape[0]):
            i, j = cell[n] % nx, cell[n] // nx % ny
            if cells.law[cells.part[k, j, i]] == 0:
                continue
            per_width = cells.per_dz[k] if axis[n] == Z else cells.per_dy[j] if axis[n] == Y else cells.per_dx[i]
            set_cell(cells, tables, k, j, i, &half)
            set_axis(cells, tables, axis[n], per_width, &half)
            solve_boundary(tables, &half, h[n], ambient[n], flux[n])
            if is_high[n]:
                high[axis[n], j, i] = half.mean
            else:
                low[axis[n], j, i] = half.mean
