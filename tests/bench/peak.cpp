// The f32 multiply-add rate of the widest vectors that this machine has: the roof of the roofline.
#include "works.hpp"

namespace assay::bench {

volatile float fma_sink = 0;
volatile float fma_factor = 0.999f;  // read at run time: a constant recurrence would be solved by the compiler

namespace {

constexpr int kChains = 12;  // latency 4 times two units, and some

template <class Vector>
inline __attribute__((always_inline)) float chains(std::int64_t rounds) {
  Vector sum[kChains];
  for (Vector& s : sum) s = Vector{} + 1.0f;
  const Vector a = Vector{} + fma_factor, b = Vector{} + 0.001f;
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] = sum[i] * a + b;
  }
#pragma GCC unroll 12
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  return sum[0][0];
}

typedef float Wide __attribute__((vector_size(64)));
typedef float Half __attribute__((vector_size(32)));
typedef float Quad __attribute__((vector_size(16)));

#if defined(__x86_64__)
__attribute__((target("avx512f,fma"))) float wide(std::int64_t n) { return chains<Wide>(n); }
__attribute__((target("avx2,fma"))) float half(std::int64_t n) { return chains<Half>(n); }
#endif

}  // namespace

double fma_flops(std::int64_t rounds) {
  const auto count = [rounds](int lanes) { return 2.0 * kChains * lanes * static_cast<double>(rounds); };
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return fma_sink = wide(rounds), count(16);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return fma_sink = half(rounds), count(8);
#endif
  return fma_sink = chains<Quad>(rounds), count(4);
}

}  // namespace assay::bench
