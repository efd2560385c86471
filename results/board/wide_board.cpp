// Rows of a board as a wide table: one column a method, one row a sample or a seed.
#include <algorithm>
#include <map>

#include "harness/base/error.hpp"
#include "harness/metrics/registry.hpp"
#include "results/board/compare.hpp"
#include "results/board/groups.hpp"
#include "results/board/ranking.hpp"
#include "results/board/subject.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

using Cells = std::vector<store::CellRecord>;

std::string named(const std::vector<std::string>& names) { return join(names, ", "); }

const Row& find_row(const Board& board, const RowChoice& choice, const std::string& method) {
  std::vector<const Row*> found;
  std::vector<std::string> names, subjects;
  for (const Row& row : board.rows) {
    if (!at_rank_point(row.axes, board.suite.rank_axes)) continue;
    if (!choice.subject.empty() && row.subject != choice.subject) continue;
    if (std::find(names.begin(), names.end(), row_name(row)) == names.end()) names.push_back(row_name(row));
    if (row.method == method || row_name(row) == method) found.push_back(&row);
  }
  if (found.empty())
    bad_input("compare: no row '" + method + "'" + (choice.subject.empty() ? "" : " on subject '" + choice.subject + "'") +
              suggestion(method, names));
  if (found.size() == 1) return *found[0];
  names.clear();
  for (const Row* row : found) {
    names.push_back(row_name(*row));
    if (std::find(subjects.begin(), subjects.end(), row->subject) == subjects.end()) subjects.push_back(row->subject);
  }
  if (subjects.size() > 1) bad_input("compare: '" + method + "' was run on several subjects; choose one of " + named(subjects));
  bad_input("compare: '" + method + "' names several rows; give the name of one of " + named(names));
}

void need_complete(const Row& row) {
  const std::string what = "compare: '" + row_name(row) + "' ";
  if (row.coverage.done < row.coverage.planned)
    bad_input(what + "has " + row.coverage.str() + " cells (" + row.status + "); expected all of them");
  if (row.level == store::Level::invalid) bad_input(what + "is INVALID: " + named(row.reasons));
  if (row.values.empty() || !row.values[0].mean) bad_input(what + "has no value of the compared metric");
}

// The column of per-sample values that the metric is the mean of; nullptr: the metric is no mean, or is not stored so.
std::optional<store::OutcomeColumn> sample_column(const store::Store& db, const store::CellRecord& cell, const Metric& metric) {
  const auto* info = metrics::find(metric.quantity);
  if (info == nullptr || info->pool != metrics::Pool::mean || metric.grade != "judged") return std::nullopt;
  for (auto& column : db.outcomes(cell.standing->id, info->columns[0], metric.condition))
    if (column.configuration == metric.configuration && column.grade == "judged" && !column.ids.empty()) return column;
  return std::nullopt;
}

void put_samples(WideTable& wide, const store::Store& db, const Metric& metric, const std::vector<std::vector<const store::CellRecord*>>& cells) {
  std::vector<std::int64_t> ids;
  for (std::size_t m = 0; m < cells.size(); ++m)
    for (const auto* cell : cells[m]) {
      const auto column = sample_column(db, *cell, metric);
      if (!column) bad_input("compare: " + cell->label + " has no per-sample values of " + metric.title() + "; expected --over seeds");
      if (ids.empty()) {
        ids = column->ids;
        for (const auto id : ids) wide.table.data_sets.push_back(std::to_string(id));
        wide.table.values.assign(ids.size(), std::vector<std::optional<double>>(cells.size(), 0.0));
      }
      if (column->ids != ids) bad_input("compare: " + cell->label + " was judged on other samples (rule 45); expected --over seeds");
      for (std::size_t i = 0; i < ids.size(); ++i)
        *wide.table.values[i][m] += column->values[i] / static_cast<double>(cells[m].size());
    }
  wide.replicates = static_cast<double>(cells[0].size());
}

void put_seeds(WideTable& wide, const Metric& metric, const std::vector<std::vector<const store::CellRecord*>>& cells) {
  std::map<std::map<std::string, std::int64_t>, std::vector<std::optional<double>>> rows;
  for (std::size_t m = 0; m < cells.size(); ++m)
    for (const auto* cell : cells[m]) {
      auto& row = rows[cell->seeds.values];
      row.resize(cells.size());
      if (const auto* score = find_score(*cell, metric)) row[m] = score->value;
    }
  for (const auto& [seeds, row] : rows) {
    const auto own = seeds.count("method") > 0 ? seeds.at("method") : seeds.empty() ? 0 : seeds.begin()->second;
    wide.table.data_sets.push_back(std::to_string(own));
    wide.table.values.push_back(row);
  }
}

