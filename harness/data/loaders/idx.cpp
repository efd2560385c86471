// IDX: two zero bytes, a type code (8 = unsigned byte), the number of dimensions, each as a big-endian u32, the data.
#include "harness/data/loaders/formats.hpp"
#include "harness/data/loaders/support.hpp"

namespace assay::data {

Array read_idx(const fs::path& file) {
  constexpr std::size_t magic_bytes = 4, max_rank = 4;
  constexpr auto unsigned_bytes = std::byte{8};
  const std::vector<std::byte> bytes = read_unpacked(file);
  if (bytes.size() < magic_bytes) refuse_at(file, 0, "not an IDX file: " + std::to_string(bytes.size()) + " bytes");
  if (bytes[0] != std::byte{0} || bytes[1] != std::byte{0}) refuse_at(file, 0, "not an IDX file: wrong magic");
  if (bytes[2] != unsigned_bytes)
    refuse_at(file, 2, "IDX type code " + std::to_string(std::to_integer<int>(bytes[2])) + ", expected 8 (bytes)");
  const auto rank = std::to_integer<std::size_t>(bytes[3]);
  if (rank < 1 || rank > max_rank)
    refuse_at(file, 3, "IDX with " + std::to_string(rank) + " dimensions, expected 1 to 4");
  const std::size_t header = magic_bytes + 4 * rank;
  if (bytes.size() < header) refuse_at(file, bytes.size(), "the IDX header is cut");
  Array array{"U8", {}, {}};
  std::uint64_t count = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint32_t extent = big_endian(bytes, magic_bytes + 4 * i);
    array.shape.push_back(extent);
    if (__builtin_mul_overflow(count, std::uint64_t{extent}, &count))
      refuse_at(file, magic_bytes + 4 * i, "impossible IDX dimensions");
  }
  if (count != bytes.size() - header)
    refuse_at(file, bytes.size(),
              "the header announces " + std::to_string(count) + " bytes of data, found " +
                  std::to_string(bytes.size() - header));
  array.bytes.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end());
  return array;
}

}  // namespace assay::data
