// A streaming reader of tar archives (POSIX ustar with the pax and GNU long names), plain or gzip.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "harness/data/loaders/formats.hpp"
#include "harness/data/loaders/support.hpp"

namespace assay::data {
namespace {

constexpr std::size_t block_bytes = 512;
constexpr std::uint64_t long_name_limit = 1 << 20;  // of the records that carry names

std::string text_field(std::span<const std::byte> block, std::size_t at, std::size_t width) {
  const char* begin = reinterpret_cast<const char*>(block.data() + at);
  return {begin, std::find(begin, begin + width, '\0')};
}

// Octal text, or big-endian binary when the first bit is set.
std::optional<std::uint64_t> number_field(std::span<const std::byte> block, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  if ((block[at] & std::byte{0x80}) != std::byte{0}) {
    for (std::size_t i = 1; i < width; ++i) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | std::to_integer<std::uint64_t>(block[at + i]);
    }
    return value;
  }
  for (std::size_t i = 0; i < width; ++i) {
    const char c = static_cast<char>(block[at + i]);
    if (c == ' ' || c == '\0') continue;
    if (c < '0' || c > '7') return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool checksum_holds(std::span<const std::byte> block) {
  constexpr std::size_t sum_at = 148, sum_width = 8;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block_bytes; ++i)
    sum += i >= sum_at && i < sum_at + sum_width ? std::uint64_t{' '} : std::to_integer<std::uint64_t>(block[i]);
  return number_field(block, sum_at, sum_width) == sum;
}

// "<length> path=<name>\n" records of a pax header; the name, or "".
std::string pax_path(std::string_view records) {
  while (!records.empty()) {
    std::size_t length = 0, digits = 0;
    while (digits < records.size() && digits < 8 && records[digits] >= '0' && records[digits] <= '9')
      length = length * 10 + static_cast<std::size_t>(records[digits++] - '0');
    if (length <= digits + 1 || length > records.size()) return {};
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    constexpr std::string_view key = "path=";
    if (record.substr(0, key.size()) == key) return std::string(record.substr(key.size()));
    records.remove_prefix(length);
  }
  return {};
}

class Walker {
 public:
  Walker(const fs::path& file, const TarVisitor& visitor) : file_(file), visitor_(visitor) {}

  // Takes the archive in pieces of any size.
  void take(std::span<const std::byte> piece) {
    while (!piece.empty() && !ended_) {
      if (left_ > 0) {
        piece = piece.subspan(content(piece));
        continue;
      }
      const std::size_t count = std::min(piece.size(), block_bytes - filled_);
      std::memcpy(block_.data() + filled_, piece.data(), count);
      filled_ += count;
      offset_ += count;
      piece = piece.subspan(count);
      if (filled_ < block_bytes) return;
      filled_ = 0;
      header();
    }
  }

  void finish() const {
    if (!ended_ && (left_ > 0 || filled_ > 0 || offset_ == 0))
      refuse_at(file_, offset_, "the archive ends too early (is the file whole?)");
  }

 private:
  enum class Kind { file, name, pax, other };

  void header() {
    constexpr std::size_t size_at = 124, size_width = 12, type_at = 156, magic_at = 257, prefix_at = 345;
    const std::span<const std::byte> block(block_);
    if (std::all_of(block_.begin(), block_.end(), [](std::byte b) { return b == std::byte{0}; })) {
      ended_ = true;
      return;
    }
    if (!checksum_holds(block)) refuse_at(file_, offset_ - block_bytes, "not a tar archive, or a damaged one");
    const auto size = number_field(block, size_at, size_width);
    if (!size || *size > std::uint64_t{1} << 50) refuse_at(file_, offset_ - block_bytes, "impossible size of a member");
    name_ = text_field(block, 0, 100);
    const std::string prefix = text_field(block, prefix_at, 155);
    if (text_field(block, magic_at, 6) == "ustar" && !prefix.empty()) name_ = prefix + "/" + name_;
    start(static_cast<char>(block_[type_at]), *size);
  }

  void start(char type, std::uint64_t size) {
    kind_ = type == '0' || type == '\0' || type == '7' ? Kind::file
            : type == 'L'                              ? Kind::name
            : type == 'x'                              ? Kind::pax
                                                       : Kind::other;
    if (kind_ != Kind::name && kind_ != Kind::pax && !long_name_.empty()) name_ = std::exchange(long_name_, {});
    if ((kind_ == Kind::name || kind_ == Kind::pax) && size > long_name_limit)
      refuse_at(file_, offset_ - block_bytes, "a name record of " + std::to_string(size) + " bytes");
    sink_ = kind_ == Kind::file ? visitor_.wanted(name_, size) : PieceSink();
    text_.clear();
    data_left_ = size;
    left_ = (size + block_bytes - 1) / block_bytes * block_bytes;
    if (left_ == 0) end_member();
  }

  // Takes part of the current member's data and padding; bytes taken.
  std::size_t content(std::span<const std::byte> piece) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), left_));
    const auto data = piece.first(static_cast<std::size_t>(std::min<std::uint64_t>(count, data_left_)));
    if (kind_ == Kind::name || kind_ == Kind::pax)
      text_.append(reinterpret_cast<const char*>(data.data()), data.size());
    if (sink_ && !data.empty()) sink_(data);
    data_left_ -= data.size();
    left_ -= count;
    offset_ += count;
    if (left_ == 0) end_member();
    return count;
  }

  void end_member() {
    if (kind_ == Kind::name) long_name_ = text_.substr(0, text_.find('\0'));
    if (kind_ == Kind::pax)
      if (const std::string path = pax_path(text_); !path.empty()) long_name_ = path;
    if (sink_) {
      sink_ = {};
      visitor_.done(name_);
    }
  }

  const fs::path& file_;
  const TarVisitor& visitor_;
  std::array<std::byte, block_bytes> block_{};
  std::size_t filled_ = 0;
  std::uint64_t offset_ = 0, left_ = 0, data_left_ = 0;
  bool ended_ = false;
  Kind kind_ = Kind::other;
  std::string name_, long_name_, text_;
  PieceSink sink_;
};

}  // namespace

void read_tar(const fs::path& file, const TarVisitor& visitor) {
  Walker walker(file, visitor);
  unpack_file(file, [&](std::span<const std::byte> piece) { walker.take(piece); });
  walker.finish();
}

}  // namespace assay::data
