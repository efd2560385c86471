// The integer dtypes of quantised tensors as C++ types.
#pragma once

#include "harness/base/error.hpp"
#include "harness/engine/tensor/tensor.hpp"

namespace assay::engine {

inline bool is_integer_type(DType dtype) { return dtype == DType::u8 || dtype == DType::s8 || dtype == DType::i32; }

// Calls visit with a value of the C++ type; throws Error(internal) for other dtypes.
template <class Visit>
auto with_integer_type(DType dtype, const Visit& visit) {
  switch (dtype) {
    case DType::u8:
      return visit(std::uint8_t{});
    case DType::s8:
      return visit(std::int8_t{});
    case DType::i32:
      return visit(std::int32_t{});
    default:
      throw Error(Fault::internal, std::string("no quantised type ") + dtype_name(dtype));
  }
}

}  // namespace assay::engine
