// Trainer: the loop, running statistics, checkpoints.
#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/batches.hpp"
#include "harness/graph/optimizer.hpp"
#include "harness/graph/train.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::graph {

using engine::Storage;

namespace {

[[noreturn]] void bad(const std::string& message) { throw Error(Fault::bad_input, message); }

// A tensor whose memory is written again for every batch, unless somebody kept the last one.
class BatchTensor {
 public:
  explicit BatchTensor(Spec spec) : spec_(std::move(spec)) {}
  template <class T>
  std::span<T> renew() {
    constexpr long ours = 2;  // memory_ and tensor_
    if (!memory_ || memory_.use_count() != ours) {
      memory_ = Storage::allocate(std::max<std::size_t>(spec_.bytes(), 1));
      tensor_ = Tensor(spec_, engine::Layout::dense(spec_), memory_);
    }
    return {reinterpret_cast<T*>(memory_->data()), static_cast<std::size_t>(spec_.count())};
  }
  const Tensor& tensor() const { return tensor_; }

 private:
  Spec spec_;
  std::shared_ptr<Storage> memory_;
  Tensor tensor_;
};

// Running statistics of one batch norm node.
struct Running {
  std::string mean, var;
  double momentum = 0.1;
  double unbias = 1;  // n / (n - 1), n values a channel: the running variance is the unbiased one
};

Spec batch_spec(const Graph& graph, std::int64_t batch) {
  Spec spec{engine::DType::f32, {batch}};
  const Shape& sample = graph.inputs[0].spec.shape;
  spec.shape.insert(spec.shape.end(), sample.begin(), sample.end());
  return spec;
}

CompileOptions plan_options(const Recipe& recipe, std::int64_t batch, bool objective) {
  CompileOptions o;
  o.batch = batch;
  o.mode = Mode::train;
  o.param_grads = true;
  if (objective) {
    o.cotangent_of = "logits";
    return o;
  }
  o.outputs = {};
  o.loss = recipe.loss;
  o.label_smoothing = recipe.label_smoothing;
  o.mean_loss = true;
  return o;
}

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  return sum / static_cast<double>(values.size());
}

}  // namespace

struct Trainer::Impl {
  Impl(Graph g, const TrainData& d, const Recipe& r, std::uint64_t s)
      : graph(checked(std::move(g), d, r)), data(d), recipe(r), seed(s), batch(std::min(r.batch, d.size())),
        optimizer(graph, r), inputs(batch_spec(graph, batch)), labels({engine::DType::i64, {batch}}) {}

  static Graph checked(Graph g, const TrainData& d, const Recipe& r) {
    r.validate();
    g.validate();
    d.validate(g.classes());
    if (g.inputs.size() != 1 || g.inputs[0].spec.shape != d.sample_shape) {
      bad("training data of shape " + engine::shape_str(d.sample_shape) + " do not fit the model's input " +
          (g.inputs.empty() ? "" : g.inputs[0].spec.str()));
    }
    if ((r.flip || r.crop > 0) && d.sample_shape.size() != 3) bad("recipe.flip and recipe.crop need image samples [C, H, W]");
    return g;
  }

  std::int64_t steps_per_epoch() const { return data.size() / batch; }

  void prepare(const TrainHooks& hooks) {
    if (hooks.eager_objective) return find_running();
    const bool objective = static_cast<bool>(hooks.objective);
    if (plan && with_objective == objective) return find_running();
    plan = std::make_unique<CompiledPlan>(compile(graph, plan_options(recipe, batch, objective)));
    with_objective = objective;
    gradient_outputs.clear();
    for (OptimizedParameter& p : optimizer.parameters()) {
      plan->bind(p.name, p.value.data());
      gradient_outputs.push_back(static_cast<std::size_t>(plan->output_index("grad:" + p.name)));
    }
    find_running();
  }

  void find_running() {
    running.clear();
    const auto specs = graph.shapes(batch);
    for (const GraphNode& node : graph.nodes) {
      if (node.op != "batch_norm") continue;
      const Spec& x = specs.at(node.inputs[0]);
      const double n = static_cast<double>(x.count()) / static_cast<double>(x.shape[1]);
      if (n < 2) bad("batch norm '" + node.name + "' needs more than one value a channel to train; batch is " + std::to_string(batch));
      running.push_back({node.inputs[3], node.inputs[4], node.attrs.real("momentum", 0.1), n / (n - 1)});
      for (const std::string& name : {node.inputs[3], node.inputs[4]}) buffers.try_emplace(name, graph.buffers.at(name).to_f32());
    }
  }

  // `statistic` gives a batch statistic by buffer name.
  template <class F>
  void update_running(const F& statistic) {
    const auto blend = [](std::vector<float>& kept, const Tensor& now, double momentum, double factor) {
      const auto values = now.f32s();
      for (std::size_t i = 0; i < kept.size(); ++i) {
        kept[i] = static_cast<float>((1 - momentum) * static_cast<double>(kept[i]) + momentum * factor * static_cast<double>(values[i]));
      }
    };
    for (const Running& r : running) {
      blend(buffers.at(r.mean), statistic(r.mean), r.momentum, 1.0);
      blend(buffers.at(r.var), statistic(r.var), r.momentum, r.unbias);
    }
  }

