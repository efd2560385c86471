#include "harness/base/file_digests.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <ctime>

#include "harness/base/hash.hpp"

namespace assay {
namespace {

// "" for a file whose state may yet change without a trace, or that is not there.
std::string settled_state(const std::filesystem::path& file) {
  constexpr double clock_step = 1;  // coarser than any file system's that we know of
  struct stat facts{};
  timespec now{};
  if (::stat(file.c_str(), &facts) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) return "";
  const auto age = static_cast<double>(now.tv_sec - facts.st_ctim.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec - facts.st_ctim.tv_nsec);
  if (age < clock_step) return "";
  std::string state;
  for (const auto number : {static_cast<std::int64_t>(facts.st_dev), static_cast<std::int64_t>(facts.st_ino), std::int64_t{facts.st_size},
                            std::int64_t{facts.st_mtim.tv_sec}, std::int64_t{facts.st_mtim.tv_nsec}, std::int64_t{facts.st_ctim.tv_sec},
                            std::int64_t{facts.st_ctim.tv_nsec}})
    state += std::to_string(number) + " ";
  return state;
}

}  // namespace

std::string FileDigests::of(const std::filesystem::path& file) {
  const std::string state = settled_state(file);
  if (state.empty()) return sha256_file(file);
  auto& [known_state, digest] = known_[file.string()];
  if (known_state == state) return digest;
  digest = sha256_file(file);
  known_state = state;
  return digest;
}

}  // namespace assay
