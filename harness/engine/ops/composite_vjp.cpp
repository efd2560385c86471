// The gradient of an op by its definition: the expression is emitted, recorded, and walked backwards.
#include <algorithm>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/engine/ops/composite.hpp"
#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {
namespace {

// Emits into another emitter and keeps what was emitted. Operands have ids of their own, so that one value given twice
// is two variables.
class Recording final : public Emitter {
 public:
  struct Item {
    OpId op;
    Attrs attrs;
    std::vector<int> in, out;
  };
  std::vector<Item> items;

  explicit Recording(Emitter& inner) : inner_(inner) {}
  Value add(Value inner) {
    values_.push_back(inner);
    return {this, static_cast<int>(values_.size()) - 1};
  }
  std::vector<Value> emit(OpId op, std::span<const Value> in, const Attrs& attrs) override {
    const Op& entry = Registry::get().op(op);
    if (entry.compose) return entry.compose(*this, in, attrs);
    Item item{op, attrs, {}, {}};
    std::vector<Value> operands, out;
    for (const Value v : in) {
      if (v.emitter != this || !v.defined()) throw Error(Fault::internal, "a value of another expression was used");
      operands.push_back(inner(v.id));
      item.in.push_back(v.id);
    }
    for (const Value v : inner_.emit(op, operands, attrs)) {
      out.push_back(add(v));
      item.out.push_back(out.back().id);
    }
    items.push_back(std::move(item));
    return out;
  }
  const Spec& spec(Value value) const override { return inner_.spec(inner(value.id)); }
  Value constant(const Tensor& tensor) override { return add(inner_.constant(tensor)); }
  Value inner(int id) const { return values_[static_cast<std::size_t>(id)]; }
  std::size_t size() const { return values_.size(); }

 private:
  Emitter& inner_;
  std::vector<Value> values_;
};

class Backward {
 public:
  Backward(const Recording& recording, const VjpArgs& v) : recording_(recording), create_graph_(v.create_graph) {
    depends_.assign(recording.size(), false);
    cotangents_.resize(recording.size());
    for (std::size_t i = 0; i < v.in.size(); ++i) depends_[i] = v.wanted[i];
    for (const Recording::Item& item : recording.items) {
      if (std::none_of(item.in.begin(), item.in.end(), [&](int id) { return depends(id); })) continue;
      for (const int id : item.out) depends_[static_cast<std::size_t>(id)] = true;
    }
  }
  void accumulate(int id, Value cotangent) {
    if (!cotangent.defined() || !depends(id)) return;
    Value& sum = cotangents_[static_cast<std::size_t>(id)];
    sum = sum.defined() ? sum + cotangent : cotangent;
  }
  void walk() {
    for (auto item = recording_.items.rbegin(); item != recording_.items.rend(); ++item) visit(*item);
  }
  Value cotangent(int id) const { return cotangents_[static_cast<std::size_t>(id)]; }

 private:
  bool depends(int id) const { return depends_[static_cast<std::size_t>(id)]; }

  void visit(const Recording::Item& item) {
    std::vector<Value> in, out, cotangents;
    const auto wanted = std::make_unique<bool[]>(item.in.size());
    bool any = false, reached = false;
    for (std::size_t i = 0; i < item.in.size(); ++i) {
      in.push_back(recording_.inner(item.in[i]));
      wanted[i] = depends(item.in[i]) && is_real(in.back().emitter->spec(in.back()).dtype);
      any = any || wanted[i];
    }
    for (const int id : item.out) {
      out.push_back(recording_.inner(id));
      cotangents.push_back(cotangent(id));
      reached = reached || cotangents.back().defined();
    }
    const Op& op = Registry::get().op(item.op);
    if (!any || !reached || !op.vjp) return;  // ops without a gradient are constant almost everywhere
    const std::vector<Value> parts =
        op.vjp({item.attrs, in, out, cotangents, {wanted.get(), item.in.size()}, create_graph_});
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (wanted[i]) accumulate(item.in[i], parts[i]);
    }
  }

  const Recording& recording_;
  bool create_graph_;
  std::vector<bool> depends_;
  std::vector<Value> cotangents_;
};

}  // namespace

std::vector<Value> composite_vjp(const ComposeFn& compose, const VjpArgs& v) {
  Recording recording(*v.in[0].emitter);
  std::vector<Value> operands;
  for (const Value in : v.in) operands.push_back(recording.add(in));
  const std::vector<Value> results = compose(recording, operands, v.attrs);
  Backward backward(recording, v);
  for (std::size_t i = 0; i < results.size(); ++i) backward.accumulate(results[i].id, v.cotangents[i]);
  backward.walk();
  std::vector<Value> grads;
  grads.reserve(operands.size());
  for (const Value in : operands) grads.push_back(backward.cotangent(in.id));
  return grads;
}

}  // namespace assay::engine
