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

/* Half cells that the path between two coarse columns has in addition to the fine face between them, one on each side:
 * the share of the conductance inside the coarse column, and the ratio of the additional distance to that of the
 * face; both are zero where a coarse column is one fine column. */
typedef struct {
    const real *share, *distance; /* one value for each column of a line */
} added_path;

/* The conductance of a face in series with the added paths: out = face / (1 + a + b), and a of each side is the smaller
 * of the added resistance, from the conductance `inner` inside the coarse column, and that of the same material. */
CLONED row_conductance_in_series(int lines, int width, const real *face, const real *inner_a, added_path a,
                                 const real *inner_b, added_path b, real *out)
{
    size_t o = 0;
    for (int line = 0; line < lines; ++line, o += width)
        for (size_t m = 0; m < (size_t)width; m += LANES) {
            const vec g = AT(face + o + m), ga = AT(inner_a + o + m), gb = AT(inner_b + o + m);
            const vec same_a = AT(a.distance + m), same_b = AT(b.distance + m);
            const vec ra = g * AT(a.share + m) / GUARDED(ga), rb = g * AT(b.share + m) / GUARDED(gb);
            const vec add_a = WHERE((ga > 0) & (ra < same_a), ra, same_a);
            const vec add_b = WHERE((gb > 0) & (rb < same_b), rb, same_b);
            PUT(out + o + m) = g / (1 + add_a + add_b);
        }
}

#endif
