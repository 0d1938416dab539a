/* Loops over one row of columns, the innermost work of the solver; vectors.h says how a row lies in memory.
 * They stand in C because Cython cannot promise the compiler that two arrays do not overlap: in Cython they took
 * 2.4 to 7.2 times as long (docs/development/solver_study.md).
 */
#ifndef THERMOSTACK_ROWS_H
#define THERMOSTACK_ROWS_H

#include "simd.h"

/* What the four lateral neighbours send, whose values are those of the first load or lie behind them. */
#define LATERAL(o, behind)                                                                              \
    ((AT(g_w + (o)) * AT(t_w + (o) + (behind)) + AT(g_e + (o)) * AT(t_e + (o) + (behind)))               \
     + (AT(g_s + (o)) * AT(t_s + (o) + (behind)) + AT(g_n + (o)) * AT(t_n + (o) + (behind))))

/* Solve the columns of one parity exactly: elimination upwards, substitution downwards. A narrow row is
 * taken by one or two vectors of columns at a time, whose state stays in registers; a wide one by lines,
 * because a processor fetches memory ahead only where it is read in order.
 * `loads` is one or two loads, solved side by side while the conductances are in registers; the second
 * one's values lie behind the first one's by `from` for those of the neighbours and b, by `to` for t and
 * by `from` for sum. */
INLINE solve_narrow(int loads, int vectors, ptrdiff_t from, ptrdiff_t to, int nz, int width, int parity,
                    const real *b, int is_coupled, const real *g_x, const real *t_x, const real *g_s,
                    const real *t_s, const real *g_n, const real *t_n, const real *g_z, const real *inverse,
                    real *t, real *sum)
{
    NEIGHBOURS_X(g_x, t_x)
    const size_t line = width, step = (size_t)vectors * LANES;
    for (size_t begin = 0; begin < line; begin += step) {
        vec y[2][2] = {{{0}, {0}}, {{0}, {0}}}, g[2] = {{0}, {0}};
        for (size_t o = begin; o < half; o += line)
            for (int v = 0; v < vectors; ++v) {
                const size_t m = o + (size_t)v * LANES;
                const vec inv = AT(inverse + m), passed = inv * g[v];
                g[v] = AT(g_z + m);
                for (int l = 0; l < loads; ++l) {
                    vec d = {0};
                    if (b)
                        d = AT(b + l * from + m);
                    if (is_coupled)
                        d += LATERAL(m, l * from);
                    y[l][v] = inv * d + passed * y[l][v];
                    PUT(t + l * to + m) = y[l][v];
                }
            }
        for (int l = 0; l < 2; ++l)
            y[l][0] = y[l][1] = (vec){0};
        for (size_t o = half + begin; o > begin;) {
            o -= line;
            for (int v = 0; v < vectors; ++v) {
                const size_t m = o + (size_t)v * LANES;
                const vec passed = AT(g_z + m) * AT(inverse + m);
                for (int l = 0; l < loads; ++l) {
                    real *const here = t + l * to + m;
                    y[l][v] = AT(here) + passed * y[l][v];
                    PUT(here) = y[l][v];
                    if (sum)
                        PUT(sum + l * from + m) += y[l][v];
                }
            }
        }
    }
}

INLINE solve_wide(int loads, ptrdiff_t from, ptrdiff_t to, int nz, int width, int parity, const real *b,
                  int is_coupled, const real *g_x, const real *t_x, const real *g_s, const real *t_s,
                  const real *g_n, const real *t_n, const real *g_z, const real *inverse, real *t, real *sum)
{
    NEIGHBOURS_X(g_x, t_x)
    const size_t line = width;
    for (size_t o = 0; o < half; o += line)
        for (size_t m = o; m < o + line; m += LANES) {
            const vec inv = AT(inverse + m);
            vec passed = {0};
            if (o > 0)
                passed = inv * AT(g_z + m - line);
            for (int l = 0; l < loads; ++l) {
                vec d = {0}, y = {0};
                if (b)
                    d = AT(b + l * from + m);
                if (is_coupled)
                    d += LATERAL(m, l * from);
                if (o > 0)
                    y = AT(t + l * to + m - line);
                PUT(t + l * to + m) = inv * d + passed * y;
            }
        }
    for (size_t o = half; o > 0;) {
        o -= line;
        for (size_t m = o; m < o + line; m += LANES) {
            const vec passed = AT(g_z + m) * AT(inverse + m);
            for (int l = 0; l < loads; ++l) {
                real *const here = t + l * to + m;
                vec y = {0};
                if (o < half - line)
                    y = AT(here + line);
                y = AT(here) + passed * y;
                PUT(here) = y;
                if (sum)
                    PUT(sum + l * from + m) += y;
            }
        }
    }
}

