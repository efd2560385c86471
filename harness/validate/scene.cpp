#include "harness/validate/scene.hpp"

#include <algorithm>
#include <numeric>

#include "assay/plugin.h"
#include "harness/base/hash.hpp"
#include "harness/base/rng.hpp"
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/builder.hpp"
#include "harness/record/params.hpp"
#include "harness/tasks/region.hpp"

namespace assay::validate {
namespace {

constexpr std::int64_t kBatch = 16;

// Calls of each role, to find its slots.
std::vector<std::string> calls_of(const std::string& role) {
  if (role == "attack") return {"perturb"};
  if (role == "detector") return {"fit", "score"};
  if (role == "trainer") return {"train", "objective"};
  if (role == "ensemble") return {"combine", "predict"};
  if (role == "compressor") return {"compress"};
  if (role == "reducer") return {"reduce"};
  if (role == "analyzer") return {"analyze"};
  return {"build"};
}

std::vector<float> patterns(std::int64_t n, std::uint64_t seed) {
  std::vector<float> x(static_cast<std::size_t>(n * kPixels));
  const Rng rng(seed, "pattern");
  rng.fill_uniform(x, 0.1f, 0.3f);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t top = (i % kClasses) / 2 * (kSide / 2), left = (i % 2) * (kSide / 2);
    for (std::int64_t row = top; row < top + kSide / 2; ++row) {
      for (std::int64_t column = left; column < left + kSide / 2; ++column) {
        x[static_cast<std::size_t>(i * kPixels + row * kSide + column)] += 0.5f;
      }
    }
  }
  return x;
}
std::vector<std::int64_t> cycle(std::int64_t n) {
  std::vector<std::int64_t> labels(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i) % kClasses;
  return labels;
}

bool refused(const plugin::PluginError& error) {
  return error.status() == ASSAY_INVALID || error.status() == ASSAY_UNSUPPORTED;
}

plugin::Bundle attack(plugin::Instance& method, const Scene& scene) {
  plugin::AttackInputs in{scene.x, scene.y, scene.ids, scene.victims, scene.surrogates, scene.norm, scene.eps};
  const std::pair<const char*, double> others[] = {{"l2", scene.eps}, {"l1", 2.0}, {"l0", 4.0}};
  for (const auto& [norm, eps] : others) {
    try {
      return method.perturb(plugin::attack_inputs(in));
    } catch (const plugin::PluginError& error) {
      if (!refused(error) || scene.norm != "linf") throw;
    }
    in.norm = norm;
    in.eps = eps;
  }
  return method.perturb(plugin::attack_inputs(in));
}

plugin::Bundle objective(plugin::Instance& method, const Scene& scene) {
  const engine::Tensor logits = scene.model.executor->logits(scene.x);
  const std::vector<std::uint64_t> ids(scene.ids.begin(), scene.ids.end());
  const auto hook = plugin::objective_hook(method, 1);
  return {{"grad", hook({ids, scene.x, logits, scene.y, 0, 0}).dlogits}};
}

void hash_tensor(Sha256& hash, const engine::Tensor& tensor) {
  const engine::Tensor dense = tensor.dense();
  hash.update(dense.spec().str());
  hash.update(std::span(dense.raw(), dense.spec().bytes()));
}

}  // namespace

Subject::Subject(std::filesystem::path file, std::string id) : file_(std::move(file)), id_(std::move(id)) {}
const plugin::PluginLibrary& Subject::library() {
  if (!library_) library_ = plugin::PluginLibrary::open(file_, false);
  return *library_;
}
const Descriptor& Subject::descriptor() { return library().descriptor(id_); }
Json Subject::params() {
  Descriptor safe = descriptor();
  for (ParamSchema& param : safe.params) {
    const bool numeric = param.type == "int" || param.type == "real";
    if (numeric && param.fallback.as_real() < param.min) param.fallback = param.min;
    if (numeric && param.fallback.as_real() > param.max) param.fallback = param.max;
    const bool known = std::find(param.choices.begin(), param.choices.end(),
                                 param.type == "choice" ? param.fallback.as_string() : "") != param.choices.end();
    if (param.type == "choice" && !known) param.fallback = param.choices.front();
  }
  return expand_params(safe, Json());
}
plugin::Instance Subject::make(const Json& expanded, plugin::HostContext context) {
  context.batch = kBatch;
  if (context.seed == 0) context.seed = 7;
  return library().create_unchecked(id_, expanded, std::move(context));
}

