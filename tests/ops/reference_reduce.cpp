// Reductions, softmax and losses.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

using Fold = std::function<double(const std::vector<double>&)>;

std::vector<bool> reduced(const Array& x, const Attrs& attrs) {
  std::vector<bool> flags(x.shape.size(), !attrs.has("axes"));
  for (const std::int64_t a : attrs.ints("axes", {})) flags[axis(a, x.shape.size())] = true;
  return flags;
}

Arrays fold(const Array& x, const std::vector<bool>& flags, bool keep, const Fold& f) {
  Shape kept, shape;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    kept.push_back(flags[i] ? 1 : x.shape[i]);
    if (!flags[i] || keep) shape.push_back(kept.back());
  }
  Array out(kept);
  std::map<Shape, std::vector<double>> groups;
  for_each_index(x.shape, [&](Shape i) {
    const double value = x.at(i);
    for (std::size_t k = 0; k < flags.size(); ++k) i[k] = flags[k] ? 0 : i[k];
    groups[i].push_back(value);
  });
  for_each_index(kept, [&](const Shape& i) { out.ref(i) = f(groups[i]); });
  out.shape = shape;
  return {out};
}

double sum(const std::vector<double>& v) {
  double s = 0;
  for (const double x : v) s += x;
  return s;
}

double log_sum_exp(const std::vector<double>& v) {
  const double top = *std::max_element(v.begin(), v.end());
  double s = 0;
  for (const double x : v) s += std::exp(x - top);
  return top + std::log(s);
}

// log(sum(exp)) along an axis, or with attribute flat along all from it on, kept as extents of 1.
Array axis_lse(const Array& x, const Attrs& attrs) {
  std::vector<bool> flags(x.shape.size(), false);
  const std::size_t first = axis(attrs.integer("axis", -1), x.shape.size());
  for (std::size_t i = first; i < flags.size(); ++i) flags[i] = i == first || attrs.integer("flat", 0) != 0;
  return fold(x, flags, true, log_sum_exp)[0];
}

Arrays cross_entropy(const Arrays& in, const Attrs&) {
  const Array lse = axis_lse(in[0], {});
  Array out({in[0].shape[0]});
  for (std::int64_t i = 0; i < in[0].shape[0]; ++i) {
    out.ref({i}) = lse.at({i, 0}) - in[0].at({i, static_cast<std::int64_t>(in[1].at({i}))});
  }
  return {out};
}

}  // namespace

Function reduction(const std::function<double(const std::vector<double>&)>& f) {
  return [f](const Arrays& in, const Attrs& attrs) {
    return fold(in[0], reduced(in[0], attrs), attrs.integer("keepdims", 0) != 0, f);
  };
}

void add_reductions(Table& t) {
  t["reduce_sum"] = reduction(sum);
  t["reduce_mean"] = reduction([](const auto& v) { return sum(v) / static_cast<double>(v.size()); });
  t["reduce_max"] = reduction([](const auto& v) { return *std::max_element(v.begin(), v.end()); });
  t["reduce_min"] = reduction([](const auto& v) { return *std::min_element(v.begin(), v.end()); });
  t["reduce_l1"] = reduction([](const auto& v) {
    double s = 0;
    for (const double x : v) s += std::fabs(x);
    return s;
  });
  t["reduce_l2"] = reduction([](const auto& v) {
    double s = 0;
    for (const double x : v) s += x * x;
    return std::sqrt(s);
  });
  t["reduce_linf"] = reduction([](const auto& v) {
    double s = 0;
    for (const double x : v) s = std::max(s, std::fabs(x));
    return s;
  });
  t["log_sum_exp"] = [](const Arrays& in, const Attrs& attrs) {
    Array out = axis_lse(in[0], attrs);
    if (attrs.integer("keepdims", 0) == 0) {
      out.shape.erase(out.shape.begin() +
                      static_cast<std::ptrdiff_t>(axis(attrs.integer("axis", -1), in[0].shape.size())));
    }
    return Arrays{out};
  };
  t["softmax"] = [](const Arrays& in, const Attrs& attrs) {
    const Array lse = axis_lse(in[0], attrs);
    Array out(in[0].shape);
    for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = std::exp(in[0].at(i) - lse.at(i)); });
    return Arrays{out};
  };
  t["log_softmax"] = [](const Arrays& in, const Attrs& attrs) {
    const Array lse = axis_lse(in[0], attrs);
    Array out(in[0].shape);
    for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = in[0].at(i) - lse.at(i); });
    return Arrays{out};
  };
  t["cross_entropy"] = cross_entropy;
}

}  // namespace assay::engine::reference
