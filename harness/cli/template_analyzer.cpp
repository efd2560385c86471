// The text of a new analyzer: a sound search of lines to start from.
#include "harness/cli/templates.hpp"

namespace assay::cli {

const char* const analyzer_source = R"source(// @ID@: walks from every input to the two ends of its region along each element that moves.
#include "assay/sdk.hpp"

struct @TYPE@ {
  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the analyzer does, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024};

  // Row `row` with each moving element at one of its ends in turn.
  static std::vector<float> ends_of(const assay::Analyze& in, std::size_t row, std::size_t size) {
    const auto x = in.x.floats().subspan(row * size, size), lo = in.lo.floats().subspan(row * size, size),
               hi = in.hi.floats().subspan(row * size, size);
    std::vector<float> points;
    for (std::size_t i = 0; i < size; ++i) {
      for (const float end : {lo[i], hi[i]}) {
        if (end == x[i]) continue;
        points.insert(points.end(), x.begin(), x.end());
        points[points.size() - size + i] = end;
      }
    }
    return points;
  }

  assay::Findings analyze(assay::Run& run, const assay::Analyze& in) const {
    const auto n = static_cast<std::size_t>(in.size()), size = in.x.floats().size() / n;
    const assay::Tensor own = in.model.predict(in.x);
    std::vector<std::int64_t> verdict(n, ASSAY_UNKNOWN), scope(n, ASSAY_SCOPE_PART);
    std::vector<float> witness(in.x.floats().begin(), in.x.floats().end());
    std::vector<double> explored(n, 0);
    for (std::size_t row = 0; row < n; ++row) {
      run.check();
      const std::vector<float> points = ends_of(in, row, size);
      if (points.empty()) continue;
      assay::Shape shape = in.x.shape();
      shape[0] = static_cast<std::int64_t>(points.size() / size);
      const assay::Tensor classes = in.model.predict(run.tensor<float>(shape, points));
      explored[row] = static_cast<double>(shape[0]);
      for (std::size_t p = 0; p < classes.ints().size() && verdict[row] != ASSAY_VIOLATED; ++p) {
        if (classes.ints()[p] == own.ints()[row]) continue;
        verdict[row] = ASSAY_VIOLATED;
        std::copy_n(points.begin() + static_cast<std::ptrdiff_t>(p * size), size,
                    witness.begin() + static_cast<std::ptrdiff_t>(row * size));
      }
    }
    const assay::Shape rows{in.size()};
    return {run.tensor<std::int64_t>(rows, verdict), run.tensor<std::int64_t>(rows, scope),
            run.tensor<float>(in.x.shape(), witness), run.tensor<double>(rows, explored)};
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

const char* const analyzer_methods = R"toml(
[region]
eps  = "1/10"
step = "1/20"
elements = 8  # that move, those farthest from the mean of their image; without the key all do

[[method]]
use = "random-sampling"

[[method]]
use = "@ID@"
)toml";

}  // namespace assay::cli
