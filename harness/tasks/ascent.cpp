#include "harness/tasks/ascent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/tasks/threat.hpp"

namespace assay::tasks {

namespace {

constexpr double kLevel = 0.01;  // of the sign test

// How far the largest other class leads; NaN where a logit is not finite.
double lead_of(std::span<const float> z, std::int64_t label) {
  const bool finite = std::all_of(z.begin(), z.end(), [](float value) { return std::isfinite(value); });
  return finite ? -margin_of(z, label) : std::nan("");
}

}  // namespace

void Ascent::begin(std::span<const std::int64_t> ids, std::span<const std::int64_t> labels) {
  tracks_.clear();
  place_.clear();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    place_[static_cast<std::uint64_t>(ids[i])] = i;
    tracks_.push_back({labels[i], 0, {}});
  }
}

void Ascent::see(std::span<const std::uint64_t> ids, const engine::Tensor& logits) {
  const std::vector<float> z = logits.to_f32();
  const auto rows = static_cast<std::size_t>(logits.dim(0));
  if (ids.empty() ? rows != tracks_.size() : rows != ids.size()) return;
  const std::size_t classes = z.size() / std::max<std::size_t>(rows, 1);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto found = ids.empty() ? place_.end() : place_.find(ids[row]);
    if (!ids.empty() && found == place_.end()) continue;
    Track& track = tracks_[ids.empty() ? row : found->second];
    const double now = lead_of(std::span(z).subspan(row * classes, classes), track.label);
    if (!std::isfinite(now)) continue;
    if (track.best.empty()) track.first = now;
    track.best.push_back(track.best.empty() ? now : std::max(track.best.back(), now));
  }
}

std::vector<double> Ascent::late_gains() const {
  std::vector<double> gains;
  for (const Track& track : tracks_) {
    const std::size_t n = track.best.size();
    if (n < least_passes) {
      gains.push_back(-1);
      continue;
    }
    const double all = track.best.back() - track.first, late = track.best.back() - track.best[n - 1 - n / 10];
    gains.push_back(all > 0 ? late / all : 0);
  }
  return gains;
}

std::vector<double> Ascent::passes() const {
  std::vector<double> counts;
  for (const Track& track : tracks_) counts.push_back(static_cast<double>(track.best.size()));
  return counts;
}

std::string still_climbing(std::span<const double> standing, std::span<const double> late_gains) {
  std::int64_t climbing = 0, settled = 0;
  for (std::size_t i = 0; i < standing.size(); ++i) {
    if (standing[i] != 1 || !(late_gains[i] >= 0)) continue;
    (late_gains[i] > Ascent::steady_half ? climbing : settled) += 1;
  }
  if (climbing <= settled || sign_test(climbing, settled) >= kLevel) return "";
  return fmt::format(
      "{} of {} unbroken samples gained more than a twentieth of their margin in the last tenth of the "
      "gradient passes: it needs more iterations",
      climbing, climbing + settled);
}

}  // namespace assay::tasks
