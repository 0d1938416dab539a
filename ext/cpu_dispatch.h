/* CLONED declares a function that is compiled for several processor generations; the loader selects the
 * version for the processor at hand. Checked builds and clang builds compile one version. */
#ifndef THERMOSTACK_CPU_DISPATCH_H
#define THERMOSTACK_CPU_DISPATCH_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) \
    && !defined(__clang__) && __GNUC__ >= 12 && defined(__OPTIMIZE__)
#define THERMOSTACK_CLONES
#define CLONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), unused)) static void
#else
#define CLONED __attribute__((unused)) static void
#endif

#endif
