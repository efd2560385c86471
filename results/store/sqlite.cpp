#include "results/store/sqlite.hpp"

#include <cerrno>

#include "harness/base/error.hpp"

namespace assay::store {
namespace {

int open_flags(Connection::Mode mode) {
  switch (mode) {
    case Connection::Mode::read: return SQLITE_OPEN_READONLY;
    case Connection::Mode::read_frozen: return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    case Connection::Mode::write: return SQLITE_OPEN_READWRITE;
    case Connection::Mode::create: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  }
  return SQLITE_OPEN_READONLY;
}

// A file: address with everything escaped that the address syntax gives a meaning.
std::string frozen_address(const std::filesystem::path& file) {
  std::string out = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    if (c == '%') out += "%25";
    else if (c == '?') out += "%3f";
    else if (c == '#') out += "%23";
    else out += c;
  }
  return out + "?immutable=1";
}

// SQLite calls only a write that met a full disk FULL; a quota, or the index of the log that cannot grow, is IOERR to it.
bool out_of_space(int code, sqlite3* db) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  const int system = db == nullptr ? 0 : sqlite3_system_errno(db);
  return (code & 0xff) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
}

std::string disk_full(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  std::error_code unknown;
  const std::filesystem::space_info space = std::filesystem::space(folder, unknown);
  const std::string left = unknown ? "" : " (" + std::to_string(space.available) + " bytes are free in " + folder.string() + ")";
  return "disk full" + left + "; nothing of this import was stored, free space and run again";
}

}  // namespace

Connection::Connection(const std::filesystem::path& file, Mode mode, int busy_ms) : file_(file.string()) {
  sqlite3* raw = nullptr;
  const std::string name = mode == Mode::read_frozen ? frozen_address(file) : file_;
  const int code = sqlite3_open_v2(name.c_str(), &raw, open_flags(mode) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  db_.reset(raw);
  if (code != SQLITE_OK) fail(code, "open");
  sqlite3_busy_timeout(raw, busy_ms);
}

// Statements know the address of their connection, so those that are kept cannot move with it.
Connection::Connection(Connection&& other) noexcept : file_(std::move(other.file_)), db_(std::move(other.db_)) { other.cached_.clear(); }

Connection::~Connection() = default;

void Connection::fail(int code, const std::string& doing) const {
  const std::string at = "database '" + file_ + "': ";
  const std::string said = db_ ? sqlite3_errmsg(db_.get()) : sqlite3_errstr(code);
  if (out_of_space(code, db_.get())) throw Error(Fault::io, at + disk_full(file_));
  switch (code & 0xff) {
    case SQLITE_NOTADB: throw Error(Fault::bad_input, at + "not a database");
    case SQLITE_CORRUPT: throw Error(Fault::bad_input, at + "damaged (" + said + "); run 'assay db check'");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: throw Error(Fault::io, at + "locked by another process; try again when it is done");
    case SQLITE_READONLY: throw Error(Fault::io, at + "read-only: no permission to write it or its folder");
    case SQLITE_CANTOPEN: throw Error(Fault::io, at + "cannot be opened (" + said + ")");
    case SQLITE_CONSTRAINT: throw Error(Fault::bad_input, at + "refused a row (" + said + ") during " + doing);
    case SQLITE_IOERR: throw Error(Fault::io, at + "input or output error (" + said + ") during " + doing);
    default: throw Error(Fault::internal, at + said + " during " + doing);
  }
}

Statement Connection::prepare(std::string_view sql) const { return Statement(*this, sql); }

Kept Connection::cached(const char* sql) const {
  auto& kept = cached_[sql];
  if (!kept) kept = std::make_unique<Statement>(*this, sql);
  return Kept(*kept);
}

Kept::~Kept() { statement_->rewind(); }

void Connection::run(const std::string& sql) const {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, sql.substr(0, 80));
}

std::int64_t Connection::number(std::string_view sql) const {
  Statement query(*this, sql);
  return query.step() ? query.integer(0) : 0;
}

std::string Connection::text(std::string_view sql) const {
  Statement query(*this, sql);
  return query.step() ? query.text(0) : "";
}

std::int64_t Connection::last_id() const { return sqlite3_last_insert_rowid(db_.get()); }

int Connection::changes() const { return sqlite3_changes(db_.get()); }

Statement::Statement(const Connection& db, std::string_view sql) : db_(&db), sql_(sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db.handle(), sql_.c_str(), static_cast<int>(sql_.size()), &raw, nullptr);
  stmt_.reset(raw);
  if (code != SQLITE_OK) db.fail(code, sql_);
}

bool Statement::step() {
  const int code = sqlite3_step(stmt_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3_reset(stmt_.get());
  db_->fail(code, sql_);
}

void Statement::run() {
  while (step()) {
  }
  sqlite3_reset(stmt_.get());
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(stmt_.get(), column));
  return data == nullptr ? "" : std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), column)));
}

std::span<const std::byte> Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(stmt_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(stmt_.get(), column))};
}

void Statement::rewind() { sqlite3_reset(stmt_.get()); }

void Statement::set(int at, const Statement& row, int column) {
  check(sqlite3_bind_value(stmt_.get(), at, sqlite3_column_value(row.stmt_.get(), column)));
}

void Statement::put(int at, const std::string& value) {
  check(sqlite3_bind_text64(stmt_.get(), at, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::put(int at, const std::vector<std::byte>& value) {
  check(sqlite3_bind_blob64(stmt_.get(), at, value.empty() ? static_cast<const void*>("") : value.data(), value.size(),
                            SQLITE_TRANSIENT));
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) db_->fail(code, sql_);
}

Transaction::Transaction(const Connection& db) : db_(db), inner_(sqlite3_get_autocommit(db.handle()) == 0) {
  db.run(inner_ ? "SAVEPOINT inner" : "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  // A failed statement may have rolled back already; then this is a harmless error.
  if (open_) sqlite3_exec(db_.handle(), inner_ ? "ROLLBACK TO inner; RELEASE inner" : "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  db_.run(inner_ ? "RELEASE inner" : "COMMIT");
  open_ = false;
}

}  // namespace assay::store
