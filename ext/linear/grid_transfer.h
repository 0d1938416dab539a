/* What columns of one grid take from those of another, in rows that lie as vectors.h says.
 *
 * A column takes from one column or from two side by side, of which one is even and one odd. So what LANES
 * columns of one parity take lies within 2 LANES values of even columns and as many of odd ones, which are
 * fetched whole and put in order in registers where the processor can do that at once.
 */
#ifndef THERMOSTACK_TRANSFERS_H
#define THERMOSTACK_TRANSFERS_H

#include "simd.h"

/* The maps of one parity of the columns that take. Where nothing is taken, `one` and `other` name the last
 * place of a line, which is unused, and an index lies beyond its window. */
typedef struct {
    int width, source_width; /* values per line */
    const int *one, *other;  /* (width,) x of the columns taken from; NULL: no other */
    const int *window;       /* (2, width / LANES) first even and odd place of the windows, (2, width) index */
} transfer;

/* Fill the windows of a map from the columns it names. */
static inline void find_windows(transfer map, int *window)
{
    const int vectors = map.width / LANES, most = map.source_width > WIDE ? map.source_width - WIDE : 0;
    const int none = 2 * (map.source_width - 1);
    for (int odd = 0; odd < 2; ++odd)
        for (int v = 0; v < vectors; ++v) {
            int begin = most, *index = window + 2 * vectors + odd * map.width + v * LANES;
            for (int pass = 0; pass < 2; ++pass)
                for (int j = 0; j < LANES; ++j)
                    for (int n = 0; n < (map.other ? 2 : 1); ++n) {
                        const int x = (n ? map.other : map.one)[v * LANES + j];
                        const int is_taken = x != none && (x & 1) == odd;
                        if (pass == 0) {
                            index[j] = WIDE;
                            begin = is_taken && x / 2 < begin ? x / 2 : begin;
                        } else if (is_taken)
                            index[j] = x / 2 - begin;
                    }
            window[odd * vectors + v] = begin;
        }
}

CLONED gather_singly(transfer map, int lines, int source_stride, int half, int stride, int adds,
                     const real *restrict source, real *restrict out)
{
    for (int k = 0; k < lines; ++k, source += source_stride, out += stride)
        for (int m = 0; m < map.width; ++m) {
            real value = source[(map.one[m] & 1) * half + (map.one[m] >> 1)];
            if (map.other)
                value += source[(map.other[m] & 1) * half + (map.other[m] >> 1)];
            out[m] = adds ? out[m] + value : value;
        }
}

/* The checked build does without, so that both forms are tried. */
#if defined(THERMOSTACK_CLONES) && defined(NDEBUG)
typedef __typeof__(_Generic((real)0, float: 0, double: 0ll)) whole; /* as wide as a value */
typedef whole indices __attribute__((vector_size(64)));
typedef int places __attribute__((vector_size(LANES * sizeof(int)), aligned(sizeof(int)), may_alias));

static inline __attribute__((always_inline, target("avx512f"))) vec pick(const real *low, const real *high,
                                                                         const int *place)
{
    const indices index = __builtin_convertvector(*(const places *)place, indices);
    return WHERE(index < WIDE, __builtin_shuffle(AT(low), AT(high), index), (vec){0});
}

static __attribute__((target("avx512f"), unused)) void gather_at_once(transfer map, int lines,
                                                                      int source_stride, int half, int stride,
                                                                      int adds, const real *restrict source,
                                                                      real *restrict out)
{
    const int vectors = map.width / LANES, *begin = map.window, *index = begin + 2 * vectors;
    const int behind = map.source_width > LANES ? LANES : 0;
    for (int k = 0; k < lines; ++k, source += source_stride, out += stride)
        for (int v = 0; v < vectors; ++v) {
            const real *even = source + begin[v], *odd = source + half + begin[vectors + v];
            const int *place = index + v * LANES;
            vec value = pick(even, even + behind, place) + pick(odd, odd + behind, place + map.width);
            if (adds)
                value = AT(out + v * LANES) + value;
            PUT(out + v * LANES) = value;
        }
}
#endif

/* out = what the columns of a parity take from a source, or += it where it `adds`, in so many lines. Their
 * odd columns lie `half` behind the even ones in the source. */
static inline void row_gather(transfer map, int lines, int source_stride, int half, int stride, int adds,
                              const real *source, real *out)
{
#if defined(THERMOSTACK_CLONES) && defined(NDEBUG)
    if (__builtin_cpu_supports("avx512f")) {
        gather_at_once(map, lines, source_stride, half, stride, adds, source, out);
        return;
    }
#endif
    gather_singly(map, lines, source_stride, half, stride, adds, source, out);
}

#endif
