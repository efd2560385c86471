// Addresses of a crash report become names; what cannot be one stays.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "harness/base/files.hpp"
#include "harness/sched/backtrace.hpp"

using namespace assay;

namespace {

[[gnu::noinline]] int a_function_with_a_name(int x) { return x + 1; }

std::string frame_of(const void* address) {
  Dl_info info{};
  REQUIRE(::dladdr(address, &info) != 0);
  const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  return fmt::format("{}(+{:#x})[{}]", self_path().string(), offset, address);
}

}  // namespace

TEST_CASE("an address gets the name of its function from the file's symbols") {
  const std::string log = "before\n" + frame_of(reinterpret_cast<const void*>(&a_function_with_a_name)) + "\nafter";
  const std::string named = sched::with_names(log);
  CHECK(named.starts_with("before\n  "));
  CHECK(named.find("a_function_with_a_name(int) + 0x0 (test_sched)") != std::string::npos);
  CHECK(named.ends_with("\nafter"));
}

TEST_CASE("mangled names are made readable, unknown files and other lines stay") {
  CHECK(sched::with_names("/x/lib.so(_ZN5assay1fEi+0x1f)[0x7f00]\n") == "  assay::f(int) + 0x1f (lib.so)\n");
  const TempDir folder;
  write_atomic(folder.path() / "junk.so",
               "\x7f"
               "ELF and nothing behind it");
  const std::string junk = (folder.path() / "junk.so").string() + "(+0x10)[0x7f00]";
  CHECK(sched::with_names(junk) == junk);
  CHECK(sched::with_names("/no/such/file(+0x10)[0x7f00]\n") == "/no/such/file(+0x10)[0x7f00]\n");
  CHECK(sched::with_names("step 3 of (5)[0x\n") == "step 3 of (5)[0x\n");
  CHECK(sched::with_names("").empty());
}
