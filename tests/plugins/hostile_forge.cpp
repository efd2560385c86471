// An attack that writes an outcome of its own into its journal, in the journal's own format.
#include <cstdint>
#include <cstring>

#include "hostile.hpp"

namespace {

std::uint32_t crc32c(const std::string& text) {
  std::uint32_t crc = ~0U;
  for (const char byte : text) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1U)));
  }
  return ~crc;
}

std::string bytes_of(std::uint32_t number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

void forge() {
  const std::string json =
      R"({"type":"score","quantity":"robust_accuracy","condition":"eps=1/10","configuration":"","value":0.0,"n":100,"grade":"judged"})";
  const std::string payload = bytes_of(static_cast<std::uint32_t>(json.size())) + json;
  std::ofstream("shard", std::ios::binary | std::ios::app)
      << bytes_of(static_cast<std::uint32_t>(payload.size())) << bytes_of(crc32c(payload)) << payload;
}

}  // namespace

HOSTILE_ATTACK("hostile-forge", "writes a forged outcome", forge)
