// Run of the detect task: fit on the in-distribution training list (rule 32: no other list is in the job), then one score
// an input of a shuffled stream whose ids say nothing.
#include <set>

#include "harness/base/error.hpp"
#include "harness/data/batches.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/budget.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

void run_detect(StageContext& context) {
  const auto fit = load_shared(context.input("fit"));
  const auto stream = load_shared(context.input("stream"));
  const plugin::Model model =
      method_model(context, "model:" + context.spec().at("model").as_string(), plugin::kWhiteBox);
  plugin::Instance method = make_method(context);
  BudgetLog budget(context, method);
  context.progress(0.0, "fitting");
  if (method.has("detector", "fit"))
    budget.call("fit", [&] { return method.call("detector", "fit", plugin::fit_inputs(model, fit, model.graph->classes())); });
  Spent total = spent(method);

  std::set<std::int64_t> done;
  for (const Event& event : context.earlier()) {
    if (event.type() != "batch") continue;
    done.insert(event.json.get("index", 0));
    total += Spent::from_json(event.json.at("spent"));
  }
  const data::Batches batches(*stream, context.job().numerics.batch);
  for (const data::Batch& batch : batches) {
    if (done.count(batch.index) > 0) continue;
    const std::vector<std::int64_t> ids(batch.ids.begin(), batch.ids.begin() + batch.count);
    const Spent before = spent(method);
    const plugin::Bundle out = budget.call("batch " + std::to_string(batch.index), [&] {
      return method.score(plugin::score_inputs(model, rows(batch.x, 0, batch.count), ids));
    });
    const std::vector<double> scores = plugin::scores_of(out, batch.count);
    const Spent cost = spent(method) - before;
    total += cost;
    Container outputs;
    outputs.arrays["id"] = Array::i64({batch.count}, ids);
    outputs.arrays["score"] = Array::f64({batch.count}, scores);
    Json json = Json::object({{"type", "batch"}, {"index", batch.index}, {"condition", ""}, {"count", batch.count}});
    json["spent"] = cost.to_json();
    budget.mark(json);
    context.shard().append(Event{std::move(json), encode(outputs)});
    context.shard().sync();
    context.progress(static_cast<double>(batch.index + 1) / static_cast<double>(batches.count()), "scoring");
  }
  budget.finish(total);
}

}  // namespace assay::tasks