INLINE solve_columns(int loads, ptrdiff_t from, ptrdiff_t to, int nz, int width, int parity, const real *b,
                     int is_coupled, const real *g_x, const real *t_x, const real *g_s, const real *t_s,
                     const real *g_n, const real *t_n, const real *g_z, const real *inverse, real *t,
                     real *sum)
{
    if (width == LANES)
        solve_narrow(loads, 1, from, to, nz, width, parity, b, is_coupled, g_x, t_x, g_s, t_s, g_n, t_n, g_z,
                     inverse, t, sum);
    else if (width == WIDE)
        solve_narrow(loads, 2, from, to, nz, width, parity, b, is_coupled, g_x, t_x, g_s, t_s, g_n, t_n, g_z,
                     inverse, t, sum);
    else
        solve_wide(loads, from, to, nz, width, parity, b, is_coupled, g_x, t_x, g_s, t_s, g_n, t_n, g_z,
                   inverse, t, sum);
}

/* One load, or two whose values lie `from` and `to` apart. The compiler makes each of the two forms of its
 * own, with as many registers. */
#define ONE_OR_TWO(...)                          \
    if (from || to)                              \
        solve_columns(2, from, to, __VA_ARGS__); \
    else                                         \
        solve_columns(1, 0, 0, __VA_ARGS__)

/* t = the columns' answer to b alone. */
CLONED row_solve_alone(ptrdiff_t from, ptrdiff_t to, int nz, int width, const real *b, const real *g_z,
                       const real *inverse, real *t)
{
    ONE_OR_TWO(nz, width, 0, b, 0, g_z, g_z, g_z, g_z, g_z, g_z, g_z, inverse, t, NULL);
}

/* t = the columns' answer to b and their neighbours. */
CLONED row_solve(ptrdiff_t from, ptrdiff_t to, int nz, int width, int parity, const real *b, const real *g_x,
                 const real *t_x, const real *g_s, const real *t_s, const real *g_n, const real *t_n,
                 const real *g_z, const real *inverse, real *t)
{
    ONE_OR_TWO(nz, width, parity, b, 1, g_x, t_x, g_s, t_s, g_n, t_n, g_z, inverse, t, NULL);
}

/* t = the columns' answer to a change of their neighbours. */
CLONED row_solve_change(ptrdiff_t from, ptrdiff_t to, int nz, int width, int parity, const real *g_x,
                        const real *t_x, const real *g_s, const real *t_s, const real *g_n, const real *t_n,
                        const real *g_z, const real *inverse, real *t)
{
    ONE_OR_TWO(nz, width, parity, NULL, 1, g_x, t_x, g_s, t_s, g_n, t_n, g_z, inverse, t, NULL);
}

/* The same, and the change is added to sum. */
CLONED row_solve_change_add(ptrdiff_t from, ptrdiff_t to, int nz, int width, int parity, const real *g_x,
                            const real *t_x, const real *g_s, const real *t_s, const real *g_n,
                            const real *t_n, const real *g_z, const real *inverse, real *t, real *sum)
{
    ONE_OR_TWO(nz, width, parity, NULL, 1, g_x, t_x, g_s, t_s, g_n, t_n, g_z, inverse, t, sum);
}

/* heat = what the neighbours send into the columns of one parity. */
CLONED row_couple(int nz, int width, int parity, const real *g_x, const real *t_x, const real *g_s,
                  const real *t_s, const real *g_n, const real *t_n, real *heat)
{
    NEIGHBOURS_X(g_x, t_x)
    for (size_t o = 0; o < half; o += LANES)
        PUT(heat + o) = LATERAL(o, 0);
}

/* Sums run over some lines of a row in the precision of the data and over those in float64; their order
 * depends on the row's size alone. */
