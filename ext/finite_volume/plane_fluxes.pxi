# Rows of cells of one plane: what the kernels that read a solved field share.

ctypedef fused real:
    float
    double

cdef extern from "finite_volume/reconstruction.h" nogil:
    void row_widen(int, const float *, double *)
    void row_flow(int, const double *, const double *, const double *, double *)
    void row_ratio(int, double, const double *, const double *, double *)
    void row_add(int, int, int, const unsigned short *, double, const double *, double *)

cdef extern from "string.h" nogil:
    void *memcpy(void *, const void *, size_t)
    void *memset(void *, int, size_t)

cdef enum:
    Z = 0
    Y = 1
    X = 2


cdef inline void load(const real[:, :, ::1] g, Py_ssize_t k, Py_ssize_t j, double *row) noexcept nogil:
    """Copy one row of conductances [W/K]."""
    if g.shape[2] == 0:
        return
    if real is float:
        row_widen(<int> g.shape[2], &g[k, j, 0], row)
    else:
        copy(g.shape[2], &g[k, j, 0], row)


cdef inline void clear(Py_ssize_t count, double *row) noexcept nogil:
    memset(row, 0, count * sizeof(double))


cdef inline void copy(Py_ssize_t count, const double *source, double *row) noexcept nogil:
    memcpy(row, source, count * sizeof(double))


cdef inline void shape_ratio(int axis, const double[:, :, ::1] conductivity, Py_ssize_t j, double dz,
                             double dy, const double *dx, const double *per_dx, double *ratio) noexcept nogil:
    """Set h / (k A) [K/W] of a row of cells along one axis."""
    cdef int n = <int> conductivity.shape[2]
    if axis == Z:
        row_ratio(n, dz / dy, per_dx, &conductivity[Z, j, 0], ratio)
    elif axis == Y:
        row_ratio(n, dy / dz, per_dx, &conductivity[Y, j, 0], ratio)
    else:
        row_ratio(n, 1.0 / (dz * dy), dx, &conductivity[X, j, 0], ratio)


cdef inline void add_members(Py_ssize_t k, Py_ssize_t j, const unsigned short[:, :, ::1] part,
                             const Py_ssize_t[:, ::1] windows, double scale, const double *values,
                             double *sums) noexcept nogil:
    """Add a row of values to the sums of the parts and, after them, of the blocks of these windows."""
    cdef Py_ssize_t n
    cdef int nx = <int> part.shape[2]
    row_add(0, nx, -1, &part[k, j, 0], scale, values, sums)
    for n in range(windows.shape[0]):
        if windows[n, 1] <= k < windows[n, 2] and windows[n, 3] <= j < windows[n, 4]:
            row_add(<int> windows[n, 5], <int> windows[n, 6], <int> windows[n, 0], &part[k, j, 0], scale,
                    values, sums)
