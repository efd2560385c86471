// Analyzers against numpy, which looks at every point of the grid (fixtures/analyzers.json, made by
// make_analyzer_fixtures.py), and against each other.
#include <cmath>

#include "assay/plugin.h"
#include "harness/metrics/metrics.hpp"
#include "harness/tasks/region.hpp"
#include "world.hpp"

using namespace world;

namespace {

const Json& reference() {
  static const Json all = Json::parse(
      read_text(std::string(ASSAY_SOURCE_DIR) + "/tests/methods/fixtures/analyzers.json"), "analyzers.json");
  return all;
}

tasks::Region region() {
  return tasks::Region::from_json(Json::object(
      {{"eps", reference().at("eps")}, {"step", reference().at("step")}, {"elements", reference().at("elements")}}));
}

plugin::AnalyzeInputs questions() {
  plugin::AnalyzeInputs in;
  in.model = model();
  in.x = inputs();
  in.ids = ids();
  const tasks::Boxes boxes = tasks::boxes_of(in.x.f32s(), 12, region());
  in.lo = Tensor::f32({6, 12}, boxes.lo);
  in.hi = Tensor::f32({6, 12}, boxes.hi);
  in.below = Tensor::i64({6, 12}, boxes.below);
  in.above = Tensor::i64({6, 12}, boxes.above);
  in.step = region().step.value();
  return in;
}

plugin::Findings ask(const std::string& id, const std::string& params = "{}") {
  const plugin::AnalyzeInputs in = questions();
  plugin::Instance made = method(id, id, Json::parse(params));
  return plugin::findings_of(made.analyze(plugin::analyze_inputs(in)), in.x.shape());
}

std::int64_t class_at(const Tensor& x, std::size_t row) {
  const std::vector<float> logits = model().executor->logits(x).to_f32();
  return metrics::predictions({logits, 5, metrics::Scale::logits})[row];
}

// Real counter-examples, in their boxes.
void check_witnesses(const plugin::Findings& found, bool grid) {
  const plugin::AnalyzeInputs in = questions();
  const tasks::Boxes boxes = tasks::boxes_of(in.x.f32s(), 12, region());
  for (std::size_t i = 0; i < found.verdict.size(); ++i) {
    if (found.verdict[i] != ASSAY_VIOLATED) continue;
    CAPTURE(i);
    const tasks::Box box = tasks::box_at(in.x.f32s(), boxes, i, 12, in.step);
    CHECK(tasks::in_box(box, found.witness.f32s().subspan(i * 12, 12)));
    if (grid) CHECK(tasks::on_grid(box, found.witness.f32s().subspan(i * 12, 12)));
    CHECK(class_at(found.witness, i) != class_at(in.x, i));
  }
}

}  // namespace

TEST_CASE("the host's regions are those of numpy") {
  const plugin::AnalyzeInputs in = questions();
  for (std::size_t i = 0; i < 6; ++i) {
    const Json& one = reference().at("cases").at(i);
    CAPTURE(i);
    const std::vector<std::int64_t> below = in.below.to_i64(), above = in.above.to_i64();
    CHECK(std::vector<std::int64_t>(below.begin() + static_cast<std::ptrdiff_t>(i * 12),
                                    below.begin() + static_cast<std::ptrdiff_t>(i * 12 + 12)) ==
          integers(one.at("below")));
    CHECK(std::vector<std::int64_t>(above.begin() + static_cast<std::ptrdiff_t>(i * 12),
                                    above.begin() + static_cast<std::ptrdiff_t>(i * 12 + 12)) ==
          integers(one.at("above")));
    CHECK(class_at(in.x, i) == one.at("own").as_int());
  }
}

