#include "harness/cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "harness/base/csv.hpp"
#include "harness/base/error.hpp"

namespace assay::cli {
namespace {

FILE* file_of(int stream) { return stream == 2 ? stderr : stdout; }

bool coloured(int stream) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  return is_terminal(stream) && (term == nullptr || std::string_view(term) != "dumb");
}

const char* escape_of(Tone tone) {
  switch (tone) {
    case Tone::bold: return "\033[1m";
    case Tone::dim: return "\033[2m";
    case Tone::good: return "\033[32m";
    case Tone::warn: return "\033[33m";
    case Tone::bad: return "\033[31m";
    case Tone::plain: break;
  }
  return "";
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string gap(width - std::min(width, display_width(text)), ' ');
  return right ? gap + text : text + gap;
}

std::string csv_value(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_number()) return value.dump();  // all digits: a CSV is read by programs
  return csv_field(cell_text(value));
}

}  // namespace

Format parse_format(const std::string& name, const std::vector<std::string>& allowed) {
  for (const std::string& one : allowed) {
    if (name != one) continue;
    if (name == "json") return Format::json;
    if (name == "markdown") return Format::markdown;
    return name == "csv" ? Format::csv : Format::table;
  }
  throw Error(Fault::bad_input, "--format: unknown format '" + name + "'" + suggestion(name, allowed));
}

bool is_terminal(int stream) { return isatty(stream) == 1; }

int terminal_width(int stream) {
  winsize size{};
  if (ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::string paint(std::string_view text, Tone tone, int stream) {
  if (tone == Tone::plain || !coloured(stream)) return std::string(text);
  return std::string(escape_of(tone)) + std::string(text) + "\033[0m";
}

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), file_of(1)); }

void remark(std::string_view text) {
  std::fflush(stdout);  // so that both streams keep their order in one terminal
  fmt::print(stderr, "{}\n", text);
}

void warn(std::string_view text) { remark(paint("warning: ", Tone::warn, 2) + std::string(text)); }

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  for (const char c : utf8) width += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  return width;
}

std::string cell_text(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.as_string();
  if (value.is_bool()) return value.as_bool() ? "yes" : "no";
  if (value.is_real()) {
    const double real = value.as_real();
    if (std::isfinite(real) && real != 0 && (std::fabs(real) >= 1e6 || std::fabs(real) < 1e-4)) return fmt::format("{:.3e}", real);
    return fmt::format("{:.4f}", real);
  }
  if (value.is_int()) return std::to_string(value.as_int());
  std::string joined;
  if (value.is_array()) {
    for (const Json& item : value.as_array()) joined += (joined.empty() ? "" : ", ") + cell_text(item);
    return joined;
  }
  for (const auto& [key, item] : value.as_object()) {
    joined += joined.empty() ? "" : " ";
    joined += key + "=" + (item.is_real() ? item.dump() : cell_text(item));
  }
  return joined;
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds < 100) return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 1 : 0);
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string bytes_text(double bytes) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(units)) {
    bytes /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

Table::Table(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<Json> row, Tone tone) {
  if (row.size() != columns_.size()) throw Error(Fault::internal, "table row with the wrong number of values");
  rows_.push_back(std::move(row));
  tones_.push_back(tone);
}

std::string Table::text(Format format) const {
  switch (format) {
    case Format::json: return json().dump(2) + "\n";
    case Format::markdown: return markdown();
    case Format::csv: return csv();
    case Format::table: break;
  }
  return aligned();
}

void Table::print(Format format) const { cli::print(std::string_view(text(format))); }

std::string Table::aligned() const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    widths.push_back(display_width(columns_[c].title));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], display_width(cell_text(row[c])));
  }
  const auto line = [&](const auto& text_of, Tone tone) {
    std::string one;
    for (std::size_t c = 0; c < columns_.size(); ++c)
      one += (c == 0 ? "" : "  ") + padded(text_of(c), widths[c], columns_[c].right);
    one.erase(one.find_last_not_of(' ') + 1);
    return paint(one, tone) + "\n";
  };
  std::string out = line([&](std::size_t c) { return columns_[c].title; }, Tone::bold);
  for (std::size_t r = 0; r < rows_.size(); ++r)
    out += line([&](std::size_t c) { return cell_text(rows_[r][c]); }, tones_[r]);
  return out;
}

std::string Table::markdown() const {
  std::string head = "|", rule = "|", body;
  for (const TableColumn& column : columns_) {
    head += " " + column.title + " |";
    rule += column.right ? "---:|" : "---|";
  }
  for (const auto& row : rows_) {
    body += "|";
    for (const Json& value : row) {
      body += " ";
      for (const char c : cell_text(value)) body += c == '|' ? std::string("\\|") : std::string(1, c);
      body += " |";
    }
    body += "\n";
  }
  return head + "\n" + rule + "\n" + body;
}

std::string Table::csv() const {
  std::string out;
  for (std::size_t c = 0; c < columns_.size(); ++c) out += (c == 0 ? "" : ",") + csv_field(columns_[c].key);
  out += "\n";
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) out += (c == 0 ? "" : ",") + csv_value(row[c]);
    out += "\n";
  }
  return out;
}

Json Table::json() const {
  Json rows = Json::array();
  for (const auto& row : rows_) {
    Json item = Json(Json::Object{});
    for (std::size_t c = 0; c < row.size(); ++c) item[columns_[c].key] = row[c];
    rows.push_back(std::move(item));
  }
  return rows;
}

}  // namespace assay::cli
