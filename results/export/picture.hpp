// Pictures as text that a page can show: PNG files in base64. Inside of the export. [any-thread]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace assay::site {

struct PictureSize {
  std::int64_t channels = 1, height = 0, width = 0;  // channels 1 (grey) or 3 (red, green, blue)
  bool operator==(const PictureSize&) const = default;
  std::size_t values() const { return static_cast<std::size_t>(channels * height * width); }
};

// `planes`: [channels, height, width], 8 bits a value. Throws Error(bad_input) when it has another length,
// Error(internal) when the picture cannot be encoded.
std::string png_base64(std::span<const std::uint8_t> planes, const PictureSize& size);

std::string base64(std::span<const std::uint8_t> bytes);  // RFC 4648, padded

}  // namespace assay::site
