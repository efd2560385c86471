// SDK tensors: immutable values owned by the host. Values are read through at<T>() and values(); computed by ops.hpp.
#pragma once

#include <cmath>

#include "assay/sdk/core.hpp"

namespace assay {

enum class DType { f32, f64, bf16, i64, i32, u8, s8, boolean };

namespace sdk {

struct DlType {
  std::uint8_t code, bits;
};
constexpr DlType dl_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return {ASSAY_DL_FLOAT, 32};
    case DType::f64:
      return {ASSAY_DL_FLOAT, 64};
    case DType::bf16:
      return {ASSAY_DL_BFLOAT, 16};
    case DType::i64:
      return {ASSAY_DL_INT, 64};
    case DType::i32:
      return {ASSAY_DL_INT, 32};
    case DType::u8:
      return {ASSAY_DL_UINT, 8};
    case DType::s8:
      return {ASSAY_DL_INT, 8};
    case DType::boolean:
      return {ASSAY_DL_BOOL, 8};
  }
  return {0, 0};
}
template <class T>
inline constexpr DType dtype_of = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<std::int8_t> = DType::s8;
template <>
inline constexpr DType dtype_of<bool> = DType::boolean;

inline assay_view empty_view() {
  assay_view view{};
  view.struct_size = sizeof(assay_view);
  view.dtype_lanes = 1;
  return view;
}
inline assay_view view_of(DType dtype, const Shape& shape, const void* data) {
  assay_view view = empty_view();
  view.ndim = static_cast<std::int32_t>(shape.size());
  view.shape = shape.data();
  view.data = const_cast<void*>(data);
  view.dtype_code = dl_type(dtype).code;
  view.dtype_bits = dl_type(dtype).bits;
  return view;
}
inline std::int64_t count_of(const assay_view& view) {
  std::int64_t count = 1;
  for (std::int32_t i = 0; i < view.ndim; ++i) count *= view.shape[i];
  return count;
}

}  // namespace sdk

class Tensor : public Object {
 public:
  Tensor() = default;
  explicit Tensor(Object object) : Object(std::move(object)) {}

  Shape shape() const {
    const assay_view view = described();
    return Shape(view.shape, view.shape + view.ndim);
  }
  std::int64_t dim(std::int32_t axis) const {  // negative counts from the end
    const assay_view view = described();
    const std::int32_t at = axis < 0 ? axis + view.ndim : axis;
    if (at < 0 || at >= view.ndim) fail(ASSAY_INVALID, "tensor axis out of range");
    return view.shape[at];
  }
  std::int32_t ndim() const { return described().ndim; }
  std::int64_t count() const { return sdk::count_of(described()); }
  bool is(DType dtype) const {
    const assay_view view = described();
    return view.dtype_code == sdk::dl_type(dtype).code && view.dtype_bits == sdk::dl_type(dtype).bits;
  }

  // Row-major elements, valid while a handle to this tensor lives. INVALID when T is not the tensor's type.
  template <class T>
  std::span<const T> at() const {
    if (!is(sdk::dtype_of<T>)) fail(ASSAY_INVALID, "tensor elements read as another type");
    assay_view view = sdk::empty_view();
    api().check(api().tensor().view(host(), raw(), &view));
    return {static_cast<const T*>(view.data), static_cast<std::size_t>(sdk::count_of(view))};
  }
  std::span<const float> floats() const { return at<float>(); }
  std::span<const std::int64_t> ints() const { return at<std::int64_t>(); }
  double item() const {  // one-element f32 or f64
    if (count() != 1) fail(ASSAY_INVALID, "item() of a tensor with more than one element");
    return is(DType::f64) ? at<double>()[0] : static_cast<double>(at<float>()[0]);
  }

