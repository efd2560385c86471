// Shape rule and cost of composite ops, by tracing their expressions.
#include "harness/engine/ops/composite.hpp"

#include <deque>

#include "harness/base/error.hpp"

namespace assay::engine {
namespace {

struct Step {
  OpId op;
  Attrs attrs;
  std::vector<int> in, out;
};

// Records an expression by its specs alone.
class Trace final : public Emitter {
 public:
  std::deque<Spec> specs;  // references stay valid
  std::vector<Step> steps;
  std::vector<int> results;

  Trace(const ComposeFn& compose, Specs in, const Attrs& attrs) {
    std::vector<Value> operands;
    for (const Spec& s : in) operands.push_back(add(s));
    for (const Value v : compose(*this, operands, attrs)) results.push_back(v.id);
  }
  std::vector<Value> emit(OpId op, std::span<const Value> in, const Attrs& attrs) override {
    Step step{op, attrs, {}, {}};
    std::vector<Spec> operands;
    for (const Value v : in) {
      operands.push_back(spec(v));
      step.in.push_back(v.id);
    }
    std::vector<Value> out;
    for (const Spec& s : Registry::get().op(op).infer(operands, attrs)) {
      out.push_back(add(s));
      step.out.push_back(out.back().id);
    }
    steps.push_back(std::move(step));
    return out;
  }
  const Spec& spec(Value value) const override {
    if (value.emitter != this || !value.defined())
      throw Error(Fault::internal, "a value of another expression was used");
    return specs[static_cast<std::size_t>(value.id)];
  }
  Value constant(const Tensor& tensor) override { return add(tensor.spec()); }
  const Spec& spec_of(int id) const { return specs[static_cast<std::size_t>(id)]; }

 private:
  Value add(const Spec& s) {
    specs.push_back(s);
    return {this, static_cast<int>(specs.size()) - 1};
  }
};

std::vector<Spec> composite_infer(const ComposeFn& compose, Specs in, const Attrs& attrs) {
  const Trace trace(compose, in, attrs);
  std::vector<Spec> out;
  for (const int id : trace.results) out.push_back(trace.spec_of(id));
  return out;
}

OpCost composite_cost(const ComposeFn& compose, Specs in, const Attrs& attrs) {
  const Trace trace(compose, in, attrs);
  OpCost cost;
  for (const Step& step : trace.steps) {
    const Op& op = Registry::get().op(step.op);
    if (!op.cost) continue;
    std::vector<Spec> operands, out;
    for (const int id : step.in) operands.push_back(trace.spec_of(id));
    for (const int id : step.out) out.push_back(trace.spec_of(id));
    cost.macs += op.cost(operands, out, step.attrs).macs;
  }
  return cost;
}

}  // namespace

void set_composite(Op& op, const std::function<void(Specs in, const Attrs& attrs)>& check, const ComposeFn& compose) {
  op.infer = [check, compose](Specs in, const Attrs& attrs) {
    check(in, attrs);
    return composite_infer(compose, in, attrs);
  };
  op.compose = compose;
  op.cost = [compose](Specs in, Specs, const Attrs& attrs) { return composite_cost(compose, in, attrs); };
}

}  // namespace assay::engine
