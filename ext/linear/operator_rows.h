/* Loops over one line of a field in natural order (nz, ny, nx), included once for each precision COND that
 * conductances are given in; temperatures and heats are float64. The names end in the type.
 */
#undef LINES_JOIN
#undef LINES_NAME
#undef LINES
#define LINES_JOIN(name, type) name##_##type
#define LINES_NAME(name, type) LINES_JOIN(name, type)
#define LINES(name) LINES_NAME(name, COND)

/* Fill a slab of nz lines with those of a natural field, `stride` apart, and what they leave of it with zero. */
CLONED LINES(row_split)(int lines, int nz, int width, int nx, ptrdiff_t stride, const COND *restrict field,
                        real *restrict slab)
{
    for (int k = 0; k < nz; ++k, slab += width) {
        const int count = k < lines ? nx : 0, odds = count / 2, evens = count - odds;
        const COND *line = k < lines ? field + k * stride : field;
        real *odd = slab + (size_t)nz * width;
        if (k + 1 < lines) /* too far away for the processor to see it come */
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

/* heat [W] that leaves cell i besides that to its neighbours in x and to the ground. */
#undef ACROSS
#define ACROSS(i)                                                         \
    (((t[i] - t_s[i]) * g_s[i] + (t[i] - t_n[i]) * g_n[i])                \
     + ((t[i] - t_b[i]) * g_b[i] + (t[i] - t_a[i]) * g_a[i]))

/* out = heat - G t along one line, or G t where heat is NULL. Where there is no neighbour to the south,
 * north, below or above, its temperature is the cell's own and its conductance any. `grounded` cells of
 * the line, in `cell` counted from `first`, the number of the line's own first cell, have a `ground`. */
INLINE LINES(balance_line)(int nx, const COND *restrict g_x, const COND *restrict g_s,
                           const COND *restrict g_n, const COND *restrict g_b, const COND *restrict g_a,
                           int grounded, ptrdiff_t first, const ptrdiff_t *restrict cell,
                           const double *restrict ground, const double *restrict t,
                           const double *restrict t_s, const double *restrict t_n,
                           const double *restrict t_b, const double *restrict t_a,
                           const double *restrict heat, double *restrict out)
{
    const int last = nx - 1;
    const double east = nx > 1 ? (t[0] - t[1]) * g_x[0] : 0;
    const double west = nx > 1 ? (t[last] - t[last - 1]) * g_x[last - 1] : 0;
    if (heat) {
        out[0] = heat[0] - (ACROSS(0) + east);
        for (int i = 1; i < last; ++i)
            out[i] = heat[i] - (ACROSS(i) + ((t[i] - t[i - 1]) * g_x[i - 1] + (t[i] - t[i + 1]) * g_x[i]));
        if (last > 0)
            out[last] = heat[last] - (ACROSS(last) + west);
    } else {
        out[0] = ACROSS(0) + east;
        for (int i = 1; i < last; ++i)
            out[i] = ACROSS(i) + ((t[i] - t[i - 1]) * g_x[i - 1] + (t[i] - t[i + 1]) * g_x[i]);
        if (last > 0)
            out[last] = ACROSS(last) + west;
    }
    if (grounded == nx) {
        for (int i = 0; i < nx; ++i)
            out[i] += (heat ? -ground[i] : ground[i]) * t[i];
        return;
    }
    for (int n = 0; n < grounded; ++n) {
        const ptrdiff_t i = cell[n] - first;
        out[i] += (heat ? -ground[n] : ground[n]) * t[i];
    }
}

/* out = G t along one line. */
CLONED LINES(line_operate)(int nx, const COND *g_x, const COND *g_s, const COND *g_n, const COND *g_b,
                           const COND *g_a, int grounded, ptrdiff_t first, const ptrdiff_t *cell,
                           const double *ground, const double *t, const double *t_s, const double *t_n,
                           const double *t_b, const double *t_a, double *out)
{
    LINES(balance_line)(nx, g_x, g_s, g_n, g_b, g_a, grounded, first, cell, ground, t, t_s, t_n, t_b, t_a,
                        NULL, out);
}

/* even and odd = scale (heat - G t) along one line; sums[0] = the sum of squares of heat - G t, sums[1] =
 * its sum. `left` is room for the line. */
CLONED LINES(line_residual)(int nx, const COND *g_x, const COND *g_s, const COND *g_n, const COND *g_b,
                            const COND *g_a, int grounded, ptrdiff_t first, const ptrdiff_t *cell,
                            const double *ground, const double *t, const double *t_s, const double *t_n,
                            const double *t_b, const double *t_a, const double *heat, double scale,
                            double *restrict left, real *even, real *odd, double *sums)
{
    eight square = {0}, sum = {0};
    LINES(balance_line)(nx, g_x, g_s, g_n, g_b, g_a, grounded, first, cell, ground, t, t_s, t_n, t_b, t_a,
                        heat, left);
    for (int i = nx; i % 8; ++i)
        left[i] = 0;
    for (int i = 0; i < nx; i += 8) {
        const eight value = *(const eight *)(left + i);
        square += value * value;
        sum += value;
    }
    split_line(nx, scale, left, even, odd);
    sums[0] = sum_of(square);
    sums[1] = sum_of(sum);
}
