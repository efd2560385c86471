// The client against a worker that is a shell script: answers, cache, crashes, timeouts.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/worker_client.hpp"

using namespace assay;
using namespace assay::cli;

namespace {

struct FakeWorker {
  TempDir folder{"fake-worker"};
  fs::path program = folder.path() / "worker", library = folder.path() / "p.so";
  explicit FakeWorker(const std::string& script) {
    write_atomic(program, "#!/bin/sh\n" + script);
    fs::permissions(program, fs::perms::owner_all);
    write_atomic(library, std::string_view("bytes"));
  }
  WorkerClient client(sched::SandboxMode mode = sched::SandboxMode::off) const { return {program, folder.path() / "cache", mode}; }
};

const char* describe_script =
    "echo x >> \"$(dirname \"$0\")/calls\"\n"
    "echo '{\"abi\":\"0.1\",\"descriptors\":[{\"id\":\"pgd\",\"version\":\"1.0.0\",\"roles\":[\"attack\"]}]}'\n";

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("a description is asked for once, and again when the library changes") {
  const FakeWorker fake(describe_script);
  const auto calls = [&] { return read_text(fake.folder.path() / "calls").size() / 2; };
  CHECK(fake.client().describe(fake.library).at(0).id == "pgd");
  CHECK(fake.client().describe(fake.library).at(0).path == fake.library.string());
  CHECK(calls() == 1);
  write_atomic(fake.library, std::string_view("other bytes"));
  fake.client().describe(fake.library);
  CHECK(calls() == 2);
}

TEST_CASE("a plugin is asked about itself in the sandbox, and the answer is the same") {
  const FakeWorker fake(describe_script);
  if (sched::find_sandbox(sched::SandboxMode::automatic, fake.program).empty()) {
    MESSAGE("no sandbox on this machine: nothing to look at");
    return;
  }
  CHECK(fake.client(sched::SandboxMode::automatic).describe(fake.library).at(0).id == "pgd");
  CHECK_FALSE(fs::exists(fake.folder.path() / "calls"));  // what lies beside the worker is read-only, or not there
}

TEST_CASE("a damaged cache entry is replaced") {
  const FakeWorker fake(describe_script);
  fake.client().describe(fake.library);
  for (const auto& entry : fs::directory_iterator(fake.folder.path() / "cache")) write_atomic(entry.path(), std::string_view("{"));
  CHECK(fake.client().describe(fake.library).size() == 1);
}

TEST_CASE("a worker's error keeps its words") {
  const FakeWorker fake("echo noise >&2; echo 'error: no symbol' >&2; exit 2\n");
  CHECK(message_of([&] { fake.client().describe(fake.library); }) == "no symbol");
}

TEST_CASE("a crash while describing names command and signal") {
  const FakeWorker fake("kill -SEGV $$\n");
  const std::string message = message_of([&] { fake.client().describe(fake.library); });
  CHECK(message.find("assay-worker describe") == 0);
  CHECK(message.find("signal 11") != std::string::npos);
}

TEST_CASE("one broken library and one taken id leave the others usable") {
  const FakeWorker fake(std::string("case \"$2\" in *bad.so) exit 7;; esac\n") + describe_script);
  write_atomic(fake.folder.path() / "bad.so", std::string_view("b"));
  write_atomic(fake.folder.path() / "twin.so", std::string_view("t"));
  const PluginSet set =
      fake.client().describe_all({fake.folder.path() / "bad.so", fake.library, fake.folder.path() / "twin.so"});
  CHECK(set.descriptors.size() == 1);
  REQUIRE(set.broken.size() == 2);
  CHECK(set.broken[0].reason.find("exit code 7") != std::string::npos);
  CHECK(set.broken[1].reason.find("id 'pgd' is taken") != std::string::npos);
}

TEST_CASE("a check ends as its answer, as a crash, or as a timeout") {
  const CheckCase what{"pgd", "one-symbol", ""};
  const FakeWorker good("echo '{\"status\":\"warning\",\"detail\":\"why\"}'\n");
  CHECK(good.client().check(good.library, what, 10).status == "warning");
  CHECK(good.client().check(good.library, what, 10).detail == "why");
  const FakeWorker crash("kill -SEGV $$\n");
  CHECK(crash.client().check(crash.library, what, 10).status == "crashed");
  const FakeWorker quits("exit 0\n");
  CHECK(quits.client().check(quits.library, what, 10).status == "crashed");
  const FakeWorker sleeps("sleep 30\n");
  CHECK(sleeps.client().check(sleeps.library, what, 0.3).status == "timeout");
}
