// Measured rows out, in the forms of RobustBench and OpenOOD.
#include "results/board/interchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "harness/base/csv.hpp"
#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "results/board/groups.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

std::string percent(double share) { return fmt::format("{:.2f}", 100 * share); }

// The four attacks that make AutoAttack; with all of them the worst case is its number.
bool has_autoattack(const std::set<std::string>& attacks) {
  const char* parts[] = {"apgd-ce", "apgd-t", "fab-t", "square"};
  return std::all_of(std::begin(parts), std::end(parts), [&](const char* id) { return attacks.count(id) > 0; });
}

const store::OutcomeColumn* find(const std::vector<store::OutcomeColumn>& columns, const std::string& quantity, const std::string& condition) {
  for (const auto& c : columns)
    if (c.quantity == quantity && c.condition == condition && c.configuration.empty() && c.grade == "judged" && !c.ids.empty()) return &c;
  return nullptr;
}

std::string file_name(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_' && c != '.'; }, '_');
  return text;
}

std::string folder_of(const Group& group, const std::vector<Group>& all) {
  const Row row = start_row(group);
  std::set<std::string> subjects;
  for (const Group& g : all) subjects.insert(g.subject);
  return file_name(row_name(row)) + (subjects.size() > 1 ? "/" + file_name(group.subject) : "");
}

std::uint64_t seed_of(const store::CellRecord& cell) { return cell.seeds.get(cell.seeds.values.count("method") > 0 ? "method" : "subject"); }

// --- OpenOOD ---

struct Numbers {
  double fpr = 0, auroc = 0, in = 0, out = 0;
};

std::vector<std::string> line_of(const std::string& name, const Numbers& n, double accuracy) {
  return {name, percent(n.fpr), percent(n.auroc), percent(n.in), percent(n.out), percent(accuracy)};
}

std::map<std::string, Array> score_file(const store::OutcomeColumn& scores, const std::vector<store::OutcomeColumn>& columns, bool& predictions) {
  const auto n = static_cast<std::int64_t>(scores.ids.size());
  const auto as_classes = [&](const char* quantity) {
    std::vector<std::int64_t> out(scores.ids.size(), -1);
    const auto* column = find(columns, quantity, scores.condition);
    if (column == nullptr || column->ids != scores.ids) return std::pair(out, false);
    std::transform(column->values.begin(), column->values.end(), out.begin(), [](double v) { return static_cast<std::int64_t>(v); });
    return std::pair(out, true);
  };
  std::map<std::string, Array> arrays;
  std::vector<double> conf(scores.values.size());
  std::transform(scores.values.begin(), scores.values.end(), conf.begin(), [](double v) { return v == 0 ? 0.0 : -v; });
  arrays["conf"] = Array::f64({n}, conf);
  const auto [labels, labelled] = as_classes("label");
  if (labelled || scores.condition != "id") arrays["label"] = Array::i64({n}, labels);
  const auto [predicted, known] = as_classes("predicted");
  if (known) arrays["pred"] = Array::i64({n}, predicted);
  predictions = predictions && known;
  return arrays;
}

double accuracy_of(const std::vector<store::OutcomeColumn>& columns) {
  const auto* correct = find(columns, "correct", "id");
  return correct == nullptr ? 0 : metrics::accuracy(correct->values);
}

OpenOodRun run_of(const store::Store& db, const store::CellRecord& cell, const Terms& terms) {
  OpenOodRun run;
  const auto columns = db.outcomes(cell.standing->id);
  const auto* in = find(columns, "score", "id");
  if (in == nullptr) bad_input(cell.label + " has no per-sample scores");
  const double accuracy = accuracy_of(columns);
  run.csv = csv_line({"", "FPR@95", "AUROC", "AUPR_IN", "AUPR_OUT", "ACC"});
  run.scores[terms.data_set.empty() ? "id" : terms.data_set] = score_file(*in, columns, run.predictions);
  for (const std::string& group : std::vector<std::string>{"near", "far"}) {
    Numbers mean;
    double lists = 0;
    for (const auto& [label, condition] : terms.conditions) {
      const auto* out = find(columns, "score", condition);
      if (condition.rfind(group + ":", 0) != 0 || out == nullptr) continue;
      const Numbers n{metrics::fpr_at_95(in->values, out->values), metrics::auroc(in->values, out->values),
                      metrics::aupr_in_trapezoid(in->values, out->values), metrics::aupr_out_trapezoid(in->values, out->values)};
      run.csv += csv_line(line_of(label, n, accuracy));
      run.scores[label] = score_file(*out, columns, run.predictions);
      mean = {mean.fpr + n.fpr, mean.auroc + n.auroc, mean.in + n.in, mean.out + n.out};
      ++lists;
    }
    if (lists > 0)
      run.csv += csv_line(line_of(group + "ood", {mean.fpr / lists, mean.auroc / lists, mean.in / lists, mean.out / lists}, accuracy));
  }
  return run;
}

}  // namespace

