// Claimed numbers in: RobustBench's JSON and OpenOOD's CSV; and beside which row they stand.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/base/rational.hpp"
#include "results/board/interchange.hpp"

namespace assay::board {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// "90.64", "90.64%" or "90.64 ± 0.25": the number before anything else, as a share.
std::optional<double> share_of(const std::string& text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] == ' ') ++at;
  double percent = 0;
  const auto [end, code] = std::from_chars(text.data() + at, text.data() + text.size(), percent);
  if (code != std::errc() || !std::isfinite(percent)) return std::nullopt;
  const std::string rest(end, text.data() + text.size());
  const std::size_t next = rest.find_first_not_of(" %");
  const bool spread = next != std::string::npos && (rest.compare(next, 2, "\u00b1") == 0 || rest.compare(next, 2, "+-") == 0 || rest[next] == '(');
  if (next != std::string::npos && !spread) return std::nullopt;
  return percent / 100;
}

// --- RobustBench ---

class ModelInfo {
 public:
  ModelInfo(const Json& info, std::string model) : info_(info), model_(std::move(model)) {
    if (!info.is_object()) refuse("expected one JSON object");
  }

  bool has(const std::string& key) const { return info_.has(key) && !info_.at(key).is_null() && !(info_.at(key) == Json("")); }
  std::string text(const std::string& key) const {
    if (!has(key)) return "";
    const Json& value = info_.at(key);
    return value.is_string() ? value.as_string() : value.dump();
  }
  double share(const std::string& key) const {
    const auto found = share_of(text(key));
    if (!found || *found < 0 || *found > 1) refuse("'" + key + "' is no percentage: '" + text(key) + "'");
    return *found;
  }
  [[noreturn]] void refuse(const std::string& what) const { bad_input("RobustBench model '" + model_ + "': " + what); }

  // Where a number is from, in words.
  std::string source(const std::string& who) const {
    std::string out = who;
    for (const char* key : {"venue", "link"})
      if (has(key) && text(key) != "N/A") out += ", " + text(key);
    if (info_.has("additional_data") && info_.at("additional_data") == Json(true)) out += ", additional data";
    if (info_.has("unreliable") && info_.at("unreliable") == Json(true)) out += ", flagged unreliable";
    return out;
  }

 private:
  const Json& info_;
  std::string model_;
};

// --- OpenOOD ---

struct Columns {
  std::size_t data_set = 0;
  std::optional<std::size_t> method;
  std::vector<std::pair<std::size_t, std::string>> numbers;  // place and our metric
};

Columns columns_in(const Sheet& sheet, std::vector<std::string>& remarks) {
  if (sheet.rows.size() < 2) bad_input(sheet.file + ": no rows below the header");
  const auto& head = sheet.rows[0];
  Columns out;
  std::optional<std::size_t> data_set;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const std::string name = lower(head[i]);
    if (name.empty() || name == "dataset") data_set = i;
    else if (name == "method") out.method = i;
    else if (name == "fpr@95") out.numbers.emplace_back(i, "fpr_at_95");
    else if (name == "auroc") out.numbers.emplace_back(i, "auroc");
    else if (name == "acc") out.numbers.emplace_back(i, "accuracy");
    else if (name.rfind("aupr", 0) == 0) remarks.push_back(head[i] + " passed over: OpenOOD's is the trapezoid, ours average precision");
    else remarks.push_back("column '" + head[i] + "' passed over");
  }
  if (!data_set || out.numbers.empty())
    bad_input(sheet.file + ": expected OpenOOD's columns: data sets, then FPR@95, AUROC, ACC; found " + fmt::format("{}", fmt::join(head, ", ")));
  out.data_set = *data_set;
  return out;
}

std::string condition_for(const std::string& data_set, const Terms& terms) {
  for (const auto& [label, condition] : terms.conditions)
    if (lower(label) == lower(data_set)) return condition;
  return "";
}

}  // namespace

