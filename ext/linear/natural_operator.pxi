# Operator of conduction in natural order (nz, ny, nx), with conductances in float32 or float64: G t, residuals
# and norms line by line. Included first.

import numpy as np

from cython.parallel cimport prange, threadid

cdef extern from "linear/row_layout.h" nogil:
    void line_deinterleave(int, double, const double *, real *, real *)
    void row_deinterleave_float(int, int, int, int, ptrdiff_t, const float *, real *)
    void row_deinterleave_double(int, int, int, int, ptrdiff_t, const double *, real *)
    ctypedef struct line_values:
        const double *t
        const double *t_s
        const double *t_n
        const double *t_b
        const double *t_a
        int boundary_cells
        ptrdiff_t first
        const ptrdiff_t *cell
        const double *boundary
    ctypedef struct line_faces_float:
        const float *g_x
        const float *g_s
        const float *g_n
        const float *g_b
        const float *g_a
    ctypedef struct line_faces_double:
        const double *g_x
        const double *g_s
        const double *g_n
        const double *g_b
        const double *g_a
    ctypedef struct line_faces_own "OWN(line_faces)":
        const real *g_x
        const real *g_s
        const real *g_n
        const real *g_b
        const real *g_a
    void line_apply_float(int, line_faces_float, line_values, double *)
    void line_apply_double(int, line_faces_double, line_values, double *)
    void line_residual_float(int, line_faces_float, line_values, const double *, double, double *, real *, real *,
                             double *)
    void line_residual_double(int, line_faces_double, line_values, const double *, double, double *, real *,
                              real *, double *)
    void line_residual_own "OWN(line_residual)"(int, line_faces_own, line_values, const double *, double, double *,
                                                real *, real *, double *)
    int ALONG, SOUTH, NORTH, BELOW, ABOVE, FACES
    void row_faces(int, int, int, int, const real *, const real *, const real *, const real *, real *)

cdef extern from "linear/pcg_update.h" nogil:
    void row_norms(size_t, const double *, double *)

ctypedef fused conductance:  # precision of the operator in natural order
    float
    double


cdef class NaturalOperator:
    """The conductances of a `Conduction`, which the kernels take as one argument."""

    cdef const float[:, :, ::1] g_x32, g_y32, g_z32  # one precision is set, the other is empty
    cdef const double[:, :, ::1] g_x64, g_y64, g_z64
    cdef const float[::1] none32  # (nx,) zeros: conductances where a line has no neighbour
    cdef const double[::1] none64
    cdef const ptrdiff_t[::1] start, cell  # boundary cells start[n] to start[n + 1] belong to line n = k ny + y
    cdef const double[::1] boundary  # (boundary cells,) W/K
    cdef bint is_single
    cdef int nz, ny, nx

    def __init__(self, g_x, g_y, g_z, const ptrdiff_t[::1] start, const ptrdiff_t[::1] cell,
                 const double[::1] boundary):
        """Set face conductances (nz, ny, nx - 1), (nz, ny - 1, nx), (nz - 1, ny, nx) and boundary conductances."""
        self.nz, self.ny, self.nx = g_x.shape[0], g_x.shape[1], g_z.shape[2]
        none = np.zeros(self.nx, g_z.dtype)
        self.is_single = g_z.dtype == np.float32
        if self.is_single:
            self.g_x32, self.g_y32, self.g_z32, self.none32 = g_x, g_y, g_z, none
        else:
            self.g_x64, self.g_y64, self.g_z64, self.none64 = g_x, g_y, g_z, none
        self.start, self.cell, self.boundary = start, cell, boundary

    cdef inline line_values _values(self, int k, int y, const double *t) noexcept nogil:
        # Line (k, y) of a field. Where there is no neighbour, its temperature is that of the cell itself.
        cdef ptrdiff_t nx = self.nx, line = <ptrdiff_t> k * self.ny + y, entry = self.start[line]
        cdef line_values values
        values.t = t + line * nx
        values.t_s = values.t - nx if y > 0 else values.t
        values.t_n = values.t + nx if y < self.ny - 1 else values.t
        values.t_b = values.t - self.ny * nx if k > 0 else values.t
        values.t_a = values.t + self.ny * nx if k < self.nz - 1 else values.t
        values.boundary_cells = <int> (self.start[line + 1] - entry)
        values.first = line * nx
        values.cell = &self.cell[entry] if values.boundary_cells else NULL
        values.boundary = &self.boundary[entry] if values.boundary_cells else NULL
        return values

    cdef void _line(self, int k, int y, const double *t, const double *rhs, double scale, double *out, real *even,
                    real *odd, double *sums) noexcept nogil:
        # out = G t along one line; where rhs is given rhs - G t, scaled in even and odd columns, with its sums.
        cdef line_values values = self._values(k, y, t)
        if self.is_single:
            line_of(values, k, y, self.g_x32, self.g_y32, self.g_z32, self.none32, rhs, scale, out, even, odd, sums)
        else:
            line_of(values, k, y, self.g_x64, self.g_y64, self.g_z64, self.none64, rhs, scale, out, even, odd, sums)


cdef void line_of(line_values values, int k, int y, const conductance[:, :, ::1] g_x,
                  const conductance[:, :, ::1] g_y, const conductance[:, :, ::1] g_z, const conductance[::1] none,
                  const double *rhs, double scale, double *out, real *even, real *odd, double *sums) noexcept nogil:
    cdef int nx = none.shape[0]
    cdef const conductance *along = &g_x[k, y, 0] if nx > 1 else &none[0]
    cdef const conductance *south = &g_y[k, y - 1, 0] if y > 0 else &none[0]
    cdef const conductance *north = &g_y[k, y, 0] if y < g_y.shape[1] else &none[0]
    cdef const conductance *below = &g_z[k - 1, y, 0] if k > 0 else &none[0]
    cdef const conductance *above = &g_z[k, y, 0] if k < g_z.shape[0] else &none[0]
    cdef line_faces_float single
    cdef line_faces_double full
    if conductance is float:
        single.g_x, single.g_s, single.g_n, single.g_b, single.g_a = along, south, north, below, above
        if rhs:
            line_residual_float(nx, single, values, rhs, scale, out, even, odd, sums)
        else:
            line_apply_float(nx, single, values, out)
    else:
        full.g_x, full.g_s, full.g_n, full.g_b, full.g_a = along, south, north, below, above
        if rhs:
            line_residual_double(nx, full, values, rhs, scale, out, even, odd, sums)
        else:
            line_apply_double(nx, full, values, out)


def apply_operator(NaturalOperator operator, const double[:, :, ::1] t, double[:, :, ::1] out, int threads):
    """Set out to G t [W] in natural order."""
    cdef int k, y
    for k in prange(t.shape[0], nogil=True, schedule="static", num_threads=threads):
        for y in range(t.shape[1]):
            operator._line(k, y, &t[0, 0, 0], NULL, 0.0, &out[k, y, 0], NULL, NULL, NULL)


def plane_norms(const double[:, :, ::1] field, double[:, ::1] sums, int threads):
    """Set sums (nz, 2) to the sum of squares and the sum of absolute values of each plane."""
    cdef int k
    for k in prange(field.shape[0], nogil=True, schedule="static", num_threads=threads):
        row_norms(<size_t> field.shape[1] * <size_t> field.shape[2], &field[k, 0, 0], &sums[k, 0])
