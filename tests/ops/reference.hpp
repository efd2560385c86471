// Naive double-precision references, written apart from the kernels. To add one: a function of the operands and the
// attributes, and its line in the table of a reference_*.cpp file.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/engine/ops/op.hpp"

namespace assay::engine::reference {

struct Array {
  Shape shape;
  std::vector<double> v;
  Array() = default;
  explicit Array(Shape s) : shape(std::move(s)), v(static_cast<std::size_t>(element_count(shape)), 0.0) {}
  std::int64_t rank() const { return static_cast<std::int64_t>(shape.size()); }
  // Element at a multi-index; extents of 1 repeat, missing leading axes too.
  double at(const Shape& index) const;
  double& ref(const Shape& index);
};

using Arrays = std::vector<Array>;
using Function = std::function<Arrays(const Arrays& in, const Attrs& attrs)>;
using Table = std::map<std::string, Function>;

// Calls body(index) for every multi-index below `shape`, in row-major order.
void for_each_index(const Shape& shape, const std::function<void(const Shape&)>& body);
std::size_t axis(std::int64_t a, std::size_t rank);

// Makers of references for ops that are functions of the elements, or of the elements along axes.
Function unary(const std::function<double(double x, const Attrs& attrs)>& f);
Function plain(double (*f)(double));
Function pairwise(const std::function<double(double a, double b)>& f);  // broadcasts
Function reduction(const std::function<double(const std::vector<double>&)>& f);  // attributes axes, keepdims
Shape broadcast(const Arrays& in);

void add_eltwise(Table& table);
void add_activations(Table& table);
void add_logic(Table& table);
void add_reductions(Table& table);
void add_more_reductions(Table& table);
void add_products(Table& table);
void add_pooling(Table& table);
void add_movement(Table& table);
void add_indexing(Table& table);
void add_selection(Table& table);
void add_normalisation(Table& table);
void add_row_norms(Table& table);
void add_attention(Table& table);
void add_convolutions(Table& table);
void add_adaptive_pooling(Table& table);
void add_quantisation(Table& table);
void add_losses(Table& table);
void add_recurrent(Table& table);
void add_geometry(Table& table);
void add_sorting(Table& table);
void add_sampling(Table& table);
void add_spectral(Table& table);
void add_special(Table& table);
void add_linalg(Table& table);
void add_detection(Table& table);
const Table& table();

}  // namespace assay::engine::reference
