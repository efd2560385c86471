// The works. Inputs are drawn from a fixed seed; weights are the zoo's initial ones with seed 0.
#include "works.hpp"

#include <algorithm>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/quantize.hpp"
#include "harness/graph/train.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::bench {
namespace {

using engine::Tensor;

constexpr std::int64_t kClasses = 10;
constexpr int kSteps = 20;                        // of PGD
constexpr double kEps = 8.0 / 255, kStep = kEps / 8;

std::vector<float> uniform(std::int64_t count, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  Rng(seed, "bench").fill_uniform(values, 0, 1);
  return values;
}

std::vector<std::int64_t> labels(std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i % kClasses);
  return values;
}

engine::Shape batch_shape(const WorkSpec& spec) {
  engine::Shape shape = {spec.batch};
  shape.insert(shape.end(), spec.input.begin(), spec.input.end());
  return shape;
}

graph::Graph model(const WorkSpec& spec) { return zoo::build(spec.model, spec.params, spec.input, kClasses, 0); }

graph::TrainData train_data(const WorkSpec& spec) {
  graph::TrainData data;
  data.sample_shape = spec.input;
  data.f32 = uniform(spec.batch * engine::element_count(spec.input), 1);
  data.labels = labels(spec.batch);
  for (std::int64_t i = 0; i < spec.batch; ++i) data.ids.push_back(static_cast<std::uint64_t>(i));
  return data;
}

graph::Recipe recipe(const WorkSpec& spec) {
  graph::Recipe r;
  r.batch = spec.batch;
  r.epochs = 100000;  // an epoch is one step here
  r.lr = 1e-3;         // random labels: the weights must stay finite however long it runs
  r.schedule = "constant";
  r.precision = graph::precision_name(spec.precision);
  return r;
}

class Training final : public Work {
 public:
  explicit Training(const WorkSpec& spec) : data_(train_data(spec)), trainer_(model(spec), data_, recipe(spec), 0) {
    macs_ = graph::macs(trainer_.graph());
  }
  void once() override { trainer_.run_epoch(); }
  double items() const override { return static_cast<double>(data_.size()); }
  double flops() const override { return 6 * macs_ * items(); }
  double macs() const override { return macs_; }

 private:
  graph::TrainData data_;
  graph::Trainer trainer_;
  double macs_ = 0;
};

// From a name to trained weights after one step: what a short cell pays before it is at speed.
class Building final : public Work {
 public:
  explicit Building(const WorkSpec& spec) : spec_(spec), data_(train_data(spec)) {}
  void once() override {
    graph::Trainer trainer(model(spec_), data_, recipe(spec_), 0);
    trainer.run_epoch();
  }
  double items() const override { return 1; }
  double flops() const override { return 0; }

 private:
  WorkSpec spec_;
  graph::TrainData data_;
};

// As the plugin pgd does it: gradients from a compiled plan, the step in eager ops.
class Attack final : public Work {
 public:
  explicit Attack(const WorkSpec& spec)
      : graph_(std::make_shared<const graph::Graph>(model(spec))), executor_(graph_, spec.batch),
        x_(Tensor::f32(batch_shape(spec), uniform(engine::element_count(batch_shape(spec)), 2))),
        y_(Tensor::i64({spec.batch}, labels(spec.batch))) {
    const Tensor eps = Tensor::scalar(static_cast<float>(kEps));
    low_ = engine::apply1("maximum", {engine::apply1("sub", {x_, eps}), Tensor::scalar(0)});
    high_ = engine::apply1("minimum", {engine::apply1("add", {x_, eps}), Tensor::scalar(1)});
  }
  void once() override {
    const Tensor step = Tensor::scalar(static_cast<float>(kStep));
    Tensor x = x_;
    for (int i = 0; i < kSteps; ++i) {
      const Tensor gradient = executor_.loss_and_input_grad("cross-entropy", x, y_).grad;
      x = engine::apply1("add", {x, engine::apply1("mul", {engine::apply1("sign", {gradient}), step})});
      x = engine::apply1("maximum", {engine::apply1("minimum", {x, high_}), low_});
    }
  }
  double items() const override { return static_cast<double>(x_.dim(0)); }
  double flops() const override { return kSteps * 4 * macs() * items(); }
  double macs() const override { return graph::macs(*graph_); }

 private:
  std::shared_ptr<const graph::Graph> graph_;
  graph::Executor executor_;
  Tensor x_, y_, low_, high_;
};

// Scales from 64 inputs of the timed distribution: what they are makes no difference to the time.
graph::Graph inference_model(const WorkSpec& spec) {
  if (spec.precision != graph::Precision::int8) return model(spec);
  WorkSpec calibration = spec;
  calibration.batch = 64;
  const engine::Shape shape = batch_shape(calibration);
  return graph::quantize_graph(model(spec), Tensor::f32(shape, uniform(engine::element_count(shape), 5)));
}

class Inference final : public Work {
 public:
  explicit Inference(const WorkSpec& spec)
      : graph_(std::make_shared<const graph::Graph>(inference_model(spec))), executor_(graph_, spec.batch, spec.precision),
        x_(Tensor::f32(batch_shape(spec), uniform(engine::element_count(batch_shape(spec)), 3))) {}
  void once() override { executor_.logits(x_); }
  double items() const override { return static_cast<double>(x_.dim(0)); }
  double flops() const override { return 2 * macs() * items(); }
  double macs() const override { return graph::macs(*graph_); }

 private:
  std::shared_ptr<const graph::Graph> graph_;
  graph::Executor executor_;
  Tensor x_;
};

// Two overlapping normal samples of `batch` / 2 scores each.
class Auroc final : public Work {
 public:
  explicit Auroc(const WorkSpec& spec) {
    for (std::int64_t i = 0; i < spec.batch; ++i) {
      const Rng rng(4, "bench/auroc");
      const double score = rng.normal(static_cast<std::uint64_t>(i));
      (i % 2 ? out_ : in_).push_back(i % 2 ? score + 1 : score);
    }
  }
  void once() override { metrics::auroc(in_, out_); }
  double items() const override { return static_cast<double>(in_.size() + out_.size()); }
  double flops() const override { return 0; }

 private:
  std::vector<double> in_, out_;
};

class Peak final : public Work {
 public:
  void once() override { flops_ = fma_flops(kRounds); }
  double items() const override { return 1; }
  double flops() const override { return flops_; }

 private:
  static constexpr std::int64_t kRounds = 5000000;
  double flops_ = fma_flops(kRounds);
};

template <class T>
std::unique_ptr<Work> make(const WorkSpec& spec) {
  return std::make_unique<T>(spec);
}

}  // namespace

std::unique_ptr<Work> make_work(const WorkSpec& spec) {
  if (spec.work == "train") return make<Training>(spec);
  if (spec.work == "pgd") return make<Attack>(spec);
  if (spec.work == "infer") return make<Inference>(spec);
  if (spec.work == "build") return make<Building>(spec);
  if (spec.work == "auroc") return make<Auroc>(spec);
  if (spec.work == "peak") return std::make_unique<Peak>();
  throw Error(Fault::bad_input, "unknown work '" + spec.work + "'" +
                                    suggestion(spec.work, {"train", "pgd", "infer", "build", "auroc", "peak"}));
}

}  // namespace assay::bench