#define LINES_SUMMED(width) (1 + 32 * LANES / (width))

INLINE add_up(vec part, double *sum)
{
    for (int j = 0; j < LANES; ++j)
        sum[j] += (double)part[j];
}

static inline double total_of(const double *sum)
{
    double total = 0;
    for (int j = 0; j < LANES; ++j)
        total += sum[j];
    return total;
}

/* Add the shares of the columns of one parity: to out[0] of z.r, to out[1] of z.Gz, to out[2] of z.Gp, to
 * out[3] of the sum of Gz. The energies are sums over faces, each of which counts once, with the cell to its
 * west, north or below. */
CLONED row_energies(int nz, int width, int parity, const real *g_x, const real *g_s, const real *g_z,
                    const real *ground, const int *line, const real *z_x, const real *z_s, const real *z,
                    const real *p_x, const real *p_s, const real *p, const real *r, double *out)
{
    const size_t half = (size_t)nz * width;
    const real *g_e = parity ? g_x + half : g_x, *z_e = parity ? z_x + 1 : z_x, *p_e = parity ? p_x + 1 : p_x;
    double sums[4][LANES] = {{0}};
    for (int begin = 0; begin < nz; begin += LINES_SUMMED(width)) {
        const int end = begin + LINES_SUMMED(width) < nz ? begin + LINES_SUMMED(width) : nz;
        vec zr = {0}, own = {0}, along = {0}, leaving = {0};
        for (int k = begin; k < end; ++k) {
            const size_t first = (size_t)k * width, above = k < nz - 1 ? width : 0;
            for (size_t o = first; o < first + width; o += LANES) {
                const vec c = AT(z + o), d = AT(p + o);
                const vec e = c - AT(z_e + o), s = c - AT(z_s + o), a = c - AT(z + o + above);
                const vec he = AT(g_e + o) * e, hs = AT(g_s + o) * s, ha = AT(g_z + o) * a;
                zr += c * AT(r + o);
                own += (he * e + hs * s) + ha * a;
                along += (he * (d - AT(p_e + o)) + hs * (d - AT(p_s + o))) + ha * (d - AT(p + o + above));
            }
            if (line[k] >= 0)
                for (size_t m = 0; m < (size_t)width; m += LANES) {
                    const vec c = AT(z + first + m), h = GROUND(k, m) * c;
                    own += h * c;
                    along += h * AT(p + first + m);
                    leaving += h;
                }
        }
        add_up(zr, sums[0]);
        add_up(own, sums[1]);
        add_up(along, sums[2]);
        add_up(leaving, sums[3]);
    }
    for (int n = 0; n < 4; ++n)
        out[n] += total_of(sums[n]);
}

/* r -= alpha G p in the columns of one parity, by differences of p, and then add their share of
 * r.r to `squares`. */
CLONED row_descend(int nz, int width, int parity, real alpha, const real *g_x, const real *p_x,
                   const real *g_s, const real *p_s, const real *g_n, const real *p_n, const real *g_z,
                   const real *ground, const int *line, const real *p, real *r, double *squares)
{
    NEIGHBOURS_X(g_x, p_x)
    double sums[LANES] = {0};
    for (int begin = 0; begin < nz; begin += LINES_SUMMED(width)) {
        const int end = begin + LINES_SUMMED(width) < nz ? begin + LINES_SUMMED(width) : nz;
        vec square = {0};
        for (int k = begin; k < end; ++k) {
            const size_t first = (size_t)k * width, above = k < nz - 1 ? width : 0, below = k > 0 ? width : 0;
            /* What lies over the last line conducts nothing, and so serves as what lies under the first. */
            const real *g_b = k > 0 ? g_z - width : g_z + half - width;
            for (size_t o = first; o < first + width; o += LANES) {
                const vec c = AT(p + o);
                vec out_of = (AT(g_e + o) * (c - AT(t_e + o)) + AT(g_w + o) * (c - AT(t_w + o)))
                             + (AT(g_n + o) * (c - AT(p_n + o)) + AT(g_s + o) * (c - AT(p_s + o)));
                out_of += AT(g_z + o) * (c - AT(p + o + above)) - AT(g_b + o) * (AT(p + o - below) - c);
                if (line[k] >= 0)
                    out_of += GROUND(k, o - first) * c;
                const vec left = AT(r + o) - alpha * out_of;
                PUT(r + o) = left;
                square += left * left;
            }
        }
        add_up(square, sums);
    }
    *squares += total_of(sums);
}

