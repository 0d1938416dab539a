/* Coupling strength of adjacent columns, and scaling of coarse conductances; used at setup only. */
#ifndef THERMOSTACK_COARSENING_H
#define THERMOSTACK_COARSENING_H

#include "pivots.h"

/* side = sum of the lateral and boundary conductances of each cell, in `count` columns of one parity from `begin`. */
CLONED row_side_conductance(row_operator row, int begin, int count, real *side)
{
    UNPACK_OPERATOR(row)
    size_t o = 0;
    for (int k = 0; k < nz; ++k, o += width)
        for (size_t m = begin; m < (size_t)begin + count; m += LANES) {
            vec sum = LATERAL_SUM(o + m);
            if (row.boundary_line[k] >= 0)
                sum += BOUNDARY(row, k, m);
            PUT(side + o + m) = sum;
        }
}

/* The columns on one side of a face: lateral and boundary conductances, vertical conductances, areas. */
typedef struct {
    const real *side, *g_z, *area;
} face_side;

/* Weakness of the coupling of `count` pairs of columns a and b, from `begin` on: the maximum over z of w, where
 * (face + L) w = d, and d and L are the harmonic combinations of the side conductances and of g_z of both columns;
 * and `jump`, the mean over z of the relative jump of g_z per area. `work` holds 2 nz LANES values.
 * The weakness is -1 where neither column has any side conductance. */
CLONED row_coupling_weakness(int nz, int width, int begin, int count, const real *face, face_side a_side,
                             face_side b_side, real *work, real *weakness, real *jump)
{
    const size_t half = (size_t)nz * width;
    const vec zero = {0}, one = zero + 1;
    for (size_t m = begin; m < (size_t)begin + count; m += LANES) {
        vec y = zero, l_below = zero, carried = zero, any = zero, jumps = zero, faces = zero;
        real *keep = work;
        for (size_t o = m; o < half; o += width, keep += 2 * LANES) {
            const vec a = AT(a_side.side + o), b = AT(b_side.side + o);
            const vec ga = AT(a_side.g_z + o), gb = AT(b_side.g_z + o);
            const vec pa = ga * AT(b_side.area + m), pb = gb * AT(a_side.area + m);
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
        vec max = zero;
        y = zero;
        while (keep > work) {
            keep -= 2 * LANES;
            y = AT(keep) + AT(keep + LANES) * y;
            max = WHERE(y > max, y, max);
        }
        PUT(weakness + m) = WHERE(any > 0, max, -one);
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

/* out *= one factor for all columns. */
CLONED row_scale_uniformly(int nz, int width, real factor, real *out)
{
    for (size_t o = 0; o < (size_t)nz * width; o += LANES)
        PUT(out + o) = AT(out + o) * factor;
}

#endif
