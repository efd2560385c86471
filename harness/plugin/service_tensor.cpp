// assay.object/1 and assay.tensor/1 over the eager engine.
#include <algorithm>
#include <cstring>

#include "harness/engine/tape/eager.hpp"
#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

struct DlPair {
  std::uint8_t code, bits;
  engine::DType dtype;
};
constexpr DlPair kDlTypes[] = {{ASSAY_DL_FLOAT, 32, engine::DType::f32},   {ASSAY_DL_FLOAT, 64, engine::DType::f64},
                               {ASSAY_DL_BFLOAT, 16, engine::DType::bf16}, {ASSAY_DL_INT, 64, engine::DType::i64},
                               {ASSAY_DL_INT, 32, engine::DType::i32},     {ASSAY_DL_UINT, 8, engine::DType::u8},
                               {ASSAY_DL_INT, 8, engine::DType::s8},       {ASSAY_DL_BOOL, 8, engine::DType::boolean}};

// ---- object

assay_type object_kind(const assay_host* abi, const assay_object* object) noexcept {
  return Host::of(abi).known(object) ? object->kind : ASSAY_NONE;
}
void object_retain(const assay_host* abi, const assay_object* object) noexcept { Host::of(abi).retain(object); }
void object_release(const assay_host* abi, const assay_object* object) noexcept { Host::of(abi).release(object); }

// ---- tensor

assay_status tensor_op_id(const assay_host* abi, const char* op, std::int32_t* out) noexcept {
  return serve(abi, [&](Host&) { *out = engine::Registry::get().id(required(op, "op")); });
}

double macs_of(const engine::Op& op, const std::vector<engine::Tensor>& in, const engine::Attrs& attrs) {
  if (!op.cost) return 0;
  std::vector<engine::Spec> specs;
  specs.reserve(in.size());
  for (const engine::Tensor& tensor : in) specs.push_back(tensor.spec());
  const std::vector<engine::Spec> out = op.infer(specs, attrs);
  return op.cost(specs, out, attrs).macs;
}

assay_status tensor_apply(const assay_host* abi, std::int32_t id, const assay_object* const* in, std::size_t n_in,
                          const assay_arg* const* attrs, std::size_t n_attrs, assay_object** out,
                          std::size_t n_out) noexcept {
  return serve(abi, [&](Host& host) {
    const engine::Registry& registry = engine::Registry::get();
    if (id < 0 || static_cast<std::size_t>(id) >= registry.size())
      throw ServiceError(ASSAY_NOT_FOUND, "no op has this id");
    const std::vector<engine::Tensor> inputs = host.tensors(in, n_in, "input of an op");
    const engine::Attrs attributes = attrs_of(host, attrs, n_attrs);
    const engine::Op& op = registry.op(id);
    host.charge_op(macs_of(op, inputs, attributes));
    host.count_op();
    const std::vector<engine::Tensor> results = engine::apply(id, inputs, attributes);
    if (n_out > results.size()) {
      throw ServiceError(ASSAY_INVALID, fmt::format("op '{}' has {} results, not {}", op.name, results.size(), n_out));
    }
    required(out, "out");
    host.charge_memory(std::span(results).first(n_out));
    for (std::size_t i = 0; i < n_out; ++i) out[i] = host.give(results[i]);
  });
}

// Row-major bytes of strided content.
std::vector<std::byte> gather(const assay_view& view, const engine::Spec& spec) {
  const std::size_t size = engine::dtype_size(spec.dtype);
  std::vector<std::byte> bytes(spec.bytes());
  if (view.data == nullptr) return bytes;
  const auto* source = static_cast<const std::byte*>(view.data);
  if (view.strides == nullptr) {
    if (!bytes.empty()) std::memcpy(bytes.data(), source, bytes.size());
    return bytes;
  }
  engine::Shape at(spec.shape.size(), 0);
  for (std::int64_t i = 0; i < spec.count(); ++i) {
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < at.size(); ++axis) offset += at[axis] * view.strides[axis];
    std::memcpy(bytes.data() + static_cast<std::size_t>(i) * size, source + offset * static_cast<std::int64_t>(size),
                size);
    for (std::size_t axis = at.size(); axis-- > 0;) {
      if (++at[axis] < spec.shape[axis]) break;
      at[axis] = 0;
    }
  }
  return bytes;
}

