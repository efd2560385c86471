// Parameters with the place of each key: expand_params checks values, this file says where they stand in the suite.
#include <fmt/format.h>

#include "harness/plan/planner.hpp"
#include "harness/record/params.hpp"

namespace assay::plan {
namespace {

// expand_params speaks of a method; the same checks serve architectures and recipes.
std::string reword(const std::string& message, const char* what) {
  constexpr std::string_view head = "method ";
  return message.starts_with(head) ? fmt::format("{} {}", what, message.substr(head.size())) : message;
}

// Values that name other things than themselves need services that this version does not plan for.
void refuse_references(const Descriptor& schema, const ParamTable& given) {
  for (const ParamValue& entry : given.entries) {
    const ParamSchema* param = schema.param(entry.key);
    if (param && (param->type == "method" || param->type == "tensor") && !entry.value.is_null())
      fail(entry.place, fmt::format("parameter '{}' of '{}' takes a {}: not available yet", entry.key, schema.id, param->type),
           Fault::unsupported);
  }
}

}  // namespace

Params expand(const Descriptor& schema, const ParamTable& given, const char* what) {
  refuse_references(schema, given);
  for (const ParamValue& entry : given.entries) {
    try {
      expand_params(schema, Json::object({{entry.key, entry.value}}));
    } catch (const Error& error) {
      fail(schema.param(entry.key) ? entry.place : entry.key_place, reword(error.what(), what), error.fault());
    }
  }
  Params out;
  try {
    out.all = expand_params(schema, given.to_json());
  } catch (const Error& error) {  // what no single key is to blame for
    fail(given.place, reword(error.what(), what), error.fault());
  }
  out.identity = identity_params(schema, out.all);
  return out;
}

std::vector<MethodPoint> grid_points(const MethodSpec& method) {
  std::vector<MethodPoint> points = {{method.params, Json::Object{}}};
  if (method.params.place.line == 0) points[0].params.place = method.place;
  for (const ParamValue& axis : method.grid.entries) {
    std::vector<MethodPoint> wider;
    for (const MethodPoint& point : points)
      for (const Json& value : axis.value.as_array()) {
        MethodPoint next = point;
        next.params.entries.push_back({axis.key, value, axis.place, axis.key_place});
        next.axes[axis.key] = value;
        wider.push_back(std::move(next));
      }
    points = std::move(wider);
  }
  return points;
}

}  // namespace assay::plan
