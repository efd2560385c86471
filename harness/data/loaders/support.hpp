// What the readers share: refusals that name file and offset, and a cursor over bytes. Private to data/loaders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "harness/base/error.hpp"

namespace assay::data {

[[noreturn]] inline void refuse_at(const std::filesystem::path& file, std::uint64_t offset, const std::string& what) {
  throw Error(Fault::bad_input, file.string() + ": offset " + std::to_string(offset) + ": " + what);
}

// The u32 at `at`, most significant byte first. `bytes` holds at least at + 4.
inline std::uint32_t big_endian(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

// Samples of [channels, height, width] bytes; 0 when the shape is not three positive, sane dimensions.
inline std::size_t image_bytes(std::span<const std::int64_t> chw) {
  constexpr std::int64_t limit = 1 << 16;  // a side; keeps every product below 2^48
  if (chw.size() != 3) return 0;
  std::size_t bytes = 1;
  for (const std::int64_t extent : chw) {
    if (extent < 1 || extent > limit) return 0;
    bytes *= static_cast<std::size_t>(extent);
  }
  return bytes;
}

}  // namespace assay::data
