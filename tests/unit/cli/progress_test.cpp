#include <doctest/doctest.h>

#include "harness/cli/output.hpp"
#include "harness/cli/progress.hpp"

using namespace assay;
using namespace assay::cli;

namespace {
sched::Progress half_way() {
  sched::Progress progress;
  progress.cells = 10;
  progress.cells_done = 5;
  progress.cells_failed = 1;
  progress.seconds_left = 192;
  progress.running.push_back({"msp on net, seed 1", "run", "", 0, 1});
  progress.running.push_back({"pgd on net, seed 2", "judge", "", 0.5, 9});
  return progress;
}
}  // namespace

TEST_CASE("the progress line counts, estimates and names what has run longest") {
  CHECK(progress_line(half_way(), 200) ==
        "[###########---------] 5/10 cells, 2 running, 1 failed, 3 min 12 s left  pgd on net, seed 2 (judge 50 %)");
}

TEST_CASE("artifacts are told while there are any to make, failures when there are any") {
  sched::Progress progress = half_way();
  progress.artifacts = 4;
  progress.artifacts_done = 1;
  progress.cells_failed = 0;
  progress.seconds_left = -1;
  progress.running.clear();
  CHECK(progress_line(progress, 200) == "[#########-----------] 5/10 cells, 1/4 artifacts, 0 running");
}

TEST_CASE("the line never exceeds the terminal and cuts no code point") {
  sched::Progress progress = half_way();
  progress.running[1].label = "größe größe größe größe";
  for (int width = 0; width < 120; ++width) {
    const std::string line = progress_line(progress, width);
    CHECK(display_width(line) <= static_cast<std::size_t>(width));
    CHECK((line.empty() || (static_cast<unsigned char>(line.back()) & 0xC0U) != 0xC0U));
  }
}

TEST_CASE("an empty plan divides nothing by zero") {
  CHECK(progress_line(sched::Progress{}, 80) == "[--------------------] 0/0 cells, 0 running");
}

TEST_CASE("the screen has a line for each that runs, the longest first, and never more than fits") {
  sched::Progress progress = half_way();
  progress.running[1].cpu_seconds = 8.75;
  progress.running[1].rss_bytes = std::uint64_t{210} << 20;
  const auto lines = progress_screen(progress, 200, 12);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "[###########---------] 5/10 cells, 2 running, 1 failed, 3 min 12 s left");
  CHECK(lines[1] == "  judge     50 %      9.0 s  cpu     8.8 s    210 MB  pgd on net, seed 2");
  CHECK(lines[2] == "  run                 1.0 s  msp on net, seed 1");

  for (int i = 0; i < 20; ++i) progress.running.push_back({"cell " + std::to_string(i), "run", "", 0, 0.5});
  for (int height = 1; height < 30; ++height) {
    const auto some = progress_screen(progress, 60, height);
    CHECK(some.size() <= static_cast<std::size_t>(height));
    for (const std::string& line : some) CHECK(display_width(line) <= 60);
    if (height > 1 && height < 23) CHECK(some.back() == "  and " + std::to_string(22 - (height - 2)) + " more");
    if (height >= 23) CHECK(some.back() == "  run                 0.5 s  cell 19");
  }
}
