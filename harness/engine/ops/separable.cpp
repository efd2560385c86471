#include "harness/engine/ops/separable.hpp"

#include <algorithm>
#include <cstring>

#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

ASSAY_WIDE void set_scaled(const float* x, float w, float* y, std::int64_t n) {
  ASSAY_INDEPENDENT
  for (std::int64_t i = 0; i < n; ++i) y[i] = w * x[i];
}

ASSAY_WIDE void add_scaled(const float* x, float w, float* y, std::int64_t n) {
  ASSAY_INDEPENDENT
  for (std::int64_t i = 0; i < n; ++i) y[i] += w * x[i];
}

// The last axis: elements are gathered.
void gather_line(const AxisTaps& a, const float* x, float* y) {
  const std::int64_t* index = a.index.data();
  const float* weight = a.weight.data();
  for (std::int64_t i = 0; i < a.out; ++i, index += a.taps, weight += a.taps) {
    float sum = weight[0] * x[index[0]];
    for (std::int64_t t = 1; t < a.taps; ++t) sum += weight[t] * x[index[t]];
    y[i] = sum;
  }
}

void scatter_line(const AxisTaps& a, const float* g, float* x) {
  const std::int64_t* index = a.index.data();
  const float* weight = a.weight.data();
  for (std::int64_t i = 0; i < a.out; ++i, index += a.taps, weight += a.taps) {
    for (std::int64_t t = 0; t < a.taps; ++t) x[index[t]] += weight[t] * g[i];
  }
}

// Any other axis: rows of `inner` elements.
void gather_rows(const AxisTaps& a, const float* x, float* y, std::int64_t inner) {
  for (std::int64_t i = 0; i < a.out; ++i, y += inner) {
    for (std::int64_t t = 0; t < a.taps; ++t) {
      const auto k = static_cast<std::size_t>(i * a.taps + t);
      (t == 0 ? set_scaled : add_scaled)(x + a.index[k] * inner, a.weight[k], y, inner);
    }
  }
}

void scatter_rows(const AxisTaps& a, const float* g, float* x, std::int64_t inner) {
  for (std::int64_t i = 0; i < a.out; ++i, g += inner) {
    for (std::int64_t t = 0; t < a.taps; ++t) {
      const auto k = static_cast<std::size_t>(i * a.taps + t);
      add_scaled(g, a.weight[k], x + a.index[k] * inner, inner);
    }
  }
}

void forward_axis(const AxisTaps& a, const float* x, float* y, std::int64_t outer, std::int64_t inner) {
  for (std::int64_t o = 0; o < outer; ++o, x += a.in * inner, y += a.out * inner) {
    if (inner == 1) {
      gather_line(a, x, y);
    } else {
      gather_rows(a, x, y, inner);
    }
  }
}

void backward_axis(const AxisTaps& a, const float* g, float* x, std::int64_t outer, std::int64_t inner) {
  std::fill_n(x, outer * a.in * inner, 0.0f);
  for (std::int64_t o = 0; o < outer; ++o, g += a.out * inner, x += a.in * inner) {
    if (inner == 1) {
      scatter_line(a, g, x);
    } else {
      scatter_rows(a, g, x, inner);
    }
  }
}

}  // namespace

// Axes that shrink come first: less is left to do for the others.
SeparableMap::SeparableMap(std::vector<AxisTaps> axes) : axes_(std::move(axes)) {
  std::vector<std::size_t> order;
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    if (!axes_[a].identity) order.push_back(a);
    count_ *= axes_[a].in;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return axes_[a].out * axes_[b].in < axes_[b].out * axes_[a].in;
  });
  Shape shape;
  for (const AxisTaps& a : axes_) shape.push_back(a.in);
  for (const std::size_t a : order) {
    const auto at = shape.begin() + static_cast<std::ptrdiff_t>(a);
    passes_.push_back({a, element_count(Shape(shape.begin(), at)), element_count(Shape(at + 1, shape.end()))});
    shape[a] = axes_[a].out;
    largest_ = std::max(largest_, element_count(shape));
  }
}

std::size_t SeparableMap::scratch_bytes() const {
  return passes_.size() < 2 ? 0 : 2 * static_cast<std::size_t>(largest_) * sizeof(float);
}

void SeparableMap::apply(const float* x, float* y, float* scratch) const { run(x, y, scratch, false); }
void SeparableMap::apply_adjoint(const float* g, float* x, float* scratch) const { run(g, x, scratch, true); }

void SeparableMap::run(const float* from, float* to, float* scratch, bool adjoint) const {
  if (passes_.empty()) {
    if (count_ > 0) std::memcpy(to, from, static_cast<std::size_t>(count_) * sizeof(float));
    return;
  }
  const std::size_t n = passes_.size();
  for (std::size_t k = 0; k < n; ++k) {
    const Pass& pass = passes_[adjoint ? n - 1 - k : k];
    float* target = k + 1 == n ? to : scratch + static_cast<std::int64_t>(k % 2) * largest_;
    (adjoint ? backward_axis : forward_axis)(axes_[pass.axis], from, target, pass.outer, pass.inner);
    from = target;
  }
}

}  // namespace assay::engine
