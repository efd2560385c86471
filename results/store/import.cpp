// Importing one ended node: checked first, then written in one transaction.
#include <algorithm>
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "results/store/agreement.hpp"
#include "results/store/encoding.hpp"
#include "results/store/impl.hpp"
#include "results/store/journal.hpp"

namespace assay::store {
namespace {

// An attempt as it will be stored.
struct Draft {
  const Plan& plan;
  const Finished& finished;
  const Node& node;
  std::string digest, status, reason, data_hash, model_hash;
  std::vector<Journal> journals;   // one per stage
  const Journal* judge = nullptr;
  const Journal* clock = nullptr;  // of a timed stage, which brings outcomes too
  Journal outcome;                 // columns, scores and verdicts to store
  Level level = Level::valid;
};

bool is_judge(const StageResult& stage) { return stage.stage == "judge"; }

bool has_plugin(const Node& node, const std::string& stage) {
  for (const Stage& planned : node.stages)
    if (planned.stage == stage) return planned.plugin;
  return true;  // unknown: do not trust it
}

// The host's clock beside the judge: no plugin's code, and no cost of the method's.
bool is_clock(const Node& node, const StageResult& stage) { return stage.stage == "time" && !has_plugin(node, stage.stage); }

bool is_trusted(const Node& node, const StageResult& stage) {
  return is_judge(stage) || is_clock(node, stage) || (node.kind == NodeKind::certify && stage.stage == "certify");
}

// The digest of inputs whose role is `model` or not, by name and content; "" when there is none. What the links of a chain
// hand on is made by methods from the data, and no data.
std::string input_hash(const Finished& finished, bool model) {
  std::set<std::string> lines;
  for (const auto& [name, digest] : finished.input_digests) {
    const bool is_model = name.starts_with("model") || name == "arch";
    if (name == "run" || name == "shard" || name == "chain" || is_model != model || digest.empty()) continue;
    lines.insert(name + "=" + digest + "\n");
  }
  if (lines.empty() && model)
    for (const ManifestFile& file : finished.artifact.files)  // a trainer's or ensemble's model is its output
      if (file.name.starts_with("model")) lines.insert(file.name + "=" + file.sha256 + "\n");
  if (lines.empty()) return "";
  Sha256 hash;
  for (const std::string& line : lines) hash.update(line);
  return hash.hex();
}

// Rule 1. What a cell's row must name; data and model may be unknown to an attempt that did not end well.
void check_identity(const Draft& draft) {
  const Node& node = draft.node;
  const bool ok = draft.status == "ok";
  const std::pair<const char*, bool> fields[] = {
      {"protocol hash", !draft.plan.protocol_hash.empty()},
      {"data hash", !ok || !draft.data_hash.empty()},
      {"model hash", !ok || !draft.model_hash.empty()},
      {"plugin id", !node.plugin_id.empty()},
      {"plugin version", !node.plugin_version.empty()},
      {"plugin digest", !node.plugin_sha256.empty()},
      {"seed", !node.seeds.values.empty()},
      {"machine id", !draft.finished.host.get("machine", "").empty()},
      {"build id", !draft.finished.host.get("build", "").empty()},
  };
  for (const auto& [name, present] : fields)
    if (!present)
      throw Error(Fault::constraint, "cell '" + node.label + "' (" + node.key.substr(0, 12) + ") refused: it names no " + name +
                                         " (rule 1)");
}

std::string attempt_digest(const Draft& draft) {
  Sha256 hash;
  hash.update(draft.node.judgement + "\n" + draft.plan.protocol_hash + "\n" + draft.finished.status + "\n");
  for (std::size_t i = 0; i < draft.journals.size(); ++i) {
    const StageResult& stage = draft.finished.stages[i];
    const std::string& sha = draft.journals[i].sha256;
    hash.update(stage.stage + "\n" + stage.status + "\n" + sha + "\n");
    // Without a journal only the attempt's own circumstances tell it from another.
    if (sha.empty()) hash.update(stage.log_tail + "\n" + Json(stage.wall_seconds).dump() + "\n");
  }
  if (draft.journals.empty()) hash.update(std::to_string(draft.finished.attempt) + draft.finished.reason);
  return hash.hex();
}

void demote(Draft& draft, const std::string& reason) {
  draft.status = "failed";
  draft.reason = reason;
  draft.outcome = Journal{};
}

void append(Journal& outcome, const Journal& more) {
  outcome.columns.insert(outcome.columns.end(), more.columns.begin(), more.columns.end());
  outcome.scores.insert(outcome.scores.end(), more.scores.begin(), more.scores.end());
  outcome.verdicts.insert(outcome.verdicts.end(), more.verdicts.begin(), more.verdicts.end());
}

// An ok cell must have been judged: a run that measured nothing is a failure, not a success.
void settle_status(Draft& draft) {
  draft.status = draft.finished.status;
  draft.reason = draft.finished.reason;
  if (draft.judge != nullptr) draft.outcome = *draft.judge;
  if (draft.node.kind != NodeKind::cell || draft.status != "ok") return;
  if (draft.judge == nullptr || !draft.judge->present) return demote(draft, "no judge's shard");
  if (draft.judge->torn || !draft.judge->ended) return demote(draft, "the judge's shard is torn or has no end");
  if (draft.clock != nullptr && draft.clock->ended) append(draft.outcome, *draft.clock);
  if (draft.judge->columns.empty() && draft.judge->scores.empty() && draft.judge->verdicts.empty())
    demote(draft, "the judge recorded no outcome");
}

void settle_level(Draft& draft) {
  for (std::size_t i = 0; i < draft.journals.size(); ++i)
    if (!draft.journals[i].forged.empty())
      draft.outcome.verdicts.push_back({Level::invalid, 0, "the shard of stage '" + draft.finished.stages[i].stage + "' carries " +
                                                               draft.journals[i].forged + ", which only a judge may write"});
  if (draft.status == "rejected" && draft.outcome.verdicts.empty())
    draft.outcome.verdicts.push_back({Level::invalid, 0, draft.reason});
  for (const VerdictRecord& verdict : draft.outcome.verdicts) draft.level = std::max(draft.level, verdict.level);
}

Draft make_draft(const Plan& plan, const Finished& finished) {
  if (finished.node == nullptr) throw Error(Fault::internal, "import: the finished record names no node");
  Draft draft{plan, finished, *finished.node, {}, {}, {}, {}, {}, {}, nullptr, nullptr, {}, Level::valid};
  draft.journals.reserve(finished.stages.size());
  for (const StageResult& stage : finished.stages) {
    draft.journals.push_back(read_journal(stage, is_trusted(draft.node, stage), has_plugin(draft.node, stage.stage)));
    if (is_judge(stage)) draft.judge = &draft.journals.back();
    if (is_clock(draft.node, stage)) draft.clock = &draft.journals.back();
  }
  settle_status(draft);
  settle_level(draft);
  draft.data_hash = input_hash(finished, false);
  draft.model_hash = input_hash(finished, true);
  draft.digest = attempt_digest(draft);
  if (draft.node.kind == NodeKind::cell) check_identity(draft);
  return draft;
}

// --- writing ---

std::int64_t cell_id(const Connection& db, const Draft& draft) {
  // A plan narrowed by --only must not become the latest: a cell that some plan of this suite and protocol lists is known.
  const auto query = db.cached(
      "SELECT c.id FROM cell c JOIN plan_cell pc ON pc.cell = c.id JOIN plan p ON p.id = pc.plan JOIN suite s ON s.id = p.suite"
      " WHERE c.generation = ?1 AND p.protocol_hash = ?2 AND s.name = ?3 LIMIT 1");
  if (query->bind(draft.node.key, draft.plan.protocol_hash, draft.plan.suite).step()) return query->integer(0);
  put_plan(db, draft.plan, false);
  if (!query->bind(draft.node.key, draft.plan.protocol_hash, draft.plan.suite).step())
    throw Error(Fault::internal, "import: node '" + draft.node.label + "' is no part of its plan");
  return query->integer(0);
}

// The method's own cost: of its run stage where there is one, else of everything that is not the judge.
Json cost_counters(const Draft& draft) {
  const Json* found = nullptr;
  for (std::size_t i = 0; i < draft.journals.size(); ++i) {
    const StageResult& stage = draft.finished.stages[i];
    if (is_judge(stage) || is_clock(draft.node, stage) || draft.journals[i].counters.size() == 0) continue;
    if (found == nullptr || stage.stage == "run") found = &draft.journals[i].counters;
  }
  return found == nullptr ? Json(Json::Object{}) : *found;
}

std::int64_t counter(const Json& counters, const char* name) {
  if (!counters.has(name) || !counters.at(name).is_number()) return 0;
  return counters.at(name).is_int() ? counters.at(name).as_int() : std::llround(counters.at(name).as_real());
}

std::int64_t put_attempt(const Connection& db, const Draft& draft, std::int64_t cell, int n) {
  double wall = 0, cpu = 0;
  std::uint64_t rss = 0;
  for (const StageResult& stage : draft.finished.stages) {
    // Judging is no cost of a method's, be it between the links of a chain.
    if (is_judge(stage) || stage.stage == "survivors" || is_clock(draft.node, stage)) continue;
    wall += stage.wall_seconds;
    cpu += stage.cpu_seconds;
    rss = std::max(rss, stage.peak_rss_bytes);
  }
  const Json counters = cost_counters(draft);
  const Json& host = draft.finished.host;
  db.cached(
        "INSERT INTO attempt(cell, n, digest, protocol_hash, judgement, status, reason, level, numerics, data_hash, model_hash,"
        " machine, build, host_json, wall_seconds, cpu_seconds, peak_rss_bytes, forward, backward, macs, counters_json)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)")
      ->run(cell, n, draft.digest, draft.plan.protocol_hash, draft.node.judgement, draft.status, draft.reason,
           static_cast<int>(draft.level), draft.node.numerics.str(), draft.data_hash, draft.model_hash, host.get("machine", ""),
           host.get("build", ""), host.is_null() ? std::string("{}") : host.dump(), wall, cpu, rss,
           counter(counters, "forward"), counter(counters, "backward"), counter(counters, "macs"), counters.dump());
  return db.last_id();
}

void put_stages(const Connection& db, const Draft& draft, std::int64_t attempt) {
  const auto insert = db.cached("INSERT INTO stage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  const auto trace = db.cached("INSERT INTO trace VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  int place = 0;
  for (std::size_t i = 0; i < draft.journals.size(); ++i) {
    const StageResult& s = draft.finished.stages[i];
    const Journal& journal = draft.journals[i];
    insert->run(attempt, static_cast<int>(i), s.stage, s.status, s.reason, s.exit_code, s.signal, s.wall_seconds, s.cpu_seconds,
               s.peak_rss_bytes, journal.sha256, journal.phases.dump(), s.log_tail);
    for (const TraceRecord& t : journal.traces) trace->run(attempt, place++, t.name, t.step, t.value, t.grade);
  }
}

}  // namespace

std::int64_t put_list(const Connection& db, const std::vector<std::byte>& ids) {
  const auto known = db.cached("SELECT id FROM sample_list WHERE ids_z = ?1");
  if (known->bind(ids).step()) return known->integer(0);
  db.cached("INSERT INTO sample_list(ids_z) VALUES (?1)")->run(ids);
  return db.last_id();
}

namespace {

void put_outcomes(const Connection& db, const Journal& outcome, std::int64_t attempt) {
  const auto column = db.cached(
      "INSERT INTO outcome(attempt, condition, configuration, unit, quantity, grade, n, mean, sha256, list, values_z)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  for (const Column& c : outcome.columns) {
    double mean = 0;
    for (const double v : c.values) mean += v;
    mean = c.values.empty() ? std::nan("") : mean / static_cast<double>(c.values.size());
    column->run(attempt, c.condition, c.configuration, c.unit, c.quantity, c.grade, c.ids.size(),
               std::isfinite(mean) ? mean : std::nan(""), column_digest(c.ids, c.values), put_list(db, encode_ids(c.ids)),
               encode_values(c.values));
  }
  const auto score = db.cached("INSERT INTO score VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  for (const ScoreRecord& s : outcome.scores)
    score->run(attempt, s.condition, s.configuration, s.quantity, s.value, s.n, s.grade, s.extra.dump());
  const auto verdict = db.cached("INSERT INTO verdict VALUES (?1, ?2, ?3, ?4, ?5)");
  int place = 0;
  for (const VerdictRecord& v : outcome.verdicts) verdict->run(attempt, place++, static_cast<int>(v.level), v.rule, v.reason);
}

void put_artifacts(const Connection& db, const Finished& finished, std::int64_t attempt) {
  const auto made = db.cached(
      "INSERT INTO artifact VALUES (?1, ?2) ON CONFLICT(sha256) DO UPDATE SET bytes = excluded.bytes WHERE bytes < 0");
  const auto used = db.cached("INSERT OR IGNORE INTO artifact VALUES (?1, -1)");
  const auto edge = db.cached("INSERT OR IGNORE INTO edge VALUES (?1, ?2, ?3, ?4)");
  for (const ManifestFile& file : finished.artifact.files) {
    made->run(file.sha256, file.bytes);
    edge->run(attempt, file.sha256, file.name, 1);
  }
  for (const auto& [name, digest] : finished.input_digests) {
    if (digest.empty()) continue;
    used->run(digest);
    edge->run(attempt, digest, name, 0);
  }
}

struct CheckResult {
  bool passed = false;
  double value = std::nan("");
  std::string detail;
};

// A certify node leaves one trace a check (1: passed) and scores or verdicts as detail; a check that was asked for and
// left no trace did not pass.
std::map<std::string, CheckResult> check_results(const Draft& draft, const Json& spec) {
  std::map<std::string, CheckResult> results;
  if (spec.has("checks"))
    for (const Json& check : spec.at("checks").as_array())
      results[check.is_string() ? check.as_string() : check.get("name", "")].detail =
          draft.reason.empty() ? "did not run" : draft.reason;
  for (const Journal& journal : draft.journals) {
    for (const TraceRecord& trace : journal.traces) results[trace.name] = {trace.value == 1, trace.value, ""};
    for (const ScoreRecord& score : journal.scores)
      if (const auto at = results.find(score.quantity); at != results.end()) {
        at->second.value = score.value;
        at->second.detail = score.extra.get("detail", "");
      }
    for (const VerdictRecord& verdict : journal.verdicts) results["verdict"] = {false, std::nan(""), verdict.reason};
  }
  return results;
}

void put_certificates(const Connection& db, const Draft& draft, std::int64_t attempt) {
  if (draft.status == "cancelled") return;  // says nothing of the plugin: an earlier result stands
  const auto stage = std::find_if(draft.node.stages.begin(), draft.node.stages.end(),
                                  [](const Stage& s) { return s.stage == "certify"; });
  const Json spec = stage == draft.node.stages.end() ? Json(Json::Object{}) : stage->spec;
  db.prepare("DELETE FROM certificate WHERE plugin_digest = ?1 AND plugin_name = ?2 AND role = ?3")
      .run(draft.node.plugin_sha256, draft.node.plugin_id, spec.get("role", ""));
  Statement insert = db.prepare("INSERT INTO certificate VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  for (const auto& [check, result] : check_results(draft, spec))
    insert.run(draft.node.plugin_sha256, draft.node.plugin_id, spec.get("role", ""), check, result.passed, result.value,
               result.detail, attempt);
}

void put_descriptor(const Connection& db, const Node& node, const Descriptor* plugin) {
  if (plugin == nullptr) return;
  db.cached("UPDATE plugin SET descriptor_json = ?4 WHERE name = ?1 AND version = ?2 AND digest = ?3")
      ->run(node.plugin_id, node.plugin_version, node.plugin_sha256, plugin->to_json().dump());
}

std::optional<Imported> already_stored(const Connection& db, std::int64_t cell, const std::string& digest) {
  const auto query = db.cached("SELECT id, n, status, reason, level FROM attempt WHERE cell = ?1 AND digest = ?2");
  if (!query->bind(cell, digest).step()) return std::nullopt;
  return Imported{query->integer(0), static_cast<int>(query->integer(1)), false, query->text(2), query->text(3),
                  static_cast<Level>(query->integer(4))};
}

int next_attempt(const Connection& db, std::int64_t cell, int wanted) {
  const auto query = db.cached("SELECT coalesce(max(n), 0) FROM attempt WHERE cell = ?1");
  query->bind(cell).step();
  const int last = static_cast<int>(query->integer(0));
  return std::max(wanted, last + 1);
}

Imported write(const Connection& db, const Draft& draft, const Descriptor* plugin) {
  const std::int64_t cell = cell_id(db, draft);
  if (const auto known = already_stored(db, cell, draft.digest)) return *known;
  const int n = next_attempt(db, cell, draft.finished.attempt);
  const bool clocked = draft.node.has_time_budget() || (plugin != nullptr && plugin->clock_bounded);
  const bool comparable = draft.status == "ok" && draft.level != Level::invalid && !clocked;
  if (comparable)
    require_agreement(db, {cell, draft.node.judgement, draft.node.numerics.str(), draft.plan.protocol_hash, draft.node.label, n},
                      draft.outcome);
  const std::int64_t attempt = put_attempt(db, draft, cell, n);
  put_stages(db, draft, attempt);
  if (draft.node.kind == NodeKind::certify) put_certificates(db, draft, attempt);
  else put_outcomes(db, draft.outcome, attempt);
  put_artifacts(db, draft.finished, attempt);
  put_descriptor(db, draft.node, plugin);
  return {attempt, n, true, draft.status, draft.reason, draft.level};
}

}  // namespace

Imported Store::import(const Plan& plan, const Finished& finished, const Descriptor* plugin) {
  impl_->need_write("import");
  const Draft draft = make_draft(plan, finished);
  Transaction transaction(impl_->db);
  Imported result = write(impl_->db, draft, plugin);
  transaction.commit();
  return result;
}

struct Store::Batch::Work {
  explicit Work(const Connection& db) : transaction(db) {}
  Transaction transaction;
};

Store::Batch::Batch(Store& store) {
  store.impl_->need_write("begin a batch");
  work_ = std::make_unique<Work>(store.impl_->db);
}
Store::Batch::~Batch() = default;
void Store::Batch::commit() { work_->transaction.commit(); }

void Store::retract(std::int64_t attempt, const std::string& reason) {
  impl_->need_write("retract");
  if (reason.empty()) throw Error(Fault::bad_input, "retract: a reason is needed");
  Statement update = impl_->db.prepare("UPDATE attempt SET retracted = ?2 WHERE id = ?1");
  update.run(attempt, reason);
  if (impl_->db.changes() == 0) throw Error(Fault::bad_input, "retract: no attempt with id " + std::to_string(attempt));
}

void Store::add_claimed(const ClaimedNumber& c) {
  impl_->need_write("add a claimed number");
  if (c.source.empty()) throw Error(Fault::bad_input, "claimed number of '" + c.method + "': a source is needed (rule 12)");
  impl_->db
      .prepare("INSERT INTO claimed(series, method, subject, quantity, condition, value, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
               " ON CONFLICT DO UPDATE SET value = excluded.value")
      .run(c.series, c.method, c.subject, c.quantity, c.condition, c.value, c.source);
}

}  // namespace assay::store
