// How to add an op to these checks: give its registry entry cases, and its reference a line in a reference_*.cpp table.
// Nothing else; the walk below finds it and fails while either is missing.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "tests/ops/case_inputs.hpp"

using namespace assay;
using namespace assay::engine;
using reference::Array;
using reference::Arrays;

namespace {

constexpr double kValueTolerance = 2e-5;     // of f32 kernels, absolute and relative
constexpr double kGradientTolerance = 1e-3;  // relative to the size of the gradient
constexpr double kStep = 1e-5;               // of first differences, in double
constexpr double kSecondStep = 1e-4;         // of second differences

template <class Body>
void for_each_case(const Body& body) {
  const Registry& registry = Registry::get();
  for (std::size_t id = 0; id < registry.size(); ++id) {
    const Op& op = registry.op(static_cast<OpId>(id));
    for (const OpCase& c : op.cases) {
      CAPTURE(op.name);
      CAPTURE(c.name);
      body(static_cast<OpId>(id), op, c);
    }
  }
}

Arrays reference_of(const Op& op, const Arrays& in, const Attrs& attrs) {
  const auto it = reference::table().find(op.name);
  REQUIRE_MESSAGE(it != reference::table().end(), "no reference for op ", op.name);
  return it->second(in, attrs);
}

void check_close(const Array& got, const Array& want, double tolerance) {
  REQUIRE(got.shape == want.shape);
  double worst = 0, scale = 1;
  for (const double w : want.v) scale = std::max(scale, std::isfinite(w) ? std::fabs(w) : 0.0);
  for (std::size_t i = 0; i < want.v.size(); ++i) {
    const bool same = got.v[i] == want.v[i] || (std::isnan(got.v[i]) && std::isnan(want.v[i]));
    const double gap = std::fabs(got.v[i] - want.v[i]);
    if (!same) worst = std::max(worst, std::isnan(gap) ? INFINITY : gap);
  }
  CHECK(worst <= tolerance * scale);
}

bool is_empty(const CaseInputs& in) {
  for (const Array& a : in.arrays) {
    if (a.v.empty()) return true;
  }
  return false;
}

// A function of the operands with everything else fixed: sum_k <u_k, op(x)_k>.
struct Projection {
  const Op& op;
  const Attrs& attrs;
  std::vector<Array> cotangents;  // empty shape and no values: not part of the sum

  double operator()(const Arrays& in) const {
    const Arrays out = reference_of(op, in, attrs);
    double sum = 0;
    for (std::size_t k = 0; k < out.size(); ++k) sum += cotangents[k].v.empty() ? 0.0 : dot(cotangents[k], out[k]);
    return sum;
  }
};

Arrays moved(Arrays in, const std::vector<Array>& along, double step) {
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (along[k].v.empty()) continue;
    for (std::size_t i = 0; i < in[k].v.size(); ++i) in[k].v[i] += step * along[k].v[i];
  }
  return in;
}

std::vector<Array> directions(const CaseInputs& in, const std::string& purpose) {
  std::vector<Array> out(in.arrays.size());
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (in.differentiable[k]) out[k] = direction(in.arrays[k].shape, purpose + std::to_string(k));
  }
  return out;
}

struct Recorded {
  std::vector<Tensor> leaves, wanted, outputs, cotangents;
  std::vector<Array> cotangent_arrays;  // one a result, empty where left out
};

// Runs the op on watched operands; only_first leaves every result but the first without cotangent.
Recorded record(OpId id, const OpCase& c, const CaseInputs& in, bool only_first) {
  Recorded r;
  for (std::size_t k = 0; k < in.tensors.size(); ++k) {
    r.leaves.push_back(in.differentiable[k] ? watch(in.tensors[k]) : in.tensors[k]);
    if (in.differentiable[k]) r.wanted.push_back(r.leaves.back());
  }
  const std::vector<Tensor> out = apply(id, r.leaves, c.attrs);
  for (std::size_t k = 0; k < out.size(); ++k) {
    r.cotangent_arrays.emplace_back();
    if (!is_real(out[k].dtype()) || (only_first && k > 0)) continue;
    r.cotangent_arrays.back() = direction(out[k].shape(), "cotangent" + std::to_string(k));
    r.outputs.push_back(out[k]);
    r.cotangents.push_back(watch(to_tensor(r.cotangent_arrays.back(), out[k].dtype())));
  }
  return r;
}

double project(const std::vector<Tensor>& grads, const std::vector<Array>& along) {
  double sum = 0;
  std::size_t next = 0;
  for (const Array& a : along) {
    if (!a.shape.empty() || !a.v.empty()) sum += dot(a, to_array(grads[next++]));
  }
  return sum;
}

