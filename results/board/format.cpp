// Boards and curves as a table for a terminal and as markdown. CSV and JSON are in csv.cpp and json.cpp.
#include "results/board/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "harness/metrics/registry.hpp"
#include "results/board/matrix.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

using Lines = std::vector<std::vector<std::string>>;

constexpr int keep = 0, drop_cost = 1, drop_bar = 2, drop_metric = 3;

// A column of the printed table: its head and one text a row.
struct TextColumn {
  std::string head;
  std::vector<std::string> cells;
  bool left = false;
  int drop = 0;  // what does not fit goes in order of falling numbers; 0: never
  std::vector<std::string> brief;  // instead of the cells where nothing more can go; empty: as they are

  std::size_t width() const {
    std::size_t w = display_width(head);
    for (const std::string& cell : cells) w = std::max(w, display_width(cell));
    return w;
  }
};

template <class Text>
TextColumn column(const Board& board, const std::string& head, bool left, int drop, const Text& text) {
  TextColumn out{head, {}, left, drop, {}};
  for (const Row& row : board.rows) out.cells.push_back(text(row));
  return out;
}

bool any(const TextColumn& c) {
  return std::any_of(c.cells.begin(), c.cells.end(), [](const std::string& cell) { return !cell.empty() && cell != "-" && cell != "0"; });
}

std::string value_text(const Value& value) {
  const std::string interval = interval_text(value);
  return interval.empty() ? number_text(value) : number_text(value) + " " + interval;
}

void add_bar(std::vector<TextColumn>& out, const Board& board, bool ascii) {
  if (board.metrics.empty()) return;
  const auto* info = metrics::find(board.metrics[0].quantity);
  if (info == nullptr || !std::isfinite(info->min) || !std::isfinite(info->max)) return;
  out.push_back(column(board, "", true, drop_bar, [&](const Row& row) {
    const auto& mean = row.values[0].mean;
    return mean ? bar((*mean - info->min) / (info->max - info->min), 10, ascii) : std::string();
  }));
}

void add_cost(std::vector<TextColumn>& out, const Board& board) {
  const auto cost = [&](const std::string& head, auto text) {
    TextColumn c = column(board, head, false, drop_cost, [&](const Row& row) { return row.coverage.done == 0 || !row.cost.known ? std::string("-") : text(row.cost); });
    if (any(c)) out.push_back(std::move(c));
  };
  cost("cpu", [](const Cost& c) { return seconds_text(c.cpu_seconds); });
  cost("fwd", [](const Cost& c) { return count_text(c.forward); });
  cost("bwd", [](const Cost& c) { return count_text(c.backward); });
  cost("MACs", [](const Cost& c) { return count_text(c.macs); });
}

// A subject's worst case is named whole, what single attacks leave by the attack alone.
std::string head_of(const Board& board, std::size_t metric) {
  const Metric& of = board.metrics[metric];
  return board.rank == "subject" && !of.configuration.empty() ? "under " + of.configuration : of.title();
}

