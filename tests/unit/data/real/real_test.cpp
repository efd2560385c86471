// The real sets, where they have been fetched ($ASSAY_DATA or the default data folder): counts, published MD5s, class
// balance, and CIFAR-10 against its published statistics.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <unordered_set>

#include "harness/base/files.hpp"
#include "harness/base/subprocess.hpp"
#include "harness/data/catalog.hpp"
#include "harness/data/fetch.hpp"
#include "harness/data/load.hpp"
#include "harness/data/prepare.hpp"

using namespace assay;
using namespace assay::data;

namespace {

const Catalog& catalog() {
  static const Catalog loaded = load_catalog(fs::path(ASSAY_SOURCE_DIR) / "harness/data/catalog.toml");
  return loaded;
}

bool there(const std::string& name) {
  const bool complete = status(catalog().at(name), data_root()).complete();
  if (!complete) MESSAGE(name, " has not been fetched: not checked");
  return complete;
}

std::string md5(const fs::path& file) {
  SpawnOptions options;
  options.argv = {"/usr/bin/md5sum", file.string()};
  return run_captured(options, 60).out.substr(0, 32);
}

RecordSet load(const std::string& name, const std::string& split) {
  const CatalogEntry& entry = catalog().at(name);
  return load_split(entry, split, files_of(entry, data_root()));
}

std::vector<std::int64_t> class_counts(const RecordSet& set) {
  std::vector<std::int64_t> counts(set.classes.size(), 0);
  for (const std::int64_t label : set.labels()) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

void check_md5(const std::string& name, const std::vector<std::string>& published) {
  const CatalogEntry& entry = catalog().at(name);
  CHECK(verify(entry, data_root()).summary() == "verified");
  REQUIRE(entry.files.size() == published.size());
  for (std::size_t i = 0; i < published.size(); ++i)
    CHECK(md5(file_path(entry, entry.files[i], data_root())) == published[i]);
}

struct Moments {
  double mean = 0, deviation = 0;
};
// Of one channel, in units of the stored bytes.
Moments moments(const RecordSet& set, std::size_t channel) {
  const Field& input = set.find("input");
  const auto plane = static_cast<std::size_t>(input.type.shape[1] * input.type.shape[2]);
  const auto channels = static_cast<std::size_t>(input.type.shape[0]);
  const auto values = input.values.as_u8();
  std::uint64_t sum = 0, squares = 0;
  for (std::size_t i = channel * plane; i < values.size(); i += channels * plane)
    for (std::size_t p = 0; p < plane; ++p) {
      sum += values[i + p];
      squares += static_cast<std::uint64_t>(values[i + p]) * values[i + p];
    }
  const std::size_t per_channel = values.size() / channels;
  const auto count = static_cast<double>(per_channel);
  const double mean = static_cast<double>(sum) / count;
  return {mean, std::sqrt(static_cast<double>(squares) / count - mean * mean)};
}

std::vector<std::string> image_rows(const RecordSet& set) {
  const auto values = set.find("input").values.as_u8();
  const std::size_t width = values.size() / set.ids.size();
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < set.ids.size(); ++i)
    rows.emplace_back(reinterpret_cast<const char*>(values.data()) + i * width, width);
  return rows;
}

}  // namespace

TEST_CASE("Fashion-MNIST is the published set") {
  if (!there("fashion-mnist")) return;
  check_md5("fashion-mnist", {"f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
                              "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965"});
  CHECK(class_counts(load("fashion-mnist", "train")) == std::vector<std::int64_t>(10, 6000));
  const RecordSet test = load("fashion-mnist", "test");
  CHECK(class_counts(test) == std::vector<std::int64_t>(10, 1000));
  CHECK(class_counts(take(test, {0, 500, true})) == std::vector<std::int64_t>(10, 50));
}

TEST_CASE("MNIST is the published set") {
  if (!there("mnist")) return;
  check_md5("mnist", {"6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
                      "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"});
  const RecordSet train = load("mnist", "train");
  CHECK(train.size() == 60000);
  CHECK(load("mnist", "test").size() == 10000);
  const Moments m = moments(train, 0);  // published: 0.13066 and 0.30811 of the full range
  CHECK(m.mean / 255 == doctest::Approx(0.13066).epsilon(1e-4));
  CHECK(m.deviation / 255 == doctest::Approx(0.30811).epsilon(1e-4));
}

TEST_CASE("CIFAR-10 is the published set, whatever source it came from") {
  if (!there("cifar10")) return;
  check_md5("cifar10", {"5dd7e06a14cb22eb9f671a540d1b7c25", "5ea93a67294ea407fff1d09f752e9692",
                        "942cd6a4bcdd0dd3c604fbe906cb4421", "ae636b3ba5c66a11e91e8cb52e771fcb",
                        "53f37980c15c3d472c316c40844f3f0d", "803d5f7f4d78ea53de84dbe85f74fb6d"});
  const RecordSet train = load("cifar10", "train"), test = load("cifar10", "test");
  CHECK(class_counts(train) == std::vector<std::int64_t>(10, 5000));
  CHECK(class_counts(test) == std::vector<std::int64_t>(10, 1000));
  constexpr double means[] = {125.3069, 122.9504, 113.8654};
  for (std::size_t c = 0; c < 3; ++c) CHECK(moments(train, c).mean == doctest::Approx(means[c]).epsilon(1e-6));
  const std::vector<std::string> rows = image_rows(train);
  const std::unordered_set<std::string> distinct(rows.begin(), rows.end());
  CHECK(distinct.size() == 50000);
  int leaked = 0;
  for (const std::string& row : image_rows(test)) leaked += distinct.count(row) > 0 ? 1 : 0;
  CHECK(leaked == 0);
}

TEST_CASE("tables") {
  for (const auto& set :
       std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"digits", {1297, 500, 64}},
                                                                      {"wine", {118, 60, 13}},
                                                                      {"breast-cancer", {369, 200, 30}},
                                                                      {"iris", {100, 50, 4}}}) {
    const std::string& name = set.first;  // clang 14 refuses a captured binding
    const std::vector<std::int64_t>& sizes = set.second;
    CAPTURE(name);
    if (!there(name)) continue;
    CHECK(verify(catalog().at(name), data_root()).summary() == "verified");
    const RecordSet train = load(name, "train"), test = load(name, "test");
    CHECK(train.size() == sizes[0]);
    CHECK(test.size() == sizes[1]);
    CHECK(train.find("input").type.shape == engine::Shape{sizes[2]});
    for (const RecordSet* part : {&train, &test})
      for (const std::int64_t count : class_counts(*part)) CHECK(count > 0);
    refuse_overlap(train, test, name);
  }
}

TEST_CASE("ids of all sets are distinct") {
  std::unordered_set<std::int64_t> seen;
  std::size_t total = 0;
  for (const CatalogEntry& entry : catalog().entries)
    for (const CatalogSplit& split : entry.splits)
      for (std::int64_t i = 0; i < split.count; ++i, ++total) seen.insert(sample_id(entry.name, split.name, i));
  CHECK(seen.size() == total);
}
