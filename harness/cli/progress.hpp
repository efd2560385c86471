// Progress of a run on stderr: on a terminal a line for the whole and one for each running node, redrawn at most ten times
// a second; a plain line a finished node elsewhere. Threading: the supervisor's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/record/plan.hpp"
#include "harness/sched/sched.hpp"
#include "results/store/store.hpp"

namespace assay::cli {

// "[########------] 12/40 cells, 2 running, 1 failed, 3 min 12 s left  pgd on all-conv, seed 2 (run 40 %)", cut to width.
std::string progress_line(const sched::Progress& progress, int width);
// The same without the node, and beneath it "  run    40 %   12 s   cpu 11.8 s   210 MB  pgd on all-conv, seed 2" for each,
// the one that has run longest first; at most `height` lines of at most `width` columns.
std::vector<std::string> progress_screen(const sched::Progress& progress, int width, int height);

class ProgressView {
 public:
  ProgressView();
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void update(const sched::Progress& progress, int stop);  // stop: 0, 1 (no new work) or 2 (killing)
  void finished(const Finished& finished, const store::Imported& imported);
  void refused(const Finished& finished, const std::string& why);
  void close();  // clears what is drawn

 private:
  using Clock = std::chrono::steady_clock;
  void line(const std::string& text);  // a permanent line above what is drawn
  void draw(const std::vector<std::string>& lines);
  std::string count_text() const;

  bool terminal_;
  int stop_told_ = 0;
  std::int64_t ended_ = 0;  // cells that ended since the view was made; the supervisor's count comes a moment later
  sched::Progress last_;
  std::vector<std::string> shown_;  // what is drawn, the cursor at the end of its last line
  Clock::time_point drawn_at_{}, told_at_;
};

}  // namespace assay::cli
