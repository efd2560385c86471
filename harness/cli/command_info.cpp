// assay info NAME: everything known about one method, model, data set, suite, metric or op.
#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <optional>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"
#include "harness/data/fetch.hpp"
#include "harness/metrics/registry.hpp"

namespace assay::cli {
namespace {

struct InfoOptions {
  std::string name, format = "table";
};

// One thing found under the name: its JSON, and how it is shown to people.
struct Found {
  Json json;
  std::function<void()> show;
};

void field(const std::string& name, const std::string& value) {
  if (!value.empty()) print("{:<14} {}\n", name, value);
}

std::string range_text(const ParamSchema& param) {
  if (param.type == "choice") return cell_text(Json(param.choices));
  if (param.type != "int" && param.type != "real") return "";
  const auto bound = [](double value) {
    return std::fabs(value) >= 1e15 ? std::string(value < 0 ? "-inf" : "inf") : fmt::format("{:g}", value);
  };
  return "[" + bound(param.min) + ", " + bound(param.max) + "]";
}

void show_params(const std::vector<ParamSchema>& params) {
  if (params.empty()) return;
  Table table({{"key", "parameter"},
               {"type", "type"},
               {"default", "default"},
               {"range", "range"},
               {"unit", "unit"},
               {"doc", "what"}});
  for (const ParamSchema& one : params) {
    const std::string fallback = one.fallback.is_real() ? one.fallback.dump() : cell_text(one.fallback);
    table.add({one.key, one.type, fallback, range_text(one), one.unit, one.doc});
  }
  print("\n");
  table.print(Format::table);
}

void show_slots(const Descriptor& one) {
  if (one.slots.empty()) return;
  Table table(
      {{"call", "call"}, {"name", "slot"}, {"type", "type"}, {"way", "way"}, {"access", "access"}, {"doc", "what"}});
  for (const SlotSchema& slot : one.slots) {
    const std::string type = (slot.list ? "list of " : "") + slot.type + (slot.required ? "" : ", optional");
    table.add({slot.call, slot.name, type, slot.output ? "out" : "in", Json(slot.access), slot.doc});
  }
  print("\n");
  table.print(Format::table);
}

std::string flags_of(const Descriptor& one) {
  Json flags = Json::array();
  const std::pair<bool, const char*> all[] = {
      {one.deterministic, "deterministic"}, {one.needs_gradients, "needs gradients"},
      {one.iterative, "iterative"},         {one.batch_coupled, "batch coupled"},
      {one.clock_bounded, "clock bounded"}, {one.transductive, "transductive"},
      {one.baseline, "baseline"},           {one.uses_outliers, "uses outlier data"},
      {one.poison, "poison"},               {one.thread_safe, "thread safe"}};
  for (const auto& [set, name] : all)
    if (set) flags.push_back(name);
  return cell_text(flags);
}

Found method(const Descriptor& one) {
  return {one.to_json(), [one] {
            print("{}\n", paint(one.id + " " + one.version, Tone::bold));
            print("{}\n\n", one.summary);
            field("role", cell_text(Json(one.roles)));
            std::string source = one.title;
            if (one.year != 0) source += " (" + std::to_string(one.year) + ")";
            if (!one.arxiv.empty()) source += ", arXiv:" + one.arxiv;
            field("source", source);
            field("flags", flags_of(one));
            field("library", one.path);
            field("digest", one.sha256);
            show_params(one.params);
            show_slots(one);
          }};
}

Found model(const Json& json) {
  return {json, [json] {
            const Descriptor one = Descriptor::from_json(json);
            print("{}\n{}\n", paint(one.id, Tone::bold), one.summary);
            show_params(one.params);
          }};
}

Found dataset(const CatalogEntry& entry) {
  const data::SetStatus status = data::status(entry, data::data_root());
  Json json = entry.to_json();
  json["state"] = status.summary();
  return {json, [entry, status] {
            print("{}\n{}\n\n", paint(entry.name, Tone::bold), entry.title);
            field("task", entry.task);
            field("shape", cell_text(Json(entry.shape)));
            field("classes", cell_text(Json(entry.classes)));
            field("format", entry.format);
            for (const CatalogSplit& split : entry.splits)
              field("split " + split.name, std::to_string(split.count) + " records");
            for (const CatalogSource& source : entry.sources) field("source", source.kind + " " + source.locator);
            field("licence", entry.licence);
            field("cite", entry.citation);
            field("state", status.summary());
            field("folder", status.folder.string());
          }};
}

Found metric(const metrics::MetricInfo& one) {
  const char* better = one.direction == metrics::Direction::none ? "" : one.higher_is_better() ? "higher" : "lower";
  const Json json = Json::object({{"id", one.id},
                                  {"definition", one.definition},
                                  {"better", better},
                                  {"min", one.min},
                                  {"max", one.max},
                                  {"unit", one.unit},
                                  {"rule", one.rule},
                                  {"citation", one.citation}});
  return {json, [one, better] {
            print("{}\n{}\n\n", paint(one.id, Tone::bold), one.definition);
            field("better", better);
            field("range", fmt::format("[{:g}, {:g}]", one.min, one.max));
            field("unit", one.unit);
            field("rule", one.rule);
            field("source", one.citation);
          }};
}

Found suite(const SuiteFile& file) {
  const SuiteSpec spec = load_suite(file.path);
  Json methods = Json::array(), models = Json::array();
  for (const MethodSpec& one : spec.methods) methods.push_back(one.id());
  for (const ModelSpec& one : spec.models) models.push_back(one.id.value);
  const Json json = Json::object({{"name", spec.name.value},
                                  {"task", spec.task.value},
                                  {"version", spec.version},
                                  {"file", file.path.string()},
                                  {"methods", methods},
                                  {"models", models},
                                  {"seeds", Json(spec.seeds)},
                                  {"summary", spec.summary},
                                  {"cites", spec.cites}});
  return {json, [json, spec] {
            print("{}\n{}\n\n", paint(spec.name.value, Tone::bold), spec.summary);
            for (const char* key : {"task", "version", "models", "methods", "seeds", "cites", "file"})
              field(key, cell_text(json.at(key)));
            for (const ClaimSpec& claim : spec.claims) field("claim", claim.id.value + ": " + claim.says);
          }};
}

Found op(const Json& json) {
  return {json, [json] {
            for (const auto& [key, value] : json.as_object()) field(key, cell_text(value));
          }};
}

std::optional<Found> find_local(const std::string& name, std::vector<std::string>& names) {
  for (const metrics::MetricInfo& one : metrics::registry()) {
    if (one.id == name) return metric(one);
    names.push_back(one.id);
  }
  for (const CatalogEntry& entry : data::load_catalog().entries) {
    if (entry.name == name) return dataset(entry);
    names.push_back(entry.name);
  }
  for (const SuiteFile& file : installed_suites()) {
    if (file.name == name) return suite(file);
    names.push_back(file.name);
  }
  return std::nullopt;
}

std::optional<Found> find_in_worker(const std::string& name, std::vector<std::string>& names) {
  const WorkerClient worker = WorkerClient::standard();
  for (const Descriptor& one : load_plugins(worker)) {
    if (one.id == name) return method(one);
    names.push_back(one.id);
  }
  for (const char* topic : {"models", "ops"}) {
    const Json items = worker.info(topic);
    for (const Json& item : items.as_array()) {
      const std::string id = item.at("id").as_string();
      if (id == name) return std::string(topic) == "models" ? model(item) : op(item);
      names.push_back(id);
    }
  }
  return std::nullopt;
}

int info(const InfoOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  std::vector<std::string> names;
  std::optional<Found> found = find_local(options.name, names);
  if (!found) found = find_in_worker(options.name, names);
  if (!found)
    throw Error(Fault::bad_input, "nothing is called '" + options.name + "'" + suggestion(options.name, names) +
                                      " (see 'assay list methods|models|datasets|suites|ops|metrics')");
  if (format == Format::json)
    print(found->json.dump(2) + "\n");
  else
    found->show();
  return exit_done;
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App* command =
      subcommand(app, "info", "Everything about one method, model, data set, suite, metric or op", "assay info pgd");
  command->add_option("name", options->name, "as 'assay list' shows it")->required();
  command->add_option("--format", options->format, "table or json");
  command->callback([options, &action] { action = [options] { return info(*options); }; });
}

}  // namespace assay::cli
