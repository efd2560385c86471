// Shards as workers leave them, many at once, and their import: what the supervisor hands to the store. [one thread]
#pragma once

#include <cstdint>
#include <filesystem>

#include "harness/base/json.hpp"

namespace scale {

// Writes two shards a cell (run and judge, with three columns and five scores) into `folder`; nothing is synced.
void write_shards(const std::filesystem::path& folder, int cells);

// Imports them into `database`, `together` cells a transaction. Seconds of CPU and wall are of the imports alone, not of
// recording the plan; `records` are the rows that were added, `bytes` those of the shards.
assay::Json import_shards(const std::filesystem::path& database, const std::filesystem::path& folder, int cells, int together);

}  // namespace scale
