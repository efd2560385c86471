// The schema's migrations, made from schema/*.sql at configure time. Migration i takes a database from user_version i to
// i + 1. [any-thread]
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::store {

const std::vector<std::string>& migrations();

// Marks the file as ours in SQLite's header ("assy"). Never changes.
inline constexpr std::int64_t application_id = 0x61737379;

}  // namespace assay::store
