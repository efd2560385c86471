// What the files of loss ops share: a loss is an expression with a check and cases.
#pragma once

#include "harness/engine/ops/composite.hpp"

namespace assay::engine {

struct Loss {
  const char *name, *onnx, *doc;
  void (*check)(std::string_view op, Specs in, const Attrs& attrs);
  std::vector<Value> (*compose)(std::span<const Value> in, const Attrs& attrs);
  std::vector<OpCase> cases;
};
void add_loss(Registry& registry, Loss loss);

void expect_equal_shapes(std::string_view op, Specs in, std::size_t count);  // f32 operands of equal shape
void expect_rows(std::string_view op, Specs in, std::size_t count);   // the same, of two axes

// A case of `count` operands [n, c].
OpCase rows_case(std::size_t count, std::int64_t n, std::int64_t c, double lo = -1, double hi = 1);

Value sum_last(Value v);  // over the last axis

}  // namespace assay::engine
