// Attributes and operands of a node, and small emissions that every family uses.
#include <fmt/format.h>

#include <limits>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op.hpp"
#include "harness/graph/modes.hpp"
#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

const Attribute* find(const OnnxNode& node, const std::string& name) {
  const auto it = node.attributes.find(name);
  return it == node.attributes.end() ? nullptr : &it->second;
}

const Attribute* find(const Call& call, const std::string& name, Attribute::Kind kind, const char* what) {
  const Attribute* a = find(call.node, name);
  if (a && a->kind != kind) call.bad(fmt::format("attribute '{}' must be {}", name, what));
  return a;
}

}  // namespace

void Call::bad(const std::string& why) const { throw Error(Fault::bad_input, why); }
void Call::unsupported(const std::string& why) const { throw Error(Fault::unsupported, why); }

bool Call::has(std::size_t index) const { return index < node.inputs.size() && !node.inputs[index].empty(); }

const Operand& Call::in(std::size_t index) const {
  if (!has(index)) bad(fmt::format("operand {} is missing", index));
  const auto it = session.values.find(node.inputs[index]);
  if (it != session.values.end()) return it->second;
  std::vector<std::string> names;
  for (const auto& [name, operand] : session.values) names.push_back(name);
  bad(fmt::format("reads '{}', which no earlier node, input or initializer defines{}", node.inputs[index],
                  suggestion(node.inputs[index], names)));
}

bool Call::wants(std::size_t output) const { return output < node.outputs.size() && !node.outputs[output].empty(); }

std::int64_t Call::integer(const std::string& attribute, std::int64_t fallback) const {
  const Attribute* a = find(*this, attribute, Attribute::Kind::integer, "an integer");
  return a ? a->integer : fallback;
}

double Call::real(const std::string& attribute, double fallback) const {
  const Attribute* a = find(*this, attribute, Attribute::Kind::real, "a real number");
  return a ? a->real : fallback;
}

std::string Call::text(const std::string& attribute, const std::string& fallback) const {
  const Attribute* a = find(*this, attribute, Attribute::Kind::text, "text");
  return a ? a->text : fallback;
}

// Extents and the like: what does not fit in 31 bits is no extent of a tensor that could be computed.
Shape Call::ints(const std::string& attribute, const Shape& fallback) const {
  const Attribute* a = find(*this, attribute, Attribute::Kind::integers, "a list of integers");
  if (!a) return fallback;
  for (const std::int64_t v : a->integers) {
    if (v > std::numeric_limits<std::int32_t>::max() || v < std::numeric_limits<std::int32_t>::min()) {
      bad(fmt::format("attribute '{}' holds {}, which no tensor has", attribute, v));
    }
  }
  return a->integers;
}

std::vector<double> Call::reals(const std::string& attribute) const {
  const Attribute* a = find(*this, attribute, Attribute::Kind::reals, "a list of real numbers");
  return a ? a->reals : std::vector<double>();
}

std::vector<std::string> Call::texts(const std::string& attribute) const {
  const Attribute* a = find(*this, attribute, Attribute::Kind::texts, "a list of texts");
  return a ? a->texts : std::vector<std::string>();
}

Tensor Call::known(const Operand& operand, const char* what) {
  const Tensor value = session.evaluate(operand);
  if (!value.defined()) unsupported(fmt::format("its {} must be known at import, but it depends on the data", what));
  return value.dense();
}

Shape Call::known_ints(std::size_t index, const char* what) {
  const Tensor value = known(in(index), what);
  if (value.dtype() == DType::f32 || value.dtype() == DType::f64) bad(fmt::format("its {} must be integers", what));
  return value.to_i64();
}

std::vector<double> Call::known_reals(std::size_t index, const char* what) {
  const std::vector<float> values = known(in(index), what).to_f32();
  return {values.begin(), values.end()};
}

Shape Call::ints_since(std::int64_t since, std::size_t index, const std::string& attribute, const Shape& fallback) {
  if (opset >= since) return has(index) ? known_ints(index, attribute.c_str()) : fallback;
  return ints(attribute, fallback);
}

Operands Call::emit_all(const std::string& op, const Operands& in, const Attrs& attrs) {
  const std::vector<std::string> known_ops = graph::known_ops();
  if (std::find(known_ops.begin(), known_ops.end(), op) == known_ops.end()) {
    unsupported("needs the engine's op '" + op + "', which is not there");
  }
  const auto plain = [](const Operand& x) { return x.spec.dtype == DType::f32; };
  try {
    return session.emit(op, in, attrs);
  } catch (const Error& e) {
    // Of f32 the engine's ops take all that ONNX allows; of other types some do not.
    if (e.fault() == Fault::bad_input && !std::all_of(in.begin(), in.end(), plain)) throw Error(Fault::unsupported, e.what());
    throw;
  }
}

Operand Call::emit(const std::string& op, const Operands& in, const Attrs& attrs) { return emit_all(op, in, attrs).at(0); }

Operand Call::constant(const Tensor& value) {
  Operand x;
  x.spec = value.spec();
  x.constant = value;
  x.name = session.fresh((node.outputs.empty() ? node.op : node.outputs[0]) + "/constant");
  return x;
}

Operand Call::scalar_like(const Operand& x, double value) { return cast(scalar(value), x.spec.dtype); }

Operand Call::reshape(const Operand& x, const Shape& shape) {
  if (x.spec.shape == shape) return x;
  return like(x, emit("reshape", {x}, {{"shape", shape}}));
}

Operand Call::transpose(const Operand& x, const Shape& perm) { return like(x, emit("transpose", {x}, {{"perm", perm}})); }

Operand Call::cast(const Operand& x, DType to) {
  if (x.spec.dtype == to) return x;
  return emit("cast", {x}, {{"to", std::string(engine::dtype_name(to))}});
}

std::int64_t Call::axis(std::int64_t value, std::int64_t rank) const {
  if (value < -rank || value >= rank) bad(fmt::format("axis {} is outside a value of {} axes", value, rank));
  return value < 0 ? value + rank : value;
}

}  // namespace assay::onnx