ClaimImport read_robustbench(const Json& json, const std::string& model, const Terms& terms) {
  const ModelInfo info(json, model);
  if (terms.task != "attack") info.refuse("its numbers belong beside a suite of task 'attack', this one's is '" + terms.task + "'");
  const std::string set = info.text("dataset");
  if (!terms.data_set.empty() && lower(set) != lower(terms.data_set))
    info.refuse("its data set is '" + set + "', the suite tests on '" + terms.data_set + "'");
  ClaimImport out;
  const auto add = [&](const std::string& key, const std::string& quantity, const std::string& condition, const std::string& who) {
    if (info.has(key)) out.numbers.push_back({terms.series, "", model, quantity, condition, info.source(who), info.share(key)});
  };
  add("clean_acc", "accuracy", "clean", "RobustBench");
  const auto eps = Rational::parse(info.text("eps"));
  if (eps) {
    const std::string condition = "eps=" + eps->str();
    add("reported", "robust_accuracy", condition, "paper");
    add("autoattack_acc", "robust_accuracy", condition, "RobustBench, AutoAttack");
    add("external", "robust_accuracy", condition, "RobustBench, external evaluation");
  } else {
    out.remarks.push_back(model + ": no radius, so its robust accuracy is passed over");
  }
  for (const char* key : {"corruptions_acc", "corruptions_mce", "corruptions_acc_3d", "corruptions_mce_3d"})
    if (info.has(key)) out.remarks.push_back(model + ": '" + key + "' passed over: no attack suite measures it");
  if (out.numbers.empty()) info.refuse("it holds no number");
  return out;
}

ClaimImport read_openood(const Sheet& sheet, const std::string& method, const Terms& terms) {
  if (terms.task != "detect") bad_input(sheet.file + ": OpenOOD's numbers belong beside a suite of task 'detect', this one's is '" + terms.task + "'");
  ClaimImport out;
  const Columns columns = columns_in(sheet, out.remarks);
  if (!columns.method && method.empty()) bad_input(sheet.file + ": no column 'method'; say --method");
  std::vector<std::string> labels;
  for (const auto& [label, condition] : terms.conditions) labels.push_back(label);
  for (std::size_t r = 1; r < sheet.rows.size(); ++r) {
    const auto& row = sheet.rows[r];
    if (row.size() != sheet.rows[0].size()) bad_input(fmt::format("{}: row {} has {} cells, expected {}", sheet.file, r, row.size(), sheet.rows[0].size()));
    const std::string& data_set = row[columns.data_set];
    const std::string condition = condition_for(data_set, terms);
    if (condition.empty()) {
      out.remarks.push_back("'" + data_set + "' passed over: no list of the suite");
      continue;
    }
    const std::string name = columns.method ? row[*columns.method] : method;
    for (const auto& [at, quantity] : columns.numbers) {
      const auto share = share_of(row[at]);
      if (!share || *share < 0 || *share > 1) bad_input(fmt::format("{}: row {}: '{}' is no percentage", sheet.file, r, row[at]));
      const std::string where = quantity == "accuracy" ? "id" : condition;
      out.numbers.push_back({terms.series, name, "", quantity, where, "OpenOOD, " + sheet.file, *share});
    }
  }
  if (out.numbers.empty())
    bad_input(sheet.file + ": none of its data sets is a list of the suite; expected one of " + fmt::format("{}", fmt::join(labels, ", ")));
  return out;
}

std::vector<const store::ClaimedNumber*> claims_beside(const Board& board, const Row& row, const Metric& metric) {
  std::vector<const store::ClaimedNumber*> out;
  for (const auto& c : board.claimed) {
    if (c.quantity != metric.quantity || c.condition != metric.condition) continue;
    const bool method = c.method.empty() ? board.rank == "subject" : c.method == row.method;
    if (method && (c.subject.empty() || c.subject == row.subject)) out.push_back(&c);
  }
  return out;
}

}  // namespace assay::board
