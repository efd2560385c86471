// [method.tune]: which parameters are searched for, and how often.
#include <algorithm>

#include <fmt/format.h>

#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

constexpr std::int64_t max_trials = 1000;

void check_range(const ParamValue& axis, const std::string& name) {
  const auto number = [&](const char* key) {
    if (!axis.value.has(key) || !axis.value.at(key).is_number())
      fail(axis.place, fmt::format("{}: expected a list of values, or a range {{ min = ..., max = ... }} of numbers", name));
    return axis.value.at(key).as_real();
  };
  for (const auto& [key, value] : axis.value.as_object())
    if (key != "min" && key != "max" && key != "log")
      fail(axis.place, fmt::format("unknown key '{}' in {}{}", key, name, suggestion(key, {"min", "max", "log"})));
  const double min = number("min"), max = number("max");
  const bool log = axis.value.has("log");
  if (log && !axis.value.at("log").is_bool()) fail(axis.place, fmt::format("{}.log: expected true or false", name));
  if (!(min < max) || (log && axis.value.get("log", false) && min <= 0))
    fail(axis.place, fmt::format("{}: expected min < max{}, found {} and {}", name, log ? ", and min > 0 for log = true" : "", min, max));
}

// The number of points of a grid over the space.
std::int64_t check_space(const TuneSpec& tune, const MethodSpec& method) {
  std::int64_t points = 1;
  if (tune.space.entries.empty()) fail(tune.place, "method.tune.space: expected at least one parameter");
  for (const ParamValue& axis : tune.space.entries) {
    const std::string name = "method.tune.space." + axis.key;
    if (method.params.find(axis.key) || method.grid.find(axis.key))
      fail(axis.key_place, fmt::format("{}: the key stands in `params` or `grid` too; expected it once", name));
    if (axis.value.is_object() && tune.search == "random") {
      check_range(axis, name);
      continue;
    }
    if (!axis.value.is_array() || axis.value.size() == 0)
      fail(axis.place, fmt::format("{}: expected a list of values{}", name, tune.search == "random" ? " or a range" : ", as the search is a grid"));
    points = std::min(points * static_cast<std::int64_t>(axis.value.size()), max_trials + 1);
  }
  return points;
}

}  // namespace

TuneSpec parse_tune(const Toml& value, const MethodSpec& method) {
  const Fields fields(value, "method.tune", {"search", "trials", "space"});
  TuneSpec out;
  out.place = fields.place();
  fields.need("search", "\"grid\" or \"random\"");
  out.search = fields.choice("search", {"grid", "random"}, "grid").value;
  fields.need("space", "a table of parameters, each with the values to try");
  out.space = fields.params("space");
  const std::int64_t points = check_space(out, method);
  if (out.search == "random") fields.need("trials", "how many points are drawn");
  out.trials = fields.integer("trials", points, {1, max_trials});
  if (out.search == "grid" && (out.trials != points || points > max_trials))
    fail(fields.find("trials") ? fields.find("trials")->place : out.place,
         fmt::format("method.tune.trials: the grid has {} points; expected as many trials (at most {})", points, max_trials));
  return out;
}

}  // namespace assay::suite