plugin::Records pattern_records(std::int64_t n, std::uint64_t seed) {
  auto set = std::make_shared<data::RecordSet>();
  set->ids.resize(static_cast<std::size_t>(n));
  std::iota(set->ids.begin(), set->ids.end(), std::int64_t{1000});
  set->origin = "validator/patterns";
  data::Field input, target;
  input.name = "input";
  input.type.shape = {1, kSide, kSide};
  input.type.space = data::Space::image;
  input.type.ranges = {{0, 1}};
  input.values = Array::f32({n, 1, kSide, kSide}, patterns(n, seed));
  target.name = "target";
  target.role = data::Role::target;
  target.type.kind = data::TypeKind::cat;
  target.type.dtype = engine::DType::i64;
  target.type.classes = kClasses;
  target.values = Array::i64({n}, cycle(n));
  set->add(std::move(input));
  set->add(std::move(target));
  return set;
}

std::shared_ptr<const graph::Graph> random_net(std::uint64_t seed) {
  graph::GraphBuilder net({1, kSide, kSide}, seed);
  const std::string conv = net.relu("relu1", net.conv("conv1", net.input(), 8, {.kernel = 3, .bias = true}));
  const std::string more =
      net.relu("relu2", net.conv("conv2", net.max_pool("pool", conv, 2, 2), 8, {.kernel = 3, .bias = true}));
  const std::string features = net.flatten("flatten", more);
  const std::string logits = net.linear("fc", net.dropout("drop", features, 0.25), kClasses);
  return std::make_shared<const graph::Graph>(net.finish(logits, features, Json::object({{"arch", "validator-net"}})));
}

plugin::Access requested_access(const Descriptor& descriptor, const std::string& role) {
  const std::vector<std::string> calls = calls_of(role);
  plugin::Access access = plugin::kNoAccess;
  for (const SlotSchema& slot : descriptor.slots) {
    if (slot.output || std::find(calls.begin(), calls.end(), slot.call) == calls.end()) continue;
    for (const std::string& name : slot.access) access |= plugin::access_from_name(name);
  }
  return access;
}

void set_inputs(Scene& scene, const std::vector<float>& x) {
  const auto n = static_cast<std::int64_t>(x.size()) / kPixels;
  scene.x = engine::Tensor::f32({n, 1, kSide, kSide}, x);
  scene.y = engine::Tensor::i64({n}, cycle(n));
  scene.ids.resize(static_cast<std::size_t>(n));
  std::iota(scene.ids.begin(), scene.ids.end(), std::int64_t{0});
}

Scene standard_scene(const Descriptor& descriptor, std::uint64_t seed) {
  Scene scene;
  const auto access = [&](const char* role) { return requested_access(descriptor, role); };
  const auto net = random_net(seed);
  scene.model = plugin::Model(net, access("detector") | access("compressor") | access("trainer") | access("analyzer"), "subject", kBatch);
  for (std::uint64_t i = 0; i < 3; ++i) {
    scene.members.emplace_back(random_net(seed + i), access("ensemble"), "member" + std::to_string(i), kBatch);
  }
  const plugin::Access attack_access = access("attack");
  scene.victims = {plugin::Model(net, attack_access, "victim", kBatch)};
  if (attack_access == plugin::kNoAccess) {
    scene.surrogates = {plugin::Model(random_net(seed + 10), plugin::kWhiteBox, "surrogate", kBatch)};
  }
  scene.train = pattern_records(64, seed);
  set_inputs(scene, patterns(kBatch, seed + 20));
  return scene;
}

