/* How a row of columns lies in memory, and the vectors its loops work with; REAL is float or double.
 *
 * A row is a slab of two halves, the columns with even and with odd x, each nz lines of `width`
 * values (a multiple of LANES, the last at least unused). Unused places hold zero conductance and zero
 * value, so no loop has a special case at either end: what lies beyond is multiplied by zero.
 */
#ifndef THERMOSTACK_VECTORS_H
#define THERMOSTACK_VECTORS_H

#include <stddef.h>
#include <string.h>

#include "cpu_dispatch.h"

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

/* Only lines that have any ground conductance are kept of it, `line[k]` says which one is that of k, or -1. */
#define GROUND(k, m) AT(ground + (size_t)line[k] * 2 * width + (m))

/* Eight values of a field in natural order, which is in float64 throughout. */
typedef double eight __attribute__((vector_size(64), aligned(sizeof(double)), may_alias));
typedef long long eight_bits __attribute__((vector_size(64)));

/* The sum of eight, from the first on. */
static inline __attribute__((always_inline)) double sum_of(eight values)
{
    double sum = 0;
    for (int j = 0; j < 8; ++j)
        sum += values[j];
    return sum;
}

#endif
