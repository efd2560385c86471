// What spans blocks: references, cycles, what a task needs and refuses, and leaks between lists.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

std::vector<std::string> model_ids(const SuiteSpec& suite) {
  std::vector<std::string> ids;
  for (const ModelSpec& model : suite.models) ids.push_back(model.id.value);
  return ids;
}

void check_model_reference(const SuiteSpec& suite, const Located<std::string>& id, const char* key) {
  if (!suite.model(id.value))
    fail(id.place, fmt::format("{}: unknown model '{}'{}", key, id.value, suggestion(id.value, model_ids(suite))));
}

// Follows every `from` down; a model met again on its own way is a cycle. `done` holds those that are known to have none.
void follow(const SuiteSpec& suite, const ModelSpec& model, std::vector<std::string>& way, std::set<std::string>& done) {
  way.push_back(model.id.value);
  if (model.from && done.count(model.id.value) == 0) {
    for (const Located<std::string>& next : model.from->models) {
      if (std::find(way.begin(), way.end(), next.value) != way.end())
        fail(next.place, fmt::format("model.from.model: cyclic reference {} -> {}; expected a model that does not come from '{}'",
                                     fmt::join(way, " -> "), next.value, model.id.value));
      follow(suite, *suite.model(next.value), way, done);
    }
  }
  way.pop_back();
  done.insert(model.id.value);
}

void check_cycles(const SuiteSpec& suite) {
  std::vector<std::string> way;
  std::set<std::string> done;
  for (const ModelSpec& model : suite.models) follow(suite, model, way, done);
}

void check_references(const SuiteSpec& suite) {
  for (const ModelSpec& model : suite.models)
    if (model.from)
      for (const auto& id : model.from->models) check_model_reference(suite, id, "model.from.model");
  check_cycles(suite);
  if (!suite.threat) return;
  for (const auto& id : suite.threat->victims) check_model_reference(suite, id, "threat.victims");
  for (const auto& id : suite.threat->surrogates) check_model_reference(suite, id, "threat.surrogates");
}

[[noreturn]] void refuse_block(const Place& place, const char* what, const SuiteSpec& suite) {
  fail(place, fmt::format("{} has no meaning for task '{}'", what, suite.task.value));
}

void check_needed(const SuiteSpec& suite) {
  const std::string& task = suite.task.value;
  const auto need = [&](bool there, const Place& place, const char* what) {
    if (!there) fail(place, fmt::format("task '{}' needs {}", task, what));
  };
  need(!suite.models.empty(), suite.place, "at least one [[model]]");
  need(suite.data.test.has_value(), suite.data.place, "data.test");
  need(suite.data.train.has_value(), suite.data.place, "data.train");
  if (task == "attack") need(suite.threat.has_value(), suite.place, "a [threat] block");
  if (task == "detect") need(!suite.data.ood.empty(), suite.data.place, "data.ood with at least one list");
  if (task == "falsify") need(suite.region.has_value(), suite.place, "a [region] block");
  if (task == "compress") need(suite.target.has_value(), suite.place, "a [target] block");
}