  void load_batch(std::span<const std::int64_t> rows) {
    fill_batch(data, {rows, seed, epoch, recipe.flip, recipe.crop}, inputs.renew<float>());
    const auto y = labels.renew<std::int64_t>();
    ids.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      y[i] = data.labels[static_cast<std::size_t>(rows[i])];
      ids[i] = data.ids[static_cast<std::size_t>(rows[i])];
    }
  }

  RandomKeys keys(std::int64_t step) const {
    return {seed, static_cast<std::uint64_t>(epoch * steps_per_epoch() + step), ids};
  }

  const Tensor& output(const std::string& name) const {
    return (*results)[static_cast<std::size_t>(plan->output_index(name))];
  }

  // Each gives the batch's loss and leaves the gradients in `gradients`.
  double run_plan(std::int64_t step) {
    results = &plan->run({{graph.inputs[0].name, inputs.tensor()}, {"labels", labels.tensor()}}, keys(step));
    take_outputs();
    return mean_of(output("loss").f32s());
  }

  double run_objective(const TrainHooks& hooks, std::int64_t step) {
    const std::string& input = graph.inputs[0].name;
    results = &plan->run_phase(0, {{input, inputs.tensor()}}, keys(step));
    const Tensor logits = output("logits");
    const ObjectiveResult answer = hooks.objective({ids, inputs.tensor(), logits, labels.tensor(), epoch, step});
    if (!answer.dlogits.defined() || !(answer.dlogits.spec() == logits.spec())) {
      bad("the objective must give dL/dlogits as " + logits.spec().str());
    }
    results = &plan->run_phase(1, {{input, inputs.tensor()}, {"cotangent", answer.dlogits.dense()}}, keys(step));
    take_outputs();
    return answer.loss;
  }

  void take_outputs() {
    update_running([&](const std::string& name) { return output("stat:" + name); });
    gradients.clear();
    for (const std::size_t at : gradient_outputs) gradients.push_back((*results)[at].f32s());
  }

  double run_eager(const TrainHooks& hooks, std::int64_t step) {
    std::map<std::string, Tensor> watched;
    std::vector<Tensor> leaves;
    for (const OptimizedParameter& p : optimizer.parameters()) {
      leaves.push_back(watched[p.name] = engine::watch(Tensor::f32(p.shape, p.value)));
    }
    bool first = true;
    const auto forward = [&](const Tensor& x, const std::vector<std::string>& wants) {
      const RandomKeys k = keys(step);
      RecordedForward made = record_forward(graph, x, wants, watched, {Mode::train, k.seed, k.draw, k.sample_ids});
      if (first) update_running([&](const std::string& name) { return made.statistics.at(name).dense(); });
      first = false;
      return std::move(made.values);
    };
    const Tensor loss = hooks.eager_objective({ids, inputs.tensor(), labels.tensor(), epoch, step, forward});
    if (!loss.defined() || loss.count() != 1) bad("the objective must give a scalar loss");
    const Tensor one;
    eager_gradients = engine::grad({&loss, 1}, leaves, {&one, 1}, false);
    gradients.clear();
    for (Tensor& g : eager_gradients) {
      g = g.dense();
      gradients.push_back(g.f32s());
    }
    return static_cast<double>(loss.item());
  }

  double run_step(const TrainHooks& hooks, std::int64_t step) {
    if (hooks.eager_objective) return run_eager(hooks, step);
    return hooks.objective ? run_objective(hooks, step) : run_plan(step);
  }

  void run_epoch(const TrainHooks& hooks) {
    if (mid_epoch) bad("training was stopped within an epoch; restore a checkpoint to go on");
    prepare(hooks);
    mid_epoch = true;
    const std::vector<std::int64_t> order = epoch_order(data.size(), seed, epoch);
    const std::int64_t steps = steps_per_epoch();
    double total = 0;
    for (std::int64_t step = 0; step < steps; ++step) {
      load_batch(std::span(order).subspan(static_cast<std::size_t>(step * batch), static_cast<std::size_t>(batch)));
      const double loss = run_step(hooks, step);
      if (!std::isfinite(loss)) {
        throw Error(Fault::constraint, "training diverged: loss " + std::to_string(loss) + " at epoch " +
                                           std::to_string(epoch + 1) + ", step " + std::to_string(step + 1));
      }
      const double lr = recipe.lr_at(static_cast<double>(epoch) + (static_cast<double>(step) + 0.5) / static_cast<double>(steps));
      optimizer.step(gradients, lr);
      total += loss;
      samples += static_cast<double>(batch);
      if (hooks.progress && !hooks.progress({epoch, step + 1, steps, loss, lr})) {
        throw Error(Fault::cancelled, "training was cancelled at epoch " + std::to_string(epoch + 1));
      }
    }
    losses.push_back(total / static_cast<double>(steps));
    ++epoch;
    mid_epoch = false;
    if (hooks.epoch_end) hooks.epoch_end(epoch);
  }

  Graph current() const {
    Graph now = graph;
    for (const OptimizedParameter& p : optimizer.parameters()) now.parameters.at(p.name).value = Tensor::f32(p.shape, p.value);
    for (const auto& [name, values] : buffers) now.buffers.at(name) = Tensor::f32(graph.buffers.at(name).shape(), values);
    return now;
  }

  // What a checkpoint must agree on to be continued.
  Json identity() const {
    return Json::object({{"format", "assay-checkpoint"},
                         {"version", 1},
                         {"recipe", recipe.to_json()},
                         {"seed", static_cast<std::int64_t>(seed)},
                         {"graph", structure_digest(graph)},
                         {"data", data_digest(data)}});
  }

  Graph graph;  // structure, frozen parameters, initial values
  const TrainData& data;
  Recipe recipe;
  std::uint64_t seed;
  std::int64_t batch;
  Optimizer optimizer;
  BatchTensor inputs, labels;
  std::unique_ptr<CompiledPlan> plan;
  bool with_objective = false;
  std::vector<std::size_t> gradient_outputs;
  std::vector<std::span<const float>> gradients;   // of this step, in the optimizer's order
  std::vector<Tensor> eager_gradients;
  std::vector<Running> running;
  std::map<std::string, std::vector<float>> buffers;
  std::vector<std::uint64_t> ids;
  const std::vector<Tensor>* results = nullptr;
  std::int64_t epoch = 0;
  bool mid_epoch = false;  // a step failed or was cancelled: the state belongs to no epoch boundary
  double samples = 0;
  std::vector<double> losses;
};

