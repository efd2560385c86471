#include "results/store/encoding.hpp"

#include <zlib.h>

#include <bit>
#include <cstring>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"

namespace assay::store {
namespace {

static_assert(std::endian::native == std::endian::little, "columns are stored as the machine's little-endian words");

// Differences wrap in unsigned arithmetic, so every 64-bit id survives.
std::vector<std::uint64_t> differences(std::span<const std::int64_t> ids) {
  std::vector<std::uint64_t> out(ids.size());
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<std::uint64_t>(ids[i]);
    out[i] = id - last;
    last = id;
  }
  return out;
}

std::vector<std::byte> compress(std::span<const std::byte> raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::vector<std::byte> out(size);
  const int code = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                             static_cast<uLong>(raw.size()), Z_BEST_SPEED);
  if (code != Z_OK) throw Error(Fault::internal, "zlib refused to compress a column (code " + std::to_string(code) + ")");
  out.resize(size);
  return out;
}

template <class T>
std::vector<T> decompress(std::span<const std::byte> blob, std::size_t n, const std::string& what) {
  std::vector<T> out(n);
  T none{};  // zlib wants an address even for no bytes
  uLongf size = static_cast<uLongf>(n * sizeof(T));
  const int code = ::uncompress(reinterpret_cast<Bytef*>(n == 0 ? &none : out.data()), &size,
                                reinterpret_cast<const Bytef*>(blob.data()), static_cast<uLong>(blob.size()));
  if (code != Z_OK || size != n * sizeof(T))
    throw Error(Fault::bad_input, what + ": stored column is damaged, expected " + std::to_string(n) + " values");
  return out;
}

}  // namespace

std::vector<std::byte> encode_ids(std::span<const std::int64_t> ids) {
  const auto steps = differences(ids);
  return compress(std::as_bytes(std::span(steps)));
}

std::vector<std::byte> encode_values(std::span<const double> values) { return compress(std::as_bytes(values)); }

std::vector<std::int64_t> decode_ids(std::span<const std::byte> blob, std::size_t n, const std::string& what) {
  const auto steps = decompress<std::uint64_t>(blob, n, what);
  std::vector<std::int64_t> ids(n);
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<std::int64_t>(last += steps[i]);
  return ids;
}

std::vector<double> decode_values(std::span<const std::byte> blob, std::size_t n, const std::string& what) {
  return decompress<double>(blob, n, what);
}

std::string column_digest(std::span<const std::int64_t> ids, std::span<const double> values) {
  Sha256 hash;
  hash.update(std::as_bytes(ids));
  hash.update(std::as_bytes(values));
  return hash.hex();
}

}  // namespace assay::store