void check_unused(const SuiteSpec& suite) {
  const std::string& task = suite.task.value;
  const bool derives = std::any_of(suite.models.begin(), suite.models.end(), [](const auto& m) { return m.from.has_value(); });
  if (suite.threat && task != "attack") refuse_block(suite.threat->place, "[threat]", suite);
  if (suite.region && task != "falsify") refuse_block(suite.region->place, "[region]", suite);
  if (suite.budget.per_sample_place.line > 0 && task != "attack" && task != "detect" && task != "falsify")
    refuse_block(suite.budget.per_sample_place, "a budget per sample", suite);
  if (!suite.budget.curve.empty() && (task == "compress" || task == "reduce"))  // its curve is over the target
    refuse_block(suite.budget.place, "a curve over the budget", suite);
  const bool reaches = task == "compress" || task == "reduce";  // a target
  const Located<std::string>& search = suite.numerics.search;
  if (search.given() && task != "attack") refuse_block(search.place, "numerics.search", suite);
  if (search.given() && suite.threat && suite.threat->access == "transfer")
    fail(search.place, "numerics.search: a transfer attack has no handle on its victim; expected another threat.access or no such key");
  if (suite.target && !reaches) refuse_block(suite.target->place, "[target]", suite);
  if (suite.finetune && task != "compress" && !derives) refuse_block(suite.finetune->place, "[finetune]", suite);
  if (!suite.data.ood.empty() && task != "detect") refuse_block(suite.data.ood[0].place, "data.ood", suite);
  if (suite.data.fit && task != "detect" && task != "compress") refuse_block(suite.data.fit->place, "data.fit", suite);
  if (suite.threat && suite.threat->matrix && suite.rank != "none")
    fail(suite.threat->matrix_place, "threat.matrix: its cells are sources and victims, not rivals; expected suite.rank = \"none\"");
  if (suite.rank == "subject" && task != "attack") refuse_block(suite.place, "rank = \"subject\"", suite);
  for (const MethodSpec& method : suite.methods) {
    if (!method.targets.empty() && !(reaches && suite.target)) refuse_block(method.place, "method.targets", suite);
    if (!method.chain.empty() && task != "attack") refuse_block(method.place, "method.chain", suite);
    if (method.members > 0 && task != "predict") refuse_block(method.members_place, "method.members", suite);
  }
  for (const ModelSpec& model : suite.models)
    if (model.members > 1 && task != "predict") refuse_block(model.members_place, "model.members", suite);
}

void check_members(const SuiteSpec& suite) {
  for (const MethodSpec& method : suite.methods)
    for (const ModelSpec& model : suite.models)
      if (method.members > model.members)
        fail(method.members_place, fmt::format("method.members: {} asked, but model '{}' has {}; expected at most that many",
                                               method.members, model.id.value, model.members));
}

std::set<std::string> class_names(const DataSpec& list) {
  std::set<std::string> out;
  for (const auto& one : list.classes) out.insert(one.value);
  return out;
}

// Both choose classes, and have none in common.
bool other_classes(const DataSpec& a, const DataSpec& b) {
  const auto taken = class_names(a);
  return !a.classes.empty() && !b.classes.empty() &&
         std::none_of(b.classes.begin(), b.classes.end(), [&](const auto& one) { return taken.count(one.value) > 0; });
}

// Can the two lists share a record? A balanced list may reach anywhere in its split, and places are counted among the chosen classes.
bool overlap(const DataSpec& a, const DataSpec& b) {
  if (a.set.value != b.set.value || a.split.value != b.split.value || other_classes(a, b)) return false;
  if (class_names(a) != class_names(b)) return true;
  if (a.balanced || b.balanced) return true;
  const auto ends_before = [](const DataSpec& x, const DataSpec& y) { return x.limit > 0 && x.first + x.limit <= y.first; };
  return !ends_before(a, b) && !ends_before(b, a);
}

bool within(const DataSpec& part, const DataSpec& whole) {
  if (part.set.value != whole.set.value || part.split.value != whole.split.value) return false;
  const auto some = class_names(part), all = class_names(whole);
  if (!all.empty() && (some.empty() || !std::includes(all.begin(), all.end(), some.begin(), some.end()))) return false;
  if (whole.first == 0 && whole.limit == 0) return true;
  if (some != all) return false;
  if (part.balanced || whole.balanced)
    return part.balanced == whole.balanced && part.first == whole.first && part.limit == whole.limit;
  if (part.first < whole.first) return false;
  return whole.limit == 0 || (part.limit > 0 && part.first + part.limit <= whole.first + whole.limit);
}

