// What nearly every source includes anyway, of ours only what hardly changes. Precompiled, so that a build from scratch
// parses it once a set of flags. A source still includes what it uses: trees without precompiled headers (clang-tidy's,
// the sanitizers') must build.
#ifndef ASSAY_PCH_STD_HPP
#define ASSAY_PCH_STD_HPP
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/json.hpp"
#endif
