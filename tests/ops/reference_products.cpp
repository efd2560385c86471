// Matrix products and convolutions, from their definitions.
#include <algorithm>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

double& entry_of(Array& a, Shape batch, std::int64_t r, std::int64_t c) {
  batch.insert(batch.end(), {r, c});
  return a.ref(batch);
}

double entry_of(const Array& a, Shape batch, std::int64_t r, std::int64_t c, bool transposed) {
  batch.insert(batch.end(), {transposed ? c : r, transposed ? r : c});
  const std::size_t drop = batch.size() - std::min(batch.size(), a.shape.size());
  return a.at(Shape(batch.begin() + static_cast<std::ptrdiff_t>(drop), batch.end()));
}

Arrays matmul(const Arrays& in, const Attrs& attrs) {
  const bool ta = attrs.integer("transpose_a", 0) != 0, tb = attrs.integer("transpose_b", 0) != 0;
  const Shape &a = in[0].shape, &b = in[1].shape;
  Shape batch(std::max(a.size(), b.size()) - 2, 1);
  for (const Shape* s : {&a, &b}) {
    for (std::size_t i = 0; i + 2 < s->size(); ++i) {
      std::int64_t& extent = batch[batch.size() - (s->size() - 2) + i];
      if ((*s)[i] != 1) extent = (*s)[i];
    }
  }
  const std::int64_t m = a[a.size() - (ta ? 1 : 2)], k = a[a.size() - (ta ? 2 : 1)], n = b[b.size() - (tb ? 2 : 1)];
  Shape shape = batch;
  shape.insert(shape.end(), {m, n});
  Array out(shape);
  for_each_index(batch, [&](const Shape& at) {
    for (std::int64_t r = 0; r < m; ++r) {
      for (std::int64_t c = 0; c < n; ++c) {
        for (std::int64_t i = 0; i < k; ++i) {
          entry_of(out, at, r, c) += entry_of(in[0], at, r, i, ta) * entry_of(in[1], at, i, c, tb);
        }
      }
    }
  });
  return {out};
}

// Adds bias and residual and applies the activation, as the attributes say; `channel` is the axis of the bias.
void finish(Array& out, const Arrays& in, const Attrs& attrs, std::size_t channel) {
  const bool residual = attrs.integer("residual", 0) != 0, bias = in.size() == (residual ? 4u : 3u);
  for_each_index(out.shape, [&](const Shape& i) {
    double& y = out.ref(i);
    if (bias) y += in[2].at({i[channel]});
    if (residual) y += in.back().at(i);
    const std::string act = attrs.text("act", "");
    if (!act.empty()) y = std::max(y, 0.0);
    if (act == "relu6") y = std::min(y, 6.0);
  });
}

Arrays linear(const Arrays& in, const Attrs& attrs) {
  Shape shape = in[0].shape;
  shape.back() = in[1].shape[0];
  Array out(shape);
  for_each_index(shape, [&](const Shape& i) {
    Shape x = i;
    for (std::int64_t k = 0; k < in[1].shape[1]; ++k) {
      x.back() = k;
      out.ref(i) += in[0].at(x) * in[1].at({i.back(), k});
    }
  });
  finish(out, in, attrs, shape.size() - 1);
  return {out};
}

struct Window2d {
  Shape stride, dilation, pad;
  std::int64_t groups;
  explicit Window2d(const Attrs& a)
      : stride(a.ints("stride", {1, 1})),
        dilation(a.ints("dilation", {1, 1})),
        pad(a.ints("pad", {0, 0, 0, 0})),
        groups(a.integer("groups", 1)) {
    for (Shape* s : {&stride, &dilation}) s->resize(2, s->front());
    if (pad.size() == 1) pad.resize(4, pad.front());
    if (pad.size() == 2) pad = {pad[0], pad[1], pad[0], pad[1]};
  }
  std::int64_t extent(int axis, std::int64_t size, std::int64_t kernel) const {
    return (size + pad[static_cast<std::size_t>(axis)] + pad[static_cast<std::size_t>(axis) + 2] -
            dilation[static_cast<std::size_t>(axis)] * (kernel - 1) - 1) /
               stride[static_cast<std::size_t>(axis)] +
           1;
  }
};

