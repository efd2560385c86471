// Windows of an image: where a sample's elements lie when it is read as channels, rows and columns.
#pragma once

#include "bits.hpp"
#include "points.hpp"

namespace attacks {

struct Window {
  std::size_t top, left, height, width;
};

// A sample as channels, rows and columns; a flat input is one row of one channel.
struct Image {
  std::size_t channels = 1, height = 1, width = 1;

  explicit Image(const assay::Shape& batch) {
    const auto dim = [&](std::size_t axis) { return static_cast<std::size_t>(batch[axis]); };
    const std::size_t axes = batch.size();
    width = axes > 1 ? dim(axes - 1) : 1;
    if (axes > 2) height = dim(axes - 2);
    for (std::size_t axis = 1; axis + 2 < axes; ++axis) channels *= dim(axis);
  }
  // Side of a window that covers `share` of the image, at least `least`, and never more than the image.
  std::size_t side(double share, std::size_t least) const {
    const double area = share * static_cast<double>(height * width);
    const auto wanted = static_cast<std::size_t>(std::llround(height == 1 ? area : std::sqrt(area)));
    return std::max(wanted, least);
  }
  Window random_window(std::size_t side, Bits& bits) const {
    const std::size_t h = std::min(side, height), w = std::min(side, width);
    const std::size_t top = bits.below(height - h + 1), left = bits.below(width - w + 1);
    return {top, left, h, w};
  }
  bool inside(const Window& window, std::size_t at) const {
    const std::size_t y = at / width % height, x = at % width;
    return y >= window.top && y < window.top + window.height && x >= window.left && x < window.left + window.width;
  }
  // f(position in the sample, position in the window)
  template <class F>
  void each(std::size_t channel, const Window& window, F f) const {
    for (std::size_t row = 0; row < window.height; ++row) {
      const std::size_t base = (channel * height + window.top + row) * width + window.left;
      for (std::size_t column = 0; column < window.width; ++column) f(base + column, row * window.width + column);
    }
  }
};

}  // namespace attacks
