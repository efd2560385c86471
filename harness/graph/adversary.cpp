#include "harness/graph/adversary.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/rng.hpp"

namespace assay::graph {
namespace {

double norm_of(std::span<const float> values) {
  double squares = 0;
  for (const float v : values) squares += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(squares);
}

void scale(std::span<float> values, double factor) {
  const auto f = static_cast<float>(factor);
  for (float& v : values) v *= f;
}

Rng start_rng(std::uint64_t seed, std::int64_t epoch, std::uint64_t id) { return {seed, "adversary/" + std::to_string(epoch), id}; }

}  // namespace

std::pair<float, float> input_range(const Graph& graph) {
  if (!graph.metadata.is_object() || !graph.metadata.has("input_range")) return {0.0F, 1.0F};
  const Json& range = graph.metadata.at("input_range");
  return {static_cast<float>(range.at(0U).as_real()), static_cast<float>(range.at(1U).as_real())};
}

Ball ball_of(const Recipe& recipe, const Graph& graph) {
  Ball ball;
  ball.l2 = recipe.adv_norm == "l2";
  ball.eps = static_cast<float>(recipe.adv_eps.value());
  ball.step = static_cast<float>(recipe.adv_step.value());
  std::tie(ball.lo, ball.hi) = input_range(graph);
  ball.row = static_cast<std::size_t>(engine::element_count(graph.inputs.at(0).spec.shape));
  return ball;
}

void random_start(const Ball& ball, std::uint64_t seed, std::int64_t epoch, std::span<const std::uint64_t> ids, std::span<float> delta) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::span<float> row = delta.subspan(i * ball.row, ball.row);
    const Rng rng = start_rng(seed, epoch, ids[i]);
    if (!ball.l2) {
      rng.fill_uniform(row, -ball.eps, ball.eps);
      continue;
    }
    rng.fill_normal(row, 0.0F, 1.0F);
    scale(row, static_cast<double>(ball.eps) / (norm_of(row) + 1e-10));
  }
}

void tiny_start(std::uint64_t seed, std::int64_t epoch, std::span<const std::uint64_t> ids, std::span<float> delta) {
  constexpr float sd = 0.001F;
  const std::size_t size = delta.size() / ids.size();
  for (std::size_t i = 0; i < ids.size(); ++i) start_rng(seed, epoch, ids[i]).fill_normal(delta.subspan(i * size, size), 0.0F, sd);
}

void project(const Ball& ball, std::span<float> delta) {
  if (!ball.l2) {
    for (float& d : delta) d = std::clamp(d, -ball.eps, ball.eps);
    return;
  }
  for (std::size_t at = 0; at < delta.size(); at += ball.row) {
    const std::span<float> row = delta.subspan(at, ball.row);
    const double norm = norm_of(row), eps = static_cast<double>(ball.eps);
    if (norm > eps) scale(row, eps / norm);
  }
}

void ascend(const Ball& ball, std::span<const float> gradient, std::span<float> delta) {
  if (!ball.l2) {
    for (std::size_t i = 0; i < delta.size(); ++i) {
      const float g = gradient[i];
      delta[i] += g > 0 ? ball.step : g < 0 ? -ball.step : 0.0F;
    }
    return project(ball, delta);
  }
  for (std::size_t at = 0; at < delta.size(); at += ball.row) {
    const std::span<const float> g = gradient.subspan(at, ball.row);
    const double norm = norm_of(g);
    if (norm == 0) continue;
    const auto along = static_cast<float>(static_cast<double>(ball.step) / norm);
    for (std::size_t i = 0; i < ball.row; ++i) delta[at + i] += along * g[i];
  }
  project(ball, delta);
}

void apply_delta(const Ball& ball, std::span<const float> x, std::span<float> delta, std::span<float> out) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    out[i] = std::clamp(x[i] + delta[i], ball.lo, ball.hi);
    delta[i] = out[i] - x[i];
  }
}

double kl_divergence(std::span<const float> natural, std::span<const float> adversarial, std::int64_t classes, double weight,
                     std::span<float> natural_cotangent, std::span<float> adversarial_cotangent) {
  const auto k = static_cast<std::size_t>(classes);
  const std::size_t samples = natural.size() / k;
  const double rows = static_cast<double>(samples), share = weight / rows;
  const auto log_sum = [&](std::span<const float> z) {
    const double top = static_cast<double>(*std::max_element(z.begin(), z.end()));
    double sum = 0;
    for (const float v : z) sum += std::exp(static_cast<double>(v) - top);
    return std::log(sum) + top;
  };
  double total = 0;
  std::vector<double> gap(k), p(k);  // log p - log q, p
  for (std::size_t row = 0; row < natural.size(); row += k) {
    const std::span<const float> a = natural.subspan(row, k), b = adversarial.subspan(row, k);
    const double la = log_sum(a), lb = log_sum(b);
    double kl = 0;
    for (std::size_t j = 0; j < k; ++j) {
      p[j] = std::exp(static_cast<double>(a[j]) - la);
      gap[j] = (static_cast<double>(a[j]) - la) - (static_cast<double>(b[j]) - lb);
      kl += p[j] * gap[j];
    }
    total += kl;
    for (std::size_t j = 0; j < k; ++j) {
      const double q = std::exp(static_cast<double>(b[j]) - lb);
      if (!natural_cotangent.empty()) natural_cotangent[row + j] += static_cast<float>(share * p[j] * (gap[j] - kl));
      adversarial_cotangent[row + j] += static_cast<float>(share * (q - p[j]));
    }
  }
  return total / rows;
}

}  // namespace assay::graph
