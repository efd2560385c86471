#include "harness/graph/mixing.hpp"

#include <algorithm>
#include <cmath>

namespace assay::graph {
namespace {

// Gamma(alpha, 1); `index` moves on with every draw.
double gamma_variate(const Rng& rng, double alpha, std::uint64_t& index) {
  if (alpha < 1) {  // boost: Gamma(a) = Gamma(a + 1) U^(1/a)
    const double u = 1.0 - rng.uniform(index++);
    return gamma_variate(rng, alpha + 1, index) * std::pow(u, 1 / alpha);
  }
  const double d = alpha - 1.0 / 3.0, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = rng.normal(index), u = 1.0 - rng.uniform(index);
    ++index;
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

// Where the partner's rectangle lies: of 1 - share of the area around a uniform centre, cut off at the border. The
// share becomes what is left.
void place(Mix& mix, const Shape& shape, const Rng& rng) {
  const std::int64_t height = shape[1], width = shape[2];
  const double cut = std::sqrt(1 - mix.share);
  const auto half = [&](std::int64_t extent) { return static_cast<std::int64_t>(static_cast<double>(extent) * cut) / 2; };
  const auto y = static_cast<std::int64_t>(rng.below(3, static_cast<std::uint64_t>(height)));
  const auto x = static_cast<std::int64_t>(rng.below(4, static_cast<std::uint64_t>(width)));
  mix.top = std::max<std::int64_t>(y - half(height), 0);
  mix.bottom = std::min(y + half(height), height);
  mix.left = std::max<std::int64_t>(x - half(width), 0);
  mix.right = std::min(x + half(width), width);
  const auto covered = static_cast<double>((mix.bottom - mix.top) * (mix.right - mix.left));
  mix.share = 1 - covered / static_cast<double>(height * width);
}

void combine(const Mix& mix, const Shape& shape, const float* partner, float* out) {
  const std::int64_t size = engine::element_count(shape);
  if (mix.kind == MixKind::mixup) {
    const auto own = static_cast<float>(mix.share);
    for (std::int64_t i = 0; i < size; ++i) out[i] = own * out[i] + (1.0F - own) * partner[i];
    return;
  }
  for (std::int64_t line = 0; line < shape[0] * shape[1]; ++line) {
    const std::int64_t y = line % shape[1], at = line * shape[2];
    if (y < mix.top || y >= mix.bottom) continue;
    std::copy(partner + at + mix.left, partner + at + mix.right, out + at + mix.left);
  }
}

void smooth(std::span<float> targets, std::int64_t classes, double smoothing) {
  if (smoothing == 0) return;
  const auto keep = static_cast<float>(1 - smoothing), spread = static_cast<float>(smoothing / static_cast<double>(classes));
  for (float& t : targets) t = keep * t + spread;
}

}  // namespace

double beta_variate(const Rng& rng, double alpha) {
  std::uint64_t index = 16;
  const double a = gamma_variate(rng, alpha, index), b = gamma_variate(rng, alpha, index);
  return a + b > 0 ? a / (a + b) : 0.5;
}

Mix mix_of(const Recipe& recipe, const TrainData& data, const BatchRequest& request, std::int64_t row) {
  Mix mix;
  if (!recipe.mixes()) return mix;
  const Rng rng(request.seed, "mix/" + std::to_string(request.epoch), data.ids[static_cast<std::size_t>(row)]);
  if (rng.uniform(0) >= recipe.mix_probability) return mix;
  const bool both = recipe.mixup > 0 && recipe.cutmix > 0;
  const bool cut = both ? (rng.bits(1) & 1) != 0 : recipe.cutmix > 0;
  mix.kind = cut ? MixKind::cutmix : MixKind::mixup;
  mix.partner = static_cast<std::int64_t>(rng.below(2, static_cast<std::uint64_t>(data.size())));
  mix.share = beta_variate(rng, cut ? recipe.cutmix : recipe.mixup);
  if (cut) place(mix, data.sample_shape, rng);
  return mix;
}

void fill_targets(std::span<const std::int64_t> labels, double smoothing, std::span<float> targets) {
  const std::size_t classes = labels.empty() ? 0 : targets.size() / labels.size();
  std::fill(targets.begin(), targets.end(), 0.0F);
  for (std::size_t i = 0; i < labels.size(); ++i) targets[i * classes + static_cast<std::size_t>(labels[i])] = 1.0F;
  smooth(targets, static_cast<std::int64_t>(classes), smoothing);
}

void fill_mixed_batch(const TrainData& data, const BatchRequest& request, const Recipe& recipe, std::span<float> out,
                      std::span<float> targets) {
  const std::int64_t size = engine::element_count(data.sample_shape);
  const std::size_t classes = targets.size() / request.rows.size();
  std::vector<float> partner(static_cast<std::size_t>(size));
  std::fill(targets.begin(), targets.end(), 0.0F);
  for (std::size_t i = 0; i < request.rows.size(); ++i) {
    const std::int64_t row = request.rows[i];
    const Mix mix = mix_of(recipe, data, request, row);
    const auto label_of = [&](std::int64_t r) { return static_cast<std::size_t>(data.labels[static_cast<std::size_t>(r)]); };
    float* to = out.data() + static_cast<std::int64_t>(i) * size;
    fill_sample(data, request, row, to);
    targets[i * classes + label_of(row)] += static_cast<float>(mix.share);
    if (mix.kind == MixKind::none) continue;
    fill_sample(data, request, mix.partner, partner.data());
    combine(mix, data.sample_shape, partner.data(), to);
    targets[i * classes + label_of(mix.partner)] += static_cast<float>(1 - mix.share);
  }
  smooth(targets, static_cast<std::int64_t>(classes), recipe.label_smoothing);
}

}  // namespace assay::graph
