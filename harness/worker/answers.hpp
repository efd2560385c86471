// The short questions that `assay` asks instead of linking the engine or opening a plugin. Each answer is one JSON value.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.hpp"

namespace assay::worker {

// describe FILE.so | info TOPIC | checks FILE.so | check FILE.so ID CHECK | model VERB OPTIONS. Throws Error(bad_input) for any other words.
Json answer(const std::vector<std::string>& words);

}  // namespace assay::worker
