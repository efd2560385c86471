// CSV after RFC 4180. Cells are kept as text and, where a whole column is numeric, as numbers.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/data/loaders/formats.hpp"

namespace assay::data {
namespace {

struct Cell {
  std::string text;
  bool quoted = false;
};
struct Row {
  std::int64_t line = 0;  // where it begins
  std::vector<Cell> cells;
};

class Scanner {
 public:
  Scanner(const fs::path& file, std::string_view text, char delimiter)
      : file_(file), text_(text), delimiter_(delimiter) {
    constexpr std::string_view mark = "\xef\xbb\xbf";
    if (text_.substr(0, mark.size()) == mark) at_ = mark.size();
  }

  bool done() const { return at_ >= text_.size(); }

  void skip_line() {
    const std::size_t end = text_.find('\n', at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    ++line_;
  }

  // One row; false for an empty line, which is passed over.
  bool row(Row& out) {
    out = {line_, {}};
    row_start_ = at_;
    while (true) {
      out.cells.push_back(cell());
      if (done() || text_[at_] != delimiter_) break;
      ++at_;
    }
    if (!done() && text_[at_] == '\r') ++at_;
    if (!done() && text_[at_] != '\n') refuse("expected the delimiter or the end of the line");
    if (!done()) ++at_;
    ++line_;
    return out.cells.size() > 1 || !out.cells.front().text.empty() || out.cells.front().quoted;
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Fault::bad_input, file_.string() + ":" + std::to_string(line_) + ":" +
                                      std::to_string(at_ >= row_start_ ? at_ - row_start_ + 1 : 1) + ": " + what);
  }

 private:
  Cell cell() {
    if (!done() && text_[at_] == '"') return {quoted(), true};
    const std::size_t start = at_;
    while (!done() && text_[at_] != delimiter_ && text_[at_] != '\n') {
      if (text_[at_] == '\0') refuse("a zero byte: this is no text file");
      ++at_;
    }
    std::size_t end = at_;
    if (end > start && text_[end - 1] == '\r' && (done() || text_[at_] == '\n')) --end;
    while (end > start && text_[end - 1] == ' ') --end;
    std::size_t begin = start;
    while (begin < end && text_[begin] == ' ') ++begin;
    return {std::string(text_.substr(begin, end - begin)), false};
  }

  std::string quoted() {
    std::string value;
    for (++at_; !done(); ++at_) {
      if (text_[at_] == '\n') {
        ++line_;
        row_start_ = at_ + 1;
      }
      if (text_[at_] != '"') {
        value += text_[at_];
        continue;
      }
      ++at_;
      if (done() || text_[at_] != '"') return value;
      value += '"';
    }
    refuse("a quote is not closed");
  }

  const fs::path& file_;
  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0, row_start_ = 0;
  std::int64_t line_ = 1;
};

bool parse_number(const std::string& text, double& value) {
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const auto [end, code] = std::from_chars(begin, text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

std::vector<CsvColumn> make_columns(Scanner& scanner, const Row& first, bool header) {
  std::vector<CsvColumn> columns(first.cells.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].name = header ? first.cells[i].text : "c" + std::to_string(i);
    if (columns[i].name.empty()) scanner.refuse("column " + std::to_string(i) + " of the header has no name");
    for (std::size_t j = 0; j < i; ++j)
      if (columns[j].name == columns[i].name) scanner.refuse("column '" + columns[i].name + "' occurs twice");
  }
  return columns;
}

void add_row(CsvTable& table, Row& row, const CsvOptions& options) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    CsvColumn& column = table.columns[i];
    Cell& cell = row.cells[i];
    const bool absent =
        !cell.quoted && std::find(options.missing.begin(), options.missing.end(), cell.text) != options.missing.end();
    double number = 0;
    if (!absent && column.numeric && !parse_number(cell.text, number)) column.numeric = false;
    column.numbers.push_back(absent ? 0 : number);
    column.present.push_back(absent ? 0 : 1);
    column.texts.push_back(std::move(cell.text));
  }
  ++table.rows;
}

}  // namespace

bool CsvColumn::complete() const { return std::find(present.begin(), present.end(), 0) == present.end(); }

std::size_t CsvTable::find(const std::string& wanted, const std::string& file) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == wanted) return i;
    names.push_back(columns[i].name);
  }
  std::int64_t index = 0;
  const auto count = static_cast<std::int64_t>(columns.size());
  const auto [end, code] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), index);
  if (code == std::errc() && end == wanted.data() + wanted.size() && index < count && index >= -count)
    return static_cast<std::size_t>(index < 0 ? index + count : index);
  throw Error(Fault::bad_input, file + ": no column '" + wanted + "'" + suggestion(wanted, names));
}

CsvTable read_csv(const fs::path& file, const CsvOptions& options) {
  const std::vector<std::byte> bytes = read_unpacked(file);
  Scanner scanner(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, options.delimiter);
  for (std::int64_t i = 0; i < options.skip && !scanner.done(); ++i) scanner.skip_line();
  CsvTable table;
  Row row;
  bool first = true;
  while (!scanner.done()) {
    if (!scanner.row(row)) continue;
    if (first) table.columns = make_columns(scanner, row, options.header);
    const bool data = !first || !options.header;
    first = false;
    if (row.cells.size() != table.columns.size())
      throw Error(Fault::bad_input, file.string() + ":" + std::to_string(row.line) +
                                        ":1: " + std::to_string(row.cells.size()) + " cells, expected " +
                                        std::to_string(table.columns.size()));
    if (data) add_row(table, row, options);
  }
  if (table.rows == 0) throw Error(Fault::bad_input, file.string() + ": no rows of data");
  return table;
}

}  // namespace assay::data
