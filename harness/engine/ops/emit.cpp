// Typed wrappers and the compositions that are shared by VJPs.
#include "harness/engine/ops/emit.hpp"

#include "harness/base/error.hpp"

namespace assay::engine {
namespace {

Emitter& emitter_of(Value a, Value b) {
  if (!a.emitter || !b.emitter) throw Error(Fault::internal, "an undefined value was used as an operand");
  if (a.emitter != b.emitter) throw Error(Fault::internal, "operands belong to different expressions");
  return *a.emitter;
}

Emitter& emitter_of(Value a) { return emitter_of(a, a); }

}  // namespace

Value Emitter::emit1(std::string_view op, std::initializer_list<Value> in, const Attrs& attrs) {
  return emit(Registry::get().id(op), std::span(in.begin(), in.size()), attrs).at(0);
}

Value operator+(Value a, Value b) { return emitter_of(a, b).emit1("add", {a, b}); }
Value operator-(Value a, Value b) { return emitter_of(a, b).emit1("sub", {a, b}); }
Value operator*(Value a, Value b) { return emitter_of(a, b).emit1("mul", {a, b}); }
Value operator/(Value a, Value b) { return emitter_of(a, b).emit1("div", {a, b}); }
Value operator*(Value a, double s) { return emitter_of(a).emit1("affine", {a}, {{"scale", s}}); }
Value operator+(Value a, double s) { return emitter_of(a).emit1("affine", {a}, {{"shift", s}}); }
Value operator-(Value a) { return emitter_of(a).emit1("neg", {a}); }

Value call(std::string_view op, std::initializer_list<Value> in, const Attrs& attrs) {
  if (in.size() == 0) throw Error(Fault::internal, "an op without operands has no expression to belong to");
  return emitter_of(*in.begin()).emit1(op, in, attrs);
}

Shape shape_of(Value v) { return emitter_of(v).spec(v).shape; }

Value reshape(Value v, const Shape& shape) {
  if (shape_of(v) == shape) return v;
  return call("reshape", {v}, {{"shape", shape}});
}

Value reduce_to(Value g, const Shape& like) {
  const Shape from = shape_of(g);
  if (from == like) return g;
  const std::size_t lead = from.size() - like.size();
  Shape axes;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (i < lead || (like[i - lead] == 1 && from[i] != 1)) axes.push_back(static_cast<std::int64_t>(i));
  }
  const Value sum = axes.empty() ? g : call("reduce_sum", {g}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
  return reshape(sum, like);
}

}  // namespace assay::engine
