// [data]: which records a suite trains, fits, tunes and tests on.
#include <limits>

#include <fmt/format.h>

#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

const std::vector<std::string> list_keys = {"set", "split", "classes", "first", "limit", "balanced", "resize"};

// Names of the catalogue's classes, which only the planner knows.
std::vector<Located<std::string>> parse_classes(const Fields& fields) {
  const Toml* value = fields.find("classes");
  if (!value) return {};
  auto out = fields.texts("classes");
  if (out.empty()) fail(value->place, fmt::format("{}: expected at least one class; leave the key out for all", fields.name("classes")));
  return out;
}

DataSpec parse_list(const Fields& fields, std::string label, const char* default_split) {
  constexpr std::int64_t max_side = 4096, max_count = std::numeric_limits<std::int64_t>::max() / 2;
  DataSpec out;
  out.label = std::move(label);
  out.place = fields.place();
  out.set = fields.need_text("set", "a data set of the catalogue ('assay list datasets' shows them)");
  out.split = fields.text("split", default_split);
  out.classes = parse_classes(fields);
  out.first = fields.integer("first", 0, {0, max_count});
  out.limit = fields.integer("limit", 0, {1, max_count});
  out.balanced = fields.flag("balanced", false);
  out.resize = fields.integer("resize", 0, {1, max_side});
  if (const Toml* written = fields.find("resize")) out.resize_place = written->place;
  return out;
}

std::vector<DataSpec> parse_ood(const Toml& list) {
  std::vector<DataSpec> out;
  if (list.kind != Toml::Kind::array)
    fail(list.place, fmt::format("data.ood: expected a list of tables, found {}", Toml::kind_name(list.kind)));
  std::vector<std::string> keys = list_keys;
  keys.insert(keys.end(), {"label", "group"});
  for (const Toml& item : list.items) {
    const Fields fields(item, "data.ood", keys);
    DataSpec data = parse_list(fields, "", "test");
    data.label = data.set.value;
    if (const Located<std::string> label = fields.text("label"); label.given()) {
      check_id(label, fields.name("label"));
      data.label = label.value;
    }
    // Rule 28: near and far are reported apart, so each list says which it is.
    fields.need("group", "\"near\" or \"far\" (rule 28)");
    data.group = fields.choice("group", {"near", "far"}, "far").value;
    for (const DataSpec& earlier : out)
      if (earlier.label == data.label)
        fail(data.place, fmt::format("data.ood: duplicate label '{}', first used at {}; expected another `label`",
                                     data.label, earlier.place.str()));
    out.push_back(std::move(data));
  }
  return out;
}

std::optional<DataSpec> parse_one(const Fields& block, const char* key, const char* split) {
  const Toml* value = block.find(key);
  if (!value) return std::nullopt;
  return parse_list(Fields(*value, block.name(key), list_keys), key, split);
}

}  // namespace

DataBlock parse_data(const Toml& root) {
  DataBlock out;
  const Toml* table = root.find("data");
  if (!table) fail(root.place, "block [data] is missing; expected at least `test`");
  const Fields fields(*table, "data", {"train", "test", "fit", "val", "ood"});
  out.place = fields.place();
  out.train = parse_one(fields, "train", "train");
  out.test = parse_one(fields, "test", "test");
  out.fit = parse_one(fields, "fit", "train");
  out.val = parse_one(fields, "val", "train");
  if (const Toml* ood = fields.find("ood")) out.ood = parse_ood(*ood);
  return out;
}

}  // namespace assay::suite
