// Run of the compress task: the method returns a smaller net; fine-tuning and judging are stages of their own.
#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/rational.hpp"
#include "harness/tasks/budget.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

void run_compress(StageContext& context) {
  const Json& spec = context.spec();
  const plugin::Model model = method_model(context, "model:" + spec.at("model").as_string(), plugin::kWhiteBox);
  const auto train = load_shared(context.input("train"));
  const Json& target = spec.at("target");
  const auto value = Rational::parse(target.at("value").as_string());
  if (!value) throw Error(Fault::bad_input, fmt::format("target.value: expected a number such as \"8\", found {}", target.at("value").dump()));
  plugin::Instance method = make_method(context);
  BudgetLog budget(context, method);
  context.progress(0.0, "compressing");
  const plugin::Bundle out = budget.call("compress", [&] {
    return method.compress(plugin::compress_inputs(model, train, target.at("kind").as_string(), value->value()));
  });
  put_model(context, *plugin::model_of(out));
  budget.finish(spent(method));
}

}  // namespace assay::tasks
