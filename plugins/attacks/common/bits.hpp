// Small random draws from 64 bits that the host gave for (purpose, sample, index): SplitMix64 (Steele et al., 2014)
// stretches them, so that a step of a query attack costs one call of the host a sample.
#pragma once

#include <cstdint>

namespace attacks {

class Bits {
 public:
  explicit Bits(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  // Uniform in 0 .. n-1; the bias of the remainder is below n / 2^64.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  double sign() { return (next() >> 63) != 0 ? 1.0 : -1.0; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)

 private:
  std::uint64_t state_;
};

}  // namespace attacks
