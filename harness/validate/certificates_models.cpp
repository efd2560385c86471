// Certificates of detectors, compressors, ensembles, trainers and architectures: scenes whose right answer is known.
#include <algorithm>
#include <cmath>

#include "assay/plugin.h"
#include "harness/base/rng.hpp"
#include "harness/graph/builder.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/validate/check_list.hpp"
#include "harness/validate/learning.hpp"

namespace assay::validate {
namespace {

void set(graph::Graph& graph, const std::string& name, const std::vector<float>& values) {
  graph.set_parameter(name, engine::Tensor::f32(graph.parameters.at(name).value.shape(), values));
}
// The parameter whose name starts with `node` and that has `axes` axes (the weight has more than the bias).
std::string parameter(const graph::Graph& graph, const std::string& node, bool weight) {
  for (const auto& [name, value] : graph.parameters) {
    if (name.rfind(node, 0) == 0 && (value.value.shape().size() > 1) == weight) return name;
  }
  throw Error(Fault::internal, "the validator's network has no such parameter: " + node);
}

// Quarter sums as features, each quarter's own class: certain on patterns, undecided on darkness. Dropout sits where it
// changes nothing: its branch has zero weights.
graph::Graph quarter_net(double gain) {
  graph::GraphBuilder net({1, kSide, kSide}, 3);
  const std::string features =
      net.relu("relu", net.linear("quarters", net.flatten("flatten", net.input()), kClasses + 2));
  const std::string idle = net.linear("idle", net.dropout("drop", features, 0.5), kClasses);
  const std::string logits = net.add("logits", net.linear("fc", features, kClasses), idle);
  graph::Graph graph = net.finish(logits, features, Json::object({{"arch", "quarters"}}));
  std::vector<float> quarters(static_cast<std::size_t>((kClasses + 2) * kPixels), 0.0f);
  for (std::int64_t i = 0; i < kPixels; ++i) {
    const std::int64_t quarter = (i / kSide >= kSide / 2 ? 2 : 0) + (i % kSide >= kSide / 2 ? 1 : 0);
    quarters[static_cast<std::size_t>(quarter * kPixels + i)] = 1.0f / 9;
    quarters[static_cast<std::size_t>((kClasses + i % 2) * kPixels + i)] = 1.0f / 18;  // features that carry no class
  }
  std::vector<float> fc(static_cast<std::size_t>(kClasses * (kClasses + 2)), 0.0f);
  for (std::int64_t k = 0; k < kClasses; ++k)
    fc[static_cast<std::size_t>(k * (kClasses + 2) + k)] = static_cast<float>(gain);
  set(graph, parameter(graph, "quarters", true), quarters);
  set(graph, parameter(graph, "fc", true), fc);
  set(graph, parameter(graph, "idle", true), std::vector<float>(fc.size(), 0.0f));
  return graph;
}

plugin::Model model(graph::Graph graph, plugin::Access access, const std::string& label) {
  return plugin::Model(std::make_shared<const graph::Graph>(std::move(graph)), access, label, 16);
}

std::vector<float> softmax(const std::vector<float>& logits) {
  std::vector<float> result(logits.size());
  for (std::size_t row = 0; row < logits.size(); row += kClasses) {
    const float top = *std::max_element(logits.begin() + static_cast<std::ptrdiff_t>(row),
                                        logits.begin() + static_cast<std::ptrdiff_t>(row) + kClasses);
    float sum = 0;
    for (std::size_t k = 0; k < kClasses; ++k) sum += result[row + k] = std::exp(logits[row + k] - top);
    for (std::size_t k = 0; k < kClasses; ++k) result[row + k] /= sum;
  }
  return result;
}

// Class probabilities of what an ensemble gives for these members.
std::vector<float> ensemble_output(Subject& subject, const std::vector<plugin::Model>& members, const Scene& scene) {
  plugin::Instance method = subject.make();
  Scene mine = scene;
  mine.members = members;
  const plugin::Bundle out = run_role(method, "ensemble", mine);
  if (out.has("probabilities")) return out.tensor("probabilities").to_f32();
  graph::Executor executor(plugin::model_of(out), 16);
  const std::vector<std::uint64_t> ids(scene.ids.begin(), scene.ids.end());
  graph::ForwardOptions options;
  options.sample_ids = ids;
  return softmax(executor.logits(scene.x, options).to_f32());
}

double largest_gap(const std::vector<float>& a, const std::vector<float>& b) {
  double gap = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    gap = std::max(gap, std::abs(static_cast<double>(a[i] - b[i])));
  return gap;
}

// Weights of a class's quarter for the class itself and for the next one.
struct Confusion {
  float own = 2, next = 3;
};
// A member that is wrong on class `lost`: it takes it for the next one, without much conviction.
graph::Graph forgetful(std::int64_t lost, const Confusion& confusion = {}) {
  graph::Graph graph = quarter_net(8);
  const std::string name = parameter(graph, "fc", true);
  std::vector<float> fc = graph.parameters.at(name).value.to_f32();
  const auto at = [](std::int64_t k, std::int64_t feature) {
    return static_cast<std::size_t>(k * (kClasses + 2) + feature);
  };
  fc[at((lost + 1) % kClasses, lost)] = confusion.next;
  fc[at(lost, lost)] = confusion.own;
  set(graph, name, fc);
  return graph;
}

}  // namespace

// In distribution: patterns of which the model is certain. Out of it: darkness, where all logits are alike and the
// features lie far from every class.
CheckResult certify_detector(Subject& subject) {
  Scene scene = standard_scene(subject.descriptor());
  scene.model = model(quarter_net(20), requested_access(subject.descriptor(), "detector"), "quarters");
  scene.train = pattern_records(400, 11);  // more of a class than neighbour counts in common use
  std::vector<float> x = inputs_of(pattern_records(32, 12));
  std::vector<float> dark(x.size());
  Rng(13, "darkness").fill_uniform(dark, 0.0f, 0.05f);
  x.insert(x.end(), dark.begin(), dark.end());
  set_inputs(scene, x);
  plugin::Instance method = subject.make();
  const std::vector<double> scores = plugin::scores_of(run_role(method, "detector", scene), 64);
  const double area = metrics::auroc(std::span(scores).first(32), std::span(scores).last(32));
  const std::string detail = fmt::format("AUROC {:.4f} on perfectly separable data, 0.99 needed", area);
  return area >= 0.99 ? passed(area, detail) : failed(detail, area);
}

// Bright against dark: one filter measures brightness and one output reads it; all other weights are noise of a
// thousandth. Half of the parameters can go without a change of any decision.
CheckResult certify_compressor(Subject& subject) {
  graph::GraphBuilder net({1, kSide, kSide}, 5);
  const std::string features =
      net.global_pool("pool", net.relu("relu", net.conv("conv", net.input(), 8, {.bias = true})));
  graph::Graph graph = net.finish(net.linear("fc", features, 2), features, Json::object({{"arch", "one-filter"}}));
  const Rng rng(6, "compressor noise");
  std::vector<float> conv(72), fc(16);
  rng.fill_uniform(conv, -1e-3f, 1e-3f);
  rng.fill_uniform(fc, -1e-3f, 1e-3f);
  conv[4] = 1.0f;  // the centre of filter 0
  fc[0] = 4.0f;
  set(graph, parameter(graph, "conv", true), conv);
  set(graph, parameter(graph, "fc", true), fc);
  set(graph, parameter(graph, "fc", false), {0.0f, 2.0f});

  Scene scene = standard_scene(subject.descriptor());
  const auto before = static_cast<double>(graph::param_count(graph));
  std::vector<float> x(static_cast<std::size_t>(32 * kPixels));
  rng.fill_uniform(x, 0.0f, 0.3f);
  std::vector<std::int64_t> y(32);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += (i / static_cast<std::size_t>(kPixels)) % 2 == 0 ? 0.6f : 0.0f;
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<std::int64_t>(i % 2);
  set_inputs(scene, x);
  scene.model = model(graph, requested_access(subject.descriptor(), "compressor"), "one-filter");
  plugin::Instance method = subject.make();
  const auto compressed = plugin::model_of(run_role(method, "compressor", scene));
  const auto after = static_cast<double>(graph::nonzero_param_count(*compressed));
  const double kept = accuracy(*compressed, scene.x, y);
  const std::string detail = fmt::format("{} of {} parameters kept, accuracy {:.3f} of 1", after, before, kept);
  if (after * 2 > before + 2) return failed(detail + ": the target ratio 2 is missed", kept);
  return kept == 1 ? passed(kept, detail) : failed(detail + ": the best mask keeps every decision", kept);
}

// A method that trains its members further, as it declares. All members take one class for the next by a little, and the
// training set shows that it is not: an ensemble that learns from it knows every class, one that does not is wrong on a quarter.
CheckResult certify_training_ensemble(Subject& subject) {
  const plugin::Access access = requested_access(subject.descriptor(), "ensemble");
  Scene scene = standard_scene(subject.descriptor());
  scene.train = pattern_records(2048, 22);
  set_inputs(scene, inputs_of(pattern_records(64, 21)));
  std::vector<plugin::Model> members;
  for (std::int64_t i = 0; i < 3; ++i) members.push_back(model(forgetful(0, {8, 6.5F}), access, "forgetful" + std::to_string(i)));
  const std::vector<float> joint = ensemble_output(subject, members, scene);
  const double right =
      metrics::accuracy(metrics::correct({joint, kClasses, metrics::Scale::probabilities}, scene.y.to_i64()));
  const std::string detail =
      fmt::format("accuracy {:.3f} where the training set shows what every member forgot, 0.95 needed", right);
  return right >= 0.95 ? passed(right, detail) : failed(detail, right);
}

// Equal members must give their own answer; members that each forget another class must together know all.
CheckResult certify_ensemble(Subject& subject) {
  if (subject.descriptor().requires_slot("combine", "train")) return certify_training_ensemble(subject);
  const plugin::Access access = requested_access(subject.descriptor(), "ensemble");
  Scene scene = standard_scene(subject.descriptor());
  set_inputs(scene, inputs_of(pattern_records(32, 21)));
  std::vector<plugin::Model> equal, different;
  for (std::int64_t i = 0; i < 3; ++i) {
    equal.push_back(model(quarter_net(8), access, "equal" + std::to_string(i)));
    different.push_back(model(forgetful(i), access, "forgetful" + std::to_string(i)));
  }
  const std::vector<float> alone = softmax(equal.front().executor->logits(scene.x).to_f32());
  const double gap = largest_gap(ensemble_output(subject, equal, scene), alone);
  if (gap > 1e-3)
    return failed(fmt::format("three equal members give other probabilities than one: gap {:.4f}", gap), 0);

  const std::vector<float> joint = ensemble_output(subject, different, scene);
  const std::vector<float> first = softmax(different.front().executor->logits(scene.x).to_f32());
  if (largest_gap(joint, first) < 1e-6) return passed(1, "only the first member is used");
  const auto labels = scene.y.to_i64();
  const double right = metrics::accuracy(metrics::correct({joint, kClasses, metrics::Scale::probabilities}, labels));
  const std::string detail = fmt::format("accuracy {:.3f} where every class is known by two of three members", right);
  return right == 1 ? passed(right, detail) : failed(detail + "; 1 is the known answer", right);
}

// The four patterns are linearly separable: any training method that minimises a sane loss learns them.
CheckResult certify_trainer(Subject& subject) {
  const plugin::Access access = requested_access(subject.descriptor(), "trainer");
  const plugin::Records records = pattern_records(128, 31);
  const plugin::Model initial = model(*random_net(32), access, "initial");
  constexpr std::int64_t kEpochs = 15;
  plugin::Instance method = subject.make();
  std::shared_ptr<const graph::Graph> trained;
  if (method.has("trainer", "train")) {
    trained = plugin::model_of(method.train(plugin::train_inputs(initial, records, kEpochs, 16)));
  } else {
    const graph::TrainData data = train_data(records);
    graph::Trainer trainer(*initial.graph, data, short_recipe(kEpochs), 33);
    graph::TrainHooks hooks;
    hooks.objective = plugin::objective_hook(method, kEpochs);
    trainer.run(hooks);
    trained = std::make_shared<const graph::Graph>(trainer.graph());
  }
  Scene test = standard_scene(subject.descriptor());
  set_inputs(test, inputs_of(pattern_records(64, 34)));
  const double right = accuracy(*trained, test.x, test.y.to_i64());
  const std::string detail = fmt::format("accuracy {:.3f} on a separable problem, 0.95 needed", right);
  return right >= 0.95 ? passed(right, detail) : failed(detail, right);
}

// Larger images than the other scenes, since architectures shrink them several times.
CheckResult certify_architecture(Subject& subject) {
  constexpr std::int64_t kLarge = 24, kScale = kLarge / kSide, kRows = 96;
  plugin::Instance method = subject.make();
  const plugin::Bundle out = method.build(plugin::build_inputs({1, kLarge, kLarge}, kClasses));
  const graph::Graph graph = *plugin::model_of(out);
  if (graph.classes() != kClasses) return failed(fmt::format("{} outputs for {} classes", graph.classes(), kClasses));
  const plugin::Records records = pattern_records(kRows, 41);
  graph::TrainData data = train_data(records);
  const std::vector<float> small = data.f32;
  data.sample_shape = {1, kLarge, kLarge};
  data.f32.assign(static_cast<std::size_t>(kRows * kLarge * kLarge), 0.0f);
  for (std::int64_t i = 0; i < kRows * kLarge * kLarge; ++i) {
    const std::int64_t row = i / (kLarge * kLarge), y = i / kLarge % kLarge / kScale, x = i % kLarge / kScale;
    data.f32[static_cast<std::size_t>(i)] = small[static_cast<std::size_t>(row * kPixels + y * kSide + x)];
  }
  graph::Trainer trainer(graph, data, short_recipe(12), 42);
  trainer.run();
  const double right =
      accuracy(trainer.graph(), engine::Tensor::f32({kRows, 1, kLarge, kLarge}, data.f32), data.labels);
  const std::string detail = fmt::format("accuracy {:.3f} on the separable set it was trained on, 0.95 needed", right);
  return right >= 0.95 ? passed(right, detail) : failed(detail, right);
}

}  // namespace assay::validate
