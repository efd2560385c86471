#include "harness/graph/augment.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace assay::graph {
namespace {

float grey_at(const ImageView& image, std::int64_t i) {
  if (image.channels == 1) return image.values[i];
  const float *r = image.values, *g = r + image.area(), *b = g + image.area();
  return 0.2989F * r[i] + 0.587F * g[i] + 0.114F * b[i];  // ITU-R BT.601
}

// value = factor value + (1 - factor) other
template <class Other>
void blend(const ImageView& image, float factor, const Other& other) {
  for (std::int64_t i = 0; i < image.area(); ++i) {
    const float with = other(i);
    for (std::int64_t c = 0; c < image.channels; ++c) {
      float& value = image.values[c * image.area() + i];
      value = std::clamp(factor * value + (1.0F - factor) * with, image.lo, image.hi);
    }
  }
}

void adjust(const ImageView& image, int what, float factor) {
  if (what == 0) return blend(image, factor, [](std::int64_t) { return 0.0F; });
  if (what == 2) return blend(image, factor, [&](std::int64_t i) { return grey_at(image, i); });
  double sum = 0;
  for (std::int64_t i = 0; i < image.area(); ++i) sum += static_cast<double>(grey_at(image, i));
  const auto mean = static_cast<float>(sum / static_cast<double>(image.area()));
  blend(image, factor, [mean](std::int64_t) { return mean; });
}

}  // namespace

void jitter_colours(const ImageView& image, const std::array<float, 3>& factors, const std::array<int, 3>& order) {
  for (const int what : order) adjust(image, what, factors[static_cast<std::size_t>(what)]);
}

void jitter_randomly(const ImageView& image, const Rng& rng, double strength) {
  std::array<float, 3> factors{};
  for (std::size_t k = 0; k < 3; ++k) factors[k] = static_cast<float>(1 + strength * (2 * rng.uniform(k) - 1));
  std::array<int, 3> order = {0, 1, 2};
  for (std::uint64_t k = 2; k > 0; --k) std::swap(order[k], order[rng.below(8 + k, k + 1)]);
  jitter_colours(image, factors, order);
}

void erase_randomly(const ImageView& image, const Rng& rng, double p) {
  constexpr double min_area = 0.02, max_area = 0.33, min_aspect = 0.3, max_aspect = 3.3;
  constexpr std::uint64_t attempts = 10, draws = 4, values_from = 64;
  if (rng.uniform(0) >= p) return;
  for (std::uint64_t k = 0; k < attempts; ++k) {
    const std::uint64_t at = 1 + k * draws;
    const double area = static_cast<double>(image.area()) * (min_area + (max_area - min_area) * rng.uniform(at));
    const double aspect = std::exp(std::log(min_aspect) + (std::log(max_aspect) - std::log(min_aspect)) * rng.uniform(at + 1));
    const auto h = static_cast<std::int64_t>(std::lround(std::sqrt(area * aspect)));
    const auto w = static_cast<std::int64_t>(std::lround(std::sqrt(area / aspect)));
    if (h < 1 || w < 1 || h >= image.height || w >= image.width) continue;
    const auto top = static_cast<std::int64_t>(rng.below(at + 2, static_cast<std::uint64_t>(image.height - h + 1)));
    const auto left = static_cast<std::int64_t>(rng.below(at + 3, static_cast<std::uint64_t>(image.width - w + 1)));
    const double span = static_cast<double>(image.hi) - static_cast<double>(image.lo);
    std::uint64_t next = values_from;
    for (std::int64_t line = 0; line < image.channels * h; ++line) {
      float* to = image.values + (line / h * image.height + top + line % h) * image.width + left;
      for (std::int64_t x = 0; x < w; ++x) to[x] = static_cast<float>(static_cast<double>(image.lo) + span * rng.uniform(next++));
    }
    return;
  }
}

}  // namespace assay::graph
