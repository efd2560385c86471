// Element types of the format and of the engine.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "harness/base/error.hpp"
#include "harness/graph/onnx/proto.hpp"

namespace assay::onnx {
namespace {

struct Pair {
  Element element;
  DType dtype;
};

constexpr Pair type_pairs[] = {{Element::f32, DType::f32},   {Element::f64, DType::f64},
                               {Element::bf16, DType::bf16}, {Element::i64, DType::i64},
                               {Element::i32, DType::i32},   {Element::u8, DType::u8},
                               {Element::i8, DType::s8},     {Element::boolean, DType::boolean}};

const Pair* find(Element element) {
  const auto* it =
      std::find_if(std::begin(type_pairs), std::end(type_pairs), [&](const Pair& p) { return p.element == element; });
  return it == std::end(type_pairs) ? nullptr : it;
}

}  // namespace

std::string element_name(Element element) {
  constexpr const char* names[] = {"UNDEFINED", "FLOAT",  "UINT8",     "INT8",       "UINT16",  "INT16",
                                   "INT32",     "INT64",  "STRING",    "BOOL",       "FLOAT16", "DOUBLE",
                                   "UINT32",    "UINT64", "COMPLEX64", "COMPLEX128", "BFLOAT16"};
  const auto index = static_cast<std::size_t>(static_cast<int>(element));
  return index < std::size(names) ? names[index] : fmt::format("type {}", static_cast<int>(element));
}

bool readable(Element element) { return find(element) != nullptr; }

DType dtype_of(Element element) {
  if (const Pair* pair = find(element)) return pair->dtype;
  throw Error(Fault::unsupported, "values of type " + element_name(element) + " are not read");
}

Element element_of(DType dtype) {
  const auto* it =
      std::find_if(std::begin(type_pairs), std::end(type_pairs), [&](const Pair& p) { return p.dtype == dtype; });
  return it == std::end(type_pairs) ? Element::undefined : it->element;
}

}  // namespace assay::onnx
