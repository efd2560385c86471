// Whole-or-absent files, locks and maps over POSIX calls.
#include "harness/base/files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/base/disk_calls.hpp"
#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"

namespace assay {
namespace {

[[noreturn]] void fail(const char* verb, const fs::path& file, int code = errno) {
  throw Error(Fault::io, std::string("cannot ") + verb + " " + file.string() + ": " + std::strerror(code));
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

template <class Buffer>
Buffer read_all(const fs::path& file) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) fail("read", file);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) fail("read", file);
  if (S_ISDIR(info.st_mode)) fail("read", file, EISDIR);
  Buffer content;
  content.resize(static_cast<std::size_t>(info.st_size));
  std::size_t done = 0;
  while (true) {
    if (done == content.size()) content.resize(content.size() + 4096);  // /proc files say size 0; others may grow
    const ssize_t got = ::read(fd.get(), content.data() + done, content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", file);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

void write_all(int fd, const char* data, std::size_t size, const fs::path& file) {
  while (size > 0) {
    const ssize_t put = disk_calls().write(fd, data, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("write", file);
    data += put;
    size -= static_cast<std::size_t>(put);
  }
}

fs::path neighbour(const fs::path& file) {
  static std::atomic<unsigned> counter{0};
  return file.parent_path() / ("." + file.filename().string() + "." + std::to_string(::getpid()) + "-" +
                               std::to_string(counter++) + ".tmp");
}

fs::path parent_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

int open_lock(const fs::path& file, int operation) {
  for (int vanished = 0;;) {
    std::error_code code;  // a lock need not outlive a power cut, so nothing is synced for it
    fs::create_directories(parent_of(file), code);
    if (code) fail("create folder", parent_of(file), code.value());
    Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (fd.get() < 0 && errno == ENOENT && ++vanished < 100) continue;  // its holder just removed the folder
    if (fd.get() < 0) fail("open lock", file);
    while (::flock(fd.get(), operation) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return -1;
      fail("lock", file);
    }
    // The holder before us may have removed the file: then ours is a lock on nothing, and we take the new one.
    struct stat mine{}, named{};
    if (::fstat(fd.get(), &mine) == 0 && ::stat(file.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
        mine.st_dev == named.st_dev)
      return fd.release();
  }
}

}  // namespace

DiskCalls& disk_calls() {
  static DiskCalls calls{[](const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); },
                         ::write, ::writev, ::ftruncate, ::fsync, ::rename, ::unlink, ::mkdir};
  return calls;
}

std::string read_text(const fs::path& file) { return read_all<std::string>(file); }

std::vector<std::byte> read_bytes(const fs::path& file) { return read_all<std::vector<std::byte>>(file); }

namespace {

void put(const fs::path& file, std::string_view content, bool durably) {
  fs::path temporary = neighbour(file);
  int opened = -1;
  // A killed process may have left this name: in a sandbox every worker has the same process id.
  while ((opened = disk_calls().open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) < 0 && errno == EEXIST)
    temporary = neighbour(file);
  if (opened < 0) fail("create", temporary);
  try {
    const Descriptor fd(opened);
    write_all(fd.get(), content.data(), content.size(), file);
    if (durably && disk_calls().sync(fd.get()) != 0) fail("sync", file);
    if (disk_calls().rename(temporary.c_str(), file.c_str()) != 0) fail("replace", file);
  } catch (...) {
    disk_calls().unlink(temporary.c_str());
    throw;
  }
}

}  // namespace

void write_atomic(const fs::path& file, std::string_view content) {
  const fs::path folder = parent_of(file);
  make_folders(folder);
  put(file, content, true);
  fsync_path(folder);
}

void write_scratch(const fs::path& file, std::string_view content) {
  fs::create_directories(parent_of(file));
  put(file, content, false);
}

void write_atomic(const fs::path& file, std::span<const std::byte> content) {
  write_atomic(file, std::string_view(reinterpret_cast<const char*>(content.data()), content.size()));
}

void fsync_path(const fs::path& file_or_folder) {
  const Descriptor fd(::open(file_or_folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) fail("open", file_or_folder);
  if (disk_calls().sync(fd.get()) != 0 && errno != EINVAL) fail("sync", file_or_folder);
}

void make_folders(const fs::path& folder) {
  std::error_code code;
  if (folder.empty() || fs::is_directory(folder, code)) return;
  make_folders(folder.parent_path());
  if (disk_calls().mkdir(folder.c_str(), 0777) != 0) {
    const int reason = errno;
    if (reason != EEXIST || !fs::is_directory(folder, code)) fail("create folder", folder, reason);
  }
  fsync_path(parent_of(folder));
}

void rename_durably(const fs::path& from, const fs::path& to) {
  if (disk_calls().rename(from.c_str(), to.c_str()) != 0) fail("replace", to);
  fsync_path(parent_of(to));
}

void spread_subfolders(const fs::path& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int flags = 0;
  if (fd.get() < 0 || ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_TOPDIR_FL) != 0) return;
  flags |= FS_TOPDIR_FL;
  static_cast<void>(::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags));  // a hint; whoever may not give it does without
}

bool publish_folder(const fs::path& folder, const fs::path& target) {
  make_folders(parent_of(target));
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() || entry.is_directory()) fsync_path(entry.path());
  fsync_path(folder);
  const bool taken = fs::exists(target);
  if (!taken && disk_calls().rename(folder.c_str(), target.c_str()) == 0) {
    fsync_path(parent_of(target));
    return true;
  }
  if (!taken && errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) fail("publish", target);
  fs::remove_all(folder);
  return false;
}

TempDir::TempDir(std::string_view prefix, const fs::path& parent) {
  const fs::path base = parent.empty() ? fs::temp_directory_path() : parent;
  make_folders(base);
  std::string pattern = (base / (std::string(prefix) + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) fail("create a folder in", base);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, fs::path())) {}

FileLock FileLock::lock(const fs::path& file) { return FileLock(open_lock(file, LOCK_EX)); }

FileLock FileLock::try_lock(const fs::path& file) { return FileLock(open_lock(file, LOCK_EX | LOCK_NB)); }

FileLock FileLock::try_lock_in(const fs::path& file, const std::string& name) {
  constexpr std::size_t digits = 15;  // 60 bits: a place that no file system refuses
  std::error_code code;
  fs::create_directories(parent_of(file), code);
  if (code) fail("create folder", parent_of(file), code.value());
  Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (fd.get() < 0) fail("open lock", file);
  struct flock place{};
  place.l_type = F_WRLCK;
  place.l_whence = SEEK_SET;
  place.l_start = static_cast<off_t>(std::stoull(sha256(name).substr(0, digits), nullptr, 16));
  place.l_len = 1;
  while (::fcntl(fd.get(), F_OFD_SETLK, &place) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EACCES) return FileLock(-1);
    fail("lock", file);
  }
  return FileLock(fd.release());
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

MappedFile::MappedFile(const fs::path& file) {
  const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) fail("read", file);
  if (S_ISDIR(info.st_mode)) fail("read", file, EISDIR);
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ == 0) return;
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) fail("map", file);
  data_ = static_cast<const std::byte*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

}  // namespace assay
