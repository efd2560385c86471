// Control groups against folders that look like the kernel's: version 2 cannot be had on every machine that runs tests.
#include <doctest/doctest.h>

#include <cstdlib>

#include "harness/base/files.hpp"
#include "harness/sched/cgroup.hpp"

using namespace assay;

namespace {

// The kernel makes the files of a new group; here a hand does, so limits can only be written once it has.
void make_files(const fs::path& group, std::initializer_list<std::pair<const char*, const char*>> files) {
  for (const auto& [name, text] : files) write_atomic(group / name, text);
}

fs::path only_group(const fs::path& parent) {
  for (const auto& entry : fs::directory_iterator(parent))
    if (entry.is_directory()) return entry.path();
  return {};
}

}  // namespace

TEST_CASE("no control groups where nothing can be made") {
  const TempDir root;
  make_files(root.path(), {{"membership", "0::/nowhere\n4:memory:/none\n"}});
  const sched::ControlGroups found = sched::find_control_groups(root.path() / "membership", root.path());
  CHECK(found.version == 0);
  CHECK(found.memory_by() == "watchdog");
  CHECK(found.pids_by() == "watchdog");
  CHECK_FALSE(fs::exists(root.path() / "none"));
}

TEST_CASE("control groups can be switched off") {
  ::setenv("ASSAY_CGROUPS", "off", 1);
  CHECK(sched::find_control_groups().version == 0);
  ::unsetenv("ASSAY_CGROUPS");
}

TEST_CASE("a group without the kernel's files is not in force, and is removed") {
  const TempDir root;
  sched::ControlGroups where;
  where.memory = where.pids = root.path();
  where.version = 2;
  const sched::CellGroup group(where, 1 << 20, 10);
  CHECK_FALSE(group.holds_memory());
  CHECK_FALSE(group.holds_pids());
  CHECK(group.process_files().empty());
  CHECK(only_group(root.path()).empty());
}

TEST_CASE("what a group says is read from the kernel's counters") {
  const sched::ControlGroups here = sched::find_control_groups();
  if (here.memory.empty() || here.pids.empty()) {
    MESSAGE("not tried: no control groups on this machine");
    return;
  }
  const sched::CellGroup group(here, std::uint64_t{64} << 20, 12);
  CHECK(group.holds_memory());
  CHECK(group.holds_pids());
  CHECK_FALSE(group.memory_ran_out());
  CHECK_FALSE(group.threads_ran_out());
  REQUIRE_FALSE(group.process_files().empty());
  for (const fs::path& file : group.process_files()) CHECK(read_text(file).empty());
  const fs::path pids = here.version == 2 ? group.process_files().front().parent_path() : only_group(here.pids);
  CHECK(fs::exists(pids / "pids.max"));
}
