// Quantisation and products of integers, from their definitions.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

struct Range {
  double lo, hi;
};
constexpr Range kBytes = {0, 255}, kSigned = {-128, 127};

double saturated(double x, const Range& r) { return std::min(std::max(x, r.lo), r.hi); }

// The entry of a scalar or of a vector along an axis that belongs to an element.
double parameter(const Array& p, std::int64_t slice) {
  return p.v.size() == 1 ? p.v[0] : p.v[static_cast<std::size_t>(slice)];
}

std::int64_t slice_of(const Shape& i, const Array& p, std::int64_t along) {
  return p.v.size() == 1 ? 0 : i[axis(along, i.size())];
}

// f(x, scale, zero point) for every element.
Function each(const std::function<double(double, double, double)>& f, std::int64_t default_axis = 1) {
  return [f, default_axis](const Arrays& in, const Attrs& attrs) {
    Array out(in[0].shape);
    for_each_index(out.shape, [&](const Shape& i) {
      const std::int64_t k = slice_of(i, in[1], attrs.integer("axis", default_axis));
      out.ref(i) = f(in[0].at(i), parameter(in[1], k), in.size() > 2 ? parameter(in[2], k) : 0.0);
    });
    return Arrays{out};
  };
}

// The cases with a scalar zero point make I8, all others U8.
Arrays quantize(const Arrays& in, const Attrs& attrs) {
  const bool scalar_zero = in.size() > 2 && in[2].shape.empty();
  const Range range = scalar_zero ? kSigned : kBytes;
  return each([range](double x, double scale, double zero) {
    return saturated(std::nearbyint(x / scale) + zero, range);
  })(in, attrs);
}

Arrays fake_quantize(const Arrays& in, const Attrs& attrs) {
  const Range range{static_cast<double>(attrs.integer("low", 0)), static_cast<double>(attrs.integer("high", 255))};
  return each(
      [range](double x, double scale, double zero) {
        const double z = std::nearbyint(zero);
        return (saturated(std::nearbyint(x / scale) + z, range) - z) * scale;
      },
      0)(in, attrs);
}

Arrays dynamic_quantize(const Arrays& in, const Attrs&) {
  double lo = 0, hi = 0;
  for (const double x : in[0].v) lo = std::min(lo, x), hi = std::max(hi, x);
  Array out(in[0].shape), scale(Shape{}), zero(Shape{});
  scale.v[0] = (hi - lo) / 255;
  zero.v[0] = saturated(std::nearbyint(-lo / scale.v[0]), kBytes);
  for (std::size_t i = 0; i < out.v.size(); ++i) {
    out.v[i] = saturated(std::nearbyint(in[0].v[i] / scale.v[0]) + zero.v[0], kBytes);
  }
  return {out, scale, zero};
}

// Where the parts are among the operands; `scaled`: scales and a zero point of the result follow.
struct Operands {
  const Array &a, &b;
  const Array *a_zero, *b_zero;
  bool scaled;
  const Arrays& in;

  Operands(const Arrays& all, bool with_scales)
      : a(all[0]),
        b(all[with_scales ? 3 : 1]),
        a_zero(with_scales ? &all[2] : (all.size() > 2 ? &all[2] : nullptr)),
        b_zero(with_scales ? &all[5] : (all.size() > 3 ? &all[3] : nullptr)),
        scaled(with_scales),
        in(all) {}
  double a_value(double v, std::int64_t row) const { return v - (a_zero ? parameter(*a_zero, row) : 0); }
  double b_value(double v, std::int64_t column) const { return v - (b_zero ? parameter(*b_zero, column) : 0); }
  double result(double sum, std::int64_t row, std::int64_t column, const Range& range) const {
    if (!scaled) return sum;
    const double factor = parameter(in[1], row) * parameter(in[4], column) / in[6].v[0];
    return saturated(std::nearbyint(sum * factor) + in[7].v[0], range);
  }
};

Function matmul(bool with_scales) {
  return [with_scales](const Arrays& in, const Attrs&) {
    const Operands o(in, with_scales);
    const std::size_t rank = std::max(o.a.shape.size(), o.b.shape.size());
    Shape shape(rank, 1);
    for (const Array* x : {&o.a, &o.b}) {
      for (std::size_t i = 0; i + 2 < x->shape.size(); ++i) {
        std::int64_t& extent = shape[rank - x->shape.size() + i];
        if (x->shape[i] != 1) extent = x->shape[i];
      }
    }
    shape[rank - 2] = o.a.shape[o.a.shape.size() - 2], shape[rank - 1] = o.b.shape.back();
    Array out(shape);
    const Range range = in.size() > 7 && in[1].shape.size() == 1 ? kSigned : kBytes;  // the case per row makes I8
    const auto element = [](const Array& x, Shape at, std::int64_t r, std::int64_t c) {
      at[at.size() - 2] = r, at[at.size() - 1] = c;
      return x.at(Shape(at.end() - static_cast<std::ptrdiff_t>(x.shape.size()), at.end()));
    };
    for_each_index(shape, [&](const Shape& i) {
      const std::int64_t row = i[rank - 2], column = i[rank - 1];
      double sum = 0;
      for (std::int64_t k = 0; k < o.a.shape.back(); ++k) {
        sum += o.a_value(element(o.a, i, row, k), row) * o.b_value(element(o.b, i, k, column), column);
      }
      out.ref(i) = o.result(sum, row, column, range);
    });
    return Arrays{out};
  };
}

Function convolution(bool with_scales) {
  return [with_scales](const Arrays& in, const Attrs& attrs) {
    const Operands o(in, with_scales);
    const std::size_t axes = o.a.shape.size() - 2;
    Arrays shifted = {o.a, o.b};
    for (double& v : shifted[0].v) v = o.a_value(v, 0);
    for_each_index(o.b.shape, [&](const Shape& i) { shifted[1].ref(i) = o.b_value(o.b.at(i), i[0]); });
    Table table;
    add_convolutions(table);
    const std::string axes_name = std::to_string(axes) + "d";
    if (axes == 2) add_products(table);
    if (in.size() > 8) shifted.push_back(in[8]);
    Array out = table.at("conv" + axes_name)(shifted, attrs)[0];
    const Range range = axes == 1 ? kSigned : kBytes;  // the case on a line makes I8
    for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = o.result(out.at(i), 0, i[1], range); });
    return Arrays{out};
  };
}

}  // namespace

void add_quantisation(Table& t) {
  t["quantize_linear"] = quantize;
  t["dequantize_linear"] = each([](double x, double scale, double zero) { return (x - zero) * scale; });
  t["dynamic_quantize_linear"] = dynamic_quantize;
  t["fake_quantize"] = fake_quantize;
  t["matmul_integer"] = matmul(false);
  t["qlinear_matmul"] = matmul(true);
  t["conv_integer"] = convolution(false);
  t["qlinear_conv"] = convolution(true);
}

}  // namespace assay::engine::reference
