// Draws programs from the registry's own cases and shape rules: an op's case names operands and attributes that go
// together; its extents are changed where the shape rule still takes them, and operands are replaced by values that the
// program has made already.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "tests/fuzz/program.hpp"
#include "tests/ops/case_inputs.hpp"

namespace assay::fuzz {
namespace {

using engine::DType;
using engine::Op;
using engine::OpCase;
using engine::Registry;
using engine::Shape;

constexpr std::int64_t extents[] = {1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 17};  // one, powers, primes, one more than a block
constexpr std::int64_t largest = 4096;  // elements a value may have: the references are naive

class Generator {
 public:
  Generator(std::uint64_t seed, int length) : rng_(seed, "fuzz"), seed_(seed), length_(length) {}

  Program make() {
    const std::vector<OpId> ops = candidates();
    for (int made = 0, tried = 0; made < length_ && tried < 20 * length_; ++tried) {
      if (try_op(ops[below(ops.size())])) ++made;
    }
    add_root();
    return std::move(program_);
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(rng_.below(counter_++, n)); }
  bool chance(double p) { return rng_.uniform(counter_++) < p; }
  const Tensor& value(int v) const { return program_.values[static_cast<std::size_t>(v)]; }

  static std::vector<OpId> candidates() {
    std::vector<OpId> ops;
    const Registry& registry = Registry::get();
    for (std::size_t i = 0; i < registry.size(); ++i) {
      if (!registry.op(static_cast<OpId>(i)).cases.empty()) ops.push_back(static_cast<OpId>(i));
    }
    return ops;
  }

  // The case with some of its extents exchanged for others, the same for every operand.
  OpCase mutated(const Op& op) {
    OpCase c = op.cases[below(op.cases.size())];
    OpCase m = c;
    const auto indices = [](const Spec& spec) { return spec.dtype != DType::f32; };
    if (std::any_of(c.in.begin(), c.in.end(), indices)) return c;  // their range hangs on the extents
    if (c.diagonal != 0) return c;                                 // which is enough for matrices of this size only
    if (c.attrs.has("roi")) return c;  // places halfway between two elements: the last bit decides
    std::map<std::int64_t, std::int64_t> change;
    for (Spec& spec : m.in) {
      for (std::int64_t& e : spec.shape) {
        if (e == 0) continue;
        const auto [it, fresh] = change.emplace(e, e);
        if (fresh && chance(0.4)) it->second = extents[below(std::size(extents))];
        e = it->second;
      }
    }
    return fits(op, m) ? m : c;
  }

  static bool fits(const Op& op, const OpCase& c) {
    for (const Spec& spec : c.in) {
      if (spec.count() > largest) return false;
    }
    try {
      const std::vector<Spec> out = op.infer(c.in, c.attrs);
      return std::all_of(out.begin(), out.end(), [](const Spec& s) { return s.count() <= largest; });
    } catch (const Error&) {
      return false;
    }
  }

  int add_leaf(const Tensor& tensor, bool differentiable) {
    const int v = static_cast<int>(program_.values.size());
    program_.leaves.push_back({v, tensor, differentiable});
    program_.values.push_back(tensor);
    return v;
  }

  std::vector<int> apply(OpId op, const std::vector<int>& in, const Attrs& attrs, bool adapter) {
    std::vector<Tensor> operands;
    operands.reserve(in.size());
    for (const int v : in) operands.push_back(value(v));
    const std::vector<Tensor> out = engine::apply(op, operands, attrs);
    Application a{op, attrs, in, {}, adapter};
    for (const Tensor& t : out) {
      a.out.push_back(static_cast<int>(program_.values.size()));
      program_.values.push_back(t);
    }
    read_.insert(in.begin(), in.end());
    program_.code.push_back(a);
    return a.out;
  }

  int adapt(const char* op, int v, const Attrs& attrs) { return apply(Registry::get().id(op), {v}, attrs, true)[0]; }

  // The value as an operand of this shape with elements in [lo, hi], by ops that pass gradients.
  int fitted(int v, const Shape& shape, double lo, double hi) {
    const std::int64_t have = value(v).count(), want = engine::element_count(shape);
    if (value(v).shape() != shape) {
      v = adapt("reshape", v, {{"shape", Shape{have}}});
      if (have > want) v = adapt("slice", v, {{"begin", Shape{have - want}}, {"size", Shape{want}}});
      if (have < want) v = adapt("pad", v, {{"before", Shape{0}}, {"after", Shape{want - have}}, {"value", 0.375}});
      v = adapt("reshape", v, {{"shape", shape}});
    }
    const std::vector<float> now = value(v).to_f32();
    const auto outside = [&](float x) { return !(x >= lo && x <= hi); };
    if (std::none_of(now.begin(), now.end(), outside)) return v;
    return adapt("affine", adapt("sigmoid", v, {}), {{"scale", hi - lo}, {"shift", lo}});
  }

