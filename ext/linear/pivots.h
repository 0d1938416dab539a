/* What holds the cells of a row: pivots of the columns, and how weakly two columns couple. Set-up alone uses it. */
#ifndef THERMOSTACK_PIVOTS_H
#define THERMOSTACK_PIVOTS_H

#include "simd.h"

/* What holds a cell besides its column and the ground. */
#define HOLD(o) ((AT(g_w + (o)) + AT(g_e + (o))) + (AT(g_s + (o)) + AT(g_n + (o))))

/* x where x > 0, one elsewhere: what is divided by it is zero there. */
#define GUARDED(x) WHERE((x) > 0, (x), (vec){0} + 1)

/* Inverse pivots of the columns of one parity, without a subtraction: s is what holds a cell besides
 * the cell above, p = s + g_z. They are zero where nothing holds the cell at all. One division waits for
 * the one before it, so two vectors of columns go side by side where a row has them. */
INLINE find_pivots(int vectors, int nz, int width, int parity, const real *g_x, const real *g_s, const real *g_n,
                   const real *g_z, const real *ground, const int *line, real *inverse)
{
    NEIGHBOURS_X(g_x, g_x)
    (void)t_w, (void)t_e;
    const vec zero = {0};
    for (size_t begin = 0; begin < (size_t)width; begin += (size_t)vectors * LANES) {
        vec carried[2] = {{0}, {0}};
        size_t o = begin;
        for (int k = 0; k < nz; ++k, o += width)
            for (int v = 0; v < vectors; ++v) {
                const size_t m = (size_t)v * LANES;
                const vec g = AT(g_z + o + m);
                vec s = HOLD(o + m) + carried[v];
                if (line[k] >= 0)
                    s += GROUND(k, begin + m);
                const vec p = s + g, inv = WHERE(p > 0, 1 / GUARDED(p), zero);
                PUT(inverse + o + m) = inv;
                carried[v] = g * (s * inv);
            }
    }
}

CLONED row_pivots(int nz, int width, int parity, const real *g_x, const real *g_s, const real *g_n,
                  const real *g_z, const real *ground, const int *line, real *inverse)
{
    if (width % WIDE)
        find_pivots(1, nz, width, parity, g_x, g_s, g_n, g_z, ground, line, inverse);
    else
        find_pivots(2, nz, width, parity, g_x, g_s, g_n, g_z, ground, line, inverse);
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

/* out *= a factor of each column. */
CLONED row_scale(int nz, int width, const real *restrict factor, real *restrict out)
{
    for (int k = 0; k < nz; ++k, out += width)
        for (int m = 0; m < width; ++m)
            out[m] *= factor[m];
}

/* out *= one factor. */
CLONED row_scale_evenly(int nz, int width, real factor, real *out)
{
    for (size_t o = 0; o < (size_t)nz * width; o += LANES)
        PUT(out + o) = AT(out + o) * factor;
}

#endif
