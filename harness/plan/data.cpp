// Prepare nodes: which records of which files. Their identity is the content of the files and the selection.
#include <fmt/format.h>

#include <algorithm>

#include "harness/plan/planner.hpp"

namespace assay::plan {
namespace {

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

std::string where(const DataSpec& data) {
  return data.group.empty() ? "data." + data.label : "data.ood '" + data.label + "'";
}

// A list of all classes has no key for them, so that its hash is what it was before lists could choose.
Json selection(const DataSpec& data, const std::vector<std::int64_t>& chosen) {
  Json out = Json::object({{"recipe", "split"},
                           {"split", data.split.value},
                           {"first", data.first},
                           {"limit", data.limit},
                           {"balanced", data.balanced}});
  if (!chosen.empty()) out["classes"] = Json(chosen);
  if (data.resize > 0) out["resize"] = data.resize;
  return out;
}

// A few classes are named, as captions show them; of many the number.
std::string describe(const DataSpec& data, const CatalogEntry& entry, const std::vector<std::int64_t>& chosen) {
  std::string text = data.set.value + " " + data.split.value;
  constexpr std::size_t most_named = 4;
  if (data.classes.size() > most_named) text += fmt::format(", {} of {} classes", data.classes.size(), entry.classes.size());
  else if (!chosen.empty()) text += " of " + entry.classes[static_cast<std::size_t>(chosen[0])];
  for (std::size_t k = 1; k < chosen.size() && chosen.size() <= most_named; ++k) text += ", " + entry.classes[static_cast<std::size_t>(chosen[k])];
  if (data.resize > 0) text += fmt::format(" at {0}x{0}", data.resize);
  if (data.first > 0) text += fmt::format(" from {}", data.first);
  if (data.limit > 0) text += fmt::format(", {}{}", data.limit, data.balanced ? " balanced" : "");
  return text;
}

}  // namespace

const CatalogEntry& Planner::entry_of(const DataSpec& data) const {
  const auto found = context_.catalog.find(data.set.value);
  if (found != context_.catalog.end()) return found->second;
  fail(data.set.place, fmt::format("{}.set: unknown data set '{}'{}", where(data), data.set.value,
                                   suggestion(data.set.value, keys_of(context_.catalog))));
}

std::vector<std::int64_t> Planner::shape_of(const DataSpec& data) const {
  std::vector<std::int64_t> shape = entry_of(data).shape;
  if (data.resize == 0) return shape;
  if (shape.size() != 3)
    fail(data.resize_place, fmt::format("{}.resize: inputs of '{}' are [{}]; expected images [channels, height, width]", where(data),
                                        data.set.value, fmt::join(shape, ", ")));
  shape[1] = shape[2] = data.resize;
  return shape;
}

std::vector<std::int64_t> Planner::chosen_classes(const DataSpec& data) const {
  const CatalogEntry& entry = entry_of(data);
  std::vector<std::int64_t> out;
  for (const Located<std::string>& one : data.classes) {
    const auto found = std::find(entry.classes.begin(), entry.classes.end(), one.value);
    if (found == entry.classes.end())
      fail(one.place, fmt::format("{}.classes: data set '{}' has no class '{}'{}", where(data), entry.name, one.value,
                                  suggestion(one.value, entry.classes)));
    out.push_back(found - entry.classes.begin());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::int64_t Planner::class_count(const DataSpec& data) const {
  return static_cast<std::int64_t>(data.classes.empty() ? entry_of(data).classes.size() : data.classes.size());
}

std::int64_t Planner::count(const DataSpec& data) const {
  if (data.limit > 0) return data.limit;
  const CatalogEntry& entry = entry_of(data);
  const CatalogSplit* split = entry.split(data.split.value);
  if (!split) return 0;
  const auto all = static_cast<std::int64_t>(entry.classes.size());
  return std::max<std::int64_t>(0, (data.classes.empty() || all == 0 ? split->count : split->count * class_count(data) / all) - data.first);
}

const DataSpec& Planner::fit_list() const { return suite_.data.fit ? *suite_.data.fit : *suite_.data.train; }

// How many records the chosen classes have is known when they are read; here only that there cannot be more than the split's.
static const CatalogSplit& checked_split(const CatalogEntry& entry, const DataSpec& data, std::int64_t classes) {
  const CatalogSplit* split = entry.split(data.split.value);
  if (!split) {
    std::vector<std::string> names;
    for (const CatalogSplit& one : entry.splits) names.push_back(one.name);
    const Place& place = data.split.given() ? data.split.place : data.place;
    fail(place, fmt::format("{}.split: data set '{}' has no split '{}'{}", where(data), entry.name, data.split.value,
                            suggestion(data.split.value, names)));
  }
  if (data.first >= split->count || data.limit > split->count - data.first)
    fail(data.place, fmt::format("{}: expected first + limit <= {}, the size of '{}' split '{}'; found {} + {}", where(data),
                                 split->count, entry.name, split->name, data.first, data.limit));
  if (data.balanced && (classes == 0 || data.limit % classes != 0))
    fail(data.place, fmt::format("{}: a balanced list needs a limit divisible by the {} {}classes of '{}'; found {}", where(data),
                                 classes, data.classes.empty() ? "" : "chosen ", entry.name, data.limit));
  return *split;
}

// The raw files go to `inputs`; what they hold goes to the identity. Names, licences and download sources do not.
Json Planner::source_identity(const CatalogEntry& entry, const CatalogSplit& split, const DataSpec& data,
                              std::vector<InputRef>& inputs) const {
  Json files = Json::Object{};
  for (const std::string& name : split.files) {
    const CatalogFile* file = entry.find_file(name);
    if (!file) throw Error(Fault::bad_input, fmt::format("catalogue: split '{}' of '{}' names the file '{}', which the entry does not have",
                                                         split.name, entry.name, name));
    const std::optional<RawFile> raw = context_.raw ? context_.raw(entry, *file) : std::nullopt;
    if (!raw)
      fail(data.set.place, fmt::format("{}.set: data set '{}' is not on this machine ({} is missing); 'assay data fetch {}' gets it",
                                       where(data), entry.name, file->file, entry.name),
           Fault::unsupported);
    InputRef input;
    input.name = "raw:" + name;
    input.path = raw->path;
    input.sha256 = raw->sha256;
    inputs.push_back(std::move(input));
    files[name] = raw->sha256;
  }
  Json shape = Json::array();
  for (const std::int64_t extent : entry.shape) shape.push_back(extent);
  return Json::object({{"format", entry.format},
                       {"options", entry.options},
                       {"shape", shape},
                       {"classes", static_cast<std::int64_t>(entry.classes.size())},
                       {"files", files}});
}

std::string Planner::records(const DataSpec& data) {
  const CatalogEntry& entry = entry_of(data);
  const CatalogSplit& split = checked_split(entry, data, class_count(data));
  const std::vector<std::int64_t> chosen = chosen_classes(data);
  Stage stage;
  stage.stage = "prepare";
  Json identity = selection(data, chosen);
  identity["node"] = "prepare";
  // Sample ids are hashes of the set's name and the index, so the name is content.
  identity["set"] = entry.name;
  identity["source"] = source_identity(entry, split, data, stage.inputs);
  stage.spec = selection(data, chosen);
  stage.spec["source"] = entry.to_json();
  Node node = start_node(NodeKind::prepare, "prepare " + describe(data, entry, chosen));
  node.stages.push_back(std::move(stage));
  node.cost_seconds = 0.2 + 1e-5 * static_cast<double>(count(data));
  return add(std::move(node), std::move(identity)).key;
}

std::string Planner::stream() {
  const std::string id_label = suite_.data.test->set.value;
  Stage stage;
  stage.stage = "prepare";
  stage.inputs.push_back(from_node("records:" + id_label, records(*suite_.data.test), records_file));
  Json ood = Json::array();
  Json parts = Json::array();
  std::int64_t total = count(*suite_.data.test);
  for (const DataSpec& data : suite_.data.ood) {
    const std::string key = records(data);
    stage.inputs.push_back(from_node("records:" + data.label, key, records_file));
    ood.push_back(Json::object({{"label", data.label}, {"group", data.group}}));
    parts.push_back(Json::object({{"label", data.label}, {"group", data.group}, {"records", key}}));
    total += count(data);
  }
  // The list that detectors fit on goes along, so that the stage can refuse a stream that holds one of its samples
  // (rules 28 and 32). No label of a suite begins with '#'.
  const std::string fit = records(fit_list()), fit_label = "#fit";
  stage.inputs.push_back(from_node("records:" + fit_label, fit, records_file));
  stage.spec = Json::object({{"recipe", "stream"}, {"id", id_label}, {"ood", ood}, {"fit", fit_label}});
  Json identity = Json::object({{"node", "prepare"},
                                {"recipe", "stream"},
                                {"id", Json::object({{"label", id_label}, {"records", stage.inputs[0].node}})},
                                {"ood", parts},
                                {"fit", fit},
                                {"seeds", seeds(0, 0).to_json()}});
  Node node = start_node(NodeKind::prepare, fmt::format("prepare stream of {} and {} other lists", id_label, ood.size()));
  node.stages.push_back(std::move(stage));
  node.cost_seconds = 0.2 + 1e-5 * static_cast<double>(total);
  return add(std::move(node), std::move(identity)).key;
}

void Planner::check_shapes() const {
  const CatalogEntry& train = entry_of(*suite_.data.train);
  const auto same_shape = [&](const DataSpec& data) {
    const CatalogEntry& entry = entry_of(data);
    if (shape_of(data) != shape_of(*suite_.data.train))
      fail(data.set.place, fmt::format("{}.set: inputs of '{}' are [{}], those of '{}' are [{}]; expected equal shapes", where(data),
                                       entry.name, fmt::join(shape_of(data), ", "), train.name, fmt::join(shape_of(*suite_.data.train), ", ")));
  };
  const auto same_task = [&](const DataSpec& data) {
    same_shape(data);
    if (class_count(data) != classes())
      fail(data.set.place, fmt::format("{}.set: '{}' has {} classes, '{}' has {}; expected equal numbers", where(data), data.set.value,
                                       class_count(data), train.name, classes()));
    if (entry_of(data).name == train.name && chosen_classes(data) != chosen_classes(*suite_.data.train))
      fail(data.place, fmt::format("{}.classes: expected the classes of data.train", where(data)));
  };
  same_task(*suite_.data.test);
  if (suite_.data.val) same_task(*suite_.data.val);
  for (const DataSpec& ood : suite_.data.ood) same_shape(ood);
}

}  // namespace assay::plan
