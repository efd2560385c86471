#include "harness/tasks/method.hpp"

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/log.hpp"
#include "harness/graph/graph.hpp"
#include "harness/tasks/budget.hpp"

namespace assay::tasks {

namespace {

plugin::Budget budget_of(const Json& spec) {
  plugin::Budget budget;
  if (!spec.has("budget")) return budget;
  const Json& limits = spec.at("budget");
  const double forward = limits.get("forward_per_sample", 0.0), backward = limits.get("backward_per_sample", 0.0);
  if (forward > 0) budget.forward_per_sample = forward;  // 0 in a suite: unlimited
  if (backward > 0) budget.backward_per_sample = backward;
  const double seconds = limits.get("seconds", 0.0), memory = limits.get("memory_mb", 0.0);
  if (seconds > 0) budget.seconds = seconds;
  if (memory > 0) budget.memory_mb = memory;
  return budget;
}

// Those of the suite, or those of the best trial, which have the suite's others in them.
Json params_of(const StageContext& context) {
  if (context.has_input("tuned")) {
    const std::filesystem::path file = context.input("tuned");
    return Json::parse(read_text(file), file.string()).at("params");
  }
  return context.spec().has("params") ? context.spec().at("params") : Json(Json::Object{});
}

}  // namespace

plugin::Instance make_method(StageContext& context, plugin::HostContext host) {
  const Job& job = context.job();
  if (job.plugin_path.empty()) throw Error(Fault::bad_input, "the job names no plugin for its run stage");
  const std::string digest = plugin::plugin_digest(job.plugin_path);
  if (!job.plugin_sha256.empty() && digest != job.plugin_sha256) {
    throw Error(Fault::bad_input, fmt::format("{}: the plugin changed since it was planned: expected digest {}, found {}",
                                              job.plugin_path, job.plugin_sha256, digest));
  }
  host.seed = job.seeds.get("method");
  host.budget = budget_of(context.spec());
  host.seconds_before = seconds_before(context.earlier());
  host.batch = job.numerics.batch;
  host.log = [](int level, std::string_view message) { log::write(static_cast<log::Level>(std::clamp(level, 0, 3)), message); };
  host.trace = [&context](std::string_view name, std::int64_t step, double value) {
    context.shard().append(Json::object(
        {{"type", "trace"}, {"name", std::string(name)}, {"step", step}, {"value", value}, {"grade", "reported"}}));
  };
  return plugin::PluginLibrary::open(job.plugin_path).create(job.plugin_id, params_of(context), std::move(host));
}

plugin::Model method_model(const StageContext& context, const std::string& input, plugin::Access access) {
  auto graph = std::make_shared<graph::Graph>(graph::load_model(context.input(input)));
  const std::string prefix = "model:";
  const std::string label = input.rfind(prefix, 0) == 0 ? input.substr(prefix.size()) : input;
  return plugin::Model(std::move(graph), access, label, context.job().numerics.batch);
}

plugin::Records load_shared(const std::filesystem::path& file) {
  return std::make_shared<const data::RecordSet>(data::RecordSet::load(file));
}

Spent& Spent::operator+=(const Spent& other) {
  forward += other.forward;
  backward += other.backward;
  macs += other.macs;
  return *this;
}

Spent Spent::operator-(const Spent& other) const {
  return {forward - other.forward, backward - other.backward, macs - other.macs};
}

Json Spent::to_json() const { return Json::object({{"forward", forward}, {"backward", backward}, {"macs", macs}}); }

Spent Spent::from_json(const Json& json) {
  return {json.get("forward", 0.0), json.get("backward", 0.0), json.get("macs", 0.0)};
}

Spent spent(const plugin::Instance& method) {
  const plugin::Counters& counters = method.counters();
  return {counters.forward, counters.backward, counters.model_macs + counters.method_macs};
}

Spent spent_in(const std::filesystem::path& shard) {
  Spent total;
  for (const Event& event : read_shard(shard).events) {
    if (event.type() == "batch" && event.json.has("spent")) total += Spent::from_json(event.json.at("spent"));
  }
  return total;
}

void put_model(StageContext& context, const graph::Graph& graph) {
  graph.validate();
  graph::save_model(graph, context.out() / "model.safetensors");
  context.announce("model.safetensors");
}

}  // namespace assay::tasks
