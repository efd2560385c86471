#include "harness/engine/ops/index_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

template <class T>
void gather_row(const void* from, std::int64_t base, const std::vector<std::int64_t>& offsets, void* to, T fill) {
  const T* source = static_cast<const T*>(from);
  T* target = static_cast<T*>(to);
  if (base < 0) {
    std::fill_n(target, offsets.size(), fill);
    return;
  }
  for (std::size_t i = 0; i < offsets.size(); ++i) target[i] = offsets[i] < 0 ? fill : source[base + offsets[i]];
}

using GatherRow = void (*)(const void*, std::int64_t, const std::vector<std::int64_t>&, void*, std::uint64_t);

template <class T>
void gather_row_as(const void* from, std::int64_t base, const std::vector<std::int64_t>& offsets, void* to,
                   std::uint64_t fill) {
  gather_row<T>(from, base, offsets, to, static_cast<T>(fill));
}

GatherRow row_for(std::size_t element) {
  switch (element) {
    case 1:
      return gather_row_as<std::uint8_t>;
    case 2:
      return gather_row_as<std::uint16_t>;
    case 4:
      return gather_row_as<std::uint32_t>;
    default:
      return gather_row_as<std::uint64_t>;
  }
}

template <class T>
std::uint64_t bits_of(T value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <class T>
std::uint64_t integer_bits(double value) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(value)) return 0;
  if (value >= static_cast<double>(Limits::max())) return bits_of(Limits::max());
  if (value <= static_cast<double>(Limits::min())) return bits_of(Limits::min());
  return bits_of(static_cast<T>(value));
}

}  // namespace

IndexMap::IndexMap(const Shape& x, const std::vector<std::vector<std::int64_t>>& tables)
    : count_(element_count(x)), offsets_(tables) {
  const Shape steps = row_major(x);
  for (std::size_t a = 0; a < x.size(); ++a) {
    out_.push_back(static_cast<std::int64_t>(tables[a].size()));
    for (std::int64_t& offset : offsets_[a]) offset = offset < 0 ? -1 : offset * steps[a];
  }
  if (offsets_.empty()) offsets_ = {{0}};  // a scalar is a row of one
  solid_ = offsets_.back() == identity_table(static_cast<std::int64_t>(offsets_.back().size()));
}

// row(offset in x or -1, offset in the result) for every row of the result.
template <class Row>
void IndexMap::for_each_row(const Row& row) const {
  if (element_count(out_) == 0) return;
  const std::size_t outer = offsets_.size() - 1;
  const auto length = static_cast<std::int64_t>(offsets_.back().size());
  std::vector<std::size_t> index(outer, 0);
  for (std::int64_t at = 0;; at += length) {
    std::int64_t base = 0;
    for (std::size_t a = 0; a < outer && base >= 0; ++a) {
      const std::int64_t step = offsets_[a][index[a]];
      base = step < 0 ? -1 : base + step;
    }
    row(base, at);
    std::size_t axis = outer;
    while (axis > 0 && ++index[axis - 1] == offsets_[axis - 1].size()) index[--axis] = 0;
    if (axis == 0) return;
  }
}

void IndexMap::gather(const void* from, void* to, std::size_t element, std::uint64_t fill) const {
  const GatherRow row = row_for(element);
  const std::size_t bytes = offsets_.back().size() * element;
  for_each_row([&](std::int64_t base, std::int64_t at) {
    std::byte* target = static_cast<std::byte*>(to) + static_cast<std::size_t>(at) * element;
    if (solid_ && base >= 0) {
      std::memcpy(target, static_cast<const std::byte*>(from) + static_cast<std::size_t>(base) * element, bytes);
    } else {
      row(from, base, offsets_.back(), target, fill);
    }
  });
}

void IndexMap::scatter_add(const float* from, float* to) const {
  std::fill_n(to, count_, 0.0f);
  for_each_row([&](std::int64_t base, std::int64_t at) {
    if (base < 0) return;
    const std::vector<std::int64_t>& last = offsets_.back();
    for (std::size_t i = 0; i < last.size(); ++i) {
      if (last[i] >= 0) to[base + last[i]] += from[at + static_cast<std::int64_t>(i)];
    }
  });
}

void fill_elements(void* to, std::int64_t n, std::size_t element, std::uint64_t bits) {
  switch (element) {
    case 1:
      std::fill_n(static_cast<std::uint8_t*>(to), n, static_cast<std::uint8_t>(bits));
      return;
    case 2:
      std::fill_n(static_cast<std::uint16_t*>(to), n, static_cast<std::uint16_t>(bits));
      return;
    case 4:
      std::fill_n(static_cast<std::uint32_t*>(to), n, static_cast<std::uint32_t>(bits));
      return;
    default:
      std::fill_n(static_cast<std::uint64_t*>(to), n, bits);
  }
}

std::vector<std::int64_t> identity_table(std::int64_t extent) {
  std::vector<std::int64_t> table(static_cast<std::size_t>(extent));
  std::iota(table.begin(), table.end(), 0);
  return table;
}

Kernel gather_kernel(const PrepareRequest& request, const IndexMap& map, std::uint64_t fill) {
  Kernel kernel = dense_kernel(request);
  kernel.run = [map, fill, element = dtype_size(request.out[0].dtype)](const KernelArgs& args) {
    map.gather(args.in[0], args.out[0], element, fill);
  };
  return kernel;
}

Kernel scatter_kernel(const PrepareRequest& request, const IndexMap& map) {
  Kernel kernel = dense_kernel(request);
  kernel.run = [map](const KernelArgs& args) { map.scatter_add(floats(args, 0), floats_out(args, 0)); };
  return kernel;
}

std::uint64_t element_bits(DType dtype, double value) {
  switch (dtype) {
    case DType::f32:
      return bits_of(static_cast<float>(value));
    case DType::f64:
      return bits_of(value);
    case DType::bf16:  // rounded by dropping the low half: fills are short numbers
      return bits_of(static_cast<float>(value)) >> 16;
    case DType::i64:
      return integer_bits<std::int64_t>(value);
    case DType::i32:
      return integer_bits<std::int32_t>(value);
    case DType::u8:
      return integer_bits<std::uint8_t>(value);
    case DType::s8:
      return integer_bits<std::int8_t>(value);
    default:
      return value != 0 ? 1 : 0;
  }
}

}  // namespace assay::engine
