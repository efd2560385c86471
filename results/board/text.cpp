#include "results/board/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "results/board/format.hpp"
#include "results/board/interchange.hpp"

namespace assay::board {

std::string exact_number(double value) { return Json(value).dump(); }

std::string short_number(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value)) return value != value ? "nan" : value > 0 ? "inf" : "-inf";
  if (size < 10) return fmt::format("{:.4f}", value);
  if (size < 100) return fmt::format("{:.2f}", value);
  return size < 1e6 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string count_text(double value) {
  if (value < 1000) return fmt::format("{:.0f}", value);
  if (value < 1e6) return fmt::format("{:.3g}k", value / 1e3);
  if (value < 1e9) return fmt::format("{:.3g}M", value / 1e6);
  if (value < 1e12) return fmt::format("{:.3g}G", value / 1e9);
  return fmt::format("{:.3g}T", value / 1e12);
}

std::string seconds_text(double seconds) {
  if (seconds < 10) return fmt::format("{:.2f}s", seconds);
  if (seconds < 60) return fmt::format("{:.1f}s", seconds);
  const long whole = std::lround(seconds);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

std::string rank_text(const Row& row) {
  if (row.rank) return row.rank->lo == row.rank->hi ? std::to_string(row.rank->lo) : fmt::format("{}-{}", row.rank->lo, row.rank->hi);
  if (row.baseline || row.submitted) return row.baseline ? "base" : "sub.";
  return row.single_run && row.coverage.done > 0 ? "single" : "-";  // whatever else stands against it
}

std::string axes_text(const Row& row) {
  std::vector<std::string> parts;
  if (row.axes.is_object())
    for (const auto& [key, value] : row.axes.as_object())
      if (key != "subject" && key != "diagonal") parts.push_back(key + "=" + (value.is_string() ? value.as_string() : value.dump()));
  return join(parts, " ");
}

std::string row_name(const Row& row) {
  const std::string axes = axes_text(row);
  return axes.empty() ? row.method : row.method + " " + axes;
}

std::string number_text(const Value& value) {
  if (!value.mean) return "-";
  std::string out = short_number(*value.mean);
  if (value.denominator) out += fmt::format(" ({:.0f}/{:.0f})", value.numerator.value_or(0), *value.denominator);
  return out;
}

std::string interval_text(const Value& value) {
  if (!value.interval) return "";
  return fmt::format("[{}, {}]{}", short_number(value.interval->lo), short_number(value.interval->hi),
                     value.interval->over == "seeds" ? "s" : "");
}

std::string claimed_text(const Board& board, const Row& row, const Metric& metric) {
  std::vector<std::string> values;
  for (const auto* claim : claims_beside(board, row, metric))
    if (const std::string text = short_number(claim->value); std::find(values.begin(), values.end(), text) == values.end())
      values.push_back(text);
  return join(values, " / ");
}

std::string join(const std::vector<std::string>& parts, const std::string& between) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : between) + parts[i];
  return out;
}

std::string verdict_text(const Row& row) {
  if (row.level != store::Level::valid || row.coverage.done == row.coverage.planned) return store::level_name(row.level);
  if (row.coverage.done > 0) return "PARTIAL";
  return row.status == std::to_string(row.coverage.planned) + " of " + std::to_string(row.coverage.planned) + " not run" ? "NOT RUN" : "FAILED";
}

std::string remarks(const Row& row) {
  std::vector<std::string> parts = row.notes;
  if (row.status != "ok") parts.push_back(row.status);
  parts.insert(parts.end(), row.reasons.begin(), row.reasons.end());
  const bool said = row.unranked_because.empty() || row.unranked_because == row.status || row.baseline || row.single_run || row.submitted ||
                    row.level != store::Level::valid || row.unranked_because == "ranked elsewhere on the axes" ||
                    row.unranked_because == "this suite does not rank";
  if (!said) parts.push_back("not ranked: " + row.unranked_because);
  return join(parts, "; ");
}

std::string bar(double share, int width, bool ascii) {
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * width));
  std::string out;
  for (int i = 0; i < width; ++i) out += i < full ? (ascii ? "#" : "\u2588") : (ascii ? "." : "\u00b7");
  return out;
}

std::size_t display_width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string aligned(const std::vector<std::vector<std::string>>& lines, std::size_t left) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], display_width(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string pad(widths[i] - display_width(line[i]), ' ');
      text += (i == 0 ? "" : "  ") + (i < left ? line[i] + pad : pad + line[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace assay::board