constexpr std::int64_t kMaxElements = std::int64_t{1} << 34;  // 64 GiB of f32: more is a wrong shape, not a tensor

engine::Spec spec_of(const assay_view& view) {
  if (view.struct_size < sizeof(assay_view)) throw ServiceError(ASSAY_INVALID, "view: struct_size is too small");
  if (view.ndim < 0 || view.ndim > 8) throw ServiceError(ASSAY_INVALID, "view: between 0 and 8 axes are expected");
  engine::Spec spec;
  spec.dtype = dtype_of(view);
  std::int64_t count = 1;
  for (std::int32_t axis = 0; axis < view.ndim; ++axis) {
    const std::int64_t dim = required(view.shape, "view.shape")[axis];
    if (dim < 0 || (dim > 0 && count > kMaxElements / dim)) throw ServiceError(ASSAY_INVALID, "view: impossible shape");
    count *= dim;
    spec.shape.push_back(dim);
  }
  return spec;
}

assay_status tensor_create(const assay_host* abi, const assay_view* content, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const engine::Spec spec = spec_of(*required(content, "content"));
    const std::vector<std::byte> bytes = gather(*content, spec);
    const engine::Tensor made = engine::Tensor::from_bytes(spec, bytes);
    host.charge_memory(std::span(&made, 1));
    *required(out, "out") = host.give(made);
  });
}

assay_status tensor_view(const assay_host* abi, const assay_object* object, assay_view* out) noexcept {
  return serve(abi, [&](Host& host) {
    auto& tensor = host.as<TensorObject>(object, ASSAY_TENSOR, "tensor");
    if (!tensor.dense.defined()) tensor.dense = tensor.value.dense();
    describe(tensor.value.spec(), tensor.dense.raw(), *required(out, "out"));
  });
}

assay_status tensor_describe(const assay_host* abi, const assay_object* object, assay_view* out) noexcept {
  Host& host = Host::of(abi);
  if (!host.known(object) || object->kind != ASSAY_TENSOR || out == nullptr || out->struct_size < sizeof(assay_view)) {
    return host.fail(ASSAY_INVALID, "describe: not a live tensor of this host");
  }
  describe(static_cast<const TensorObject*>(object)->value.spec(), nullptr, *out);
  return ASSAY_OK;
}

}  // namespace

engine::DType dtype_of(const assay_view& view) {
  for (const DlPair& pair : kDlTypes) {
    if (pair.code == view.dtype_code && pair.bits == view.dtype_bits && view.dtype_lanes == 1) return pair.dtype;
  }
  throw ServiceError(ASSAY_INVALID, fmt::format("view: no dtype has code {}, {} bits and {} lanes", view.dtype_code,
                                                view.dtype_bits, view.dtype_lanes));
}

void describe(const engine::Spec& spec, const void* data, assay_view& out) {
  if (out.struct_size < sizeof(assay_view)) throw ServiceError(ASSAY_INVALID, "view: struct_size is too small");
  out.ndim = static_cast<std::int32_t>(spec.shape.size());
  out.data = const_cast<void*>(data);
  out.shape = spec.shape.data();
  out.strides = nullptr;
  for (const DlPair& pair : kDlTypes) {
    if (pair.dtype == spec.dtype) out.dtype_code = pair.code, out.dtype_bits = pair.bits;
  }
  out.dtype_lanes = 1;
  out.flags = 0;
}

const assay_object_service& object_service() {
  static constexpr assay_object_service table{sizeof(table), 0, object_kind, object_retain, object_release};
  return table;
}
const assay_tensor_service& tensor_service() {
  static constexpr assay_tensor_service table{sizeof(table), 0,           tensor_op_id,   tensor_apply,
                                              tensor_create, tensor_view, tensor_describe};
  return table;
}

}  // namespace assay::plugin
