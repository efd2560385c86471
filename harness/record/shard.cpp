// The append-only journal: frames with checksums, torn tails cut.
#include "harness/record/shard.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

#include "harness/base/disk_calls.hpp"
#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/safetensors.hpp"

namespace assay {
namespace {

constexpr std::string_view magic = "ASSAYSH1";
constexpr std::size_t frame_head = 8;  // payload length and checksum
constexpr std::uint64_t max_payload = 0xFFFFFFFFU;

[[noreturn]] void fail(const char* verb, const std::string& path) {
  throw Error(Fault::io, std::string("cannot ") + verb + " shard " + path + ": " + std::strerror(errno));
}

void put_u32(std::byte* out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::byte>(value >> (8 * i) & 255U);
}

std::uint32_t get_u32(const std::byte* in) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<std::uint32_t>(in[i]);
  return value;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The payload of the frame at the front of `bytes`, or nothing when it is torn.
std::optional<std::span<const std::byte>> whole_frame(std::span<const std::byte> bytes) {
  if (bytes.size() < frame_head) return std::nullopt;
  const std::uint32_t length = get_u32(bytes.data());
  if (length < 4 || length > bytes.size() - frame_head) return std::nullopt;
  const auto payload = bytes.subspan(frame_head, length);
  if (crc32c(payload) != get_u32(bytes.data() + 4)) return std::nullopt;
  return payload;
}

Event decode_payload(std::span<const std::byte> payload, const std::string& origin) {
  const std::uint32_t json_bytes = get_u32(payload.data());
  if (json_bytes > payload.size() - 4)
    throw Error(Fault::bad_input, origin + ": an event's text is longer than its frame");
  Event event;
  event.json = Json::parse(text_of(payload.subspan(4, json_bytes)), origin);
  if (!event.json.is_object()) throw Error(Fault::bad_input, origin + ": an event must be an object");
  const auto blob = payload.subspan(4 + json_bytes);
  event.blob.assign(blob.begin(), blob.end());
  return event;
}

// Walks over the whole frames; visit(payload). Gives the length of the whole part, 0 when even the magic is torn.
template <class Visit>
std::uint64_t walk(std::span<const std::byte> bytes, const std::string& origin, Visit visit) {
  const std::string_view head = text_of(bytes.first(std::min(bytes.size(), magic.size())));
  // A power cut may leave the length of what was never synced, and zeros for its bytes.
  if (head.find_first_not_of('\0') == std::string_view::npos) return 0;
  if (head != magic.substr(0, head.size())) throw Error(Fault::bad_input, origin + ": not a shard (wrong first bytes)");
  if (head.size() < magic.size()) return 0;
  std::size_t at = magic.size();
  while (const auto payload = whole_frame(bytes.subspan(at))) {
    visit(*payload);
    at += frame_head + payload->size();
  }
  return at;
}

struct Closer {
  int fd;
  ~Closer() { ::close(fd); }
};

std::uint64_t size_of(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) fail("read", path);
  return static_cast<std::uint64_t>(info.st_size);
}

// The writer before us may be dying still (killed with its supervisor): it gets ten seconds.
void take_lock(int fd, const std::string& path) {
  const timespec nap{0, 10'000'000};
  for (int tries = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) fail("lock", path);
    if (tries >= 1000) throw Error(Fault::io, "shard " + path + " is being written by another process");
    ::nanosleep(&nap, nullptr);
  }
}

void write_parts(int fd, std::array<iovec, 3> parts) {
  std::size_t first = 0;
  while (first < parts.size()) {
    const ssize_t put = disk_calls().writev(fd, parts.data() + first, static_cast<int>(parts.size() - first));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw Error(Fault::io, std::strerror(errno));
    auto left = static_cast<std::size_t>(put);
    while (first < parts.size() && left >= parts[first].iov_len) left -= parts[first++].iov_len;
    if (first == parts.size()) break;
    parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + left;
    parts[first].iov_len -= left;
  }
}

}  // namespace

