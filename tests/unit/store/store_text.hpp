// A database as text, behind the store's back: every row of every table, so that two of them can be compared.
#pragma once

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>
#include <vector>

namespace synthetic {

// A connection of its own, without any of the store's settings.
class RawDatabase {
 public:
  explicit RawDatabase(const std::filesystem::path& file) { REQUIRE(sqlite3_open(file.c_str(), &db_) == SQLITE_OK); }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;
  ~RawDatabase() { sqlite3_close(db_); }

  // Rows of a query, columns joined by '|', NULL as nothing.
  std::vector<std::string> rows(const std::string& sql) {
    std::vector<std::string> out;
    const auto add = [](void* to, int n, char** values, char**) {
      std::string row;
      for (int i = 0; i < n; ++i) row += std::string(i == 0 ? "" : "|") + (values[i] == nullptr ? "" : values[i]);
      static_cast<std::vector<std::string>*>(to)->push_back(row);
      return 0;
    };
    const int code = sqlite3_exec(db_, sql.c_str(), add, &out, nullptr);
    const std::string message = sqlite3_errmsg(db_);
    REQUIRE_MESSAGE(code == SQLITE_OK, message);
    return out;
  }

 private:
  sqlite3* db_ = nullptr;
};

inline std::vector<std::string> rows_of(const std::filesystem::path& file, const std::string& sql) { return RawDatabase(file).rows(sql); }

// Every row of every table with its values as SQL literals. `but`: a column that is left out.
inline std::string text_of_database(const std::filesystem::path& file, const std::string& but = "") {
  RawDatabase db(file);
  std::string text;
  for (const std::string& table : db.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")) {
    std::string values;
    for (const std::string& column : db.rows("SELECT name FROM pragma_table_info('" + table + "')"))
      if (column != but) values += (values.empty() ? "quote(" : " || ',' || quote(") + column + ")";
    text += table + "\n";
    for (const std::string& row : db.rows("SELECT " + values + " FROM " + table + " ORDER BY 1")) text += row + "\n";
  }
  return text;
}

}  // namespace synthetic
