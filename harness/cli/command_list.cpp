// assay list methods|models|datasets|suites|ops|metrics
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"
#include "harness/data/fetch.hpp"
#include "harness/metrics/registry.hpp"

namespace assay::cli {
namespace {

struct ListOptions {
  std::string topic, format = "table", role;
};

Table methods(const ListOptions& options) {
  Table table(
      {{"id", "method"}, {"roles", "role"}, {"version", "version"}, {"baseline", "baseline"}, {"summary", "summary"}});
  for (const Descriptor& one : load_plugins(WorkerClient::standard()))
    if (options.role.empty() || one.has_role(options.role))
      table.add({one.id, Json(one.roles), one.version, one.baseline, one.summary});
  return table;
}

Table models() {
  Table table({{"id", "model"}, {"params", "parameters"}, {"summary", "summary"}});
  const Json known = WorkerClient::standard().info("models");
  for (const Json& item : known.as_array()) {
    const Descriptor one = Descriptor::from_json(item);
    Json params = Json::array();
    for (const ParamSchema& param : one.params) params.push_back(param.key);
    table.add({one.id, params, one.summary});
  }
  return table;
}

Table datasets() {
  Table table({{"name", "set"},
               {"task", "task"},
               {"shape", "shape"},
               {"classes", "classes", true},
               {"splits", "records"},
               {"state", "state"},
               {"title", "title"}});
  const std::filesystem::path root = data::data_root();
  for (const CatalogEntry& entry : data::load_catalog().entries) {
    Json splits = Json(Json::Object{});
    for (const CatalogSplit& split : entry.splits) splits[split.name] = split.count;
    const data::SetStatus status = data::status(entry, root);
    table.add({entry.name, entry.task, Json(entry.shape), entry.classes.size(), splits, status.summary(), entry.title},
              status.complete() ? Tone::plain : Tone::dim);
  }
  return table;
}

Table suite_table() {
  Table table({{"name", "suite"},
               {"task", "task"},
               {"methods", "methods", true},
               {"seeds", "seeds", true},
               {"summary", "summary"}});
  for (const SuiteFile& one : installed_suites()) {
    try {
      const SuiteSpec spec = load_suite(one.path);
      table.add({one.name, spec.task.value, spec.methods.size(), spec.seeds.size(), spec.summary});
    } catch (const Error& error) {
      warn(error.what());
      table.add({one.name, Json(), Json(), Json(), "does not parse"}, Tone::bad);
    }
  }
  return table;
}

Table ops() {
  Table table(
      {{"id", "op"}, {"inputs", "inputs"}, {"attributes", "attributes"}, {"vjp", "gradient"}, {"onnx", "ONNX"}});
  const Json known = WorkerClient::standard().info("ops");
  for (const Json& item : known.as_array())
    table.add({item.at("id"), item.get("inputs", ""), item.has("attributes") ? item.at("attributes") : Json::array(),
               item.get("vjp", true), item.get("onnx", "")});
  return table;
}

Table metric_table() {
  Table table({{"id", "metric"}, {"direction", "better"}, {"unit", "unit"}, {"definition", "definition"}});
  for (const metrics::MetricInfo& one : metrics::registry()) {
    const char* better = one.direction == metrics::Direction::none ? "-" : one.higher_is_better() ? "higher" : "lower";
    table.add({one.id, better, one.unit, one.definition});
  }
  return table;
}

Table make_table(const ListOptions& options) {
  if (options.topic == "methods") return methods(options);
  if (options.topic == "models") return models();
  if (options.topic == "datasets") return datasets();
  if (options.topic == "suites") return suite_table();
  if (options.topic == "ops") return ops();
  if (options.topic == "metrics") return metric_table();
  throw Error(Fault::bad_input,
              "cannot list '" + options.topic + "'" +
                  suggestion(options.topic, {"methods", "models", "datasets", "suites", "ops", "metrics"}));
}

int list_kind(const ListOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const Table table = make_table(options);
  table.print(format);
  if (format == Format::table && table.rows() == 0) remark("none");
  return exit_done;
}

}  // namespace

void add_list(CLI::App& app, Action& action) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = subcommand(app, "list", "What there is: methods, models, datasets, suites, ops or metrics",
                                 "assay list methods --role attack");
  command->add_option("topic", options->topic, "methods, models, datasets, suites, ops or metrics")->required();
  command->add_option("--role", options->role, "methods of this role only");
  command->add_option("--format", options->format, "table or json");
  command->callback([options, &action] { action = [options] { return list_kind(*options); }; });
}

}  // namespace assay::cli
