// Recorded passes of an executor: like compiled ones they run in pieces of a fixed size, because the kernels of a product,
// and with them the order of its sums, are chosen by the number of rows (rule 8: no sample's numbers depend on the others).
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/edit.hpp"
#include "harness/graph/executor.hpp"

namespace assay::graph {
namespace {

constexpr std::int64_t kRows = 16;  // few, so that a walk's handful of rows is not mostly padding

Tensor stacked(const std::vector<Tensor>& parts) {
  if (parts.size() == 1) return parts[0];
  return engine::apply(engine::Registry::get().id("concat"), parts, {{"axis", std::int64_t{0}}})[0];
}

Tensor rows_of(const Tensor& x, std::int64_t first, std::int64_t rows) {
  Shape begin(x.shape().size(), 0), size = x.shape();
  begin[0] = first;
  size[0] = rows;
  return engine::apply1("slice", {x}, {{"begin", begin}, {"size", size}});
}

// Rows [first, first + rows), filled up to kRows with copies of the first of them, which no gradient comes back from.
Tensor piece_of(const Tensor& x, std::int64_t first, std::int64_t rows) {
  std::vector<Tensor> parts{rows_of(x, first, rows)};
  if (rows < kRows) parts.resize(static_cast<std::size_t>(1 + kRows - rows), engine::detach(rows_of(x, first, 1)));
  return stacked(parts);
}

std::vector<std::uint64_t> ids_of(const ForwardOptions& options, std::int64_t first, std::int64_t rows) {
  if (options.sample_ids.empty()) return {};
  const auto begin = options.sample_ids.begin() + first;
  std::vector<std::uint64_t> ids(begin, begin + rows);
  ids.resize(static_cast<std::size_t>(kRows), *begin);
  return ids;
}

std::vector<Tensor> in_pieces(const Graph& graph, const Tensor& x, const std::vector<std::string>& wants,
                              const std::map<std::string, Tensor>& parameters, const ForwardOptions& options) {
  std::vector<std::vector<Tensor>> parts(wants.size());
  for (std::int64_t first = 0; first < x.dim(0); first += kRows) {
    const std::int64_t rows = std::min(kRows, x.dim(0) - first);
    const std::vector<std::uint64_t> ids = ids_of(options, first, rows);
    const ForwardOptions part{options.mode, options.seed, options.draw, ids};
    const RecordedForward made = record_forward(graph, piece_of(x, first, rows), wants, parameters, part);
    for (std::size_t i = 0; i < wants.size(); ++i) {
      parts[i].push_back(rows < kRows ? rows_of(made.values[i], 0, rows) : made.values[i]);
    }
  }
  std::vector<Tensor> values;
  values.reserve(parts.size());
  for (const std::vector<Tensor>& part : parts) values.push_back(stacked(part));
  return values;
}

}  // namespace

RecordedForward Executor::forward_recorded(const Tensor& x, const std::vector<std::string>& wants,
                                           const ForwardOptions& options, bool watch_parameters) {
  check_rows(*graph_, x, options);
  if (!folded_) folded_ = std::make_shared<const Graph>(fold_batch_norm(*graph_));
  const auto named = [&](const std::string& want) { return graph_->outputs.count(want) || graph_->taps.count(want); };
  const bool whole = watch_parameters || options.mode == Mode::train || !std::all_of(wants.begin(), wants.end(), named);
  const Graph& graph = whole ? *graph_ : *folded_;
  std::map<std::string, Tensor> parameters;
  for (const auto& [name, parameter] : graph.parameters) {
    if (watch_parameters && parameter.trainable) parameters[name] = engine::watch(parameter.value);
  }
  RecordedForward result;
  if (options.mode == Mode::train) {
    result = record_forward(graph, x, wants, parameters, options);
  } else {
    result.values = in_pieces(graph, x, wants, parameters, options);
  }
  result.parameters = std::move(parameters);
  return result;
}

RecordedForward Executor::forward_recorded(const Tensor& x, const std::vector<std::string>& wants,
                                           const ForwardOptions& options, const std::map<std::string, Tensor>& values) {
  check_rows(*graph_, x, options);
  if (options.mode == Mode::train) return record_forward(*graph_, x, wants, values, options);
  RecordedForward result;
  result.values = in_pieces(*graph_, x, wants, values, options);
  return result;
}

}  // namespace assay::graph
