// The database as plain text: its views, one file each, read row by row in one transaction.
#include <fmt/format.h>

#include <fstream>

#include "harness/base/csv.hpp"
#include "harness/base/error.hpp"
#include "results/store/encoding.hpp"
#include "results/store/impl.hpp"

namespace assay::store {
namespace {

struct View {
  const char* name;
  const char* sql;
};

// The views of README.md, and the two tables that hang on `attempts`.
constexpr View views[] = {
    {"leaderboard", "SELECT * FROM leaderboard"},
    {"coverage", "SELECT * FROM coverage"},
    {"attempts", "SELECT * FROM attempts ORDER BY attempt"},
    {"scores", "SELECT x.attempt, a.generation, x.quantity, x.condition, x.configuration, x.value, x.n, x.grade, x.extra_json"
               " FROM score x JOIN attempts a ON a.attempt = x.attempt ORDER BY x.attempt, x.quantity, x.condition, x.configuration"},
    {"verdicts", "SELECT v.attempt, a.generation, CASE v.level WHEN 1 THEN 'SUSPECT' ELSE 'INVALID' END AS level, v.rule, v.reason"
                 " FROM verdict v JOIN attempts a ON a.attempt = v.attempt ORDER BY v.attempt, v.place"},
    {"repeats", "SELECT * FROM repeats ORDER BY attempt, place"},
    {"claimed", "SELECT * FROM claimed"},
};
constexpr View samples = {"samples", "SELECT o.attempt, c.generation, o.quantity, o.condition, o.configuration, o.unit, o.n, o.ids_z, o.values_z"
                                     " FROM outcome_column o JOIN attempt a ON a.id = o.attempt JOIN cell c ON c.id = a.cell ORDER BY o.id"};
constexpr int sample_keys = 6;  // columns of `samples` before the arrays

Json value_of(const Statement& row, int column, bool parsed) {
  switch (row.type(column)) {
    case SQLITE_INTEGER: return row.integer(column);
    case SQLITE_FLOAT: return row.real(column);
    case SQLITE_NULL: return {};
    default: return parsed ? Json::parse(row.text(column), row.name(column)) : Json(row.text(column));
  }
}

// A file that appears when it is whole.
class Sheet {
 public:
  Sheet(const fs::path& folder, const std::string& name, DumpFormat format)
      : format_(format), file_(folder / (name + (format == DumpFormat::csv ? ".csv" : ".jsonl"))), out_(part()) {}

  void head(const std::vector<std::string>& names) {
    names_ = names;
    if (format_ == DumpFormat::csv) out_ << csv_line(names);
  }
  void row(const std::vector<Json>& values) {
    ++rows_;
    if (format_ == DumpFormat::jsonl) {
      Json object = Json(Json::Object{});
      for (std::size_t i = 0; i < values.size(); ++i) object[names_[i]] = values[i];
      out_ << object.dump() << '\n';
      return;
    }
    std::vector<std::string> fields;
    fields.reserve(values.size());
    for (const Json& value : values)
      fields.push_back(value.is_null() ? "" : value.is_string() ? value.as_string() : value.dump());
    out_ << csv_line(fields);
  }
  Dumped close() {
    out_.close();
    if (!out_) throw Error(Fault::io, "cannot write '" + part().string() + "'");
    fsync_path(part());
    fs::rename(part(), file_);
    return {file_, rows_};
  }

 private:
  fs::path part() const { return file_.string() + ".part"; }

