// The artifact cache as people see it: what is there, whether it is whole, what may go. Beside supervisors that run:
// what one of them makes or reads under its lock is left alone. Throws Error(io).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace assay::sched {

struct CachedArtifact {
  std::string kind, key, label;          // kind: prepare, train, certify, cell
  std::uint64_t bytes = 0;               // of its files, without the journal
  double age_days = 0;                   // since it was made
  std::filesystem::path folder;
};
// Ordered by kind, then label. A folder without a readable manifest is not in the list; see leftovers().
std::vector<CachedArtifact> cached_artifacts(const std::filesystem::path& cache);

// "" when every file of the artifact has the length and digest of its manifest, else what is wrong with the first.
std::string damage_of(const CachedArtifact& artifact);

// Removes an artifact's or a leftover's folder; false when a supervisor holds the lock: it makes or reads it. A plan that
// needs an artifact makes it again.
bool remove_cached(const std::filesystem::path& folder);

// Copies an artifact from elsewhere, a folder as it lies in a cache, to where a plan finds it. False when one with its key is
// there already, or is being made. Throws Error(bad_input) when it is not whole (damage_of()).
bool adopt(const std::filesystem::path& cache, const CachedArtifact& artifact);

// Folders that killed processes left half made, and damaged artifacts that were put aside.
std::vector<std::filesystem::path> leftovers(const std::filesystem::path& cache);

std::uint64_t bytes_below(const std::filesystem::path& folder);

}  // namespace assay::sched
