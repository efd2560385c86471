#include "harness/tasks/attack_longer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/base/rng.hpp"
#include "harness/metrics/binomial.hpp"

namespace assay::tasks {

namespace {

using engine::Tensor;

constexpr double kPi = 3.14159265358979323846;
constexpr double kLevel = 0.01, kPoints = 0.002;  // those of rule 18

// The samples under attack: clean and current values, row-major.
struct Batch {
  std::vector<float> clean, x;
  std::vector<std::int64_t> ids, y;
  std::size_t size = 0;  // of a sample
  std::span<float> row(std::size_t i) { return std::span(x).subspan(i * size, size); }
  std::span<const float> origin(std::size_t i) const { return std::span(clean).subspan(i * size, size); }
};

Batch batch_of(const Samples& data, const std::vector<std::int64_t>& rows) {
  Batch batch;
  batch.size = static_cast<std::size_t>(data.x.count() / data.size());
  const std::span<const float> all = data.x.f32s();
  for (const std::int64_t row : rows) {
    const auto at = static_cast<std::size_t>(row);
    const auto from = all.subspan(at * batch.size, batch.size);
    batch.clean.insert(batch.clean.end(), from.begin(), from.end());
    batch.ids.push_back(data.ids[at]);
    batch.y.push_back(data.y[at]);
  }
  batch.x = batch.clean;
  return batch;
}

double length_of(std::span<const float> v) {
  double total = 0;
  for (const float value : v) total += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(total);
}

void project(const Threat& threat, double eps, std::span<const float> clean, std::span<float> x) {
  std::vector<float> d(x.size());
  for (std::size_t j = 0; j < x.size(); ++j) d[j] = x[j] - clean[j];
  const double shrink = threat.norm == metrics::Norm::l2 ? std::min(1.0, eps / std::max(length_of(d), 1e-30)) : 1.0;
  const auto radius = static_cast<float>(eps);
  for (std::size_t j = 0; j < x.size(); ++j) {
    const float moved = threat.norm == metrics::Norm::l2 ? static_cast<float>(shrink * static_cast<double>(d[j]))
                                                         : std::clamp(d[j], -radius, radius);
    x[j] = std::clamp(clean[j] + moved, threat.low, threat.high);
  }
}

// x + step * sign(g), or along g / ||g||_2.
void ascend(const Threat& threat, double step, std::span<const float> g, std::span<float> x) {
  const bool l2 = threat.norm == metrics::Norm::l2;
  const double size = l2 ? std::max(length_of(g), 1e-30) : 1.0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double way =
        l2 ? static_cast<double>(g[j]) / size : static_cast<double>(g[j] > 0) - static_cast<double>(g[j] < 0);
    x[j] = static_cast<float>(static_cast<double>(x[j]) + step * way);
  }
}

void random_start(const Threat& threat, double eps, Batch& batch) {
  for (std::size_t i = 0; i < batch.ids.size(); ++i) {
    std::vector<float> way(batch.size);
    const Rng rng(21, "longer attack", static_cast<std::uint64_t>(batch.ids[i]));
    const auto radius = static_cast<float>(eps);
    if (threat.norm == metrics::Norm::l2) {
      rng.fill_normal(way, 0, 1);
      ascend(threat, eps, way, batch.row(i));
    } else {
      rng.fill_uniform(way, -radius, radius);
      for (std::size_t j = 0; j < way.size(); ++j) batch.row(i)[j] += way[j];
    }
    project(threat, eps, batch.origin(i), batch.row(i));
  }
}

// Drops the samples whose flag is set; how many those were.
std::int64_t drop(const std::vector<bool>& broken, Batch& batch) {
  Batch left;
  left.size = batch.size;
  for (std::size_t i = 0; i < broken.size(); ++i) {
    if (broken[i]) continue;
    left.clean.insert(left.clean.end(), batch.origin(i).begin(), batch.origin(i).end());
    left.x.insert(left.x.end(), batch.row(i).begin(), batch.row(i).end());
    left.ids.push_back(batch.ids[i]);
    left.y.push_back(batch.y[i]);
  }
  const auto count = static_cast<std::int64_t>(batch.ids.size() - left.ids.size());
  batch = std::move(left);
  return count;
}

// Which samples the judge's plan misclassifies where they are.
std::vector<bool> misclassified(AttackJudge& judge, const Tensor& x, const Batch& batch) {
  const std::vector<float> z = judge.victim().logits(x, batch.ids);
  const auto classes = static_cast<std::ptrdiff_t>(judge.victim().classes());
  std::vector<bool> wrong;
  for (std::size_t i = 0; i < batch.ids.size(); ++i) {
    const auto row = z.begin() + static_cast<std::ptrdiff_t>(i) * classes;
    wrong.push_back(std::max_element(row, row + classes) - row != batch.y[i]);
  }
  return wrong;
}

}  // namespace

