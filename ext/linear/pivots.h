/* Pivots of the tridiagonal systems of the columns, computed once at setup. */
#ifndef THERMOSTACK_PIVOTS_H
#define THERMOSTACK_PIVOTS_H

#include "row_operator.h"

/* Sum of the lateral conductances of a cell. */
#define LATERAL_SUM(o) ((AT(g_w + (o)) + AT(g_e + (o))) + (AT(g_s + (o)) + AT(g_n + (o))))

/* x where x > 0, one elsewhere: numerators are zero there. */
#define GUARDED(x) WHERE((x) > 0, (x), (vec){0} + 1)

/* Inverse pivots of the columns of one parity, without a subtraction: s is the excess of the pivot over the
 * conductance to the cell above, p = s + g_z the pivot. Inverse pivots of cells without any conductance are zero.
 * Each division depends on the previous one, so two vectors of columns are processed side by side where possible. */
INLINE find_pivots(int vectors, row_operator row, real *inverse)
{
    UNPACK_OPERATOR(row)
    const vec zero = {0};
    for (size_t begin = 0; begin < (size_t)width; begin += (size_t)vectors * LANES) {
        vec carried[2] = {{0}, {0}};
        size_t o = begin;
        for (int k = 0; k < nz; ++k, o += width)
            for (int v = 0; v < vectors; ++v) {
                const size_t m = (size_t)v * LANES;
                const vec g = AT(g_z + o + m);
                vec s = LATERAL_SUM(o + m) + carried[v];
                if (row.boundary_line[k] >= 0)
                    s += BOUNDARY(row, k, begin + m);
                const vec p = s + g, inv = WHERE(p > 0, 1 / GUARDED(p), zero);
                PUT(inverse + o + m) = inv;
                carried[v] = g * (s * inv);
            }
    }
}

CLONED row_pivots(row_operator row, real *inverse)
{
    if (row.width % WIDE)
        find_pivots(1, row, inverse);
    else
        find_pivots(2, row, inverse);
}

#endif
