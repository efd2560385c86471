// certificate-attack: models whose margins are known exactly, with adversarial examples planted within and beyond eps.
//
// logits = s (m, -m) and two that never win; m(x) = w . (x - 1/2) with |w_i| = 1, so the distance to the boundary
// follows from m alone, whatever the method does: with p elements |m| / p in L-inf, |m| / sqrt(p) in L2 and |m| in L1;
// in L0 the fewest elements whose room reaches m. A method that differentiates must break 95 % of the samples that lie
// at 0.7 eps; one that only queries half of those at 0.3 eps. Samples at 1.5 eps cannot be broken: if one is, the ball
// was left. Every norm that the method serves must pass. (Zimmermann et al. 2022: active tests of attacks; rule 23.)
//
// Two scenes: 6 x 6 elements with signs of w at random, and for methods that differentiate 24 x 24 with a sign a
// quadrant, so that what they do to neighbouring elements (smoothing, resizing) is on: such a w survives it.
#include <cmath>

#include "assay/plugin.h"
#include "harness/base/rng.hpp"
#include "harness/graph/builder.hpp"
#include "harness/tasks/threat.hpp"
#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

constexpr std::int64_t kRows = 64, kLargeSide = 24;

struct World {
  std::int64_t side;
  std::vector<float> w;
  double pixels() const { return static_cast<double>(w.size()); }
};

World rough() {
  World world{kSide, std::vector<float>(static_cast<std::size_t>(kPixels))};
  const Rng rng(1, "certificate direction");
  for (std::size_t i = 0; i < world.w.size(); ++i) world.w[i] = rng.below(i, 2) == 0 ? 1.0f : -1.0f;
  return world;
}

World smooth() {
  World world{kLargeSide, {}};
  for (std::int64_t row = 0; row < kLargeSide; ++row) {
    for (std::int64_t column = 0; column < kLargeSide; ++column) {
      const bool same = (row < kLargeSide / 2) == (column < kLargeSide / 2);
      world.w.push_back(same ? 1.0f : -1.0f);
    }
  }
  return world;
}

std::shared_ptr<const graph::Graph> planted_net(const World& world) {
  graph::GraphBuilder net({1, world.side, world.side}, 1);
  const std::string flat = net.flatten("flatten", net.input());
  const std::string logits = net.linear("fc", flat, kClasses);
  graph::Graph graph = net.finish(logits, flat, Json::object({{"arch", "planted"}}));
  const std::size_t p = world.w.size();
  const auto scale = static_cast<float>(kPixels) / static_cast<float>(p);  // logits of one size in both worlds
  std::vector<float> weight(static_cast<std::size_t>(kClasses) * p, 0.0f), bias{0, 0, -20, -20};
  float offset = 0;
  for (std::size_t i = 0; i < p; ++i) {
    weight[i] = scale * world.w[i];
    weight[p + i] = -scale * world.w[i];
    offset -= 0.5f * scale * world.w[i];  // m is 0 at the middle of the cube
  }
  bias[0] = offset;
  bias[1] = -offset;
  const auto size = static_cast<std::int64_t>(p);
  for (const auto& [name, parameter] : std::map(graph.parameters)) {
    const bool matrix = parameter.value.shape().size() == 2;
    graph.set_parameter(name,
                        matrix ? engine::Tensor::f32({kClasses, size}, weight) : engine::Tensor::f32({kClasses}, bias));
  }
  return std::make_shared<const graph::Graph>(std::move(graph));
}

struct Ball {
  const char* norm;
  double eps;
};
constexpr Ball kBalls[] = {{"linf", 0.1}, {"l2", 0.6}, {"l1", 2}, {"l0", 4}};

// How far along w every element is moved, for a point at `share` of eps from the boundary.
double along(const World& world, const Ball& ball, double share) {
  const std::string norm = ball.norm;
  if (norm == "linf") return share * ball.eps;
  if (norm == "l2") return share * ball.eps / std::sqrt(world.pixels());
  if (norm == "l1") return share * ball.eps / world.pixels();
  // An element can move by 1/2 + a towards the boundary, which lies p a away: between two whole numbers of elements.
  const double elements = std::floor(share * ball.eps) + 0.5;
  return elements * 0.5 / (world.pixels() - elements);
}

