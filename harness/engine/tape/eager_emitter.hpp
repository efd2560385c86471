// The Emitter that evaluates at once, on tensors with or without history. One thread.
#pragma once

#include <deque>

#include "harness/base/error.hpp"
#include "harness/engine/tape/eager.hpp"

namespace assay::engine {

class EagerEmitter final : public Emitter {
 public:
  std::vector<Value> emit(OpId op, std::span<const Value> in, const Attrs& attrs) override {
    std::vector<Tensor> operands;
    operands.reserve(in.size());
    for (const Value v : in) operands.push_back(tensor(v));
    std::vector<Value> results;
    for (const Tensor& t : apply(op, operands, attrs)) results.push_back(add(t));
    return results;
  }
  const Spec& spec(Value value) const override { return tensor(value).spec(); }
  Value constant(const Tensor& t) override { return add(detach(t)); }

  Value add(const Tensor& t) {
    tensors_.push_back(t);
    return {this, static_cast<int>(tensors_.size()) - 1};
  }
  const Tensor& tensor(Value value) const {
    if (!value.defined()) throw Error(Fault::internal, "an undefined value was used as an operand");
    return tensors_[static_cast<std::size_t>(value.id)];
  }

 private:
  std::deque<Tensor> tensors_;  // references stay valid
};

}  // namespace assay::engine
