// What each role owes on any input.
#include <cmath>

#include "assay/plugin.h"
#include "harness/tasks/adopt.hpp"
#include "harness/tasks/threat.hpp"
#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

// Rows that make careless code leave its domain: all 0, all 1, one bright pixel, a checkerboard, then noise.
std::vector<float> extreme_inputs() {
  constexpr std::size_t pixels = kPixels, rows = 16;
  std::vector<float> x(rows * pixels, 0.0f);
  for (std::size_t i = 0; i < pixels; ++i) {
    x[pixels + i] = 1.0f;
    x[3 * pixels + i] = (i + i / kSide) % 2 == 0 ? 1.0f : 0.0f;
    for (std::size_t row = 4; row < rows; ++row) {
      x[row * pixels + i] = static_cast<float>((row * 7919 + i * 104729) % 1000) / 999.0f;
    }
  }
  x[2 * pixels] = 1.0f;
  return x;
}

std::string breach(Subject& subject, const Scene& scene) {
  plugin::Instance method = subject.make();
  const tasks::Threat threat = tasks::Threat::from_json(
      Json::object({{"norm", scene.norm}, {"eps", Json::Array{"1/10"}}, {"range", Json::Array{0.0, 1.0}}}));
  plugin::AttackInputs in{scene.x, scene.y, scene.ids, scene.victims, scene.surrogates, scene.norm, scene.eps};
  const engine::Tensor x = plugin::adversarial_of(method.perturb(plugin::attack_inputs(in)), scene.x.shape());
  const std::vector<float> clean = scene.x.to_f32(), moved = x.to_f32();
  if (scene.eps == 0 && moved != clean) return scene.norm + " eps 0: inputs are changed [rule 16]";
  const tasks::ThreatReport report = tasks::check_threat(clean, moved, scene.x.dim(0), threat, scene.eps);
  if (report.clean()) return "";
  return fmt::format("{} eps {}: {} rows outside the ball (worst {:g}), {} outside [0, 1], {} not finite [rule 15]",
                     scene.norm, scene.eps, report.outside_ball, report.worst, report.outside_range, report.non_finite);
}

}  // namespace

CheckResult check_threat_model(Subject& subject) {
  const std::pair<const char*, std::vector<double>> threats[] = {
      {"linf", {0, 0.05, 0.5}}, {"l2", {0, 0.05, 0.5}}, {"l1", {0, 0.5, 4}}, {"l0", {0, 1, 6}}};
  int served = 0;
  for (const auto& [norm, radii] : threats) {
    for (const double eps : radii) {
      Scene scene = standard_scene(subject.descriptor());
      set_inputs(scene, extreme_inputs());
      scene.norm = norm;
      scene.eps = eps;
      try {
        if (const std::string what = breach(subject, scene); !what.empty()) return failed(what);
        ++served;
      } catch (const plugin::PluginError& error) {
        if (error.status() != ASSAY_UNSUPPORTED && error.status() != ASSAY_INVALID) return failed(error.what());
      }
    }
  }
  return served > 0 ? passed() : failed("no norm is served");
}

CheckResult check_scores(Subject& subject) {
  Scene scene = standard_scene(subject.descriptor());
  set_inputs(scene, extreme_inputs());
  plugin::Instance method = subject.make();
  const std::vector<double> scores = plugin::scores_of(run_role(method, "detector", scene), scene.x.dim(0));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) return failed(fmt::format("the score of row {} is {}", i, scores[i]));
  }
  return passed();
}

CheckResult check_compressor_target(Subject& subject) {
  if (subject.descriptor().baseline) return skipped("a baseline may leave the model as it is");
  int met = 0;
  for (const double ratio : {1.0, 1.5, 4.0}) {
    Scene scene = standard_scene(subject.descriptor());
    scene.ratio = ratio;
    const auto before = static_cast<double>(graph::param_count(*scene.model.graph));
    plugin::Instance method = subject.make();
    try {
      const plugin::Bundle out = run_role(method, "compressor", scene);
      const auto after = static_cast<double>(graph::nonzero_param_count(*plugin::model_of(out)));
      if (after * ratio > before + ratio) {  // at most one parameter too many
        return failed(fmt::format("ratio {}: {} of {} parameters are kept [rule 35]", ratio, after, before));
      }
      ++met;
    } catch (const plugin::PluginError& error) {
      if (error.status() != ASSAY_UNSUPPORTED && error.status() != ASSAY_INVALID) return failed(error.what());
    }
  }
  return met > 0 ? passed() : failed("no target ratio is served");
}

CheckResult check_reducer_set(Subject& subject) {
  for (const double ratio : {1.0, 3.0}) {
    Scene scene = standard_scene(subject.descriptor());
    scene.ratio = ratio;
    const auto size = static_cast<std::int64_t>(static_cast<double>(scene.train->size()) / ratio);
    plugin::Instance method = subject.make();
    const plugin::Bundle out = run_role(method, "reducer", scene);
    tasks::adopt(*plugin::records_of(out), *scene.train, size, subject.descriptor().id);
  }
  return passed();
}

}  // namespace assay::validate
