// Shapes, dtypes and the tensor value.
#include "harness/engine/tensor/tensor.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {
namespace {

struct DTypeInfo {
  DType dtype;
  std::size_t size;
  const char* name;
};
constexpr std::array<DTypeInfo, 8> kDTypes = {{{DType::f32, 4, "F32"},
                                               {DType::f64, 8, "F64"},
                                               {DType::bf16, 2, "BF16"},
                                               {DType::i64, 8, "I64"},
                                               {DType::i32, 4, "I32"},
                                               {DType::u8, 1, "U8"},
                                               {DType::s8, 1, "I8"},
                                               {DType::boolean, 1, "BOOL"}}};

const DTypeInfo& info(DType dtype) {
  const auto index = static_cast<std::size_t>(dtype) - 1;
  if (index >= kDTypes.size()) throw Error(Fault::bad_input, "unknown dtype code " + std::to_string(index + 1));
  return kDTypes[index];
}

std::shared_ptr<Storage> copied(std::span<const std::byte> bytes) {
  auto storage = Storage::allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(storage->data(), bytes.data(), bytes.size());
  return storage;
}

template <class T, class Out>
void convert(const std::byte* from, std::vector<Out>& out) {
  const T* values = reinterpret_cast<const T*>(from);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<Out>(values[i]);  // NOLINT(bugprone-signed-char-misuse): a number
}

float bf16_to_f32(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

template <class Out>
std::vector<Out> converted(const Tensor& tensor) {
  const Tensor plain = tensor.dense();
  std::vector<Out> out(static_cast<std::size_t>(plain.count()));
  const std::byte* raw = plain.raw();
  switch (plain.dtype()) {
    case DType::f32:
      convert<float>(raw, out);
      break;
    case DType::f64:
      convert<double>(raw, out);
      break;
    case DType::i64:
      convert<std::int64_t>(raw, out);
      break;
    case DType::i32:
      convert<std::int32_t>(raw, out);
      break;
    case DType::u8:
    case DType::boolean:
      convert<std::uint8_t>(raw, out);
      break;
    case DType::s8:
      convert<std::int8_t>(raw, out);
      break;
    case DType::bf16: {
      const auto* bits = reinterpret_cast<const std::uint16_t*>(raw);
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Out>(bf16_to_f32(bits[i]));
      break;
    }
  }
  return out;
}

}  // namespace

std::size_t dtype_size(DType dtype) { return info(dtype).size; }
const char* dtype_name(DType dtype) { return info(dtype).name; }

DType dtype_from_name(const std::string& name) {
  std::vector<std::string> names;
  for (const DTypeInfo& d : kDTypes) {
    if (name == d.name) return d.dtype;
    names.emplace_back(d.name);
  }
  throw Error(Fault::bad_input, "unknown dtype '" + name + "'" + suggestion(name, names));
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t d : shape) {
    if (d < 0 || __builtin_mul_overflow(count, d, &count)) {
      throw Error(Fault::bad_input, "shape " + shape_str(shape) + " has a negative or too large extent");
    }
  }
  return count;
}

std::string shape_str(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string Spec::str() const { return std::string(dtype_name(dtype)) + shape_str(shape); }

Layout Layout::dense(const Spec& spec) {
  Layout layout;
  layout.dense_ = true;
  layout.bytes_ = spec.bytes();
  return layout;
}

Layout Layout::from_native(std::shared_ptr<const void> native, std::size_t bytes) {
  Layout layout;
  layout.native_ = std::move(native);
  layout.bytes_ = bytes;
  return layout;
}

// Native descriptors are interned by the adapter, so equal ones are the same object.
bool Layout::operator==(const Layout& other) const {
  return dense_ == other.dense_ && native_ == other.native_ && bytes_ == other.bytes_;
}

Tensor::Tensor(Spec spec, Layout layout, std::shared_ptr<const Storage> storage)
    : spec_(std::move(spec)), layout_(std::move(layout)), storage_(std::move(storage)) {
  if (layout_.any()) throw Error(Fault::internal, "a tensor needs a definite layout");
  if (!storage_ || storage_->bytes() < layout_.bytes()) {
    throw Error(Fault::internal, "the storage of " + spec_.str() + " is smaller than its layout");
  }
}

Tensor Tensor::from_bytes(Spec spec, std::span<const std::byte> row_major) {
  if (row_major.size() != spec.bytes()) {
    throw Error(Fault::bad_input, spec.str() + " needs " + std::to_string(spec.bytes()) + " bytes, got " +
                                      std::to_string(row_major.size()));
  }
  const Layout layout = Layout::dense(spec);
  return Tensor(std::move(spec), layout, copied(row_major));
}

Tensor Tensor::f32(Shape shape, std::span<const float> values) {
  return from_bytes({DType::f32, std::move(shape)}, std::as_bytes(values));
}

Tensor Tensor::i64(Shape shape, std::span<const std::int64_t> values) {
  return from_bytes({DType::i64, std::move(shape)}, std::as_bytes(values));
}

Tensor Tensor::full(Shape shape, float value) {
  Spec spec{DType::f32, std::move(shape)};
  auto storage = Storage::allocate(spec.bytes());
  std::fill_n(reinterpret_cast<float*>(storage->data()), spec.count(), value);
  const Layout layout = Layout::dense(spec);
  return Tensor(std::move(spec), layout, std::move(storage));
}

std::int64_t Tensor::dim(int axis) const {
  const int rank = static_cast<int>(spec_.shape.size());
  const int index = axis < 0 ? axis + rank : axis;
  if (index < 0 || index >= rank) {
    throw Error(Fault::bad_input, "axis " + std::to_string(axis) + " is outside shape " + shape_str(spec_.shape));
  }
  return spec_.shape[static_cast<std::size_t>(index)];
}

Tensor Tensor::dense() const {
  if (!defined()) throw Error(Fault::internal, "an undefined tensor was read");
  if (layout_.is_dense()) return *this;
  const Kernel reorder = native::make_reorder({spec_, layout_}, Layout::dense(spec_));
  auto storage = Storage::allocate(spec_.bytes());
  const auto scratch = reorder.scratch_bytes ? Storage::allocate(reorder.scratch_bytes) : nullptr;
  const void* in = raw();
  void* out = storage->data();
  reorder.run({std::span(&in, 1), std::span(&out, 1), scratch ? scratch->data() : nullptr});
  Tensor result(spec_, Layout::dense(spec_), std::move(storage));
  result.tape_ = tape_;
  return result;
}

std::span<const float> Tensor::f32s() const {
  if (dtype() != DType::f32 || !layout_.is_dense()) {
    throw Error(Fault::internal, "f32s() needs a dense F32 tensor, not " + spec_.str());
  }
  return {reinterpret_cast<const float*>(raw()), static_cast<std::size_t>(count())};
}

std::span<const std::int64_t> Tensor::i64s() const {
  if (dtype() != DType::i64) throw Error(Fault::internal, "i64s() needs an I64 tensor, not " + spec_.str());
  return {reinterpret_cast<const std::int64_t*>(raw()), static_cast<std::size_t>(count())};
}

std::vector<float> Tensor::to_f32() const { return converted<float>(*this); }
std::vector<std::int64_t> Tensor::to_i64() const { return converted<std::int64_t>(*this); }

float Tensor::item() const {
  if (count() != 1) throw Error(Fault::bad_input, "item() needs one element, not " + spec_.str());
  return to_f32().front();
}

Tensor Tensor::with_tape(std::shared_ptr<TapeNode> node) const {
  Tensor copy = *this;
  copy.tape_ = std::move(node);
  return copy;
}

}  // namespace assay::engine
