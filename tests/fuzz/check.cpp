#include "tests/fuzz/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "harness/graph/compiled.hpp"
#include "tests/ops/case_inputs.hpp"

namespace assay::fuzz {
namespace {

using engine::DType;
using engine::Registry;
using engine::reference::Array;
using engine::reference::Arrays;

constexpr double value_tolerance = 5e-5;     // of one application, in units of its largest magnitude
constexpr double compiled_tolerance = 1e-4;  // fused kernels sum in another order
constexpr double gradient_tolerance = 2e-3;  // f32 gradients against differences in double
constexpr double kink_tolerance = 1e-4;      // differences with two steps agree where the function is smooth
constexpr double ulp = 6e-8;                 // relative rounding error of f32

double largest_of(const std::vector<double>& v) {
  double top = 1;
  for (const double x : v) top = std::max(top, std::isfinite(x) ? std::fabs(x) : 0.0);
  return top;
}

// In units of max(1, largest magnitude of `want`); not-a-numbers must match.
double gap(const Array& got, const Array& want) {
  if (got.shape != want.shape) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < want.v.size(); ++i) {
    const bool same = got.v[i] == want.v[i] || (std::isnan(got.v[i]) && std::isnan(want.v[i]));
    const double d = std::fabs(got.v[i] - want.v[i]);
    if (!same) worst = std::max(worst, std::isnan(d) ? INFINITY : d);
  }
  return worst / largest_of(want.v);
}

const engine::Op& op_of(const Application& a) { return Registry::get().op(a.op); }

Arrays reference(const Application& a, const Arrays& in) {
  const auto it = engine::reference::table().find(op_of(a).name);
  if (it == engine::reference::table().end()) throw Error(Fault::internal, "no reference for " + op_of(a).name);
  return it->second(in, a.attrs);
}

// Every element moved by a rounding error of f32, the same one for the same `name` and place.
Array rounded(Array a, const std::string& name) {
  const Array noise = engine::direction(a.shape, name);
  for (std::size_t i = 0; i < a.v.size(); ++i) a.v[i] += ulp * noise.v[i] * std::fabs(a.v[i]);
  return a;
}

// The mean or the largest of nothing: the references leave it open. In recurrent layers an empty operand is one left
// out, and joining or scattering nothing leaves the other operands.
bool undefined(const Application& a, const Arrays& in) {
  static const std::set<std::string> takes_nothing = {"rnn",    "gru", "lstm", "concat", "scatter_elements", "scatter_nd",
                                                      "put_nd_add"};
  const bool empty = std::any_of(in.begin(), in.end(), [](const Array& x) { return x.v.empty(); });
  return empty && takes_nothing.count(op_of(a).name) == 0;
}

class Checker {
 public:
  explicit Checker(const Program& program) : p_(program) {}

  Verdict run() {
    Verdict v;
    v.failure = eager_values();
    if (v.failure || p_.root < 0) return v;
    if (!take_gradients()) return v;
    for (const bool optimize : {false, true}) {
      if (!v.failure) v.failure = compiled(optimize);
    }
    if (!v.failure) difference(v);
    return v;
  }

 private:
  const Tensor& value(int v) const { return p_.values[static_cast<std::size_t>(v)]; }

  // On the very operands that the kernel saw, so that errors do not add up and jumps stay where they are.
  std::optional<std::string> eager_values() const {
    for (const Application& a : p_.code) {
      Arrays in;
      for (const int v : a.in) in.push_back(engine::to_array(value(v)));
      if (undefined(a, in)) continue;
      Arrays want = reference(a, in);
      for (std::size_t k = 0; k < a.out.size(); ++k) {
        engine::wrap_to(want.at(k), value(a.out[k]).dtype());
        const double worst = gap(engine::to_array(value(a.out[k])), want.at(k));
        if (worst > value_tolerance && worst > 4 * conditioning(a, in, k, want.at(k)))
          return fmt::format("{}: v{} is off by {:.2e} (eager against the reference)", op_of(a).name, a.out[k], worst);
      }
    }
    return {};
  }

  // How far a result moves when the operands of floating-point type move by their rounding errors: dividing by the
  // spread of equal numbers, say, has no digit left, and no kernel is wrong for it.
  double conditioning(const Application& a, const Arrays& in, std::size_t result, const Array& want) const {
    if (value(a.out[result]).dtype() != DType::f32) return 0;
    double most = 0;
    for (const char* draw : {"first", "second", "third"}) {
      Arrays moved = in;
      for (std::size_t k = 0; k < in.size(); ++k) {
        if (value(a.in[k]).dtype() == DType::f32) moved[k] = rounded(in[k], draw + std::to_string(k));
      }
      most = std::max(most, gap(reference(a, moved).at(result), want));
    }
    return most;
  }

  bool take_gradients() {
    std::vector<Tensor> values(p_.values.size()), wanted;
    for (const Leaf& l : p_.leaves) {
      Tensor& t = values[static_cast<std::size_t>(l.value)];
      t = l.differentiable ? engine::watch(l.tensor) : l.tensor;
      if (l.differentiable) wanted.push_back(t), names_.push_back(l.value);
    }
    for (const Application& a : p_.code) {
      std::vector<Tensor> in;
      for (const int v : a.in) in.push_back(values[static_cast<std::size_t>(v)]);
      const std::vector<Tensor> out = engine::apply(a.op, in, a.attrs);
      for (std::size_t k = 0; k < out.size(); ++k) values[static_cast<std::size_t>(a.out[k])] = out[k];
    }
    const Tensor& root = values[static_cast<std::size_t>(p_.root)];
    if (wanted.empty() || !root.tape()) return false;
    gradients_ = engine::grad({&root, 1}, wanted, {}, false);
    return true;
  }

