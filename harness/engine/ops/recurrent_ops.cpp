// rnn, gru and lstm (Elman 1990; Cho et al. 2014; Hochreiter & Schmidhuber 1997 with the peepholes of Gers et al. 2002)
// with ONNX's semantics, as expressions of matrix products and elementwise ops: the products with all inputs are one,
// and every step adds the product with the state. Gradients are those of the parts.
#include <numeric>

#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/ops/recurrent.hpp"

namespace assay::engine {
namespace {

using Values = std::vector<Value>;

Values split(Value v, std::int64_t axis, const Shape& sizes) {
  return v.emitter->emit(Registry::get().id("split"), std::span(&v, 1), {{"axis", axis}, {"sizes", sizes}});
}

Values split_evenly(Value v, std::int64_t axis, std::int64_t parts) {
  const std::int64_t extent = shape_of(v)[static_cast<std::size_t>(axis)];
  return split(v, axis, Shape(static_cast<std::size_t>(parts), extent / parts));
}

Value join(const Values& parts, std::int64_t axis) {
  if (parts.size() == 1) return parts[0];
  return parts[0].emitter->emit(Registry::get().id("concat"), parts, {{"axis", axis}}).at(0);
}

Value times_transposed(Value a, Value b) { return call("matmul", {a, b}, {{"transpose_b", std::int64_t{1}}}); }

// What one direction works on.
struct Direction {
  const Recurrent& r;
  std::size_t first;                 // of its activations
  Value inputs, recurrence;          // W [G H, I], R [G H, H]
  Value input_bias, recurrent_bias;  // [G H], undefined without
  Values peepholes;                  // i, o, f: [1, H], or none
  Value h, c;                        // [N, H]

