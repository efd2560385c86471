#include "harness/tasks/examples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "harness/tasks/stage.hpp"

namespace assay::tasks {

namespace {

constexpr double kSteps = 100;  // distances within a hundredth of the radius are equal: rounding must not choose

std::optional<std::size_t> radius_of(const Threat& threat, const std::string& text) {
  const auto wanted = Rational::parse(text);
  if (!wanted || wanted->num == 0) return std::nullopt;
  for (std::size_t k = 0; k < threat.eps.size(); ++k)
    if (threat.eps[k] == *wanted) return k;
  return std::nullopt;
}

std::uint8_t level(double share, double zero, double range) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(zero + range * share), 0L, 255L));
}

// Rows of the data: what the attack broke with the least change, what withstood it best.
std::vector<std::size_t> chosen(const AttackJudge& judge, const AttackOutcome& outcome, double eps, std::size_t each) {
  std::vector<std::tuple<double, double, std::size_t>> broken, standing;
  for (std::size_t i = 0; i < outcome.margin.size(); ++i) {
    if (judge.correct()[i] != 1 || !std::isfinite(outcome.margin[i])) continue;
    const double step = std::floor(outcome.distance[i] / eps * kSteps);
    if (outcome.robust[i] == 0)
      broken.emplace_back(step, outcome.margin[i], i);
    else
      standing.emplace_back(-outcome.margin[i], 0.0, i);
  }
  std::vector<std::size_t> rows;
  for (auto* list : {&broken, &standing}) {
    std::sort(list->begin(), list->end());
    for (std::size_t k = 0; k < std::min(each, list->size()); ++k) rows.push_back(std::get<2>((*list)[k]));
  }
  return rows;
}

}  // namespace

bool can_be_pictured(const engine::Shape& shape) {
  return shape.size() == 4 && (shape[1] == 1 || shape[1] == 3) && shape[2] * shape[3] <= most_example_pixels;
}

void BeforeAfter::put(Example& one) const {
  const double range = static_cast<double>(high) - static_cast<double>(low);
  std::vector<double> change;
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const double before = (static_cast<double>(clean[i]) - low) / range,
                 after = (static_cast<double>(perturbed[i]) - low) / range;
    one.clean.push_back(level(before, 0, 255));
    one.perturbed.push_back(level(after, 0, 255));
    change.push_back(after - before);
    one.scale = std::max(one.scale, std::abs(change.back()));
  }
  for (const double d : change) one.difference.push_back(level(one.scale > 0 ? d / one.scale : 0, 128, 127));
}

void save_examples(StageContext& context, const Examples& set) {
  if (set.items.empty()) return;
  save_container(context.out() / examples_file, set.to_container());
  context.announce(examples_file);
}

void keep_examples(StageContext& context, const AttackJudge& judge, const std::vector<AttackOutcome>& outcomes) {
  if (!context.spec().has("examples")) return;
  const Json& asked = context.spec().at("examples");
  const auto k = radius_of(judge.threat(), asked.get("eps", ""));
  const engine::Shape& shape = judge.data().x.shape();
  if (!k || !can_be_pictured(shape)) return;
  const auto each = static_cast<std::size_t>(std::max<std::int64_t>(0, asked.get("each", 0)));
  const Rational& eps = judge.threat().eps[*k];

  Examples set;
  set.condition = eps_condition(eps);
  set.norm = judge.threat().norm_name;
  set.rule = fmt::format(
      "Of the inputs that are classified correctly without an attack and that this attack was given: the {0} that it "
      "broke with "
      "the smallest {1} distance (in steps of a hundredth of the radius; among equals those whose true class falls "
      "farthest "
      "behind), and the {0} that stand with the largest margin of the true class",
      each, set.norm);
  set.channels = shape[1];
  set.height = shape[2];
  set.width = shape[3];
  const auto size = static_cast<std::size_t>(set.values());
  const std::span<const float> clean = judge.data().x.f32s();
  for (const std::size_t row : chosen(judge, outcomes[*k], eps.value(), each)) {
    Example one;
    one.id = judge.data().ids[row];
    one.label = judge.data().y[row];
    one.predicted = outcomes[*k].predicted[row];
    one.broken = outcomes[*k].robust[row] == 0;
    one.distance = outcomes[*k].distance[row];
    one.margin = outcomes[*k].margin[row];
    BeforeAfter{clean.subspan(row * size, size), judge.perturbed(set.condition, row), judge.threat().low, judge.threat().high}.put(one);
    set.items.push_back(std::move(one));
  }
  save_examples(context, set);
}

}  // namespace assay::tasks