  // A tensor with the values given, copied. T: float, double, int64_t, ...
  template <class T>
  static Tensor of(const sdk::Api& api, const Shape& shape, std::span<const T> values) {
    const assay_view view = sdk::view_of(sdk::dtype_of<T>, shape, values.data());
    if (static_cast<std::size_t>(sdk::count_of(view)) != values.size()) {
      fail(ASSAY_INVALID, "as many values as the shape has elements were expected");
    }
    assay_object* out = nullptr;
    api.check(api.tensor().create(api.host(), &view, &out));
    return Tensor(Object::adopt(api, out));
  }
  static Tensor zeros(const sdk::Api& api, const Shape& shape, DType dtype = DType::f32) {
    const assay_view view = sdk::view_of(dtype, shape, nullptr);
    assay_object* out = nullptr;
    api.check(api.tensor().create(api.host(), &view, &out));
    return Tensor(Object::adopt(api, out));
  }
  static Tensor scalar(const sdk::Api& api, double value) {
    const float narrowed = static_cast<float>(value);
    return of<float>(api, {}, std::span<const float>(&narrowed, 1));
  }

 private:
  assay_view described() const {
    assay_view view = sdk::empty_view();
    api().check(api().tensor().describe(host(), raw(), &view));
    return view;
  }
};

// Attributes of an op: {{"stride", 2}, {"axes", Shape{2, 3}}}.
class Attr {
 public:
  Attr(const char* key, std::int64_t value) : key_(key), value_(sdk::value_int(value)) {}
  Attr(const char* key, int value) : Attr(key, static_cast<std::int64_t>(value)) {}
  Attr(const char* key, bool value) : key_(key), value_(sdk::value_bool(value)) {}
  Attr(const char* key, double value) : key_(key), value_(sdk::value_real(value)) {}
  Attr(const char* key, const char* value) : key_(key), text_(value), value_(sdk::value_none()) {}
  Attr(const char* key, Shape value) : key_(key), ints_(std::move(value)), list_(true), value_(sdk::value_none()) {}

  // The value that crosses; list objects are kept alive in `keep`.
  assay_value value(const sdk::Api& api, std::vector<Object>& keep) const {
    if (text_ != nullptr) return sdk::value_text(text_);
    if (!list_) return value_;
    std::vector<assay_value> items;
    items.reserve(ints_.size());
    for (const std::int64_t i : ints_) items.push_back(sdk::value_int(i));
    assay_object* out = nullptr;
    api.check(api.list().create(api.host(), items.data(), items.size(), &out));
    keep.push_back(Object::adopt(api, out));
    return sdk::value_object(ASSAY_LIST, out);
  }
  const char* key() const { return key_; }

 private:
  const char* key_;
  const char* text_ = nullptr;
  Shape ints_;
  bool list_ = false;
  assay_value value_;
};
using Attrs = std::vector<Attr>;

namespace sdk {

// Attributes in the form that crosses; lives during one call.
class Args {
 public:
  Args(const Api& api, const Attrs& attrs) {
    args_.reserve(attrs.size());
    for (const Attr& attr : attrs) args_.push_back({sizeof(assay_arg), 0, attr.key(), attr.value(api, keep_)});
    for (const assay_arg& arg : args_) pointers_.push_back(&arg);
  }
  const assay_arg* const* data() const { return pointers_.data(); }
  std::size_t size() const { return pointers_.size(); }

 private:
  std::vector<Object> keep_;
  std::vector<assay_arg> args_;
  std::vector<const assay_arg*> pointers_;
};

}  // namespace sdk

// Any op of the host's registry by name (`assay list ops`).
inline std::vector<Tensor> apply(std::string_view op, std::span<const Tensor> inputs, const Attrs& attrs,
                                 std::size_t outputs) {
  if (inputs.empty()) fail(ASSAY_INVALID, "an op needs at least one input");
  const sdk::Api& api = inputs.front().api();
  std::vector<const assay_object*> in;
  in.reserve(inputs.size());
  for (const Tensor& tensor : inputs) in.push_back(tensor.raw());
  const sdk::Args args(api, attrs);
  std::vector<assay_object*> out(outputs, nullptr);
  std::vector<Tensor> results;
  results.reserve(outputs);
  api.check(api.tensor().apply(api.host(), api.op_id(op), in.data(), in.size(), args.data(), args.size(), out.data(),
                               outputs));
  for (assay_object* object : out) results.emplace_back(Object::adopt(api, object));
  return results;
}
inline Tensor apply1(std::string_view op, std::initializer_list<Tensor> inputs, const Attrs& attrs = {}) {
  return apply(op, std::span<const Tensor>(inputs.begin(), inputs.size()), attrs, 1).front();
}

}  // namespace assay
