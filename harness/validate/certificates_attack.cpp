// certificate-attack: a model whose margins are known exactly, with adversarial examples planted within and beyond eps.
//
// logits = (m, -m, -20, -20) with m(x) = w.x + b and |w_i| = 1, so a sample's distance to the boundary is |m| / 36 in
// L-inf and |m| / 6 in L2, whatever the method does. A method that differentiates must break 95 % of the samples that
// lie at 0.7 eps; one that only queries must break half of those at 0.3 eps. Samples at 1.5 eps cannot be broken: if
// one is, the ball was left. (Zimmermann et al. 2022: active tests of attacks; rule 23.)
#include <cmath>

#include "assay/plugin.h"
#include "harness/base/rng.hpp"
#include "harness/graph/builder.hpp"
#include "harness/tasks/threat.hpp"
#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

constexpr std::int64_t kRows = 64;

std::vector<float> direction() {
  std::vector<float> w(static_cast<std::size_t>(kPixels));
  const Rng rng(1, "certificate direction");
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = rng.below(i, 2) == 0 ? 1.0f : -1.0f;
  return w;
}

std::shared_ptr<const graph::Graph> planted_net() {
  graph::GraphBuilder net({1, kSide, kSide}, 1);
  const std::string flat = net.flatten("flatten", net.input());
  const std::string logits = net.linear("fc", flat, kClasses);
  graph::Graph graph = net.finish(logits, flat, Json::object({{"arch", "planted"}}));
  const std::vector<float> w = direction();
  std::vector<float> weight(static_cast<std::size_t>(kClasses * kPixels), 0.0f), bias{0, 0, -20, -20};
  float offset = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    weight[i] = w[i];
    weight[w.size() + i] = -w[i];
    offset -= 0.5f * w[i];  // m is 0 at the middle of the cube
  }
  bias[0] = offset;
  bias[1] = -offset;
  const std::string fc = graph.producer(graph.resolve("logits"))->name;
  for (const auto& [name, parameter] : std::map(graph.parameters)) {
    const bool matrix = parameter.value.shape().size() == 2;
    graph.set_parameter(
        name, matrix ? engine::Tensor::f32({kClasses, kPixels}, weight) : engine::Tensor::f32({kClasses}, bias));
  }
  return std::make_shared<const graph::Graph>(std::move(graph));
}

// Rows at a given distance from the boundary, as a share of eps: 0.3, 0.7 and 1.5 in turn, on alternating sides.
struct Planted {
  std::vector<float> x;
  std::vector<std::int64_t> y;
  std::vector<double> share;
};
Planted plant(const std::string& norm, double eps) {
  const std::vector<float> w = direction();
  const auto pixels = static_cast<double>(kPixels);
  Planted planted;
  for (std::int64_t row = 0; row < kRows; ++row) {
    const double share = row % 4 == 0 ? 1.5 : row % 4 == 1 ? 0.3 : 0.7;
    const double side = row % 8 < 4 ? 1 : -1;
    // m = 36 a along w moves every pixel by a: the distance is a in L-inf and 6 a in L2.
    const double along = side * share * eps / (norm == "linf" ? 1.0 : std::sqrt(pixels));
    std::vector<float> noise(w.size());
    Rng(2, "certificate noise", static_cast<std::uint64_t>(row)).fill_uniform(noise, -0.1f, 0.1f);
    double drift = 0;  // taken out again, so that the distance is exact
    for (std::size_t i = 0; i < w.size(); ++i) drift += static_cast<double>(noise[i] * w[i]) / pixels;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double value = 0.5 + static_cast<double>(noise[i]) + (along - drift) * static_cast<double>(w[i]);
      planted.x.push_back(static_cast<float>(value));
    }
    planted.y.push_back(side > 0 ? 0 : 1);
    planted.share.push_back(share);
  }
  return planted;
}

struct Tally {
  int found = 0, planted = 0, impossible = 0;
};

CheckResult run_certificate(Subject& subject, const std::string& norm) {
  const double eps = norm == "linf" ? 0.1 : 0.6;
  const auto net = planted_net();
  const plugin::Access access = requested_access(subject.descriptor(), "attack");
  const Planted planted = plant(norm, eps);
  plugin::AttackInputs in;
  in.x = engine::Tensor::f32({kRows, 1, kSide, kSide}, planted.x);
  in.y = engine::Tensor::i64({kRows}, planted.y);
  for (std::int64_t i = 0; i < kRows; ++i) in.ids.push_back(i);
  in.victims = {plugin::Model(net, access, "planted")};
  if (access == plugin::kNoAccess) in.surrogates = {plugin::Model(net, plugin::kWhiteBox, "planted surrogate")};
  in.norm = norm;
  in.eps = eps;
  plugin::Instance method = subject.make();
  const engine::Tensor x = plugin::adversarial_of(method.perturb(plugin::attack_inputs(in)), in.x.shape());

  const bool gradients = (access & plugin::kInputGradient) != 0 || access == plugin::kNoAccess;
  const double reach = gradients ? 0.7 : 0.3, rate = gradients ? 0.95 : 0.5;
  const std::vector<float> logits = in.victims.front().executor->logits(x).to_f32();
  const tasks::Threat threat = tasks::Threat::from_json(
      Json::object({{"norm", norm}, {"eps", Json::Array{"1/10"}}, {"range", Json::Array{0.0, 1.0}}}));
  if (!tasks::check_threat(planted.x, x.to_f32(), kRows, threat, eps).clean()) return failed("left the threat model");
  Tally tally;
  for (std::size_t row = 0; row < planted.share.size(); ++row) {
    const bool broken = (logits[row * kClasses] > logits[row * kClasses + 1]) != (planted.y[row] == 0);
    if (planted.share[row] > 1) tally.impossible += broken ? 1 : 0;
    if (planted.share[row] > reach + 1e-9) continue;
    ++tally.planted;
    tally.found += broken ? 1 : 0;
  }
  const double found = static_cast<double>(tally.found) / tally.planted;
  const std::string detail = fmt::format("{} of {} planted adversarial examples found, {} needed", tally.found,
                                         tally.planted, std::ceil(rate * tally.planted));
  return found >= rate ? passed(found, detail) : failed(detail + " [rule 23]", found);
}

}  // namespace

CheckResult certify_attack(Subject& subject) {
  try {
    return run_certificate(subject, "linf");
  } catch (const plugin::PluginError& error) {
    if (error.status() != ASSAY_INVALID && error.status() != ASSAY_UNSUPPORTED) throw;
  }
  return run_certificate(subject, "l2");
}

}  // namespace assay::validate
