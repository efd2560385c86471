// Fetching: sources in order, each file checked before it gets its name.
#include "harness/data/fetch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/data/catalog.hpp"
#include "harness/data/fetch_sources.hpp"
#include "harness/data/loaders/formats.hpp"

namespace assay::data {
namespace {

constexpr const char* staging_prefix = ".staging";

// A file that is written in the staging folder and gets its name only when size and digest are right.
class StagedFile {
 public:
  StagedFile(const CatalogFile& file, const fs::path& staging, fs::path target)
      : file_(file), path_(staging / file.file), target_(std::move(target)) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) fail("create");
  }
  ~StagedFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  void write(std::span<const std::byte> piece) {
    hash_.update(piece);
    size_ += piece.size();
    if (size_ > file_.bytes)
      throw Error(Fault::io,
                  "'" + file_.name + "' has more than the expected " + std::to_string(file_.bytes) + " bytes");
    while (!piece.empty()) {
      const ssize_t put = ::write(fd_, piece.data(), piece.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail("write");
      piece = piece.subspan(static_cast<std::size_t>(put));
    }
  }

  void publish() {
    if (size_ != file_.bytes)
      throw Error(Fault::io, "'" + file_.name + "' has " + std::to_string(size_) + " bytes, expected " +
                                 std::to_string(file_.bytes) + " (a cut download?)");
    if (const std::string digest = hash_.hex(); digest != file_.sha256)
      throw Error(Fault::io, "'" + file_.name + "' has SHA-256 " + digest + ", expected " + file_.sha256 +
                                 " (damaged, or another version of the set)");
    if (::fsync(fd_) != 0) fail("sync");
    if (::close(std::exchange(fd_, -1)) != 0) fail("close");
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail("rename");
    fsync_path(target_.parent_path());
  }

 private:
  [[noreturn]] void fail(const char* verb) const {
    throw MachineError(std::string("cannot ") + verb + " " + path_.string() + ": " + std::strerror(errno));
  }

  const CatalogFile& file_;
  fs::path path_, target_;
  Sha256 hash_;
  std::uint64_t size_ = 0;
  int fd_ = -1;
};

// How a member of a source becomes a file: as it is (unpacked), or by the conversion
// "png-sheet(<sheet>, <labels>, <index of the first label>)".
struct Member {
  std::vector<std::string> paths;
  bool sheet = false;
  std::size_t first_label = 0;
};

Member parse_member(const std::string& text) {
  constexpr std::string_view head = "png-sheet(";
  if (text.rfind(head, 0) != 0) return {{text}, false, 0};
  const auto bad = [&]() -> Error {
    return {Fault::bad_input, "member '" + text + "': expected png-sheet(<sheet>, <labels>, <first label>)"};
  };
  if (text.back() != ')') throw bad();
  std::vector<std::string> parts{""};
  for (const char c : text.substr(head.size(), text.size() - head.size() - 1)) {
    if (c == ',')
      parts.emplace_back();
    else if (c != ' ')
      parts.back() += c;
  }
  Member member{{parts[0], parts.size() > 1 ? parts[1] : ""}, true, 0};
  if (parts.size() != 3) throw bad();
  const char* end = parts[2].data() + parts[2].size();
  const auto [stop, code] = std::from_chars(parts[2].data(), end, member.first_label);
  if (code != std::errc() || stop != end) throw bad();
  return member;
}

std::vector<std::byte> sheet_bytes(const CatalogEntry& entry, const Member& member,
                                   const std::map<std::string, fs::path>& local) {
  const auto classes = static_cast<std::int64_t>(entry.classes.size());
  LabelledImages data;
  data.images = read_png_sheet(local.at(member.paths[0]), entry.shape);
  const std::vector<std::int64_t> labels = read_json_labels(local.at(member.paths[1]), classes);
  const auto count = static_cast<std::size_t>(data.images.shape[0]);
  if (labels.size() < count || member.first_label > labels.size() - count)
    throw Error(Fault::io, member.paths[1] + " has " + std::to_string(labels.size()) + " labels, too few for " +
                               member.paths[0] + " from label " + std::to_string(member.first_label));
  const auto first = labels.begin() + static_cast<std::ptrdiff_t>(member.first_label);
  data.labels.assign(first, first + static_cast<std::ptrdiff_t>(count));
  return to_cifar_binary(data);
}

FileState look(const CatalogFile& file, const fs::path& path, bool hash) {
  std::error_code code;
  if (!fs::is_regular_file(path, code)) return FileState::absent;
  if (fs::file_size(path, code) != file.bytes || code) return FileState::wrong_size;
  if (!hash) return FileState::present;
  return sha256_file(path) == file.sha256 ? FileState::verified : FileState::wrong_digest;
}

SetStatus inspect(const CatalogEntry& entry, const fs::path& root, bool hash) {
  SetStatus out{entry.name, set_folder(entry, root), {}};
  for (const CatalogFile& file : entry.files) {
    const fs::path path = file_path(entry, file, root);
    out.files.push_back({file.name, path, look(file, path, hash)});
  }
  return out;
}

std::vector<std::string> missing_of(const SetStatus& state) {
  std::vector<std::string> names;
  for (const FileStatus& file : state.files)
    if (file.state != FileState::verified) names.push_back(file.name);
  return names;
}

TempDir staging_folder(const fs::path& parent) {
  try {
    TempDir work(staging_prefix, parent);
    fs::create_directory(work.path() / "source");
    fs::create_directory(work.path() / "ready");
    return work;
  } catch (const Error& error) {
    throw MachineError(error.what());
  }
}

// Brings the wanted files from one source; those that are right stay even when a later one fails.
void take_from(const CatalogEntry& entry, const CatalogSource& source, const std::vector<std::string>& wanted,
               const fs::path& root, const FetchOptions& options) {
  const TempDir work = staging_folder(set_folder(entry, root));
  std::vector<std::pair<const CatalogFile*, Member>> plan;
  std::set<std::string> paths;
  for (const auto& [name, text] : source.members) {
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    plan.emplace_back(entry.find_file(name), parse_member(text));
    paths.insert(plan.back().second.paths.begin(), plan.back().second.paths.end());
  }
  const std::string label = source_label(source);
  const auto report = [&](const std::string& what, std::uint64_t done) {
    if (options.progress) options.progress({entry.name, label, what, done, 0});
  };
  const auto local = bring({source, {paths.begin(), paths.end()}, work.path() / "source", options, report});
  for (const auto& [file, member] : plan) {
    report("checking " + file->name, 0);
    StagedFile staged(*file, work.path() / "ready", file_path(entry, *file, root));
    if (member.sheet)
      staged.write(sheet_bytes(entry, member, local));
    else
      unpack_file(local.at(member.paths[0]), [&](std::span<const std::byte> piece) { staged.write(piece); });
    staged.publish();
  }
}

// What a killed fetch left behind. Called under the lock, so nobody is using it.
void sweep(const fs::path& folder) {
  for (const auto& item : fs::directory_iterator(folder)) {
    std::error_code ignored;
    if (item.path().filename().string().rfind(staging_prefix, 0) == 0) fs::remove_all(item.path(), ignored);
  }
}

FileLock lock_set(const CatalogEntry& entry, const fs::path& folder, const FetchOptions& options) {
  try {
    const fs::path file = folder / ".lock";
    FileLock lock = FileLock::try_lock(file);
    if (lock.held()) return lock;
    if (options.progress) options.progress({entry.name, "", "waiting for another fetch", 0, 0});
    return FileLock::lock(file);
  } catch (const Error& error) {
    throw Error(Fault::io, "set '" + entry.name + "': " + error.what() + "; set ASSAY_DATA to a folder you can write");
  }
}

std::string advice(const CatalogEntry& entry, const fs::path& folder, bool offline) {
  std::string files;
  for (const CatalogFile& file : entry.files) files += (files.empty() ? "" : ", ") + file.file;
  return std::string(offline ? "fetch it once with network access" : "check the network and try again") + ", or put " +
         files + " into " + folder.string();
}

[[noreturn]] void give_up(const CatalogEntry& entry, const CatalogSource& source, const std::string& reason) {
  throw Error(Fault::io, "set '" + entry.name + "' from " + source_label(source) + ": " + reason +
                             "; nothing half-written was kept; free space or set ASSAY_DATA to another folder");
}

}  // namespace

