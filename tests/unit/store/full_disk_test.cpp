// A disk that fills up at every write in turn: what was there stays, nothing half written is left, and when there is space
// again the same call works.
#include <doctest/doctest.h>

#include <algorithm>

#include "faulty_disk.hpp"
#include "harness/base/error.hpp"
#include "results/store/store.hpp"
#include "store_text.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;

namespace {

constexpr int more_than_enough = 400;  // writes of one call

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

void fill_during_imports(const OpenOptions& options) {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  constexpr int cells = 240;
  for (int i = 0; i < cells; ++i) plan.nodes.push_back(make_cell({"pgd", i}));
  std::vector<Finished> records;
  for (const Node& node : plan.nodes)
    records.push_back(bench.ok(node, {column_event(column("robust", "eps=1/10", {1, 0, 0.5})), score("robust_accuracy", "eps=1/10", 0.5)}));
  faulty::Disk disk(bench.path());
  Store db = Store::open(bench.path() / "x.db", options);
  db.record_plan(plan);
  int refused = 0;
  for (const Finished& record : records) {
    disk.fill_after(refused);
    const std::string message = message_of([&] { db.import(plan, record); });
    const bool full = disk.met_full();
    disk.free_space();
    CAPTURE(refused);
    if (!full) break;
    ++refused;
    REQUIRE(message.find("disk full (") != std::string::npos);
    REQUIRE(message.find(" bytes are free in " + bench.path().string()) != std::string::npos);
    REQUIRE(db.attempts(db.find(record.node->key)->id).empty());
    REQUIRE(db.import(plan, record).added);
  }
  CHECK(refused > 3);
  CHECK(refused < cells);
  CHECK(db.problems() == std::vector<std::string>{});
  for (const Finished& record : records) db.import(plan, record);
  CHECK(db.leaderboard(plan.protocol_hash).at(0).done == cells);
}

}  // namespace

TEST_CASE("a disk that is full at any write leaves the old content of an atomically written file") {
  const TempDir place;
  const fs::path file = place.path() / "file";
  write_atomic(file, "old");
  faulty::Disk disk(place.path());
  for (int writes = 0; writes < more_than_enough; ++writes) {
    disk.fill_after(writes);
    const std::string message = message_of([&] { write_atomic(file, "content"); });
    disk.free_space();
    if (message.empty()) break;
    CHECK(message == "cannot write " + file.string() + ": No space left on device");
    CHECK(read_text(file) == "old");
    CHECK(names_in(place.path()) == std::vector<std::string>{"file"});
  }
  CHECK(read_text(file) == "content");
  disk.fill_after(0);
  CHECK(message_of([&] { write_atomic(place.path() / "new" / "file", "x"); }).find("No space left") != std::string::npos);
}

TEST_CASE("a disk that is full at any write of a shard leaves whole events, and the writer goes on") {
  const TempDir place;
  const Event large{Json::object({{"type", "batch"}}), std::vector<std::byte>(5000, std::byte{7})};
  faulty::Disk disk(place.path());
  int failed = 0;
  for (int writes = 0; writes < 6; ++writes) {
    const fs::path file = place.path() / ("shard" + std::to_string(writes));
    disk.fill_after(writes);
    const std::string message = message_of([&] {
      ShardWriter writer(file);
      for (int i = 0; i < 3; ++i) writer.append(large);
    });
    const bool full = disk.met_full();
    disk.free_space();
    CHECK(full == !message.empty());
    failed += full;
    if (full) CHECK(message.find("No space left on device") != std::string::npos);
    { ShardWriter(file).append(Json::object({{"type", "end"}})); }
    const ShardContent content = read_shard(file);
    CHECK_FALSE(content.torn);
    // One write begins the file, each event is one.
    CHECK(content.events.size() == static_cast<std::size_t>(std::clamp(writes - 1, 0, 3)) + 1);
  }
  CHECK(failed == 4);
}

TEST_CASE("a disk that is full at any write of an import leaves it out as a whole, and it goes in later") {
  SUBCASE("write-ahead log") { fill_during_imports({}); }
  SUBCASE("rollback journal") {
    OpenOptions network;
    network.network = true;
    fill_during_imports(network);
  }
}
