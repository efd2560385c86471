// Gaussian smoothing of gradients, channel by channel (Dong et al., CVPR 2019, eq. 8).
#pragma once

#include "image.hpp"

namespace attacks {

namespace detail {

inline std::vector<double> along(const Image& image, const std::vector<double>& kernel, const std::vector<double>& from,
                                 bool horizontal) {
  const auto k = static_cast<std::int64_t>(kernel.size() / 2);
  const std::size_t extent = horizontal ? image.width : image.height, stride = horizontal ? 1 : image.width;
  std::vector<double> out(from.size(), 0.0);
  for (std::size_t at = 0; at < from.size(); ++at) {
    const auto place = static_cast<std::int64_t>(at / stride % extent);
    for (std::int64_t i = -k; i <= k; ++i) {
      if (place + i < 0 || place + i >= static_cast<std::int64_t>(extent)) continue;
      const auto there =
          static_cast<std::size_t>(static_cast<std::int64_t>(at) + i * static_cast<std::int64_t>(stride));
      out[at] += kernel[static_cast<std::size_t>(i + k)] * from[there];
    }
  }
  return out;
}

}  // namespace detail

// Convolves a sample's gradient with (2k + 1) x (2k + 1) elements of a Gaussian of deviation k / sqrt(3), in place.
// The kernel is a product of two: along the columns of an image, then along the rows. Zeros beyond the border.
inline void smooth(const Image& image, std::int64_t k, Row g) {
  if (k == 0) return;
  const double sigma = static_cast<double>(k) / std::sqrt(3.0);
  std::vector<double> kernel;
  for (std::int64_t i = -k; i <= k; ++i) kernel.push_back(std::exp(-static_cast<double>(i * i) / (2 * sigma * sigma)));
  const std::vector<double> across = detail::along(image, kernel, {g.begin(), g.end()}, true);
  const std::vector<double> both = detail::along(image, kernel, across, false);
  for (std::size_t j = 0; j < g.size(); ++j) g[j] = static_cast<float>(both[j]);
}

}  // namespace attacks
