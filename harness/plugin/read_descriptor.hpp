// Descriptors of a loaded table, checked field by field. Private to harness/plugin.
#pragma once

#include <filesystem>

#include "assay/plugin.h"
#include "harness/record/descriptor.hpp"

namespace assay::plugin {

// Throws Error(bad_input) naming the file, the descriptor and the field. A method that later fails on its own
// parameters is the validator's business; what is checked here is what the host itself relies on.
std::vector<Descriptor> read_descriptors(const assay_plugin& plugin, const std::filesystem::path& file,
                                         bool check_defaults = true);

// "attack" for "assay.attack/1"; "" for an id that this host does not know.
std::string role_name(const std::string& id);
std::string role_id(const std::string& name);

}  // namespace assay::plugin
