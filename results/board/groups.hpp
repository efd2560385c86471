// Cells of one protocol grouped into rows: method x plugin build x parameters x subject x axes, seeds together. Inside of
// the board.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

struct Group {
  std::string method, plugin_id, plugin_version, plugin_digest, subject;
  Json params, axes;
  bool baseline = false;
  std::shared_ptr<const Descriptor> descriptor;  // one for all groups of a plugin; default values when it was never described
  std::vector<const store::CellRecord*> cells;   // ordered by seeds; of the list that the groups were made from
};

// The plugin's descriptor is on record.
bool described(const store::CellRecord& cell);
// An ok attempt that is not INVALID stands for the cell: what "done" means in coverage and in every mean.
bool done(const store::CellRecord& cell);
std::vector<const store::CellRecord*> done_cells(const Group& group);
// The score of a done cell, or nullptr.
const store::ScoreRecord* find_score(const store::CellRecord& cell, const Metric& metric);

std::vector<Group> make_groups(const std::vector<store::CellRecord>& cells);  // which outlive the groups
std::vector<Group> make_groups(std::vector<store::CellRecord>&& cells) = delete;

// The board's columns: every (quantity, condition, configuration) that some done cell has a score for; the ranked one
// first, then the columns that must stand beside it, then by registry order and condition.
std::vector<Metric> make_metrics(const std::vector<Group>& groups, const std::string& by, const std::string& condition);

// Orders "eps=1/20" before "eps=1/10" and "ratio 8" before "ratio 16": text, with numbers and fractions by value.
bool natural_less(const std::string& a, const std::string& b);

// True when the row lies at the point of the axes at which the suite ranks.
bool at_rank_point(const Json& axes, const Json& rank_axes);

// Rules 10, 26 and 32 cannot be enforced on what was made elsewhere.
inline constexpr const char* submitted_note = "submitted: outputs made elsewhere, with access, budget and cost unknown; not ranked";

// Rule 5.
std::string single_run_note(std::size_t seeds);

// Everything that the row's flags, status and cost can be told from without any metric.
Row start_row(const Group& group);

}  // namespace assay::board
