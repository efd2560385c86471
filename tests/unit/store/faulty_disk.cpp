// The model of what a disk has, and the door for our own files.
#include "faulty_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <random>

#include "harness/base/disk_calls.hpp"

namespace faulty {
namespace {

namespace fs = std::filesystem;
using EntryPtr = std::shared_ptr<Entry>;

constexpr std::size_t sector = 512;

Disk* watching = nullptr;
assay::DiskCalls real;

void put_change(std::string& content, const Change& change) {
  if (change.truncates) return content.resize(change.offset);
  content.resize(std::max(content.size(), change.offset + change.bytes.size()));
  content.replace(change.offset, change.bytes.size(), change.bytes);
}

EntryPtr copy(const EntryPtr& entry, std::map<const Entry*, EntryPtr>& copied) {
  EntryPtr& mine = copied[entry.get()];
  if (mine) return mine;
  mine = std::make_shared<Entry>(*entry);
  for (auto* names : {&mine->now, &mine->durable})
    for (auto& [name, child] : *names) child = copy(child, copied);
  return mine;
}

// Coins that are the same for the same seed.
class Coins {
 public:
  explicit Coins(unsigned seed) : bits_(seed) {}
  bool toss() { return (bits_() & 64U) != 0; }

 private:
  std::minstd_rand bits_;
};

std::string content_of(const Entry& file, Survives what, Coins& coins) {
  std::string content = *file.synced;
  if (what != Survives::some) return content;
  for (const auto& change : file.pending) {
    if (change->truncates) {
      if (coins.toss()) put_change(content, *change);
      continue;
    }
    for (std::size_t at = 0; at < change->bytes.size(); at += sector)
      if (coins.toss()) put_change(content, {change->offset + at, false, change->bytes.substr(at, sector)});
  }
  return content;
}

void collect(const Entry& folder, const std::string& path, Survives what, Coins& coins, Files& out) {
  const bool now = what == Survives::names || (what == Survives::some && coins.toss());
  for (const auto& [name, child] : now ? folder.now : folder.durable) {
    if (child->folder) collect(*child, path + name + "/", what, coins, out);
    else out[path + name] = content_of(*child, what, coins);
  }
}

std::string path_of(int fd) {
  std::error_code gone;
  return fs::read_symlink("/proc/self/fd/" + std::to_string(fd), gone).string();
}

// --- the door for our own files ---

int open_file(const char* path, int flags, mode_t mode) {
  const int fd = real.open(path, flags, mode);
  if (fd >= 0 && (flags & O_CREAT) != 0) watching->created(path);
  return fd;
}

ssize_t write_some(int fd, const void* data, size_t size) {
  const std::size_t fits = watching->fits(size);
  if (fits == 0 && size > 0) {
    errno = ENOSPC;
    return -1;
  }
  const ssize_t put = real.write(fd, data, fits);
  if (put > 0)
    watching->wrote(path_of(fd), static_cast<std::size_t>(::lseek(fd, 0, SEEK_CUR) - put), data, static_cast<std::size_t>(put));
  return put;
}

// One write, so that what is asked for in one call is pending as one change.
ssize_t write_parts(int fd, const iovec* parts, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return write_some(fd, all.data(), all.size());
}

int truncate_file(int fd, off_t size) {
  const int code = real.truncate(fd, size);
  if (code == 0) watching->truncated(path_of(fd), static_cast<std::size_t>(size));
  return code;
}

int sync_file(int fd) {
  watching->synced(path_of(fd));
  return 0;
}

int rename_file(const char* from, const char* to) {
  const int code = real.rename(from, to);
  if (code == 0) watching->renamed(from, to);
  return code;
}

int unlink_file(const char* path) {
  const int code = real.unlink(path);
  if (code == 0) watching->removed(path);
  return code;
}

int make_folder(const char* path, mode_t mode) {
  if (watching->fits(1) == 0) {
    errno = ENOSPC;
    return -1;
  }
  const int code = real.mkdir(path, mode);
  if (code == 0) watching->made_folder(path);
  return code;
}

}  // namespace

Disk* active() { return watching; }

Files surviving(const Cut& cut, Survives what, unsigned seed) {
  Coins coins(seed + 1);
  Files files;
  collect(*cut.root, "", what, coins, files);
  return files;
}

void put_files(const Files& files, const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [name, content] : files) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << content;
  }
}

