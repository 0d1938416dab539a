/* CLONED makes a function that is built for several processors; the best one this machine has is taken when
 * the module is loaded. Checked and clang's builds have one form. */
#ifndef THERMOSTACK_CLONES_H
#define THERMOSTACK_CLONES_H

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) \
    && !defined(__clang__) && __GNUC__ >= 12 && defined(__OPTIMIZE__)
#define THERMOSTACK_CLONES
#define CLONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), unused)) static void
#else
#define CLONED __attribute__((unused)) static void
#endif

#endif