  std::optional<std::string> compiled(bool optimize) const {
    const graph::Graph g = p_.to_graph();
    graph::CompileOptions options;
    options.outputs.clear();
    for (const Application& a : p_.code) {
      for (const int v : a.out) {
        if (v == p_.root || v % 3 == 0)
          options.outputs.push_back("v" + std::to_string(v));  // some, so that memory is shared
      }
    }
    options.cotangent_of = "v" + std::to_string(p_.root);
    options.param_grads = true;
    options.optimize = optimize;
    graph::CompiledPlan plan = graph::compile(g, options);
    const std::map<std::string, Tensor> given = {{"cotangent", Tensor::full(value(p_.root).shape(), 1.0F)}};
    for (const char* round : {"first", "second"}) {  // a second run finds the arena as the first left it
      const std::vector<Tensor>& out = plan.run(given);
      const std::string how = fmt::format("compiled{}, {} run", optimize ? " and optimised" : "", round);
      for (const std::string& name : options.outputs) {
        const int v = std::stoi(name.substr(1));
        const double worst =
            gap(engine::to_array(out[static_cast<std::size_t>(plan.output_index(name))]), engine::to_array(value(v)));
        if (worst > compiled_tolerance) return fmt::format("{} is off by {:.2e} ({} against eager)", name, worst, how);
      }
      for (std::size_t i = 0; i < names_.size(); ++i) {
        const std::string name = "grad:v" + std::to_string(names_[i]);
        const double worst = gap(engine::to_array(out[static_cast<std::size_t>(plan.output_index(name))]),
                                 engine::to_array(gradients_[i]));
        if (worst > compiled_tolerance) return fmt::format("{} is off by {:.2e} ({} against eager)", name, worst, how);
      }
    }
    return {};
  }

  // `noisy`: every value in between carries a rounding error of f32, the same in every call.
  double root_at(const Arrays& along, double step, bool noisy = false) const {
    Arrays values(p_.values.size());
    for (const Leaf& l : p_.leaves) {
      Array& a = values[static_cast<std::size_t>(l.value)] = engine::to_array(l.tensor);
      const Array& d = along[static_cast<std::size_t>(l.value)];
      for (std::size_t i = 0; i < d.v.size(); ++i) a.v[i] += step * d.v[i];
    }
    for (const Application& a : p_.code) {
      Arrays in;
      for (const int v : a.in) in.push_back(values[static_cast<std::size_t>(v)]);
      const Arrays out = undefined(a, in) ? as_evaluated(a) : reference(a, in);
      for (std::size_t k = 0; k < a.out.size(); ++k) {
        const bool real = noisy && value(a.out[k]).dtype() == DType::f32;
        values[static_cast<std::size_t>(a.out[k])] =
            real ? rounded(out.at(k), "noise" + std::to_string(a.out[k])) : out.at(k);
      }
    }
    return values[static_cast<std::size_t>(p_.root)].v.at(0);
  }

  // What the references leave open is constant.
  Arrays as_evaluated(const Application& a) const {
    Arrays out;
    for (const int v : a.out) out.push_back(engine::to_array(value(v)));
    return out;
  }

  void difference(Verdict& verdict) const {
    Arrays along(p_.values.size());
    double slope = 0, size = 0;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const Array g = engine::to_array(gradients_[i]);
      Array& d = along[static_cast<std::size_t>(names_[i])];
      d = engine::direction(g.shape, "along" + std::to_string(names_[i]));
      slope += engine::dot(g, d);
      size += engine::dot(g, g);
    }
    size = 1 + std::sqrt(size);
    const auto measured = [&](double h) { return (root_at(along, h) - root_at(along, -h)) / (2 * h); };
    const double wide = measured(2e-5), narrow = measured(5e-6);
    const double centre = root_at(along, 0);
    const double right = (root_at(along, 5e-6) - centre) / 5e-6, left = (centre - root_at(along, -5e-6)) / 5e-6;
    const bool smooth = std::fabs(wide - narrow) <= kink_tolerance * size && std::fabs(right - left) <= 1e-2 * size;
    if (!smooth || !std::isfinite(narrow)) return;
    const double noisy = (root_at(along, 5e-6, true) - root_at(along, -5e-6, true)) / 1e-5;
    if (!(std::fabs(noisy - narrow) <= 0.25 * gradient_tolerance * size)) return;  // rounding errors alone move it
    verdict.gradient_checked = true;
    if (std::fabs(slope - narrow) > gradient_tolerance * size) {
      verdict.failure =
          fmt::format("the gradient's slope is {:.6g}, differences of the references give {:.6g}", slope, narrow);
    }
  }

  const Program& p_;
  std::vector<int> names_;  // leaves that gradients are taken for
  std::vector<Tensor> gradients_;
};

}  // namespace

Verdict check(const Program& program) { return Checker(program).run(); }

}  // namespace assay::fuzz
