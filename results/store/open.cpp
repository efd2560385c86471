// Opening: file checks, the writer's lock, journal mode, migrations.
#include <sys/vfs.h>

#include <array>

#include "harness/base/error.hpp"
#include "results/store/impl.hpp"
#include "results/store/schema.hpp"

namespace assay::store {
namespace {

// f_type values of linux/magic.h and the file systems' own sources. FUSE and 9p are counted as remote: what is behind
// them is unknown, and a rollback journal is right on both.
constexpr std::array<std::int64_t, 14> network_types = {
    0x6969,      // NFS
    0x517b,      // SMB
    0xfe534d42,  // SMB2
    0xff534d42,  // CIFS
    0x0bd00bd0,  // Lustre
    0x47504653,  // GPFS
    0x19830326,  // BeeGFS
    0x5346414f,  // AFS
    0x00c36400,  // Ceph
    0x01161970,  // GFS2
    0x7461636f,  // OCFS2
    0x73757245,  // Coda
    0x65735546,  // FUSE
    0x01021997,  // 9p
};

std::int64_t filesystem_type(const fs::path& folder) {
  struct statfs info{};
  if (::statfs(folder.c_str(), &info) != 0) return 0;
  // f_type is a signed word on some machines; magic numbers are 32 bits wide.
  return static_cast<std::int64_t>(static_cast<std::uint32_t>(info.f_type));
}

fs::path folder_of(const fs::path& file) {
  const fs::path parent = file.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

FileLock take_lock(const fs::path& file) {
  FileLock lock = FileLock::try_lock(file.string() + ".lock");
  if (!lock.held())
    throw Error(Fault::io, "database '" + file.string() + "': locked by another process that writes it ('" + file.string() +
                               ".lock'); wait for it or choose another with --db");
  return lock;
}

bool unmarked_and_empty(const Connection& db) {
  return db.number("SELECT count(*) FROM sqlite_schema") == 0 && db.number("PRAGMA application_id") == 0;
}

void check_ours(const Connection& db, const fs::path& file) {
  const std::int64_t id = db.number("PRAGMA application_id");
  if (id != application_id)
    throw Error(Fault::bad_input, "database '" + file.string() + "': belongs to another application (application_id " +
                                      std::to_string(id) + ", expected " + std::to_string(application_id) + ")");
}

int check_version(const Connection& db, const fs::path& file, bool write) {
  const int version = static_cast<int>(db.number("PRAGMA user_version"));
  const int newest = static_cast<int>(migrations().size());
  if (version > newest)
    throw Error(Fault::bad_input, "database '" + file.string() + "': schema version " + std::to_string(version) +
                                      " is newer than this program's " + std::to_string(newest) + "; use a newer assay");
  if (version < newest && !write)
    throw Error(Fault::bad_input, "database '" + file.string() + "': schema version " + std::to_string(version) +
                                      " is older than this program's " + std::to_string(newest) +
                                      "; run 'assay db migrate --db " + file.string() + "' first");
  return version;
}

// Each migration is one transaction together with its version number: a killed one leaves the version before it.
void migrate(const Connection& db, int version) {
  for (auto at = static_cast<std::size_t>(version); at < migrations().size(); ++at) {
    Transaction transaction(db);
    db.run("PRAGMA application_id = " + std::to_string(application_id));
    db.run(migrations()[at]);
    db.run("PRAGMA user_version = " + std::to_string(at + 1));
    transaction.commit();
  }
}

// A new database appears whole: who is killed while making one leaves nothing under its name.
void create(const fs::path& file, int busy_ms) {
  const fs::path unfinished = file.string() + ".new";
  for (const char* suffix : {"", "-journal"}) fs::remove(unfinished.string() + suffix);
  {
    const Connection db(unfinished, Connection::Mode::create, busy_ms);
    db.run("PRAGMA synchronous = FULL");
    migrate(db, 0);
  }
  rename_durably(unfinished, file);
}

void set_pragmas(const Connection& db, const fs::path& file, const OpenOptions& options) {
  const bool network = options.network.value_or(std::string(journal_mode_for(filesystem_type(folder_of(file)))) == "delete");
  const std::string want = network ? "delete" : "wal";
  // A commit under a rollback journal is the removal of the journal. Only EXTRA syncs that: with FULL a power cut brings
  // the journal back, and with it the state before a commit for which shards have been deleted.
  db.run(network ? "PRAGMA synchronous = EXTRA" : "PRAGMA synchronous = FULL");
  const std::string got = db.text("PRAGMA journal_mode = " + want);
  if (got != want)
    throw Error(Fault::io, "database '" + file.string() + "': journal mode stays '" + got + "', needed '" + want + "'");
  db.run("PRAGMA foreign_keys = ON");
  if (!options.max_bytes) return;
  const std::int64_t page = db.number("PRAGMA page_size");
  db.run("PRAGMA max_page_count = " + std::to_string(std::max<std::int64_t>(1, *options.max_bytes / page)));
}

Connection connect_reader(const fs::path& file, int busy_ms) {
  try {
    Connection db(file, Connection::Mode::read, busy_ms);
    db.number("SELECT count(*) FROM sqlite_schema");
    return db;
  } catch (const Error&) {
    // A WAL database needs a -shm file beside it. In a folder that may not be written, and without a log that holds
    // newer rows, the main file alone is the whole truth.
    if (fs::exists(file.string() + "-wal") || ::access(folder_of(file).c_str(), W_OK) == 0) throw;
    return Connection(file, Connection::Mode::read_frozen, busy_ms);
  }
}

}  // namespace

const char* journal_mode_for(std::int64_t type) {
  for (const std::int64_t network : network_types)
    if (type == network) return "delete";
  return "wal";
}

void Store::Impl::need_write(const char* doing) const {
  if (!write) throw Error(Fault::internal, "database '" + file.string() + "': opened read-only, cannot " + doing);
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const fs::path& file, const OpenOptions& options) {
  const bool exists = fs::exists(file);
  if (!exists && (!options.write || !options.create))
    throw Error(Fault::io, "database '" + file.string() + "': no such file; 'assay run' makes it");
  if (fs::is_directory(file)) throw Error(Fault::bad_input, "database '" + file.string() + "': is a folder");
  if (!options.write) {
    Impl impl{file, std::nullopt, connect_reader(file, options.busy_ms), false};
    check_ours(impl.db, file);
    check_version(impl.db, file, false);
    return Store(std::make_unique<Impl>(std::move(impl)));
  }
  if (exists && ::access(file.c_str(), W_OK) != 0)
    throw Error(Fault::io, "database '" + file.string() + "': read-only: no permission to write it");
  if (!exists) make_folders(folder_of(file));
  FileLock lock = take_lock(file);
  if (!fs::exists(file)) create(file, options.busy_ms);
  Impl impl{file, std::move(lock), Connection(file, Connection::Mode::create, options.busy_ms), true};
  if (!unmarked_and_empty(impl.db)) check_ours(impl.db, file);
  const int version = check_version(impl.db, file, true);
  set_pragmas(impl.db, file, options);
  migrate(impl.db, version);
  return Store(std::make_unique<Impl>(std::move(impl)));
}

const fs::path& Store::file() const { return impl_->file; }

int Store::schema_version() const { return static_cast<int>(impl_->db.number("PRAGMA user_version")); }

std::string Store::journal_mode() const { return impl_->db.text("PRAGMA journal_mode"); }

}  // namespace assay::store
