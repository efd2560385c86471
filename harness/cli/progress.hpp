// Progress of a run on stderr: one line redrawn at most ten times a second on a terminal, a plain line a finished node
// elsewhere. Threading: the supervisor's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "harness/record/plan.hpp"
#include "harness/sched/sched.hpp"
#include "results/store/store.hpp"

namespace assay::cli {

// "[########------] 12/40 cells, 2 running, 1 failed, 3 min 12 s left  pgd on all-conv, seed 2 (run 40 %)", cut to width.
std::string progress_line(const sched::Progress& progress, int width);

class ProgressView {
 public:
  ProgressView();
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void update(const sched::Progress& progress, int stop);  // stop: 0, 1 (no new work) or 2 (killing)
  void finished(const Finished& finished, const store::Imported& imported);
  void refused(const Finished& finished, const std::string& why);
  void close();  // clears the line

 private:
  using Clock = std::chrono::steady_clock;
  void line(const std::string& text);  // a permanent line above the progress line
  std::string count_text() const;

  bool terminal_;
  bool drawn_ = false;
  int stop_told_ = 0;
  std::int64_t ended_ = 0;  // cells that ended since the view was made; the supervisor's count comes a moment later
  sched::Progress last_;
  std::string shown_;
  Clock::time_point drawn_at_{}, told_at_;
};

}  // namespace assay::cli
