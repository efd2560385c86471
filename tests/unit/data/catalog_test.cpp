// The catalogue: the one that comes with assay, and what broken ones are told.
#include <doctest/doctest.h>

#include <cstdlib>
#include <set>

#include "fixture.hpp"
#include "harness/data/load.hpp"

using namespace assay;
using namespace assay::data;
using fixture::contains;
using fixture::error_of;

namespace {

const std::string digest(64, 'a');

std::string good() {
  return R"([[set]]
name = "toy"
title = "Toy"
task = "classification"
format = "idx"
shape = [1, 2, 3]
classes = ["a", "b"]
options = { target = "y" }
[[set.file]]
name = "images"
file = "x.idx"
bytes = 12
sha256 = ")" +
         digest + R"("
[[set.split]]
name = "test"
count = 6
files = ["images"]
[[set.source]]
kind = "path"
locator = "files"
members = { images = "x.idx.gz" }
)";
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = good();
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string refused(const std::string& text) {
  return error_of([&] { parse_catalog(text, "c.toml"); });
}

}  // namespace

TEST_CASE("the catalogue that comes with assay is whole") {
  const Catalog catalog = load_catalog(fs::path(ASSAY_SOURCE_DIR) / "harness/data/catalog.toml");
  for (const char* name : {"fashion-mnist", "mnist", "cifar10", "digits", "wine", "breast-cancer", "iris"})
    CHECK(catalog.find(name) != nullptr);
  std::set<std::string> digests;
  for (const CatalogEntry& entry : catalog.entries) {
    CAPTURE(entry.name);
    CHECK(!entry.sources.empty());
    CHECK(!entry.citation.empty());
    CHECK(!entry.licence.empty());
    CHECK(digests.insert(set_digest(entry)).second);
    CHECK(CatalogEntry::from_json(entry.to_json()).to_json() == entry.to_json());
  }
  CHECK(catalog.at("cifar10").split("train")->count == 50000);
  CHECK(contains(error_of([&] { catalog.at("fashion-mnits"); }), "did you mean 'fashion-mnist'"));
}

TEST_CASE("errors of a catalogue name the place, the key and the nearest name") {
  CHECK(refused(good()).empty());
  CHECK(contains(refused(with("title", "titel")), "c.toml:1:1: a set lacks the key 'title'"));
  CHECK(contains(refused(with("shape", "licens = \"x\"\nshape")),
                 "c.toml:6:1: unknown key 'licens' of a set; did you mean 'licence'"));
  CHECK(contains(refused(with("\"idx\"", "\"idz\"")), "c.toml:5:10: unknown format 'idz'; did you mean 'idx'"));
  CHECK(contains(refused(with("count = 6", "count = \"6\"")), "c.toml:16:9: key 'count'"));
  CHECK(contains(refused(with("count = 6", "count = 0")), "must be at least 1"));
  CHECK(contains(refused(with("[\"images\"]", "[\"image\"]")), "unknown file 'image'; did you mean 'images'"));
  CHECK(contains(refused(with("{ images =", "{ imagse =")), "unknown file 'imagse'; did you mean 'images'"));
  CHECK(contains(refused(with("\"path\"", "\"pathe\"")), "unknown kind 'pathe'; did you mean 'path'"));
  CHECK(contains(refused(with(digest, digest.substr(1))), "64 lower-case hexadecimal digits"));
  CHECK(contains(refused(with("\"x.idx\"", "\"../x.idx\"")), "no good name"));
  CHECK(contains(refused(with("\"x.idx\"", "\".lock\"")), "no good name"));
  CHECK(contains(refused(with("\"toy\"", "\"Toy/..\"")), "no good name"));
  CHECK(contains(refused(with("[\"a\", \"b\"]", "[\"a\"]")), "at least two classes"));
  CHECK(contains(refused(with("[1, 2, 3]", "[1, 0]")), "no positive integer"));
  CHECK(contains(refused(good() + good()), "the set 'toy' occurs twice"));
  CHECK(contains(refused("[[set]\n"), "c.toml:1"));
  CHECK(contains(refused("sets = 1\n"), "unknown key 'sets'"));
}

TEST_CASE("a set's digest is its content's, and relative paths are the file's") {
  const CatalogEntry entry = parse_catalog(good(), "c.toml").entries.at(0);
  CatalogEntry other = entry;
  other.title = "Another title";
  other.sources.clear();
  CHECK(set_digest(other) == set_digest(entry));
  other.files[0].sha256[0] = 'b';
  CHECK(set_digest(other) != set_digest(entry));
  TempDir dir;
  const fs::path file = fixture::put(dir.path() / "own.toml", good());
  CHECK(load_catalog(file).at("toy").sources[0].locator == (dir.path() / "files").string());
  ::setenv("ASSAY_DATA", dir.path().c_str(), 1);
  CHECK(data_root() == dir.path());
  CHECK(files_of(entry, data_root()).at("images") == dir.path() / "toy/x.idx");
  ::unsetenv("ASSAY_DATA");
  ::setenv("ASSAY_HOME", "/somewhere", 1);
  CHECK(data_root() == "/somewhere/data");
  ::unsetenv("ASSAY_HOME");
  ::setenv("ASSAY_CATALOG", file.c_str(), 1);
  CHECK(load_catalog().find("toy") != nullptr);
  ::unsetenv("ASSAY_CATALOG");
}
