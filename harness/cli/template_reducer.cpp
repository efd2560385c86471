// The text of a new reducer: a sound coreset to start from.
#include "harness/cli/templates.hpp"

namespace assay::cli {

const char* const reducer_source = R"source(// @ID@: keeps of every class its share of the records, those closest to the mean of the class.
#include <algorithm>

#include "assay/sdk.hpp"

struct @TYPE@ {
  static constexpr assay::Info info{.id = "@ID@",
                                    .version = "0.1.0",
                                    .summary = "what the reducer does, in one line",
                                    .title = "title of the paper, if there is one",
                                    .year = 2024};

  using Positions = std::vector<std::int64_t>;

  // Squared distance of each of these rows to their mean, with the row's position.
  static std::vector<std::pair<double, std::int64_t>> distances(const assay::Tensor& x, const Positions& positions) {
    const auto values = x.floats();
    const std::size_t rows = positions.size(), size = rows == 0 ? 0 : values.size() / rows;
    std::vector<double> mean(size, 0);
    for (std::size_t i = 0; i < values.size(); ++i) mean[i % size] += static_cast<double>(values[i]) / static_cast<double>(rows);
    std::vector<std::pair<double, std::int64_t>> found;
    for (std::size_t row = 0; row < rows; ++row) {
      double sum = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const double gap = static_cast<double>(values[row * size + i]) - mean[i];
        sum += gap * gap;
      }
      found.emplace_back(sum, positions[row]);
    }
    return found;
  }

  assay::Records reduce(assay::Run& run, const assay::Reduce& in) const {
    std::vector<Positions> of_class(static_cast<std::size_t>(in.classes));
    const assay::Tensor labels = in.train.rows(0, in.train.size()).y();
    for (std::size_t i = 0; i < labels.ints().size(); ++i)
      of_class[static_cast<std::size_t>(labels.ints()[i])].push_back(static_cast<std::int64_t>(i));
    Positions kept;
    for (const Positions& positions : of_class) {
      run.check();
      auto order = distances(in.train.rows(positions).x(), positions);
      std::sort(order.begin(), order.end());
      const auto share = positions.size() * static_cast<std::size_t>(in.size) / static_cast<std::size_t>(in.train.size());
      for (std::size_t i = 0; i < share; ++i) kept.push_back(order[i].second);
    }
    if (kept.empty()) assay::fail(ASSAY_INVALID, "so few records leave none of any class");
    std::sort(kept.begin(), kept.end());  // shuffles are by position: the order of the training set stays
    return assay::Records::of(in.train.rows(kept).fields);
  }
};

ASSAY_PLUGIN(@TYPE@)
)source";

const char* const reducer_methods = R"toml(
[target]
kind   = "ratio"
values = [1, 4]
rank_at = 4

[[method]]
use = "random-subset"

[[method]]
use = "@ID@"
)toml";

}  // namespace assay::cli
