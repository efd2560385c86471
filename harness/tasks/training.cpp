#include "harness/tasks/training.hpp"

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/log.hpp"
#include "harness/graph/onnx/onnx.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace fs = std::filesystem;

engine::Shape sample_shape(const Samples& samples) {
  return engine::Shape(samples.x.shape().begin() + 1, samples.x.shape().end());
}

graph::Graph fit_network(StageContext& context, const TrainingTask& task, const Samples& samples,
                         graph::TrainHooks hooks) {
  const graph::TrainData data = train_data(samples);
  graph::Trainer trainer(task.start, data, task.recipe, task.seed);
  const fs::path checkpoint = context.scratch() / "tmp" / "checkpoint.safetensors";
  fs::create_directories(checkpoint.parent_path());
  if (fs::exists(checkpoint)) {
    trainer.restore_checkpoint(checkpoint);
    log::info("continuing after epoch {}", trainer.epochs_done());
  }
  hooks.progress = [&](const graph::TrainProgress& at) {
    const double done = static_cast<double>(at.epoch) + static_cast<double>(at.step) / static_cast<double>(at.steps_per_epoch);
    context.progress(done / static_cast<double>(task.recipe.epochs),
                     fmt::format("{}: epoch {}/{}, loss {:.3f}", task.what, at.epoch + 1, task.recipe.epochs, at.loss));
    return true;
  };
  hooks.epoch_end = [&](std::int64_t epochs) {
    if (epochs < task.recipe.epochs) trainer.save_checkpoint(checkpoint);
  };
  trainer.run(hooks);
  std::int64_t epoch = 0;
  for (const double loss : trainer.epoch_losses()) {
    context.shard().append(Json::object({{"type", "trace"}, {"name", "train_loss"}, {"step", ++epoch}, {"value", loss},
                                         {"grade", "host-measured"}}));
  }
  context.shard().append(Json::object({{"type", "counters"},
                                       {"forward", trainer.forward_samples()},
                                       {"backward", trainer.backward_samples()},
                                       {"macs", 3 * graph::macs(task.start) * trainer.forward_samples()}}));
  return trainer.graph();
}

void train(StageContext& context) {
  const Samples samples = load_samples(context.input("train"));
  const Json& spec = context.spec();
  const std::uint64_t seed = context.job().seeds.get("subject");
  TrainingTask task;
  task.start = zoo::build(spec.at("build").at("arch").as_string(), spec.at("build").at("params"), sample_shape(samples),
                          spec.at("classes").as_int(), seed);
  task.recipe = graph::Recipe::from_json(spec.at("recipe"));
  task.seed = seed;
  task.what = "training";
  graph::save_model(fit_network(context, task, samples), context.out() / "model.safetensors");
  context.announce("model.safetensors");
}

// One file and nothing beside it: weights elsewhere would be no part of the job's inputs.
void import_network(StageContext& context) {
  const fs::path file = context.input("onnx");
  const Json& spec = context.spec();
  const std::vector<std::byte> bytes = read_bytes(file);
  const onnx::Imported made = onnx::import_model(onnx::parse_onnx(bytes, file.string()));
  for (const std::string& note : made.notes) log::info("{}: {}", file.string(), note);
  engine::Shape shape;
  for (const Json& extent : spec.at("shape").as_array()) shape.push_back(extent.as_int());
  const graph::Graph& graph = made.graph;
  if (graph.inputs.size() != 1 || graph.inputs[0].spec.shape != shape) {
    throw Error(Fault::bad_input, fmt::format("{}: takes {}{}; the suite's data are {} a sample", file.string(), graph.inputs[0].spec.str(),
                                              graph.inputs.size() > 1 ? " and more inputs" : "", engine::shape_str(shape)));
  }
  if (!graph.outputs.count("logits") || graph.classes() != spec.at("classes").as_int()) {
    throw Error(Fault::bad_input, fmt::format("{}: gives {}; the suite's data have {} classes", file.string(),
                                              graph.outputs.count("logits") ? fmt::format("{} classes", graph.classes()) : "no f32 [N, classes]",
                                              spec.at("classes").as_int()));
  }
  graph::save_model(graph, context.out() / "model.safetensors");
  context.announce("model.safetensors");
}

void finetune(StageContext& context) {
  const Samples samples = load_samples(context.input("train"));
  TrainingTask task;
  task.start = graph::load_model(context.input("model"));
  task.recipe = graph::Recipe::from_json(context.spec().at("recipe"));
  task.seed = context.job().seeds.get("subject");
  task.what = "fine-tuning";
  graph::save_model(fit_network(context, task, samples), context.out() / "model.safetensors");
  context.announce("model.safetensors");
}

}  // namespace assay::tasks
