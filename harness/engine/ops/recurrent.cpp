// Checks of recurrent ops, and their activations.
#include "harness/engine/ops/recurrent.hpp"

#include <algorithm>

#include "harness/base/error.hpp"

namespace assay::engine {
namespace {

using Compose = Value (*)(Value x, double alpha, double beta);

struct Known {
  const char* name;
  double alpha, beta;  // ONNX's defaults
  Compose compose;
};

const Known kActivations[] = {
    {"Relu", 0, 0, [](Value x, double, double) { return call("relu", {x}); }},
    {"Tanh", 0, 0, [](Value x, double, double) { return call("tanh", {x}); }},
    {"Sigmoid", 0, 0, [](Value x, double, double) { return call("sigmoid", {x}); }},
    {"Affine", 1, 0, [](Value x, double a, double b) { return x * a + b; }},
    {"LeakyRelu", 0.01, 0,
     [](Value x, double a, double) {
       return call("leaky_relu", {x}, {{"alpha", a}});
     }},
    {"ThresholdedRelu", 1, 0, [](Value x, double a, double) { return x * call("step", {x + -a}); }},
    {"ScaledTanh", 1, 1, [](Value x, double a, double b) { return call("tanh", {x * b}) * a; }},
    {"HardSigmoid", 0.2, 0.5,
     [](Value x, double a, double b) {
       return call("clamp", {x * a + b}, {{"min", 0.0}, {"max", 1.0}});
     }},
    {"Elu", 1, 0,
     [](Value x, double a, double) {
       return call("elu", {x}, {{"alpha", a}});
     }},
    {"Softsign", 0, 0, [](Value x, double, double) { return x / (call("abs", {x}) + 1.0); }},
    {"Softplus", 0, 0, [](Value x, double, double) { return call("softplus", {x}); }},
};

const Known& known(const std::string& name) {
  std::vector<std::string> names;
  for (const Known& k : kActivations) {
    if (name == k.name) return k;
    names.emplace_back(k.name);
  }
  throw Error(Fault::bad_input, "unknown activation '" + name + "'" + suggestion(name, names));
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t to = std::min(list.find(',', from), list.size());
    names.push_back(list.substr(from, to - from));
    from = to + 1;
  }
  return names;
}

// Parameters are listed for the activations that have some, in order; those not listed keep their defaults.
std::vector<double> parameters(Specs in, const char* op, const Attrs& attrs, const char* key) {
  const auto it = attrs.items().find(key);
  if (it == attrs.items().end()) return {};
  if (const auto* list = std::get_if<std::vector<double>>(&it->second)) return *list;
  if (const auto* one_value = std::get_if<double>(&it->second)) return {*one_value};
  op_error(op, in, std::string("attribute ") + key + " must be a list of numbers");
}

std::vector<CellActivation> activations_of(const Recurrent& r, Specs in, const Attrs& attrs) {
  const std::string gate = "Sigmoid", state = "Tanh";
  std::vector<std::string> names = {state};
  if (r.gates == 3) names = {gate, state};
  if (r.gates == 4) names = {gate, state, state};
  const std::size_t each = names.size();
  if (attrs.has("activations")) names = split(attrs.text("activations", ""));
  const std::size_t wanted = each * static_cast<std::size_t>(r.directions);
  if (names.size() == each && r.directions == 2) {
    const std::vector<std::string> again = names;
    names.insert(names.end(), again.begin(), again.end());
  }
  if (names.size() != wanted) op_error(r.op, in, "attribute activations must name " + std::to_string(wanted));
  const std::vector<double> alphas = parameters(in, r.op, attrs, "activation_alpha"),
                            betas = parameters(in, r.op, attrs, "activation_beta");
  std::vector<CellActivation> out;
  std::size_t alpha = 0, beta = 0;
  for (const std::string& name : names) {
    const Known& k = known(name);
    CellActivation a{name, k.alpha, k.beta};
    if (k.alpha != 0 && alpha < alphas.size()) a.alpha = alphas[alpha++];
    const bool has_beta = name == "Affine" || name == "ScaledTanh" || name == "HardSigmoid";
    if (has_beta && beta < betas.size()) a.beta = betas[beta++];
    out.push_back(a);
  }
  return out;
}

void expect_shape(const Recurrent& r, Specs in, std::size_t index, const Shape& shape) {
  if (!has_operand(in, index)) return;
  expect_dtype(r.op, in, index, DType::f32);
  if (in[index].shape == shape) return;
  op_error(r.op, in, "input " + std::to_string(index) + " must have shape " + shape_str(shape));
}

}  // namespace

Value activate(const CellActivation& activation, Value x) {
  return known(activation.name).compose(x, activation.alpha, activation.beta);
}

Recurrent recurrent_of(const char* op, std::int64_t gates, Specs in, const Attrs& attrs) {
  Recurrent r;
  r.op = op, r.gates = gates;
  expect_count(op, in, 3, gates == 4 ? 8 : 6);
  for (std::size_t i = 0; i < 3; ++i) {
    expect_dtype(op, in, i, DType::f32);
    expect_rank(op, in, i, 3);
  }
  const std::string direction = attrs.text("direction", "forward");
  const std::vector<std::string> directions = {"forward", "reverse", "bidirectional"};
  if (std::find(directions.begin(), directions.end(), direction) == directions.end()) {
    op_error(op, in, "unknown direction '" + direction + "'" + suggestion(direction, directions));
  }
  r.directions = direction == "bidirectional" ? 2 : 1;
  r.reverse = direction == "reverse";
  r.batch_first = attrs.integer("layout", 0) != 0;
  const Shape& x = in[kX].shape;
  r.time = x[r.batch_first ? 1 : 0], r.batch = x[r.batch_first ? 0 : 1], r.inputs = x[2];
  r.hidden = in[kR].shape[2];
  r.coupled = attrs.integer("input_forget", 0) != 0;
  r.reset_after = attrs.integer("linear_before_reset", 0) != 0;
  r.clip = attrs.real("clip", 0);
  const std::int64_t d = r.directions, gh = gates * r.hidden;
  expect_shape(r, in, kW, {d, gh, r.inputs});
  expect_shape(r, in, kR, {d, gh, r.hidden});
  expect_shape(r, in, kB, {d, 2 * gh});
  const Shape state = r.batch_first ? Shape{r.batch, d, r.hidden} : Shape{d, r.batch, r.hidden};
  expect_shape(r, in, kInitialH, state);
  expect_shape(r, in, kInitialC, state);
  expect_shape(r, in, kPeepholes, {d, 3 * r.hidden});
  if (has_operand(in, kLengths)) {
    const bool integers = in[kLengths].dtype == DType::i32 || in[kLengths].dtype == DType::i64;
    if (!integers || in[kLengths].shape != Shape{r.batch})
      op_error(op, in, "the lengths must be integers, one a sequence");
  }
  r.activations = activations_of(r, in, attrs);
  return r;
}

}  // namespace assay::engine
