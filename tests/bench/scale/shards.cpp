#include "tests/bench/scale/shards.hpp"

#include <fmt/format.h>

#include "harness/base/hash.hpp"
#include "harness/record/shard.hpp"
#include "results/store/sqlite.hpp"
#include "results/store/store.hpp"
#include "tests/bench/scale/clock.hpp"
#include "tests/bench/scale/columns.hpp"

namespace scale {
namespace {

using assay::Json;
using assay::Node;
using assay::Plan;
using assay::sha256;

constexpr int samples = 256, methods = 40;

assay::Column column(const std::string& quantity, const std::string& condition, const StoredColumn& values) {
  assay::Column out{quantity, condition, "", "sample", "judged", {}, values.values};
  for (int i = 0; i < samples; ++i) out.ids.push_back(3 + 10 * i);
  return out;
}

Json score(const std::string& quantity, const std::string& condition, double value) {
  return Json::object({{"type", "score"}, {"quantity", quantity}, {"condition", condition}, {"value", value}, {"n", samples},
                       {"grade", "judged"}});
}

Node node(int i) {
  Node out;
  out.method = out.plugin_id = fmt::format("attack-{:02}", i % methods);
  out.plugin_version = "1.0.0";
  out.plugin_sha256 = sha256(out.plugin_id);
  out.params = Json::object({{"steps", 10}});
  out.subject = "net";
  out.axes = Json::object({{"subject", "net"}});
  out.seeds.values = {{"method", i / methods}, {"subject", i / methods}};
  out.numerics.isa = "avx512_core";
  out.numerics.dnnl = "2.6.3";
  out.identity = Json::object({{"method", out.method}, {"seed", i / methods}, {"of", "the import measurement"}});
  out.key = sha256(out.identity.dump());
  out.judgement = sha256("judge 1");
  out.label = fmt::format("{} on net, seed {}", out.method, i / methods);
  out.stages.resize(2);
  out.stages[0].stage = "run";
  out.stages[0].plugin = true;
  out.stages[1].stage = "judge";
  return out;
}

Plan plan_of(int cells) {
  Plan plan;
  plan.suite = "import-measurement";
  plan.task = "attack";
  plan.file = "suites/import-measurement.toml";
  plan.suite_sha256 = sha256(plan.file);
  plan.protocol = Json::object({{"task", "attack"}, {"of", "the import measurement"}});
  plan.protocol_hash = sha256(plan.protocol.dump());
  plan.series = "series-import";
  plan.rank_by = "robust_accuracy";
  plan.rank = "method";
  plan.condition = "eps=1/10";
  for (int i = 0; i < cells; ++i) plan.nodes.push_back(node(i));
  return plan;
}

std::string shard_of(const std::filesystem::path& folder, int cell, const char* stage) {
  return (folder / fmt::format("{:03}", cell / 500) / fmt::format("{:06}.{}", cell, stage)).string();
}

assay::Finished finished(const Node& node, const std::filesystem::path& folder, int cell) {
  assay::Finished out;
  out.node = &node;
  out.status = "ok";
  out.host = Json::object({{"machine", "m-0123"}, {"build", "b-4567"}, {"cpu", "a CPU"}, {"isa", "avx512_core"}});
  out.input_digests = {{"data", sha256("data")}, {"model:net", sha256("model")}, {"run", sha256("run")}};
  for (const char* stage : {"run", "judge"}) {
    assay::StageResult result;
    result.stage = stage;
    result.status = "ok";
    result.wall_seconds = 1.25;
    result.cpu_seconds = 1;
    result.peak_rss_bytes = 100 << 20;
    result.shard = shard_of(folder, cell, stage);
    result.log_tail = "[info] 256 inputs in 4 batches\n";
    out.stages.push_back(std::move(result));
  }
  return out;
}

std::int64_t rows(const assay::store::Connection& db) {
  std::int64_t sum = 0;
  for (const char* table : {"attempt", "stage", "verdict", "outcome", "score", "trace", "artifact", "edge"})
    sum += db.number(std::string("SELECT count(*) FROM ") + table);
  return sum;
}

std::int64_t rows(const std::filesystem::path& database) {
  const assay::store::Connection db(database, assay::store::Connection::Mode::read, 1000);
  return rows(db);
}

}  // namespace

void write_shards(const std::filesystem::path& folder, int cells) {
  Columns columns(samples);
  for (int i = 0; i < cells; ++i) {
    assay::ShardWriter run(shard_of(folder, i, "run"));
    run.append(Json::object({{"type", "begin"}, {"stage", "run"}, {"attempt", 1}}));
    for (int step = 0; step < 2; ++step)
      run.append(Json::object({{"type", "trace"}, {"name", "loss"}, {"step", step}, {"value", 1.0 / (1 + step)}}));
    run.append(Json::object({{"type", "counters"}, {"forward", 20480}, {"backward", 10240}, {"macs", 123456789 + i}}));
    run.append(Json::object({{"type", "end"}, {"status", "ok"}, {"reason", ""}}));

    const StoredColumn& correct = columns.share(92, i % Columns::variants);
    const StoredColumn& weak = columns.share(20 + 2 * (i % 30), i % Columns::variants);
    const StoredColumn& strong = columns.share(10 + i % 30, i % Columns::variants);
    assay::ShardWriter judge(shard_of(folder, i, "judge"));
    judge.append(Json::object({{"type", "begin"}, {"stage", "judge"}, {"attempt", 1}}));
    judge.append(column_event(column("correct", "clean", correct)));
    judge.append(column_event(column("robust", "eps=1/20", weak)));
    judge.append(column_event(column("robust", "eps=1/10", strong)));
    judge.append(score("accuracy", "clean", correct.mean));
    judge.append(score("robust_accuracy", "eps=1/20", weak.mean));
    judge.append(score("robust_accuracy", "eps=1/10", strong.mean));
    judge.append(score("attack_success_rate", "eps=1/20", 1 - weak.mean));
    judge.append(score("attack_success_rate", "eps=1/10", 1 - strong.mean));
    judge.append(Json::object({{"type", "end"}, {"status", "ok"}, {"reason", ""}}));
  }
}

Json import_shards(const std::filesystem::path& database, const std::filesystem::path& folder, int cells, int together) {
  const Plan plan = plan_of(cells);
  auto db = assay::store::Store::open(database);
  db.record_plan(plan);
  const std::int64_t before = rows(database);
  const Stopwatch watch;
  for (int first = 0; first < cells; first += together) {
    assay::store::Store::Batch batch(db);
    for (int i = first; i < std::min(cells, first + together); ++i)
      db.import(plan, finished(plan.nodes[static_cast<std::size_t>(i)], folder, i));
    batch.commit();
  }
  Json out = watch.json();
  out["shards"] = 2 * cells;
  out["records"] = rows(database) - before;
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
    if (file.is_regular_file()) bytes += file.file_size();
  out["bytes"] = static_cast<std::int64_t>(bytes);
  return out;
}

}  // namespace scale
