// What a recipe can ask beyond a plain loop: accumulation, frozen parameters, averages, early stopping, soft targets;
// and that every one of them resumes within an epoch, bit for bit.
#include "harness/base/files.hpp"
#include "helpers.hpp"

namespace assay::graph {
namespace {

const NetCase net_case = {"", "all-conv", R"({"width": 8, "dropout": 0.2})", {1, 12, 12}};
Graph start_net(double dropout = 0.2) {
  Json params = Json::parse(net_case.params);
  params["dropout"] = dropout;
  return zoo::build(net_case.arch, params, net_case.input, 4, 1);
}

Recipe warm_recipe() {
  Recipe r;
  r.epochs = 3;
  r.batch = 16;
  r.lr = 0.05;
  r.warmup = 0.5;
  return r;
}

struct Case {
  const char* name;
  const char* fields;
};

// Everything that has a state of its own.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"sgd", R"({"flip": true, "crop": 1})"},
      {"adam with clipping", R"({"optimizer": "adam", "lr": 0.005, "clip_norm": 0.5, "clip_value": 0.2})"},
      {"adamw", R"({"optimizer": "adamw", "lr": 0.005, "rate_at": "start"})"},
      {"rmsprop", R"({"optimizer": "rmsprop", "lr": 0.0005, "schedule": "one-cycle", "warmup": 0})"},
      {"accumulation and ema", R"({"accumulate": 2, "batch": 8, "ema": 0.8})"},
      {"swa", R"({"swa_start": 1, "swa_lr": 0.02})"},
      {"mixing", R"({"mixup": 0.4, "cutmix": 1, "erasing": 0.5, "jitter": 0.3, "label_smoothing": 0.1})"},
      {"plateau", R"({"schedule": "plateau", "plateau_patience": 0, "plateau_threshold": 0.5})"},
      {"early stopping", R"({"patience": 2, "ema": 0.7})"},
      {"frozen", R"({"frozen": ["conv1*"], "no_decay": ["*"]})"},
      {"fgsm", R"({"adversary": "fgsm"})"},
      {"pgd l2", R"({"adversary": "pgd", "adv_norm": "l2", "adv_eps": "1/2", "adv_step": "1/4", "adv_steps": 2})"},
      {"pgd of mixed samples", R"({"adversary": "pgd", "adv_steps": 2, "mixup": 1})"},
      {"free", R"({"adversary": "free", "adv_replays": 3, "lr": 0.02})"},
      {"trades", R"({"adversary": "trades", "adv_steps": 2, "label_smoothing": 0.1})"},
  };
  return all;
}

Recipe recipe_of(const Case& one) {
  Json json = warm_recipe().to_json();
  const Json fields = Json::parse(one.fields);
  for (const auto& [key, value] : fields.as_object()) json[key] = value;
  return Recipe::from_json(json);
}

// Stops after `stop` steps by the progress hook, as a killed worker would be stopped by a signal.
void run_until(Trainer& trainer, int stop) {
  TrainHooks hooks;
  hooks.progress = [&](const TrainProgress&) { return --stop > 0; };
  CHECK_MESSAGE_HAS(trainer.run(hooks), "cancelled");
}

}  // namespace

TEST_CASE("stopped at any step and restored, every recipe continues bit for bit [rule 9]") {
  TempDir dir;
  const TrainData data = blobs(70, net_case.input), validation = blobs(23, net_case.input);
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    const Recipe r = recipe_of(one);
    Trainer whole(start_net(), data, r, 5, &validation);
    whole.run();
    for (const int stop : {1, 3, 4, 6, 11}) {
      CAPTURE(stop);
      Trainer first(start_net(), data, r, 5, &validation);
      run_until(first, stop);
      first.save_checkpoint(dir.path() / "ckpt");
      Trainer second(start_net(), data, r, 5, &validation);
      second.restore_checkpoint(dir.path() / "ckpt");
      CHECK(second.epochs_done() * 4 + second.steps_done() == stop);
      second.run();
      CHECK(weight_digest(second.graph()) == weight_digest(whole.graph()));
      CHECK(second.epoch_losses() == whole.epoch_losses());
      CHECK(second.validation_losses() == whole.validation_losses());
      CHECK(second.passes().forward_equivalents() == whole.passes().forward_equivalents());
    }
  }
}

