#include "tests/bench/scale/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/descriptor.hpp"
#include "harness/record/job.hpp"
#include "results/store/sqlite.hpp"
#include "results/store/store.hpp"
#include "tests/bench/scale/columns.hpp"

namespace scale {
namespace {

using assay::Json;
using assay::sha256;
using assay::store::Connection;
using assay::store::Statement;

constexpr int seeds = 5;
constexpr int methods_of_first = 40;  // the largest board
constexpr int subjects_of_rest = 3;

struct Task {
  const char *name, *role, *rank_by, *condition;
};
constexpr Task tasks[] = {{"attack", "attack", "robust_accuracy", "eps=1/10"},
                          {"detect", "detector", "auroc", "far:mnist"},
                          {"predict", "ensemble", "nll", "test"}};
// Of ten suites six are of attacks, two of detectors, two of ensembles.
const Task& task_of(int suite) { return tasks[suite % 10 < 6 ? 0 : suite % 10 < 8 ? 1 : 2]; }

struct SuiteShape {
  int methods = 0, subjects = 0;
  std::int64_t cells() const { return std::int64_t{methods} * subjects * seeds; }
};

std::vector<SuiteShape> suite_shapes(const Shape& shape) {
  const std::int64_t rest = std::max<std::int64_t>(1, shape.suites - 1);
  const int methods = std::max(2, static_cast<int>(shape.shown * 9 / 10 / rest / (subjects_of_rest * seeds)));
  std::vector<SuiteShape> out(static_cast<std::size_t>(shape.suites), SuiteShape{methods, subjects_of_rest});
  const std::int64_t left = shape.shown - (shape.suites - 1) * out[0].cells();
  const std::int64_t each = methods_of_first * seeds;
  out[0] = {methods_of_first, static_cast<int>(std::max<std::int64_t>(1, (left + each - 1) / each))};
  return out;
}

// A number below `n` that is always the same for the same place.
int pick(std::int64_t place, int n) {
  auto x = static_cast<std::uint64_t>(place) + 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return static_cast<int>((x ^ (x >> 31)) % static_cast<std::uint64_t>(n));
}

struct Cell {
  const Task& task;
  std::string protocol;
  int suite, build, method, subject, seed;
};

class Generator {
 public:
  Generator(const Connection& db, const Shape& shape) : db_(db), shape_(shape), columns_(shape.samples) {}

  Made run() {
    const auto shapes = suite_shapes(shape_);
    Made made;
    for (const SuiteShape& one : shapes) made.shown += one.cells();
    made.builds = std::max<std::int64_t>(1, (shape_.cells + made.shown - 1) / made.shown);
    db_.run("BEGIN");  // one transaction: every page is written once, out of a cache that holds them all
    for (int build = 0; build < made.builds; ++build)
      for (int s = 0; s < shape_.suites; ++s) made.cells += suite(s, build, shapes[static_cast<std::size_t>(s)]);
    db_.run("COMMIT");
    return made;
  }

 private:
  std::int64_t suite(int suite, int build, const SuiteShape& shape);
  std::int64_t plan(int suite, int build, const std::string& protocol);
  std::int64_t plugin(const Task& task, int method, int build);
  void cell(const Cell& cell, std::int64_t plan);
  std::int64_t attempt(const Cell& cell, std::int64_t row, const std::string& generation, const std::string& status);
  void stages(std::int64_t attempt, std::int64_t place, const std::string& status);
  void outcomes(const Cell& cell, std::int64_t attempt, std::int64_t place);
  void column(std::int64_t attempt, const char* condition, const char* quantity, const StoredColumn& column);
  void score(std::int64_t attempt, const char* condition, const char* quantity, double value, const std::string& extra = "{}");

  const Connection& db_;
  const Shape& shape_;
  Columns columns_;
  std::map<std::pair<std::string, int>, std::int64_t> plugins_;  // of the build being written, by task and method
  int plugins_of_ = -1;
  const std::string numerics_ = [] {
    assay::Numerics n;
    n.isa = "avx512_core";
    n.dnnl = "2.6.3";
    return n.str();
  }();
  const std::string judgement_ = sha256("judge 1");
  const std::int64_t list_ = [this] {
    Statement known = db_.prepare("SELECT id FROM sample_list WHERE ids_z = ?1");
    if (known.bind(columns_.ids()).step()) return known.integer(0);
    db_.prepare("INSERT INTO sample_list(ids_z) VALUES (?1)").run(columns_.ids());
    return db_.last_id();
  }();