  DumpFormat format_;
  fs::path file_;
  std::ofstream out_;
  std::vector<std::string> names_;
  std::int64_t rows_ = 0;
};

// JSON lines hold the JSON columns as values; "params_json" is "params" there.
Dumped dump_view(const Connection& db, const View& view, const fs::path& folder, DumpFormat format) {
  Sheet sheet(folder, view.name, format);
  Statement row = db.prepare(view.sql);
  const auto columns = static_cast<std::size_t>(row.columns());
  std::vector<std::string> names;
  names.reserve(columns);
  std::vector<bool> parsed;
  for (int c = 0; c < row.columns(); ++c) {
    std::string name = row.name(c);
    parsed.push_back(format == DumpFormat::jsonl && name.ends_with("_json"));
    if (parsed.back()) name.resize(name.size() - std::string_view("_json").size());
    names.push_back(std::move(name));
  }
  sheet.head(names);
  while (row.step()) {
    std::vector<Json> values;
    values.reserve(columns);
    for (int c = 0; c < row.columns(); ++c) values.push_back(value_of(row, c, parsed[static_cast<std::size_t>(c)]));
    sheet.row(values);
  }
  return sheet.close();
}

Dumped dump_samples(const Connection& db, const fs::path& folder, DumpFormat format) {
  Sheet sheet(folder, samples.name, format);
  Statement row = db.prepare(samples.sql);
  std::vector<std::string> names;
  names.reserve(sample_keys + 2);
  for (int c = 0; c < sample_keys; ++c) names.push_back(row.name(c));
  names.insert(names.end(), {"id", "value"});
  sheet.head(names);
  while (row.step()) {
    std::vector<Json> values;
    values.reserve(sample_keys + 2);
    for (int c = 0; c < sample_keys; ++c) values.push_back(value_of(row, c, false));
    const auto n = static_cast<std::size_t>(row.integer(sample_keys));
    const std::string what = "outcome of attempt " + std::to_string(row.integer(0));
    const auto ids = decode_ids(row.blob(sample_keys + 1), n, what);
    const auto outcomes = decode_values(row.blob(sample_keys + 2), n, what);
    values.resize(sample_keys + 2);
    for (std::size_t i = 0; i < n; ++i) {
      values[sample_keys] = ids[i];
      values[sample_keys + 1] = outcomes[i];
      sheet.row(values);
    }
  }
  return sheet.close();
}

// SQLite 3.40 looks for the NULLs of a WITHOUT ROWID table in a wrong place when a column stands before one of the key, so
// what it says of NULLs is asked again.
bool is_false_alarm(const Connection& db, const std::string& problem) {
  constexpr std::string_view nulls = "NULL value in ";
  const auto dot = problem.find('.', nulls.size());
  if (!problem.starts_with(nulls) || dot == std::string::npos) return false;
  const std::string table = problem.substr(nulls.size(), dot - nulls.size()), column = problem.substr(dot + 1);
  return db.number("SELECT count(*) FROM \"" + table + "\" WHERE \"" + column + "\" IS NULL") == 0;
}

// Digests of every stored column, which SQLite's own check does not see.
void check_columns(const Connection& db, std::vector<std::string>& problems) {
  Statement row = db.prepare("SELECT id, attempt, quantity, condition, n, sha256, ids_z, values_z FROM outcome_column ORDER BY id");
  while (row.step()) {
    const std::string what = fmt::format("outcome '{}' at '{}' of attempt {}", row.text(2), row.text(3), row.integer(1));
    try {
      const auto n = static_cast<std::size_t>(row.integer(4));
      const std::string digest = column_digest(decode_ids(row.blob(6), n, what), decode_values(row.blob(7), n, what));
      if (digest != row.text(5)) problems.push_back(what + ": has digest " + digest + ", recorded was " + row.text(5));
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
  }
}

}  // namespace

std::vector<Dumped> Store::dump(const fs::path& folder, DumpFormat format, bool with_samples) const {
  fs::create_directories(folder);
  const Connection& db = impl_->db;
  db.run("BEGIN");  // one state of the database, whoever writes meanwhile
  std::vector<Dumped> out;
  try {
    for (const View& view : views) out.push_back(dump_view(db, view, folder, format));
    if (with_samples) out.push_back(dump_samples(db, folder, format));
  } catch (...) {
    db.run("ROLLBACK");
    throw;
  }
  db.run("COMMIT");
  return out;
}

std::vector<std::string> Store::problems() const {
  std::vector<std::string> out;
  const Connection& db = impl_->db;
  Statement pages = db.prepare("PRAGMA integrity_check(100)");
  while (pages.step())
    if (pages.text(0) != "ok" && !is_false_alarm(db, pages.text(0))) out.push_back(pages.text(0));
  if (!out.empty()) return out;  // nothing that is read from damaged pages means anything
  Statement keys = db.prepare("PRAGMA foreign_key_check");
  while (keys.step()) out.push_back(fmt::format("table '{}', row {}: points at no row of '{}'", keys.text(0), keys.integer(1), keys.text(2)));
  check_columns(db, out);
  return out;
}

}  // namespace assay::store
