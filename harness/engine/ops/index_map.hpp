// Gathers by one index table an axis: element [i, j, ..] of the result is x[t0[i], t1[j], ..]. Padding modes, rolling,
// flipping and nearest-neighbour resizing are such maps; the adjoint adds back.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

class IndexMap {
 public:
  // One table an axis of x: indices into that axis, or -1 for what is not in x.
  IndexMap(const Shape& x, const std::vector<std::vector<std::int64_t>>& tables);
  const Shape& out() const { return out_; }
  // `element`: bytes an element (1, 2, 4 or 8); `fill`: the element, in its low bytes, where a table says -1.
  void gather(const void* from, void* to, std::size_t element, std::uint64_t fill) const;
  // from: f32 in the shape of the result; to: f32 of x's shape, overwritten. Sums in row-major order of `from`.
  void scatter_add(const float* from, float* to) const;

 private:
  template <class Row>
  void for_each_row(const Row& row) const;
  Shape out_;
  std::int64_t count_ = 1;                          // elements of x
  std::vector<std::vector<std::int64_t>> offsets_;  // in elements of x; -1 outside
  bool solid_ = false;                              // the last axis is copied as it is
};

std::vector<std::int64_t> identity_table(std::int64_t extent);
Kernel gather_kernel(const PrepareRequest& request, const IndexMap& map, std::uint64_t fill = 0);
Kernel scatter_kernel(const PrepareRequest& request, const IndexMap& map);
void fill_elements(void* to, std::int64_t n, std::size_t element, std::uint64_t bits);
// The low bytes of `value` as an element of `dtype`; integers saturate, towards zero.
std::uint64_t element_bits(DType dtype, double value);

}  // namespace assay::engine
