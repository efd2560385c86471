#include "harness/cli/progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {
namespace {

constexpr std::chrono::milliseconds redraw{100};
// Without a terminal a long quiet stretch still says that it lives.
constexpr std::chrono::seconds heartbeat{30};
constexpr int bar_width = 20;
constexpr int most_lines = 12;  // of a screen whose rest shows what ended

std::string bar(double fraction) {
  const int full = static_cast<int>(std::lround(std::min(1.0, std::max(0.0, fraction)) * bar_width));
  return "[" + std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(bar_width - full), '-') + "]";
}

double fraction_of(const sched::Progress& progress) {
  double done = static_cast<double>(progress.cells_done + progress.artifacts_done);
  const double all = static_cast<double>(progress.cells + progress.artifacts);
  for (const sched::Running& one : progress.running) done += 0.9 * one.fraction;
  return all > 0 ? done / all : 0;
}

std::string cut(std::string text, int width) {
  const auto limit = static_cast<std::size_t>(std::max(0, width));
  while (display_width(text) > limit) {
    // A code point goes as a whole.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
    if (!text.empty()) text.pop_back();
  }
  return text;
}

// The one that has run longest is what people wait for.
std::string longest_running(const sched::Progress& progress) {
  const sched::Running* longest = nullptr;
  for (const sched::Running& one : progress.running)
    if (longest == nullptr || one.seconds > longest->seconds) longest = &one;
  if (longest == nullptr) return "";
  std::string text = "  " + longest->label + " (" + longest->stage;
  if (longest->fraction > 0) text += fmt::format(" {:.0f} %", 100 * longest->fraction);
  return text + ")";
}

double seconds_of(const Finished& finished) {
  double seconds = 0;
  for (const StageResult& stage : finished.stages) seconds += stage.wall_seconds;
  return seconds;
}

std::string summary_text(const sched::Progress& progress) {
  std::string text = fmt::format("{} {}/{} cells", bar(fraction_of(progress)), progress.cells_done, progress.cells);
  if (progress.artifacts_done < progress.artifacts) text += fmt::format(", {}/{} artifacts", progress.artifacts_done, progress.artifacts);
  text += fmt::format(", {} running", progress.running.size());
  if (progress.cells_failed > 0) text += fmt::format(", {} failed", progress.cells_failed);
  if (progress.seconds_left >= 0) text += ", " + duration_text(progress.seconds_left) + " left";
  return text;
}

std::string running_text(const sched::Running& one) {
  const std::string done = one.fraction > 0 ? fmt::format("{:.0f} %", 100 * one.fraction) : "";
  std::string text = fmt::format("  {:<8} {:>5} {:>10}", one.stage, done, duration_text(one.seconds));
  if (one.rss_bytes > 0) text += fmt::format("  cpu {:>7.1f} s {:>6} MB", one.cpu_seconds, one.rss_bytes >> 20);
  return text + "  " + one.label;
}

}  // namespace

std::string progress_line(const sched::Progress& progress, int width) {
  return cut(summary_text(progress) + longest_running(progress), width);
}

std::vector<std::string> progress_screen(const sched::Progress& progress, int width, int height) {
  std::vector<sched::Running> running = progress.running;
  std::stable_sort(running.begin(), running.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  std::vector<std::string> lines = {cut(summary_text(progress), width)};
  const auto room = static_cast<std::size_t>(std::max(1, height));
  for (const sched::Running& one : running) {
    if (lines.size() + 1 > room) break;
    lines.push_back(cut(running_text(one), width));
  }
  if (running.size() + 1 > room && lines.size() > 1) {
    const std::size_t hidden = running.size() + 2 - lines.size();
    lines.back() = cut(fmt::format("  and {} more", hidden), width);
  }
  return lines;
}

ProgressView::ProgressView() : terminal_(is_terminal(2)), told_at_(Clock::now()) {}
ProgressView::~ProgressView() { close(); }

void ProgressView::update(const sched::Progress& progress, int stop) {
  last_ = progress;
  if (stop > stop_told_) {
    stop_told_ = stop;
    line(stop == 1 ? "stopping: waiting for what runs; q or Ctrl-C once more kills it (nothing is lost, the next run goes on)" : "killing what runs");
  }
  const auto now = Clock::now();
  if (!terminal_) {
    if (now - told_at_ < heartbeat) return;
    line(progress_line(progress, 200));
    return;
  }
  if (!shown_.empty() && now - drawn_at_ < redraw) return;
  const auto lines = progress_screen(progress, terminal_width(2) - 1, most_lines);
  if (lines != shown_) draw(lines);
  drawn_at_ = now;
}

// Over what is drawn, in one write, so that nothing flickers.
void ProgressView::draw(const std::vector<std::string>& lines) {
  std::string text = "\r";
  if (shown_.size() > 1) text += fmt::format("\033[{}A", shown_.size() - 1);
  for (std::size_t i = 0; i < lines.size(); ++i) text += (i > 0 ? "\n" : "") + lines[i] + "\033[K";
  text += "\033[J";  // lines that are no longer there
  fmt::print(stderr, "{}", text);
  std::fflush(stderr);
  shown_ = lines;
}

std::string ProgressView::count_text() const {
  const std::string all = std::to_string(last_.cells);
  return fmt::format("[{:>{}}/{}]", last_.cells_reused + ended_, all.size(), all);
}

void ProgressView::finished(const Finished& finished, const store::Imported& imported) {
  ended_ += finished.node->kind == NodeKind::cell;
  const bool ok = finished.status == "ok" && imported.status == "ok";
  const bool invalid = ok && imported.level != store::Level::valid;
  // On a terminal the bar counts successes; only what needs attention stays on the screen.
  if (terminal_ && ok && !invalid) return;
  const std::string status = !ok ? (imported.status == "ok" ? finished.status : imported.status)
                                 : invalid ? store::level_name(imported.level) : "ok";
  std::string text = fmt::format("{} {:<9} {} ({})", count_text(), status, finished.node->label, duration_text(seconds_of(finished)));
  if (!ok) text += ": " + (imported.reason.empty() ? finished.reason : imported.reason);
  line(paint(text, ok && !invalid ? Tone::plain : invalid ? Tone::warn : Tone::bad, 2));
}

void ProgressView::refused(const Finished& finished, const std::string& why) {
  ended_ += finished.node->kind == NodeKind::cell;
  line(paint(fmt::format("{} refused   {}: {}", count_text(), finished.node->label, why), Tone::bad, 2));
}

void ProgressView::line(const std::string& text) {
  close();
  remark(text);
  told_at_ = Clock::now();
}

void ProgressView::close() {
  if (shown_.empty()) return;
  draw({""});
  shown_.clear();
}

}  // namespace assay::cli
