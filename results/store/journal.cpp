#include "results/store/journal.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"

namespace assay::store {
namespace {

bool judges_only(const std::string& type) { return type == "column" || type == "score" || type == "verdict"; }

std::string checked_grade(const std::string& grade, const std::string& what) {
  const std::vector<std::string> grades = {"judged", "host-measured", "reported"};
  if (std::find(grades.begin(), grades.end(), grade) == grades.end())
    throw Error(Fault::bad_input, what + ": unknown grade '" + grade + "'" + suggestion(grade, grades));
  return grade;
}

// Paired statistics join by id, so a column is stored in id order, each unit once.
Column normalised(Column column) {
  const std::string what = "column '" + column.quantity + "' at '" + column.condition + "'";
  checked_grade(column.grade, what);
  if (std::adjacent_find(column.ids.begin(), column.ids.end(), std::greater_equal<>()) == column.ids.end()) return column;
  std::vector<std::size_t> order(column.ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return column.ids[a] < column.ids[b]; });
  Column sorted = column;
  for (std::size_t i = 0; i < order.size(); ++i) {
    sorted.ids[i] = column.ids[order[i]];
    sorted.values[i] = column.values[order[i]];
    if (i > 0 && sorted.ids[i] == sorted.ids[i - 1])
      throw Error(Fault::bad_input, what + ": unit " + std::to_string(sorted.ids[i]) + " appears twice");
  }
  return sorted;
}

ScoreRecord score_of(const Json& json) {
  ScoreRecord score;
  score.quantity = json.at("quantity").as_string();
  score.condition = json.get("condition", "");
  score.configuration = json.get("configuration", "");
  score.grade = checked_grade(json.get("grade", ""), "score '" + score.quantity + "' at '" + score.condition + "'");
  score.value = json.at("value").is_null() ? std::nan("") : json.at("value").as_real();
  score.n = json.get("n", 0);
  score.extra = Json(Json::Object{});
  for (const auto& [key, value] : json.as_object())
    if (key != "type" && key != "quantity" && key != "condition" && key != "configuration" && key != "grade" &&
        key != "value" && key != "n")
      score.extra[key] = value;
  return score;
}

VerdictRecord verdict_of(const Json& json) {
  VerdictRecord verdict;
  const std::string level = json.at("level").as_string();
  if (level == "SUSPECT") verdict.level = Level::suspect;
  else if (level == "INVALID") verdict.level = Level::invalid;
  else if (level != "VALID")
    throw Error(Fault::bad_input, "verdict: unknown level '" + level + "'; expected VALID, SUSPECT or INVALID");
  verdict.rule = static_cast<int>(json.get("rule", 0));
  verdict.reason = json.get("reason", "");
  return verdict;
}

// Collects the events of one shard.
class Reader {
 public:
  Reader(Journal& journal, bool trusted, bool plugin) : journal_(journal), trusted_(trusted), plugin_(plugin) {}

  void take(const Event& event) {
    const std::string type = event.type();
    if (type == "begin") begin();
    else if (type == "end") journal_.ended = true;
    else if (type == "counters") journal_.counters = without_type(event.json);
    else if (type == "phase") journal_.phases.push_back(without_type(event.json));
    else if (type == "trace") trace(event.json);
    else if (judges_only(type) && !trusted_) ++forged_[type];
    else if (type == "column") journal_.columns.push_back(normalised(decode_column(event)));
    else if (type == "score") journal_.scores.push_back(score_of(event.json));
    else if (type == "verdict") verdict(event.json);
  }

  void finish() {
    for (const auto& [type, count] : forged_)
      journal_.forged += (journal_.forged.empty() ? "" : ", ") + std::to_string(count) + " " + type + " event" + (count > 1 ? "s" : "");
  }

 private:
  // A judge starts over when it is run again; what an interrupted one wrote before counts for nothing.
  void begin() {
    journal_.ended = false;
    if (!trusted_) return;
    journal_.columns.clear();
    journal_.scores.clear();
    journal_.verdicts.clear();
  }

  void verdict(const Json& json) {
    const VerdictRecord found = verdict_of(json);
    if (found.level != Level::valid) journal_.verdicts.push_back(found);
  }

  void trace(const Json& json) {
    TraceRecord record;
    record.name = json.at("name").as_string();
    record.step = json.get("step", 0);
    record.value = json.at("value").as_real();
    record.grade = plugin_ ? "reported" : "host-measured";
    const auto [at, added] = trace_at_.try_emplace({record.name, record.step}, journal_.traces.size());
    if (added) journal_.traces.push_back(record);
    else journal_.traces[at->second] = record;
  }

  static Json without_type(const Json& json) {
    Json::Object object = json.as_object();
    object.erase("type");
    return Json(std::move(object));
  }

  Journal& journal_;
  bool trusted_, plugin_;
  std::map<std::string, int> forged_;
  std::map<std::pair<std::string, std::int64_t>, std::size_t> trace_at_;
};

}  // namespace

Journal read_journal(const StageResult& stage, bool trusted, bool plugin) {
  Journal journal;
  journal.counters = Json(Json::Object{});
  journal.phases = Json::array();
  if (stage.shard.empty() || !std::filesystem::exists(stage.shard)) return journal;
  journal.present = true;
  ShardContent content;
  try {
    const std::vector<std::byte> bytes = read_bytes(stage.shard);
    content = parse_shard(bytes, stage.shard);
    journal.sha256 = sha256(bytes);
  } catch (const Error&) {
    // A worker that died before its first frame leaves half a header: no reason to lose the record of its failure.
    if (stage.status == "ok") throw;
    journal.torn = true;
    return journal;
  }
  journal.torn = content.torn;
  Reader reader(journal, trusted, plugin);
  for (const Event& event : content.events) {
    try {
      reader.take(event);
    } catch (const Error& error) {
      throw Error(error.fault(), "shard '" + stage.shard + "' of stage '" + stage.stage + "': " + error.what());
    }
  }
  reader.finish();
  return journal;
}

}  // namespace assay::store
