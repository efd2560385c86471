// Everything that the commands print goes through here: text, tables in four formats, colour.
// Results go to stdout, remarks and progress to stderr. Threading: main thread only.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.hpp"

namespace assay::cli {

enum class Format { table, json, markdown, csv };
Format parse_format(const std::string& name, const std::vector<std::string>& allowed);  // throws Error(bad_input)

enum class Tone { plain, bold, dim, good, warn, bad };
// `text` in the tone's colour when `stream` (1 or 2) is a terminal and NO_COLOR is not set, else unchanged.
std::string paint(std::string_view text, Tone tone, int stream = 1);
bool is_terminal(int stream);
int terminal_width(int stream);  // columns; 80 when unknown

void print(std::string_view text);   // stdout, as it is
void remark(std::string_view text);  // stderr, one line
void warn(std::string_view text);    // stderr, "warning: " in front

template <class... Args>
void print(fmt::format_string<Args...> text, Args&&... args) requires(sizeof...(Args) > 0) {
  print(std::string_view(fmt::format(text, std::forward<Args>(args)...)));
}

struct TableColumn {
  std::string key;    // in JSON
  std::string title;  // elsewhere
  bool right = false; // aligned right (numbers)
};

// Rows of values. Text formats show reals with four significant digits after the point, null as "-", lists joined by
// commas, and objects as key=value; JSON keeps the values.
class Table {
 public:
  explicit Table(std::vector<TableColumn> columns);
  void add(std::vector<Json> row, Tone tone = Tone::plain);  // as many values as columns
  std::size_t rows() const { return rows_.size(); }
  std::string text(Format format) const;
  void print(Format format) const;

 private:
  std::string aligned() const;
  std::string markdown() const;
  std::string csv() const;
  Json json() const;

  std::vector<TableColumn> columns_;
  std::vector<std::vector<Json>> rows_;
  std::vector<Tone> tones_;
};

std::string cell_text(const Json& value);
std::size_t display_width(std::string_view utf8);       // code points
std::string duration_text(double seconds);              // "12.3 s", "3 min 20 s", "2 h 05 min"
std::string bytes_text(double bytes);                   // "12.3 MB"

}  // namespace assay::cli
