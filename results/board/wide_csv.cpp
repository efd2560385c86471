// A wide CSV (rows: data sets, seeds or samples; columns: methods) as a table to compare.
#include <algorithm>
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "results/board/compare.hpp"

namespace assay::board {
namespace {

using Record = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// Records of RFC 4180: a quoted field may hold commas, line ends and doubled quotes. Blank lines are skipped.
class CsvReader {
 public:
  CsvReader(const std::string& text, const std::string& origin) : text_(text), origin_(origin) {}

  std::vector<Record> run() {
    for (const char c : text_) {
      line_ += c == '\n';
      if (quoted_)
        inside(c);
      else
        outside(c);
    }
    if (quoted_ && !closing_) bad_input_in(origin_ + ":" + std::to_string(line_), "a quoted field does not end");
    end_record();
    return std::move(records_);
  }

 private:
  void inside(char c) {
    if (closing_ && c != '"') {
      quoted_ = closing_ = false;
      outside(c);
    } else if (c == '"' && !closing_) {
      closing_ = true;  // or the first of two
    } else {
      closing_ = false;
      field_ += c;
    }
  }

  void outside(char c) {
    if (c == '"' && trimmed(field_).empty()) {
      field_.clear();
      quoted_ = true;
    } else if (c == ',') {
      end_field();
    } else if (c == '\n') {
      end_record();
    } else {
      field_ += c;
    }
  }

  void end_field() {
    record_.push_back(trimmed(field_));
    field_.clear();
  }

  void end_record() {
    quoted_ = closing_ = false;
    end_field();
    if (record_.size() > 1 || !record_[0].empty()) records_.push_back(record_);
    record_.clear();
  }

  const std::string& text_;
  const std::string& origin_;
  std::vector<Record> records_;
  Record record_;
  std::string field_;
  bool quoted_ = false, closing_ = false;
  int line_ = 1;
};

std::optional<double> number(const std::string& text, const std::string& where) {
  const std::string name = lower(text);
  if (name.empty() || name == "-" || name == "na" || name == "nan") return std::nullopt;
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != text.size() || !std::isfinite(value)) bad_input_in(where, "'" + text + "' is not a finite number");
  return value;
}

void check_head(const Record& head, std::size_t first, const std::string& origin) {
  if (head.size() < first + 2) bad_input_in(origin, "needs a column of names and at least two methods");
  std::set<std::string> seen;
  for (std::size_t m = first; m < head.size(); ++m) {
    if (head[m].empty()) bad_input_in(origin, "column " + std::to_string(m + 1) + " has no name");
    if (!seen.insert(head[m]).second) bad_input_in(origin, "two columns are named '" + head[m] + "'");
  }
}

// Seeds averaged within data sets; a data set or method without any result stays, with nothing.
void average(WideTable& out, const std::vector<std::string>& data_sets) {
  stats::Table& table = out.table;
  stats::Table averaged;
  averaged.methods = table.methods;
  averaged.higher_is_better = table.higher_is_better;
  averaged.data_sets = data_sets;
  double entries = 0, values = 0;
  for (const std::string& name : data_sets) {
    averaged.values.emplace_back(table.methods.size());
    for (std::size_t m = 0; m < table.methods.size(); ++m) {
      double sum = 0, count = 0;
      for (std::size_t d = 0; d < table.data_sets.size(); ++d) {
        if (table.data_sets[d] != name || !table.values[d][m]) continue;
        sum += *table.values[d][m];
        ++count;
      }
      values += count;
      if (count == 0) continue;
      averaged.values.back()[m] = sum / count;
      ++entries;
    }
  }
  out.replicates = entries == 0 ? 1 : values / entries;
  table = std::move(averaged);
}

}  // namespace

WideTable parse_wide(const std::string& text, const std::string& origin, bool higher_is_better) {
  const auto records = CsvReader(text, origin).run();
  if (records.size() < 2) bad_input_in(origin, "needs a head and at least one row");
  const Record& head = records[0];
  const bool seeded = head.size() > 1 && lower(head[1]) == "seed";
  const std::size_t first = seeded ? 2 : 1;
  check_head(head, first, origin);
  WideTable out;
  out.table.higher_is_better = higher_is_better;
  out.table.methods.assign(head.begin() + static_cast<std::ptrdiff_t>(first), head.end());
  const std::string kind = lower(head[0]);
  out.unit = kind == "seed" ? Unit::seeds : kind == "sample" ? Unit::samples : Unit::data_sets;
  std::vector<std::string> names;
  std::set<Record> keys;
  for (std::size_t i = 1; i < records.size(); ++i) {
    const Record& record = records[i];
    const std::string where = origin + ", row " + std::to_string(i);
    if (record.size() != head.size())
      bad_input_in(where, std::to_string(record.size()) + " fields for " + std::to_string(head.size()) + " columns");
    if (!keys.insert(Record(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(first))).second)
      bad_input_in(where, "'" + record[0] + (seeded ? "' seed '" + record[1] : "") + "' is there twice");
    if (std::find(names.begin(), names.end(), record[0]) == names.end()) names.push_back(record[0]);
    out.table.data_sets.push_back(record[0]);
    out.table.values.emplace_back();
    for (std::size_t m = first; m < record.size(); ++m)
      out.table.values.back().push_back(number(record[m], where + ", column '" + head[m] + "'"));
  }
  if (!seeded) return out;
  if (names.size() == 1) {
    out.unit = Unit::seeds;
    for (std::size_t i = 1; i < records.size(); ++i) out.table.data_sets[i - 1] = records[i][1];
    return out;
  }
  average(out, names);
  return out;
}

}  // namespace assay::board
