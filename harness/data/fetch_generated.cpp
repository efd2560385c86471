// Sets that are made, not brought: one function each, whose text is the same on every machine (the digest says so).
// Numbers are written with six digits, far coarser than what sines differ by between C libraries.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "harness/base/files.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/fetch_sources.hpp"

namespace assay::data {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Two interleaved half circles with noise, in the unit square; classes take turns.
std::string two_moons() {
  constexpr int points = 1300;
  constexpr double noise = 0.08;  // standard deviation, in radii
  const Rng rng(0, "two-moons");
  std::string text = "x,y,class\n";
  for (std::uint64_t i = 0; i < points; ++i) {
    constexpr std::uint64_t draws = 9;  // of a point
    const auto u = [&](std::uint64_t k) { return rng.uniform(i * draws + k); };
    // A sum of four uniform numbers is normal enough, and exact.
    const auto spread = [&](std::uint64_t k) {
      return noise * std::sqrt(3.0) * (u(k) + u(k + 1) + u(k + 2) + u(k + 3) - 2);
    };
    const double angle = kPi * u(0);
    const bool upper = i % 2 == 0;
    const double x = (upper ? std::cos(angle) : 1 - std::cos(angle)) + spread(1);
    const double y = (upper ? std::sin(angle) : 0.5 - std::sin(angle)) + spread(5);
    text += fmt::format("{:.6f},{:.6f},{}\n", std::clamp((x + 1.25) / 3.5, 0.0, 1.0),
                        std::clamp((y + 0.75) / 2, 0.0, 1.0), upper ? 0 : 1);
  }
  return text;
}

struct Generator {
  const char* name;
  std::string (*make)();
};
constexpr Generator generators[] = {{"two-moons", two_moons}};

}  // namespace

std::map<std::string, std::filesystem::path> generate(const SourceRequest& request) {
  std::vector<std::string> names;
  for (const Generator& one : generators) {
    names.emplace_back(one.name);
    if (request.source.locator != one.name) continue;
    const fs::path file = request.work / "generated";
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << one.make();
    out.close();
    if (!out) throw MachineError("cannot write " + file.string() + " (is the disk full?)");
    std::map<std::string, fs::path> local;
    for (const std::string& member : request.members) local[member] = file;
    return local;
  }
  throw Error(Fault::bad_input,
              "unknown generator '" + request.source.locator + "'" + suggestion(request.source.locator, names));
}

}  // namespace assay::data
