// ASSAY_WIDE marks a hot loop that is compiled for several instruction sets and chosen when the program is loaded.
// The bits do not depend on the choice: contraction is off and no loop leaves the order of a reduction to the compiler.
// Off under sanitizers (their start-up runs after the resolvers) and for compilers that cannot clone templates.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define ASSAY_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ASSAY_WIDE
#endif
// Before a loop: no iteration reads what another writes (operands are the same memory or apart).
#if defined(__GNUC__) && !defined(__clang__)
#define ASSAY_INDEPENDENT _Pragma("GCC ivdep")
#else
#define ASSAY_INDEPENDENT
#endif
// Keeps the wide copies apart from callers compiled for the plain instruction set.
#define ASSAY_INLINE inline __attribute__((always_inline))
