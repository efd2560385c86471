// Calls of a method under the suite's budget: where it ran out, for the record. One thread.
//
// A method may act on the error (return its best so far); its cell then ends as any other, and its counters name each
// budget that ran out, how often, and at what point first. One that lets the error go ends the stage: rejected, with the
// point in the reason and the same counters in the record. How calls ended, by themselves or at a budget, is counted for all
// (rule 43).
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "harness/tasks/method.hpp"

namespace assay::tasks {

// Wall time that earlier processes of this cell spent, as their last whole batch says.
double seconds_before(const std::vector<Event>& earlier);

class BudgetLog {
 public:
  // Takes up what earlier processes left. `context` and `method` outlive it.
  BudgetLog(StageContext& context, const plugin::Instance& method);
  // One call; `where` says which: "eps=1/10, batch 3", "fit".
  plugin::Bundle call(const std::string& where, const std::function<plugin::Bundle()>& body);
  // Into the event of a batch: what ran out in the last call, so that a successor knows.
  void mark(Json& event) const;
  // The stage's counters: `total` is what all processes of the cell spent.
  void finish(const Spent& total);

 private:
  void note(const Json& exhausted);
  Json last(const std::string& where) const;

  StageContext& context_;
  const plugin::Instance& method_;
  Spent earlier_;
  double seconds_before_ = 0;
  bool timed_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::int64_t calls_ = 0, cut_short_ = 0;  // all of them, and those in which a budget ran out
  Json last_;                 // of the last call: [{budget, limit, at, ...}]
  Json::Object budgets_;      // budget -> {limit, calls, first: {at, forward, backward, ...}}
};

}  // namespace assay::tasks
