// The cells that a claim's names mean, and their numbers. Inside of the claims; one thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "harness/claim/claim.hpp"
#include "results/board/replicates.hpp"
#include "results/claims/claims.hpp"
#include "results/claims/numbers.hpp"

namespace assay::claims {

// What cells must agree with: key -> alternatives.
using Wanted = std::map<std::string, std::vector<std::string>>;

// The value of a key (method, subject, seed, an axis, a parameter); nullopt when the cell has no such key.
std::optional<std::string> value_of(const store::CellRecord& cell, const std::string& key);
std::string text_of(const Wanted& wanted);  // "method='pgd', ratio='8'"

class Source {
 public:
  Source(const store::Store& db, const std::string& protocol, const Options& options);

  const store::SuiteRecord& suite() const { return suite_; }
  const Layout& layout() const { return layout_; }
  const std::vector<store::CellRecord>& cells() const { return cells_; }

  // Planned cells that agree; condition and configuration are no keys of cells and are passed over.
  std::vector<const store::CellRecord*> matching(const Wanted& wanted) const;
  // Conditions (or configurations) at which the metric was measured there, in natural order.
  std::vector<std::string> measured_at(const std::string& metric, const Wanted& wanted, const std::string& key) const;

  // `expr`: a measure. Throws Void naming what is missing.
  Numbers measure(const claim::Expr& expr, const Wanted& wanted);

  // What was read since the last call: distinct seeds, whether all per-sample numbers are of the same samples, notes.
  struct Reading {
    std::set<std::string> seeds;
    std::vector<std::int64_t> ids;  // of the first per-sample number
    bool other_samples = false;
    int measures = 0;
    std::vector<std::string> notes;
  };
  Reading take_reading();
  void note(const std::string& text);

 private:
  struct PerCell;
  using Cells = std::vector<const store::CellRecord*>;
  Cells usable(const claim::Expr& expr, const Wanted& wanted);
  std::string problem(const store::CellRecord& cell) const;
  board::Metric column(const claim::Expr& expr, const Wanted& wanted, const Cells& cells) const;
  std::vector<double> scores(const board::Metric& metric, const Cells& cells) const;
  const board::CellReplicates& replicates(const board::Metric& metric, const Cells& cells);
  void remember(const Cells& cells, const board::CellReplicates& drawn);
  void note_pooling(const claim::Expr& expr, const Wanted& wanted, const Cells& cells);

  const store::Store& db_;
  Options options_;
  store::SuiteRecord suite_;
  std::vector<store::CellRecord> cells_;
  Layout layout_;
  board::Replicator replicator_;
  std::map<std::string, std::unique_ptr<board::CellReplicates>> drawn_;
  mutable std::map<std::string, std::string> certificates_;  // plugin digest and id -> problem
  Reading reading_;
};

}  // namespace assay::claims
