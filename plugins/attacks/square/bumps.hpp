// The bumps of the L2 Square attack (Andriushchenko et al., ECCV 2020, section 4.3).
#pragma once

#include "../common/image.hpp"

namespace attacks {

// The bump of height h and width w: concentric rectangles k = 0, 1, ... around the middle, each adding 1 / (k + 1)^2.
inline double bump_at(std::size_t h, std::size_t w, std::size_t row, std::size_t column) {
  const auto off = [](std::size_t at, std::size_t extent) {
    const std::size_t middle = extent / 2;
    return at > middle ? at - middle : middle - at;
  };
  const std::size_t first = std::max(off(row, h), off(column, w)), last = std::max(h, w) / 2 + 1;
  double value = 0;
  for (std::size_t k = first; k < last; ++k) value += 1 / static_cast<double>((k + 1) * (k + 1));
  return value;
}
// Two bumps of opposite sign side by side, of length 1; across the rows or the columns at random.
inline std::vector<double> two_signs(std::size_t h, std::size_t w, Bits& bits) {
  const bool stacked = bits.sign() > 0 ? h > 1 : w == 1;
  const std::size_t extent = stacked ? h : w, half = extent / 2;
  std::vector<double> out(h * w);
  double size = 0;
  for (std::size_t at = 0; at < out.size(); ++at) {
    const std::size_t row = at / w, column = at % w, along = stacked ? row : column, across = stacked ? column : row;
    const std::size_t other = stacked ? w : h;
    const bool first = along < half;
    out[at] = first ? bump_at(half, other, along, across) : -bump_at(extent - half, other, along - half, across);
    size += out[at] * out[at];
  }
  for (double& value : out) value /= std::sqrt(size);
  return out;
}
// The first perturbation: tiles of a fifth of the image, a bump each with a random sign in each channel.
inline std::vector<double> grid(const Image& image, Bits& bits) {
  std::vector<double> delta(image.channels * image.height * image.width, 0.0);
  const std::size_t h = std::max<std::size_t>(image.height / 5, 1), w = std::max<std::size_t>(image.width / 5, 1);
  for (std::size_t top = 0; top + h <= image.height; top += h) {
    for (std::size_t left = 0; left + w <= image.width; left += w) {
      const std::vector<double> bump = two_signs(h, w, bits);
      for (std::size_t c = 0; c < image.channels; ++c) {
        const double sign = bits.sign();
        image.each(c, {top, left, h, w}, [&](std::size_t at, std::size_t k) { delta[at] = sign * bump[k]; });
      }
    }
  }
  return delta;
}

}  // namespace attacks
