#include "harness/engine/ops/positions.hpp"

#include <cstring>

#include "harness/base/error.hpp"
#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

template <class W>
W joined(Scatter how, W old, W update) {
  switch (how) {
    case Scatter::add:
      return wrap_add(old, update);
    case Scatter::mul:
      return wrap_mul(old, update);
    case Scatter::max:
      return larger_of(old, update);
    case Scatter::min:
      return smaller_of(old, update);
    default:
      return update;
  }
}

struct Join {
  Positions positions;
  Scatter how;
  DType dtype;

  // `to` already holds what is joined with.
  void operator()(const void* from, const void* indices, void* to, void* scratch) const {
    auto* offsets = static_cast<std::int64_t*>(scratch);
    positions.find(indices, offsets);
    with_number(dtype, [&](auto type) {
      using T = decltype(type);
      const T* update = static_cast<const T*>(from);
      for (std::int64_t k = 0; k < positions.count; ++k) {
        T* slice = static_cast<T*>(to) + offsets[k];
        for (std::int64_t i = 0; i < positions.length; ++i, ++update) {
          slice[i] = static_cast<T>(joined(how, widened(slice[i]), widened(*update)));
        }
      }
    });
  }
};

Kernel with_offsets(const PrepareRequest& request, const Positions& positions) {
  Kernel kernel = dense_kernel(request);
  kernel.scratch_bytes = static_cast<std::size_t>(positions.count) * sizeof(std::int64_t);
  return kernel;
}

// Row by row: the index axis is left out of a row's offset, its step comes with the index itself.
void along_offsets(const char* op, const Shape& x, const Spec& spec, std::size_t axis, const void* data,
                   std::int64_t* offsets) {
  const Indices indices(data, spec.dtype);
  const Shape steps = row_major(x);
  const std::size_t last = x.size() - 1;
  const std::int64_t count = spec.count(), length = spec.shape[last];
  const std::int64_t along = steps[axis], sideways = axis == last ? 0 : 1;
  Shape at(x.size(), 0);
  for (std::int64_t row = 0; row < count; row += length) {
    std::int64_t base = 0;
    for (std::size_t k = 0; k < last; ++k) base += k == axis ? 0 : at[k] * steps[k];
    for (std::int64_t i = 0; i < length; ++i) {
      offsets[row + i] = base + indices.at(op, row + i, x[axis]) * along + i * sideways;
    }
    for (std::size_t k = last; k-- > 0 && ++at[k] == spec.shape[k];) at[k] = 0;
  }
}

}  // namespace

Positions positions_along(const char* op, const Shape& x, const Spec& indices, std::size_t axis) {
  return {indices.count(), 1, [op, x, indices, axis](const void* data, std::int64_t* offsets) {
            along_offsets(op, x, indices, axis, data, offsets);
          }};
}

Positions positions_nd(const char* op, const Shape& x, const Spec& indices, std::int64_t batch_dims) {
  const std::int64_t depth = indices.shape.back();
  Positions p;
  p.count = 1;
  for (std::size_t i = 0; i + 1 < indices.shape.size(); ++i) p.count *= indices.shape[i];
  std::int64_t batches = 1, batch_step = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    (axis < batch_dims ? batches : batch_step) *= x[i];
    if (axis >= batch_dims + depth) p.length *= x[i];
  }
  const std::int64_t each = batches == 0 ? 0 : p.count / batches;  // slices a batch entry
  p.find = [=, count = p.count](const void* data, std::int64_t* offsets) {
    const Indices places(data, indices.dtype);
    const Shape steps = row_major(x);
    for (std::int64_t k = 0; k < count; ++k) {
      std::int64_t offset = k / each * batch_step;
      for (std::int64_t d = 0; d < depth; ++d) {
        const auto axis = static_cast<std::size_t>(batch_dims + d);
        offset += places.at(op, k * depth + d, x[axis]) * steps[axis];
      }
      offsets[k] = offset;
    }
  };
  return p;
}

Scatter scatter_named(const char* op, Specs in, const Attrs& attrs) {
  static const std::map<std::string, Scatter> known = {{"none", Scatter::replace},
                                                       {"add", Scatter::add},
                                                       {"mul", Scatter::mul},
                                                       {"max", Scatter::max},
                                                       {"min", Scatter::min}};
  const std::string name = attrs.text("reduction", "none");
  const auto it = known.find(name);
  if (it != known.end()) return it->second;
  op_error(op, in, "reduction must be none, add, mul, max or min, not '" + name + "'");
}

Kernel take_kernel(const PrepareRequest& request, const Positions& positions) {
  Kernel kernel = with_offsets(request, positions);
  const std::size_t bytes = static_cast<std::size_t>(positions.length) * dtype_size(request.out[0].dtype);
  const std::size_t element = dtype_size(request.out[0].dtype);
  kernel.run = [positions, bytes, element](const KernelArgs& args) {
    auto* offsets = static_cast<std::int64_t*>(args.scratch);
    positions.find(args.in[1], offsets);
    if (bytes == 0) return;
    const auto* from = static_cast<const std::byte*>(args.in[0]);
    auto* to = static_cast<std::byte*>(args.out[0]);
    for (std::int64_t k = 0; k < positions.count; ++k, to += bytes) {
      std::memcpy(to, from + static_cast<std::size_t>(offsets[k]) * element, bytes);
    }
  };
  return kernel;
}

Kernel put_add_kernel(const PrepareRequest& request, const Positions& positions) {
  Kernel kernel = with_offsets(request, positions);
  const Join join{positions, Scatter::add, request.out[0].dtype};
  kernel.run = [join, bytes = request.out[0].bytes()](const KernelArgs& args) {
    if (bytes > 0) std::memset(args.out[0], 0, bytes);
    join(args.in[0], args.in[1], args.out[0], args.scratch);
  };
  return kernel;
}

Kernel scatter_kernel(const PrepareRequest& request, const Positions& positions, Scatter how) {
  Kernel kernel = with_offsets(request, positions);
  kernel.in_place = {0};
  const Join join{positions, how, request.out[0].dtype};
  kernel.run = [join, bytes = request.out[0].bytes()](const KernelArgs& args) {
    if (args.out[0] != args.in[0] && bytes > 0) std::memcpy(args.out[0], args.in[0], bytes);
    join(args.in[2], args.in[1], args.out[0], args.scratch);
  };
  return kernel;
}

}  // namespace assay::engine