  Value activated(std::size_t which, Value x) const {
    if (r.clip > 0) x = call("clamp", {x}, {{"min", -r.clip}, {"max", r.clip}});
    return activate(r.activations[first + which], x);
  }
};

struct State {
  Value h, c;
};

Value with_peephole(const Direction& d, std::size_t which, Value gate, Value cell) {
  return d.peepholes.empty() ? gate : gate + cell * d.peepholes[which];
}

State lstm_step(const Direction& d, Value x, const State& s) {
  const Values z = split_evenly(x + times_transposed(s.h, d.recurrence), 1, 4);  // i, o, f, c
  const Value in = d.activated(0, with_peephole(d, 0, z[0], s.c));
  const Value forget = d.r.coupled ? -in + 1.0 : d.activated(0, with_peephole(d, 2, z[2], s.c));
  const Value c = forget * s.c + in * d.activated(1, z[3]);
  const Value out = d.activated(0, with_peephole(d, 1, z[1], c));
  return {out * d.activated(2, c), c};
}

State gru_step(const Direction& d, Value x, const State& s) {
  const std::int64_t h = d.r.hidden;
  const Values in = split(x, 1, {2 * h, h});
  if (d.r.reset_after) {
    Value all = times_transposed(s.h, d.recurrence);
    if (d.recurrent_bias.defined()) all = all + d.recurrent_bias;
    const Values state = split(all, 1, {2 * h, h});
    const Values gates = split_evenly(d.activated(0, in[0] + state[0]), 1, 2);  // z, r
    const Value candidate = d.activated(1, in[1] + gates[1] * state[1]);
    return {candidate + gates[0] * (s.h - candidate), {}};
  }
  const Values matrices = split(d.recurrence, 0, {2 * h, h});
  const Values gates = split_evenly(d.activated(0, in[0] + times_transposed(s.h, matrices[0])), 1, 2);
  const Value candidate = d.activated(1, in[1] + times_transposed(gates[1] * s.h, matrices[1]));
  return {candidate + gates[0] * (s.h - candidate), {}};
}

State rnn_step(const Direction& d, Value x, const State& s) {
  return {d.activated(0, x + times_transposed(s.h, d.recurrence)), {}};
}

State step(const Direction& d, Value x, const State& s) {
  if (d.r.gates == 4) return lstm_step(d, x, s);
  return d.r.gates == 3 ? gru_step(d, x, s) : rnn_step(d, x, s);
}

// 1 while a sequence lasts: [N, 1] for every step.
Values lasting(const Recurrent& r, Value lengths) {
  const Value real = reshape(call("cast", {lengths}, {{"to", std::string("F32")}}), {r.batch, 1});
  Values masks;
  for (std::int64_t t = 0; t < r.time; ++t) {
    const Value step_number = lengths.emitter->constant(Tensor::scalar(static_cast<float>(t)));
    masks.push_back(call("greater", {real, step_number}));
  }
  return masks;
}

struct Track {
  Values outputs;  // [N, H] of every step, in order of time
  State last;
};

// A sequence that has ended keeps its state and gives zeros. Backwards it starts at its own end.
Track run(const Direction& d, Value x, bool backwards, const Values& masks) {
  const Recurrent& r = d.r;
  const Values steps = split_evenly(x, 0, r.time);
  Track track;
  track.outputs.resize(steps.size());
  track.last = {d.h, d.c};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t t = backwards ? steps.size() - 1 - i : i;
    State next = step(d, steps[t], track.last);
    track.outputs[t] = next.h;
    if (!masks.empty()) {
      track.outputs[t] = next.h * masks[t];
      next.h = call("where", {masks[t], next.h, track.last.h});
      if (next.c.defined()) next.c = call("where", {masks[t], next.c, track.last.c});
    }
    track.last = next;
  }
  return track;
}

// Part `d` of a value along its first axis, which goes.
Value part(Value v, std::int64_t d, std::int64_t directions) {
  Shape shape = shape_of(v);
  shape.erase(shape.begin());
  return reshape(directions == 1 ? v : split_evenly(v, 0, directions)[static_cast<std::size_t>(d)], shape);
}

Value swapped(Value v, bool swap) { return swap ? call("transpose", {v}, {{"perm", Shape{1, 0, 2}}}) : v; }

struct Inputs {
  std::span<const Value> in;
  std::vector<Spec> specs;
  explicit Inputs(std::span<const Value> values) : in(values) {
    for (const Value v : in) specs.push_back(v.emitter->spec(v));
  }
  bool has(std::size_t i) const { return has_operand(specs, i); }
};

Value initial(const Inputs& all, std::size_t operand, const Recurrent& r, std::int64_t d) {
  if (!all.has(operand)) return all.in[0].emitter->constant(Tensor::full({r.batch, r.hidden}, 0.0f));
  return part(swapped(all.in[operand], r.batch_first), d, r.directions);
}

// The inputs' products with W for all steps at once, with the biases that can be added there.
Value projected(const Direction& d, Value x) {
  Value y = times_transposed(x, d.inputs);
  if (!d.input_bias.defined()) return y;
  y = y + d.input_bias;
  return d.r.gates == 3 && d.r.reset_after ? y : y + d.recurrent_bias;
}

Direction direction_of(const Inputs& all, const Recurrent& r, std::int64_t d) {
  const auto each = static_cast<std::size_t>(r.activations.size()) / static_cast<std::size_t>(r.directions);
  Direction out{r,
                static_cast<std::size_t>(d) * each,
                part(all.in[kW], d, r.directions),
                part(all.in[kR], d, r.directions),
                {},
                {},
                {},
                {},
                {}};
  if (all.has(kB)) {
    const Values biases = split_evenly(part(all.in[kB], d, r.directions), 0, 2);
    out.input_bias = biases[0], out.recurrent_bias = biases[1];
  }
  if (all.has(kPeepholes)) {
    out.peepholes = split_evenly(reshape(part(all.in[kPeepholes], d, r.directions), {1, 3 * r.hidden}), 1, 3);
  }
  out.h = initial(all, kInitialH, r, d);
  if (r.gates == 4) out.c = initial(all, kInitialC, r, d);
  return out;
}

std::vector<Spec> infer(const char* op, std::int64_t gates, Specs in, const Attrs& attrs) {
  const Recurrent r = recurrent_of(op, gates, in, attrs);
  if (r.time < 1) op_error(op, in, "the sequences must have at least one step");
  const std::int64_t d = r.directions, n = r.batch, h = r.hidden;
  const Spec y = f32_spec(r.batch_first ? Shape{n, r.time, d, h} : Shape{r.time, d, n, h});
  const Spec state = f32_spec(r.batch_first ? Shape{n, d, h} : Shape{d, n, h});
  return gates == 4 ? std::vector<Spec>{y, state, state} : std::vector<Spec>{y, state};
}

Values zeros(Emitter& to, const std::vector<Spec>& specs) {
  Values out;
  for (const Spec& s : specs) out.push_back(to.constant(Tensor::full(s.shape, 0.0f)));
  return out;
}

Values compose(const char* op, std::int64_t gates, Emitter& to, std::span<const Value> in, const Attrs& attrs) {
  const Inputs all(in);
  const Recurrent r = recurrent_of(op, gates, all.specs, attrs);
  if (r.batch * r.inputs * r.hidden == 0) return zeros(to, infer(op, gates, all.specs, attrs));
  const Value x = reshape(swapped(in[kX], r.batch_first), {r.time * r.batch, r.inputs});
  const Values masks = all.has(kLengths) ? lasting(r, in[kLengths]) : Values{};
  Values outputs, last_h, last_c;
  for (std::int64_t d = 0; d < r.directions; ++d) {
    const Direction direction = direction_of(all, r, d);
    const Track track = run(direction, projected(direction, x), r.reverse || d == 1, masks);
    outputs.push_back(reshape(join(track.outputs, 0), {r.time, 1, r.batch, r.hidden}));
    last_h.push_back(reshape(track.last.h, {1, r.batch, r.hidden}));
    if (gates == 4) last_c.push_back(reshape(track.last.c, {1, r.batch, r.hidden}));
  }
  Value y = join(outputs, 1);
  if (r.batch_first) y = call("transpose", {y}, {{"perm", Shape{2, 0, 1, 3}}});
  Values results = {y, swapped(join(last_h, 0), r.batch_first)};
  if (gates == 4) results.push_back(swapped(join(last_c, 0), r.batch_first));
  return results;
}

OpCost cost(const char* op, std::int64_t gates, Specs in, const Attrs& attrs) {
  const Recurrent r = recurrent_of(op, gates, in, attrs);
  const double weights = static_cast<double>(r.gates * r.hidden * (r.inputs + r.hidden));
  return {static_cast<double>(r.directions * r.time * r.batch) * weights, 0};
}

// X, W, R, and as many of the others as are asked for; those before a given one are absent.
std::vector<Spec> operands(std::int64_t gates, const Shape& x, std::int64_t hidden, std::int64_t directions,
                           std::initializer_list<std::size_t> given) {
  const std::int64_t gh = gates * hidden, n = x[1];
  const Spec state = make_spec({directions, n, hidden});
  const Spec optional[] = {make_spec({directions, 2 * gh}), make_spec({n}, DType::i32), state, state,
                           make_spec({directions, 3 * hidden})};
  std::vector<Spec> in = {f32_spec(x), make_spec({directions, gh, x[2]}), make_spec({directions, gh, hidden})};
  for (const std::size_t index : given) {
    while (in.size() < index) in.push_back(make_spec({0}));
    in.push_back(optional[index - kB]);
  }
  return in;
}

std::vector<OpCase> cases(std::int64_t gates) {
  const Shape x = {3, 2, 3};
  const auto text = [](const char* v) { return std::string(v); };
  const auto named = [](const char* name, std::vector<Spec> in, Attrs attrs = {}) {
    return OpCase{.name = name, .in = std::move(in), .attrs = std::move(attrs), .integers_below = 4};
  };
  std::vector<OpCase> all = {
      named("forward", operands(gates, x, 2, 1, {})),
      named("both ways with all", operands(gates, x, 2, 2, {kB, kLengths, kInitialH}),
            {{"direction", text("bidirectional")}}),
      named("reverse, no bias", operands(gates, x, 2, 1, {kInitialH}), {{"direction", text("reverse")}}),
      named("no sequences", operands(gates, {3, 0, 3}, 2, 1, {kB}))};
  OpCase rows = named("batch first", operands(gates, {2, 2, 3}, 3, 1, {kB}), {{"layout", std::int64_t{1}}});
  all.push_back(rows);
  if (gates == 1)
    all.push_back(
        named("other activation", operands(1, x, 2, 1, {kB}), {{"activations", text("Softsign")}, {"clip", 0.8}}));
  if (gates == 3) {
    all.push_back(named("reset after", operands(3, x, 2, 1, {kB, kLengths, kInitialH}),
                        {{"linear_before_reset", std::int64_t{1}}}));
  }
  if (gates == 4) {
    all.push_back(named("peepholes", operands(4, x, 2, 2, {kB, kLengths, kInitialH, kInitialC, kPeepholes}),
                        {{"direction", text("bidirectional")}}));
    all.push_back(named("coupled", operands(4, x, 2, 1, {kB, kLengths, kInitialH, kInitialC}),
                        {{"input_forget", std::int64_t{1}}, {"activations", text("HardSigmoid,ScaledTanh,Softsign")}}));
  }
  return all;
}

void add(Registry& registry, const char* name, std::int64_t gates, const char* onnx, const char* doc) {
  Op op;
  op.name = name;
  op.onnx = onnx;
  op.doc = doc;
  op.infer = [name, gates](Specs in, const Attrs& attrs) { return infer(name, gates, in, attrs); };
  op.compose = [name, gates](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    return compose(name, gates, to, in, attrs);
  };
  op.cost = [name, gates](Specs in, Specs, const Attrs& attrs) { return cost(name, gates, in, attrs); };
  op.cases = cases(gates);
  registry.add(std::move(op));
}

}  // namespace