std::int64_t attack_longer(AttackJudge& judge, const Rational& eps, const std::vector<std::int64_t>& rows,
                           std::int64_t steps) {
  const Threat& threat = judge.threat();
  Batch batch = batch_of(judge.data(), rows);
  random_start(threat, eps.value(), batch);
  std::int64_t found = 0;
  for (std::int64_t k = 0; k <= steps && !batch.ids.empty(); ++k) {
    engine::Shape shape = judge.data().x.shape();
    shape[0] = static_cast<std::int64_t>(batch.ids.size());
    const Tensor x = Tensor::f32(shape, batch.x);
    const std::vector<std::uint64_t> keys(batch.ids.begin(), batch.ids.end());
    graph::ForwardOptions options;
    options.sample_ids = keys;
    const graph::LossGrad margin =
        judge.victim().executor().loss_and_input_grad("cw-margin", x, Tensor::i64({shape[0]}, batch.y), options);
    const std::vector<float> above = margin.loss.to_f32(), grad = margin.grad.to_f32();
    if (std::any_of(above.begin(), above.end(), [](float value) { return value >= 0; })) {
      const std::int64_t more = drop(misclassified(judge, x, batch), batch);
      found += more;
      if (more > 0) continue;  // the others take their step at the next turn
    }
    const double step = eps.value() * (1 + std::cos(kPi * static_cast<double>(k) / static_cast<double>(steps)));
    for (std::size_t i = 0; i < batch.ids.size(); ++i) {
      ascend(threat, step, std::span(grad).subspan(i * batch.size, batch.size), batch.row(i));
      project(threat, eps.value(), batch.origin(i), batch.row(i));
    }
  }
  return found;
}

std::vector<std::int64_t> subsample(const std::vector<std::int64_t>& ids, const std::vector<double>& standing,
                                    std::int64_t count) {
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (standing[i] == 1) rows.push_back(static_cast<std::int64_t>(i));
  }
  const auto draw = [&](std::int64_t row) {
    const std::int64_t id = ids[static_cast<std::size_t>(row)];
    return std::pair(Rng(21, "subsample", static_cast<std::uint64_t>(id)).bits(0), id);
  };
  std::sort(rows.begin(), rows.end(), [&](std::int64_t a, std::int64_t b) { return draw(a) < draw(b); });
  if (static_cast<std::int64_t>(rows.size()) > count) rows.resize(static_cast<std::size_t>(count));
  return rows;
}

double lower_share(std::int64_t k, std::int64_t n) { return metrics::binomial_lower(k, n, kLevel); }

std::string broke_more(const Recheck& r) {
  const double less =
      lower_share(r.broken, r.attacked) * static_cast<double>(r.standing) / static_cast<double>(r.samples);
  if (less <= kPoints) return "";
  return fmt::format(
      "{} steps of the host's break {} of {} samples that it left: robust accuracy is at least {:.2g} "
      "points too high",
      r.steps, r.broken, r.attacked, 100 * less);
}

}  // namespace assay::tasks
