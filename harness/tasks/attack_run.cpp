// Run of the attack task: the method perturbs batch after batch, radius after radius; each batch is durable before the
// next begins, and a resumed cell goes on after the last durable one.
#include <fmt/format.h>

#include <set>

#include "harness/base/error.hpp"
#include "harness/base/log.hpp"
#include "harness/data/batches.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/ascent.hpp"
#include "harness/tasks/attack_looks.hpp"
#include "harness/tasks/budget.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"
#include "harness/tasks/threat.hpp"

namespace assay::tasks {

namespace {

struct Models {
  std::vector<plugin::Model> victims, surrogates;
};

Models load_models(const StageContext& context) {
  const Json& spec = context.spec();
  const plugin::Access access = plugin::access_from_name(spec.get("access", "white-box"));
  Models models;
  for (const Json& id : spec.at("surrogates").as_array()) {
    models.surrogates.push_back(method_model(context, "model:" + id.as_string(), plugin::kWhiteBox));
  }
  // A transfer attack has no handle on its victim at all.
  const std::string victim = "model:" + spec.at("victim").as_string();
  const graph::Precision search = graph::precision_from(spec.get("search", "f32"));
  if (access != plugin::kNoAccess && context.has_input(victim))
    models.victims.push_back(method_model(context, victim, access).with_search(search));
  return models;
}

struct Left {
  const engine::Tensor& x;
  const Ascent& ascent;
};
Event batch_event(const std::string& condition, std::int64_t index, const data::Batch& batch, const Left& left) {
  const auto n = static_cast<std::size_t>(batch.count);
  Container outputs;
  outputs.arrays["id"] = Array::i64({batch.count}, std::span<const std::int64_t>(batch.ids).first(n));
  outputs.arrays["x"] = Array::f32(left.x.shape(), left.x.f32s());
  outputs.arrays["late_gain"] = Array::f64({batch.count}, left.ascent.late_gains());
  outputs.arrays["passes"] = Array::f64({batch.count}, left.ascent.passes());
  return {Json::object({{"type", "batch"}, {"index", index}, {"condition", condition}, {"count", batch.count}}), encode(outputs)};
}

plugin::AttackInputs inputs_of(const data::Batch& batch, const Models& models, const Threat& threat, const Rational& eps) {
  const auto count = batch.count;
  plugin::AttackInputs in;
  in.x = rows(batch.x, 0, count);
  in.ids.assign(batch.ids.begin(), batch.ids.begin() + count);
  in.y = engine::Tensor::i64({count}, std::span<const std::int64_t>(batch.labels).first(static_cast<std::size_t>(count)));
  in.victims = models.victims;
  in.surrogates = models.surrogates;
  in.norm = threat.norm_name;
  in.eps = eps.value();
  in.lo = threat.low;
  in.hi = threat.high;
  in.targeted = threat.targeted;
  return in;
}

}  // namespace

void run_attack(StageContext& context) {
  const auto records = load_shared(context.input("data"));
  const Threat threat = Threat::from_json(context.spec().at("threat"));
  const Models models = load_models(context);
  // What a transfer attack differentiates is not what it attacks: nothing to see there for rule 22.
  Ascent ascent;
  plugin::HostContext host;
  if (!models.victims.empty()) {
    host.differentiated = [&, victim = models.victims.front().label](const plugin::Model& model, auto ids,
                                                                     const engine::Tensor& logits) {
      if (model.label == victim) ascent.see(ids, logits);
    };
  }
  plugin::Instance method = make_method(context, std::move(host));
  BudgetLog budget(context, method);

  // A link of a chain attacks what the links before it left, and goes on counting where they stopped.
  std::optional<ChainState> chained;
  if (context.has_input(kChainInput)) chained = ChainState::load(context.input(kChainInput));
  const std::optional<Looks> looks = Looks::from_json(context.spec());

  std::set<std::pair<std::string, std::int64_t>> done;
  Spent total;
  for (const Event& event : context.earlier()) {
    if (event.type() != "batch") continue;
    done.emplace(event.json.get("condition", ""), event.json.get("index", 0));
    total += Spent::from_json(event.json.at("spent"));
  }
  const auto batches_of = [&](const std::string& condition) {
    const std::int64_t size = context.job().numerics.batch;
    return chained ? data::Batches(*records, size, attacked_rows(*chained, looks, condition)) : data::Batches(*records, size);
  };
  double pieces = 0;
  for (const Rational& eps : threat.eps) pieces += static_cast<double>(batches_of(eps_condition(eps)).count());
  std::int64_t step = 0;
  for (const Rational& eps : threat.eps) {
    const std::string condition = eps_condition(eps);
    const data::Batches batches = batches_of(condition);
    for (const data::Batch& batch : batches) {
      ++step;
      if (done.count({condition, batch.index}) > 0) continue;
      const plugin::AttackInputs in = inputs_of(batch, models, threat, eps);
      const Spent before = spent(method);
      ascent.begin(in.ids, std::span<const std::int64_t>(batch.labels).first(in.ids.size()));
      const plugin::Bundle out = budget.call(fmt::format("{}, batch {}", condition, batch.index),
                                             [&] { return method.perturb(plugin::attack_inputs(in)); });
      const engine::Tensor x = plugin::adversarial_of(out, in.x.shape()).dense();
      Event event = batch_event(condition, batch.index, batch, {x, ascent});
      const Spent cost = spent(method) - before;
      event.json["spent"] = cost.to_json();
      budget.mark(event.json);
      total += cost;
      context.shard().append(event);
      context.shard().sync();
      context.progress(static_cast<double>(step) / pieces, condition);
    }
  }
  for (const plugin::Model& victim : models.victims)
    if (victim.search)
      log::info("{}: looked for inputs in {}; {} rows were asked again in f32", victim.label,
                graph::precision_name(victim.search->precision()), victim.search->asked_again());
  if (chained) total += chained->spent;
  budget.finish(total);
}

}  // namespace assay::tasks
