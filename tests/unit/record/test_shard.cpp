// The journal: whole frames survive everything, torn tails are cut, damage never crashes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/base/rng.hpp"
#include "harness/record/shard.hpp"

using namespace assay;

namespace {

Event batch(int index, std::size_t blob) {
  return {Json::object({{"type", "batch"}, {"index", index}}), std::vector<std::byte>(blob, static_cast<std::byte>(index))};
}

fs::path write_sample(const fs::path& folder) {
  fs::path file = folder / "shard";
  ShardWriter writer(file);
  writer.append(Json::object({{"type", "begin"}, {"attempt", 1}}));
  for (int i = 0; i < 4; ++i) writer.append(batch(i, 40 + static_cast<std::size_t>(i)));
  writer.append(Json::object({{"type", "end"}, {"status", "ok"}}));
  writer.sync();
  return file;
}

void overwrite(const fs::path& file, std::span<const std::byte> bytes) { write_atomic(file, bytes); }

}  // namespace

TEST_CASE("events come back in order with their blobs") {
  const TempDir folder;
  const ShardContent content = read_shard(write_sample(folder.path()));
  REQUIRE(content.events.size() == 6);
  CHECK(content.events[0].type() == "begin");
  CHECK(content.events[3].json.at("index").as_int() == 2);
  CHECK(content.events[3].blob == std::vector<std::byte>(42, std::byte{2}));
  CHECK(content.events[5].json.at("status").as_string() == "ok");
  CHECK_FALSE(content.torn);
  CHECK(content.good_bytes == fs::file_size(folder.path() / "shard"));
}

TEST_CASE("a frame is laid out as documented, checked byte by byte") {
  const TempDir folder;
  ShardWriter(folder.path() / "s").append(Event{Json::object({{"t", 1}}), {std::byte{0xAB}}});
  const auto bytes = read_bytes(folder.path() / "s");
  const std::string json = R"({"t":1})";
  REQUIRE(bytes.size() == 8 + 8 + 4 + json.size() + 1);
  CHECK(std::memcmp(bytes.data(), "ASSAYSH1", 8) == 0);
  CHECK(bytes[8] == static_cast<std::byte>(4 + json.size() + 1));
  CHECK(bytes[16] == static_cast<std::byte>(json.size()));
  const std::uint32_t crc = crc32c(std::span(bytes).subspan(16));
  CHECK(std::memcmp(bytes.data() + 12, &crc, 4) == 0);
  CHECK(bytes.back() == std::byte{0xAB});
}

TEST_CASE("every truncation keeps the whole frames before it, and writing goes on after recovery") {
  const TempDir folder;
  const fs::path file = write_sample(folder.path());
  const auto whole = read_bytes(file);
  const ShardContent all = read_shard(file);
  std::size_t before = 0;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    overwrite(file, std::span(whole).first(length));
    const ShardContent content = read_shard(file);
    REQUIRE(content.events.size() >= before);
    before = content.events.size();
    REQUIRE(content.good_bytes <= length);
    REQUIRE(content.torn == (content.good_bytes < length));
    for (std::size_t i = 0; i < content.events.size(); ++i) REQUIRE(content.events[i].json == all.events[i].json);
    ShardWriter(file).append(Json::object({{"type", "end"}}));
    const ShardContent repaired = read_shard(file);
    REQUIRE_FALSE(repaired.torn);
    REQUIRE(repaired.events.size() == before + 1);
    REQUIRE(repaired.events.back().type() == "end");
  }
  CHECK(before == all.events.size());
}

TEST_CASE("recovery says how much it cut") {
  const TempDir folder;
  const fs::path file = write_sample(folder.path());
  const auto whole = read_bytes(file);
  CHECK(recover_shard(file) == 0);
  overwrite(file, std::span(whole).first(whole.size() - 1));
  CHECK(recover_shard(file) > 1);
  CHECK(recover_shard(file) == 0);
  CHECK(read_shard(file).events.size() == 5);
}

