// Power cuts: behind every call that a script makes to the disk, what is then on it is opened again, and nothing that the
// script was promised is missing. No cut is chosen by hand: there is one behind each call.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <functional>
#include <set>

#include "faulty_disk.hpp"
#include "harness/base/disk_calls.hpp"
#include "harness/base/error.hpp"
#include "results/store/store.hpp"
#include "store_text.hpp"
#include "synthetic.hpp"

using namespace assay;
using namespace assay::store;
using namespace synthetic;
using faulty::Survives;

namespace {

std::vector<faulty::Cut> cuts_of(const fs::path& folder, const std::function<void(faulty::Disk&)>& script) {
  faulty::Disk disk(folder);
  script(disk);
  return disk.take_cuts();
}

std::size_t hash_of(const faulty::Files& files, int promise) {
  std::string all = std::to_string(promise);
  for (const auto& [name, content] : files) all += "\n" + name + "\n" + std::to_string(content.size()) + "\n" + content;
  return std::hash<std::string>()(all);
}

// Calls check(folder, promise) for what each cut may leave, the same picture once; `draws` pictures a cut where chance
// says what survives. Gives how many pictures there were.
std::size_t for_each_cut(const std::vector<faulty::Cut>& cuts, unsigned draws,
                         const std::function<void(const fs::path&, int)>& check) {
  const TempDir place("assay-cut", scratch_parent());
  std::set<std::size_t> seen;
  const auto look = [&](const faulty::Cut& cut, Survives what, unsigned seed) {
    const faulty::Files files = faulty::surviving(cut, what, seed);
    if (!seen.insert(hash_of(files, cut.promise)).second) return;
    CAPTURE(cut.after);
    CAPTURE(static_cast<int>(what));
    CAPTURE(seed);
    CAPTURE(cut.promise);
    faulty::put_files(files, place.path() / "disk");
    check(place.path() / "disk", cut.promise);
  };
  unsigned seed = 0;
  for (const faulty::Cut& cut : cuts) {
    look(cut, Survives::nothing, 0);
    look(cut, Survives::names, 0);
    for (unsigned draw = 0; draw < draws; ++draw) look(cut, Survives::some, ++seed);
  }
  return seen.size();
}

// Bytes that nobody synced, under a name that nobody synced.
void write_carelessly(const fs::path& file, const std::string& content) {
  const int fd = disk_calls().open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  REQUIRE(fd >= 0);
  REQUIRE(disk_calls().write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  ::close(fd);
}

std::string pattern(int i) { return std::string(1500 + static_cast<std::size_t>(i), static_cast<char>('a' + i)); }

Event batch(int i) {
  return {Json::object({{"type", "batch"}, {"index", i}}), std::vector<std::byte>(1300, static_cast<std::byte>(i + 1))};
}

bool whole(const fs::path& shard) {
  if (!fs::exists(shard)) return false;
  const ShardContent content = read_shard(shard);
  return !content.events.empty() && content.events.back().type() == "end";
}

constexpr int cells = 3;

// A plan, and the records of its cells with shards that lie where the test wants them.
struct Cells {
  Bench bench;
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  std::vector<Finished> records;

  Cells() {
    for (int i = 0; i < cells; ++i) plan.nodes.push_back(make_cell({"pgd", i}));
    for (int i = 0; i < cells; ++i)
      records.push_back(bench.ok(plan.nodes[static_cast<std::size_t>(i)],
                                 {column_event(column("robust", "eps=1/10", std::vector<double>(300, i / 8.0))),
                                  score("robust_accuracy", "eps=1/10", i / 8.0)}));
  }
  // Written unless they are there already.
  Finished record(int i, const fs::path& work, bool write) const {
    Finished f = records[static_cast<std::size_t>(i)];
    for (StageResult& stage : f.stages) {
      const fs::path shard = work / ("cell" + std::to_string(i)) / stage.stage;
      if (write) copy_shard(stage.shard, shard);
      stage.shard = shard.string();
    }
    return f;
  }
  static void copy_shard(const fs::path& from, const fs::path& to) {
    fs::remove(to);
    ShardWriter writer(to);
    for (const Event& event : read_shard(from).events) writer.append(event);
    writer.sync();
  }
};

// What a supervisor does: the shards of a cell, its import, and only then the shards away. Promise 2i+1: the shards of
// cell i are synced; 2i+2: its import has returned.
void run_cells(const Cells& w, const fs::path& folder, const OpenOptions& options, faulty::Disk& disk) {
  Store db = Store::open(folder / "x.db", options);
  db.record_plan(w.plan);
  for (int i = 0; i < cells; ++i) {
    const Finished f = w.record(i, folder / "work", true);
    disk.promise(2 * i + 1);
    db.import(w.plan, f);
    disk.promise(2 * i + 2);
    for (const StageResult& stage : f.stages) disk_calls().unlink(stage.shard.c_str());
  }
}

// As the supervisor that comes after: shards that are there are imported, known or not; a cell without them runs again.
void go_on(const Cells& w, const fs::path& folder, const OpenOptions& options, int promise) {
  Store db = Store::open(folder / "x.db", options);
  REQUIRE(db.problems() == std::vector<std::string>{});
  db.record_plan(w.plan);
  for (int i = 0; i < cells; ++i) {
    const auto cell = db.find(w.plan.nodes[static_cast<std::size_t>(i)].key);
    const bool stored = cell && !db.attempts(cell->id).empty();
    const fs::path shards = folder / "work" / ("cell" + std::to_string(i));
    const bool there = whole(shards / "run") && whole(shards / "judge");
    if (promise >= 2 * i + 2) REQUIRE_MESSAGE(stored, "cell " << i << " was committed and is not there");
    if (promise >= 2 * i + 1) REQUIRE_MESSAGE((stored || there), "cell " << i << " is neither in the database nor on the disk");
    if (!stored || there) db.import(w.plan, w.record(i, folder / "work", !there));
  }
}

void cut_everywhere(const OpenOptions& options, unsigned draws) {
  const Cells w;
  const TempDir place("assay-disk", scratch_parent());
  const auto cuts = cuts_of(place.path(), [&](faulty::Disk& disk) { run_cells(w, place.path(), options, disk); });
  REQUIRE(cuts.size() > 100);
  const std::string expected = text_of_database(place.path() / "x.db");
  const std::size_t pictures = for_each_cut(cuts, draws, [&](const fs::path& folder, int promise) {
    go_on(w, folder, options, promise);
    REQUIRE(text_of_database(folder / "x.db") == expected);
  });
  MESSAGE(cuts.size() << " cuts, " << pictures << " pictures of the disk");
}

}  // namespace

TEST_CASE("a power cut behind any call of an import loses nothing: write-ahead log") { cut_everywhere({}, 1); }

TEST_CASE("a power cut behind any call of an import loses nothing: rollback journal of network file systems") {
  OpenOptions network;
  network.network = true;
  cut_everywhere(network, 1);
}

TEST_CASE("a power cut leaves an atomically written file whole, and new folders that it was told of") {
  const TempDir place("assay-disk", scratch_parent());
  const auto cuts = cuts_of(place.path(), [&](faulty::Disk& disk) {
    for (int i = 0; i < 3; ++i) {
      write_atomic(place.path() / "deep" / "er" / "file", pattern(i));
      disk.promise(i + 1);
    }
  });
  const std::size_t pictures = for_each_cut(cuts, 8, [](const fs::path& folder, int promise) {
    const fs::path file = folder / "deep" / "er" / "file";
    if (!fs::exists(file)) {
      REQUIRE(promise == 0);
      return;
    }
    const std::string content = read_text(file);
    REQUIRE((content == pattern(promise) || (promise > 0 && content == pattern(promise - 1))));
  });
  MESSAGE(cuts.size() << " cuts, " << pictures << " pictures of the disk");
  CHECK(pictures > 10);
}

TEST_CASE("a power cut leaves every event of a shard that was synced, and the writer goes on behind it") {
  const TempDir place("assay-disk", scratch_parent());
  const auto cuts = cuts_of(place.path(), [&](faulty::Disk& disk) {
    ShardWriter writer(place.path() / "cell" / "run" / "shard");
    for (int i = 0; i < 6; ++i) {
      writer.append(batch(i));
      if (i % 2 == 0) continue;
      writer.sync();
      disk.promise(i + 1);
    }
  });
  const std::size_t pictures = for_each_cut(cuts, 16, [](const fs::path& folder, int promise) {
    const fs::path file = folder / "cell" / "run" / "shard";
    if (promise > 0) REQUIRE(fs::exists(file));
    { ShardWriter(file).append(Json::object({{"type", "end"}})); }
    const ShardContent content = read_shard(file);
    REQUIRE_FALSE(content.torn);
    const int kept = static_cast<int>(content.events.size()) - 1;
    REQUIRE(kept >= promise);
    for (int i = 0; i < kept; ++i) {
      REQUIRE(content.events[static_cast<std::size_t>(i)].json == batch(i).json);
      REQUIRE(content.events[static_cast<std::size_t>(i)].blob == batch(i).blob);
    }
    REQUIRE(content.events.back().type() == "end");
  });
  MESSAGE(cuts.size() << " cuts, " << pictures << " pictures of the disk");
  CHECK(pictures > 20);
}

TEST_CASE("a power cut leaves a published folder whole or absent") {
  const TempDir place("assay-disk", scratch_parent());
  const auto cuts = cuts_of(place.path(), [&](faulty::Disk& disk) {
    disk_calls().mkdir((place.path() / "staging").c_str(), 0777);
    disk_calls().mkdir((place.path() / "staging" / "sub").c_str(), 0777);
    write_carelessly(place.path() / "staging" / "model", pattern(1));
    write_carelessly(place.path() / "staging" / "sub" / "shard", pattern(2));
    REQUIRE(publish_folder(place.path() / "staging", place.path() / "cache" / "model" / "key"));
    disk.promise(1);
    write_carelessly(place.path() / "later", "x");
  });
  const std::size_t pictures = for_each_cut(cuts, 8, [](const fs::path& folder, int promise) {
    const fs::path target = folder / "cache" / "model" / "key";
    REQUIRE((promise == 0 || fs::exists(target)));
    if (!fs::exists(target)) return;
    REQUIRE(read_text(target / "model") == pattern(1));
    REQUIRE(read_text(target / "sub" / "shard") == pattern(2));
  });
  MESSAGE(cuts.size() << " cuts, " << pictures << " pictures of the disk");
  CHECK(pictures > 10);
}
