#include "harness/sched/cache_folder.hpp"

#include <algorithm>
#include <tuple>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/job.hpp"
#include "harness/sched/cache.hpp"

namespace assay::sched {
namespace {

std::vector<fs::path> children(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

constexpr const char* half_made = ".tmp-";
constexpr const char* put_aside = ".corrupt-";

bool is_leftover(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name.starts_with(half_made) || name.find(put_aside) != std::string::npos || !fs::exists(folder / "manifest.json");
}

// Of the node whose lock guards the folder, whatever state it is in.
std::string key_of(const fs::path& folder) {
  std::string name = folder.filename().string();
  if (name.starts_with(half_made)) name.erase(0, std::string_view(half_made).size());
  return name.substr(0, name.find(put_aside));
}

double days_since(const fs::path& file) {
  using Days = std::chrono::duration<double, std::ratio<86400>>;
  return Days(fs::file_time_type::clock::now() - fs::last_write_time(file)).count();
}

}  // namespace

std::vector<CachedArtifact> cached_artifacts(const fs::path& cache) {
  std::vector<CachedArtifact> out;
  for (const fs::path& kind : children(cache)) {
    for (const fs::path& folder : children(kind)) {
      if (is_leftover(folder)) continue;
      try {
        const Manifest manifest = Manifest::load(folder);
        CachedArtifact one{kind.filename().string(), manifest.key, manifest.label, 0, days_since(folder / "manifest.json"), folder};
        for (const ManifestFile& file : manifest.files) one.bytes += file.bytes;
        out.push_back(std::move(one));
      } catch (const Error& error) {
        if (error.fault() == Fault::io) throw;
      }
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const CachedArtifact& a, const CachedArtifact& b) {
    return std::tie(a.kind, a.label) < std::tie(b.kind, b.label);
  });
  return out;
}

std::string damage_of(const CachedArtifact& artifact) {
  try {
    for (const ManifestFile& file : Manifest::load(artifact.folder).files) {
      const fs::path path = artifact.folder / file.name;
      if (!fs::is_regular_file(path)) return file.name + ": is missing";
      if (fs::file_size(path) != file.bytes) return file.name + ": has another length than its manifest says";
      if (sha256_file(path) != file.sha256) return file.name + ": has another digest than its manifest says";
    }
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool adopt(const fs::path& cache, const CachedArtifact& artifact) {
  if (const std::string damage = damage_of(artifact); !damage.empty())
    throw Error(Fault::bad_input, "artifact '" + artifact.folder.string() + "': " + damage);
  make_folders(cache / artifact.kind);
  const fs::path target = cache / artifact.kind / artifact.key, staging = target.parent_path() / (half_made + artifact.key);
  const FileLock lock = lock_artifact(cache, artifact.kind, artifact.key);
  if (!lock.held() || fs::exists(target)) return false;
  fs::remove_all(staging);
  for (const ManifestFile& file : Manifest::load(artifact.folder).files) {
    fs::create_directories((staging / file.name).parent_path());
    fs::copy_file(artifact.folder / file.name, staging / file.name);
  }
  fs::copy_file(artifact.folder / "manifest.json", staging / "manifest.json");
  return publish_folder(staging, target);
}

bool remove_cached(const fs::path& folder) {
  const std::string key = key_of(folder);
  const FileLock lock = lock_artifact(folder.parent_path().parent_path(), folder.parent_path().filename().string(), key);
  if (!lock.held()) return false;
  // Renamed first: a reader sees it whole or not at all.
  const fs::path away = folder.parent_path() / (half_made + key);
  if (folder != away) {
    fs::remove_all(away);
    fs::rename(folder, away);
  }
  fs::remove_all(away);
  return true;
}

std::vector<fs::path> leftovers(const fs::path& cache) {
  std::vector<fs::path> out;
  for (const fs::path& kind : children(cache))
    for (const fs::path& folder : children(kind))
      if (is_leftover(folder)) out.push_back(folder);
  return out;
}

std::uint64_t bytes_below(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none))
    if (entry.is_regular_file(none)) bytes += entry.file_size(none);
  return bytes;
}

}  // namespace assay::sched
