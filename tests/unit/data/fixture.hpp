// Tiny files of the real formats, made by the tests themselves.
#pragma once

#include <png.h>
#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/data/catalog.hpp"
#include "harness/data/records.hpp"

namespace fixture {

namespace fs = std::filesystem;
using assay::data::RecordSet;

inline std::string big_endian(std::uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

inline std::string idx(const std::vector<std::uint32_t>& shape, const std::string& data) {
  std::string out{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) out += big_endian(extent);
  return out + data;
}

inline std::string gzip(const std::string& content) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, static_cast<uLong>(content.size())) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

// Deterministic filler.
inline std::string bytes(std::size_t count, unsigned seed = 1) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    out += static_cast<char>(seed >> 24);
  }
  return out;
}

inline std::string png(std::uint32_t width, std::uint32_t height, int format, const std::string& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = static_cast<png_uint_32>(format);
  png_alloc_size_t size = 0;
  png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr);
  std::string out(size, '\0');
  png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr);
  return out;
}

inline std::string tar_header(const std::string& name, std::size_t size, char type = '0') {
  std::string block(512, '\0');
  block.replace(0, name.size(), name);
  block.replace(100, 8, std::string("0000644\0", 8));
  char octal[16];
  std::snprintf(octal, sizeof octal, "%011zo", size);
  block.replace(124, 11, octal);
  block[156] = type;
  block.replace(257, 8, std::string("ustar\00000", 8));
  block.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(octal, sizeof octal, "%06o", sum);
  block.replace(148, 7, std::string(octal) + '\0');
  return block;
}

inline std::string padded(std::string data) {
  data.resize((data.size() + 511) / 512 * 512, '\0');
  return data;
}

inline std::string tar(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out;
  for (const auto& [name, data] : members) out += tar_header(name, data.size()) + padded(data);
  return out + std::string(1024, '\0');
}

inline fs::path put(const fs::path& file, const std::string& content) {
  assay::write_atomic(file, std::string_view(content));
  return file;
}

// The message of the error that `f` throws, or "" when it throws none.
template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const assay::Error& error) {
    return error.what();
  }
  return {};
}

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// n images [channels, side, side] of u8 with labels i % classes.
inline RecordSet images(const std::string& origin, std::int64_t n, std::int64_t side = 4, std::int64_t channels = 1,
                        std::int64_t classes = 2) {
  using namespace assay;
  RecordSet set;
  set.origin = origin + "/test";
  const auto size = static_cast<std::size_t>(n * channels * side * side);
  const std::string filler = bytes(size, static_cast<unsigned>(origin.size() + 7));
  std::vector<std::uint8_t> pixels(filler.begin(), filler.end());
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < n; ++i) {
    set.ids.push_back(data::sample_id(origin, "test", i));
    labels.push_back(i % classes);
  }
  for (std::int64_t c = 0; c < classes; ++c) set.classes.push_back("class-" + std::to_string(c));
  set.add({"input",
           data::Role::input,
           data::FieldType::image_u8({channels, side, side}),
           Array::u8({n, channels, side, side}, pixels),
           {},
           {}});
  set.add({"target", data::Role::target, data::FieldType::category(set.classes), Array::i64({n}, labels), {}, {}});
  return set;
}

// A set of two IDX files in `folder` (gzip when `packed`), as catalogue entry with a source of kind "path".
inline assay::CatalogEntry idx_entry(const fs::path& folder, bool packed = false, std::uint32_t n = 6) {
  const std::string pixels = idx({n, 2, 3}, bytes(n * 6));
  std::string labels;
  for (std::uint32_t i = 0; i < n; ++i) labels += static_cast<char>(i % 2);
  const std::string label_file = idx({n}, labels), suffix = packed ? ".gz" : "";
  put(folder / ("x.idx" + suffix), packed ? gzip(pixels) : pixels);
  put(folder / ("y.idx" + suffix), packed ? gzip(label_file) : label_file);
  assay::CatalogEntry entry;
  entry.name = "toy";
  entry.title = "Toy";
  entry.task = "classification";
  entry.format = "idx";
  entry.shape = {1, 2, 3};
  entry.classes = {"even", "odd"};
  entry.files = {{"images", "x.idx", assay::sha256(pixels), pixels.size()},
                 {"labels", "y.idx", assay::sha256(label_file), label_file.size()}};
  entry.splits = {{"test", static_cast<std::int64_t>(n), {"images", "labels"}}};
  entry.sources = {{"path", folder.string(), {{"images", "x.idx" + suffix}, {"labels", "y.idx" + suffix}}}};
  return entry;
}

}  // namespace fixture
