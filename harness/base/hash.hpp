// SHA-256 and CRC-32C. Digests are lower-case hex strings of 64 characters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace assay {

class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  std::string hex();  // finishes; call once

 private:
  void block(const std::byte* data);
  std::array<std::uint32_t, 8> state_;
  std::array<std::byte, 64> buffer_{};
  std::size_t buffered_ = 0;
  std::uint64_t total_ = 0;
};

std::string sha256(std::string_view text);
std::string sha256(std::span<const std::byte> bytes);
std::string sha256_file(const std::filesystem::path& file);  // throws Error(io)

// Digests of files that many read and hardly any change: computed once per state of a file, told by where it is on the
// disk, its length and its times. A file that changed within the last second is read again each time, since a second change
// could leave the same times. One thread.
class FileDigests {
 public:
  std::string of(const std::filesystem::path& file);  // as sha256_file, and throws as it does

 private:
  std::map<std::string, std::pair<std::string, std::string>> known_;  // path -> state, digest
};

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

}  // namespace assay
