// Executor: padding, plan cache, the eager path.
#include "harness/graph/executor.hpp"

#include <algorithm>
#include <cstring>

#include "harness/base/error.hpp"
#include "harness/graph/losses.hpp"

namespace assay::graph {

using engine::Storage;

namespace {

std::size_t row_bytes(const Tensor& x) {
  return x.dim(0) == 0 ? 0 : x.spec().bytes() / static_cast<std::size_t>(x.dim(0));
}

// Rows [first, first + rows) of a dense tensor, padded to `batch` with copies of the first of them.
Tensor piece_of(const Tensor& x, std::int64_t first, std::int64_t rows, std::int64_t batch) {
  if (first == 0 && rows == batch && x.dim(0) == batch) return x;
  Spec spec = x.spec();
  spec.shape[0] = batch;
  const std::size_t row = row_bytes(x);
  const auto memory = Storage::allocate(std::max<std::size_t>(spec.bytes(), 1));
  const std::byte* from = x.raw() + static_cast<std::size_t>(first) * row;
  std::memcpy(memory->data(), from, static_cast<std::size_t>(rows) * row);
  for (std::int64_t r = rows; r < batch; ++r)
    std::memcpy(memory->data() + static_cast<std::size_t>(r) * row, from, row);
  return Tensor(spec, engine::Layout::dense(spec), memory);
}

// Collects the pieces of one result.
class Gathered {
 public:
  explicit Gathered(std::int64_t rows) : rows_(rows) {}
  void take(const Tensor& piece, std::int64_t first, std::int64_t count) {
    if (count == rows_ && piece.dim(0) == rows_) {
      whole_ = piece;
      return;
    }
    if (!memory_) {
      spec_ = piece.spec();
      spec_.shape.at(0) = rows_;
      memory_ = Storage::allocate(std::max<std::size_t>(spec_.bytes(), 1));
    }
    const std::size_t row = row_bytes(piece);
    std::memcpy(memory_->data() + static_cast<std::size_t>(first) * row, piece.raw(),
                static_cast<std::size_t>(count) * row);
  }
  Tensor done() const { return whole_.defined() ? whole_ : Tensor(spec_, engine::Layout::dense(spec_), memory_); }