TEST_CASE("equal seeds give equal bits under every recipe, other seeds do not [rule 7]") {
  const TrainData data = blobs(48, net_case.input), validation = blobs(16, net_case.input);
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    Recipe r = recipe_of(one);
    r.epochs = 2;
    const auto digest = [&](std::uint64_t seed) {
      Trainer trainer(start_net(), data, r, seed, &validation);
      trainer.run();
      return weight_digest(trainer.graph());
    };
    CHECK(digest(1) == digest(1));
    CHECK(digest(1) != digest(2));
  }
}

TEST_CASE("every recipe honours masks, also in averages") {
  const TrainData data = blobs(48, net_case.input), validation = blobs(16, net_case.input);
  for (const Case& one : cases()) {
    CAPTURE(one.name);
    Graph graph = start_net();
    const std::string name = "conv2_1.weight";
    const Shape shape = graph.parameters[name].value.shape();
    std::vector<float> mask(static_cast<std::size_t>(engine::element_count(shape)));
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 3 == 0 ? 1.0F : 0.0F;
    graph.set_mask(name, Tensor::f32(shape, mask));
    Trainer trainer(graph, data, recipe_of(one), 1, &validation);
    trainer.run_epoch();
    trainer.run_epoch();
    const Graph after = trainer.graph();
    after.validate();
    CHECK_FALSE(same_bits(after.parameters.at(name).value, graph.parameters.at(name).value));
  }
}

TEST_CASE("accumulated batches step as one large batch does, where nothing but the loss couples samples") {
  const TrainData data = blobs(64, {1, 8, 8});
  const auto run = [&](std::int64_t batch, std::int64_t accumulate) {
    Recipe r = warm_recipe();
    r.batch = batch;
    r.accumulate = accumulate;
    r.clip_norm = 0.3;
    Trainer trainer(zoo::build("mlp", Json::parse(R"({"hidden": [16]})"), {1, 8, 8}, 4, 1), data, r, 1);
    trainer.run();
    return trainer.graph();
  };
  const Graph large = run(32, 1), parts = run(8, 4);
  for (const auto& [name, parameter] : large.parameters) {
    const std::string of = name;
    CAPTURE(of);
    CHECK(difference(parameter.value, parts.parameters.at(name).value) < 1e-5);
  }
  Recipe r = warm_recipe();
  r.accumulate = 5;
  CHECK_MESSAGE_HAS(Trainer(start_net(), blobs(64, net_case.input), r, 1), "recipe.accumulate");
}

TEST_CASE("frozen parameters stay, come back trainable, and unknown names are told") {
  const TrainData data = blobs(32, net_case.input);
  Recipe r = warm_recipe();
  r.frozen = {"conv1*"};
  const Graph before = start_net();
  Trainer trainer(before, data, r, 1);
  trainer.run_epoch();
  const Graph after = trainer.graph();
  for (const auto& [name, parameter] : after.parameters) {
    const std::string of = name;
    CAPTURE(of);
    CHECK(parameter.trainable);
    CHECK(same_bits(parameter.value, before.parameters.at(name).value) == (name.rfind("conv1", 0) == 0));
  }
  r.frozen = {"conv1_1.wieght"};
  CHECK_MESSAGE_HAS(Trainer(before, data, r, 1),
                    "recipe.frozen: no parameter matches 'conv1_1.wieght'; did you mean 'conv1_1.weight'");
  r.frozen = {"*"};
  CHECK_MESSAGE_HAS(Trainer(before, data, r, 1), "leaves no parameter to train");
}

