// The architectures that suites can name. One file each; zoo.def lists them. Adding one: write <name>.cpp with
// `const Architecture& arch_<name>()` and add its line to zoo.def.
// Pure; any thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/graph/builder.hpp"

namespace assay::zoo {

struct ParamSpec {
  std::string name;
  Json fallback;            // default; its type is the parameter's type (int, real, list of int)
  double min = 0, max = 0;  // inclusive, of the value or of each element
  std::string doc;
};

struct BuildRequest {
  engine::Shape input;      // of one sample
  std::int64_t classes = 10;
  std::uint64_t seed = 0;
  Json params;              // complete: every ParamSpec has its value
  graph::Weights weights = graph::Weights::initial;
};

struct Architecture {
  std::string name, summary, citation;
  std::vector<ParamSpec> params;
  std::function<graph::Graph(const BuildRequest&)> build;
};

const std::vector<Architecture>& architectures();   // sorted by name
const Architecture& find(const std::string& name);  // throws Error(bad_input) with the nearest name
// Checks params against the schema ("params.width: ..."), fills in defaults. Throws Error(bad_input).
Json complete_params(const Architecture& arch, const Json& params);
graph::Graph build(const std::string& name, const Json& params, const engine::Shape& input, std::int64_t classes,
                   std::uint64_t seed);
// What build() would give, counted without filling any weights: elements of the parameters, and multiply-adds of one
// sample in convolutions and matrix products.
struct Size {
  std::int64_t params = 0;
  double macs = 0;
};
Size size_of(const std::string& name, const Json& params, const engine::Shape& input, std::int64_t classes);
// [{name, summary, citation, params: [{name, default, min, max, doc}]}], for `assay list models`.
Json describe();

}  // namespace assay::zoo
