// Convolutions with any number of spatial axes, their adjoints and transposed convolutions, from their definitions.
#include <algorithm>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

Shape spatial(const Shape& s) { return Shape(s.begin() + 2, s.end()); }

Shape joined(std::int64_t a, std::int64_t b, const Shape& rest) {
  Shape s = {a, b};
  s.insert(s.end(), rest.begin(), rest.end());
  return s;
}

struct Geometry {
  std::size_t axes;
  Shape stride, dilation, before, after;
  std::int64_t groups;

  Geometry(const Attrs& a, std::size_t n) : axes(n), groups(a.integer("groups", 1)) {
    const auto full = [&](const char* key, std::int64_t fallback) {
      Shape v = a.ints(key, Shape(n, fallback));
      v.resize(n, v.front());
      return v;
    };
    stride = full("stride", 1), dilation = full("dilation", 1);
    Shape pad = a.ints("pad", Shape(2 * n, 0));
    if (pad.size() < n) pad.resize(n, pad.front());
    before = Shape(pad.begin(), pad.begin() + static_cast<std::ptrdiff_t>(n));
    after = pad.size() == n ? before : Shape(pad.begin() + static_cast<std::ptrdiff_t>(n), pad.end());
  }
  Shape output(const Shape& x, const Shape& kernel) const {
    Shape out;
    for (std::size_t a = 0; a < axes; ++a) {
      out.push_back((x[a] + before[a] + after[a] - dilation[a] * (kernel[a] - 1) - 1) / stride[a] + 1);
    }
    return out;
  }
  // The position of tap `k` of window `o`; false when it lies in the padding.
  bool position(const Shape& o, const Shape& k, const Shape& extent, Shape& at) const {
    at.clear();
    for (std::size_t a = 0; a < axes; ++a) {
      at.push_back(o[a] * stride[a] - before[a] + k[a] * dilation[a]);
      if (at[a] < 0 || at[a] >= extent[a]) return false;
    }
    return true;
  }
};

// Calls body(large index, w index, small index) for every product of a convolution from `large` to `small`.
void for_each_product(const Shape& large, const Shape& w, const Shape& small, const Geometry& g,
                      const std::function<void(const Shape&, const Shape&, const Shape&)>& body) {
  const std::int64_t per_group = w[0] / g.groups;
  Shape at;
  for_each_index(small, [&](const Shape& o) {
    for_each_index(Shape(w.begin() + 1, w.end()), [&](const Shape& k) {
      const Shape tap(k.begin() + 1, k.end());
      if (!g.position(spatial(o), tap, spatial(large), at)) return;
      body(joined(o[0], o[1] / per_group * w[1] + k[0], at), joined(o[1], k[0], tap), o);
    });
  });
}

Function forward(std::size_t axes) {
  return [axes](const Arrays& in, const Attrs& attrs) {
    const Geometry g(attrs, axes);
    const Shape &x = in[0].shape, &w = in[1].shape;
    Array out(joined(x[0], w[0], g.output(spatial(x), spatial(w))));
    for_each_product(x, w, out.shape, g, [&](const Shape& xi, const Shape& wi, const Shape& yi) {
      out.ref(yi) += in[0].at(xi) * in[1].at(wi);
    });
    const bool residual = attrs.integer("residual", 0) != 0, bias = in.size() == (residual ? 4u : 3u);
    for_each_index(out.shape, [&](const Shape& i) {
      double& y = out.ref(i);
      if (bias) y += in[2].at({i[1]});
      if (residual) y += in.back().at(i);
      if (attrs.text("act", "") == "relu") y = std::max(y, 0.0);
    });
    return Arrays{out};
  };
}

Function backward_data(std::size_t axes) {
  return [axes](const Arrays& in, const Attrs& attrs) {
    const Geometry g(attrs, axes);
    const Shape& w = in[1].shape;
    Array out(joined(in[0].shape[0], w[1] * g.groups, attrs.ints("size", {})));
    for_each_product(out.shape, w, in[0].shape, g, [&](const Shape& xi, const Shape& wi, const Shape& yi) {
      out.ref(xi) += in[0].at(yi) * in[1].at(wi);
    });
    return Arrays{out};
  };
}

Function backward_weights(std::size_t axes) {
  return [axes](const Arrays& in, const Attrs& attrs) {
    const Geometry g(attrs, axes);
    Array out(joined(in[1].shape[1], in[0].shape[1] / g.groups, attrs.ints("kernel", {})));
    for_each_product(in[0].shape, out.shape, in[1].shape, g, [&](const Shape& xi, const Shape& wi, const Shape& yi) {
      out.ref(wi) += in[0].at(xi) * in[1].at(yi);
    });
    return Arrays{out};
  };
}

// Every input spreads its kernel over the result.
Function transposed(std::size_t axes) {
  return [axes](const Arrays& in, const Attrs& attrs) {
    const Geometry g(attrs, axes);
    const Shape &x = in[0].shape, &w = in[1].shape;
    Shape extra = attrs.ints("output_pad", Shape(axes, 0)), size;
    extra.resize(axes, extra.front());
    for (std::size_t a = 0; a < axes; ++a) {
      const std::int64_t reach = g.dilation[a] * (w[a + 2] - 1) + 1;
      size.push_back((x[a + 2] - 1) * g.stride[a] + reach + extra[a] - g.before[a] - g.after[a]);
    }
    Array out(joined(x[0], w[1] * g.groups, size));
    if (in.size() > 2) for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = in[2].at({i[1]}); });
    for_each_product(out.shape, w, x, g, [&](const Shape& yi, const Shape& wi, const Shape& xi) {
      out.ref(yi) += in[0].at(xi) * in[1].at(wi);
    });
    return Arrays{out};
  };
}

}  // namespace

void add_convolutions(Table& t) {
  t["conv1d"] = forward(1);
  t["conv3d"] = forward(3);
  t["conv1d_bwd_data"] = backward_data(1);
  t["conv3d_bwd_data"] = backward_data(3);
  t["conv1d_bwd_weights"] = backward_weights(1);
  t["conv3d_bwd_weights"] = backward_weights(3);
  t["conv_transpose1d"] = transposed(1);
  t["conv_transpose2d"] = transposed(2);
  t["conv_transpose3d"] = transposed(3);
}

}  // namespace assay::engine::reference
