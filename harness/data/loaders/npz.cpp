// NumPy's .npz: a zip of .npy arrays, stored or deflated, as numpy.savez and savez_compressed write them. The central
// directory says where members are; every size is checked against the file before anything is allocated.
#include <zlib.h>

#include <algorithm>
#include <array>

#include "harness/base/files.hpp"
#include "harness/data/loaders/formats.hpp"
#include "harness/data/loaders/npy.hpp"
#include "harness/data/loaders/support.hpp"

namespace assay::data {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t end_mark = 0x06054b50, end64_mark = 0x06064b50, end64_at_mark = 0x07064b50;
constexpr std::uint32_t member_mark = 0x02014b50, local_mark = 0x04034b50;
constexpr std::size_t end_size = 22, end64_size = 56, end64_at_size = 20, member_size = 46, local_size = 30;
constexpr std::uint32_t full32 = 0xffffffff;      // the number is in the zip64 part
constexpr std::uint64_t deflate_at_most = 1032;   // bytes out of one byte in: what deflate can do

std::uint64_t little_endian(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}

struct Member {
  std::string name;
  std::uint64_t method = 0, crc = 0, packed = 0, size = 0, at = 0;
};

class Zip {
 public:
  Zip(const fs::path& file, Bytes bytes) : file_(file), bytes_(bytes) {}

  std::vector<Member> members() const {
    std::uint64_t count = 0, at = 0;
    directory(count, at);
    std::vector<Member> out;
    for (std::uint64_t i = 0; i < count; ++i) out.push_back(member(at));
    return out;
  }

  std::vector<std::byte> content(const Member& member) const {
    need(member.at, local_size, "a member's header");
    if (u32(member.at) != local_mark) refuse(member.at, "no header of member '" + member.name + "'");
    const std::uint64_t start = member.at + local_size + u16(member.at + 26) + u16(member.at + 28);
    need(start, member.packed, "member '" + member.name + "'");
    const Bytes packed = bytes_.subspan(start, member.packed);
    std::vector<std::byte> out = member.method == 0 ? stored(member, packed) : inflated(member, packed, start);
    const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(out.data()), out.size());
    if (crc != member.crc) refuse(start, "member '" + member.name + "' is damaged (its checksum is another)");
    return out;
  }

 private:
  std::uint64_t u16(std::uint64_t at) const { return little_endian(bytes_, at, 2); }
  std::uint64_t u32(std::uint64_t at) const { return little_endian(bytes_, at, 4); }
  std::uint64_t u64(std::uint64_t at) const { return little_endian(bytes_, at, 8); }

  [[noreturn]] void refuse(std::uint64_t at, const std::string& what) const { refuse_at(file_, at, what); }
  void need(std::uint64_t at, std::uint64_t size, const std::string& what) const {
    if (at > bytes_.size() || size > bytes_.size() - at)
      refuse(at, what + " reaches beyond the end of the file (is it whole?)");
  }

  // Where the members are listed, and how many there are.
  void directory(std::uint64_t& count, std::uint64_t& at) const {
    if (bytes_.size() < end_size) refuse(0, "too short for an .npz file");
    const std::uint64_t end = find_end();
    count = u16(end + 10);
    at = u32(end + 16);
    if (end >= end64_at_size && u32(end - end64_at_size) == end64_at_mark) {
      const std::uint64_t end64 = u64(end - end64_at_size + 8);
      need(end64, end64_size, "the zip64 directory");
      if (u32(end64) != end64_mark) refuse(end64, "no zip64 directory");
      count = u64(end64 + 32);
      at = u64(end64 + 48);
    }
    if (count > bytes_.size() / member_size) refuse(end, "it lists more members than it can hold");
  }

  // The end mark, before which a comment of up to 65535 bytes may stand; numpy writes none, others may.
  std::uint64_t find_end() const {
    const std::uint64_t last = bytes_.size() - end_size;
    const std::uint64_t first = last > 65535 ? last - 65535 : 0;
    for (std::uint64_t at = last + 1; at-- > first;)
      if (u32(at) == end_mark && u16(at + 20) == last - at) return at;
    refuse(bytes_.size(), "no end of a zip directory: this is no .npz file, or a part of one");
  }

  Member member(std::uint64_t& at) const {
    need(at, member_size, "the list of members");
    if (u32(at) != member_mark) refuse(at, "no entry of the list of members");
    Member out;
    out.method = u16(at + 10);
    out.crc = u32(at + 16);
    out.packed = u32(at + 20);
    out.size = u32(at + 24);
    out.at = u32(at + 42);
    const std::uint64_t name = u16(at + 28), extra = u16(at + 30), comment = u16(at + 32);
    need(at + member_size, name + extra + comment, "the list of members");
    out.name.assign(reinterpret_cast<const char*>(bytes_.data() + at + member_size), name);
    if ((u16(at + 8) & 1) != 0) refuse(at, "member '" + out.name + "' is encrypted");
    if (out.method != 0 && out.method != Z_DEFLATED)
      refuse(at, "member '" + out.name + "' is packed by method " + std::to_string(out.method) + "; expected stored or deflated");
    wide(out, at + member_size + name, extra);
    at += member_size + name + extra + comment;
    return out;
  }