// What a subject's worst case has a row for: its samples, or its seeds.
std::vector<std::string> rows_of(const WorstCase& worst, Unit unit) {
  std::vector<std::string> out;
  if (unit == Unit::samples)
    for (const auto id : worst.ids) out.push_back(std::to_string(id));
  else
    for (const auto& [seed, unused] : worst.robust) out.push_back(std::to_string(seed));
  return out;
}

// Means over the seeds of each sample, or over the samples of each seed.
void put_subject(WideTable& wide, std::size_t m, const WorstCase& worst) {
  const bool samples = wide.unit == Unit::samples;
  std::size_t seed = 0;
  for (const auto& [unused, robust] : worst.robust) {
    const auto parts = static_cast<double>(samples ? worst.robust.size() : robust.size());
    for (std::size_t i = 0; i < robust.size(); ++i) *wide.table.values[samples ? i : seed][m] += robust[i] / parts;
    ++seed;
  }
}

WideTable wide_of_subjects(const store::Store& db, const Board& board, const RowChoice& choice) {
  if (!choice.subject.empty()) bad_input("compare: the subjects of this board are what is compared; expected no --subject");
  const auto all = worst_cases(db, board.suite.protocol_hash, board.suite.condition);
  std::vector<std::string> names;
  for (const auto& [name, worst] : all)
    if (!worst.robust.empty()) names.push_back(name);
  WideTable wide;
  wide.unit = choice.unit.value_or(Unit::samples);
  for (const std::string& name : choice.methods) {
    if (std::find(names.begin(), names.end(), name) == names.end()) bad_input("compare: no subject '" + name + "'" + suggestion(name, names));
    const WorstCase& worst = all.at(name);
    if (wide.table.methods.empty()) {
      wide.table.data_sets = rows_of(worst, wide.unit);
      wide.table.values.assign(wide.table.data_sets.size(), std::vector<std::optional<double>>(choice.methods.size(), 0.0));
      if (wide.unit == Unit::samples) wide.replicates = static_cast<double>(worst.robust.size());
    }
    if (std::find(wide.table.methods.begin(), wide.table.methods.end(), name) != wide.table.methods.end())
      bad_input("compare: '" + name + "' stands twice");
    if (rows_of(worst, wide.unit) != wide.table.data_sets) bad_input("compare: '" + name + "' was judged on other samples or seeds (rule 45)");
    put_subject(wide, wide.table.methods.size(), worst);
    wide.table.methods.push_back(name);
  }
  return wide;
}

}  // namespace

WideTable wide_of(const store::Store& db, const Board& board, const RowChoice& choice) {
  if (board.rank == "subject") return wide_of_subjects(db, board, choice);
  if (board.metrics.empty() || !board.metrics[0].ranked) bad_input("compare: nothing of " + board.suite.rank_by + " was measured");
  const Metric& metric = board.metrics[0];
  const Cells all = db.cells(board.suite.protocol_hash);
  std::map<std::string, const store::CellRecord*> by_key;
  for (const auto& cell : all) by_key[cell.generation] = &cell;
  WideTable wide;
  wide.table.higher_is_better = !lower_is_better(metric.quantity, board.suite.task, board.rank);
  std::vector<std::vector<const store::CellRecord*>> cells;
  for (const std::string& method : choice.methods) {
    const Row& row = find_row(board, choice, method);
    need_complete(row);
    const std::string name = row_name(row) + (row.submitted ? " (submitted)" : "");
    if (std::find(wide.table.methods.begin(), wide.table.methods.end(), name) != wide.table.methods.end())
      bad_input("compare: '" + method + "' stands twice");
    wide.table.methods.push_back(name);
    cells.emplace_back();
    for (const std::string& key : row.cells) cells.back().push_back(by_key.at(key));
  }
  if (is_timing(metric)) wide.least_factor = stats::least_timing_factor;
  wide.unit = choice.unit.value_or(sample_column(db, *cells[0][0], metric) ? Unit::samples : Unit::seeds);
  if (wide.unit == Unit::samples)
    put_samples(wide, db, metric, cells);
  else
    put_seeds(wide, metric, cells);
  return wide;
}

}  // namespace assay::board
