// Damaged files of every format: a reader gives data or an assay::Error, never anything else. Seeds are fixed; a
// failing case prints its number.
#include <doctest/doctest.h>

#include <fstream>
#include <functional>

#include "fixture.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/loaders/formats.hpp"

using namespace assay;
using namespace assay::data;
using fixture::put;

namespace {

std::string damage(std::string bytes, const Rng& rng) {
  const std::uint64_t kind = rng.below(0, 4);
  if (kind == 0) return bytes.substr(0, rng.below(1, bytes.size()));
  if (kind == 1) return bytes + fixture::bytes(1 + rng.below(1, 40), static_cast<unsigned>(rng.bits(2)));
  const std::uint64_t flips = 1 + rng.below(3, 4);
  for (std::uint64_t i = 0; i < flips; ++i) {
    const std::uint64_t range =
        kind == 2 ? std::min<std::uint64_t>(bytes.size(), 40) : bytes.size();  // headers matter most
    bytes[rng.below(10 + 2 * i, range)] = static_cast<char>(rng.bits(11 + 2 * i));
  }
  return bytes;
}

struct Outcome {
  int read = 0, refused = 0;
};

Outcome fuzz(const std::string& good, const std::string& name, const std::function<void(const fs::path&)>& read) {
  constexpr int rounds = 400;
  TempDir dir;
  Outcome outcome;
  read(put(dir.path() / "good", good));
  for (int round = 0; round < rounds; ++round) {
    INFO(name, " case ", round);
    const Rng rng(1, name, static_cast<std::uint64_t>(round));
    std::ofstream(dir.path() / "bad", std::ios::binary) << damage(good, rng);
    try {
      read(dir.path() / "bad");
      ++outcome.read;
    } catch (const Error& error) {
      ++outcome.refused;
      CHECK(std::string(error.what()).find("bad") != std::string::npos);  // names the file
    } catch (const std::exception& error) {
      FAIL(error.what());
    }
  }
  CHECK(outcome.refused > rounds / 4);
  return outcome;
}

}  // namespace

TEST_CASE("damaged files give data or a named error") {
  const std::string pixels = fixture::bytes(8 * 12);
  const std::vector<std::int64_t> chw{3, 2, 2};
  const std::string plain = fixture::idx({8, 3, 4}, pixels);
  fuzz(plain, "idx", [](const fs::path& file) { read_idx(file); });
  fuzz(fixture::gzip(plain), "idx.gz", [](const fs::path& file) { read_idx(file); });
  fuzz(fixture::png(4, 8, PNG_FORMAT_RGB, pixels), "png", [&](const fs::path& file) { read_png_sheet(file, chw); });
  fuzz("[1, 2, 0, 3, 1]", "labels", [](const fs::path& file) { read_json_labels(file, 4); });
  fuzz(fixture::tar({{"a", pixels}, {"b", "beta"}}), "tar", [](const fs::path& file) {
    read_tar(file, {[](const std::string&, std::uint64_t) -> PieceSink { return [](std::span<const std::byte>) {}; },
                    [](const std::string&) {}});
  });
  TempDir dir;
  fixture::images("toy", 5).save(dir.path() / "r");
  fuzz(read_text(dir.path() / "r"), "records", [](const fs::path& file) { RecordSet::load(file); });
}

TEST_CASE("damaged text tables never crash the reader") {
  TempDir dir;
  const std::string good = "a,b,label\n1,\"x,\"\"y\",2\n3,z,4\n5,\"w\",6\n";
  for (int round = 0; round < 400; ++round) {
    INFO("case ", round);
    std::ofstream(dir.path() / "t.csv", std::ios::binary)
        << damage(good, Rng(1, "csv", static_cast<std::uint64_t>(round)));
    try {
      const CsvTable table = read_csv(dir.path() / "t.csv");
      for (const CsvColumn& column : table.columns) CHECK(column.texts.size() == static_cast<std::size_t>(table.rows));
    } catch (const Error&) {
    }
  }
}
