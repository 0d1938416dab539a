/* Operator and field of the columns of one parity of one row, as the kernels take them. */
#ifndef THERMOSTACK_ROW_OPERATOR_H
#define THERMOSTACK_ROW_OPERATOR_H

#include "simd.h"

/* Conductances of the columns of one parity: slabs as simd.h describes them. `g_x` points to the whole row,
 * `g_s`, `g_n` and `g_z` to the half of this parity. Boundary conductances are stored only for lines that have
 * any: `boundary_line[k]` is the number of the stored line of height k, or -1. */
typedef struct {
    int nz, width, parity;
    const real *g_x, *g_s, *g_n, *g_z, *boundary;
    const int *boundary_line;
} row_operator;

/* Values of a field: those of the columns themselves, of the other parity of the same row, and of the rows to
 * the south and to the north. */
typedef struct {
    const real *own, *other, *south, *north;
} row_values;

/* Conductances of the faces of the columns of one parity. The west and east faces of even columns alternate
 * with those of odd columns, so that one of the two is shifted by one value. */
#define UNPACK_OPERATOR(row)                                                         \
    const int nz = (row).nz, width = (row).width, parity = (row).parity;             \
    const size_t half = (size_t)nz * width;                                          \
    const real *const g_w = parity ? (row).g_x : (row).g_x + half - 1;               \
    const real *const g_e = parity ? (row).g_x + half : (row).g_x;                   \
    const real *const g_s = (row).g_s, *const g_n = (row).g_n, *const g_z = (row).g_z; \
    (void)g_w, (void)g_e, (void)g_s, (void)g_n, (void)g_z, (void)half;

/* Values of the four lateral neighbours. */
#define UNPACK_NEIGHBOURS(values)                                                                  \
    const real *const t_w = parity ? (values).other : (values).other - 1;                          \
    const real *const t_e = parity ? (values).other + 1 : (values).other;                          \
    const real *const t_s = (values).south, *const t_n = (values).north;                           \
    (void)t_w, (void)t_e, (void)t_s, (void)t_n;

/* Boundary conductance of the columns m at height k; only valid where `boundary_line[k]` is not -1. */
#define BOUNDARY(row, k, m) AT((row).boundary + (size_t)(row).boundary_line[k] * 2 * (row).width + (m))

#endif