Trainer::Trainer(Graph graph, const TrainData& data, const Recipe& recipe, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(graph), data, recipe, seed)) {}
Trainer::~Trainer() = default;

void Trainer::run(const TrainHooks& hooks) {
  while (impl_->epoch < impl_->recipe.epochs) impl_->run_epoch(hooks);
}

void Trainer::run_epoch(const TrainHooks& hooks) { impl_->run_epoch(hooks); }
std::int64_t Trainer::epochs_done() const { return impl_->epoch; }
std::vector<double> Trainer::epoch_losses() const { return impl_->losses; }
double Trainer::forward_samples() const { return impl_->samples; }
double Trainer::backward_samples() const { return impl_->samples; }
Graph Trainer::graph() const { return impl_->current(); }

void Trainer::save_checkpoint(const std::filesystem::path& file) const {
  if (impl_->mid_epoch) bad("training was stopped within an epoch: there is no state to continue from");
  Container c;
  c.metadata = impl_->identity();
  c.metadata["epochs_done"] = impl_->epoch;
  c.metadata["optimizer_steps"] = impl_->optimizer.steps();
  c.metadata["samples"] = impl_->samples;
  c.metadata["losses"] = Json(impl_->losses);
  for (const OptimizedParameter& p : impl_->optimizer.parameters()) {
    c.arrays["value:" + p.name] = Array::f32(p.shape, p.value);
    c.arrays["first:" + p.name] = Array::f32(p.shape, p.first);
    if (!p.second.empty()) c.arrays["second:" + p.name] = Array::f32(p.shape, p.second);
  }
  for (const auto& [name, values] : impl_->buffers) {
    c.arrays["buffer:" + name] = Array::f32(impl_->graph.buffers.at(name).shape(), values);
  }
  save_container(file, c);
}

void Trainer::restore_checkpoint(const std::filesystem::path& file) {
  const Container c = load_container(file);
  const Json identity = impl_->identity();
  for (const auto& [key, value] : identity.as_object()) {
    if (!c.metadata.has(key) || !(c.metadata.at(key) == value)) bad(file.string() + ": checkpoint of another " + key);
  }
  const auto read = [&](const std::string& name, std::vector<float>& into) {
    const auto values = c.at(name).as_f32();
    if (values.size() != into.size()) bad(file.string() + ": array '" + name + "' has another size");
    std::copy(values.begin(), values.end(), into.begin());
  };
  impl_->find_running();
  for (OptimizedParameter& p : impl_->optimizer.parameters()) {
    read("value:" + p.name, p.value);
    read("first:" + p.name, p.first);
    if (!p.second.empty()) read("second:" + p.name, p.second);
  }
  for (auto& [name, values] : impl_->buffers) read("buffer:" + name, values);
  impl_->epoch = c.metadata.at("epochs_done").as_int();
  impl_->optimizer.set_steps(c.metadata.at("optimizer_steps").as_int());
  impl_->samples = c.metadata.at("samples").as_real();
  impl_->mid_epoch = false;
  impl_->losses.clear();
  for (const Json& loss : c.metadata.at("losses").as_array()) impl_->losses.push_back(loss.as_real());
}

}  // namespace assay::graph