Disk::Disk(fs::path folder) : folder_(std::move(folder)) {
  root_->folder = true;
  real = assay::disk_calls();
  watching = this;
  assay::disk_calls() = {open_file, write_some, write_parts, truncate_file, sync_file, rename_file, unlink_file, make_folder};
  put_vfs();
}

Disk::~Disk() {
  remove_vfs();
  assay::disk_calls() = real;
  watching = nullptr;
}

std::shared_ptr<Entry> Disk::find(const std::string& path) const {
  const fs::path below = fs::path(path).lexically_normal().lexically_relative(folder_);
  EntryPtr at = root_;
  for (const fs::path& part : below) {
    if (part == "." || part.empty()) continue;
    const auto child = at->now.find(part.string());
    if (part == ".." || child == at->now.end()) return nullptr;
    at = child->second;
  }
  return below.empty() ? nullptr : at;
}

std::shared_ptr<Entry> Disk::folder_of(const std::string& path) const { return find(fs::path(path).parent_path().string()); }

void Disk::cut(const std::string& after) {
  std::map<const Entry*, EntryPtr> copied;
  cuts_.push_back({after, copy(root_, copied), promise_});
}

void Disk::created(const std::string& path) {
  const EntryPtr folder = folder_of(path);
  if (!folder || !folder->now.emplace(fs::path(path).filename().string(), nullptr).second) return;
  folder->now[fs::path(path).filename().string()] = std::make_shared<Entry>();
  cut("create " + path);
}

void Disk::wrote(const std::string& path, std::size_t offset, const void* data, std::size_t size) {
  const EntryPtr file = find(path);
  if (!file) return;
  file->pending.push_back(std::make_shared<Change>(Change{offset, false, std::string(static_cast<const char*>(data), size)}));
  cut("write " + path);
}

void Disk::truncated(const std::string& path, std::size_t size) {
  const EntryPtr file = find(path);
  if (!file) return;
  file->pending.push_back(std::make_shared<Change>(Change{size, true, ""}));
  cut("truncate " + path);
}

void Disk::synced(const std::string& path) {
  const EntryPtr entry = find(path);
  if (!entry) return;
  entry->durable = entry->now;
  auto content = std::make_shared<std::string>(*entry->synced);
  for (const auto& change : entry->pending) put_change(*content, *change);
  entry->synced = content;
  entry->pending.clear();
  cut("sync " + path);
}

void Disk::renamed(const std::string& from, const std::string& to) {
  const EntryPtr source = folder_of(from), target = folder_of(to), entry = find(from);
  if (!source || !target || !entry) return;
  source->now.erase(fs::path(from).filename().string());
  target->now[fs::path(to).filename().string()] = entry;
  cut("rename " + from);
}

void Disk::removed(const std::string& path) {
  const EntryPtr folder = folder_of(path);
  if (!folder || folder->now.erase(fs::path(path).filename().string()) == 0) return;
  cut("remove " + path);
}

void Disk::made_folder(const std::string& path) {
  const EntryPtr folder = folder_of(path);
  if (!folder) return;
  const auto made = std::make_shared<Entry>();
  made->folder = true;
  folder->now[fs::path(path).filename().string()] = made;
  cut("mkdir " + path);
}

std::size_t Disk::fits(std::size_t size) {
  if (!writes_left_) return size;
  if (*writes_left_ > 0) {
    --*writes_left_;
    return size;
  }
  const std::size_t part = met_full_ ? 0 : size / 2;
  met_full_ = true;
  return part;
}

}  // namespace faulty