Terms terms_of(const store::Store& db, const store::SuiteRecord& suite) {
  Terms out;
  out.task = suite.task;
  out.series = suite.series;
  if (!suite.protocol.has("data") || !suite.protocol.at("data").is_object()) return out;
  const Json& data = suite.protocol.at("data");
  if (data.has("test"))
    if (const auto node = db.find(data.at("test").as_string()); node && node->identity.is_object()) out.data_set = node->identity.get("set", "");
  if (data.has("ood"))
    for (const Json& list : data.at("ood").as_array()) {
      const std::string label = list.get("label", "");
      out.conditions[label] = list.get("group", "") + ":" + label;
    }
  if (suite.protocol.has("subjects"))
    for (const Json& subject : suite.protocol.at("subjects").as_array())
      out.architecture[subject.get("id", "")] = subject.has("build") ? subject.at("build").get("arch", "") : "";
  return out;
}

std::map<std::string, Json> robustbench_of(const store::Store& db, const Query& query) {
  const store::SuiteRecord suite = db.protocol(query.protocol);
  if (suite.task != "attack") bad_input("RobustBench's form is for suites of task 'attack'; '" + suite.name + "' is one of '" + suite.task + "'");
  const Terms terms = terms_of(db, suite);
  const Board board = make_subject_board(db, query);
  std::map<std::string, std::set<std::string>> attacks;
  const auto cells = db.cells(suite.protocol_hash);
  for (const Group& group : make_groups(cells))
    if (!done_cells(group).empty()) attacks[group.subject].insert(group.plugin_id);
  const std::string eps = board.suite.condition.rfind("eps=", 0) == 0 ? board.suite.condition.substr(4) : board.suite.condition;
  std::map<std::string, Json> out;
  for (const Row& row : board.rows) {
    if (!row.values[0].mean || row.level == store::Level::invalid) continue;
    const auto& names = attacks[row.subject];
    const auto known = terms.architecture.find(row.subject);
    const std::string built = known == terms.architecture.end() ? "" : known->second;
    Json info = Json::object({{"link", ""},
                              {"name", row.subject},
                              {"authors", ""},
                              {"additional_data", built.empty() ? Json() : Json(false)},  // an import may have seen anything
                              {"number_forward_passes", 1},
                              {"dataset", terms.data_set},
                              {"venue", ""},
                              {"architecture", built},
                              {"eps", eps},
                              {"clean_acc", row.values[1].mean ? Json(percent(*row.values[1].mean)) : Json()},
                              {"reported", Json()},
                              {"autoattack_acc", Json()},
                              {"unreliable", row.level != store::Level::valid}});
    for (const auto* claim : claims_beside(board, row, board.metrics[0]))
      if (claim->source.rfind("paper", 0) == 0) info["reported"] = percent(claim->value);
    info[has_autoattack(names) ? "autoattack_acc" : "external"] = percent(*row.values[0].mean);
    info["footnote"] = fmt::format("measured by assay, protocol {}: worst case over {}; mean of {} net{}", suite.protocol_hash.substr(0, 12),
                                   fmt::join(names, ", "), row.values[0].per_seed.size(), row.values[0].per_seed.size() == 1 ? "" : "s");
    out[row.subject] = std::move(info);
  }
  return out;
}

std::vector<OpenOodRun> openood_of(const store::Store& db, const std::string& protocol) {
  const store::SuiteRecord suite = db.protocol(protocol);
  if (suite.task != "detect") bad_input("OpenOOD's form is for suites of task 'detect'; '" + suite.name + "' is one of '" + suite.task + "'");
  const Terms terms = terms_of(db, suite);
  const auto cells = db.cells(suite.protocol_hash);
  const auto groups = make_groups(cells);
  std::vector<OpenOodRun> out;
  for (const Group& group : groups)
    for (const auto* cell : done_cells(group)) {
      out.push_back(run_of(db, *cell, terms));
      out.back().folder = folder_of(group, groups) + fmt::format("/s{}", seed_of(*cell));
    }
  return out;
}

std::map<std::string, std::map<std::string, Array>> columns_of(const store::Store& db, const std::string& protocol) {
  std::map<std::string, std::map<std::string, Array>> out;
  const auto cells = db.cells(db.protocol(protocol).protocol_hash);
  const auto groups = make_groups(cells);
  for (const Group& group : groups)
    for (const auto* cell : done_cells(group)) {
      auto& arrays = out[folder_of(group, groups) + fmt::format("/s{}", seed_of(*cell))];
      for (const auto& c : db.outcomes(cell->standing->id)) {
        const std::string name = c.quantity + "@" + c.condition + (c.configuration.empty() ? "" : "[" + c.configuration + "]");
        const auto n = static_cast<std::int64_t>(c.ids.size());
        arrays[name] = Array::f64({n}, c.values);
        arrays[name + ".id"] = Array::i64({n}, c.ids);
      }
    }
  return out;
}

}  // namespace assay::board
