// Run of the reduce task: the method leaves a set, which the host adopts; training on it and judging are stages of their own.
#include "harness/base/error.hpp"
#include "harness/tasks/adopt.hpp"
#include "harness/tasks/budget.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

void run_reduce(StageContext& context) {
  const Json& spec = context.spec();
  const auto train = load_shared(context.input("train"));
  const std::int64_t size = reduced_size(train->size(), spec.at("ratio").as_string());
  plugin::Instance method = make_method(context);
  BudgetLog budget(context, method);
  context.progress(0.0, "reducing");
  const plugin::Bundle out = budget.call(
      "reduce", [&] { return method.reduce(plugin::reduce_inputs(train, spec.at("classes").as_int(), size)); });
  adopt(*plugin::records_of(out), *train, size, method.descriptor().id).save(context.out() / "reduced.safetensors");
  context.announce("reduced.safetensors");
  budget.finish(spent(method));
}

}  // namespace assay::tasks
