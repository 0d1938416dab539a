# Arrays of one temperature field that the plane kernels read, and loops over one row of cells. Included once per
# kernel module.

import numpy as np

cdef extern from "finite_volume/reconstruction.h" nogil:
    void row_to_double(int, const float *, double *)
    void row_heat_flow(int, const double *, const double *, const double *, double *)
    void row_resistance(int, double, const double *, const double *, double *)
    void row_part_sums(int, int, int, const unsigned short *, double, const double *, double *)

cdef extern from "string.h" nogil:
    void *memcpy(void *, const void *, size_t)
    void *memset(void *, int, size_t)

cdef enum:
    Z = 0
    Y = 1
    X = 2
    WORK_ROWS = 19  # rows of nx + 2 values, the number that the largest kernel needs


cdef class FaceConductance:
    """Conductances of the faces across one axis [W/K], in float32 or float64."""

    cdef const float[:, :, ::1] single
    cdef const double[:, :, ::1] full
    cdef bint is_single
    cdef Py_ssize_t count  # faces in one row

    def __init__(self, g):
        self.is_single = g.itemsize == sizeof(float)
        self.count = g.shape[2]
        if self.is_single:
            self.single = g
        else:
            self.full = g


cdef class BoundaryFaces:
    """Boundary faces and ends of links in the order of their cells, and the heat through each of them.

    The heat of an end is added to the heat through the face on which it is.
    """

    cdef const Py_ssize_t[::1] start        # (nz + 1,) first face of each plane of cells, and the number of faces
    cdef const Py_ssize_t[::1] cell         # (n,) index of the cell in the raveled grid, ascending
    cdef const unsigned char[::1] axis      # (n,) axis normal to the face: 0 z, 1 y, 2 x
    cdef const unsigned char[::1] is_high   # (n,) 1 at the high side of the cell
    cdef const double[::1] outflow          # (n,) W out of the body
    cdef const double[::1] conductance      # (n,) W/K from the cell to the ambient temperature
    cdef const double[::1] ambient          # (n,) K
    cdef const double[::1] heat_input       # (n,) W into the body by a fixed flux

    def __init__(self, start, cell, axis, is_high, outflow, conductance, ambient, heat_input):
        self.start, self.cell, self.axis, self.is_high = start, cell, axis, is_high
        self.outflow, self.conductance, self.ambient, self.heat_input = outflow, conductance, ambient, heat_input


cdef class PartCells:
    """Cell widths, the part of each cell, and the windows of the heated blocks."""

    cdef const double[::1] dz                     # m
    cdef const double[::1] dy
    cdef const double[::1] dx
    cdef const unsigned short[:, :, ::1] part     # (nz, ny, nx) 0 outside the body, else 1 + part
    cdef const Py_ssize_t[:, ::1] windows         # (blocks, 7) zone, k0, k1, j0, j1, i0, i1
    cdef Py_ssize_t nz, ny, nx

    def __init__(self, widths, part, windows):
        """Keep the widths (dz, dy, dx). A zone is a part or a block: zones are numbered parts first."""
        self.dz, self.dy, self.dx = widths
        self.part, self.windows = part, windows
        self.nz, self.ny, self.nx = part.shape


cdef class PlaneFluxes:
    """Heat fluxes of one temperature field, computed plane by plane, and the workspace for one row of cells."""

    cdef PartCells cells
    cdef FaceConductance g_z
    cdef FaceConductance g_y
    cdef FaceConductance g_x
    cdef BoundaryFaces boundary
    cdef const double[:, :, ::1] t  # (nz, ny, nx) K
    cdef double[:, ::1] work        # (WORK_ROWS, nx + 2)

    def __init__(self, cells, conductances, boundary, t):
        """Take the arguments of PartCells and BoundaryFaces as tuples, and the conductances (g_z, g_y, g_x)."""
        self.cells, self.boundary = PartCells(*cells), BoundaryFaces(*boundary)
        self.g_z, self.g_y, self.g_x = (FaceConductance(g) for g in conductances)
        self.t = t
        self.work = np.empty((WORK_ROWS, self.cells.nx + 2))


cdef inline void load(FaceConductance g, Py_ssize_t k, Py_ssize_t j, double *row) noexcept nogil:
    """Copy one row of conductances [W/K]."""
    if g.count == 0:
        return
    if g.is_single:
        row_to_double(<int> g.count, &g.single[k, j, 0], row)
    else:
        copy(g.count, &g.full[k, j, 0], row)


cdef inline void clear(Py_ssize_t count, double *row) noexcept nogil:
    memset(row, 0, count * sizeof(double))


cdef inline void copy(Py_ssize_t count, const double *source, double *row) noexcept nogil:
    memcpy(row, source, count * sizeof(double))


cdef inline void cell_resistance(PartCells cells, int axis, Py_ssize_t k, Py_ssize_t j,
                                 const double[:, :, ::1] conductivity, const double *per_dx,
                                 double *resistance) noexcept nogil:
    """Set the resistance h / (k A) [K/W] of a row of cells along one axis."""
    cdef int n = <int> cells.nx
    if axis == Z:
        row_resistance(n, cells.dz[k] / cells.dy[j], per_dx, &conductivity[Z, j, 0], resistance)
    elif axis == Y:
        row_resistance(n, cells.dy[j] / cells.dz[k], per_dx, &conductivity[Y, j, 0], resistance)
    else:
        row_resistance(n, 1.0 / (cells.dz[k] * cells.dy[j]), &cells.dx[0], &conductivity[X, j, 0], resistance)


cdef inline void add_zones(PartCells cells, Py_ssize_t k, Py_ssize_t j, const double *values,
                           double *sums) noexcept nogil:
    """Add the integral of a row of values, already multiplied by dx, to the sums of its parts and blocks."""
    cdef Py_ssize_t n
    cdef double scale = cells.dz[k] * cells.dy[j]
    row_part_sums(0, <int> cells.nx, -1, &cells.part[k, j, 0], scale, values, sums)
    for n in range(cells.windows.shape[0]):
        if cells.windows[n, 1] <= k < cells.windows[n, 2] and cells.windows[n, 3] <= j < cells.windows[n, 4]:
            row_part_sums(<int> cells.windows[n, 5], <int> cells.windows[n, 6], <int> cells.windows[n, 0],
                          &cells.part[k, j, 0], scale, values, sums)
