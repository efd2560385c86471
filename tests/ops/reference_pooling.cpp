// Pooling over any number of spatial axes and its adjoints, window by window.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

struct Pooling {
  std::size_t axes;
  Shape kernel, stride, dilation, before, after;
  bool up;

  Pooling(const Attrs& a, std::size_t n) : axes(n), up(a.integer("ceil_mode", 0) != 0) {
    const auto full = [&](const char* key, const Shape& fallback) {
      Shape v = a.ints(key, fallback);
      v.resize(n, v.front());
      return v;
    };
    kernel = full("kernel", {}), stride = full("stride", kernel), dilation = full("dilation", Shape(n, 1));
    Shape pad = a.ints("pad", {0});
    if (pad.size() == 1) pad.resize(2 * n, pad.front());
    if (pad.size() == n) pad.insert(pad.end(), pad.begin(), pad.end());
    before = Shape(pad.begin(), pad.begin() + static_cast<std::ptrdiff_t>(n));
    after = Shape(pad.begin() + static_cast<std::ptrdiff_t>(n), pad.end());
  }

  // Windows start every `stride`; without ceil_mode they must end inside the padded input, with it only start before
  // the padding after the input, and not all of them may be needed to cover it.
  std::int64_t positions(std::int64_t extent, std::size_t a) const {
    const std::int64_t reach = dilation[a] * (kernel[a] - 1) + 1, padded = before[a] + extent + after[a];
    std::int64_t count = 0;
    for (std::int64_t start = 0; start + reach <= padded; start += stride[a]) ++count;
    const std::int64_t covered = (count - 1) * stride[a] + reach;
    if (up && covered < padded && count * stride[a] < before[a] + extent) ++count;
    return count;
  }
  Shape out(const Shape& x) const {
    Shape y = x;
    for (std::size_t a = 0; a < axes; ++a) y[2 + a] = positions(x[2 + a], a);
    return y;
  }
  struct Window {
    std::vector<Shape> inside;      // positions in the input, in row-major order
    std::int64_t with_padding = 0;  // taps in the input or its padding
  };
  Window window(const Shape& x, const Shape& o) const {
    Window w;
    for_each_index(kernel, [&](const Shape& k) {
      Shape at = o;
      bool inside = true, padded = true;
      for (std::size_t a = 0; a < axes; ++a) {
        at[2 + a] = o[2 + a] * stride[a] - before[a] + k[a] * dilation[a];
        inside = inside && at[2 + a] >= 0 && at[2 + a] < x[2 + a];
        padded = padded && at[2 + a] < x[2 + a] + after[a];
      }
      if (inside) w.inside.push_back(at);
      w.with_padding += padded ? 1 : 0;
    });
    return w;
  }
  Shape argmax(const Array& x, const Shape& o) const {
    const auto taps = window(x.shape, o).inside;
    Shape best = taps.front();
    for (const Shape& p : taps) best = x.at(p) > x.at(best) ? p : best;
    return best;
  }
};

Pooling pooling(const Arrays& in, const Attrs& attrs) { return {attrs, in[0].shape.size() - 2}; }

Arrays max_pool(const Arrays& in, const Attrs& attrs) {
  const Pooling p = pooling(in, attrs);
  Array out(p.out(in[0].shape));
  for_each_index(out.shape, [&](const Shape& o) { out.ref(o) = in[0].at(p.argmax(in[0], o)); });
  return {out};
}

Arrays max_pool_grad(const Arrays& in, const Attrs& attrs) {
  const Pooling p = pooling(in, attrs);
  Array out(in[0].shape);
  for_each_index(p.out(in[0].shape), [&](const Shape& o) { out.ref(p.argmax(in[0], o)) += in[1].at(o); });
  return {out};
}

Arrays max_pool_gather(const Arrays& in, const Attrs& attrs) {
  const Pooling p = pooling(in, attrs);
  Array out(p.out(in[0].shape));
  for_each_index(out.shape, [&](const Shape& o) { out.ref(o) = in[1].at(p.argmax(in[0], o)); });
  return {out};
}

Arrays max_pool_indices(const Arrays& in, const Attrs& attrs) {
  const Pooling p = pooling(in, attrs);
  const Shape& x = in[0].shape;
  Array out(p.out(x));
  for_each_index(out.shape, [&](const Shape& o) {
    Shape at = p.argmax(in[0], o), extents = x;
    if (attrs.integer("storage_order", 0) != 0) {
      std::reverse(at.begin() + 2, at.end());
      std::reverse(extents.begin() + 2, extents.end());
    }
    double flat = 0;
    for (std::size_t a = 0; a < at.size(); ++a)
      flat = flat * static_cast<double>(extents[a]) + static_cast<double>(at[a]);
    out.ref(o) = flat;
  });
  return {out};
}

