/* Flushing of subnormal numbers to zero while a kernel runs on a thread. Multigrid corrections decay by orders
 * of magnitude from cell to cell, and arithmetic on subnormal numbers takes about a hundred times as long.
 */
#ifndef THERMOSTACK_FLUSH_DENORMALS_H
#define THERMOSTACK_FLUSH_DENORMALS_H

#if defined(__SSE2__)
#include <immintrin.h>
typedef unsigned int fp_mode;
#define FLUSH 0x8040u /* results and operands */
static inline fp_mode flush_denormals(void)
{
    const fp_mode saved = _mm_getcsr();
    _mm_setcsr(saved | FLUSH);
    return saved;
}
static inline void restore_fp_mode(fp_mode saved)
{
    _mm_setcsr(saved);
}
#elif defined(__aarch64__)
typedef unsigned long fp_mode;
#define FLUSH (1ul << 24)
static inline fp_mode flush_denormals(void)
{
    fp_mode saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" : : "r"(saved | FLUSH));
    return saved;
}
static inline void restore_fp_mode(fp_mode saved)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(saved));
}
#else
typedef int fp_mode;
static inline fp_mode flush_denormals(void)
{
    return 0;
}
static inline void restore_fp_mode(fp_mode saved)
{
    (void)saved;
}
#endif

#endif
