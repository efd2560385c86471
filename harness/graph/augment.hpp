// What augments a sample's values after crop and flip. Pure. Private to this folder.
#pragma once

#include <array>
#include <cstdint>

#include "harness/base/rng.hpp"

namespace assay::graph {

struct ImageView {
  float* values;                            // [C, H, W]
  std::int64_t channels, height, width;
  float lo, hi;                             // range of the values
  std::int64_t area() const { return height * width; }
};

// Random erasing with random values, RE-R of Zhong et al. (AAAI 2020): with probability p a rectangle of 2 to 33 % of the
// area and of aspect 0.3 to 3.3 gets uniform values of [lo, hi); ten attempts to fit it in, else nothing.
void erase_randomly(const ImageView& image, const Rng& rng, double p);

// Brightness, contrast, saturation times factors[0, 1, 2], in the given order, clamped to [lo, hi] after each, as
// torchvision's ColorJitter defines them; the last two blend with the mean grey and the grey image. 1 or 3 channels.
void jitter_colours(const ImageView& image, const std::array<float, 3>& factors, const std::array<int, 3>& order);
// The same with factors uniform in [1 - strength, 1 + strength] and a random order.
void jitter_randomly(const ImageView& image, const Rng& rng, double strength);

}  // namespace assay::graph
