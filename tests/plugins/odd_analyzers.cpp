// Sound as plugins and wrong as analyzers: what each leaves, the task must reject or count.
#include <limits>

#include "assay/sdk.hpp"

namespace {

using assay::Analyze;
using assay::Findings;
using assay::Run;

constexpr assay::Info odd(const char* id, const char* summary) {
  return {.id = id, .version = "1.0.0", .summary = summary, .title = "", .baseline = true};
}

// The same verdict of every region.
struct Said {
  std::int64_t verdict = ASSAY_UNKNOWN, scope = ASSAY_SCOPE_PART;
  double explored = 0;
};
Findings all(Run& run, const Analyze& in, const Said& said, const assay::Tensor& witness) {
  const auto n = static_cast<std::size_t>(in.size());
  return {run.tensor<std::int64_t>({in.size()}, std::vector<std::int64_t>(n, said.verdict)),
          run.tensor<std::int64_t>({in.size()}, std::vector<std::int64_t>(n, said.scope)), witness,
          run.tensor<double>({in.size()}, std::vector<double>(n, said.explored))};
}

struct Outside {
  static constexpr auto info = odd("odd-outside", "counter-examples at the far end of the range");
  Findings analyze(Run& run, const Analyze& in) const { return all(run, in, {ASSAY_VIOLATED}, 1.0 - in.x); }
};
struct NotFinite {
  static constexpr auto info = odd("odd-witness-nan", "counter-examples that are not numbers");
  Findings analyze(Run& run, const Analyze& in) const {
    return all(run, in, {ASSAY_VIOLATED}, run.full(in.x.shape(), std::numeric_limits<float>::quiet_NaN()));
  }
};
struct SameClass {
  static constexpr auto info = odd("odd-same-class", "the input as its own counter-example");
  Findings analyze(Run& run, const Analyze& in) const { return all(run, in, {ASSAY_VIOLATED}, in.x); }
};
struct Code {
  static constexpr auto info = odd("odd-verdict", "a verdict that there is not");
  Findings analyze(Run& run, const Analyze& in) const { return all(run, in, {7}, in.x); }
};
struct Shape {
  static constexpr auto info = odd("odd-witness-shape", "flat counter-examples");
  Findings analyze(Run& run, const Analyze& in) const { return all(run, in, {}, run.zeros({in.size(), 1})); }
};
struct Spent {
  static constexpr auto info = odd("odd-explored", "fewer points than none");
  Findings analyze(Run& run, const Analyze& in) const {
    return all(run, in, {ASSAY_UNKNOWN, ASSAY_SCOPE_PART, -1}, in.x);
  }
};
// Sound as far as the host can see before it looks itself.
struct Optimist {
  static constexpr auto info = odd("odd-optimist", "all is well on the grid");
  Findings analyze(Run& run, const Analyze& in) const { return all(run, in, {ASSAY_HOLDS, ASSAY_SCOPE_GRID}, in.x); }
};
struct Partly {
  static constexpr auto info = odd("odd-partly", "all is well on a part of the grid");
  Findings analyze(Run& run, const Analyze& in) const { return all(run, in, {ASSAY_HOLDS, ASSAY_SCOPE_PART}, in.x); }
};
struct Silent {
  static constexpr auto info = odd("odd-silent", "knows nothing");
  Findings analyze(Run& run, const Analyze& in) const { return all(run, in, {}, in.x); }
};

}  // namespace

ASSAY_PLUGIN(Outside, NotFinite, SameClass, Code, Shape, Spent, Optimist, Partly, Silent)
