/* Numbers too small for the normal form are taken for zero while a kernel runs on a thread: corrections decay
 * by orders of magnitude from cell to cell, and a processor takes a hundred times as long over the last of them.
 */
#ifndef THERMOSTACK_SMALL_H
#define THERMOSTACK_SMALL_H

#if defined(__SSE2__)
#include <immintrin.h>
typedef unsigned int rounding;
#define FLUSH 0x8040u /* results and operands */
static inline rounding drop_small(void)
{
    const rounding was = _mm_getcsr();
    _mm_setcsr(was | FLUSH);
    return was;
}
static inline void keep_small(rounding was)
{
    _mm_setcsr(was);
}
#elif defined(__aarch64__)
typedef unsigned long rounding;
#define FLUSH (1ul << 24)
static inline rounding drop_small(void)
{
    rounding was;
    __asm__ volatile("mrs %0, fpcr" : "=r"(was));
    __asm__ volatile("msr fpcr, %0" : : "r"(was | FLUSH));
    return was;
}
static inline void keep_small(rounding was)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(was));
}
#else
typedef int rounding;
static inline rounding drop_small(void)
{
    return 0;
}
static inline void keep_small(rounding was)
{
    (void)was;
}
#endif

#endif
