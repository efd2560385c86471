// How outcome columns lie in the database: ids as first differences, values as they are, both 64-bit little-endian and
// zlib-compressed. Pure. [any-thread]
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace assay::store {

std::vector<std::byte> encode_ids(std::span<const std::int64_t> ids);
std::vector<std::byte> encode_values(std::span<const double> values);
// Throw Error(bad_input) naming `what` when the blob is damaged or holds another number of values than n.
std::vector<std::int64_t> decode_ids(std::span<const std::byte> blob, std::size_t n, const std::string& what);
std::vector<double> decode_values(std::span<const std::byte> blob, std::size_t n, const std::string& what);
// SHA-256 of the raw bytes of ids, then values: independent of the compressor.
std::string column_digest(std::span<const std::int64_t> ids, std::span<const double> values);

}  // namespace assay::store
