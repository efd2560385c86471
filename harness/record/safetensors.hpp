// The one container for arrays on disk: safetensors (8-byte little-endian header length, JSON header, raw bytes).
// Model artifacts, prepared records, adversarial batches and checkpoints are all such files; `metadata` holds a
// JSON value under the "__metadata__" key "assay" (as text, as the format demands string values).
// Deterministic: equal content gives equal bytes. Data are laid out by element size (largest first), then name, without
// holes, from an 8-byte boundary: so every array is aligned to its own element. Files of other tools load in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.hpp"

namespace assay {

struct Array {
  std::string dtype;  // F32 F64 BF16 I64 I32 U8 I8 BOOL
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;  // row-major

  static Array f32(std::vector<std::int64_t> shape, std::span<const float> values);
  static Array f64(std::vector<std::int64_t> shape, std::span<const double> values);
  static Array i64(std::vector<std::int64_t> shape, std::span<const std::int64_t> values);
  static Array u8(std::vector<std::int64_t> shape, std::span<const std::uint8_t> values);
  // Throw Error(bad_input) when the dtype is another.
  std::span<const float> as_f32() const;
  std::span<const double> as_f64() const;
  std::span<const std::int64_t> as_i64() const;
  std::span<const std::uint8_t> as_u8() const;
  std::int64_t count() const;  // product of shape
};

std::size_t dtype_bytes(const std::string& dtype);  // throws Error(bad_input) for an unknown name

struct Container {
  Json metadata;
  std::map<std::string, Array> arrays;
  const Array& at(const std::string& name) const;  // throws Error(bad_input) with the names that are there
};

std::vector<std::byte> encode(const Container& container);
// Validates every offset, overlap and length; throws Error(bad_input) naming `origin` and the tensor.
Container decode(std::span<const std::byte> bytes, const std::string& origin);
void save_container(const std::filesystem::path& file, const Container& container);  // write_atomic
Container load_container(const std::filesystem::path& file);

}  // namespace assay
