// SQLite's C interface as two values: a connection and a prepared statement. Only files of this folder include it.
// Errors become assay::Error with the database's path. A connection belongs to one thread.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::store {

class Statement;

// A statement that its connection keeps; rewound when let go, so that no read stays open behind it.
class Kept {
 public:
  explicit Kept(Statement& statement) : statement_(&statement) {}
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept();
  Statement* operator->() const { return statement_; }
  Statement& operator*() const { return *statement_; }

 private:
  Statement* statement_;
};

class Connection {
 public:
  enum class Mode { read, read_frozen, write, create };  // read_frozen: no lock and no log file can be made beside it
  Connection(const std::filesystem::path& file, Mode mode, int busy_ms);
  Connection(Connection&&) noexcept;
  ~Connection();

  Statement prepare(std::string_view sql) const;
  // The same statement at every call: preparing one costs more than running it. `sql` is a literal. What may be asked for
  // again before the first is let go (a cursor over many rows) has to be a prepare().
  Kept cached(const char* sql) const;
  void run(const std::string& sql) const;              // several statements, no results
  std::int64_t number(std::string_view sql) const;     // first column of the first row
  std::string text(std::string_view sql) const;
  std::int64_t last_id() const;
  int changes() const;
  // Throws Error for SQLite's result code, with what was being done.
  [[noreturn]] void fail(int code, const std::string& doing) const;
  sqlite3* handle() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::string file_;
  std::unique_ptr<sqlite3, Close> db_;
  mutable std::map<const char*, std::unique_ptr<Statement>> cached_;  // by address; gone before the connection is
};

class Statement {
 public:
  Statement(const Connection& db, std::string_view sql);
  Statement(Statement&&) noexcept = default;

  // Binds the arguments to ?1, ?2, ... in order and rewinds.
  template <class... Args>
  Statement& bind(const Args&... args) {
    sqlite3_reset(stmt_.get());
    int at = 0;
    (put(++at, args), ...);
    return *this;
  }
  bool step();                                         // true: a row
  void run();                                          // a statement without rows
  template <class... Args>
  void run(const Args&... args) {
    bind(args...).run();
  }

  // Value by value, rewound before: ?at is what `column` of another statement's row holds, or a number of one's own.
  void rewind();
  void set(int at, const Statement& row, int column);
  void set(int at, std::int64_t value) { put(at, value); }

  std::int64_t integer(int column) const { return sqlite3_column_int64(stmt_.get(), column); }
  double real(int column) const { return sqlite3_column_double(stmt_.get(), column); }
  int columns() const { return sqlite3_column_count(stmt_.get()); }
  int type(int column) const { return sqlite3_column_type(stmt_.get(), column); }  // SQLITE_INTEGER, ...
  std::string name(int column) const { return sqlite3_column_name(stmt_.get(), column); }
  bool null(int column) const { return sqlite3_column_type(stmt_.get(), column) == SQLITE_NULL; }
  std::string text(int column) const;
  std::span<const std::byte> blob(int column) const;   // valid until the next step

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
  };
  void put(int at, std::int64_t value) { check(sqlite3_bind_int64(stmt_.get(), at, value)); }
  void put(int at, std::uint64_t value) { put(at, static_cast<std::int64_t>(value)); }
  void put(int at, int value) { put(at, static_cast<std::int64_t>(value)); }
  void put(int at, bool value) { put(at, static_cast<std::int64_t>(value)); }
  void put(int at, double value) { check(sqlite3_bind_double(stmt_.get(), at, value)); }  // a NaN becomes NULL
  void put(int at, std::nullptr_t) { check(sqlite3_bind_null(stmt_.get(), at)); }
  void put(int at, const std::string& value);
  void put(int at, const char* value) { put(at, std::string(value)); }
  void put(int at, const std::vector<std::byte>& value);
  void check(int code) const;

  const Connection* db_;
  std::string sql_;
  std::unique_ptr<sqlite3_stmt, Finalize> stmt_;
};

// BEGIN IMMEDIATE now, ROLLBACK when it dies without commit(). Inside of another one: a savepoint of it, so that a refusal
// takes back its own work only, and nothing is on the disk before the outer one commits.
class Transaction {
 public:
  explicit Transaction(const Connection& db);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  const Connection& db_;
  bool open_ = true, inner_ = false;
};

}  // namespace assay::store
