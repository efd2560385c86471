// SHA-256 and CRC-32C. Digests are lower-case hex strings of 64 characters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

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

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

}  // namespace assay
