// The table, parameter checks and descriptions.
#include "harness/graph/zoo/zoo.hpp"

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

const char* kind_of(const Json& value) {
  if (value.is_array()) return "a list of integers";
  return value.is_int() ? "an integer" : "a number";
}

void check_number(const ParamSpec& spec, const Json& value) {
  const bool whole = spec.fallback.is_int() || spec.fallback.is_array();
  if (!(whole ? value.is_int() : value.is_number())) {
    bad_input("params." + spec.name + ": must be " + kind_of(spec.fallback) + ", not " + value.dump());
  }
  const double v = value.as_real();
  if (!(v >= spec.min && v <= spec.max)) {
    bad_input("params." + spec.name + ": must be from " + Json(spec.min).dump() + " to " + Json(spec.max).dump() +
              ", not " + value.dump());
  }
}

void check_value(const ParamSpec& spec, const Json& value) {
  if (!spec.fallback.is_array()) return check_number(spec, value);
  if (!value.is_array()) bad_input("params." + spec.name + ": must be a list of integers, not " + value.dump());
  for (const Json& item : value.as_array()) check_number(spec, item);
}

}  // namespace

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> all = [] {
    std::vector<Architecture> list = {
#define ASSAY_ARCHITECTURE(name) arch_##name(),
#include "harness/graph/zoo/zoo.def"
#undef ASSAY_ARCHITECTURE
    };
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return list;
  }();
  return all;
}

const Architecture& find(const std::string& name) {
  std::vector<std::string> names;
  for (const Architecture& arch : architectures()) {
    if (arch.name == name) return arch;
    names.push_back(arch.name);
  }
  bad_input("unknown architecture '" + name + "'" + suggestion(name, names));
}

Json complete_params(const Architecture& arch, const Json& params) {
  Json complete = Json::object({});
  std::vector<std::string> names;
  for (const ParamSpec& spec : arch.params) {
    complete[spec.name] = spec.fallback;
    names.push_back(spec.name);
  }
  if (params.is_null()) return complete;
  if (!params.is_object()) bad_input("params: must be a table, not " + params.dump());
  for (const auto& [key, value] : params.as_object()) {
    const auto spec =
        std::find_if(arch.params.begin(), arch.params.end(), [&, k = key](const ParamSpec& p) { return p.name == k; });
    if (spec == arch.params.end())
      bad_input("params." + key + ": architecture '" + arch.name + "' has no such parameter" + suggestion(key, names));
    check_value(*spec, value);
    complete[key] = value;
  }
  return complete;
}

namespace {

graph::Graph built(const std::string& name, BuildRequest request) {
  const Architecture& arch = find(name);
  const engine::Shape& input = request.input;
  const auto positive = [](std::int64_t extent) { return extent > 0; };
  if (input.empty() || !std::all_of(input.begin(), input.end(), positive))
    bad_input("input shape " + engine::shape_str(input) + " must have positive extents");
  if (request.classes < 2) bad_input("classes must be at least 2, not " + std::to_string(request.classes));
  request.params = complete_params(arch, request.params);
  try {
    graph::Graph graph = arch.build(request);
    graph.metadata["arch"] = arch.name;
    graph.metadata["params"] = request.params;
    graph.metadata["classes"] = request.classes;
    graph.metadata["seed"] = static_cast<std::int64_t>(request.seed);
    return graph;
  } catch (const Error& e) {
    throw Error(e.fault(), "architecture '" + name + "' on input " + engine::shape_str(input) + ": " + e.what());
  }
}

}  // namespace

graph::Graph build(const std::string& name, const Json& params, const engine::Shape& input, std::int64_t classes,
                   std::uint64_t seed) {
  return built(name, {input, classes, seed, params});
}

Size size_of(const std::string& name, const Json& params, const engine::Shape& input, std::int64_t classes) {
  const graph::Graph graph = built(name, {input, classes, 0, params, graph::Weights::unset});
  return {graph::param_count(graph), graph::macs(graph)};
}

Json describe() {
  Json list = Json::array();
  for (const Architecture& arch : architectures()) {
    Json params = Json::array();
    for (const ParamSpec& p : arch.params) {
      params.push_back(
          Json::object({{"name", p.name}, {"default", p.fallback}, {"min", p.min}, {"max", p.max}, {"doc", p.doc}}));
    }
    list.push_back(Json::object(
        {{"name", arch.name}, {"summary", arch.summary}, {"citation", arch.citation}, {"params", params}}));
  }
  return list;
}

}  // namespace assay::zoo