/* even and odd = a line of a field in natural order, multiplied by a factor. */
INLINE split_line(int nx, double factor, const double *restrict line, real *restrict even, real *restrict odd)
{
    for (int m = 0; m < nx / 2; ++m) {
        even[m] = (real)(factor * line[2 * m]);
        odd[m] = (real)(factor * line[2 * m + 1]);
    }
    if (nx % 2)
        even[nx / 2] = (real)(factor * line[nx - 1]);
}

/* A line in natural order of what lies in even and odd columns. */
INLINE merge_line(int nx, const real *restrict even, const real *restrict odd, real *restrict line)
{
    for (int m = 0; m < nx / 2; ++m) {
        line[2 * m] = even[m];
        line[2 * m + 1] = odd[m];
    }
    if (nx % 2)
        line[nx - 1] = even[nx / 2];
}

/* p = z + beta p in a row, and the row of a field in natural order += factor p + constant. */
CLONED row_advance(int nz, int width, int nx, ptrdiff_t stride, real beta, double factor, double constant,
                   const real *restrict z, real *restrict p, double *restrict field)
{
    const size_t half = (size_t)nz * width;
    for (int k = 0; k < nz; ++k, z += width, p += width, field += stride) {
        for (int m = 0; m < width; ++m) {
            p[m] = z[m] + beta * p[m];
            p[half + m] = z[half + m] + beta * p[half + m];
        }
        for (int m = 0; m < nx / 2; ++m) {
            field[2 * m] += factor * p[m] + constant;
            field[2 * m + 1] += factor * p[half + m] + constant;
        }
        if (nx % 2)
            field[nx - 1] += factor * p[nx / 2] + constant;
    }
}

/* sums[0] = the sum of squares of so many values, sums[1] = that of absolute values. */
CLONED row_weigh(size_t count, const double *values, double *sums)
{
    const size_t whole = count / 8 * 8;
    const eight_bits unsigned_part = (eight_bits){0} + 0x7fffffffffffffff;
    eight square = {0}, absolute = {0};
    for (size_t i = 0; i < whole; i += 8) {
        const eight value = *(const eight *)(values + i);
        square += value * value;
        absolute += (eight)((eight_bits)value & unsigned_part);
    }
    for (size_t i = whole; i < count; ++i) {
        square[0] += values[i] * values[i];
        absolute[0] += values[i] < 0 ? -values[i] : values[i];
    }
    sums[0] = sum_of(square);
    sums[1] = sum_of(absolute);
}

/* even and odd = scale heat along one line. */
CLONED line_take(int nx, double scale, const double *heat, real *even, real *odd)
{
    split_line(nx, scale, heat, even, odd);
}

/* Conductances in natural order are given in either precision. */
#define COND float
#include "linear/operator_rows.h"
#undef COND
#define COND double
#include "linear/operator_rows.h"
#undef COND
#define OWN(name) LINES_NAME(name, REAL) /* that of the solver's own precision */

/* Five lines of conductances in natural order: to the west and east, south, north, below and above. */
enum { ALONG, SOUTH, NORTH, BELOW, ABOVE, FACES };

/* Put the conductances of line k of a row into `faces`, lines of 2 width values in natural order; those below
 * are what were above line k - 1. */
CLONED row_faces(int k, int nz, int width, int nx, const real *g_x, const real *g_s, const real *g_n,
                 const real *g_z, real *faces)
{
    const size_t half = (size_t)nz * width, o = (size_t)k * width, line = 2 * (size_t)width;
    if (k > 0)
        memcpy(faces + BELOW * line, faces + ABOVE * line, sizeof(real) * line);
    merge_line(nx, g_x + o, g_x + half + o, faces + ALONG * line);
    merge_line(nx, g_s + o, g_s + half + o, faces + SOUTH * line);
    merge_line(nx, g_n + o, g_n + half + o, faces + NORTH * line);
    merge_line(nx, g_z + o, g_z + half + o, faces + ABOVE * line);
}

#endif