TEST_CASE("searches of the whole grid say what numpy says, and on all of it") {
  const std::pair<const char*, const char*> searches[] = {
      {"grid-enumeration", "{}"}, {"dlv", R"({"group": 4})"}, {"z3-complete", R"({"work": 5000000})"}};
  for (const auto& [id, params] : searches) {
    CAPTURE(id);
    const plugin::Findings found = ask(id, params);
    int violated = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      CAPTURE(i);
      const bool broken = reference().at("cases").at(i).at("violations").as_int() > 0;
      CHECK(found.verdict[i] == (broken ? ASSAY_VIOLATED : ASSAY_HOLDS));
      if (!broken) CHECK(found.scope[i] == ASSAY_SCOPE_GRID);
      violated += broken ? 1 : 0;
    }
    CHECK(violated > 0);
    CHECK(violated < 6);
    check_witnesses(found, true);
  }
  // Every point once, and x besides.
  const plugin::Findings all = ask("grid-enumeration");
  for (std::size_t i = 0; i < 6; ++i)
    if (all.verdict[i] == ASSAY_HOLDS)
      CHECK(all.explored[i] == 1 + reference().at("cases").at(i).at("points").as_real());
}

TEST_CASE("what was not looked at is never said to hold") {
  for (const char* params :
       {R"({"group": 4, "enumeration": "corners"})", R"({"group": 2})", R"({"group": 4, "features": 3})"}) {
    CAPTURE(params);
    const plugin::Findings found = ask("dlv", params);
    for (std::size_t i = 0; i < 6; ++i)
      CHECK_FALSE((found.verdict[i] == ASSAY_HOLDS && found.scope[i] != ASSAY_SCOPE_PART));
    check_witnesses(found, true);
  }
  for (const char* id : {"grid-enumeration", "dlv"}) {
    const plugin::Findings found = ask(id, R"({"points": 10})");
    for (std::size_t i = 0; i < 6; ++i) CHECK(found.verdict[i] != ASSAY_HOLDS);
  }
  // A solver that may do next to nothing decides next to nothing, and never in favour of the net.
  const plugin::Findings tired = ask("z3-complete", R"({"work": 1000})");
  for (std::size_t i = 0; i < 6; ++i)
    if (tired.verdict[i] == ASSAY_HOLDS) CHECK(reference().at("cases").at(i).at("violations").as_int() == 0);
  const plugin::Findings closed = ask("z3-complete", R"({"open": 0})");
  CHECK(std::count(closed.verdict.begin(), closed.verdict.end(), ASSAY_UNKNOWN) > 0);
}

TEST_CASE("the way back from a hidden layer ends in counter-examples of the input's box") {
  const plugin::Findings found = ask("dlv", R"({"layer": 1, "group": 4, "refine": 1, "spans": 2, "work": 5000000})");
  check_witnesses(found, false);
  std::int64_t violated = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    violated += found.verdict[i] == ASSAY_VIOLATED ? 1 : 0;
    CHECK_FALSE((found.verdict[i] == ASSAY_HOLDS && found.scope[i] != ASSAY_SCOPE_PART));
  }
  CHECK(violated > 0);
  CHECK_THROWS_WITH_AS(ask("dlv", R"({"layer": 3})"),
                       doctest::Contains("the net has 2 layers above the input, 'layer' asks for 3"), Error);
}

TEST_CASE("searches that only falsify find real counter-examples and claim nothing") {
  for (const char* id : {"random-sampling", "fgsm-grid"}) {
    CAPTURE(id);
    const plugin::Findings found = ask(id);
    check_witnesses(found, true);
    for (std::size_t i = 0; i < 6; ++i) CHECK(found.verdict[i] != ASSAY_HOLDS);
  }
  // More draws begin with the same ones.
  const plugin::Findings few = ask("random-sampling", R"({"points": 50})"),
                         many = ask("random-sampling", R"({"points": 5000})");
  for (std::size_t i = 0; i < 6; ++i)
    if (few.verdict[i] == ASSAY_VIOLATED) CHECK(many.verdict[i] == ASSAY_VIOLATED);
}

TEST_CASE("another question than the region's is refused") {
  plugin::Bundle in = plugin::analyze_inputs(questions());
  in.set("question", std::string("saliency"));
  plugin::Instance made = method("dlv");
  CHECK_THROWS_WITH_AS(made.analyze(in), doctest::Contains("answers the question 'region' only, not 'saliency'"),
                       Error);
}
