/* The operator along one line of a field in natural order (nz, ny, nx). This file is included once for each
 * precision COND of the conductances; temperatures and right-hand sides are float64. Names end in the type.
 */
#undef LINES_JOIN
#undef LINES_NAME
#undef LINES
#define LINES_JOIN(name, type) name##_##type
#define LINES_NAME(name, type) LINES_JOIN(name, type)
#define LINES(name) LINES_NAME(name, COND)

/* Conductances of the faces of a line: along it, to the south, north, below and above. */
typedef struct {
    const COND *g_x, *g_s, *g_n, *g_b, *g_a;
} LINES(line_faces);

/* Fill a slab of nz lines with those of a field in natural order, `stride` apart, and its unused values with 0. */
CLONED LINES(row_deinterleave)(int lines, int nz, int width, int nx, ptrdiff_t stride, const COND *restrict field,
                               real *restrict slab)
{
    for (int k = 0; k < nz; ++k, slab += width) {
        const int count = k < lines ? nx : 0, odds = count / 2, evens = count - odds;
        const COND *line = k < lines ? field + k * stride : field;
        real *odd = slab + (size_t)nz * width;
        if (k + 1 < lines) /* the stride is too long for the hardware prefetcher */
            for (int i = 0; i < nx; i += 64 / (int)sizeof(COND))
                __builtin_prefetch(line + stride + i);
        for (int m = 0; m < odds; ++m) {
            slab[m] = (real)line[2 * m];
            odd[m] = (real)line[2 * m + 1];
        }
        if (evens > odds)
            slab[odds] = (real)line[count - 1];
        memset(slab + evens, 0, sizeof(real) * (size_t)(width - evens));
        memset(odd + odds, 0, sizeof(real) * (size_t)(width - odds));
    }
}

/* Heat [W] from cell i to its neighbours in y and z. */
#undef ACROSS
#define ACROSS(i)                                                         \
    (((t[i] - t_s[i]) * g_s[i] + (t[i] - t_n[i]) * g_n[i])                \
     + ((t[i] - t_b[i]) * g_b[i] + (t[i] - t_a[i]) * g_a[i]))

/* out = rhs - G t along one line, or G t where rhs is NULL. The pointers are function arguments because only
 * these can be declared not to overlap. */
INLINE LINES(apply_faces)(int nx, const COND *restrict g_x, const COND *restrict g_s, const COND *restrict g_n,
                          const COND *restrict g_b, const COND *restrict g_a, const double *restrict t,
                          const double *restrict t_s, const double *restrict t_n, const double *restrict t_b,
                          const double *restrict t_a, const double *restrict rhs, double *restrict out)
{
    const int last = nx - 1;
    const double east = nx > 1 ? (t[0] - t[1]) * g_x[0] : 0;
    const double west = nx > 1 ? (t[last] - t[last - 1]) * g_x[last - 1] : 0;
    if (rhs) {
        out[0] = rhs[0] - (ACROSS(0) + east);
        for (int i = 1; i < last; ++i)
            out[i] = rhs[i] - (ACROSS(i) + ((t[i] - t[i - 1]) * g_x[i - 1] + (t[i] - t[i + 1]) * g_x[i]));
        if (last > 0)
            out[last] = rhs[last] - (ACROSS(last) + west);
    } else {
        out[0] = ACROSS(0) + east;
        for (int i = 1; i < last; ++i)
            out[i] = ACROSS(i) + ((t[i] - t[i - 1]) * g_x[i - 1] + (t[i] - t[i + 1]) * g_x[i]);
        if (last > 0)
            out[last] = ACROSS(last) + west;
    }
}

/* out += the heat to the boundary, or -= where rhs is given, which stands in out already. */
INLINE LINES(apply_boundary)(int nx, int count, ptrdiff_t first, const ptrdiff_t *restrict cell,
                             const double *restrict boundary, const double *restrict t, int is_residual,
                             double *restrict out)
{
    if (count == nx) {
        for (int i = 0; i < nx; ++i)
            out[i] += (is_residual ? -boundary[i] : boundary[i]) * t[i];
        return;
    }
    for (int n = 0; n < count; ++n) {
        const ptrdiff_t i = cell[n] - first;
        out[i] += (is_residual ? -boundary[n] : boundary[n]) * t[i];
    }
}

INLINE LINES(apply_line)(int nx, LINES(line_faces) g, line_values v, const double *rhs, double *out)
{
    LINES(apply_faces)(nx, g.g_x, g.g_s, g.g_n, g.g_b, g.g_a, v.t, v.t_s, v.t_n, v.t_b, v.t_a, rhs, out);
    LINES(apply_boundary)(nx, v.boundary_cells, v.first, v.cell, v.boundary, v.t, rhs != NULL, out);
}

/* out = G t along one line. */
CLONED LINES(line_apply)(int nx, LINES(line_faces) faces, line_values values, double *out)
{
    LINES(apply_line)(nx, faces, values, NULL, out);
}

/* even and odd = scale (rhs - G t) along one line; sums[0] = the sum of squares of rhs - G t, sums[1] = its sum.
 * `line` is workspace for the line. */
CLONED LINES(line_residual)(int nx, LINES(line_faces) faces, line_values values, const double *rhs, double scale,
                            double *restrict line, real *even, real *odd, double *sums)
{
    four square[2] = {{0}, {0}}, sum[2] = {{0}, {0}};
    LINES(apply_line)(nx, faces, values, rhs, line);
    for (int i = nx; i % 8; ++i)
        line[i] = 0;
    for (int i = 0; i < nx; i += 8)
        for (int n = 0; n < 2; ++n) {
            const four value = *(const four *)(line + i + 4 * n);
            square[n] += value * value;
            sum[n] += value;
        }
    deinterleave(nx, scale, line, even, odd);
    sums[0] = sum_of(square[0], square[1]);
    sums[1] = sum_of(sum[0], sum[1]);
}
