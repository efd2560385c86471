// File formats: what is read, and what each broken file is told.
#include <doctest/doctest.h>

#include "fixture.hpp"
#include "harness/base/subprocess.hpp"
#include "harness/data/loaders/formats.hpp"

using namespace assay;
using namespace assay::data;
using fixture::contains;
using fixture::error_of;
using fixture::put;

namespace {

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const std::vector<std::int64_t> tiny_rgb{3, 2, 2};

}  // namespace

TEST_CASE("gzip: several members, cuts and damage") {
  TempDir dir;
  const std::string content = fixture::bytes(300000);
  CHECK(text_of(read_unpacked(put(dir.path() / "plain", content))) == content);
  CHECK(text_of(read_unpacked(put(dir.path() / "a.gz", fixture::gzip(content)))) == content);
  CHECK(text_of(read_unpacked(put(dir.path() / "b.gz", fixture::gzip("one ") + fixture::gzip("two")))) == "one two");
  std::string packed = fixture::gzip(content);
  const auto read = [&](const std::string& bytes) {
    return error_of([&] { read_unpacked(put(dir.path() / "c.gz", bytes)); });
  };
  CHECK(contains(read(packed.substr(0, packed.size() - 5)), "end too early"));
  CHECK(contains(read(packed + "xx"), "bytes behind the end"));
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 4);
  CHECK(contains(read(packed), "c.gz: offset"));
  CHECK(contains(error_of([&] { read_unpacked(put(dir.path() / "d.gz", fixture::gzip(content)), 1000); }),
                 "more than 1000 bytes"));
}

TEST_CASE("IDX") {
  TempDir dir;
  const std::string good = fixture::idx({2, 2, 3}, "abcdefghijkl");
  for (const std::string& bytes : {good, fixture::gzip(good)}) {
    const Array array = read_idx(put(dir.path() / "x", bytes));
    CHECK(array.shape == std::vector<std::int64_t>{2, 2, 3});
    CHECK(text_of(array.bytes) == "abcdefghijkl");
  }
  const auto read = [&](const std::string& bytes) { return error_of([&] { read_idx(put(dir.path() / "x", bytes)); }); };
  CHECK(contains(read(""), "not an IDX file: 0 bytes"));
  CHECK(contains(read("<html>"), "wrong magic"));
  CHECK(contains(read(good.substr(0, 9)), "header is cut"));
  CHECK(contains(read(good.substr(0, good.size() - 1)), "offset 27: the header announces 12 bytes of data, found 11"));
  CHECK(contains(read(good + "z"), "found 13"));
  std::string other = good;
  other[2] = '\x0d';
  CHECK(contains(read(other), "offset 2: IDX type code 13"));
  other = good;
  other[3] = '\x09';
  CHECK(contains(read(other), "9 dimensions"));
  CHECK(contains(read(fixture::idx({0xffffffff, 0xffffffff, 0xffffffff}, "abc")), "impossible IDX dimensions"));
}

TEST_CASE("CIFAR binary, there and back") {
  TempDir dir;
  const std::string good = std::string("\x01") + "abcdefghijkl" + '\0' + "mnopqrstuvwx";
  const LabelledImages data = read_cifar_binary(put(dir.path() / "b", good), tiny_rgb, 2);
  CHECK(data.labels == std::vector<std::int64_t>{1, 0});
  CHECK(data.images.shape == std::vector<std::int64_t>{2, 3, 2, 2});
  CHECK(text_of(data.images.bytes) == "abcdefghijklmnopqrstuvwx");
  CHECK(text_of(to_cifar_binary(data)) == good);
  const auto read = [&](const std::string& bytes) {
    return error_of([&] { read_cifar_binary(put(dir.path() / "b", bytes), tiny_rgb, 2); });
  };
  CHECK(contains(read(good.substr(1)), "no whole number of records of 13"));
  CHECK(contains(read(""), "no whole number"));
  CHECK(contains(read(good.substr(0, 13) + "\x02" + good.substr(14)), "offset 13: label 2 of record 1"));
}

TEST_CASE("PNG sheets are read losslessly or refused") {
  TempDir dir;
  const std::string rgb = fixture::png(4, 2, PNG_FORMAT_RGB, "abcdefghijklmnopqrstuvwx");
  const Array array = read_png_sheet(put(dir.path() / "s.png", rgb), tiny_rgb);
  CHECK(array.shape == std::vector<std::int64_t>{2, 3, 2, 2});
  CHECK(text_of(array.bytes) == "adgjbehkcfilmpsvnqtworux");  // HWC to CHW
  const std::vector<std::int64_t> tiny_grey{1, 2, 2};
  const Array grey =
      read_png_sheet(put(dir.path() / "g.png", fixture::png(4, 2, PNG_FORMAT_GRAY, "abcdefgh")), tiny_grey);
  CHECK(text_of(grey.bytes) == "abcdefgh");
  const auto read = [&](const std::string& bytes) {
    return error_of([&] { read_png_sheet(put(dir.path() / "s.png", bytes), tiny_rgb); });
  };
  CHECK(contains(read("no png"), "not a PNG"));
  CHECK(contains(read(rgb.substr(0, rgb.size() - 20)), "damaged PNG"));
  CHECK(contains(read(fixture::png(4, 2, PNG_FORMAT_RGBA, fixture::bytes(32))), "colour type 6, expected 2"));
  CHECK(contains(read(fixture::png(5, 2, PNG_FORMAT_RGB, fixture::bytes(30))), "width 5, expected 4"));
  const std::string gamma = rgb.substr(0, 33) + fixture::big_endian(4) + "gAMA" + fixture::big_endian(100000);
  const auto crc = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(gamma.data() + 37), 8));
  CHECK(contains(read(gamma + fixture::big_endian(crc) + rgb.substr(33)), "gAMA"));
  const std::vector<std::int64_t> labels{1, 0, 2};
  CHECK(read_json_labels(put(dir.path() / "l.json", "[1, 0, 2]"), 3) == labels);
  const auto label_error = [&](const std::string& text) {
    return error_of([&] { read_json_labels(put(dir.path() / "l.json", text), 3); });
  };
  CHECK(contains(label_error("[1, 3]"), "entry 1: label 3 is outside [0, 3)"));
  CHECK(contains(label_error("[1, 0.5]"), "entry 1: expected an integer"));
  CHECK(contains(label_error("{}"), "expected an array"));
  CHECK(contains(label_error("[1, "), "l.json"));
}

