/* Tridiagonal solve of whole columns of cells (Thomas algorithm), the innermost loop of the smoother.
 *
 * It is written in C because Cython cannot tell the compiler that two arrays do not overlap: in Cython these
 * loops took 2.4 to 7.2 times as long (docs/development/solver_study.md).
 */
#ifndef THERMOSTACK_COLUMN_SOLVE_H
#define THERMOSTACK_COLUMN_SOLVE_H

#include "row_operator.h"

/* Heat from the four lateral neighbours, whose values lie `offset` behind those of the first system. */
#define LATERAL(o, offset)                                                                               \
    ((AT(g_w + (o)) * AT(t_w + (o) + (offset)) + AT(g_e + (o)) * AT(t_e + (o) + (offset)))               \
     + (AT(g_s + (o)) * AT(t_s + (o) + (offset)) + AT(g_n + (o)) * AT(t_n + (o) + (offset))))

/* One or two right-hand sides, solved side by side while the conductances are in registers. The values of the
 * second system lie `in` behind those of the first in b, in the neighbours and in sum, and `out` in t. */
typedef struct {
    ptrdiff_t in, out;
} system_offset;

/* Solve the columns of one parity exactly: forward elimination upwards, back substitution downwards. Narrow rows
 * are processed by one or two vectors of columns at a time, whose state stays in registers. Wide rows are
 * processed line by line, because the processor prefetches memory only where it is read in order.
 * b, near and sum are optional: `is_coupled` tells whether near is used, NULL stands for the other two. */
INLINE solve_narrow(int systems, int vectors, row_operator row, const real *inverse, system_offset offset,
                    const real *b, int is_coupled, row_values near, real *t, real *sum)
{
    UNPACK_OPERATOR(row)
    UNPACK_NEIGHBOURS(near)
    const ptrdiff_t in = offset.in, out = offset.out;
    const size_t line = width, step = (size_t)vectors * LANES;
    for (size_t begin = 0; begin < line; begin += step) {
        vec y[2][2] = {{{0}, {0}}, {{0}, {0}}}, g[2] = {{0}, {0}};
        for (size_t o = begin; o < half; o += line)
            for (int v = 0; v < vectors; ++v) {
                const size_t m = o + (size_t)v * LANES;
                const vec inv = AT(inverse + m), below = inv * g[v];
                g[v] = AT(g_z + m);
                for (int l = 0; l < systems; ++l) {
                    vec d = {0};
                    if (b)
                        d = AT(b + l * in + m);
                    if (is_coupled)
                        d += LATERAL(m, l * in);
                    y[l][v] = inv * d + below * y[l][v];
                    PUT(t + l * out + m) = y[l][v];
                }
            }
        for (int l = 0; l < 2; ++l)
            y[l][0] = y[l][1] = (vec){0};
        for (size_t o = half + begin; o > begin;) {
            o -= line;
            for (int v = 0; v < vectors; ++v) {
                const size_t m = o + (size_t)v * LANES;
                const vec above = AT(g_z + m) * AT(inverse + m);
                for (int l = 0; l < systems; ++l) {
                    real *const target = t + l * out + m;
                    y[l][v] = AT(target) + above * y[l][v];
                    PUT(target) = y[l][v];
                    if (sum)
                        PUT(sum + l * in + m) += y[l][v];
                }
            }
        }
    }
}

INLINE solve_wide(int systems, row_operator row, const real *inverse, system_offset offset, const real *b,
                  int is_coupled, row_values near, real *t, real *sum)
{
    UNPACK_OPERATOR(row)
    UNPACK_NEIGHBOURS(near)
    const ptrdiff_t in = offset.in, out = offset.out;
    const size_t line = width;
    for (size_t o = 0; o < half; o += line)
        for (size_t m = o; m < o + line; m += LANES) {
            const vec inv = AT(inverse + m);
            vec below = {0};
            if (o > 0)
                below = inv * AT(g_z + m - line);
            for (int l = 0; l < systems; ++l) {
                vec d = {0}, y = {0};
                if (b)
                    d = AT(b + l * in + m);
                if (is_coupled)
                    d += LATERAL(m, l * in);
                if (o > 0)
                    y = AT(t + l * out + m - line);
                PUT(t + l * out + m) = inv * d + below * y;
            }
        }
    for (size_t o = half; o > 0;) {
        o -= line;
        for (size_t m = o; m < o + line; m += LANES) {
            const vec above = AT(g_z + m) * AT(inverse + m);
            for (int l = 0; l < systems; ++l) {
                real *const target = t + l * out + m;
                vec y = {0};
                if (o < half - line)
                    y = AT(target + line);
                y = AT(target) + above * y;
                PUT(target) = y;
                if (sum)
                    PUT(sum + l * in + m) += y;
            }
        }
    }
}

INLINE solve_columns(int systems, row_operator row, const real *inverse, system_offset offset, const real *b,
                     int is_coupled, row_values near, real *t, real *sum)
{
    if (row.width == LANES)
        solve_narrow(systems, 1, row, inverse, offset, b, is_coupled, near, t, sum);
    else if (row.width == WIDE)
        solve_narrow(systems, 2, row, inverse, offset, b, is_coupled, near, t, sum);
    else
        solve_wide(systems, row, inverse, offset, b, is_coupled, near, t, sum);
}

/* The compiler generates separate code for one and for two right-hand sides, with as many registers. */
#define ONE_OR_TWO(...)                                                     \
    if (offset.in || offset.out)                                            \
        solve_columns(2, row, inverse, offset, __VA_ARGS__);                \
    else                                                                    \
        solve_columns(1, row, inverse, (system_offset){0, 0}, __VA_ARGS__)

/* t = solution of the columns for b, with neighbours at zero. */
CLONED row_solve_uncoupled(row_operator row, const real *inverse, system_offset offset, const real *b, real *t)
{
    ONE_OR_TWO(b, 0, ((row_values){b, b, b, b}), t, NULL);
}

/* t = solution of the columns for b and their neighbours. */
CLONED row_solve(row_operator row, const real *inverse, system_offset offset, const real *b, row_values near,
                 real *t)
{
    ONE_OR_TWO(b, 1, near, t, NULL);
}

/* t = response of the columns to a change of their neighbours. */
CLONED row_solve_change(row_operator row, const real *inverse, system_offset offset, row_values near, real *t)
{
    ONE_OR_TWO(NULL, 1, near, t, NULL);
}

/* The same, and the response is added to sum. */
CLONED row_solve_change_add(row_operator row, const real *inverse, system_offset offset, row_values near, real *t,
                            real *sum)
{
    ONE_OR_TWO(NULL, 1, near, t, sum);
}

/* inflow = heat from the lateral neighbours into the columns of one parity. */
CLONED row_lateral_inflow(row_operator row, row_values near, real *inflow)
{
    UNPACK_OPERATOR(row)
    UNPACK_NEIGHBOURS(near)
    for (size_t o = 0; o < half; o += LANES)
        PUT(inflow + o) = LATERAL(o, 0);
}

#endif
