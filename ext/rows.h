/* Loops over one row of columns, the innermost work of the solver; REAL is float or double.
 *
 * A row is a slab of two halves, the columns with even and with odd x, each nz lines of `width`
 * values (a multiple of LANES, the last at least unused). Unused places hold zero conductance and zero
 * value, so no loop has a special case at either end: what lies beyond is multiplied by zero.
 * They stand in C because Cython cannot promise the compiler that two arrays do not overlap.
 */
#ifndef THERMOSTACK_ROWS_H
#define THERMOSTACK_ROWS_H

#include <stddef.h>
#include <string.h>

#include "clones.h"

typedef REAL real;

#define INLINE static inline __attribute__((always_inline)) void
/* Columns side by side whose state stays in registers while k runs up and down. */
typedef real vec __attribute__((vector_size(64), aligned(sizeof(real)), may_alias));
#define LANES ((int)(64 / sizeof(real)))
#define WIDE (2 * LANES)
#define AT(pointer) (*(const vec *)(pointer))
#define PUT(pointer) (*(vec *)(pointer))

/* a where a comparison of vectors holds, b elsewhere. */
typedef __typeof__((vec){0} > (vec){0}) mask;
#define WHERE(holds, a, b) ((vec)(((holds) & (mask)(a)) | (~(holds) & (mask)(b))))

/* The neighbours in x of the columns of one parity: conductance and value to the west and east. */
#define NEIGHBOURS_X(g_x, t_x)                                                      \
    const size_t half = (size_t)nz * width;                                         \
    const real *g_w = parity ? g_x : g_x + half - 1, *t_w = parity ? t_x : t_x - 1; \
    const real *g_e = parity ? g_x + half : g_x, *t_e = parity ? t_x + 1 : t_x;

/* What the four lateral neighbours send, whose values are those of the first load or lie behind them. */
#define LATERAL(o, behind)                                                                              \
    ((AT(g_w + (o)) * AT(t_w + (o) + (behind)) + AT(g_e + (o)) * AT(t_e + (o) + (behind)))               \
     + (AT(g_s + (o)) * AT(t_s + (o) + (behind)) + AT(g_n + (o)) * AT(t_n + (o) + (behind))))

/* Solve the columns of one parity exactly: elimination upwards, substitution downwards. A narrow row is
 * taken by a few columns at a time, whose state stays in registers; a wide one by lines, because a
 * processor fetches memory ahead only where it is read in order.
 * `loads` is one or two loads, solved side by side while the conductances are in registers; the second
 * one's values lie behind the first one's by `from` for those of the neighbours and b, by `to` for t and
 * by `from` for sum. */
