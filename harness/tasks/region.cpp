#include "harness/tasks/region.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/error.hpp"

namespace assay::tasks {

namespace {

// 0.15 / 0.01 is 15 steps, whatever the doubles say.
constexpr double kStepSlack = 1e-6;

Rational positive(const Json& json, const char* key) {
  const std::string text = json.get(key, std::string());
  const auto value = Rational::parse(text);
  if (value && value->num > 0) return *value;
  throw Error(Fault::bad_input,
              fmt::format("region.{}: expected a number above 0 such as \"1/100\", found '{}'", key, text));
}

// Places of the elements that move, ascending.
std::vector<std::size_t> moving(std::span<const float> x, std::int64_t elements) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto most = static_cast<std::size_t>(elements);
  if (elements == 0 || most >= x.size()) return order;
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  const auto gap = [&](std::size_t i) { return std::abs(static_cast<double>(x[i]) - mean); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return gap(a) > gap(b); });
  order.resize(most);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

Region Region::from_json(const Json& json) {
  Region region{positive(json, "eps"), positive(json, "step")};
  if (json.has("range")) {
    region.low = static_cast<float>(json.at("range").at(0).as_real());
    region.high = static_cast<float>(json.at("range").at(1).as_real());
  }
  region.elements = json.get("elements", std::int64_t{0});
  return region;
}

float level_of(float x, std::int64_t k, double step, float lo, float hi) {
  if (k == 0) return x;
  const double moved = static_cast<double>(x) + static_cast<double>(k) * step;
  return static_cast<float>(std::clamp(moved, static_cast<double>(lo), static_cast<double>(hi)));
}

Boxes boxes_of(std::span<const float> x, std::size_t size, const Region& region) {
  Boxes boxes{{x.begin(), x.end()},
              {x.begin(), x.end()},
              std::vector<std::int64_t>(x.size()),
              std::vector<std::int64_t>(x.size())};
  const double eps = region.eps.value(), step = region.step.value();
  for (std::size_t row = 0; row < x.size(); row += size) {
    for (const std::size_t place : moving(x.subspan(row, size), region.elements)) {
      const std::size_t i = row + place;
      const double at = x[i], lo = std::max(at - eps, static_cast<double>(region.low)),
                   hi = std::min(at + eps, static_cast<double>(region.high));
      boxes.lo[i] = static_cast<float>(std::min(lo, at));
      boxes.hi[i] = static_cast<float>(std::max(hi, at));
      boxes.below[i] = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor((at - lo) / step + kStepSlack)));
      boxes.above[i] = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor((hi - at) / step + kStepSlack)));
    }
  }
  return boxes;
}

double points_of(std::span<const std::int64_t> below, std::span<const std::int64_t> above) {
  double points = 1;
  for (std::size_t i = 0; i < below.size(); ++i) points *= static_cast<double>(below[i] + above[i] + 1);
  return points;
}

Box box_at(std::span<const float> x, const Boxes& boxes, std::size_t row, std::size_t size, double step) {
  const auto part = [&](const auto& all) { return std::span(all).subspan(row * size, size); };
  return {x.subspan(row * size, size), part(boxes.lo), part(boxes.hi), part(boxes.below), part(boxes.above), step};
}

bool in_box(const Box& box, std::span<const float> point) {
  for (std::size_t i = 0; i < point.size(); ++i) {
    const double value = point[i];
    if (!std::isfinite(value)) return false;
    const double slack = box.lo[i] == box.hi[i] ? 0 : kRegionTolerance;
    if (value < static_cast<double>(box.lo[i]) - slack || value > static_cast<double>(box.hi[i]) + slack) return false;
  }
  return true;
}

bool on_grid(const Box& box, std::span<const float> point) {
  for (std::size_t i = 0; i < point.size(); ++i) {
    const double moved = static_cast<double>(point[i]) - static_cast<double>(box.x[i]);
    const auto k = std::clamp(static_cast<std::int64_t>(std::llround(moved / box.step)), -box.below[i], box.above[i]);
    const double level = level_of(box.x[i], k, box.step, box.lo[i], box.hi[i]);
    if (!(std::abs(static_cast<double>(point[i]) - level) <= kRegionTolerance)) return false;
  }
  return true;
}

Boxes finer_grid(const Box& box, const Region& region, std::int64_t finer) {
  Region fine = region;
  fine.step = {region.step.num, region.step.den * finer};
  fine.elements = 0;
  Boxes all = boxes_of(box.x, box.x.size(), fine);
  for (std::size_t i = 0; i < box.x.size(); ++i) {
    if (box.lo[i] != box.hi[i]) continue;
    all.lo[i] = all.hi[i] = box.x[i];
    all.below[i] = all.above[i] = 0;
  }
  return all;
}

Points::Points(const Box& box) : box_(box) {
  for (std::size_t i = 0; i < box.x.size(); ++i) {
    if (box.below[i] + box.above[i] == 0) continue;
    moving_.push_back(i);
    k_.push_back(-box.below[i]);
  }
}

std::int64_t Points::next(std::int64_t most, std::vector<float>& out) {
  std::int64_t written = 0;
  for (; written < most && !done_; ++written) {
    const std::size_t row = out.size();
    out.insert(out.end(), box_.x.begin(), box_.x.end());
    for (std::size_t m = 0; m < moving_.size(); ++m) {
      const std::size_t i = moving_[m];
      out[row + i] = level_of(box_.x[i], k_[m], box_.step, box_.lo[i], box_.hi[i]);
    }
    std::size_t m = moving_.size();
    while (m > 0 && k_[m - 1] == box_.above[moving_[m - 1]]) {
      --m;
      k_[m] = -box_.below[moving_[m]];
    }
    if (m == 0)
      done_ = true;
    else
      ++k_[m - 1];
  }
  return written;
}

}  // namespace assay::tasks
