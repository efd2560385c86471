// Pooling and its adjoints, window by window.
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

struct Pooling {
  Shape kernel, stride, dilation, pad;
  explicit Pooling(const Attrs& a)
      : kernel(a.ints("kernel", {})),
        stride(a.ints("stride", kernel)),
        dilation(a.ints("dilation", {1, 1})),
        pad(a.ints("pad", {0, 0, 0, 0})) {
    for (Shape* s : {&kernel, &stride, &dilation}) s->resize(2, s->front());
    if (pad.size() == 1) pad.resize(4, pad.front());
    if (pad.size() == 2) pad = {pad[0], pad[1], pad[0], pad[1]};
  }
  Shape out(const Shape& x) const {
    Shape y = x;
    for (std::size_t a = 0; a < 2; ++a) {
      y[2 + a] = (x[2 + a] + pad[a] + pad[a + 2] - dilation[a] * (kernel[a] - 1) - 1) / stride[a] + 1;
    }
    return y;
  }
  // The input positions of one window that lie inside the image, in row-major order.
  std::vector<Shape> window(const Shape& x, const Shape& o) const {
    std::vector<Shape> positions;
    for (std::int64_t i = 0; i < kernel[0]; ++i) {
      for (std::int64_t j = 0; j < kernel[1]; ++j) {
        const std::int64_t h = o[2] * stride[0] - pad[0] + i * dilation[0],
                           w = o[3] * stride[1] - pad[1] + j * dilation[1];
        if (h >= 0 && w >= 0 && h < x[2] && w < x[3]) positions.push_back({o[0], o[1], h, w});
      }
    }
    return positions;
  }
};

Shape argmax(const Array& x, const std::vector<Shape>& window) {
  Shape best = window.front();
  for (const Shape& p : window) best = x.at(p) > x.at(best) ? p : best;
  return best;
}

Arrays max_pool(const Arrays& in, const Attrs& attrs) {
  const Pooling p(attrs);
  Array out(p.out(in[0].shape));
  for_each_index(out.shape, [&](const Shape& o) { out.ref(o) = in[0].at(argmax(in[0], p.window(in[0].shape, o))); });
  return {out};
}

Arrays max_pool_grad(const Arrays& in, const Attrs& attrs) {
  const Pooling p(attrs);
  Array out(in[0].shape);
  for_each_index(p.out(in[0].shape),
                 [&](const Shape& o) { out.ref(argmax(in[0], p.window(in[0].shape, o))) += in[1].at(o); });
  return {out};
}

Arrays max_pool_gather(const Arrays& in, const Attrs& attrs) {
  const Pooling p(attrs);
  Array out(p.out(in[0].shape));
  for_each_index(out.shape, [&](const Shape& o) { out.ref(o) = in[1].at(argmax(in[0], p.window(in[0].shape, o))); });
  return {out};
}

double divisor(const Pooling& p, const Attrs& attrs, std::size_t inside) {
  return attrs.integer("count_include_pad", 0) != 0 ? static_cast<double>(p.kernel[0] * p.kernel[1])
                                                    : static_cast<double>(inside);
}

Arrays avg_pool(const Arrays& in, const Attrs& attrs) {
  const Pooling p(attrs);
  Array out(p.out(in[0].shape));
  for_each_index(out.shape, [&](const Shape& o) {
    const auto window = p.window(in[0].shape, o);
    for (const Shape& at : window) out.ref(o) += in[0].at(at) / divisor(p, attrs, window.size());
  });
  return {out};
}

Arrays avg_pool_grad(const Arrays& in, const Attrs& attrs) {
  const Pooling p(attrs);
  const Shape size = attrs.ints("size", {});
  Array out({in[0].shape[0], in[0].shape[1], size[0], size[1]});
  for_each_index(in[0].shape, [&](const Shape& o) {
    const auto window = p.window(out.shape, o);
    for (const Shape& at : window) out.ref(at) += in[0].at(o) / divisor(p, attrs, window.size());
  });
  return {out};
}

}  // namespace

void add_pooling(Table& t) {
  t["max_pool2d"] = max_pool;
  t["max_pool2d_grad"] = max_pool_grad;
  t["max_pool2d_gather"] = max_pool_gather;
  t["avg_pool2d"] = avg_pool;
  t["avg_pool2d_grad"] = avg_pool_grad;
  t["global_avg_pool"] = [](const Arrays& in, const Attrs&) {
    const Shape& x = in[0].shape;
    Array out({x[0], x[1], 1, 1});
    for_each_index(x, [&](const Shape& i) {
      out.ref({i[0], i[1], 0, 0}) += in[0].at(i) / static_cast<double>(x[2] * x[3]);
    });
    return Arrays{out};
  };
}

}  // namespace assay::engine::reference