double size_of(const std::vector<Tensor>& tensors) {
  double sum = 0;
  for (const Tensor& t : tensors) sum += dot(to_array(t), to_array(t));
  return std::sqrt(sum);
}

void check_first_order(OpId id, const Op& op, const OpCase& c, bool only_first) {
  const CaseInputs in = draw(op, c);
  const Recorded r = record(id, c, in, only_first);
  const std::vector<Tensor> grads = grad(r.outputs, r.wanted, r.cotangents, false);
  const Projection f{op, c.attrs, r.cotangent_arrays};
  const double tolerance = kGradientTolerance * (1 + size_of(grads));
  std::size_t elements = 0;
  for (const Tensor& t : r.wanted) elements += static_cast<std::size_t>(t.count());
  const int probes = 3;
  for (int probe = 0; probe < probes; ++probe) {
    const auto along = directions(in, "probe" + std::to_string(probe));
    const double slope = (f(moved(in.arrays, along, kStep)) - f(moved(in.arrays, along, -kStep))) / (2 * kStep);
    CHECK(std::fabs(project(grads, along) - slope) <= tolerance);
  }
  if (elements > 80) return;  // the full Jacobian only where it is cheap
  std::size_t next = 0;
  for (std::size_t k = 0; k < in.arrays.size(); ++k) {
    if (!in.differentiable[k]) continue;
    const Array got = to_array(grads[next++]);
    for (std::size_t i = 0; i < got.v.size(); ++i) {
      Arrays up = in.arrays, down = in.arrays;
      up[k].v[i] += kStep, down[k].v[i] -= kStep;
      const double slope = (f(up) - f(down)) / (2 * kStep);
      CHECK(std::fabs(got.v[i] - slope) <= tolerance);
    }
  }
}

// <vjp(x, u), w> has the mixed second difference of the projection as its slope along d, and the first difference of
// the op along w as its gradient for u.
void check_second_order(OpId id, const Op& op, const OpCase& c) {
  const CaseInputs in = draw(op, c);
  const Recorded r = record(id, c, in, false);
  const std::vector<Tensor> first = grad(r.outputs, r.wanted, r.cotangents, true);
  const auto w = directions(in, "w"), d = directions(in, "d");
  std::vector<Tensor> weights;
  for (std::size_t k = 0; k < w.size(); ++k) {
    if (!w[k].v.empty()) weights.push_back(to_tensor(w[k], in.tensors[k].dtype()));
  }
  std::vector<Tensor> wanted = r.wanted;
  wanted.insert(wanted.end(), r.cotangents.begin(), r.cotangents.end());
  const std::vector<Tensor> second = grad(first, wanted, weights, false);
  const std::vector<Tensor> by_input(second.begin(), second.begin() + static_cast<std::ptrdiff_t>(r.wanted.size()));
  const std::vector<Tensor> by_cotangent(second.begin() + static_cast<std::ptrdiff_t>(r.wanted.size()), second.end());

  const Projection f{op, c.attrs, r.cotangent_arrays};
  const double h = kSecondStep;
  const auto at = [&](double sw, double sd) { return f(moved(moved(in.arrays, w, sw * h), d, sd * h)); };
  const double mixed = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h * h);
  CHECK(std::fabs(project(by_input, d) - mixed) <= 2e-3 * (1 + size_of(by_input)));

  Projection other{op, c.attrs, {}};
  for (std::size_t k = 0; k < r.cotangent_arrays.size(); ++k) {
    const Array& u = r.cotangent_arrays[k];
    other.cotangents.push_back(u.v.empty() ? u : direction(u.shape, "du" + std::to_string(k)));
  }
  const double slope = (other(moved(in.arrays, w, kStep)) - other(moved(in.arrays, w, -kStep))) / (2 * kStep);
  CHECK(std::fabs(project(by_cotangent, other.cotangents) - slope) <= kGradientTolerance * (1 + size_of(by_cotangent)));
}

Tensor in_layout(const Tensor& t, const engine::Layout& layout) {
  const Kernel reorder = native::make_reorder({t.spec(), t.layout()}, layout);
  auto storage = Storage::allocate(layout.bytes());
  const auto scratch = Storage::allocate(reorder.scratch_bytes);
  const void* from = t.raw();
  void* to = storage->data();
  reorder.run({std::span(&from, 1), std::span(&to, 1), scratch->data()});
  return Tensor(t.spec(), layout, storage);
}

bool is_image(const Tensor& t) { return t.dtype() == DType::f32 && t.shape().size() == 4; }

