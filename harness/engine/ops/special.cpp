// Special functions: lgamma and its derivatives, erfc, erfinv, atan2. Computed in f64.
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <cmath>

#include "harness/engine/ops/broadcast.hpp"
#include "harness/engine/ops/unary.hpp"

namespace assay::engine {
namespace {

namespace bm = boost::math;
// Out of range and poles give infinities and NaN, as the rest of the engine does.
using Quiet = bm::policies::policy<bm::policies::domain_error<bm::policies::ignore_error>,
                                   bm::policies::pole_error<bm::policies::ignore_error>,
                                   bm::policies::overflow_error<bm::policies::ignore_error>,
                                   bm::policies::evaluation_error<bm::policies::ignore_error>>;

constexpr double kTwoOverRootPi = 1.1283791670955126;

float lgamma_of(float x) {
  int sign = 0;
  return static_cast<float>(::lgamma_r(static_cast<double>(x), &sign));  // std::lgamma writes a global
}

bool is_pole(double x) { return x <= 0 && x == std::floor(x); }

float polygamma_of(float x, int n) {
  const auto v = static_cast<double>(x);
  if (std::isnan(v) || is_pole(v)) return NAN;
  if (std::isinf(v)) return v > 0 ? (n == 0 ? INFINITY : 0.0f) : NAN;
  return static_cast<float>(n == 0 ? bm::digamma(v, Quiet()) : bm::polygamma(n, v, Quiet()));
}

float erfinv_of(float x) {
  const auto v = static_cast<double>(x);
  if (!(std::fabs(v) <= 1)) return NAN;
  if (std::fabs(v) == 1) return v > 0 ? INFINITY : -INFINITY;
  return static_cast<float>(bm::erf_inv(v, Quiet()));
}

void lgamma_loop(const float* x, float* y, std::size_t n, float, float) {
  for (std::size_t i = 0; i < n; ++i) y[i] = lgamma_of(x[i]);
}
void polygamma_loop(const float* x, float* y, std::size_t n, float order, float) {
  for (std::size_t i = 0; i < n; ++i) y[i] = polygamma_of(x[i], static_cast<int>(order));
}
void erfc_loop(const float* x, float* y, std::size_t n, float, float) {
  for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<float>(std::erfc(static_cast<double>(x[i])));
}
void erfinv_loop(const float* x, float* y, std::size_t n, float, float) {
  for (std::size_t i = 0; i < n; ++i) y[i] = erfinv_of(x[i]);
}

Value polygamma(Value x, std::int64_t n) { return call("polygamma", {x}, {{"n", n}}); }

void add_gamma(Registry& r) {
  add_unary(r, {"lgamma",
                "",
                "log |gamma(x)|",
                lgamma_loop,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("digamma", {x}); },
                {{.lo = 0.3, .hi = 6}, {.lo = -1.8, .hi = -1.2}}});
  add_unary(r, {"digamma",
                "",
                "derivative of lgamma; NaN at its poles 0, -1, ..",
                polygamma_loop,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * polygamma(x, 1); },
                {{.lo = 0.4, .hi = 6}, {.lo = -1.8, .hi = -1.2}}});
  add_unary(r, {"polygamma",
                "",
                "derivative n of digamma; attribute n (0, at most 20)",
                polygamma_loop,
                {"n", 0},
                {},
                [](Value x, Value, Value g, const Attrs& at) { return g * polygamma(x, at.integer("n", 0) + 1); },
                {{.lo = 0.8, .hi = 5, .attrs = {{"n", std::int64_t{1}}}},
                 {.lo = 1, .hi = 5, .attrs = {{"n", std::int64_t{3}}}}}});
}

void add_error_functions(Registry& r) {
  add_unary(r, {"erfc",
                "",
                "1 - erf(x), without cancellation",
                erfc_loop,
                {},
                {},
                [](Value x, Value, Value g, const Attrs&) { return g * call("exp", {-(x * x)}) * -kTwoOverRootPi; },
                {{}}});
  add_unary(r, {"erfinv",
                "",
                "the y with erf(y) = x",
                erfinv_loop,
                {},
                {},
                [](Value, Value y, Value g, const Attrs&) { return g * call("exp", {y * y}) * (1 / kTwoOverRootPi); },
                {{.lo = -0.9, .hi = 0.9}}});
}

Kernel prepare_atan2(const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const BroadcastPlan plan = plan_broadcast(request, true);
  Kernel kernel;
  kernel.in = plan.in;
  kernel.out = {plan.out};
  kernel.in_place = {-1};
  kernel.run = [loop = plan.loop](const KernelArgs& args) {
    const std::size_t last = loop.extents.size() - 1;
    const std::int64_t rows = loop.extents[last - 1], length = loop.extents[last];
    const Shape &y = loop.steps[0], &x = loop.steps[1];
    for_each_plane(loop, 2, [&](const auto& offset, std::int64_t at) {
      for (std::int64_t i = 0; i < rows * length; ++i) {
        const std::int64_t row = i / length, column = i % length;
        floats_out(args, 0)[at + i] = std::atan2(floats(args, 0)[offset[0] + row * y[last - 1] + column * y[last]],
                                                 floats(args, 1)[offset[1] + row * x[last - 1] + column * x[last]]);
      }
    });
  };
  return kernel;
}

void add_atan2(Registry& registry) {
  Op op;
  op.name = "atan2";
  op.doc = "y, x that broadcast -> the angle of the point (x, y) in [-pi, pi]; no gradient at the origin (0 there)";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("atan2", in, 2, 2);
    expect_f32("atan2", in);
    return one(f32_spec(broadcast_shape("atan2", in)));
  };
  op.prepare = prepare_atan2;
  op.vjp = [](const VjpArgs& v) {
    const Value y = v.in[0], x = v.in[1];
    const Value g = v.cotangents[0] * call("safe_reciprocal", {x * x + y * y});
    std::vector<Value> grads(2);
    if (v.wanted[0]) grads[0] = reduce_to(g * x, shape_of(y));
    if (v.wanted[1]) grads[1] = reduce_to(-(g * y), shape_of(x));
    return grads;
  };
  op.cases = {{.name = "right", .in = {make_spec({2, 3, 4, 5}), make_spec({2, 3, 4, 5})}, .lo = 0.3, .hi = 2},
              {.name = "left", .in = {make_spec({3, 1}), make_spec({4})}, .lo = -2, .hi = -0.3},
              {.name = "all around", .in = {make_spec({40}), make_spec({40})}, .keep_away = 0.2},
              {.name = "nothing", .in = {make_spec({0, 3}), make_spec({3})}}};
  registry.add(std::move(op));
}

}  // namespace

void register_special(Registry& registry) {
  add_gamma(registry);
  add_error_functions(registry);
  add_atan2(registry);
}

}  // namespace assay::engine
