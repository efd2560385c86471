// Run of the falsify task: the method is asked about the regions of a batch of inputs; each batch is durable before the
// next begins, and a resumed cell goes on after the last durable one.
#include <fmt/format.h>

#include <numeric>
#include <set>

#include "harness/base/error.hpp"
#include "harness/data/batches.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/budget.hpp"
#include "harness/tasks/region.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace {

plugin::AnalyzeInputs inputs_of(const data::Batch& batch, const plugin::Model& model, const Region& region) {
  plugin::AnalyzeInputs in;
  in.model = model;
  in.x = rows(batch.x, 0, batch.count);
  in.ids.assign(batch.ids.begin(), batch.ids.begin() + batch.count);
  const Boxes boxes = boxes_of(in.x.f32s(), static_cast<std::size_t>(in.x.count() / batch.count), region);
  const engine::Shape& shape = in.x.shape();
  in.lo = engine::Tensor::f32(shape, boxes.lo);
  in.hi = engine::Tensor::f32(shape, boxes.hi);
  in.below = engine::Tensor::i64(shape, boxes.below);
  in.above = engine::Tensor::i64(shape, boxes.above);
  in.step = region.step.value();
  return in;
}

Event batch_event(const data::Batch& batch, const std::vector<std::int64_t>& ids, const plugin::Findings& found) {
  Container outputs;
  outputs.arrays["id"] = Array::i64({batch.count}, ids);
  outputs.arrays["verdict"] = Array::i64({batch.count}, found.verdict);
  outputs.arrays["scope"] = Array::i64({batch.count}, found.scope);
  outputs.arrays["witness"] = Array::f32(found.witness.shape(), found.witness.f32s());
  Json json = Json::object({{"type", "batch"}, {"index", batch.index}, {"condition", ""}, {"count", batch.count}});
  return {std::move(json), encode(outputs)};
}

// What a method says of its own search is reported and never ranked.
void put_explored(StageContext& context, const data::Batch& batch, const plugin::Findings& found) {
  const double points = std::accumulate(found.explored.begin(), found.explored.end(), 0.0);
  context.shard().append(Json::object({{"type", "trace"},
                                       {"name", "points explored an input"},
                                       {"step", batch.index},
                                       {"value", points / static_cast<double>(batch.count)},
                                       {"grade", "reported"}}));
}

}  // namespace

void run_falsify(StageContext& context) {
  const auto records = load_shared(context.input("data"));
  const Region region = Region::from_json(context.spec().at("region"));
  const plugin::Model model =
      method_model(context, "model:" + context.spec().at("model").as_string(), plugin::kWhiteBox);
  plugin::Instance method = make_method(context);
  BudgetLog budget(context, method);
  std::set<std::int64_t> done;
  Spent total;
  for (const Event& event : context.earlier()) {
    if (event.type() != "batch") continue;
    done.insert(event.json.get("index", std::int64_t{0}));
    total += Spent::from_json(event.json.at("spent"));
  }
  const data::Batches batches(*records, context.job().numerics.batch);
  for (const data::Batch& batch : batches) {
    if (done.count(batch.index) > 0) continue;
    const plugin::AnalyzeInputs in = inputs_of(batch, model, region);
    const Spent before = spent(method);
    const plugin::Bundle out =
        budget.call(fmt::format("batch {}", batch.index), [&] { return method.analyze(plugin::analyze_inputs(in)); });
    const plugin::Findings found = plugin::findings_of(out, in.x.shape());
    put_explored(context, batch, found);
    Event event = batch_event(batch, in.ids, found);
    const Spent cost = spent(method) - before;
    event.json["spent"] = cost.to_json();
    budget.mark(event.json);
    total += cost;
    context.shard().append(event);
    context.shard().sync();
    context.progress(static_cast<double>(batch.index + 1) / static_cast<double>(batches.count()), "analyzing");
  }
  budget.finish(total);
}

}  // namespace assay::tasks