TEST_CASE("random damage never crashes a reader; what it gives is a prefix of what was written") {
  const TempDir folder;
  const fs::path file = write_sample(folder.path());
  const auto whole = read_bytes(file);
  const ShardContent all = read_shard(file);
  const Rng rng(5, "fuzz shard");
  for (std::uint64_t trial = 0; trial < 3000; ++trial) {
    auto bytes = whole;
    for (std::uint64_t f = 0; f <= trial % 3; ++f)
      bytes[rng.below(8 * trial + f, bytes.size())] ^= static_cast<std::byte>(1U << (trial + f) % 8);
    if (trial % 4 == 0) bytes.resize(rng.below(8 * trial + 7, bytes.size()));
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    try {
      const ShardContent content = read_shard(file);
      REQUIRE(content.events.size() <= all.events.size());
      for (std::size_t i = 0; i < content.events.size(); ++i) {
        REQUIRE(content.events[i].json == all.events[i].json);
        REQUIRE(content.events[i].blob == all.events[i].blob);
      }
    } catch (const Error& error) {
      REQUIRE(error.fault() == Fault::bad_input);  // the magic was hit
    }
  }
}

TEST_CASE("frames with a right checksum and wrong content are errors that name the event") {
  const TempDir folder;
  const fs::path file = folder.path() / "s";
  const auto write_payload = [&](std::vector<std::byte> payload) {
    std::vector<std::byte> bytes(16 + payload.size());
    const auto length = static_cast<std::uint32_t>(payload.size());
    const std::uint32_t crc = crc32c(payload);
    std::memcpy(bytes.data(), "ASSAYSH1", 8);
    std::memcpy(bytes.data() + 8, &length, 4);
    std::memcpy(bytes.data() + 12, &crc, 4);
    std::copy(payload.begin(), payload.end(), bytes.begin() + 16);
    overwrite(file, bytes);
  };
  write_payload({std::byte{9}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{'{'}});
  CHECK_THROWS_WITH_AS(read_shard(file), doctest::Contains("event 0: an event's text is longer"), Error);
  write_payload({std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{'{'}});
  CHECK_THROWS_WITH_AS(read_shard(file), doctest::Contains("event 0:1:"), Error);
  write_payload({std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{'3'}});
  CHECK_THROWS_WITH_AS(read_shard(file), doctest::Contains("must be an object"), Error);
}

TEST_CASE("a file of another kind is refused, and left alone by the writer") {
  const TempDir folder;
  const fs::path file = folder.path() / "s";
  write_atomic(file, "something else");
  CHECK_THROWS_WITH_AS(read_shard(file), doctest::Contains("not a shard"), Error);
  CHECK_THROWS_AS(ShardWriter{file}, Error);
  CHECK(read_text(file) == "something else");
}

TEST_CASE("a write that fails half way leaves no half frame") {
  const TempDir folder;
  const fs::path file = folder.path() / "s";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &small);
    ShardWriter writer(file);
    writer.append(batch(1, 1000));
    try {
      writer.append(batch(2, 100000));
      ::_exit(1);
    } catch (const Error& error) {
      if (error.fault() != Fault::io) ::_exit(2);
    }
    writer.append(Json::object({{"type", "end"}, {"status", "failed"}}));
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  CHECK(status == 0);
  const ShardContent content = read_shard(file);
  CHECK_FALSE(content.torn);
  REQUIRE(content.events.size() == 2);
  CHECK(content.events[1].type() == "end");
}

TEST_CASE("a column keeps ids and values, and a damaged one is refused") {
  const Column column{"correct", "eps=1/10", "", "sample", "judged", {5, 6, 7}, {1, 0, 0.5}};
  Event event = column_event(column);
  const Column back = decode_column(event);
  CHECK(back.quantity == "correct");
  CHECK(back.condition == "eps=1/10");
  CHECK(back.grade == "judged");
  CHECK(back.ids == column.ids);
  CHECK(back.values == column.values);
  CHECK_THROWS_AS(decode_column(batch(1, 4)), Error);
  event.blob.pop_back();
  CHECK_THROWS_WITH_AS(decode_column(event), doctest::Contains("column 'correct'"), Error);
  CHECK_THROWS_AS(column_event({"q", "", "", "", "", {1, 2}, {1}}), Error);
}

TEST_CASE("a follower gives each whole event once, while the file grows byte by byte") {
  const TempDir folder;
  const auto whole = read_bytes(write_sample(folder.path()));
  const fs::path growing = folder.path() / "growing";
  ShardFollower follower(growing);
  CHECK(follower.poll().empty());
  std::ofstream out(growing, std::ios::binary);
  std::vector<Json> seen;
  for (const std::byte b : whole) {
    out.put(static_cast<char>(b)).flush();
    for (Json& event : follower.poll()) seen.push_back(std::move(event));
  }
  const ShardContent content = read_shard(growing);
  REQUIRE(seen.size() == content.events.size());
  for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == content.events[i].json);
  CHECK(follower.poll().empty());
}