plugin::AnalyzeInputs region_inputs(const Scene& scene) {
  constexpr std::int64_t kDenominator = 1000;
  tasks::Region region;
  region.eps = {static_cast<std::int64_t>(scene.eps * kDenominator), kDenominator};
  region.step = {region.eps.num, 2 * kDenominator};
  region.elements = scene.elements;
  const engine::Shape& shape = scene.x.shape();
  const tasks::Boxes boxes = tasks::boxes_of(scene.x.f32s(), static_cast<std::size_t>(kPixels), region);
  return {scene.model, scene.x, scene.ids, engine::Tensor::f32(shape, boxes.lo), engine::Tensor::f32(shape, boxes.hi),
          engine::Tensor::i64(shape, boxes.below), engine::Tensor::i64(shape, boxes.above), region.step.value()};
}

Scene rows_of(const Scene& scene, const std::vector<std::int64_t>& rows) {
  Scene part = scene;
  const std::vector<float> x = scene.x.to_f32();
  const std::vector<std::int64_t> y = scene.y.to_i64();
  std::vector<float> values;
  std::vector<std::int64_t> labels;
  part.ids.clear();
  for (const std::int64_t row : rows) {
    values.insert(values.end(), x.begin() + row * kPixels, x.begin() + (row + 1) * kPixels);
    labels.push_back(y[static_cast<std::size_t>(row)]);
    part.ids.push_back(scene.ids[static_cast<std::size_t>(row)]);
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  part.x = engine::Tensor::f32({count, 1, kSide, kSide}, values);
  part.y = engine::Tensor::i64({count}, labels);
  return part;
}

Scene rows_of(const Scene& scene, std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), first);
  return rows_of(scene, rows);
}

plugin::Bundle run_role(plugin::Instance& method, const std::string& role, const Scene& scene) {
  if (role == "attack") return attack(method, scene);
  if (role == "detector") {
    method.fit(plugin::fit_inputs(scene.model, scene.train, scene.classes));
    return method.score(plugin::score_inputs(scene.model, scene.x, scene.ids));
  }
  if (role == "trainer" && !method.has("trainer", "train")) return objective(method, scene);
  if (role == "trainer") return method.train(plugin::train_inputs(scene.model, scene.train, 1, kBatch));
  if (role == "ensemble" && !method.has("ensemble", "combine")) {
    return method.predict(plugin::predict_inputs(scene.members, scene.x, scene.ids));
  }
  if (role == "ensemble") return method.combine(plugin::combine_inputs(scene.members, scene.train, scene.classes));
  if (role == "compressor")
    return method.compress(plugin::compress_inputs(scene.model, scene.train, "ratio", scene.ratio));
  if (role == "reducer") {
    const auto size = static_cast<std::int64_t>(static_cast<double>(scene.train->size()) / scene.ratio);
    return method.reduce(plugin::reduce_inputs(scene.train, scene.classes, size));
  }
  if (role == "analyzer") return method.analyze(plugin::analyze_inputs(region_inputs(scene)));
  if (role == "architecture") return method.build(plugin::build_inputs(scene.input_shape, scene.classes));
  throw Error(Fault::unsupported, "role '" + role + "' is a draft: nothing runs it yet");
}

std::string fingerprint(const plugin::Bundle& out) {
  Sha256 hash;
  for (const auto& [name, value] : out.values) {
    hash.update(name);
    if (const auto* tensor = std::get_if<engine::Tensor>(&value.data)) hash_tensor(hash, *tensor);
    if (const auto* state = std::get_if<plugin::State>(&value.data))
      for (const auto& item : *state) hash_tensor(hash, item.second);
    if (const auto* records = std::get_if<plugin::Records>(&value.data)) hash.update((*records)->digest());
    if (const auto* model = std::get_if<plugin::Model>(&value.data)) {
      hash.update(graph::weight_digest(*model->graph));
      hash.update(graph::structure_digest(*model->graph));
    }
  }
  return hash.hex();
}

}  // namespace assay::validate