ShardWriter::ShardWriter(const std::filesystem::path& file) : path_(file.string()) {
  make_folders(file.parent_path());
  fd_ = disk_calls().open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("open", path_);
  try {
    take_lock(fd_, path_);
    recover_shard(file);
    if (size_of(fd_, path_) == 0) begin(file);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

// What is synced into a file is lost with the file's name, so the name goes to the disk before anything else does.
void ShardWriter::begin(const std::filesystem::path& file) {
  fsync_path(file.has_parent_path() ? file.parent_path() : ".");
  try {
    write_parts(fd_, {iovec{const_cast<char*>(magic.data()), magic.size()}, iovec{nullptr, 0}, iovec{nullptr, 0}});
  } catch (const Error& error) {
    throw Error(Fault::io, "cannot write shard " + path_ + ": " + error.what());
  }
}

ShardWriter::~ShardWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void ShardWriter::append(const Event& event) {
  const std::string text = event.json.dump();
  const std::uint64_t payload = 4 + std::uint64_t{text.size()} + event.blob.size();
  if (payload > max_payload)
    throw Error(Fault::unsupported, "an event of " + std::to_string(payload) + " bytes is too long for shard " + path_);
  std::vector<std::byte> head(frame_head + 4 + text.size());
  put_u32(head.data(), static_cast<std::uint32_t>(payload));
  put_u32(head.data() + frame_head, static_cast<std::uint32_t>(text.size()));
  std::memcpy(head.data() + frame_head + 4, text.data(), text.size());
  const std::uint32_t checksum = crc32c(event.blob, crc32c(std::span<const std::byte>(head).subspan(frame_head)));
  put_u32(head.data() + 4, checksum);
  const std::uint64_t before = size_of(fd_, path_);
  try {
    write_parts(fd_, {iovec{head.data(), head.size()},
                      iovec{const_cast<std::byte*>(event.blob.data()), event.blob.size()}, iovec{nullptr, 0}});
  } catch (const Error& error) {
    // Half a frame would hide every later one (the "end" that says the disk was full, say).
    if (disk_calls().truncate(fd_, static_cast<off_t>(before)) != 0) fail("repair", path_);
    throw Error(Fault::io, "cannot write shard " + path_ + ": " + error.what());
  }
}

void ShardWriter::sync() {
  if (disk_calls().sync(fd_) != 0) fail("sync", path_);
}

ShardContent read_shard(const std::filesystem::path& file) { return parse_shard(read_bytes(file), file.string()); }

ShardContent parse_shard(std::span<const std::byte> bytes, const std::string& origin) {
  ShardContent content;
  content.good_bytes = walk(bytes, origin, [&](std::span<const std::byte> payload) {
    content.events.push_back(decode_payload(payload, origin + " event " + std::to_string(content.events.size())));
  });
  content.torn = content.good_bytes < bytes.size();
  return content;
}

std::uint64_t recover_shard(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_bytes(file);
  const std::uint64_t good = walk(bytes, file.string(), [](std::span<const std::byte>) {});
  if (good == bytes.size()) return 0;
  const int fd = disk_calls().open(file.c_str(), O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) fail("open", file.string());
  const Closer closer{fd};
  if (disk_calls().truncate(fd, static_cast<off_t>(good)) != 0) fail("repair", file.string());
  return bytes.size() - good;
}

std::vector<Json> ShardFollower::poll() {
  std::vector<Json> events;
  const int fd = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return events;
  const Closer closer{fd};
  const std::uint64_t size = size_of(fd, file_.string());
  if (at_ == 0) at_ = magic.size();
  while (at_ + frame_head + 4 <= size) {
    std::array<std::byte, frame_head + 4> head;
    if (::pread(fd, head.data(), head.size(), static_cast<off_t>(at_)) != static_cast<ssize_t>(head.size())) break;
    const std::uint32_t payload = get_u32(head.data()), text_bytes = get_u32(head.data() + frame_head);
    if (at_ + frame_head + payload > size) break;
    if (payload < 4 || text_bytes > payload - 4)
      throw Error(Fault::bad_input, file_.string() + ": damaged at byte " + std::to_string(at_));
    std::string text(text_bytes, '\0');
    if (::pread(fd, text.data(), text.size(), static_cast<off_t>(at_ + head.size())) != static_cast<ssize_t>(text.size()))
      break;
    events.push_back(Json::parse(text, file_.string() + " at byte " + std::to_string(at_)));
    at_ += frame_head + payload;
  }
  return events;
}

Event column_event(const Column& column) {
  if (column.ids.size() != column.values.size())
    throw Error(Fault::internal, "column '" + column.quantity + "' has " + std::to_string(column.ids.size()) +
                                     " ids and " + std::to_string(column.values.size()) + " values");
  const auto n = static_cast<std::int64_t>(column.ids.size());
  Container container;
  container.arrays["ids"] = Array::i64({n}, column.ids);
  container.arrays["values"] = Array::f64({n}, column.values);
  return {Json::object({{"type", "column"},
                        {"quantity", column.quantity},
                        {"condition", column.condition},
                        {"configuration", column.configuration},
                        {"unit", column.unit},
                        {"grade", column.grade},
                        {"dtype", "F64"}}),
          encode(container)};
}

Column decode_column(const Event& event) {
  if (event.type() != "column") throw Error(Fault::bad_input, "expected a column event, found '" + event.type() + "'");
  Column column;
  column.quantity = event.json.at("quantity").as_string();
  column.condition = event.json.get("condition", "");
  column.configuration = event.json.get("configuration", "");
  column.unit = event.json.get("unit", "");
  column.grade = event.json.get("grade", "");
  const Container container = decode(event.blob, "column '" + column.quantity + "'");
  const auto ids = container.at("ids").as_i64();
  const auto values = container.at("values").as_f64();
  if (ids.size() != values.size())
    throw Error(Fault::bad_input, "column '" + column.quantity + "' has " + std::to_string(ids.size()) + " ids and " +
                                      std::to_string(values.size()) + " values");
  column.ids.assign(ids.begin(), ids.end());
  column.values.assign(values.begin(), values.end());
  return column;
}

}  // namespace assay
