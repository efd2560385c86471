// The door for the database: SQLite's VFS with a note of every write, cut, sync and removal, and a disk that may be full.
#include <sqlite3.h>

#include <new>
#include <string>

#include "faulty_disk.hpp"

namespace faulty {
namespace {

sqlite3_vfs* below = nullptr;
sqlite3_vfs above;

struct File {
  sqlite3_file base;            // what SQLite sees
  const std::string* path;      // nullptr: a temporary that no database needs after a cut
  bool new_log;                 // a journal or log that was just made: its first sync syncs its folder too
};

File& mine(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
// The file of SQLite's own VFS stands behind ours.
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&mine(file) + 1); }

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

int close_file(sqlite3_file* file) {
  const int code = real(file)->pMethods->xClose(real(file));
  delete mine(file).path;
  return code;
}
int read_file(sqlite3_file* file, void* to, int size, sqlite3_int64 at) { return real(file)->pMethods->xRead(real(file), to, size, at); }

int write_file(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  if (mine(file).path == nullptr) return real(file)->pMethods->xWrite(real(file), data, size, at);
  const std::size_t fits = active()->fits(static_cast<std::size_t>(size));
  const int code = fits == 0 ? SQLITE_FULL : real(file)->pMethods->xWrite(real(file), data, static_cast<int>(fits), at);
  if (code == SQLITE_OK) active()->wrote(*mine(file).path, static_cast<std::size_t>(at), data, fits);
  return code == SQLITE_OK && fits < static_cast<std::size_t>(size) ? SQLITE_FULL : code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  const int code = real(file)->pMethods->xTruncate(real(file), size);
  if (code == SQLITE_OK && mine(file).path != nullptr) active()->truncated(*mine(file).path, static_cast<std::size_t>(size));
  return code;
}

int sync_file(sqlite3_file* file, int) {
  if (mine(file).path == nullptr) return SQLITE_OK;
  active()->synced(*mine(file).path);
  if (mine(file).new_log) active()->synced(folder_of(*mine(file).path));
  mine(file).new_log = false;
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) { return real(file)->pMethods->xFileSize(real(file), size); }
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
int check_lock(sqlite3_file* file, int* out) { return real(file)->pMethods->xCheckReservedLock(real(file), out); }
int control(sqlite3_file* file, int what, void* value) { return real(file)->pMethods->xFileControl(real(file), what, value); }
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int device(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int at, int n, int flags) { return real(file)->pMethods->xShmLock(real(file), at, n, flags); }
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

const sqlite3_io_methods methods = {2,           close_file, read_file,   write_file,  truncate_file, sync_file,   file_size,
                                    lock,        unlock,     check_lock,  control,     sector_size,   device,      shm_map,
                                    shm_lock,    shm_barrier, shm_unmap,  nullptr,     nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  constexpr int logs = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  ::new (static_cast<void*>(file)) File{{nullptr}, nullptr, false};
  int exists = 0;
  if (path != nullptr) below->xAccess(below, path, SQLITE_ACCESS_EXISTS, &exists);
  const int code = below->xOpen(below, path, real(file), flags, out_flags);
  if (code != SQLITE_OK) return code;
  file->pMethods = &methods;
  if (path == nullptr || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) return code;
  mine(file).path = new std::string(path);
  mine(file).new_log = exists == 0 && (flags & logs) != 0;
  if (exists == 0) active()->created(path);
  return code;
}

int delete_file(sqlite3_vfs*, const char* path, int sync_folder) {
  const int code = below->xDelete(below, path, sync_folder);
  if (code != SQLITE_OK) return code;
  active()->removed(path);
  if (sync_folder != 0) active()->synced(folder_of(path));
  return code;
}

}  // namespace

void put_vfs() {
  below = sqlite3_vfs_find(nullptr);
  above = *below;
  above.zName = "faulty";
  above.szOsFile = static_cast<int>(sizeof(File)) + below->szOsFile;
  above.xOpen = open_file;
  above.xDelete = delete_file;
  sqlite3_vfs_register(&above, 1);
}

void remove_vfs() {
  sqlite3_vfs_unregister(&above);
  sqlite3_vfs_register(below, 1);
}

}  // namespace faulty
