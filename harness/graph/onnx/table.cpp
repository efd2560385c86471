// The converter table: every family's rows by operator.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

const std::map<std::string, Convert>& table() {
  static const std::map<std::string, Convert> rows = [] {
    std::map<std::string, Convert> all;
    for (const auto& family : {activation_rows, arithmetic_rows, convolution_rows, index_rows, loss_rows, movement_rows,
                               norm_rows, pool_rows, product_rows, quantize_rows, recurrent_rows, reduce_rows, resize_rows,
                               selection_rows, shape_rows, signal_rows}) {
      for (const Row& row : family()) all.emplace(row.op, row.convert);
    }
    return all;
  }();
  return rows;
}

}  // namespace

std::vector<std::string> operators() {
  std::vector<std::string> names;
  for (const auto& [op, convert] : table()) names.push_back(op);
  return names;
}

Convert converter(const std::string& op) {
  const auto it = table().find(op);
  if (it != table().end()) return it->second;
  throw Error(Fault::unsupported, "operator '" + op + "' is not supported" + suggestion(op, operators()));
}

}  // namespace assay::onnx
