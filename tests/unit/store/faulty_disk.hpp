// A disk that fills up, or forgets at a power cut what was not synced. It watches one folder through the two doors by which
// we write: the table of harness/base/disk_calls.hpp (our own files) and a VFS that stands before SQLite's (the database).
// Every call really happens; beside it a model keeps, for each file and folder, what was synced and what was done since.
// A cut is that model after one call, so one run of a script gives a cut behind each of its calls.
//
// What survives is what POSIX promises and no more: fsync of a file keeps its bytes and not its name, fsync of a folder
// keeps the names in it. SQLite's VFS syncs the folder of a journal or log that it made when that is first synced.
// Threading: one Disk at a time, one thread.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace faulty {

struct Change {
  std::size_t offset = 0;  // of a cut to that length: the length
  bool truncates = false;
  std::string bytes;
};

struct Entry {
  bool folder = false;
  std::shared_ptr<const std::string> synced = std::make_shared<std::string>();  // bytes of a file, shared by the cuts
  std::vector<std::shared_ptr<Change>> pending;  // since then
  std::map<std::string, std::shared_ptr<Entry>> now, durable;  // of a folder
};

// Which of the things that were not synced survive: none; the names but no bytes, as where a file system writes names
// ahead of data; or any of them, chosen by a seed for each folder and each sector of 512 bytes.
enum class Survives { nothing, names, some };

struct Cut {
  std::string after;               // the call
  std::shared_ptr<Entry> root;
  int promise = 0;
};

using Files = std::map<std::string, std::string>;  // path below the folder -> content
Files surviving(const Cut& cut, Survives what, unsigned seed);
void put_files(const Files& files, const std::filesystem::path& folder);  // folder made anew

class Disk {
 public:
  explicit Disk(std::filesystem::path folder);  // absolute and existing; what is in it already is not watched
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();

  // What the program has been told so far; goes into every later cut.
  void promise(int what) { promise_ = what; }
  std::vector<Cut> take_cuts() { return std::move(cuts_); }

  // From the n-th write on (0: the next) the disk is full: that one writes half, all later ones nothing.
  void fill_after(int writes) {
    writes_left_ = writes;
    met_full_ = false;
  }
  void free_space() { writes_left_.reset(); }
  bool met_full() const { return met_full_; }

  // Called by the two doors.
  void created(const std::string& path);
  void wrote(const std::string& path, std::size_t offset, const void* data, std::size_t size);
  void truncated(const std::string& path, std::size_t size);
  void synced(const std::string& path);
  void renamed(const std::string& from, const std::string& to);
  void removed(const std::string& path);
  void made_folder(const std::string& path);
  // How many of `size` bytes fit; less than `size`: the write fails with ENOSPC after them.
  std::size_t fits(std::size_t size);

 private:
  std::shared_ptr<Entry> find(const std::string& path) const;
  std::shared_ptr<Entry> folder_of(const std::string& path) const;
  void cut(const std::string& after);

  std::filesystem::path folder_;
  std::shared_ptr<Entry> root_ = std::make_shared<Entry>();
  std::vector<Cut> cuts_;
  std::optional<int> writes_left_;
  bool met_full_ = false;
  int promise_ = 0;
};

// The VFS; Disk puts it before SQLite's own and takes it away again.
void put_vfs();
void remove_vfs();
Disk* active();

}  // namespace faulty