std::vector<TextColumn> make_columns(const Board& board, bool bars, bool ascii) {
  std::vector<TextColumn> out;
  out.push_back(column(board, "rank", false, keep, rank_text));
  std::set<std::string> subjects;
  for (const Row& row : board.rows) subjects.insert(row.subject);
  if (subjects.size() > 1 || board.rank == "subject")
    out.push_back(column(board, "subject", true, keep, [](const Row& row) { return row.subject; }));
  if (board.rank != "subject") out.push_back(column(board, "method", true, keep, row_name));
  for (std::size_t i = 0; i < board.metrics.size(); ++i) {
    const std::string& quantity = board.metrics[i].quantity;
    const bool companion = quantity == "accuracy_lost" || ((quantity == "accuracy" || board.suite.task == "compress") && i < 3);
    const bool first = i == 0;
    const bool alone = board.rank == "subject" && !board.metrics[i].configuration.empty();  // says more than a cost
    TextColumn numbers = column(board, head_of(board, i), false, first || companion ? keep : alone ? drop_cost : drop_metric,
                                [&](const Row& row) { return value_text(row.values[i]); });
    if (companion && !first)
      for (const Row& row : board.rows) numbers.brief.push_back(number_text(row.values[i]));
    out.push_back(std::move(numbers));
    if (first && bars) add_bar(out, board, ascii);
  }
  if (!board.metrics.empty()) {
    TextColumn claimed = column(board, "claimed", false, keep, [&](const Row& row) { return claimed_text(board, row, board.metrics[0]); });
    if (any(claimed)) out.push_back(std::move(claimed));
  }
  out.push_back(column(board, "cells", false, keep, [](const Row& row) { return row.coverage.str(); }));
  out.push_back(column(board, "verdict", true, keep, verdict_text));
  if (board.suite.task == "detect")  // rule 31
    out.push_back(column(board, "outliers", true, keep, [](const Row& row) { return std::string(row.uses_outliers ? "yes" : "no"); }));
  add_cost(out, board);
  return out;
}

std::size_t total_width(const std::vector<TextColumn>& columns) {
  std::size_t sum = 0;
  for (const TextColumn& c : columns) sum += c.width() + 2;
  return sum == 0 ? 0 : sum - 2;
}

// Drops columns until the table fits: other metrics from the right, then the bar, then costs. Names of what was dropped.
std::vector<std::string> fit(std::vector<TextColumn>& columns, std::size_t width) {
  std::vector<std::string> dropped;
  for (int level = drop_metric; level > keep; --level)
    for (std::size_t i = columns.size(); i-- > 0 && total_width(columns) > width;) {
      if (columns[i].drop != level) continue;
      if (!columns[i].head.empty()) dropped.insert(dropped.begin(), columns[i].head);
      columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(i));
    }
  for (TextColumn& c : columns) {
    if (total_width(columns) <= width || c.brief.empty()) continue;
    c.cells = std::move(c.brief);
    dropped.push_back("intervals of " + c.head);
  }
  return dropped;
}

std::string wrapped(const std::string& text, std::size_t width, const std::string& indent) {
  std::string out, line;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      out += line + "\n";
      line = indent + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
    at = end + 1;
  }
  return out + line + "\n";
}

// What the shown metrics mean (rule 30).
std::string meanings(const Board& board, const std::vector<TextColumn>& columns, std::size_t width) {
  std::string out;
  for (const std::string& note : board.footnotes) {
    const std::string quantity = note.substr(0, note.find(':'));
    const bool shown = std::any_of(columns.begin(), columns.end(), [&](const TextColumn& c) { return c.head == quantity || c.head.starts_with(quantity + " "); });
    if (shown) out += wrapped(note, width, "    ");
  }
  return out.empty() ? "" : "\n" + out;
}

// Right-aligned text is padded here, so that every column can be laid out as left-aligned.
std::string lay_out(const std::vector<TextColumn>& columns, std::size_t rows, bool ascii) {
  std::string out;
  std::string rule;
  for (std::size_t line = 0; line <= rows; ++line) {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string& cell = line == 0 ? columns[i].head : columns[i].cells[line - 1];
      const std::string pad(columns[i].width() - display_width(cell), ' ');
      text += (i == 0 ? "" : "  ") + (columns[i].left ? cell + pad : pad + cell);
      if (line == 0) {
        if (i > 0) rule += "  ";
        for (std::size_t k = 0; k < columns[i].width(); ++k) rule += ascii ? "-" : "\u2500";
      }
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
    if (line == 0) out += rule + "\n";
  }
  return out;
}

std::string heading(const Board& board) {
  return fmt::format("{} (version {}), task {}, protocol {}", board.suite.name, board.suite.version, board.suite.task,
                     board.suite.protocol_hash.substr(0, 12));
}