TEST_CASE("weight averaging starts where it is told to and estimates statistics anew") {
  const TrainData data = blobs(64, net_case.input);
  Recipe r = warm_recipe();
  Trainer plain(start_net(0), data, r, 1);
  std::vector<Graph> ends;
  for (int e = 0; e < 3; ++e) {
    plain.run_epoch();
    ends.push_back(plain.graph());
  }
  r.swa_start = 1;  // the ends of epochs 2 and 3
  Trainer averaged(start_net(0), data, r, 1);
  averaged.run();
  const Graph mean = averaged.graph();
  Graph expected = ends[1];
  for (auto& [name, parameter] : expected.parameters) {
    std::vector<float> a = parameter.value.to_f32();
    const std::vector<float> b = ends[2].parameters.at(name).value.to_f32();
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = 0.5F * (a[i] + b[i]);
    parameter.value = Tensor::f32(parameter.value.shape(), a);
    const std::string of = name;
    CAPTURE(of);
    CHECK(difference(mean.parameters.at(name).value, parameter.value) < 1e-6);
  }
  reestimate_batch_norm(expected, data, 16, 1);
  for (const auto& [name, buffer] : expected.buffers) CHECK(difference(mean.buffers.at(name), buffer) < 1e-5);
}

TEST_CASE("early stopping gives the best epoch's net and never sees another list") {
  const TrainData data = blobs(64, net_case.input), validation = blobs(40, net_case.input);
  Recipe r = warm_recipe();
  r.epochs = 40;
  r.lr = 0.2;
  r.warmup = 0;
  r.schedule = "constant";
  r.patience = 2;
  Trainer trainer(start_net(), data, r, 1, &validation);
  trainer.run();
  const std::vector<double> losses = trainer.validation_losses();
  const auto best = std::min_element(losses.begin(), losses.end()) - losses.begin();
  CHECK(trainer.epochs_done() == static_cast<std::int64_t>(losses.size()));
  CHECK(trainer.epochs_done() < 40);
  CHECK(trainer.epochs_done() == best + 1 + 2);
  Trainer again(start_net(), data, r, 1, &validation);
  while (again.epochs_done() < best + 1) again.run_epoch();
  CHECK(weight_digest(again.graph()) == weight_digest(trainer.graph()));
  // The watched loss is that of the given net on the validation list.
  Shape shape = validation.sample_shape;
  shape.insert(shape.begin(), validation.size());
  const std::vector<float> z =
      Executor(std::make_shared<Graph>(trainer.graph()), 32).logits(Tensor::f32(shape, validation.f32)).to_f32();
  double loss = 0;
  for (std::size_t i = 0; i < validation.labels.size(); ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < 4; ++c) sum += std::exp(static_cast<double>(z[4 * i + c]));
    loss += std::log(sum) - static_cast<double>(z[4 * i + static_cast<std::size_t>(validation.labels[i])]);
  }
  CHECK(loss / 40 == doctest::Approx(losses[static_cast<std::size_t>(best)]).epsilon(1e-4));
  CHECK_MESSAGE_HAS(Trainer(start_net(), data, r, 1), "recipe.patience: needs a validation list");
}

TEST_CASE("what does not fit together is refused") {
  const TrainData vectors = blobs(32, {12}), images = blobs(32, net_case.input);
  Recipe r = warm_recipe();
  r.cutmix = 1;
  CHECK_MESSAGE_HAS(Trainer(zoo::build("mlp", Json::parse(R"({"hidden": [8]})"), {12}, 4, 1), vectors, r, 1),
                    "need image samples");
  TrainHooks hooks;
  hooks.objective = [](const ObjectiveBatch& b) { return ObjectiveResult{b.logits, 0}; };
  Trainer mixing(start_net(), images, r, 1);
  CHECK_MESSAGE_HAS(mixing.run(hooks), "mixup or cutmix");
  r = warm_recipe();
  r.adversary = "trades";
  Trainer robust(start_net(), images, r, 1);
  CHECK_MESSAGE_HAS(robust.run(hooks), "adversary");
}

}  // namespace assay::graph
