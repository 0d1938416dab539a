/* Gather of the values that the columns of one grid receive from those of another: restriction adds the columns of
 * a coarse column, prolongation copies its value. Rows lie in memory as simd.h describes.
 *
 * A column receives from one column or from two adjacent ones, of which one is even and one odd. So LANES columns
 * of one parity receive from 2 LANES even columns and as many odd ones at most, which are loaded as a whole and
 * permuted in registers where the processor has an instruction for it.
 */
#ifndef THERMOSTACK_GRID_TRANSFER_H
#define THERMOSTACK_GRID_TRANSFER_H

#include "simd.h"

/* Map of the receiving columns of one parity. Where nothing is received, `first` and `second` name the last value
 * of a line, which is unused, and an index lies beyond its window. */
typedef struct {
    int width, source_width;   /* values per line */
    const int *first, *second; /* (width,) x of the source columns; NULL: there is no second one */
    const int *window;         /* (2, width / LANES) first even and odd value of the windows, (2, width) index */
} transfer_map;

/* Compute the windows of a map from the columns it names. */
static inline void find_windows(transfer_map map, int *window)
{
    const int vectors = map.width / LANES, last = map.source_width > WIDE ? map.source_width - WIDE : 0;
    const int none = 2 * (map.source_width - 1);
    for (int odd = 0; odd < 2; ++odd)
        for (int v = 0; v < vectors; ++v) {
            int begin = last, *index = window + 2 * vectors + odd * map.width + v * LANES;
            for (int pass = 0; pass < 2; ++pass)
                for (int j = 0; j < LANES; ++j)
                    for (int n = 0; n < (map.second ? 2 : 1); ++n) {
                        const int x = (n ? map.second : map.first)[v * LANES + j];
                        const int is_source = x != none && (x & 1) == odd;
                        if (pass == 0) {
                            index[j] = WIDE;
                            begin = is_source && x / 2 < begin ? x / 2 : begin;
                        } else if (is_source)
                            index[j] = x / 2 - begin;
                    }
            window[odd * vectors + v] = begin;
        }
}

/* Strides of a gather: values between the lines of the source, from its even to its odd columns, and between the
 * lines of the result. */
typedef struct {
    int source, half, out;
} gather_strides;

CLONED gather_scalar(transfer_map map, int lines, gather_strides stride, int adds, const real *restrict source,
                     real *restrict out)
{
    for (int k = 0; k < lines; ++k, source += stride.source, out += stride.out)
        for (int m = 0; m < map.width; ++m) {
            real value = source[(map.first[m] & 1) * stride.half + (map.first[m] >> 1)];
            if (map.second)
                value += source[(map.second[m] & 1) * stride.half + (map.second[m] >> 1)];
            out[m] = adds ? out[m] + value : value;
        }
}

/* The checked build has the scalar form alone, so that both forms are tested. */
#if defined(THERMOSTACK_CLONES) && defined(NDEBUG)
typedef __typeof__(_Generic((real)0, float: 0, double: 0ll)) lane_index; /* an integer of the size of a value */
typedef lane_index lane_indices __attribute__((vector_size(VECTOR_BYTES)));
typedef int stored_indices __attribute__((vector_size(LANES * sizeof(int)), aligned(sizeof(int)), may_alias));

static inline __attribute__((always_inline, target("avx2"))) vec permute(const real *low, const real *high,
                                                                            const int *index_of_lane)
{
    const lane_indices index = __builtin_convertvector(*(const stored_indices *)index_of_lane, lane_indices);
    return WHERE(index < WIDE, __builtin_shuffle(AT(low), AT(high), index), (vec){0});
}

static __attribute__((target("avx2"), unused)) void gather_avx2(transfer_map map, int lines,
                                                                     gather_strides stride, int adds,
                                                                     const real *restrict source,
                                                                     real *restrict out)
{
    const int vectors = map.width / LANES, *begin = map.window, *index = begin + 2 * vectors;
    const int next = map.source_width > LANES ? LANES : 0;
    for (int k = 0; k < lines; ++k, source += stride.source, out += stride.out)
        for (int v = 0; v < vectors; ++v) {
            const real *even = source + begin[v], *odd = source + stride.half + begin[vectors + v];
            const int *lane = index + v * LANES;
            vec value = permute(even, even + next, lane) + permute(odd, odd + next, lane + map.width);
            if (adds)
                value = AT(out + v * LANES) + value;
            PUT(out + v * LANES) = value;
        }
}
#endif

/* out = the values that the columns of a parity receive from a source, or += these where `adds`. */
static inline void row_gather(transfer_map map, int lines, gather_strides stride, int adds, const real *source,
                              real *out)
{
#if defined(THERMOSTACK_CLONES) && defined(NDEBUG)
    if (__builtin_cpu_supports("avx2")) {
        gather_avx2(map, lines, stride, adds, source, out);
        return;
    }
#endif
    gather_scalar(map, lines, stride, adds, source, out);
}

#endif