// Claimed numbers, apart from measured ones (rule 12).
std::string claimed_table(const Board& board) {
  if (board.claimed.empty()) return "";
  Lines lines = {{"method", "subject", "quantity", "claimed", "source"}};
  for (const auto& c : board.claimed)
    lines.push_back({c.method, c.subject, c.quantity + (c.condition.empty() ? "" : " @ " + c.condition), short_number(c.value), c.source});
  return "\nClaimed in papers, not measured here:\n" + aligned(lines, 5);
}

std::string remark_lines(const Board& board, std::size_t width) {
  std::string out;
  for (const Row& row : board.rows)
    if (const std::string text = remarks(row); !text.empty()) {
      const std::string who = (board.rank == "subject" ? row.subject : row_name(row)) + ": ";
      out += wrapped(who + text, width, "    ");
    }
  return out;
}

// Of a matrix, whose rows all carry the same notes, only what went wrong.
std::string trouble_lines(const Board& board, std::size_t width) {
  std::string out;
  for (const Row& row : board.rows) {
    std::vector<std::string> parts = row.reasons;
    if (row.status != "ok") parts.insert(parts.begin(), row.status);
    if (!parts.empty()) out += wrapped(row_name(row) + " on " + row.subject + ": " + join(parts, "; "), width, "    ");
  }
  return out;
}

std::string table(const Board& board, const FormatOptions& options) {
  const auto width = static_cast<std::size_t>(std::max(40, options.width));
  auto columns = make_columns(board, true, options.ascii);
  const auto dropped = fit(columns, width);
  std::string out = heading(board) + "\n" + wrapped(board.sentence, width, "") + "\n";
  // Rows of a transfer matrix are its cells: as a list they are for machines.
  if (const std::string matrices = matrix_text(board, width); !matrices.empty()) {
    const std::string troubles = trouble_lines(board, width);
    columns.resize(std::min<std::size_t>(columns.size(), 4));  // up to the metric that the matrices show
    return out + matrices + (troubles.empty() ? "" : "\n" + troubles) + meanings(board, columns, width);
  }
  out += lay_out(columns, board.rows.size(), options.ascii);
  if (board.rows.empty()) out += "no cells\n";
  const std::string notes = remark_lines(board, width);
  if (!notes.empty()) out += "\n" + notes;
  if (!dropped.empty()) out += "\n" + wrapped("Not shown for width: " + join(dropped, ", ") + " (see --format csv).", width, "");
  return out + meanings(board, columns, width) + claimed_table(board);
}

std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

std::string markdown_lines(const Lines& lines, const std::vector<bool>& left) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += "|";
    for (const std::string& cell : lines[i]) out += " " + escaped(cell) + " |";
    out += "\n";
    if (i > 0) continue;
    out += "|";
    for (const bool l : left) out += l ? "---|" : "---:|";
    out += "\n";
  }
  return out;
}

std::string markdown(const Board& board) {
  auto columns = make_columns(board, false, true);
  // Every number carries its interval here; bold is for the best rank only, never for what was not ranked (rules 4, 5).
  std::size_t first_metric = 0;
  while (!board.metrics.empty() && columns[first_metric].head != head_of(board, 0)) ++first_metric;
  for (std::size_t m = 0; m < board.metrics.size(); ++m)
    for (std::size_t r = 0; r < board.rows.size(); ++r) {
      std::string& cell = columns[first_metric + m].cells[r];
      cell = value_text(board.rows[r].values[m]);
      if (m == 0 && board.rows[r].rank && board.rows[r].rank->lo == 1) cell = "**" + cell + "**";
    }
  columns.push_back(column(board, "remarks", true, keep, remarks));
  Lines lines(board.rows.size() + 1);
  std::vector<bool> left;
  for (const TextColumn& c : columns) {
    left.push_back(c.left);
    lines[0].push_back(c.head);
    for (std::size_t r = 0; r < board.rows.size(); ++r) lines[r + 1].push_back(c.cells[r]);
  }
  std::string out = "### " + heading(board) + "\n\n" + board.sentence + "\n\n" + markdown_lines(lines, left);
  if (!board.footnotes.empty()) out += "\n";
  for (const std::string& note : board.footnotes) out += "* " + note + "\n";
  if (board.claimed.empty()) return out;
  Lines claimed = {{"method", "subject", "quantity", "claimed", "source"}};
  for (const auto& c : board.claimed)
    claimed.push_back({c.method, c.subject, c.quantity + (c.condition.empty() ? "" : " @ " + c.condition), short_number(c.value), c.source});
  return out + "\nClaimed in papers, not measured here:\n\n" + markdown_lines(claimed, {true, true, true, false, true});
}

