#include "results/board/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "results/board/text.hpp"

namespace assay::board {
namespace {

constexpr const char* source_axis = "surrogate";

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& one : list.as_array()) out.push_back(one.as_string());
  return out;
}

std::vector<std::string> subjects_of(const Json& protocol) {
  std::vector<std::string> out;
  for (const Json& one : protocol.at("subjects").as_array()) out.push_back(one.get("id", ""));
  return out;
}

std::string method_of(const Row& row) {
  Row bare = row;
  if (bare.axes.is_object()) bare.axes.object_ref().erase(source_axis);
  return row_name(bare);
}

Matrix empty_matrix(const Json& protocol, const Row& row, const std::string& method) {
  const Json& threat = protocol.at("threat");
  Matrix out;
  out.method = method;
  out.baseline = row.baseline;
  out.sources = texts(threat.at("surrogates"));
  out.victims = texts(threat.at("victims"));
  if (out.victims.empty()) out.victims = subjects_of(protocol);
  out.pairings.assign(out.sources.size(), std::vector<Pairing>(out.victims.size()));
  return out;
}

void put(Matrix& matrix, const Row& row, std::size_t at) {
  const auto source = std::find(matrix.sources.begin(), matrix.sources.end(), row.axes.get(source_axis, ""));
  const auto victim = std::find(matrix.victims.begin(), matrix.victims.end(), row.subject);
  if (source == matrix.sources.end() || victim == matrix.victims.end()) return;
  matrix.pairings[static_cast<std::size_t>(source - matrix.sources.begin())][static_cast<std::size_t>(victim - matrix.victims.begin())] =
      {at, true, row.axes.has("diagonal")};
}

std::string number(const Board& board, const Pairing& pairing, bool intervals) {
  if (!pairing.there) return "-";
  const Row& row = board.rows[pairing.row];
  const Value& value = row.values[0];
  std::string text = value.mean ? fmt::format("{:.3f}", *value.mean) : "-";
  if (intervals && value.mean && value.interval) text += fmt::format("\u00b1{:.3f}", (value.interval->hi - value.interval->lo) / 2);
  if (value.mean && row.level != store::Level::valid) text += "?";
  return pairing.diagonal ? "[" + text + "]" : text;
}

// Of the victims without attack, from whichever cell has it.
std::vector<std::string> clean_line(const Board& board, const Matrix& matrix) {
  const auto metric = std::find_if(board.metrics.begin(), board.metrics.end(),
                                   [](const Metric& m) { return m.quantity == "accuracy" && m.condition == "clean"; });
  std::vector<std::string> out = {"accuracy @ clean"};
  for (const std::string& victim : matrix.victims) {
    std::string text = "-";
    for (const Row& row : board.rows)
      if (row.subject == victim && metric != board.metrics.end())
        if (const auto& mean = row.values[static_cast<std::size_t>(metric - board.metrics.begin())].mean) text = fmt::format("{:.3f}", *mean);
    out.push_back(text);
  }
  return out;
}

// A baseline that looks at no source does the same whatever it is: one line says it.
bool ignores_source(const Board& board, const Matrix& matrix) {
  if (!matrix.baseline || matrix.sources.size() < 2) return false;
  const auto value = [&](std::size_t s, std::size_t v) {
    const Pairing& one = matrix.pairings[s][v];
    return one.there ? board.rows[one.row].values[0].mean : std::nullopt;
  };
  for (std::size_t s = 1; s < matrix.sources.size(); ++s)
    for (std::size_t v = 0; v < matrix.victims.size(); ++v)
      if (value(s, v) != value(0, v)) return false;
  return true;
}

Matrix one_line(Matrix matrix) {
  matrix.sources = {"any"};
  matrix.pairings.resize(1);
  for (Pairing& one : matrix.pairings[0]) one.diagonal = false;
  return matrix;
}

using Lines = std::vector<std::vector<std::string>>;

Lines lines_of(const Board& board, const Matrix& matrix, bool intervals) {
  Lines lines(1, {"from \\ on"});
  lines[0].insert(lines[0].end(), matrix.victims.begin(), matrix.victims.end());
  for (std::size_t s = 0; s < matrix.sources.size(); ++s) {
    std::vector<std::string> line = {matrix.sources[s]};
    for (const Pairing& pairing : matrix.pairings[s]) line.push_back(number(board, pairing, intervals));
    lines.push_back(std::move(line));
  }
  lines.push_back(clean_line(board, matrix));
  return lines;
}

std::size_t widest(const std::string& text) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out = std::max(out, display_width(text.substr(at, end - at)));
    at = end + 1;
  }
  return out;
}

}  // namespace

std::vector<Matrix> make_matrices(const Board& board) {
  const Json& protocol = board.suite.protocol;
  if (!protocol.is_object() || !protocol.has("threat") || !protocol.at("threat").get("matrix", false)) return {};
  std::vector<Matrix> out;
  for (std::size_t at = 0; at < board.rows.size(); ++at) {
    const Row& row = board.rows[at];
    if (!row.axes.is_object() || !row.axes.has(source_axis)) continue;
    const std::string method = method_of(row);
    auto found = std::find_if(out.begin(), out.end(), [&](const Matrix& m) { return m.method == method; });
    if (found == out.end()) found = out.insert(out.end(), empty_matrix(protocol, row, method));
    put(*found, row, at);
  }
  std::stable_sort(out.begin(), out.end(), [](const Matrix& a, const Matrix& b) { return !a.baseline && b.baseline; });
  return out;
}

std::string matrix_text(const Board& board, std::size_t width) {
  std::string out;
  bool shortened = false;
  if (board.metrics.empty()) return out;
  const auto matrices = make_matrices(board);
  for (const Matrix& whole : matrices) {
    const Matrix matrix = ignores_source(board, whole) ? one_line(whole) : whole;
    std::string text = aligned(lines_of(board, matrix, true), 1);
    const bool fits = widest(text) <= width;
    if (!fits) text = aligned(lines_of(board, matrix, false), 1);
    shortened = shortened || !fits;
    out += fmt::format("{}{}: {}\n{}\n", matrix.method, matrix.baseline ? " (baseline)" : "", board.metrics[0].title(), text);
  }
  if (out.empty()) return out;
  out += "Sources of the gradients are lines, attacked nets are columns; in [brackets]: one net is both (rule 27); ?: not VALID.\n";
  return out + (shortened ? "Intervals need a wider terminal, or --format csv.\n" : "\u00b1: half the width of the interval.\n");
}

}  // namespace assay::board
