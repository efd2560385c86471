// What analyzers owe: counter-examples that are real on any input; and the certificate, regions whose answers are
// known.
#include "assay/plugin.h"
#include "harness/graph/builder.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/tasks/region.hpp"
#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

std::vector<std::int64_t> classes_of(const plugin::Model& model, const engine::Tensor& x) {
  const std::vector<float> logits = model.executor->logits(x).to_f32();
  return metrics::predictions({logits, logits.size() / static_cast<std::size_t>(x.dim(0)), metrics::Scale::logits});
}

// Of the first witness that is no counter-example; "" when all are.
std::string false_witness(const plugin::AnalyzeInputs& in, const plugin::Findings& found) {
  const std::vector<std::int64_t> own = classes_of(in.model, in.x), other = classes_of(in.model, found.witness);
  const tasks::Boxes boxes{in.lo.to_f32(), in.hi.to_f32(), in.below.to_i64(), in.above.to_i64()};
  const std::size_t size = boxes.lo.size() / own.size();
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (found.verdict[i] != ASSAY_VIOLATED) continue;
    if (!tasks::in_box(tasks::box_at(in.x.f32s(), boxes, i, size, in.step),
                       found.witness.f32s().subspan(i * size, size)))
      return fmt::format("the counter-example of row {} is not in its region [rule 15]", i);
    if (own[i] == other[i]) return fmt::format("the counter-example of row {} has the class of its input [rule 15]", i);
  }
  return "";
}

plugin::Findings ask(Subject& subject, const plugin::AnalyzeInputs& in) {
  plugin::Instance method = subject.make();
  return plugin::findings_of(method.analyze(plugin::analyze_inputs(in)), in.x.shape());
}

// ---- the planted net and its regions

constexpr std::size_t kFirst = 14, kSecond = 15;  // the two elements that move
constexpr float kPlace = 0.7f;                    // the planted point is (kPlace, kPlace)

// Class 1 within a distance in L1 of 0.03 of the planted point, which is less than a step; class 2 where the first
// element is above 0.925; class 0 elsewhere.
graph::Graph planted_net() {
  graph::GraphBuilder net({1, kSide, kSide}, 61);
  const std::string gaps = net.relu("relu1", net.linear("gaps", net.flatten("flatten", net.input()), 5));
  const std::string shapes = net.relu("relu2", net.linear("shapes", gaps, 2));
  graph::Graph graph = net.finish(net.linear("fc", shapes, 3), shapes, Json::object({{"arch", "planted"}}));
  const auto set = [&](const std::string& name, const std::vector<float>& values) {
    graph.set_parameter(name, engine::Tensor::f32(graph.parameters.at(name).value.shape(), values));
  };
  std::vector<float> gap(5 * static_cast<std::size_t>(kPixels), 0.0f);
  const auto at = [&](std::size_t unit, std::size_t pixel) -> float& {
    return gap[unit * static_cast<std::size_t>(kPixels) + pixel];
  };
  at(0, kFirst) = at(2, kSecond) = at(4, kFirst) = 1;
  at(1, kFirst) = at(3, kSecond) = -1;
  set("gaps.weight", gap);
  set("gaps.bias", {-kPlace, kPlace, -kPlace, kPlace, -0.4f});
  constexpr float slope = 0.5f / 0.03f;
  set("shapes.weight", {-slope, -slope, -slope, -slope, 0, 0, 0, 0, 0, 1});
  set("shapes.bias", {1, 0});
  set("fc.weight", {0, 0, 1, 0, 0, 20});
  set("fc.bias", {0.5f, 0, -10});
  return graph;
}

struct Planted {
  const char* what;
  float first, second;
  bool grid, box;  // has a point of another class
  bool wide;       // a fifth of the grid and one of its corners
};
constexpr Planted kPlanted[] = {
    {"far from everything", 0.2f, 0.2f, false, false, false},
    {"one point inside", 0.65f, 0.75f, true, true, false},
    {"two of five columns", 0.9f, 0.4f, true, true, true},
    {"at the border of the range", 0.0f, 1.0f, false, false, false},
    {"one of five columns", 0.85f, 0.3f, true, true, true},
    {"between the points of the grid", 0.675f, 0.725f, false, true, false},
};