TEST_CASE("CSV: quoting, line ends, missing cells, places in errors") {
  TempDir dir;
  const fs::path file = dir.path() / "t.csv";
  const CsvTable table =
      read_csv(put(file, "\xef\xbb\xbfid,\"na,me\",x\r\n1,\"a \"\"b\"\"\",2.5\r\n\r\n2, c ,?\r\n3,\"\",-1e3"));
  CHECK(table.rows == 3);
  CHECK(table.columns[1].name == "na,me");
  CHECK(table.columns[1].texts == std::vector<std::string>{"a \"b\"", "c", ""});
  CHECK(table.columns[1].complete());  // a quoted empty cell is a value
  CHECK(!table.columns[1].numeric);
  CHECK(table.columns[2].numeric);
  CHECK(table.columns[2].numbers == std::vector<double>{2.5, 0, -1000});
  CHECK(table.columns[2].present == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(table.find("x", "t") == 2);
  CHECK(table.find("-1", "t") == 2);
  CHECK(table.find("1", "t") == 1);
  CHECK(contains(error_of([&] { table.find("idd", "t.csv"); }), "did you mean 'id'"));
  CsvOptions options;
  options.delimiter = ';';
  options.header = false;
  options.skip = 1;
  const CsvTable bare = read_csv(put(file, "comment, here\n1;2\n3;4\n"), options);
  CHECK(bare.columns[1].name == "c1");
  CHECK(bare.columns[1].numbers == std::vector<double>{2, 4});
  const auto read = [&](const std::string& text) { return error_of([&] { read_csv(put(file, text)); }); };
  CHECK(contains(read("a,b\n1,2\n3\n"), "t.csv:3:1: 1 cells, expected 2"));
  CHECK(contains(read("a,b\n1,\"2\n"), "quote is not closed"));
  CHECK(contains(read("a,b\n1,\"2\"3\n"), "t.csv:2:6: expected the delimiter"));
  CHECK(contains(read("a,a\n1,2\n"), "column 'a' occurs twice"));
  CHECK(contains(read("a,b\n"), "no rows"));
  CHECK(contains(read(""), "no rows"));
  CHECK(contains(read(std::string("a,b\n1,\0\n", 8)), "zero byte"));
  CHECK(contains(read("a,b\n\"x\ny\",1\n2\n"), "t.csv:4:1"));  // a line break inside quotes counts
  CHECK(!read_csv(put(file, "a\nnan\n")).columns[0].numeric);
}

TEST_CASE("tar: members in pieces, long names, damage") {
  TempDir dir;
  const std::string big = fixture::bytes(700000, 3), deep = std::string(120, 'd') + "/file";
  const auto walk = [&](const fs::path& file) {
    std::map<std::string, std::string> found;
    std::string current;
    TarVisitor visitor;
    visitor.wanted = [&](const std::string& name, std::uint64_t) -> PieceSink {
      if (name == "skip") return {};
      current.clear();
      return [&](std::span<const std::byte> piece) {
        current.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      };
    };
    visitor.done = [&](const std::string& name) { found[name] = current; };
    read_tar(file, visitor);
    return found;
  };
  const std::string archive = fixture::tar({{"a", "alpha"}, {"skip", "no"}, {"big", big}, {"empty", ""}});
  for (const std::string& bytes : {archive, fixture::gzip(archive)}) {
    const auto found = walk(put(dir.path() / "t", bytes));
    CHECK(found.size() == 3);
    CHECK(found.at("a") == "alpha");
    CHECK(found.at("big") == big);
    CHECK(found.at("empty").empty());
  }
  const auto failed = [&](const std::string& bytes) { return error_of([&] { walk(put(dir.path() / "t", bytes)); }); };
  CHECK(contains(failed(archive.substr(0, 3000)), "ends too early"));
  CHECK(contains(failed(""), "ends too early"));
  std::string damaged = archive;
  damaged[3] = 'x';
  CHECK(contains(failed(damaged), "damaged"));
  CHECK(contains(failed(fixture::bytes(2048)), "not a tar archive"));
  for (const char* format : {"gnu", "pax", "ustar"}) {  // an independent writer
    CAPTURE(format);
    const fs::path root = dir.path() / format;
    put(root / deep, "deep");
    put(root / "top", big);
    SpawnOptions options;
    options.argv = {"/usr/bin/tar", std::string("--format=") + format, "-czf", root.string() + ".tgz", deep, "top"};
    options.env = {{"PATH", "/usr/bin:/bin"}};
    options.cwd = root;
    if (!fs::exists(options.argv[0])) continue;
    REQUIRE(run_captured(options, 60).exit.code == 0);
    const auto found = walk(root.string() + ".tgz");
    CHECK(found.at(deep) == "deep");
    CHECK(found.at("top") == big);
  }
}
