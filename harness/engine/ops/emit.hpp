// Emitter: the interface in which VJPs, losses, layers and lowering rules are written once, and that is executed
// eagerly (tape/eager.hpp) or recorded into a program for compilation (graph/program.hpp).
#pragma once

#include <initializer_list>

#include "harness/engine/ops/op.hpp"

namespace assay::engine {

class Emitter {
 public:
  virtual ~Emitter() = default;
  virtual std::vector<Value> emit(OpId op, std::span<const Value> in, const Attrs& attrs) = 0;
  virtual const Spec& spec(Value value) const = 0;
  virtual Value constant(const Tensor& tensor) = 0;

  Value emit1(std::string_view op, std::initializer_list<Value> in, const Attrs& attrs = {});  // single-output op
};

// Typed wrappers over emit1; binary ones broadcast as NumPy does. Names are the registry's.
Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator*(Value a, Value b);
Value operator/(Value a, Value b);
Value operator*(Value a, double s);
Value operator+(Value a, double s);
Value operator-(Value a);
// Sum over the broadcast axes so that `g` gets the shape of `like` (the VJP of broadcasting).
Value reduce_to(Value g, const Shape& like);
Shape shape_of(Value v);  // a copy: what spec() refers to may move with the next emit
// emit1 on the emitter that the first operand belongs to.
Value call(std::string_view op, std::initializer_list<Value> in, const Attrs& attrs = {});
Value reshape(Value v, const Shape& shape);  // v itself when the shape is the same

}  // namespace assay::engine
