#include "results/export/picture.hpp"

#include <png.h>

#include <vector>

#include "harness/base/error.hpp"

namespace assay::site {
namespace {

// libpng's simplified interface: no setjmp, and a message instead of an abort.
struct PngImage {
  png_image image{};
  explicit PngImage(const PictureSize& size) {
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(size.width);
    image.height = static_cast<png_uint_32>(size.height);
    image.format = size.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  }
  ~PngImage() { png_image_free(&image); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

std::vector<std::uint8_t> interleaved(std::span<const std::uint8_t> planes, const PictureSize& size) {
  std::vector<std::uint8_t> out(planes.size());
  const auto channels = static_cast<std::size_t>(size.channels), pixels = planes.size() / channels;
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < pixels; ++i) out[i * channels + c] = planes[c * pixels + i];
  return out;
}

}  // namespace

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t word = static_cast<std::uint32_t>(bytes[i]) << 16 |
                               (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0) |
                               (left > 2 ? static_cast<std::uint32_t>(bytes[i + 2]) : 0);
    for (std::size_t k = 0; k < 4; ++k) out += k <= left ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string png_base64(std::span<const std::uint8_t> planes, const PictureSize& size) {
  if (size.height <= 0 || size.width <= 0 || (size.channels != 1 && size.channels != 3) ||
      planes.size() != size.values())
    bad_input("a picture of another size than its values");
  PngImage png(size);
  const std::vector<std::uint8_t> pixels = interleaved(planes, size);
  std::vector<std::uint8_t> file(PNG_IMAGE_PNG_SIZE_MAX(png.image));
  png_alloc_size_t bytes = file.size();
  if (png_image_write_to_memory(&png.image, file.data(), &bytes, 0, pixels.data(), 0, nullptr) == 0)
    throw Error(Fault::internal,
                std::string("a picture cannot be encoded: ") + static_cast<const char*>(png.image.message));
  return base64(std::span(file).first(bytes));
}

}  // namespace assay::site
