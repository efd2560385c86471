// test_bits FILE [--add]: compares the nets' digests with those that FILE (tab-separated: key, net, what, SHA-256)
// holds for this machine's key. Exit code 0: equal, 1: different, 77: no digests under this key.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "harness/record/job.hpp"
#include "tests/bits/nets.hpp"

namespace {

using Digests = std::map<std::string, std::string>;  // "net what" -> SHA-256

std::string key() {
  return fmt::format("n{}/dnnl{}/{}", assay::Numerics::current_version, assay::engine::native::library_version(),
                     assay::engine::native::effective_isa());
}

Digests known(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw assay::Error(assay::Fault::io, file + ": cannot be read");
  Digests out;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string of, net, what, digest;
    if (fields >> of >> net >> what >> digest && of == key()) out[net + " " + what] = digest;
  }
  return out;
}

void append(const std::string& file, const Digests& made) {
  std::ofstream out(file, std::ios::app);
  for (const auto& [name, digest] : made) {
    const std::size_t space = name.find(' ');
    out << key() << '\t' << name.substr(0, space) << '\t' << name.substr(space + 1) << '\t' << digest << '\n';
  }
}

int compare(const Digests& expected, const Digests& made) {
  int differences = 0;
  for (const auto& [name, digest] : made) {
    const auto it = expected.find(name);
    if (it != expected.end() && it->second == digest) continue;
    ++differences;
    std::puts(fmt::format("{}: {}", name, it == expected.end() ? "no digest is kept" : "other bits").c_str());
  }
  for (const auto& [name, digest] : expected) {
    if (made.count(name) > 0) continue;
    ++differences;
    std::puts(fmt::format("{}: kept, but no longer made", name).c_str());
  }
  return differences;
}

int run(const std::string& file, bool add) {
  const Digests expected = known(file), made = assay::bits::digests();
  if (expected.empty() && add) {
    append(file, made);
    std::puts(fmt::format("{} digests added under {}", made.size(), key()).c_str());
    return 0;
  }
  if (expected.empty()) {
    std::puts(fmt::format("skipped: no digests are kept for {}; add them: test_bits {} --add", key(), file).c_str());
    return 77;
  }
  if (compare(expected, made) == 0) return 0;
  std::puts(
      fmt::format("results under {} have changed: undo it, or raise Numerics::current_version (harness/record/job.hpp) "
                  "and add the new digests: tests/bits/README.md",
                  key())
          .c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  try {
    return run(argv[1], argc > 2 && std::string(argv[2]) == "--add");
  } catch (const assay::Error& error) {
    std::puts(error.what());
    return 2;
  }
}