plugin::AnalyzeInputs planted_inputs(const Descriptor& descriptor) {
  constexpr std::size_t n = std::size(kPlanted), size = static_cast<std::size_t>(kPixels);
  std::vector<float> x(n * size, 0.5f);
  for (std::size_t i = 0; i < n; ++i) {
    x[i * size + kFirst] = kPlanted[i].first;
    x[i * size + kSecond] = kPlanted[i].second;
  }
  tasks::Region region{{1, 10}, {1, 20}};
  tasks::Boxes boxes = tasks::boxes_of(x, size, region);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i % size == kFirst || i % size == kSecond) continue;
    boxes.lo[i] = boxes.hi[i] = x[i];
    boxes.below[i] = boxes.above[i] = 0;
  }
  const engine::Shape shape{static_cast<std::int64_t>(n), 1, kSide, kSide};
  std::vector<std::int64_t> ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<std::int64_t>(i);
  return {plugin::Model(std::make_shared<const graph::Graph>(planted_net()), requested_access(descriptor, "analyzer"),
                        "planted", 16),
          engine::Tensor::f32(shape, x),
          ids,
          engine::Tensor::f32(shape, boxes.lo),
          engine::Tensor::f32(shape, boxes.hi),
          engine::Tensor::i64(shape, boxes.below),
          engine::Tensor::i64(shape, boxes.above),
          region.step.value()};
}

// What is wrong with a verdict; "" when nothing is. Unknown is never wrong but where anybody finds the violation.
std::string sin_of(const Planted& planted, std::int64_t verdict, std::int64_t scope) {
  if (planted.wide && verdict != ASSAY_VIOLATED) return "a violation on a fifth of the grid and more was not found";
  if (verdict != ASSAY_HOLDS || scope == ASSAY_SCOPE_PART) return "";
  if (planted.grid) return "said to hold on the grid, which has a point of another class";
  if (planted.box && scope == ASSAY_SCOPE_BOX) return "said to hold on the box, which has a point of another class";
  return "";
}

}  // namespace

CheckResult check_analyzer_verdicts(Subject& subject) {
  for (const std::int64_t elements : {std::int64_t{1}, std::int64_t{4}, std::int64_t{0}}) {
    for (const double eps : {0.02, 0.5}) {
      Scene scene = standard_scene(subject.descriptor());
      scene.elements = elements;
      scene.eps = eps;
      const plugin::AnalyzeInputs in = region_inputs(scene);
      if (const std::string what = false_witness(in, ask(subject, in)); !what.empty())
        return failed(fmt::format("eps {}, {} elements: {}", eps, elements, what));
    }
  }
  return passed();
}

CheckResult certify_analyzer(Subject& subject) {
  const plugin::AnalyzeInputs in = planted_inputs(subject.descriptor());
  const plugin::Findings found = ask(subject, in);
  if (const std::string what = false_witness(in, found); !what.empty()) return failed(what);
  std::size_t decided = 0;
  for (std::size_t i = 0; i < std::size(kPlanted); ++i) {
    if (const std::string what = sin_of(kPlanted[i], found.verdict[i], found.scope[i]); !what.empty())
      return failed(fmt::format("region {} ({}): {}", i, kPlanted[i].what, what));
    if (found.verdict[i] == ASSAY_VIOLATED || (found.verdict[i] == ASSAY_HOLDS && found.scope[i] != ASSAY_SCOPE_PART))
      ++decided;
  }
  return passed(static_cast<double>(decided) / static_cast<double>(std::size(kPlanted)),
                fmt::format("{} of {} regions decided, none wrongly", decided, std::size(kPlanted)));
}

}  // namespace assay::validate
