/* Loops over one row of columns, the innermost work of the solver; vectors.h says how a row lies in memory.
 * They stand in C because Cython cannot promise the compiler that two arrays do not overlap: in Cython they took
 * 2.4 to 7.2 times as long (docs/solver.md).
 */
#ifndef THERMOSTACK_ROWS_H
#define THERMOSTACK_ROWS_H

#include "vectors.h"

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

/* Sums run over `nz` cache lines in the precision of the data and over those in float64; their order
 * depends on the row's size alone. */
INLINE add_up(vec part, double *sum)
{
    for (int j = 0; j < LANES; ++j)
        sum[j] += (double)part[j];
}

INLINE total_of(const double *sum, double *out)
{
    *out = 0;
    for (int j = 0; j < LANES; ++j)
        *out += sum[j];
}

/* out[0] = a.b, out[1] = a.c */
CLONED row_products(int nz, int width, const real *a, const real *b, const real *c, double *out)
{
    double ab[LANES] = {0}, ac[LANES] = {0};
    const size_t count = (size_t)2 * nz * width, piece = (size_t)nz * LANES;
    for (size_t begin = 0; begin < count; begin += piece) {
        vec b_part = {0}, c_part = {0};
        for (size_t m = begin; m < begin + piece; m += LANES) {
            b_part += AT(a + m) * AT(b + m);
            c_part += AT(a + m) * AT(c + m);
        }
        add_up(b_part, ab);
        add_up(c_part, ac);
    }
    total_of(ab, out);
    total_of(ac, out + 1);
}

/* b -= alpha q, and then out[0] = b.b, out[1] = the sum of b. */
CLONED row_reduce(int nz, int width, real alpha, const real *q, real *b, double *out)
{
    double squares[LANES] = {0}, sums[LANES] = {0};
    const size_t count = (size_t)2 * nz * width, piece = (size_t)nz * LANES;
    for (size_t begin = 0; begin < count; begin += piece) {
        vec square = {0}, sum = {0};
        for (size_t m = begin; m < begin + piece; m += LANES) {
            const vec r = AT(b + m) - alpha * AT(q + m);
            PUT(b + m) = r;
            square += r * r;
            sum += r;
        }
        add_up(square, squares);
        add_up(sum, sums);
    }
    total_of(squares, out);
    total_of(sums, out + 1);
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

/* A line of a field in natural order += factor times the direction in even and odd. */
INLINE follow_line(int nx, double factor, const real *restrict even, const real *restrict odd,
                   double *restrict line)
{
    for (int m = 0; m < nx / 2; ++m) {
        line[2 * m] += factor * even[m];
        line[2 * m + 1] += factor * odd[m];
    }
    if (nx % 2)
        line[nx - 1] += factor * even[nx / 2];
}

CLONED line_follow(int nx, double factor, const real *even, const real *odd, double *line)
{
    follow_line(nx, factor, even, odd, line);
}

/* A row of a field in natural order += factor p + constant. */
CLONED row_settle(int nz, int width, int nx, ptrdiff_t stride, double factor, double constant,
                  const real *p, double *field)
{
    for (int k = 0; k < nz; ++k) {
        const real *restrict even = p + (size_t)k * width, *restrict odd = p + (size_t)(nz + k) * width;
        double *restrict line = field + k * stride;
        for (int m = 0; m < nx / 2; ++m) {
            line[2 * m] += factor * even[m] + constant;
            line[2 * m + 1] += factor * odd[m] + constant;
        }
        if (nx % 2)
            line[nx - 1] += factor * even[nx / 2] + constant;
    }
}

/* A row of a field in natural order += factor p. */
CLONED row_follow(int nz, int width, int nx, ptrdiff_t stride, double factor, const real *p, double *field)
{
    for (int k = 0; k < nz; ++k)
        follow_line(nx, factor, p + (size_t)k * width, p + (size_t)(nz + k) * width, field + k * stride);
}

/* p = z + beta p. */
CLONED row_turn(size_t count, real beta, const real *restrict z, real *restrict p)
{
    for (size_t m = 0; m < count; ++m)
        p[m] = z[m] + beta * p[m];
}

/* q = G p in the columns of one parity, as differences, and energy = its share of p.G p, a sum of
 * squares in which each face counts once, with the cell to its west, south or below. */
CLONED row_operate(int nz, int width, int parity, const real *g_x, const real *p_x, const real *g_s,
                   const real *p_s, const real *g_n, const real *p_n, const real *g_z, const real *ground,
                   const int *line, const real *p, real *q, double *energy)
{
    NEIGHBOURS_X(g_x, p_x)
    double energies[LANES] = {0};
    for (size_t m = 0; m < (size_t)width; m += LANES) {
        vec flux = {0}, sum = {0}, c = AT(p + m);
        size_t o = m;
        for (int k = 0; k < nz; ++k, o += width) {
            const vec up = AT(p + (k < nz - 1 ? o + width : o)), a = c - up;
            const vec e = c - AT(t_e + o), n = c - AT(p_n + o);
            const vec he = AT(g_e + o) * e, hn = AT(g_n + o) * n, ha = AT(g_z + o) * a;
            vec out = (he + AT(g_w + o) * (c - AT(t_w + o))) + (hn + AT(g_s + o) * (c - AT(p_s + o)));
            sum += (he * e + hn * n) + ha * a;
            if (line[k] >= 0) {
                const vec h = GROUND(k, m) * c;
                out += h;
                sum += h * c;
            }
            PUT(q + o) = out + (ha - flux);
            flux = ha;
            c = up;
        }
        add_up(sum, energies);
    }
    total_of(energies, energy);
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
#include "lines.h"
#undef COND
#define COND double
#include "lines.h"
#undef COND

#endif
