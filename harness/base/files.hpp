// Files that are whole or absent. Every function throws Error(io) with the path and the system's reason.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

namespace fs = std::filesystem;

std::string read_text(const fs::path& file);
std::vector<std::byte> read_bytes(const fs::path& file);
// Write to a temporary neighbour, fsync, rename over `file`, fsync the folder: a reader sees the old or the new
// content, never a part. Creates missing parent folders.
void write_atomic(const fs::path& file, std::string_view content);
void write_atomic(const fs::path& file, std::span<const std::byte> content);
// The same without the fsyncs, for what can be made again: whole for every reader, but a power cut may leave an empty or a
// torn file, so who reads it must take that for "not there".
void write_scratch(const fs::path& file, std::string_view content);
void fsync_path(const fs::path& file_or_folder);
// Makes the folders that are missing; when it returns, a power cut leaves them.
void make_folders(const fs::path& folder);
// Rename over `to`, then fsync the folder of `to`.
void rename_durably(const fs::path& from, const fs::path& to);
// Tells the file system that the folder's subfolders have nothing to do with each other (ext4's "top of a hierarchy"), so
// that it spreads them over the disk. ext4 does not take an inode again within a minute of its removal and looks past all of
// those; where a work folder makes and removes files by the thousand, spread they are few. Elsewhere without effect.
void spread_subfolders(const fs::path& folder);
// fsync every file and folder below `folder`, then rename it to `target` and fsync the parent. When `target`
// exists already, `folder` is removed instead and false comes back.
bool publish_folder(const fs::path& folder, const fs::path& target);

// A folder that is removed with everything in it when the value dies.
class TempDir {
 public:
  explicit TempDir(std::string_view prefix = "assay", const fs::path& parent = {});  // parent {}: the system's
  ~TempDir();
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Exclusive advisory lock on a file (flock), held until destroyed. try_lock gives no lock when another holder has it.
class FileLock {
 public:
  static FileLock lock(const fs::path& file);
  static FileLock try_lock(const fs::path& file);
  // A lock for `name` in a file of many that stays: one byte of it, whose place is the name's hash. For locks that come and
  // go by the thousand, since a file system remembers files that it just removed, at a price for every new one.
  static FileLock try_lock_in(const fs::path& file, const std::string& name);
  bool held() const { return fd_ >= 0; }
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// Read-only memory map of a whole file (empty span for an empty file).
class MappedFile {
 public:
  explicit MappedFile(const fs::path& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

fs::path assay_home();                        // $ASSAY_HOME, else $XDG_DATA_HOME/assay, else ~/.local/share/assay
fs::path self_path();                         // the running program
// Where programs, plugins, suites and the catalogue are: found from self_path(), for an install tree
// (<prefix>/bin, <prefix>/lib/assay/plugins, <prefix>/share/assay) and for a build tree alike. Overridden by
// $ASSAY_ROOT. Members exist only when the files do.
struct Layout {
  fs::path worker;       // the assay-worker program
  fs::path plugins;      // folder with *.so
  fs::path suites;       // folder with <task>/*.toml
  fs::path catalog;      // catalog.toml
  fs::path site;         // folder with the built front end of the results site
};
Layout installed_layout();

}  // namespace assay