double divisor(const Attrs& attrs, const Pooling::Window& w) {
  const bool padding = attrs.integer("count_include_pad", 0) != 0;
  return padding ? static_cast<double>(w.with_padding) : static_cast<double>(w.inside.size());
}

Arrays avg_pool(const Arrays& in, const Attrs& attrs) {
  const Pooling p = pooling(in, attrs);
  Array out(p.out(in[0].shape));
  for_each_index(out.shape, [&](const Shape& o) {
    const auto window = p.window(in[0].shape, o);
    for (const Shape& at : window.inside) out.ref(o) += in[0].at(at) / divisor(attrs, window);
  });
  return {out};
}

Arrays avg_pool_grad(const Arrays& in, const Attrs& attrs) {
  const Pooling p = pooling(in, attrs);
  Shape shape = {in[0].shape[0], in[0].shape[1]};
  for (const std::int64_t extent : attrs.ints("size", {})) shape.push_back(extent);
  Array out(shape);
  for_each_index(in[0].shape, [&](const Shape& o) {
    const auto window = p.window(out.shape, o);
    for (const Shape& at : window.inside) out.ref(at) += in[0].at(o) / divisor(attrs, window);
  });
  return {out};
}

Arrays lp_pool(const Arrays& in, const Attrs& attrs) {
  const Pooling p = pooling(in, attrs);
  const double power = attrs.real("p", 2);
  Array out(p.out(in[0].shape));
  for_each_index(out.shape, [&](const Shape& o) {
    double sum = 0;
    for (const Shape& at : p.window(in[0].shape, o).inside) sum += std::pow(std::fabs(in[0].at(at)), power);
    out.ref(o) = std::pow(sum, 1 / power);
  });
  return {out};
}

Arrays max_unpool(const Arrays& in, const Attrs& attrs) {
  Shape shape = {in[0].shape[0], in[0].shape[1]};
  for (const std::int64_t extent : attrs.ints("size", {})) shape.push_back(extent);
  Array out(shape);
  for (std::size_t i = 0; i < in[0].v.size(); ++i) out.v.at(static_cast<std::size_t>(in[1].v[i])) = in[0].v[i];
  return {out};
}

Arrays max_unpool_gather(const Arrays& in, const Attrs&) {
  Array out(in[1].shape);
  for (std::size_t i = 0; i < out.v.size(); ++i) {
    const bool last =
        std::find(in[1].v.begin() + static_cast<std::ptrdiff_t>(i) + 1, in[1].v.end(), in[1].v[i]) == in[1].v.end();
    out.v[i] = last ? in[0].v.at(static_cast<std::size_t>(in[1].v[i])) : 0;
  }
  return {out};
}

// f over all elements of every plane.
Function global(const std::function<double(const std::vector<double>&, const Attrs&)>& f) {
  return [f](const Arrays& in, const Attrs& attrs) {
    Shape shape(in[0].shape.size(), 1);
    shape[0] = in[0].shape[0], shape[1] = in[0].shape[1];
    Array out(shape);
    const std::size_t plane = out.v.empty() ? 0 : in[0].v.size() / out.v.size();
    for (std::size_t i = 0; i < out.v.size(); ++i) {
      const auto from = in[0].v.begin() + static_cast<std::ptrdiff_t>(i * plane);
      out.v[i] = f(std::vector<double>(from, from + static_cast<std::ptrdiff_t>(plane)), attrs);
    }
    return Arrays{out};
  };
}

}  // namespace

void add_pooling(Table& t) {
  for (const char* axes : {"1d", "2d", "3d"}) {
    const std::string max = std::string("max_pool") + axes, avg = std::string("avg_pool") + axes;
    t[max] = max_pool;
    t[max + "_grad"] = max_pool_grad;
    t[max + "_gather"] = max_pool_gather;
    t[avg] = avg_pool;
    t[avg + "_grad"] = avg_pool_grad;
    t[std::string("lp_pool") + axes] = lp_pool;
  }
  t["max_unpool"] = max_unpool;
  t["max_unpool_gather"] = max_unpool_gather;
  t["max_pool_indices"] = max_pool_indices;
  t["global_avg_pool"] = global([](const std::vector<double>& v, const Attrs&) {
    double sum = 0;
    for (const double x : v) sum += x;
    return sum / static_cast<double>(v.size());
  });
  t["global_lp_pool"] = global([](const std::vector<double>& v, const Attrs& attrs) {
    double sum = 0;
    for (const double x : v) sum += std::pow(std::fabs(x), attrs.real("p", 2));
    return std::pow(sum, 1 / attrs.real("p", 2));
  });
  t["global_max_pool"] =
      global([](const std::vector<double>& v, const Attrs&) { return *std::max_element(v.begin(), v.end()); });
}

}  // namespace assay::engine::reference
