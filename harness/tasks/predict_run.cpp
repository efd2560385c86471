// Run of the predict task: an ensemble combines given nets, a trainer trains one inside the host's loop (or in its own),
// an architecture is built and trained by the host's recipe. What comes back is a host graph.
#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/tasks/budget.hpp"
#include "harness/tasks/stages.hpp"
#include "harness/tasks/training.hpp"

namespace assay::tasks {

namespace {

void run_ensemble(StageContext& context) {
  std::vector<plugin::Model> members;
  for (const Json& name : context.spec().at("members").as_array()) {
    members.push_back(method_model(context, "model:" + name.as_string(), plugin::kWhiteBox));
  }
  if (members.empty()) throw Error(Fault::bad_input, "an ensemble needs members");
  plugin::Instance method = make_method(context);
  const std::int64_t classes = members.front().graph->classes();
  BudgetLog budget(context, method);
  // Only for methods that declare that they train.
  const plugin::Records train = context.has_input("train") ? load_shared(context.input("train")) : nullptr;
  const plugin::Bundle out = budget.call("combine", [&] { return method.combine(plugin::combine_inputs(members, train, classes)); });
  put_model(context, *plugin::model_of(out));
  budget.finish(spent(method));
}

graph::Graph initial_net(const StageContext& context, const Samples& samples, std::uint64_t seed) {
  const Json& build = context.spec().at("build");
  return zoo::build(build.at("arch").as_string(), build.at("params"), sample_shape(samples),
                    context.spec().at("classes").as_int(), seed);
}

void run_trainer(StageContext& context) {
  const Samples samples = load_samples(context.input("train"));
  const std::uint64_t seed = context.job().seeds.get("subject");
  plugin::Instance method = make_method(context);
  TrainingTask task;
  task.start = initial_net(context, samples, seed);
  task.recipe = graph::Recipe::from_json(context.spec().at("recipe"));
  task.seed = seed;
  task.what = "training";
  if (method.has("trainer", "objective")) {
    graph::TrainHooks hooks;
    hooks.objective = plugin::objective_hook(method, task.recipe.epochs);
    put_model(context, fit_network(context, task, samples, std::move(hooks)));
    return;
  }
  const plugin::Model initial(std::make_shared<graph::Graph>(task.start), plugin::kWhiteBox, "initial",
                              context.job().numerics.batch);
  BudgetLog budget(context, method);
  const plugin::Bundle out = budget.call("train", [&] {
    return method.train(plugin::train_inputs(initial, load_shared(context.input("train")), task.recipe.epochs, task.recipe.batch));
  });
  put_model(context, *plugin::model_of(out));
  budget.finish(spent(method));
}

void run_architecture(StageContext& context) {
  const Samples samples = load_samples(context.input("train"));
  plugin::Instance method = make_method(context);
  const plugin::Bundle out =
      method.build(plugin::build_inputs(sample_shape(samples), context.spec().at("classes").as_int()));
  TrainingTask task;
  task.start = *plugin::model_of(out);
  task.recipe = graph::Recipe::from_json(context.spec().at("recipe"));
  task.seed = context.job().seeds.get("subject");
  task.what = "training";
  put_model(context, fit_network(context, task, samples));
}

}  // namespace

void run_predict(StageContext& context) {
  const std::string role = context.spec().get("role", "");
  if (role == "ensemble") return run_ensemble(context);
  if (role == "trainer") return run_trainer(context);
  if (role == "architecture") return run_architecture(context);
  throw Error(Fault::bad_input,
              fmt::format("role '{}' does not serve the predict task{}", role,
                          suggestion(role, {"ensemble", "trainer", "architecture"})));
}

}  // namespace assay::tasks