// Rows at a given distance from the boundary, as a share of eps: 0.3, 0.7 and 1.5 in turn, on alternating sides.
struct Planted {
  std::vector<float> x;
  std::vector<std::int64_t> y;
  std::vector<double> share;
};
Planted plant(const World& world, const Ball& ball) {
  const float spread =
      std::string(ball.norm) == "l0" ? 0.02f : 0.1f;  // of noise; in L0 it changes the room of elements
  Planted planted;
  for (std::int64_t row = 0; row < kRows; ++row) {
    const double share = row % 4 == 0 ? 1.5 : row % 4 == 1 ? 0.3 : 0.7;
    const double side = row % 8 < 4 ? 1 : -1;
    const double moved = side * along(world, ball, share);
    std::vector<float> noise(world.w.size());
    Rng(2, "certificate noise", static_cast<std::uint64_t>(row)).fill_uniform(noise, -spread, spread);
    double drift = 0;  // taken out again, so that the distance is exact
    for (std::size_t i = 0; i < noise.size(); ++i) drift += static_cast<double>(noise[i] * world.w[i]) / world.pixels();
    for (std::size_t i = 0; i < noise.size(); ++i) {
      const double value = 0.5 + static_cast<double>(noise[i]) + (moved - drift) * static_cast<double>(world.w[i]);
      planted.x.push_back(static_cast<float>(value));
    }
    planted.y.push_back(side > 0 ? 0 : 1);
    planted.share.push_back(share);
  }
  return planted;
}

struct Tally {
  int found = 0, planted = 0;
  double rate() const { return static_cast<double>(found) / planted; }
};

bool differentiates(plugin::Access access) {
  return (access & plugin::kInputGradient) != 0 || access == plugin::kNoAccess;
}

// Throws PluginError as the method does; Error(constraint) when an output leaves the threat model.
Tally attempt(Subject& subject, const World& world, const Ball& ball) {
  const auto net = planted_net(world);
  const plugin::Access access = requested_access(subject.descriptor(), "attack");
  const Planted planted = plant(world, ball);
  plugin::AttackInputs in;
  in.x = engine::Tensor::f32({kRows, 1, world.side, world.side}, planted.x);
  in.y = engine::Tensor::i64({kRows}, planted.y);
  for (std::int64_t i = 0; i < kRows; ++i) in.ids.push_back(i);
  in.victims = {plugin::Model(net, access, "planted")};
  if (access == plugin::kNoAccess) in.surrogates = {plugin::Model(net, plugin::kWhiteBox, "planted surrogate")};
  in.norm = ball.norm;
  in.eps = ball.eps;
  plugin::Instance method = subject.make();
  const engine::Tensor x = plugin::adversarial_of(method.perturb(plugin::attack_inputs(in)), in.x.shape());
  const std::vector<float> logits = in.victims.front().executor->logits(x).to_f32();
  const tasks::Threat threat = tasks::Threat::from_json(
      Json::object({{"norm", ball.norm}, {"eps", Json::Array{"1/10"}}, {"range", Json::Array{0.0, 1.0}}}));
  if (!tasks::check_threat(planted.x, x.to_f32(), kRows, threat, ball.eps).clean())
    throw Error(Fault::constraint, fmt::format("left the threat model, {} at {}", ball.norm, ball.eps));
  const double reach = differentiates(access) ? 0.7 : 0.3;
  Tally tally;
  for (std::size_t row = 0; row < planted.share.size(); ++row) {
    if (planted.share[row] > reach + 1e-9) continue;
    const bool broken = (logits[row * kClasses] > logits[row * kClasses + 1]) != (planted.y[row] == 0);
    ++tally.planted;
    tally.found += broken ? 1 : 0;
  }
  return tally;
}

}  // namespace

CheckResult certify_attack(Subject& subject) {
  const bool gradients = differentiates(requested_access(subject.descriptor(), "attack"));
  const double rate = gradients ? 0.95 : 0.5;
  std::string detail, refusal = "no norm is served";
  double worst = 2;
  for (const Ball& ball : kBalls) {
    for (const World& world : {rough(), smooth()}) {
      if (world.side == kLargeSide && !gradients) continue;
      try {
        const Tally tally = attempt(subject, world, ball);
        worst = std::min(worst, tally.rate());
        detail += fmt::format("{}{} {}x{}: {} of {}", detail.empty() ? "" : ", ", ball.norm, world.side, world.side,
                              tally.found, tally.planted);
      } catch (const plugin::PluginError& error) {
        if (error.status() != ASSAY_INVALID && error.status() != ASSAY_UNSUPPORTED) throw;
        refusal = error.what();
      }
    }
  }
  if (worst > 1) return failed(refusal);
  detail += fmt::format(" planted adversarial examples found, {:.0f} % needed", 100 * rate);
  return worst >= rate ? passed(worst, detail) : failed(detail + " [rule 23]", worst);
}

}  // namespace assay::validate
