// Databases of any size for scale.py: the store's own schema, filled with statements prepared once. What is in them looks
// like a laboratory's: suites of three tasks, each run again with every new build of its methods, so that boards show the
// latest plan and everything before it is history. Equal shapes give equal bytes of every row. [one thread]
#pragma once

#include <cstdint>
#include <filesystem>

namespace scale {

struct Shape {
  std::int64_t cells = 1'000'000;  // of all builds, at least
  std::int64_t shown = 20'000;     // of the latest plans, about: what a site shows
  int suites = 100;                // the first has a tenth of the shown cells
  int samples = 256;               // of a stored column
};

struct Made {
  std::int64_t cells = 0, shown = 0, builds = 0;
};

// `file` must not exist. Nothing is synced: a power cut while it is made leaves rubbish. Throws Error(io | bad_input).
Made generate(const std::filesystem::path& file, const Shape& shape);

}  // namespace scale
