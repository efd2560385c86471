#include "harness/engine/ops/strided.hpp"

#include <cstring>

namespace assay::engine {
namespace {

template <class T>
void copy_row(const std::byte* from, std::int64_t from_step, std::byte* to, std::int64_t to_step, std::int64_t n) {
  const T* source = reinterpret_cast<const T*>(from);
  T* target = reinterpret_cast<T*>(to);
  for (std::int64_t i = 0; i < n; ++i) target[i * to_step] = source[i * from_step];
}

using CopyRow = void (*)(const std::byte*, std::int64_t, std::byte*, std::int64_t, std::int64_t);

CopyRow row_for(std::size_t element) {
  switch (element) {
    case 1:
      return copy_row<std::uint8_t>;
    case 2:
      return copy_row<std::uint16_t>;
    case 4:
      return copy_row<std::uint32_t>;
    default:
      return copy_row<std::uint64_t>;
  }
}

}  // namespace

Shape row_major(const Shape& shape) {
  Shape steps(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) steps[i - 1] = steps[i] * shape[i];
  return steps;
}

StridedCopy make_copy(const StridedCopy& raw) {
  StridedCopy out = raw;
  out.extents.clear(), out.from_steps.clear(), out.to_steps.clear();
  for (std::size_t i = 0; i < raw.extents.size(); ++i) {
    const std::int64_t n = raw.extents[i];
    if (n == 1) continue;
    const bool merges = !out.extents.empty() && out.from_steps.back() == raw.from_steps[i] * n &&
                        out.to_steps.back() == raw.to_steps[i] * n;
    if (merges) {
      out.extents.back() *= n;
      out.from_steps.back() = raw.from_steps[i];
      out.to_steps.back() = raw.to_steps[i];
      continue;
    }
    out.extents.push_back(n);
    out.from_steps.push_back(raw.from_steps[i]);
    out.to_steps.push_back(raw.to_steps[i]);
  }
  if (out.extents.empty()) out.extents = out.from_steps = out.to_steps = {1};
  return out;
}

void StridedCopy::operator()(const void* from, void* to) const {
  if (element_count(extents) == 0) return;
  const auto size = static_cast<std::int64_t>(element);
  const std::byte* source = static_cast<const std::byte*>(from) + from_base * size;
  std::byte* target = static_cast<std::byte*>(to) + to_base * size;
  const std::size_t last = extents.size() - 1;
  const std::int64_t n = extents[last], from_step = from_steps[last], to_step = to_steps[last];
  const bool solid = from_step == 1 && to_step == 1;
  const CopyRow row = row_for(element);
  Shape index(last, 0);
  for (;;) {
    if (solid) {
      std::memcpy(target, source, static_cast<std::size_t>(n * size));
    } else {
      row(source, from_step, target, to_step, n);
    }
    std::size_t axis = last;
    while (axis-- > 0) {
      source += from_steps[axis] * size;
      target += to_steps[axis] * size;
      if (++index[axis] < extents[axis]) break;
      source -= from_steps[axis] * extents[axis] * size;
      target -= to_steps[axis] * extents[axis] * size;
      index[axis] = 0;
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace assay::engine
