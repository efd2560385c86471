// Atomic files, published folders, locks between processes, maps, the layout of build and install trees.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

using namespace assay;

namespace {

std::size_t entries_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("write_atomic goes on beside temporaries that a killed process of the same id left") {
  const TempDir dir;
  const fs::path file = dir.path() / "out.txt";
  constexpr int left = 2000;
  for (int i = 0; i < left; ++i)
    std::ofstream(dir.path() / (".out.txt." + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp")) << "half";
  write_atomic(file, "whole");
  CHECK(read_text(file) == "whole");
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == left + 1);
}

TEST_CASE("write_atomic replaces the whole file and leaves no temporary") {
  const TempDir folder;
  const fs::path file = folder.path() / "deep/er/file";
  write_atomic(file, "first");
  write_atomic(file, "second");
  CHECK(read_text(file) == "second");
  CHECK(read_bytes(file).size() == 6);
  CHECK(entries_in(file.parent_path()) == 1);
  CHECK(read_text("/proc/self/stat").size() > 10);  // a file whose size is said to be 0
}

TEST_CASE("a write that fails leaves the old content and no temporary") {
  const TempDir folder;
  const fs::path target = folder.path() / "is-a-folder";
  fs::create_directories(target / "inside");
  CHECK_THROWS_AS(write_atomic(target, "x"), Error);
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("file errors carry the path and the system's reason") {
  try {
    read_text("/nonexistent/file");
    FAIL("read a file that is not there");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::io);
    CHECK(std::string(error.what()) == "cannot read /nonexistent/file: No such file or directory");
  }
  CHECK_THROWS_AS(read_text("/tmp"), Error);
  CHECK_THROWS_AS(MappedFile("/tmp"), Error);
}

TEST_CASE("a reader of an atomically written file sees whole contents only") {
  const TempDir folder;
  const fs::path file = folder.path() / "f";
  write_atomic(file, std::string(100000, 'a'));
  const pid_t writer = ::fork();
  if (writer == 0) {
    for (int i = 0; i < 100; ++i) write_atomic(file, std::string(100000, static_cast<char>('a' + i % 26)));
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(writer, &status, WNOHANG) == 0) {
    const std::string text = read_text(file);
    REQUIRE(text.size() == 100000);
    REQUIRE(text.find_first_not_of(text[0]) == std::string::npos);
  }
  CHECK(status == 0);
}

TEST_CASE("publish_folder moves once, and the second comer's folder goes away") {
  const TempDir folder;
  for (const char* name : {"one", "two"}) write_atomic(folder.path() / name / "sub/file", name);
  const fs::path target = folder.path() / "cache/target";
  CHECK(publish_folder(folder.path() / "one", target));
  CHECK_FALSE(publish_folder(folder.path() / "two", target));
  CHECK(read_text(target / "sub/file") == "one");
  CHECK_FALSE(fs::exists(folder.path() / "one"));
  CHECK_FALSE(fs::exists(folder.path() / "two"));
}

TEST_CASE("a temporary folder dies with its value") {
  fs::path path;
  {
    TempDir folder("assay-test");
    path = folder.path();
    write_atomic(path / "a/b", "x");
    const TempDir moved(std::move(folder));
    CHECK(fs::exists(path / "a/b"));
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a file lock excludes other processes and other holders") {
  const TempDir folder;
  const fs::path file = folder.path() / "new/lock";
  int ready[2], go[2];
  REQUIRE(::pipe(ready) == 0);
  REQUIRE(::pipe(go) == 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    const FileLock lock = FileLock::lock(file);
    char c = lock.held() ? 'y' : 'n';
    if (::write(ready[1], &c, 1) != 1 || ::read(go[0], &c, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  char c = 0;
  REQUIRE(::read(ready[0], &c, 1) == 1);
  CHECK(c == 'y');
  CHECK_FALSE(FileLock::try_lock(file).held());
  REQUIRE(::write(go[1], "x", 1) == 1);
  const FileLock mine = FileLock::lock(file);  // waits for the holder's end
  CHECK(mine.held());
  CHECK_FALSE(FileLock::try_lock(file).held());
  ::waitpid(holder, nullptr, 0);
  for (const int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
}

TEST_CASE("a lock whose file was removed by the holder before is taken anew") {
  const TempDir folder;
  const fs::path file = folder.path() / "lock";
  FileLock first = FileLock::lock(file);
  fs::remove(file);
  const FileLock second = FileLock::try_lock(file);
  CHECK(second.held());
  CHECK_FALSE(FileLock::try_lock(file).held());
}

TEST_CASE("locks by name share a file and do not meet") {
  const TempDir folder;
  const fs::path file = folder.path() / "new/locks";
  {
    const FileLock one = FileLock::try_lock_in(file, "train/one");
    CHECK(one.held());
    CHECK_FALSE(FileLock::try_lock_in(file, "train/one").held());
    CHECK(FileLock::try_lock_in(file, "train/two").held());
    const pid_t other = ::fork();
    if (other == 0) ::_exit(FileLock::try_lock_in(file, "train/one").held() ? 1 : FileLock::try_lock_in(file, "train/two").held() ? 0 : 2);
    int status = -1;
    REQUIRE(::waitpid(other, &status, 0) == other);
    CHECK(status == 0);
    CHECK_FALSE(FileLock::try_lock_in(file, "train/one").held());  // a holder's end elsewhere gives nothing away
  }
  CHECK(FileLock::try_lock_in(file, "train/one").held());
  CHECK(fs::file_size(file) == 0);
}

TEST_CASE("asking a file system to spread folders never fails") {
  const TempDir folder;
  spread_subfolders(folder.path());
  spread_subfolders(folder.path());
  spread_subfolders(folder.path() / "nowhere");
  fs::create_directory(folder.path() / "below");
  CHECK(fs::is_directory(folder.path() / "below"));
}

TEST_CASE("a map shows the file's bytes") {
  const TempDir folder;
  write_atomic(folder.path() / "f", "hello");
  write_atomic(folder.path() / "empty", "");
  const MappedFile map(folder.path() / "f");
  CHECK(map.bytes().size() == 5);
  CHECK(map.bytes()[4] == std::byte{'o'});
  CHECK(MappedFile(folder.path() / "empty").bytes().empty());
}

TEST_CASE("the layout is found in install and source trees") {
  const TempDir folder;
  const fs::path& root = folder.path();
  ::setenv("ASSAY_ROOT", root.c_str(), 1);
  for (const char* file : {"bin/assay-worker", "lib/assay/plugins/a.so", "share/assay/suites/attack/s.toml",
                           "share/assay/catalog.toml"})
    write_atomic(root / file, "x");
  Layout layout = installed_layout();
  CHECK(layout.worker == root / "bin/assay-worker");
  CHECK(layout.plugins == root / "lib/assay/plugins");
  CHECK(layout.suites == root / "share/assay/suites");
  CHECK(layout.catalog == root / "share/assay/catalog.toml");

  const fs::path source = root / "source";
  for (const char* file : {"suites/attack/s.toml", "harness/data/catalog.toml", "build/release/bin/assay-worker",
                           "build/release/plugins/a.so"})
    write_atomic(source / file, "x");
  ::setenv("ASSAY_ROOT", (source / "build/release").c_str(), 1);
  layout = installed_layout();
  CHECK(layout.worker == source / "build/release/bin/assay-worker");
  CHECK(layout.plugins == source / "build/release/plugins");
  CHECK(layout.suites == source / "suites");
  CHECK(layout.catalog == source / "harness/data/catalog.toml");
  ::unsetenv("ASSAY_ROOT");
}

TEST_CASE("the data home follows the environment") {
  ::setenv("ASSAY_HOME", "/x/y", 1);
  CHECK(assay_home() == "/x/y");
  ::unsetenv("ASSAY_HOME");
  ::setenv("XDG_DATA_HOME", "/x/z", 1);
  CHECK(assay_home() == "/x/z/assay");
  ::unsetenv("XDG_DATA_HOME");
  CHECK(assay_home().string().ends_with("/.local/share/assay"));
  CHECK(self_path().filename() == "test_base");
}