void register_recurrent_ops(Registry& registry) {
  add(registry, "rnn", 1, "RNN",
      "x [T, N, I], W [D, H, I], R [D, H, H], bias [D, 2H]?, lengths [N]?, initial h [D, N, H]? -> y [T, D, N, H], "
      "last h; "
      "attributes direction, activations (Tanh), activation_alpha, activation_beta, clip, layout: ONNX's; [0] for a "
      "missing operand before a given one");
  add(registry, "gru", 3, "GRU",
      "x [T, N, I], W [D, 3H, I], R [D, 3H, H] (z, r, h), bias [D, 6H]?, lengths [N]?, initial h [D, N, H]? -> y [T, "
      "D, N, "
      "H], last h; rnn's attributes (Sigmoid,Tanh), linear_before_reset (0)");
  add(registry, "lstm", 4, "LSTM",
      "x [T, N, I], W [D, 4H, I], R [D, 4H, H] (i, o, f, c), bias [D, 8H]?, lengths [N]?, initial h, initial c [D, N, "
      "H]?, "
      "peepholes [D, 3H] (i, o, f)? -> y [T, D, N, H], last h, last c; rnn's attributes (Sigmoid,Tanh,Tanh), "
      "input_forget "
      "(0)");
}

}  // namespace assay::engine
