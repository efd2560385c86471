// Plain and gzip content.
#include <zlib.h>

#include <algorithm>

#include "harness/base/files.hpp"
#include "harness/data/loaders/formats.hpp"
#include "harness/data/loaders/support.hpp"

namespace assay::data {
namespace {

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

struct Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, 15 + 32) != Z_OK) throw Error(Fault::internal, "zlib does not start");
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

// Unpacks every member of a gzip file into `sink`, piece by piece. A cut or damaged file is refused: zlib checks
// each member's CRC-32 and length.
void inflate_all(const fs::path& file, std::span<const std::byte> packed, const PieceSink& sink) {
  constexpr std::size_t piece_bytes = std::size_t{1} << 18;
  constexpr std::size_t feed_bytes = std::size_t{1} << 30;  // zlib counts in 32 bits
  std::vector<std::byte> piece(piece_bytes);
  Inflater inflater;
  z_stream& z = inflater.stream;
  std::size_t fed = 0;
  while (true) {
    if (z.avail_in == 0) {
      const std::size_t count = std::min(feed_bytes, packed.size() - fed);
      z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + fed));
      z.avail_in = static_cast<uInt>(count);
      fed += count;
    }
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = static_cast<uInt>(piece.size());
    const int code = inflate(&z, Z_NO_FLUSH);
    const std::size_t at = fed - z.avail_in;
    if (code == Z_BUF_ERROR) refuse_at(file, at, "the gzip data end too early (is the file whole?)");
    if (code != Z_OK && code != Z_STREAM_END)
      refuse_at(file, at, std::string("damaged gzip data: ") + (z.msg == nullptr ? zError(code) : z.msg));
    sink({piece.data(), piece.size() - z.avail_out});
    if (code != Z_STREAM_END) continue;
    if (at == packed.size()) return;
    if (!is_gzip(packed.subspan(at))) refuse_at(file, at, "bytes behind the end of the gzip data");
    inflateReset(&z);
  }
}

}  // namespace

std::vector<std::byte> read_unpacked(const fs::path& file, std::uint64_t limit) {
  const MappedFile map(file);
  const auto bytes = map.bytes();
  const auto check = [&](std::uint64_t size) {
    if (size > limit)
      refuse_at(file, 0, "more than " + std::to_string(limit) + " bytes of content, which is not this format");
  };
  if (!is_gzip(bytes)) {
    check(bytes.size());
    return {bytes.begin(), bytes.end()};
  }
  std::vector<std::byte> content;
  inflate_all(file, bytes, [&](std::span<const std::byte> piece) {
    check(content.size() + piece.size());
    content.insert(content.end(), piece.begin(), piece.end());
  });
  return content;
}

void unpack_file(const fs::path& file, const PieceSink& sink) {
  const MappedFile map(file);
  constexpr std::size_t piece_bytes = std::size_t{1} << 20;
  const auto bytes = map.bytes();
  if (is_gzip(bytes)) {
    inflate_all(file, bytes, sink);
    return;
  }
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes)
    sink(bytes.subspan(at, std::min(piece_bytes, bytes.size() - at)));
}

}  // namespace assay::data
