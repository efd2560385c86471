// Pictures to look at beside the numbers: of attacks what the judge kept, of other tasks the inputs of stored outcomes.
// Inside of the export; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/base/files.hpp"
#include "results/export/chunks.hpp"
#include "results/export/image_sets.hpp"
#include "results/export/sections.hpp"

namespace assay::site {

inline constexpr std::size_t example_rows = 24;                          // of one board
inline constexpr std::uint64_t example_bytes = std::uint64_t{24} << 20;  // of a whole site
inline constexpr std::size_t examples_each = 4;                          // of every group but those of attacks

// Writes examples/<board>-<row> for ranked and SUSPECT rows in the board's order, until a cap is met, and says of each
// row why it has none. Never throws for what the cache holds.
ExamplesOf write_examples(const store::Store& db, const BoardData& data, const fs::path& cache, ChunkWriter& writer,
                          std::uint64_t& spent);

}  // namespace assay::site