// --- curves ---

// A line of eight heights, one character a point; '_' where there is none.
std::string sparkline(const Curve& curve, double lo, double hi, bool ascii) {
  static const char* const blocks[] = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
  static const char* const letters[] = {"_", ".", "-", "=", "+", "*", "%", "#"};
  std::string out;
  for (const CurvePoint& p : curve.points) {
    if (!p.mean) {
      out += " ";
      continue;
    }
    const double share = hi > lo ? (*p.mean - lo) / (hi - lo) : 1;
    const auto level = static_cast<std::size_t>(std::clamp(std::lround(share * 7), 0L, 7L));
    out += ascii ? letters[level] : blocks[level];
  }
  return out;
}

Lines curve_lines(const Curves& curves, bool ascii) {
  double lo = 0, hi = 0;
  bool seen = false;
  for (const Curve& curve : curves.curves)
    for (const CurvePoint& p : curve.points)
      if (p.mean) {
        lo = seen ? std::min(lo, *p.mean) : *p.mean;
        hi = seen ? std::max(hi, *p.mean) : *p.mean;
        seen = true;
      }
  Lines lines(1, {"subject", "method"});
  if (!curves.curves.empty())
    for (const CurvePoint& p : curves.curves[0].points) lines[0].push_back(curves.axis + " " + p.label);
  lines[0].push_back("curve");
  for (const Curve& curve : curves.curves) {
    std::vector<std::string> line = {curve.subject, curve.method + (curve.baseline ? " (baseline)" : "")};
    for (const CurvePoint& p : curve.points) line.push_back(p.mean ? short_number(*p.mean) : "-");
    line.push_back(sparkline(curve, lo, hi, ascii));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string curve_title(const Curves& curves) {
  return curves.quantity + (curves.condition.empty() ? "" : " @ " + curves.condition) + " against " + curves.axis + ", means over seeds";
}

}  // namespace

Format parse_format(const std::string& name) {
  if (name == "table") return Format::table;
  if (name == "markdown") return Format::markdown;
  if (name == "csv") return Format::csv;
  if (name == "json") return Format::json;
  throw Error(Fault::bad_input, "unknown format '" + name + "'" + suggestion(name, {"table", "markdown", "csv", "json"}));
}

std::string format(const Board& board, Format kind, const FormatOptions& options) {
  switch (kind) {
    case Format::table: return table(board, options);
    case Format::markdown: return markdown(board);
    case Format::csv: return csv_of(board);
    case Format::json: return json_of(board);
  }
  return "";
}

std::string format(const Curves& curves, Format kind, const FormatOptions& options) {
  if (kind == Format::csv) return csv_of(curves);
  if (kind == Format::json) return json_of(curves);
  const bool md = kind == Format::markdown;
  const Lines lines = curve_lines(curves, options.ascii);
  std::vector<bool> left(lines[0].size(), false);
  left[0] = left[1] = left.back() = true;
  std::string out = md ? "### " + curve_title(curves) + "\n\n" + markdown_lines(lines, left) : curve_title(curves) + "\n" + aligned(lines, 2);
  for (const std::string& note : curves.notes) out += (md ? "\n* " : "") + note + "\n";
  return out;
}

}  // namespace assay::board
