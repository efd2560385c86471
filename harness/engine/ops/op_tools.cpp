#include "harness/engine/ops/op_tools.hpp"

#include <algorithm>
#include <cstring>

#include "harness/base/error.hpp"

namespace assay::engine {

void op_error(std::string_view op, Specs in, const std::string& why) {
  std::string shapes;
  for (const Spec& s : in) shapes += (shapes.empty() ? "" : ", ") + s.str();
  throw Error(Fault::bad_input, std::string(op) + ": " + why + " (inputs " + shapes + ")");
}

void expect_count(std::string_view op, Specs in, std::size_t least, std::size_t most) {
  if (in.size() >= least && in.size() <= most) return;
  const std::string wanted =
      least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
  op_error(op, in, "takes " + wanted + " inputs, got " + std::to_string(in.size()));
}

void expect_dtype(std::string_view op, Specs in, std::size_t index, DType dtype) {
  if (in[index].dtype == dtype) return;
  op_error(op, in, "input " + std::to_string(index) + " must be " + dtype_name(dtype));
}

void expect_f32(std::string_view op, Specs in) {
  for (std::size_t i = 0; i < in.size(); ++i) expect_dtype(op, in, i, DType::f32);
}

void expect_rank(std::string_view op, Specs in, std::size_t index, std::size_t rank) {
  if (in[index].shape.size() == rank) return;
  op_error(op, in, "input " + std::to_string(index) + " must have " + std::to_string(rank) + " axes");
}

std::size_t axis_of(std::string_view op, Specs in, std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  const std::int64_t index = axis < 0 ? axis + signed_rank : axis;
  if (index < 0 || index >= signed_rank) {
    op_error(op, in, "axis " + std::to_string(axis) + " is outside " + std::to_string(rank) + " axes");
  }
  return static_cast<std::size_t>(index);
}

std::vector<std::size_t> axes_of(std::string_view op, Specs in, const Attrs& attrs) {
  const std::size_t rank = in[0].shape.size();
  std::vector<std::size_t> axes;
  if (!attrs.has("axes")) {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(i);
    return axes;
  }
  for (const std::int64_t a : attrs.ints("axes", {})) axes.push_back(axis_of(op, in, a, rank));
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) op_error(op, in, "an axis is named twice");
  return axes;
}

Shape broadcast_shape(std::string_view op, Specs in) {
  std::size_t rank = 0;
  for (const Spec& s : in) rank = std::max(rank, s.shape.size());
  Shape out(rank, 1);
  for (const Spec& s : in) {
    const std::size_t lead = rank - s.shape.size();
    for (std::size_t i = 0; i < s.shape.size(); ++i) {
      std::int64_t& extent = out[lead + i];
      if (s.shape[i] == 1 || s.shape[i] == extent) continue;
      if (extent != 1) op_error(op, in, "shapes do not broadcast");
      extent = s.shape[i];
    }
  }
  return out;
}

Spec f32_spec(Shape shape) { return {DType::f32, std::move(shape)}; }
Spec make_spec(std::initializer_list<std::int64_t> shape, DType dtype) { return {dtype, Shape(shape)}; }

std::vector<Spec> logical_specs(std::span<const MemDesc> in) {
  std::vector<Spec> specs;
  for (const MemDesc& m : in) {
    specs.push_back(m.spec);
    const DType stored = m.spec.dtype;
    if (stored == DType::bf16 || stored == DType::u8 || stored == DType::s8) specs.back().dtype = DType::f32;
  }
  return specs;
}

Bf16Use bf16_everywhere(Specs in, Specs out, const Attrs&) {
  return {std::vector<bool>(in.size(), true), std::vector<bool>(out.size(), true), false};
}

Bf16Use bf16_of_first_shape(Specs in, Specs out, const Attrs&) {
  if (in[0].shape.size() != 4) return {};
  Bf16Use use;
  for (const Spec& s : in) use.in.push_back(s.shape == in[0].shape);
  for (const Spec& s : out) use.out.push_back(s.shape == in[0].shape);
  return use;
}

bool any_zero_extent(const PrepareRequest& request) {
  const auto empty = [](const Spec& s) { return s.count() == 0; };
  return std::any_of(request.in.begin(), request.in.end(), [&](const MemDesc& m) { return empty(m.spec); }) ||
         std::any_of(request.out.begin(), request.out.end(), empty);
}

Kernel dense_kernel(const PrepareRequest& request) {
  Kernel kernel;
  for (const MemDesc& m : request.in) kernel.in.push_back(Layout::dense(m.spec));
  for (const Spec& s : request.out) kernel.out.push_back(Layout::dense(s));
  kernel.in_place.assign(request.out.size(), -1);
  return kernel;
}

Kernel zero_fill_kernel(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  std::vector<std::size_t> sizes;
  for (const Layout& l : kernel.out) sizes.push_back(l.bytes());
  kernel.run = [sizes](const KernelArgs& args) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] > 0) std::memset(args.out[i], 0, sizes[i]);
    }
  };
  return kernel;
}

Layout shared_layout(const PrepareRequest& request, bool keeps_zero) {
  for (const MemDesc& m : request.in) {
    if (m.layout.native() && (keeps_zero || !has_padding(m))) return m.layout;
  }
  return Layout::dense(request.in[0].spec);
}

}  // namespace assay::engine