  // Numbers that did not fit 32 bits, in this order, where the short ones are full.
  void wide(Member& out, std::uint64_t at, std::uint64_t size) const {
    const std::uint64_t end = at + size;
    while (at + 4 <= end) {
      const std::uint64_t id = u16(at), length = u16(at + 2);
      std::uint64_t from = at + 4;
      at = from + length;
      if (at > end) refuse(from, "a member's extra field is cut");
      if (id != 1) continue;
      for (std::uint64_t* number : {&out.size, &out.packed, &out.at}) {
        if (*number != full32) continue;
        if (from + 8 > at) refuse(from, "a zip64 field is cut");
        *number = u64(from);
        from += 8;
      }
    }
  }

  std::vector<std::byte> stored(const Member& member, Bytes packed) const {
    if (member.size != member.packed) refuse(member.at, "member '" + member.name + "' has two sizes");
    return {packed.begin(), packed.end()};
  }

  std::vector<std::byte> inflated(const Member& member, Bytes packed, std::uint64_t start) const {
    if (member.size / deflate_at_most > member.packed) refuse(member.at, "member '" + member.name + "' claims an impossible size");
    std::vector<std::byte> out(member.size);
    z_stream z{};
    if (inflateInit2(&z, -15) != Z_OK) throw Error(Fault::internal, "zlib does not start");
    constexpr std::size_t feed = std::size_t{1} << 30;  // zlib counts in 32 bits
    std::size_t in = 0, done = 0;
    int code = Z_OK;
    while (code == Z_OK) {
      const std::size_t give = std::min(feed, packed.size() - in), room = std::min(feed, out.size() - done);
      z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + in));
      z.avail_in = static_cast<uInt>(give);
      std::byte spare{};  // an empty member still needs somewhere to put nothing
      z.next_out = reinterpret_cast<Bytef*>(out.empty() ? &spare : out.data() + done);
      z.avail_out = static_cast<uInt>(room);
      code = inflate(&z, Z_NO_FLUSH);
      in += give - z.avail_in;
      done += room - z.avail_out;
    }
    inflateEnd(&z);
    if (code != Z_STREAM_END || in != packed.size() || done != out.size())
      refuse(start, "member '" + member.name + "' is damaged or cut");
    return out;
  }

  const fs::path& file_;
  Bytes bytes_;
};

// --- writing: stored, one member an array, equal content gives equal bytes ---

class ZipWriter {
 public:
  void add(const std::string& name, Bytes content) {
    const auto crc = static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    const std::uint64_t at = out_.size();
    put(local_mark, 4);
    header(name, content.size(), crc, 0);
    text(name);
    out_.insert(out_.end(), content.begin(), content.end());
    names_.push_back({name, 0, crc, content.size(), content.size(), at});
  }

  std::vector<std::byte> finish() {
    const std::uint64_t at = out_.size();
    for (const Member& member : names_) {
      put(member_mark, 4);
      put(20, 2);  // made by version 2.0
      header(member.name, member.size, static_cast<std::uint32_t>(member.crc), 14);
      put(member.at, 4);
      text(member.name);
    }
    const std::uint64_t size = out_.size() - at;
    if (out_.size() > full32 || names_.size() > 0xffff)
      bad_input("an .npz file of more than 4 GiB, or 65535 arrays, is not written; choose fewer samples");
    put(end_mark, 4);
    put(0, 4);
    put(names_.size(), 2);
    put(names_.size(), 2);
    put(size, 4);
    put(at, 4);
    put(0, 2);
    return std::move(out_);
  }

 private:
  void put(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) out_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
  }
  void text(const std::string& text) {
    for (const char c : text) out_.push_back(static_cast<std::byte>(c));
  }
  // What the header before a member and the entry in the list share; `rest`: bytes of the entry's further fields.
  void header(const std::string& name, std::uint64_t size, std::uint32_t crc, std::size_t rest) {
    constexpr std::uint64_t first_day = 0x21;  // 1980-01-01, the least that the format knows
    put(20, 2);
    put(0, 2);
    put(0, 2);  // stored
    put(first_day << 16, 4);
    put(crc, 4);
    put(size, 4);
    put(size, 4);
    put(name.size(), 2);
    put(0, 2);
    for (std::size_t i = 4; i < rest; ++i) put(0, 1);
  }

  std::vector<std::byte> out_;
  std::vector<Member> names_;
};

constexpr std::string_view npy_end = ".npy";

}  // namespace

std::map<std::string, Array> read_npz(const fs::path& file) {
  const MappedFile map(file);
  const Zip zip(file, map.bytes());
  std::map<std::string, Array> out;
  for (const Member& member : zip.members()) {
    if (!member.name.ends_with(npy_end)) continue;
    const std::string name = member.name.substr(0, member.name.size() - npy_end.size());
    const bool fresh = out.emplace(name, parse_npy(zip.content(member), file.string() + ": '" + name + "'")).second;
    if (!fresh) refuse_at(file, member.at, "array '" + name + "' occurs twice");
  }
  if (out.empty()) refuse_at(file, 0, "no array in this file");
  return out;
}

void write_npz(const fs::path& file, const std::map<std::string, Array>& arrays) {
  ZipWriter zip;
  for (const auto& [name, array] : arrays) zip.add(name + std::string(npy_end), npy_bytes(array));
  write_atomic(file, zip.finish());
}

}  // namespace assay::data