  // A value made so far that can stand for an operand; -1: none.
  int earlier(const OpCase& c, const Spec& spec) {
    std::vector<int> made;
    for (std::size_t v = 0; v < program_.values.size(); ++v) {
      const Tensor& t = program_.values[v];
      if (t.dtype() == DType::f32 && t.count() > 0 && finite(t)) made.push_back(static_cast<int>(v));
    }
    if (made.empty() || spec.count() == 0) return -1;
    const int v = fitted(made[below(made.size())], spec.shape, c.lo, c.hi);
    const std::vector<float> now = value(v).to_f32();
    const auto at_kink = [&](float x) { return std::fabs(x - c.kink) < c.keep_away; };
    return std::any_of(now.begin(), now.end(), at_kink) ? -1 : v;
  }

  static bool finite(const Tensor& t) {
    const std::vector<float> values = t.to_f32();
    return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x) && std::fabs(x) < 1e4F; });
  }

  static bool jumps(const Op& op, const OpCase& c) {
    static const std::set<std::string> steps = {"sign",  "step",     "floor",         "ceil",
                                                "round", "in_range", "stop_gradient", "detach"};
    // Of made-up matrices of low rank they have no unique result.
    static const std::set<std::string> matrices = {"svd", "eigh", "qr", "pinv", "lstsq", "spectral_norm", "power_iteration",
                                                   "inverse", "solve", "triangular_solve", "det", "slogdet", "logdet"};
    const bool any = std::any_of(c.differentiable.begin(), c.differentiable.end(), [](bool d) { return d; });
    return !op.differentiable() || steps.count(op.name) != 0 || matrices.count(op.name) != 0 || (!c.differentiable.empty() && !any) || c.keep_away > 0;
  }

  bool try_op(OpId id) {
    const Op& op = Registry::get().op(id);
    OpCase c = mutated(op);
    if (!fits(op, c)) return false;
    c.name += "/" + std::to_string(seed_) + "/" + std::to_string(counter_);  // fresh leaves
    const engine::CaseInputs drawn = engine::draw(op, c);
    const bool leaves_only = jumps(op, c) || c.diagonal != 0 || !c.rising.empty();
    std::vector<int> in;
    for (std::size_t k = 0; k < c.in.size(); ++k) {
      int v = -1;
      if (!leaves_only && drawn.differentiable[k] && c.in[k].dtype == DType::f32 && chance(0.7)) v = earlier(c, c.in[k]);
      const bool smooth = drawn.differentiable[k] && c.in[k].dtype == DType::f32 && op.differentiable();
      in.push_back(v >= 0 ? v : add_leaf(drawn.tensors[k], smooth));
    }
    apply(id, in, c.attrs, false);
    return true;
  }

  void add_root() {
    const std::size_t n = program_.values.size();
    for (std::size_t v = 0; v < n; ++v) {
      const Tensor& t = program_.values[v];
      if (read_.count(static_cast<int>(v)) || t.dtype() != DType::f32 || t.count() == 0 || !finite(t)) continue;
      if (is_leaf(static_cast<int>(v))) continue;
      const engine::reference::Array w =
          engine::direction(t.shape(), "root" + std::to_string(seed_) + "/" + std::to_string(v));
      const int weights = add_leaf(engine::to_tensor(w), false);
      const int product = apply(Registry::get().id("mul"), {static_cast<int>(v), weights}, {}, true)[0];
      const int sum = apply(Registry::get().id("reduce_sum"), {product}, {}, true)[0];
      program_.root = program_.root < 0 ? sum : apply(Registry::get().id("add"), {program_.root, sum}, {}, true)[0];
    }
  }

  bool is_leaf(int v) const {
    return std::any_of(program_.leaves.begin(), program_.leaves.end(), [&](const Leaf& l) { return l.value == v; });
  }

  Rng rng_;
  std::uint64_t seed_, counter_ = 0;
  int length_;
  std::set<int> read_;
  Program program_;
};

}  // namespace

Program generate(std::uint64_t seed, int length) { return Generator(seed, length).make(); }

std::string Program::to_text() const {
  std::string text;
  for (const Leaf& l : leaves) text += "v" + std::to_string(l.value) + " = leaf " + l.tensor.spec().str() + "\n";
  for (const Application& a : code) {
    for (const int v : a.out) text += "v" + std::to_string(v) + " ";
    text += "= " + Registry::get().op(a.op).name + " " + a.attrs.to_json().dump();
    for (const int v : a.in) text += " v" + std::to_string(v);
    for (const int v : a.out) text += " : " + values[static_cast<std::size_t>(v)].spec().str();
    text += "\n";
  }
  return text + "root v" + std::to_string(root) + "\n";
}

graph::Graph Program::to_graph() const {
  graph::Graph g;
  const auto name = [](int v) { return "v" + std::to_string(v); };
  for (const Leaf& l : leaves) {
    if (l.tensor.dtype() == DType::f32) {
      g.parameters[name(l.value)] = {l.tensor, l.differentiable};
    } else {
      g.buffers[name(l.value)] = l.tensor;
    }
  }
  for (std::size_t i = 0; i < code.size(); ++i) {
    graph::GraphNode node{"n" + std::to_string(i), Registry::get().op(code[i].op).name, code[i].attrs, {}, {}};
    for (const int v : code[i].in) node.inputs.push_back(name(v));
    for (const int v : code[i].out) node.outputs.push_back(name(v));
    g.nodes.push_back(node);
  }
  return g;
}

}  // namespace assay::fuzz