 private:
  std::int64_t rows_;
  Spec spec_;
  Tensor whole_;
  std::shared_ptr<Storage> memory_;
};

struct Ids {
  std::vector<std::uint64_t> padded;
  RandomKeys keys(const ForwardOptions& o, std::int64_t first, std::int64_t rows, std::int64_t batch) {
    if (o.sample_ids.empty()) return {o.seed, o.draw, {}};
    const auto begin = o.sample_ids.begin() + first;
    padded.assign(begin, begin + rows);
    padded.resize(static_cast<std::size_t>(batch), o.sample_ids[static_cast<std::size_t>(first)]);
    return {o.seed, o.draw, padded};
  }
};

std::string key_of(const CompileOptions& o) {
  std::string key = std::to_string(static_cast<int>(o.mode)) + "|" + o.loss + "|" + std::to_string(o.label_smoothing) +
                    "|" + o.cotangent_of + "|" + std::to_string(o.mean_loss) + std::to_string(o.input_grad) +
                    std::to_string(o.param_grads) + std::to_string(o.live_parameters) + std::to_string(o.optimize) +
                    std::to_string(o.repeat_backward) + precision_name(o.precision);
  for (const std::string& name : o.outputs) key += "|" + name;
  return key;
}

void check_classes_of(const Tensor& labels, std::int64_t rows, const char* what) {
  if (labels.dtype() == engine::DType::i64 && labels.shape() == Shape{rows}) return;
  bad_input(std::string(what) + " must be I64[" + std::to_string(rows) + "], not " + labels.spec().str());
}

}  // namespace

void check_rows(const Graph& graph, const Tensor& x, const ForwardOptions& options) {
  if (graph.inputs.size() != 1)
    bad_input("the model has " + std::to_string(graph.inputs.size()) + " inputs; one was given");
  const Spec& want = graph.inputs[0].spec;
  if (!x.defined() || x.shape().empty() || x.dim(0) < 1) bad_input("no input rows");
  if (x.dtype() != want.dtype || Shape(x.shape().begin() + 1, x.shape().end()) != want.shape) {
    bad_input("the model takes " + want.str() + " a sample; the input is " + x.spec().str());
  }
  if (!options.sample_ids.empty() && static_cast<std::int64_t>(options.sample_ids.size()) != x.dim(0)) {
    bad_input(std::to_string(options.sample_ids.size()) + " sample ids for " + std::to_string(x.dim(0)) + " rows");
  }
}

void for_padded_batches(const Tensor& x, std::int64_t batch,
                        const std::function<void(const Tensor& piece, std::int64_t first, std::int64_t rows)>& f) {
  const Tensor dense = x.dense();
  for (std::int64_t first = 0; first < x.dim(0); first += batch) {
    const std::int64_t rows = std::min(batch, x.dim(0) - first);
    f(piece_of(dense, first, rows, batch), first, rows);
  }
}

Executor::Executor(std::shared_ptr<const Graph> graph, std::int64_t batch, Precision precision)
    : graph_(std::move(graph)), batch_(batch), precision_(precision) {
  if (!graph_) throw Error(Fault::internal, "executor without a graph");
  if (batch_ < 1) bad_input("compute batch must be at least 1, not " + std::to_string(batch_));
}

Executor::~Executor() = default;

Precision Executor::precision_for(const CompileOptions& options) const {
  const bool differentiated = options.input_grad || options.param_grads || options.mode == Mode::train;
  const bool fits = precision_ == Precision::bf16 || (precision_ == Precision::int8 && !differentiated);
  return fits ? precision_ : options.precision;
}

// Activations that leave the cache between two layers cost more than small batches do: rows that do not depend on each
// other are taken in chunks. The numbers belong to the numerics version, since kernels are chosen by batch.
std::int64_t Executor::chunk(const CompileOptions& options) const {
  constexpr std::int64_t least = 32;
  constexpr std::size_t cached_bytes = std::size_t{2} << 20;
  if (options.mode == Mode::train || options.param_grads || batch_ <= least) return batch_;
  std::size_t largest = 1;
  for (const auto& [name, spec] : graph_->shapes(1)) {
    if (!graph_->parameters.count(name) && !graph_->buffers.count(name)) largest = std::max(largest, spec.bytes());
  }
  std::int64_t rows = least;
  while (2 * rows <= batch_ && static_cast<std::size_t>(2 * rows) * largest <= cached_bytes) rows *= 2;
  return std::min(rows, batch_);
}

CompiledPlan& Executor::plan(const CompileOptions& options) {
  const std::string key = key_of(options);
  const auto it = plans_.find(key);
  if (it != plans_.end()) return it->second;
  CompileOptions sized = options;
  sized.batch = chunk(options);
  sized.precision = precision_for(options);
  return plans_.emplace(key, compile(*graph_, sized)).first->second;
}

std::vector<Tensor> Executor::forward(const Tensor& x, const std::vector<std::string>& wants,
                                      const ForwardOptions& options) {
  check_rows(*graph_, x, options);
  CompileOptions want;
  want.mode = options.mode;
  want.outputs = wants;
  CompiledPlan& compiled = plan(want);
  std::vector<Gathered> gathered(wants.size(), Gathered(x.dim(0)));
  Ids ids;
  for_padded_batches(x, compiled.batch(), [&](const Tensor& piece, std::int64_t first, std::int64_t rows) {
    const auto& out = compiled.run({{graph_->inputs[0].name, piece}}, ids.keys(options, first, rows, compiled.batch()));
    for (std::size_t i = 0; i < wants.size(); ++i) {
      gathered[i].take(out[static_cast<std::size_t>(compiled.output_index(wants[i]))], first, rows);
    }
  });
  std::vector<Tensor> results;
  results.reserve(gathered.size());
  for (const Gathered& g : gathered) results.push_back(g.done());
  return results;
}

LossGrad Executor::loss_and_input_grad(const std::string& loss, const Tensor& x, const Tensor& y,
                                       const ForwardOptions& options, const Tensor& targets) {
  check_rows(*graph_, x, options);
  check_classes_of(y, x.dim(0), "labels");
  if (targets.defined()) check_classes_of(targets, x.dim(0), "targets");
  if (targets.defined() != loss_needs_targets(loss)) {
    bad_input("loss '" + loss + (targets.defined() ? "' takes no targets" : "' needs a target class a row"));
  }
  CompileOptions want;
  want.mode = options.mode;
  want.loss = loss;
  want.input_grad = true;
  CompiledPlan& compiled = plan(want);
  const std::string input = graph_->inputs[0].name;
  const auto index = [&](const std::string& name) { return static_cast<std::size_t>(compiled.output_index(name)); };
  Gathered losses(x.dim(0)), grads(x.dim(0)), logits(x.dim(0));
  const Tensor labels = y.dense(), aims = targets.defined() ? targets.dense() : Tensor();
  Ids ids;
  for_padded_batches(x, compiled.batch(), [&](const Tensor& piece, std::int64_t first, std::int64_t rows) {
    std::map<std::string, Tensor> given{{input, piece}, {"labels", piece_of(labels, first, rows, compiled.batch())}};
    if (aims.defined()) given["targets"] = piece_of(aims, first, rows, compiled.batch());
    const auto& out = compiled.run(given, ids.keys(options, first, rows, compiled.batch()));
    losses.take(out[index("loss")], first, rows);
    grads.take(out[index("grad:" + input)], first, rows);
    logits.take(out[index("logits")], first, rows);
  });
  return {losses.done(), grads.done(), logits.done()};
}

Pulled Executor::pull(const Tensor& x, const std::vector<Tensor>& cotangents, const ForwardOptions& options) {
  check_rows(*graph_, x, options);
  const Spec row{engine::DType::f32, {x.dim(0), graph_->classes()}};
  std::vector<Tensor> ways;
  for (const Tensor& cotangent : cotangents) {
    if (!(cotangent.spec() == row)) bad_input("a cotangent must be " + row.str() + ", not " + cotangent.spec().str());
    ways.push_back(cotangent.dense());
  }
  CompileOptions want;
  want.mode = options.mode;
  want.cotangent_of = "logits";
  want.input_grad = want.repeat_backward = true;
  CompiledPlan& compiled = plan(want);
  const std::string input = graph_->inputs[0].name;
  const auto gradient = static_cast<std::size_t>(compiled.output_index("grad:" + input));
  Gathered logits(x.dim(0));
  std::vector<Gathered> grads(ways.size(), Gathered(x.dim(0)));
  Ids ids;
  for_padded_batches(x, compiled.batch(), [&](const Tensor& piece, std::int64_t first, std::int64_t rows) {
    const RandomKeys keys = ids.keys(options, first, rows, compiled.batch());
    const auto& out = compiled.run_phase(0, {{input, piece}}, keys);
    logits.take(out[static_cast<std::size_t>(compiled.output_index("logits"))], first, rows);
    for (std::size_t k = 0; k < ways.size(); ++k) {
      const Tensor way = piece_of(ways[k], first, rows, compiled.batch());
      grads[k].take(compiled.run_phase(1, {{input, piece}, {"cotangent", way}}, keys)[gradient], first, rows);
    }
  });
  Pulled pulled{logits.done(), {}};
  for (const Gathered& g : grads) pulled.grads.push_back(g.done());
  return pulled;
}

Tensor Executor::input_vjp(const std::string& output, const Tensor& x, const Tensor& cotangent,
                           const ForwardOptions& options) {
  check_rows(*graph_, x, options);
  if (cotangent.shape().empty() || cotangent.dim(0) != x.dim(0))
    bad_input("the cotangent must have one row an input row");
  CompileOptions want;
  want.mode = options.mode;
  want.outputs = {output};
  want.cotangent_of = output;
  want.input_grad = true;
  CompiledPlan& compiled = plan(want);
  const std::string input = graph_->inputs[0].name;
  Gathered grads(x.dim(0));
  const Tensor dense = cotangent.dense();
  Ids ids;
  for_padded_batches(x, compiled.batch(), [&](const Tensor& piece, std::int64_t first, std::int64_t rows) {
    const auto& out = compiled.run({{input, piece}, {"cotangent", piece_of(dense, first, rows, compiled.batch())}},
                                   ids.keys(options, first, rows, compiled.batch()));
    grads.take(out[static_cast<std::size_t>(compiled.output_index("grad:" + input))], first, rows);
  });
  return grads.done();
}

std::map<std::string, Tensor> Executor::loss_and_param_grads(const std::string& loss, const Tensor& x, const Tensor& y,
                                                             const ForwardOptions& options) {
  // Padding would be counted in the sums, so the last, partial batch gets a plan of its own size.
  check_rows(*graph_, x, options);
  std::map<std::string, std::vector<double>> sums;
  const Tensor dense = x.dense(), labels = y.dense();
  for (std::int64_t first = 0; first < x.dim(0); first += batch_) {
    const std::int64_t rows = std::min(batch_, x.dim(0) - first);
    ForwardOptions part = options;
    if (!options.sample_ids.empty())
      part.sample_ids = options.sample_ids.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
    CompileOptions want;
    want.batch = rows;
    want.mode = options.mode;
    want.loss = loss;
    want.outputs = {};
    want.param_grads = true;
    want.precision = precision_for(want);
    std::unique_ptr<CompiledPlan> tail;
    if (rows != batch_) tail = std::make_unique<CompiledPlan>(compile(*graph_, want));
    CompiledPlan& compiled = tail ? *tail : plan(want);
    Ids ids;
    const auto& out = compiled.run(
        {{graph_->inputs[0].name, piece_of(dense, first, rows, rows)}, {"labels", piece_of(labels, first, rows, rows)}},
        ids.keys(part, 0, rows, rows));
    for (const auto& [name, parameter] : graph_->parameters) {
      if (!parameter.trainable) continue;
      const Tensor& grad = out[static_cast<std::size_t>(compiled.output_index("grad:" + name))];
      std::vector<double>& sum = sums[name];
      sum.resize(static_cast<std::size_t>(grad.count()), 0.0);
      const auto values = grad.f32s();
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(values[i]);
    }
  }
  std::map<std::string, Tensor> grads;
  for (const auto& [name, sum] : sums) {
    std::vector<float> mean;
    for (const double v : sum) mean.push_back(static_cast<float>(v / static_cast<double>(x.dim(0))));
    grads[name] = Tensor::f32(graph_->parameters.at(name).value.shape(), mean);
  }
  return grads;
}

}  // namespace assay::graph