void check_lists(const SuiteSpec& suite) {
  const DataBlock& data = suite.data;
  if (overlap(*data.test, *data.train))
    fail(data.test->place, fmt::format("data.test: shares records of '{}' split '{}' with data.train; expected disjoint lists",
                                       data.test->set.value, data.test->split.value));
  // What decides when training stops is neither trained on nor tested on.
  for (const auto* other : {&data.train, &data.test})
    if (data.val && overlap(*data.val, **other))
      fail(data.val->place, fmt::format("data.val: shares records of '{}' split '{}' with data.{}; expected disjoint lists",
                                        data.val->set.value, data.val->split.value, (*other)->label));
  // Rule 32: a detector fits on the in-distribution training list and on nothing else; so does fine-tuning.
  if (data.fit && !within(*data.fit, *data.train))
    fail(data.fit->place, "data.fit: expected a part of data.train (rule 32)");
  for (const DataSpec& ood : data.ood) {
    for (const DataSpec* in : {&*data.train, &*data.test})
      if (ood.set.value == in->set.value && !other_classes(ood, *in))
        fail(ood.set.place, fmt::format("data.ood: '{}' is the in-distribution set; expected another, or `classes` of it here and in data.{} "
                                        "that have none in common", ood.set.value, in->label));
    if (ood.label == data.test->set.value)
      fail(ood.place, fmt::format("data.ood: label '{}' names the in-distribution set; expected another `label`", ood.label));
  }
}

// Rules 10 and 11: parameters are chosen on validation data, by equally many trials for each method.
void check_tuning(const SuiteSpec& suite) {
  const TuneSpec* first = nullptr;
  for (const MethodSpec& method : suite.methods) {
    if (!method.tune) continue;
    if (suite.task.value == "detect")
      fail(method.tune->place, "method.tune: detectors need lists of other out-of-distribution data to be tuned on (rule 29), which "
                               "suites cannot name yet", Fault::unsupported);
    if (!suite.data.val) fail(method.tune->place, "method.tune: parameters are chosen on validation data (rule 10); expected data.val");
    if (first && first->trials != method.tune->trials)
      fail(method.tune->place, fmt::format("method.tune: {} trials, but {} at {}; expected the same number for every method (rule 11)",
                                           method.tune->trials, first->trials, first->place.str()));
    if (!suite.budget.curve.empty())
      fail(method.tune->place, fmt::format("method.tune: a search has one budget; expected budget.{} to be one number", suite.budget.curve));
    if (!first) first = &*method.tune;
  }
}

// Rule 37: structured or clever pruning means nothing without these two under the same recipe.
void check_pruning_anchors(const SuiteSpec& suite) {
  if (suite.task.value != "compress" || suite.rank == "none") return;
  for (const char* anchor : {"random-pruning", "magnitude-global"}) {
    const bool there = std::any_of(suite.methods.begin(), suite.methods.end(),
                                   [&](const MethodSpec& method) { return method.use.value == anchor; });
    if (!there)
      fail(suite.place, fmt::format("a ranked compress suite needs method '{}' (rule 37); expected it, or rank = \"none\"", anchor));
  }
}

// Rule 39: a smaller set says something only beside a random one of equal size, under the same recipe.
void check_reduction_anchor(const SuiteSpec& suite) {
  if (suite.task.value != "reduce" || suite.rank == "none") return;
  const auto shrinks = [](const std::vector<Rational>& ratios) {
    return std::any_of(ratios.begin(), ratios.end(), [](const Rational& ratio) { return ratio.num > ratio.den; });
  };
  const bool smaller = (suite.target && shrinks(suite.target->values)) ||
                       std::any_of(suite.methods.begin(), suite.methods.end(),
                                   [&](const MethodSpec& method) { return shrinks(method.targets); });
  const bool anchored = std::any_of(suite.methods.begin(), suite.methods.end(),
                                    [](const MethodSpec& method) { return method.use.value == "random-subset"; });
  if (smaller && !anchored)
    fail(suite.place, "a ranked reduce suite with a ratio above 1 needs method 'random-subset' (rule 39); expected it, or rank = \"none\"");
}

}  // namespace

void cross_check(SuiteSpec& suite) {
  check_needed(suite);
  check_unused(suite);
  check_references(suite);
  check_members(suite);
  check_lists(suite);
  check_tuning(suite);
  check_pruning_anchors(suite);
  check_reduction_anchor(suite);
}

}  // namespace assay::suite