// Calls body(x index, w index, y index) for every product that a convolution sums.
void for_each_product(const Shape& x, const Shape& w, const Window2d& g,
                      const std::function<void(const Shape&, const Shape&, const Shape&)>& body) {
  const Shape y = {x[0], w[0], g.extent(0, x[2], w[2]), g.extent(1, x[3], w[3])};
  const std::int64_t per_group = w[0] / g.groups;
  for_each_index(y, [&](const Shape& o) {
    for_each_index({w[1], w[2], w[3]}, [&](const Shape& k) {
      const std::int64_t h = o[2] * g.stride[0] - g.pad[0] + k[1] * g.dilation[0];
      const std::int64_t v = o[3] * g.stride[1] - g.pad[1] + k[2] * g.dilation[1];
      if (h < 0 || v < 0 || h >= x[2] || v >= x[3]) return;
      body({o[0], o[1] / per_group * w[1] + k[0], h, v}, {o[1], k[0], k[1], k[2]}, o);
    });
  });
}

Arrays conv2d(const Arrays& in, const Attrs& attrs) {
  const Window2d g(attrs);
  const Shape &x = in[0].shape, &w = in[1].shape;
  Array out({x[0], w[0], g.extent(0, x[2], w[2]), g.extent(1, x[3], w[3])});
  for_each_product(
      x, w, g, [&](const Shape& xi, const Shape& wi, const Shape& yi) { out.ref(yi) += in[0].at(xi) * in[1].at(wi); });
  finish(out, in, attrs, 1);
  return {out};
}

Arrays conv2d_bwd_data(const Arrays& in, const Attrs& attrs) {
  const Window2d g(attrs);
  const Shape size = attrs.ints("size", {}), &w = in[1].shape;
  Array out({in[0].shape[0], w[1] * g.groups, size[0], size[1]});
  for_each_product(out.shape, w, g, [&](const Shape& xi, const Shape& wi, const Shape& yi) {
    out.ref(xi) += in[0].at(yi) * in[1].at(wi);
  });
  return {out};
}

Arrays conv2d_bwd_weights(const Arrays& in, const Attrs& attrs) {
  const Window2d g(attrs);
  const Shape kernel = attrs.ints("kernel", {});
  Array out({in[1].shape[1], in[0].shape[1] / g.groups, kernel[0], kernel[1]});
  for_each_product(in[0].shape, out.shape, g, [&](const Shape& xi, const Shape& wi, const Shape& yi) {
    out.ref(wi) += in[0].at(xi) * in[1].at(yi);
  });
  return {out};
}

// One sample of a batch.
Array sample(const Array& a, std::int64_t n) {
  Shape shape = a.shape;
  shape[0] = 1;
  Array out(shape);
  const std::size_t size = out.v.size();
  std::copy_n(a.v.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(n) * size), size, out.v.begin());
  return out;
}

Arrays conv2d_sample_grad(const Arrays& in, const Attrs& attrs) {
  const Shape kernel = attrs.ints("kernel", {}), &x = in[0].shape;
  Array out({x[0], in[1].shape[1], x[1] / attrs.integer("groups", 1), kernel[0], kernel[1]});
  out.v.clear();
  for (std::int64_t n = 0; n < x[0]; ++n) {
    const Array one = conv2d_bwd_weights({sample(in[0], n), sample(in[1], n)}, attrs)[0];
    out.v.insert(out.v.end(), one.v.begin(), one.v.end());
  }
  return {out};
}

Arrays linear_sample_grad(const Arrays& in, const Attrs&) {
  Array out({in[0].shape[0], in[1].shape.back(), in[0].shape.back()});
  for_each_index(Shape(in[0].shape.begin(), in[0].shape.end() - 1), [&](Shape row) {
    for (std::int64_t o = 0; o < out.shape[1]; ++o) {
      for (std::int64_t i = 0; i < out.shape[2]; ++i) {
        Shape x = row, g = row;
        x.push_back(i), g.push_back(o);
        out.ref({row[0], o, i}) += in[0].at(x) * in[1].at(g);
      }
    }
  });
  return {out};
}

}  // namespace

void add_products(Table& t) {
  t["conv2d_sample_grad"] = conv2d_sample_grad;
  t["linear_sample_grad"] = linear_sample_grad;
  t["matmul"] = matmul;
  t["linear"] = linear;
  t["conv2d"] = conv2d;
  t["conv2d_bwd_data"] = conv2d_bwd_data;
  t["conv2d_bwd_weights"] = conv2d_bwd_weights;
}

}  // namespace assay::engine::reference
