// The append-only journal of one job. File: 8 bytes magic "ASSAYSH1", then frames
//   u32 payload length | u32 crc32c(payload) | payload = u32 json length | json | blob
// little-endian. A torn tail (short frame, wrong checksum) is cut by recover(); everything before it is whole. A file that
// begins with zeros is torn from its first byte.
// One writer a file; readers may read while it grows.
//
// Event types ("type" in the json) and their fields:
//   begin      {key, stage, attempt, host:{...}}             first event of every attempt that writes the file
//   batch      {index, condition, count}                     blob: safetensors with the outputs of one batch
//   progress   {fraction, what}                              also on stderr-independent pipe: the supervisor polls it
//   phase      {name, wall, cpu}                             seconds since the job began
//   trace      {name, step, value}                           a curve point (grade "reported" or "host-measured")
//   counters   {forward, backward, macs, ...}                totals so far
//   artifact   {name, path, sha256, bytes}                   a file left in out/
//   column     {quantity, condition, configuration, unit, grade, dtype}   blob: safetensors {ids: I64[n], values: F64[n]}
//   score      {quantity, condition, configuration, value, n, grade, ...}  an aggregate; judge or host only
//   verdict    {level: "SUSPECT"|"INVALID", rule, reason}    rule: number in the docs' list, 0 when none
//   end        {status: "ok"|"failed"|"rejected", reason}    last event; absent when the process died
// Only a judge's shard may hold column, score and verdict events that reach the database.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.hpp"

namespace assay {

struct Event {
  Json json;
  std::vector<std::byte> blob;
  std::string type() const { return json.get("type", ""); }
};

class ShardWriter {
 public:
  // Creates or appends; cuts a torn tail first. A new file's name, and folders made for it, survive a power cut.
  explicit ShardWriter(const std::filesystem::path& file);
  ~ShardWriter();
  void append(const Event& event);
  void append(Json json) { append(Event{std::move(json), {}}); }
  void sync();  // fsync: what was appended survives a power cut

 private:
  void begin(const std::filesystem::path& file);

  int fd_ = -1;
  std::string path_;
};

struct ShardContent {
  std::vector<Event> events;
  bool torn = false;            // bytes after the last whole frame were ignored
  std::uint64_t good_bytes = 0; // length of the whole part
};
ShardContent read_shard(const std::filesystem::path& file);  // throws Error(bad_input) when the magic is wrong
ShardContent parse_shard(std::span<const std::byte> bytes, const std::string& origin);  // the same of bytes read before
std::uint64_t recover_shard(const std::filesystem::path& file);  // truncates a torn tail; bytes cut

// Follows a shard while its writer works: the text of the events that are whole, each once. Blobs are skipped and
// checksums not looked at, so a poll costs next to nothing; use read_shard for anything that counts.
class ShardFollower {
 public:
  explicit ShardFollower(std::filesystem::path file) : file_(std::move(file)) {}
  std::vector<Json> poll();  // {} while the file is absent; throws Error(bad_input) for text that is no event

 private:
  std::filesystem::path file_;
  std::uint64_t at_ = 0;
};

// One outcome column, decoded from a "column" event.
struct Column {
  std::string quantity, condition, configuration, unit, grade;
  std::vector<std::int64_t> ids;
  std::vector<double> values;
};
Event column_event(const Column& column);
Column decode_column(const Event& event);

}  // namespace assay
