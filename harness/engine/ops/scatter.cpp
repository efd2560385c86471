#include "harness/engine/ops/scatter.hpp"

#include <numeric>

namespace assay::engine {
namespace {

struct Terms {
  const ScatterFamily& family;
  const VjpArgs& v;

  Value take(Value from) const {
    Attrs attrs;
    if (family.attr) attrs.set(family.attr, v.attrs.integer(family.attr, 0));
    return call(family.gather, {from, v.in[1]}, attrs);
  }
  Value put(Value into, Value updates, const char* how) const {
    Attrs attrs = {{"reduction", std::string(how)}};
    if (family.attr) attrs.set(family.attr, v.attrs.integer(family.attr, 0));
    return call(family.scatter, {into, v.in[1], updates}, attrs);
  }
};

Value full_like(Value other, double value) {
  return call("expand", {scalar_like(other, value)}, {{"shape", shape_of(other)}});
}

// 1 for every update that no later one overwrote: each writes its number, and finds it again or not.
Value winners(const Terms& t) {
  const Shape x = shape_of(t.v.in[0]), updates = shape_of(t.v.in[2]);
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(element_count(updates)));
  std::iota(numbers.begin(), numbers.end(), 1);
  Emitter& emitter = *t.v.in[0].emitter;
  const Value own = emitter.constant(Tensor::i64(updates, numbers));
  const std::vector<std::int64_t> zeros(static_cast<std::size_t>(element_count(x)), 0);
  const Value written = t.put(emitter.constant(Tensor::i64(x, zeros)), own, "none");
  return cast_like(call("equal", {t.take(written), own}), t.v.in[2]);
}

std::vector<Value> extreme_vjp(const Terms& t) {
  const Value x = t.v.in[0], updates = t.v.in[2], out = t.v.out[0], g = t.v.cotangents[0];
  const Value stays = cast_like(call("equal", {x, out}), x);
  const Value wins = cast_like(call("equal", {updates, t.take(out)}), x);
  const Value share = g / t.put(stays, wins, "add");
  return {share * stays, {}, t.take(share) * wins};
}

}  // namespace

std::vector<Value> scatter_vjp(const ScatterFamily& family, const VjpArgs& v) {
  const Terms t{family, v};
  const Value g = v.cotangents[0], updates = v.in[2];
  const std::string how = v.attrs.text("reduction", "none");
  if (how == "add") return {g, {}, v.wanted[2] ? t.take(g) : Value{}};
  if (how == "max" || how == "min") return extreme_vjp(t);
  std::vector<Value> grads(3);
  if (how == "mul") {
    if (v.wanted[0]) grads[0] = g * t.put(full_like(v.in[0], 1.0), updates, "mul");
    if (v.wanted[2]) grads[2] = t.take(g * v.out[0]) / updates;
    return grads;
  }
  if (v.wanted[0]) grads[0] = t.put(g, full_like(updates, 0.0), "none");
  if (v.wanted[2]) grads[2] = t.take(g) * winners(t);
  return grads;
}

}  // namespace assay::engine
