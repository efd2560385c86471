// One array in NumPy's .npy format, in memory. Private to data/loaders. [any-thread]
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "harness/record/safetensors.hpp"

namespace assay::data {

// Little-endian numbers and booleans in C or Fortran order; integers that Array does not know become I64. Throws
// Error(bad_input) beginning with `origin`.
Array parse_npy(std::span<const std::byte> bytes, const std::string& origin);
// Version 1.0, C order. Throws Error(bad_input) for BF16, which NumPy does not know.
std::vector<std::byte> npy_bytes(const Array& array);

}  // namespace assay::data
