#include "harness/sched/slurm_profile.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/base/toml.hpp"

namespace assay::sched {
namespace {

[[noreturn]] void refuse(const Place& place, const std::string& what) { throw Error(Fault::bad_input, place.str() + ": " + what); }

void expect_kind(const std::string& key, const Toml& value, Toml::Kind kind) {
  if (value.kind != kind)
    refuse(value.place, fmt::format("'{}' must be {}, not {}", key, Toml::kind_name(kind), Toml::kind_name(value.kind)));
}

std::vector<std::string> strings(const std::string& key, const Toml& value) {
  expect_kind(key, value, Toml::Kind::array);
  std::vector<std::string> list;
  for (const Toml& item : value.items) {
    expect_kind(key, item, Toml::Kind::string);
    list.push_back(item.string);
  }
  return list;
}

int whole(const std::string& key, const Toml& value, int least) {
  expect_kind(key, value, Toml::Kind::integer);
  if (value.integer < least || value.integer > 10000000)
    refuse(value.place, fmt::format("'{}' must be between {} and 10000000, not {}", key, least, value.integer));
  return static_cast<int>(value.integer);
}

double seconds(const std::string& key, const Toml& value) {
  if (value.kind == Toml::Kind::integer) return whole(key, value, 0);
  expect_kind(key, value, Toml::Kind::real);
  if (!(value.real >= 0)) refuse(value.place, fmt::format("'{}' must be at least 0", key));
  return value.real;
}

const std::vector<std::string> known_keys = {"partition", "account",   "qos",       "constraint",   "modules",      "setup",
                                             "sbatch",    "max_tasks", "max_array", "poll_seconds", "slack_seconds"};

}  // namespace

bool SlurmProfile::exclusive() const { return std::find(sbatch.begin(), sbatch.end(), "--exclusive") != sbatch.end(); }

SlurmProfile SlurmProfile::load(const std::filesystem::path& file) {
  SlurmProfile profile;
  const std::vector<std::pair<std::string, std::string*>> texts = {
      {"partition", &profile.partition}, {"account", &profile.account}, {"qos", &profile.qos}, {"constraint", &profile.constraint}};
  const std::vector<std::pair<std::string, std::vector<std::string>*>> lists = {
      {"modules", &profile.modules}, {"setup", &profile.setup}, {"sbatch", &profile.sbatch}};
  for (const auto& [key, value] : load_toml(file).entries) {
    for (const auto& [name, to] : texts) {
      if (name != key) continue;
      expect_kind(key, value, Toml::Kind::string);
      *to = value.string;
    }
    for (const auto& [name, to] : lists)
      if (name == key) *to = strings(key, value);
    if (key == "max_tasks") profile.max_tasks = whole(key, value, 1);
    if (key == "max_array") profile.max_array = whole(key, value, 0);
    if (key == "poll_seconds") profile.poll_seconds = seconds(key, value);
    if (key == "slack_seconds") profile.slack_seconds = seconds(key, value);
    if (std::find(known_keys.begin(), known_keys.end(), key) == known_keys.end())
      refuse(value.key_place, "unknown key '" + key + "' of a Slurm profile" + suggestion(key, known_keys));
  }
  return profile;
}

}  // namespace assay::sched
