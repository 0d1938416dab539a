/* Memory layout of a row of columns, and the SIMD vectors of the loops over it; REAL is float or double.
 *
 * A row is a slab of two halves: the columns of even x, then those of odd x. Each half has nz lines of `width`
 * values, a multiple of LANES of which at least the last is unused. Unused values are zero in conductances and
 * fields, so that loops need no special case at either end: the values beyond the end are multiplied by zero.
 */
#ifndef THERMOSTACK_SIMD_H
#define THERMOSTACK_SIMD_H

#include <stddef.h>
#include <string.h>

#include "cpu_dispatch.h"

typedef REAL real;

#define INLINE static inline __attribute__((always_inline)) void
#define VECTOR_BYTES 32 /* compilers split wider vectors badly on processors whose registers have 32 bytes */
/* Adjacent columns whose state stays in registers while k runs up and down. */
typedef real vec __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
#define LANES ((int)(VECTOR_BYTES / sizeof(real)))
#define WIDE (2 * LANES)
#define AT(pointer) (*(const vec *)(pointer))
#define PUT(pointer) (*(vec *)(pointer))

/* a where a comparison of vectors is true, b elsewhere. */
typedef __typeof__((vec){0} > (vec){0}) mask;
#define WHERE(is_true, a, b) ((vec)(((is_true) & (mask)(a)) | (~(is_true) & (mask)(b))))

/* Four values of a field in natural order, which is always float64. */
typedef double four __attribute__((vector_size(32), aligned(sizeof(double)), may_alias));
typedef long long four_bits __attribute__((vector_size(32)));

/* The sum of eight values in two vectors, added from the first to the last. */
static inline __attribute__((always_inline)) double sum_of(four low, four high)
{
    return ((((((low[0] + low[1]) + low[2]) + low[3]) + high[0]) + high[1]) + high[2]) + high[3];
}

#endif