INLINE solve_columns(int loads, ptrdiff_t from, ptrdiff_t to, int nz, int width, int parity, const real *b,
                     int is_coupled, const real *g_x, const real *t_x, const real *g_s, const real *t_s,
                     const real *g_n, const real *t_n, const real *g_z, const real *inverse, real *t,
                     real *sum)
{
    NEIGHBOURS_X(g_x, t_x)
    const size_t line = width, step = width > WIDE ? line : LANES;
    for (size_t begin = 0; begin < line; begin += step) {
        vec y[2] = {{0}, {0}}, g = {0};
        for (size_t o = begin; o < half; o += line)
            for (size_t m = o; m < o + step; m += LANES) {
                const vec inv = AT(inverse + m);
                if (step > LANES && o > begin)
                    g = AT(g_z + m - line);
                const vec passed = inv * g;
                for (int l = 0; l < loads; ++l) {
                    vec d = {0};
                    if (b)
                        d = AT(b + l * from + m);
                    if (is_coupled)
                        d += LATERAL(m, l * from);
                    if (step > LANES && o > begin)
                        y[l] = AT(t + l * to + m - line);
                    y[l] = inv * d + passed * y[l];
                    PUT(t + l * to + m) = y[l];
                }
                if (step == LANES)
                    g = AT(g_z + m);
            }
        y[0] = y[1] = (vec){0};
        for (size_t o = half + begin; o > begin;) {
            o -= line;
            for (size_t m = o; m < o + step; m += LANES) {
                const vec passed = AT(g_z + m) * AT(inverse + m);
                for (int l = 0; l < loads; ++l) {
                    real *const here = t + l * to + m;
                    if (step > LANES && o < half - line)
                        y[l] = AT(here + line);
                    y[l] = AT(here) + passed * y[l];
                    PUT(here) = y[l];
                    if (sum)
                        PUT(sum + l * from + m) += y[l];
                }
            }
        }
    }
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

/* out += source at the places given, which are the same in every line. */
CLONED row_gather_add(int nz, int width, const int *restrict place, int source_width,
                      const real *restrict source, real *restrict out)
{
    for (int k = 0; k < nz; ++k, source += source_width, out += width)
        for (int m = 0; m < width; ++m)
            out[m] += source[place[m]];
}

/* out = source at two places given, added. */
CLONED row_gather_pair(int nz, int width, const int *restrict place, const int *restrict other,
                       int source_width, const real *restrict source, real *restrict out)
{
    for (int k = 0; k < nz; ++k, source += source_width, out += width)
        for (int m = 0; m < width; ++m)
            out[m] = source[place[m]] + source[other[m]];
}

CLONED row_scale(int nz, int width, const real *restrict factor, real *restrict out)
{
    for (int k = 0; k < nz; ++k, out += width)
        for (int m = 0; m < width; ++m)
            out[m] *= factor[m];
}

/* What holds a cell besides its column: lateral and ground conductance. Only lines that have any are kept
 * of the latter, `line[k]` says which one is that of k, or -1. */
#define HOLD(o) ((AT(g_w + (o)) + AT(g_e + (o))) + (AT(g_s + (o)) + AT(g_n + (o))))
#define GROUND(k, m) AT(ground + (size_t)line[k] * 2 * width + (m))

/* x where x > 0, one elsewhere: what is divided by it is zero there. */
#define GUARDED(x) WHERE((x) > 0, (x), (vec){0} + 1)

/* Inverse pivots of the columns of one parity, without a subtraction: s is what holds a cell besides
 * the cell above, p = s + g_z. They are zero where nothing holds the cell at all. */
CLONED row_pivots(int nz, int width, int parity, const real *g_x, const real *g_s, const real *g_n,
                  const real *g_z, const real *ground, const int *line, real *inverse)
{
    NEIGHBOURS_X(g_x, g_x)
    (void)t_w, (void)t_e;
    const vec zero = {0};
    for (size_t m = 0; m < (size_t)width; m += LANES) {
        vec carried = {0};
        size_t o = m;
        for (int k = 0; k < nz; ++k, o += width) {
            const vec g = AT(g_z + o);
            vec s = HOLD(o) + carried;
            if (line[k] >= 0)
                s += GROUND(k, m);
            const vec p = s + g, inv = WHERE(p > 0, 1 / GUARDED(p), zero);
            PUT(inverse + o) = inv;
            carried = g * (s * inv);
        }
    }
}

/* What holds each cell besides its column, in `count` columns of one parity from `begin` on. */
CLONED row_hold(int nz, int width, int parity, int begin, int count, const real *g_x, const real *g_s,
                const real *g_n, const real *ground, const int *line, real *hold)
{
    NEIGHBOURS_X(g_x, g_x)
    (void)t_w, (void)t_e;
    size_t o = 0;
    for (int k = 0; k < nz; ++k, o += width)
        for (size_t m = begin; m < (size_t)begin + count; m += LANES) {
            vec sum = HOLD(o + m);
            if (line[k] >= 0)
                sum += GROUND(k, m);
            PUT(hold + o + m) = sum;
        }
}

/* Weakness of the coupling of `count` pairs of columns a and b, from `begin` on: the largest w of
 * (face + L) w = d, with d and L the harmonic combinations of both columns' hold and g_z; and the mean
 * over z of the relative jump of g_z per area. `work` holds 2 nz LANES values.
 * Where neither column is held anywhere the weakness is -1. */
CLONED row_weakness(int nz, int width, int begin, int count, const real *face, const real *hold_a,
                    const real *hold_b, const real *g_a, const real *g_b, const real *area_a,
                    const real *area_b, real *work, real *weakness, real *jump)
{
    const size_t half = (size_t)nz * width;
    const vec zero = {0}, one = zero + 1;
    for (size_t m = begin; m < (size_t)begin + count; m += LANES) {
        vec y = zero, l_below = zero, carried = zero, any = zero, jumps = zero, faces = zero;
        real *keep = work;
        for (size_t o = m; o < half; o += width, keep += 2 * LANES) {
            const vec a = AT(hold_a + o), b = AT(hold_b + o), ga = AT(g_a + o), gb = AT(g_b + o);
            const vec pa = ga * AT(area_b + m), pb = gb * AT(area_a + m);
            const vec both = a + b, above = ga + gb, areas = pa + pb;
            faces += WHERE(areas > 0, one, zero);
            jumps += WHERE(pa > pb, pa - pb, pb - pa) / GUARDED(areas);
            const vec d = a / GUARDED(both) * b, l = ga / GUARDED(above) * gb;
            const vec s = AT(face + o) + (real)1e-6 * d + carried, p = s + l, inv = 1 / GUARDED(p);
            any += d;
            y = inv * (d + l_below * y);
            l_below = l;
            carried = l * (s * inv);
            PUT(keep) = y;
            PUT(keep + LANES) = l * inv;
        }
        vec most = zero;
        y = zero;
        while (keep > work) {
            keep -= 2 * LANES;
            y = AT(keep) + AT(keep + LANES) * y;
            most = WHERE(y > most, y, most);
        }
        PUT(weakness + m) = WHERE(any > 0, most, -one);
        PUT(jump + m) = jumps / GUARDED(faces);
    }
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
    double square[8] = {0}, absolute[8] = {0};
    for (size_t i = 0; i < count / 8; ++i)
        for (int j = 0; j < 8; ++j) {
            const double value = values[8 * i + j];
            square[j] += value * value;
            absolute[j] += value < 0 ? -value : value;
        }
    for (size_t i = count / 8 * 8; i < count; ++i) {
        square[0] += values[i] * values[i];
        absolute[0] += values[i] < 0 ? -values[i] : values[i];
    }
    sums[0] = sums[1] = 0;
    for (int j = 0; j < 8; ++j) {
        sums[0] += square[j];
        sums[1] += absolute[j];
    }
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
