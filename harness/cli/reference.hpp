// A suite's results as a folder for people and for `db merge`: what results/reference holds. Threading: main thread.
//   README.md                    the board and the claims, to be read
//   results.db                   a database with this suite alone (store's extract)
//   models/train/<key>/          its trained nets up to a size, as they lie in the cache
//   SHA256SUMS                   of every other file, as `sha256sum --check` reads it
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "results/store/store.hpp"

namespace assay::cli {

constexpr std::uint64_t reference_model_bytes = 4 << 20;  // larger nets are named by their digests only

// Throws Error(bad_input) when the folder is there and not empty. The folder appears whole.
void write_reference(const store::Store& db, const std::string& protocol, const std::filesystem::path& folder);

bool is_reference(const std::filesystem::path& folder);
// The database in it, when every file is there and has the digest that SHA256SUMS says; throws Error(bad_input) else.
std::filesystem::path verified_database(const std::filesystem::path& folder);
// Its nets into the artifact cache; how many were not there yet.
int adopt_models(const std::filesystem::path& folder);

}  // namespace assay::cli
