// .npz files: what NumPy wrote, what we write (read by NumPy in the end-to-end tests), and what broken ones are told.
#include <doctest/doctest.h>

#include <fstream>

#include "fixture.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/loaders/formats.hpp"

using namespace assay;
using namespace assay::data;
using fixture::contains;
using fixture::error_of;
using fixture::put;

namespace {

const fs::path fixtures = fs::path(ASSAY_SOURCE_DIR) / "tests/unit/data/fixtures";

// Without fsync: these tests write many files.
fs::path plain(const fs::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
  return file;
}

std::string text_of(const fs::path& file) { return read_text(file); }

std::map<std::string, Array> some() {
  const std::vector<std::int64_t> ids{7, -1};
  const std::vector<float> x{0.5f, -1.0f, 2.0f, 0.0f};
  return {{"id", Array::i64({2}, ids)}, {"x", Array::f32({2, 1, 2}, x)}};
}

}  // namespace

TEST_CASE("npz as numpy.savez and savez_compressed write it") {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    CAPTURE(name);
    const auto all = read_npz(fixtures / name);
    CHECK(all.size() == 10);
    const auto id = all.at("id").as_i64();
    CHECK(std::vector<std::int64_t>(id.begin(), id.end()) == std::vector<std::int64_t>{5, -3, std::int64_t{1} << 62});
    CHECK(all.at("x").shape == std::vector<std::int64_t>{3, 2, 4});
    CHECK(all.at("x").as_f32()[23] == 23.0f / 8);
    const auto fortran = all.at("fortran").as_f64();
    for (std::size_t i = 0; i < fortran.size(); ++i) CHECK(fortran[i] == static_cast<double>(i));
    CHECK(all.at("bytes").as_u8()[2] == 255);
    CHECK(all.at("short").as_i64()[0] == -2);
    CHECK(all.at("short").as_i64()[1] == 300);
    CHECK(all.at("word").as_i64()[0] == 4000000000);
    CHECK(all.at("flag").dtype == "BOOL");
    CHECK(all.at("scalar").shape.empty());
    CHECK(all.at("scalar").as_f64()[0] == 0.5);
    CHECK(all.at("empty").shape == std::vector<std::int64_t>{0, 3});
    CHECK(all.at("eps=1/10").as_f32()[0] == 1);
  }
}

TEST_CASE("npz: types that no result can have are refused by name") {
  const auto error = [](const char* name) { return error_of([&] { read_npz(fixtures / name); }); };
  CHECK(contains(error("half.npz"), "half.npz: 'x': numbers of type '<f2'; expected float32"));
  CHECK(contains(error("big_endian.npz"), "'>f4'"));
  CHECK(contains(error("object.npz"), "'|O'"));
  CHECK(contains(error("table.npz"), "found a table or an object"));
}

TEST_CASE("what is written reads back, byte for byte the same each time") {
  TempDir dir;
  write_npz(dir.path() / "a.npz", some());
  write_npz(dir.path() / "b.npz", some());
  CHECK(text_of(dir.path() / "a.npz") == text_of(dir.path() / "b.npz"));
  const auto back = read_npz(dir.path() / "a.npz");
  CHECK(back.size() == 2);
  CHECK(back.at("x").shape == std::vector<std::int64_t>{2, 1, 2});
  CHECK(back.at("x").bytes == some().at("x").bytes);
  CHECK(back.at("id").as_i64()[1] == -1);
  Array brief = some().at("x");
  brief.dtype = "BF16";
  CHECK(contains(error_of([&] { write_npz(dir.path() / "c.npz", {{"x", brief}}); }), "BF16 has no NumPy type"));
}

TEST_CASE("npz: no archive, an empty one, a cut one and a damaged one") {
  TempDir dir;
  const auto read = [&](const std::string& bytes) {
    return error_of([&] { read_npz(put(dir.path() / "t.npz", bytes)); });
  };
  CHECK(contains(read(""), "too short"));
  CHECK(contains(read(std::string(100, 'x')), "no end of a zip directory"));
  CHECK(contains(read(text_of(fixtures / "stored.npz").substr(0, 900)), "no end of a zip directory"));
  CHECK(contains(read("PK\x05\x06" + std::string(18, '\0')), "no array in this file"));
  std::string damaged = text_of(fixtures / "stored.npz");
  damaged[damaged.find("NUMPY") + 150] ^= 1;
  CHECK(contains(read(damaged), "checksum"));
}

TEST_CASE("npz: every cut of a file, and a thousand damaged ones, give arrays or a named error") {
  TempDir dir;
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const std::string good = text_of(fixtures / name);
    for (std::size_t size = 0; size < good.size(); size += 31) {
      INFO(name, " cut at ", size);
      CHECK(contains(error_of([&] { read_npz(plain(dir.path() / "cut.npz", good.substr(0, size))); }), "cut.npz"));
    }
    int refused = 0;
    for (std::uint64_t round = 0; round < 500; ++round) {
      INFO(name, " case ", round);
      const Rng rng(2, name, round);
      std::string bad = good;
      // Names, sizes and places are at the end, in the central directory.
      const std::size_t range = round % 2 == 0 ? bad.size() : std::min<std::size_t>(bad.size(), 700);
      for (std::uint64_t i = 0; i <= round % 4; ++i)
        bad[bad.size() - 1 - rng.below(2 * i, range)] = static_cast<char>(rng.bits(2 * i + 1));
      try {
        for (const auto& [key, array] : read_npz(plain(dir.path() / "bad.npz", bad)))
          CHECK(array.bytes.size() == static_cast<std::size_t>(array.count()) * dtype_bytes(array.dtype));
      } catch (const Error& error) {
        ++refused;
        CHECK(contains(error.what(), "bad.npz"));
      } catch (const std::exception& error) {
        FAIL(error.what());
      }
    }
    CHECK(refused > 150);
  }
}