  Statement suite_ = db_.prepare("INSERT OR IGNORE INTO suite(name, task) VALUES (?1, ?2)");
  Statement plan_ = db_.prepare("INSERT INTO plan VALUES (NULL, ?1, (SELECT id FROM suite WHERE name = ?2), ?3, ?4, 1, ?5, ?6, ?7,"
                                " 'method', ?8, '{}', 1.0, 'exclude', ?9)");
  Statement plugin_ = db_.prepare("INSERT INTO plugin(name, version, digest, descriptor_json) VALUES (?1, ?2, ?3, ?4)");
  Statement cell_ = db_.prepare("INSERT INTO cell VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)");
  Statement seed_ = db_.prepare("INSERT INTO cell_seed VALUES (?1, ?2, ?3)");
  Statement planned_ = db_.prepare("INSERT INTO plan_cell VALUES (?1, ?2, ?3)");
  Statement attempt_ = db_.prepare("INSERT INTO attempt VALUES (NULL, ?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'm-0123', 'b-4567', ?11,"
                                   " ?12, ?13, ?14, 20480, 10240, 123456789012, ?15, '')");
  Statement stage_ = db_.prepare("INSERT INTO stage VALUES (?1, ?2, ?3, ?4, '', 0, 0, 1.25, 1.125, 104857600, ?5, '[]', ?6)");
  Statement verdict_ = db_.prepare("INSERT INTO verdict VALUES (?1, 0, 1, 19, 'the loss of the white-box attack is flat')");
  Statement column_ = db_.prepare("INSERT INTO outcome VALUES (NULL, ?1, ?2, '', 'sample', ?3, 'judged', ?4, ?5, ?6, ?7, ?8)");
  Statement score_ = db_.prepare("INSERT INTO score VALUES (?1, ?2, '', ?3, ?4, ?5, 'judged', ?6)");
  Statement trace_ = db_.prepare("INSERT INTO trace VALUES (?1, ?2, 'loss', ?3, ?4, 'reported')");
  Statement artifact_ = db_.prepare("INSERT OR IGNORE INTO artifact VALUES (?1, 123456)");
  Statement edge_ = db_.prepare("INSERT INTO edge VALUES (?1, ?2, ?3, 0)");
  Statement certificate_ = db_.prepare("INSERT INTO certificate VALUES (?1, ?2, ?3, ?4, 1, 1.0, '', ?5)");
};

std::int64_t Generator::plan(int suite, int build, const std::string& protocol) {
  const Task& task = task_of(suite);
  const std::string name = fmt::format("{}-{:03}", task.name, suite);
  suite_.run(name, task.name);
  const std::string file = "suites/" + name + ".toml";
  plan_.run(sha256(fmt::format("plan {} {}", suite, build)), name, protocol, "series-" + name, file, sha256(file), task.rank_by,
            task.condition, std::int64_t{build} * shape_.suites + suite + 1);
  return db_.last_id();
}

// The plugin of this build, certified by a node of its own.
std::int64_t Generator::plugin(const Task& task, int method, int build) {
  if (plugins_of_ != build) plugins_.clear();
  plugins_of_ = build;
  auto& row = plugins_[{task.name, method}];
  if (row != 0) return row;
  assay::Descriptor card;
  card.id = fmt::format("{}-{:02}", task.role, method);
  card.version = fmt::format("1.{}.0", build);
  card.summary = "a method of the scale measurement";
  card.title = "A paper about it";
  card.year = 2021;
  card.roles = {task.role};
  card.params = {{"steps", "gradient steps", "", "int", 10, 1, 10000, {}, true, {}},
                 {"step_size", "length of a step, in units of the radius", "", "real", 0.25, 0, 10, {}, true, {}}};
  const std::string digest = sha256(card.id + card.version);
  plugin_.run(card.id, card.version, digest, card.to_json().dump());
  row = db_.last_id();
  const std::string generation = sha256("certify " + digest);
  cell_.run(generation, "certify", "certify " + card.id, row, card.id, "{}", "", "{}", "{}", "{}", numerics_);
  const Cell place{task, sha256(fmt::format("protocol {}", 0)), 0, build, method, 0, 0};
  const std::int64_t attempt = this->attempt(place, db_.last_id(), generation, "ok");
  for (const char* check : {"planted_answer", "constraints", "determinism"})
    certificate_.run(digest, card.id, task.role, check, attempt);
  return row;
}

std::int64_t Generator::suite(int suite, int build, const SuiteShape& shape) {
  const Task& task = task_of(suite);
  const std::string protocol = sha256(fmt::format("protocol {}", suite));
  if (build == 0) {
    const Json json = Json::object({{"task", task.name}, {"data", Json::object({{"test", sha256("test set")}})}, {"suite", suite}});
    db_.prepare("INSERT INTO protocol VALUES (?1, ?2, ?3)").run(protocol, task.name, json.dump());
  }
  const std::int64_t plan = this->plan(suite, build, protocol);
  for (int method = 0; method < shape.methods; ++method)
    for (int subject = 0; subject < shape.subjects; ++subject)
      for (int seed = 0; seed < seeds; ++seed) cell({task, protocol, suite, build, method, subject, seed}, plan);
  return shape.cells();
}

void Generator::cell(const Cell& c, std::int64_t plan) {
  const std::int64_t plugin = this->plugin(c.task, c.method, c.build);
  const std::string method = fmt::format("{}-{:02}", c.task.role, c.method), subject = fmt::format("net-{}", c.subject);
  const std::string place = fmt::format("{} {} {} {} {}", c.suite, c.build, c.method, c.subject, c.seed);
  const std::string params = fmt::format(R"({{"step_size":0.25,"steps":{}}})", 10 + c.method);
  const std::string data = sha256(fmt::format("data {}", c.suite)), model = sha256(fmt::format("model {} {}", c.subject, c.seed));
  const std::string identity = fmt::format(
      R"({{"axes":{{"subject":"{0}"}},"data":{{"test":"{1}"}},"method":{{"id":"{2}","params":{3},"plugin":"{4}"}},"numerics":)"
      R"("{5}","seed":{6},"subjects":{{"{0}":"{7}"}},"threat":{{"eps":["1/20","1/10"],"norm":"linf"}},"build":{8}}})",
      subject, data, method, params, sha256(method), numerics_, c.seed, model, c.build);
  const std::string generation = sha256(place);
  cell_.run(generation, "cell", fmt::format("{} on {}, seed {}", method, subject, c.seed), plugin, method, params, subject,
            fmt::format(R"({{"subject":"{}"}})", subject), fmt::format(R"({{"method":{0},"subject":{0}}})", c.seed), identity,
            numerics_);
  const std::int64_t row = db_.last_id();
  for (const char* name : {"method", "subject"}) seed_.run(row, name, c.seed);
  planned_.run(plan, row, judgement_);
  const bool failed = pick(row, 100) == 0;
  const std::int64_t attempt = this->attempt(c, row, generation, failed ? "crashed" : "ok");
  stages(attempt, row, failed ? "crashed" : "ok");
  for (const auto& [name, digest] : {std::pair{"data", data}, {"model:net", model}}) {
    artifact_.run(digest);
    edge_.run(attempt, digest, name);
  }
  if (!failed) outcomes(c, attempt, row);
}

std::int64_t Generator::attempt(const Cell& c, std::int64_t row, const std::string& generation, const std::string& status) {
  const bool ok = status == "ok";
  const bool suspect = ok && pick(row, 50) == 1;
  static const std::string host = Json::object({{"machine", "m-0123"}, {"build", "b-4567"}, {"cpu", "a CPU of this year"},
                                                {"isa", "avx512_core"}, {"os", "Linux 6.1"}, {"memory", 68719476736},
                                                {"sandbox", "bwrap"}, {"load", 0.25}, {"shared", false}}).dump();
  attempt_.run(row, sha256("shards of " + generation), c.protocol, judgement_, status, ok ? "" : "ended by signal 11", suspect ? 1 : 0,
               numerics_, sha256("data"), sha256("model"), host, 1.5 + 0.01 * pick(row, 100), 1.25 + 0.1 * c.method, 104857600,
               R"({"backward":10240,"forward":20480,"macs":123456789012})");
  const std::int64_t attempt = db_.last_id();
  if (suspect) verdict_.run(attempt);
  return attempt;
}

void Generator::stages(std::int64_t attempt, std::int64_t place, const std::string& status) {
  const std::string log = fmt::format("[info] cell {}: 256 inputs in 4 batches\n[info] batch 4 of 4, 1.2 s\n{}", place,
                                      status == "ok" ? "" : "Segmentation fault in step()\n");
  stage_.run(attempt, 0, "run", status, sha256(log), log);
  if (status == "ok") stage_.run(attempt, 1, "judge", status, sha256(log + "judge"), "");
}

void Generator::column(std::int64_t attempt, const char* condition, const char* quantity, const StoredColumn& column) {
  column_.run(attempt, condition, quantity, shape_.samples, column.mean, column.sha256, list_, column.values_z);
}

void Generator::score(std::int64_t attempt, const char* condition, const char* quantity, double value, const std::string& extra) {
  score_.run(attempt, condition, quantity, value, shape_.samples, extra);
}

void Generator::outcomes(const Cell& c, std::int64_t attempt, std::int64_t place) {
  const int variant = pick(place, Columns::variants), wobble = pick(place * 3 + 1, 3);
  const StoredColumn& correct = columns_.share(88 + c.subject % 8, variant);
  for (int step = 0; step < 2; ++step) trace_.run(attempt, step, step, 1.0 / (1 + step));
  if (std::string(c.task.name) == "attack") {
    column(attempt, "clean", "correct", correct);
    score(attempt, "clean", "accuracy", correct.mean);
    for (const auto& [condition, part] : {std::pair{"eps=1/20", 2}, {"eps=1/10", 1}}) {
      const StoredColumn& robust = columns_.share((10 + c.method + 2 * (c.subject % 8)) * part % 88 + wobble, variant);
      column(attempt, condition, "robust", robust);
      score(attempt, condition, "robust_accuracy", robust.mean);
      const double rate = 1 - robust.mean / correct.mean;
      score(attempt, condition, "attack_success_rate", rate,
            fmt::format(R"({{"denominator":{},"mode":"correct","numerator":{}}})", shape_.samples, rate * shape_.samples));
    }
  } else if (std::string(c.task.name) == "detect") {
    const int shift = 40 + 3 * c.method + 10 * (c.subject % 8) + wobble;
    column(attempt, "id", "score", columns_.normal(0, variant));
    column(attempt, "far:mnist", "score", columns_.normal(shift, variant));
    score(attempt, "id", "accuracy", correct.mean);
    score(attempt, "far:mnist", "auroc", columns_.auroc(shift, variant, variant));
    score(attempt, "far:mnist", "fpr_at_95", 0.5);
  } else {
    const StoredColumn& nll = columns_.exponential(30 + 2 * c.method + wobble, variant);
    column(attempt, "test", "correct", correct);
    column(attempt, "test", "nll", nll);
    score(attempt, "test", "accuracy", correct.mean);
    score(attempt, "test", "nll", nll.mean);
  }
}

}  // namespace

Made generate(const std::filesystem::path& file, const Shape& shape) {
  if (std::filesystem::exists(file)) assay::bad_input(file.string() + ": exists already");
  if (shape.suites < 1 || shape.cells < 1 || shape.shown < 1 || shape.samples < 20)
    assay::bad_input("scale: expected at least one suite, one cell and 20 samples");
  { const auto schema = assay::store::Store::open(file); }
  const Connection db(file, Connection::Mode::write, 1000);
  db.run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -6000000; PRAGMA locking_mode = EXCLUSIVE");
  const Made made = Generator(db, shape).run();
  db.run("PRAGMA journal_mode = WAL");
  return made;
}

}  // namespace scale
