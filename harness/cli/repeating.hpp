// assay run --repeat-check: a share of the cells runs twice as the run goes, and a cell whose outcomes differ is SUSPECT
// (rule 7). The second run is a node of its own beside the first, with a key of its own, so it shares neither scratch nor
// artifact with it; its outcomes go to a database that is thrown away, and the comparison into the one that stays.
// Threading: main thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/files.hpp"
#include "harness/plan/plan.hpp"
#include "harness/sched/sched.hpp"
#include "results/board/reproduction.hpp"
#include "results/store/store.hpp"

namespace assay::cli {

// "5%" -> 0.05; 0 when empty. Throws Error(bad_input) for what is no percentage above 0 and up to 100.
double parse_share(const std::string& text);

// Keys of the cells that are run twice: those whose hash falls into the share, so that a larger share holds a smaller one
// and nothing depends on order; at least one. Cells bounded by the clock are left out, as equal bits cannot be asked for.
std::vector<std::string> repeated_cells(const Plan& plan, double share, const PlanContext& context);

class RepeatCheck {
 public:
  // Plan `part` of `whole`; both outlive it, as do `db` and `context`.
  RepeatCheck(const Plan& part, const Plan& whole, double share, store::Store& db, const PlanContext& context);
  const Plan& plan() const { return plan_; }            // `part` with a second node behind each chosen cell
  bool is_repeat(const Node& node) const { return originals_.count(node.key) > 0; }
  const Node& cell_of(const Node& repeat) const { return *whole_.find(originals_.at(repeat.key)); }
  // Nothing to repeat: the cell's outcome stands and was checked before, or what stands is a failure.
  bool settled(const Node& repeat, bool cell_stands);
  void repeat_ended(const Finished& finished);          // a second run came to its end
  void cell_ended(const Node& cell);                    // a first run was recorded
  // As if only the first runs had been there.
  sched::Summary without_repeats(sched::Summary summary) const;

  struct Result {
    std::string label, key, says;
  };
  std::int64_t identical() const { return identical_; }
  const std::vector<Result>& different() const { return different_; }
  const std::vector<Result>& unchecked() const { return unchecked_; }  // `says`: why

 private:
  std::optional<store::AttemptRecord> conclusion(const store::Store& db, const Node& cell) const;
  void compare(const Node& cell);

  const Plan& whole_;
  store::Store& db_;
  const PlanContext& context_;
  Plan plan_;
  std::map<std::string, std::string> originals_;        // key of a repeat -> key of its cell
  std::set<std::string> settled_, waiting_;             // repeats; cells whose second run ended
  TempDir folder_{"assay-repeat"};
  store::Store scratch_ = store::Store::open(folder_.path() / "repeats.db");
  std::int64_t ended_ok_ = 0, ended_otherwise_ = 0, identical_ = 0;
  std::vector<Result> different_, unchecked_;
};

}  // namespace assay::cli