ChannelView blocked_view(std::int64_t channels, std::int64_t block) {
  ChannelView v;
  v.block = block == 0 ? channels : block;  // 0: channels last
  v.channel_blocks = (channels + v.block - 1) / v.block;
  v.channels = channels;
  return v;
}

std::size_t non_zero(const float* v, std::size_t n) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count += v[i] != 0 ? 1 : 0;
  return count;
}

// Padding in blocked layouts must stay zero: later kernels read it.
void check_padding(const Tensor& t) {
  if (!t.layout().native() || !is_image(t)) return;
  const std::vector<float> values = t.to_f32();
  CHECK(non_zero(reinterpret_cast<const float*>(t.raw()), physical_floats(t.layout())) ==
        non_zero(values.data(), values.size()));
}

}  // namespace

TEST_CASE("every op has cases, a reference and one line of documentation") {
  const Registry& registry = Registry::get();
  for (std::size_t id = 0; id < registry.size(); ++id) {
    const Op& op = registry.op(static_cast<OpId>(id));
    CAPTURE(op.name);
    CHECK(!op.cases.empty());
    CHECK(!op.doc.empty());
    CHECK(reference::table().count(op.name) == 1);
  }
  for (const auto& [name, f] : reference::table()) CHECK_NOTHROW(registry.id(name));
}

TEST_CASE("shapes and values agree with the reference") {
  for_each_case([](OpId id, const Op& op, const OpCase& c) {
    const CaseInputs in = draw(op, c);
    const std::vector<Spec> specs = op.infer(c.in, c.attrs);
    const std::vector<Tensor> out = apply(id, in.tensors, c.attrs);
    const bool reduces = is_empty(in) && op.name.find("reduce") == 0;  // e.g. the mean of nothing
    Arrays want = reduces ? Arrays{} : reference_of(op, in.arrays, c.attrs);
    const bool undefined = reduces || (is_empty(in) && want.empty());  // no matrix of a batch: only the shapes
    for (std::size_t k = 0; k < std::min(want.size(), specs.size()); ++k) wrap_to(want[k], specs[k].dtype);
    REQUIRE(out.size() == specs.size());
    for (std::size_t k = 0; k < out.size(); ++k) {
      CHECK(out[k].spec() == specs[k]);
      if (!undefined) check_close(to_array(out[k]), want.at(k), kValueTolerance);
    }
  });
}

TEST_CASE("first-order gradients agree with differences of the reference") {
  for_each_case([](OpId id, const Op& op, const OpCase& c) {
    if (!op.differentiable()) return;
    const CaseInputs in = draw(op, c);
    const bool any = std::count(in.differentiable.begin(), in.differentiable.end(), true) > 0;
    if (!any || !is_real(op.infer(c.in, c.attrs)[0].dtype)) return;
    if (is_empty(in)) {
      const Recorded r = record(id, c, in, false);
      if (!r.outputs.empty() && !r.wanted.empty()) CHECK_NOTHROW(grad(r.outputs, r.wanted, r.cotangents, false));
      return;
    }
    check_first_order(id, op, c, false);
    if (op.infer(c.in, c.attrs).size() > 1) check_first_order(id, op, c, true);
  });
}

TEST_CASE("second-order gradients agree with differences of the reference") {
  for_each_case([](OpId id, const Op& op, const OpCase& c) {
    const CaseInputs in = draw(op, c);
    const bool any = std::count(in.differentiable.begin(), in.differentiable.end(), true) > 0;
    const bool real = is_real(op.infer(c.in, c.attrs)[0].dtype);
    if (op.differentiable() && c.second_order && any && real && !is_empty(in)) check_second_order(id, op, c);
  });
}

TEST_CASE("blocked and channels-last operands give the same values") {
  for_each_case([](OpId id, const Op& op, const OpCase& c) {
    const CaseInputs in = draw(op, c);
    if (is_empty(in)) return;
    const std::vector<Tensor> want = apply(id, in.tensors, c.attrs);
    for (const std::int64_t block : {16, 8, 0}) {
      for (const bool only_first : {false, true}) {
        std::vector<Tensor> operands = in.tensors;
        bool changed = false;
        for (Tensor& t : operands) {
          if (!is_image(t) || (only_first && changed)) continue;
          t = in_layout(t, layout_like(t.spec(), blocked_view(t.dim(1), block)));
          changed = true;
        }
        if (!changed) continue;
        CAPTURE(block);
        CAPTURE(only_first);
        const std::vector<Tensor> got = apply(id, operands, c.attrs);
        for (std::size_t k = 0; k < got.size(); ++k) {
          check_close(to_array(got[k]), to_array(want[k]), kValueTolerance);
          check_padding(got[k]);
        }
      }
    }
  });
}