const char* file_state_name(FileState state) {
  switch (state) {
    case FileState::absent:
      return "absent";
    case FileState::wrong_size:
      return "of the wrong size";
    case FileState::wrong_digest:
      return "damaged";
    case FileState::present:
      return "present";
    case FileState::verified:
      return "verified";
  }
  return "?";
}

bool SetStatus::complete() const {
  return std::all_of(files.begin(), files.end(), [](const FileStatus& file) {
    return file.state == FileState::present || file.state == FileState::verified;
  });
}

std::string SetStatus::summary() const {
  const auto all = [&](FileState state) {
    return std::all_of(files.begin(), files.end(), [&](const FileStatus& file) { return file.state == state; });
  };
  for (const FileState state : {FileState::verified, FileState::present, FileState::absent})
    if (all(state)) return file_state_name(state);
  std::string out;
  for (const FileStatus& file : files)
    if (file.state != FileState::present && file.state != FileState::verified)
      out += (out.empty() ? "incomplete: " : ", ") + file.name + " " + file_state_name(file.state);
  return out.empty() ? "present" : out;
}

SetStatus status(const CatalogEntry& entry, const std::filesystem::path& root) { return inspect(entry, root, false); }
SetStatus verify(const CatalogEntry& entry, const std::filesystem::path& root) { return inspect(entry, root, true); }

FetchReport fetch(const CatalogEntry& entry, const std::filesystem::path& root, const FetchOptions& options) {
  FetchReport report{entry.name, "", false, verify(entry, root), {}};
  if (missing_of(report.status).empty()) {
    report.already = true;
    return report;
  }
  const fs::path folder = set_folder(entry, root);
  const FileLock lock = lock_set(entry, folder, options);
  sweep(folder);
  report.status = verify(entry, root);  // another fetch may have brought it while we waited
  for (const CatalogSource& source : entry.sources) {
    const std::vector<std::string> wanted = missing_of(report.status);
    if (wanted.empty()) break;
    try {
      take_from(entry, source, wanted, root, options);
      report.source = source_label(source);
    } catch (const MachineError& error) {
      give_up(entry, source, error.what());
    } catch (const fs::filesystem_error& error) {
      give_up(entry, source, error.what());
    } catch (const Error& error) {
      report.failures.push_back(source_label(source) + ": " + error.what());
    }
    report.status = verify(entry, root);
  }
  if (missing_of(report.status).empty()) {
    report.already = report.source.empty();
    return report;
  }
  std::string message = "set '" + entry.name + "' could not be fetched";
  for (const std::string& failure : report.failures) message += "\n  " + failure;
  throw Error(Fault::io, message + "\n  to do: " + advice(entry, folder, options.offline));
}

}  // namespace assay::data
