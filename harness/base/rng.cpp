// Philox 4x32 with 10 rounds and the distributions on top of it. Pure functions of key and counter.
#include "harness/base/rng.hpp"

#include <cmath>
#include <numbers>
#include <numeric>

#include "harness/base/hash.hpp"

namespace assay {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint32_t block = 64;  // counters that philox_block() carries side by side
constexpr std::uint32_t normal_salt = 0x6e6f726dU;  // keeps the words behind normal(i) apart from those behind bits(i)

std::array<std::uint32_t, 4> counter_of(std::uint64_t index, std::uint64_t stream) {
  return {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
          static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
}

std::uint64_t join(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }

std::uint32_t hex_word(std::string_view digits) {
  std::uint32_t word = 0;
  for (const char c : digits) word = word << 4 | static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return word;
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

Rng::Rng(std::uint64_t seed, std::string_view purpose, std::uint64_t stream) : stream_(stream) {
  Sha256 hash;
  hash.update(std::to_string(seed) + "/");
  hash.update(purpose);
  const std::string digest = hash.hex();
  key_ = {hex_word(std::string_view(digest).substr(0, 8)), hex_word(std::string_view(digest).substr(8, 8))};
}

std::uint64_t Rng::bits(std::uint64_t index) const {
  const auto words = philox4x32(counter_of(index, stream_), key_);
  return join(words[0], words[1]);
}

// The same rounds on `block` counters side by side, so that the loops vectorise. Integer arithmetic: the copies for
// wider instruction sets give the same bits. (Not under sanitizers, whose start-up runs after the resolvers.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void philox_block(std::uint64_t first, std::uint64_t stream, std::array<std::uint32_t, 2> key, std::uint64_t* out) {
  std::uint32_t c0[block], c1[block], c2[block], c3[block];
  for (std::uint32_t i = 0; i < block; ++i) {
    const std::uint64_t index = first + i;
    c0[i] = static_cast<std::uint32_t>(index);
    c1[i] = static_cast<std::uint32_t>(index >> 32);
    c2[i] = static_cast<std::uint32_t>(stream);
    c3[i] = static_cast<std::uint32_t>(stream >> 32);
  }
  for (int round = 0; round < 10; ++round) {
    for (std::uint32_t i = 0; i < block; ++i) {
      const std::uint64_t a = std::uint64_t{0xD2511F53U} * c0[i];
      const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * c2[i];
      c0[i] = static_cast<std::uint32_t>(b >> 32) ^ c1[i] ^ key[0];
      c1[i] = static_cast<std::uint32_t>(b);
      c2[i] = static_cast<std::uint32_t>(a >> 32) ^ c3[i] ^ key[1];
      c3[i] = static_cast<std::uint32_t>(a);
    }
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  for (std::uint32_t i = 0; i < block; ++i) out[i] = std::uint64_t{c1[i]} << 32 | c0[i];
}

void Rng::fill_bits(std::span<std::uint64_t> out, std::uint64_t first) const {
  std::size_t i = 0;
  for (; i + block <= out.size(); i += block) philox_block(first + i, stream_, key_, out.data() + i);
  for (; i < out.size(); ++i) out[i] = bits(first + i);
}

double Rng::uniform(std::uint64_t index) const { return static_cast<double>(bits(index) >> 11) * 0x1p-53; }

double Rng::normal(std::uint64_t index) const {
  const auto words = philox4x32(counter_of(index, stream_), {key_[0] ^ normal_salt, key_[1]});
  const double u = (static_cast<double>(join(words[0], words[1]) >> 11) + 1.0) * 0x1p-53;  // (0, 1]: the log is finite
  const double v = static_cast<double>(join(words[2], words[3]) >> 11) * 0x1p-53;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

std::uint64_t Rng::below(std::uint64_t index, std::uint64_t n) const {
  return static_cast<std::uint64_t>(Wide{bits(index)} * n >> 64);
}

void Rng::fill_uniform(std::span<float> out, float lo, float hi) const {
  const float last = std::nextafter(hi, lo);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float value = lo + static_cast<float>(bits(i) >> 40) * 0x1p-24F * (hi - lo);
    out[i] = value < hi ? value : last;  // rounding may land on hi
  }
}

void Rng::fill_normal(std::span<float> out, float mean, float sd) const {
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(static_cast<double>(mean) + static_cast<double>(sd) * normal(i));
}

void Rng::permutation(std::span<std::int64_t> out) const {
  std::iota(out.begin(), out.end(), std::int64_t{0});
  for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[static_cast<std::size_t>(below(i - 1, i))]);
}

}  // namespace assay
