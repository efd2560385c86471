// Counter-based random numbers (Philox 4x32-10, Salmon et al., SC 2011): a number is a pure function of
// (seed, purpose, stream, index), so nothing depends on order, batch or worker count.
// Known-answer vectors of the paper's Random123 distribution are in tests/unit/base.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace assay {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// One keyed stream. `purpose` separates uses ("dropout", "augment", a plugin's own names); `stream` is usually a
// sample id. Value type, [any-thread].
class Rng {
 public:
  Rng(std::uint64_t seed, std::string_view purpose, std::uint64_t stream = 0);
  std::uint64_t bits(std::uint64_t index) const;     // 64 random bits
  void fill_bits(std::span<std::uint64_t> out, std::uint64_t first = 0) const;  // out[i] = bits(first + i), many at a time
  double uniform(std::uint64_t index) const;         // [0, 1), 53 bits
  double normal(std::uint64_t index) const;          // standard normal (Box-Muller on block i of a salted key)
  std::uint64_t below(std::uint64_t index, std::uint64_t n) const;  // [0, n), n >= 1, bias < n / 2^64
  void fill_uniform(std::span<float> out, float lo, float hi) const;  // out[i] from index i, in [lo, hi)
  void fill_normal(std::span<float> out, float mean, float sd) const;
  // A permutation of [0, out.size()) (Fisher-Yates).
  void permutation(std::span<std::int64_t> out) const;

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint64_t stream_;
};

}  // namespace assay
