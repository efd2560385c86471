// Adaptive average pooling and its adjoint.
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// Calls body(large index, small index, share) for every element that an output of adaptive pooling averages.
void for_each_share(const Shape& large, const Shape& small,
                    const std::function<void(const Shape&, const Shape&, double)>& body) {
  const auto from = [](std::int64_t i, std::int64_t n, std::int64_t out) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(i * n) / static_cast<double>(out)));
  };
  const auto to = [](std::int64_t i, std::int64_t n, std::int64_t out) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>((i + 1) * n) / static_cast<double>(out)));
  };
  for_each_index(small, [&](const Shape& o) {
    const std::int64_t h0 = from(o[2], large[2], small[2]), h1 = to(o[2], large[2], small[2]);
    const std::int64_t w0 = from(o[3], large[3], small[3]), w1 = to(o[3], large[3], small[3]);
    for (std::int64_t h = h0; h < h1; ++h) {
      for (std::int64_t w = w0; w < w1; ++w) {
        body({o[0], o[1], h, w}, o, 1.0 / static_cast<double>((h1 - h0) * (w1 - w0)));
      }
    }
  });
}

}  // namespace

void add_adaptive_pooling(Table& t) {
  t["adaptive_avg_pool2d"] = [](const Arrays& in, const Attrs& a) {
    const Shape& x = in[0].shape;
    Array out({x[0], x[1], a.ints("size", {})[0], a.ints("size", {})[1]});
    for_each_share(x, out.shape,
                   [&](const Shape& xi, const Shape& yi, double share) { out.ref(yi) += in[0].at(xi) * share; });
    return Arrays{out};
  };
  t["adaptive_avg_pool2d_grad"] = [](const Arrays& in, const Attrs& a) {
    const Shape& g = in[0].shape;
    Array out({g[0], g[1], a.ints("size", {})[0], a.ints("size", {})[1]});
    for_each_share(out.shape, g,
                   [&](const Shape& xi, const Shape& yi, double share) { out.ref(xi) += in[0].at(yi) * share; });
    return Arrays{out};
  };
}

}  // namespace assay::engine::reference
