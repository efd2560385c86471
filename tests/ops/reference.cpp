#include "tests/ops/reference.hpp"

namespace assay::engine::reference {

double Array::at(const Shape& index) const {
  const std::size_t lead = index.size() - shape.size();
  std::size_t flat = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t step = shape[i] == 1 ? 0 : index[lead + i];
    flat = flat * static_cast<std::size_t>(shape[i]) + static_cast<std::size_t>(step);
  }
  return v.at(flat);
}

double& Array::ref(const Shape& index) {
  std::size_t flat = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    flat = flat * static_cast<std::size_t>(shape[i]) + static_cast<std::size_t>(index[i]);
  }
  return v.at(flat);
}

void for_each_index(const Shape& shape, const std::function<void(const Shape&)>& body) {
  if (element_count(shape) == 0) return;
  Shape index(shape.size(), 0);
  for (;;) {
    body(index);
    std::size_t i = shape.size();
    while (i > 0 && ++index[i - 1] == shape[i - 1]) index[--i] = 0;
    if (i == 0) return;
  }
}

std::size_t axis(std::int64_t a, std::size_t rank) {
  return static_cast<std::size_t>(a < 0 ? a + static_cast<std::int64_t>(rank) : a);
}

const Table& table() {
  static const Table all = [] {
    Table t;
    add_eltwise(t);
    add_activations(t);
    add_logic(t);
    add_reductions(t);
    add_more_reductions(t);
    add_products(t);
    add_pooling(t);
    add_movement(t);
    add_indexing(t);
    add_selection(t);
    add_normalisation(t);
    add_row_norms(t);
    add_attention(t);
    add_convolutions(t);
    add_adaptive_pooling(t);
    add_quantisation(t);
    add_losses(t);
    add_recurrent(t);
    add_geometry(t);
    add_sorting(t);
    add_sampling(t);
    add_spectral(t);
    add_special(t);
    add_linalg(t);
    add_detection(t);
    return t;
  }();
  return all;
}

}  // namespace assay::engine::reference
