// PNG sheets: one image a row, pixels in row-major order with interleaved channels (HWC); out come planes (CHW).
#include <png.h>

#include <string_view>

#include "harness/base/files.hpp"
#include "harness/base/json.hpp"
#include "harness/data/loaders/formats.hpp"
#include "harness/data/loaders/support.hpp"

namespace assay::data {
namespace {

// libpng's simplified interface: no setjmp, and a message instead of an abort.
struct PngImage {
  png_image image{};
  PngImage() { image.version = PNG_IMAGE_VERSION; }
  ~PngImage() { png_image_free(&image); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

[[noreturn]] void refuse(const fs::path& file, const std::string& what) {
  throw Error(Fault::bad_input, file.string() + ": " + what);
}

// Colour type and depth stand at fixed places of the first chunk. Only stored 8-bit grey and RGB are taken as they
// are; a palette, alpha, 16 bits or a gamma conversion would not be lossless.
void check_header(const fs::path& file, std::span<const std::byte> bytes, std::int64_t channels) {
  constexpr std::size_t depth_at = 24, colour_at = 25, header_bytes = 33;
  if (bytes.size() < header_bytes) refuse_at(file, bytes.size(), "the PNG header is cut");
  const int depth = std::to_integer<int>(bytes[depth_at]), colour = std::to_integer<int>(bytes[colour_at]);
  const int expected = channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
  if (depth != 8) refuse_at(file, depth_at, "PNG of " + std::to_string(depth) + " bits a channel, expected 8");
  if (colour != expected)
    refuse_at(file, colour_at,
              "PNG of colour type " + std::to_string(colour) + ", expected " + std::to_string(expected) + " for " +
                  std::to_string(channels) + " channels");
}

// Chunks before the data that would make the decoder change values: transparency, and a gamma other than sRGB's.
void check_chunks(const fs::path& file, std::span<const std::byte> bytes) {
  constexpr std::size_t signature_bytes = 8, around = 12;  // length, type and checksum
  constexpr std::uint32_t srgb_gamma = 45455;
  std::size_t at = signature_bytes;
  while (bytes.size() - at >= around) {
    const std::size_t length = big_endian(bytes, at);
    const std::string_view type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    if (type == "IDAT" || length > bytes.size() - at - around) return;  // the decoder judges the rest
    const bool gamma = type == "gAMA" && length == 4 && big_endian(bytes, at + 8) != srgb_gamma;
    if (gamma || type == "tRNS" || type == "iCCP")
      refuse_at(file, at, "a PNG with a '" + std::string(type) + "' chunk, which would not be read losslessly");
    at += length + around;
  }
}

std::vector<png_byte> decode(const fs::path& file, std::span<const std::byte> bytes, std::span<const std::int64_t> chw,
                             std::size_t& rows) {
  PngImage png;
  if (png_image_begin_read_from_memory(&png.image, bytes.data(), bytes.size()) == 0)
    refuse(file, std::string("not a PNG: ") + png.image.message);
  check_header(file, bytes, chw[0]);
  check_chunks(file, bytes);
  const auto width = static_cast<png_uint_32>(chw[1] * chw[2]);
  if (png.image.width != width)
    refuse(file, "a sheet of width " + std::to_string(png.image.width) + ", expected " + std::to_string(width) +
                     " pixels (one image a row)");
  png.image.format = chw[0] == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  rows = png.image.height;
  constexpr std::size_t best_ratio = 1100;  // deflate packs at most 1032 to 1: a header that promises more is damaged
  if (rows * width * static_cast<std::size_t>(chw[0]) / best_ratio > bytes.size())
    refuse(file, "a file of " + std::to_string(bytes.size()) + " bytes cannot hold " + std::to_string(rows) + " rows");
  std::vector<png_byte> pixels(PNG_IMAGE_SIZE(png.image));
  if (png_image_finish_read(&png.image, nullptr, pixels.data(), 0, nullptr) == 0)
    refuse(file, std::string("damaged PNG: ") + png.image.message);
  return pixels;
}

}  // namespace

Array read_png_sheet(const fs::path& file, std::span<const std::int64_t> chw) {
  const std::size_t image = image_bytes(chw);
  if (image == 0 || (chw[0] != 1 && chw[0] != 3))
    refuse(file, "a PNG sheet holds images of shape [1 or 3, height, width]");
  const MappedFile map(file);
  std::size_t rows = 0;
  const std::vector<png_byte> pixels = decode(file, map.bytes(), chw, rows);
  const auto channels = static_cast<std::size_t>(chw[0]);
  const std::size_t plane = image / channels;
  Array out{"U8", {static_cast<std::int64_t>(rows), chw[0], chw[1], chw[2]}, std::vector<std::byte>(rows * image)};
  for (std::size_t row = 0; row < rows; ++row) {
    const png_byte* from = pixels.data() + row * image;
    std::byte* to = out.bytes.data() + row * image;
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t p = 0; p < plane; ++p) to[c * plane + p] = static_cast<std::byte>(from[p * channels + c]);
  }
  return out;
}

std::vector<std::int64_t> read_json_labels(const fs::path& file, std::int64_t classes) {
  const Json json = Json::parse(read_text(file), file.string());
  if (!json.is_array()) refuse(file, "expected an array of class indices");
  std::vector<std::int64_t> labels;
  labels.reserve(json.size());
  for (const Json& item : json.as_array()) {
    const std::string place = "entry " + std::to_string(labels.size());
    if (!item.is_int()) refuse(file, place + ": expected an integer, found " + item.dump());
    if (item.as_int() < 0 || item.as_int() >= classes)
      refuse(file, place + ": label " + item.dump() + " is outside [0, " + std::to_string(classes) + ")");
    labels.push_back(item.as_int());
  }
  return labels;
}

}  // namespace assay::data
