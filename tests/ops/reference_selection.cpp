// argmax and argmin, top_k, hardmax, one_hot.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// The index of the extreme of each line along an axis, kept as an extent of 1.
Array extreme(const Array& x, std::size_t a, double sign, bool last) {
  Shape shape = x.shape;
  shape[a] = 1;
  Array best(shape), where(shape);
  std::fill(best.v.begin(), best.v.end(), -INFINITY);
  for_each_index(x.shape, [&](const Shape& i) {
    Shape to = i;
    to[a] = 0;
    const double value = sign * x.at(i);
    if (value < best.at(to) || (!last && value == best.at(to))) return;
    best.ref(to) = value;
    where.ref(to) = static_cast<double>(i[a]);
  });
  return where;
}

Function arg(double sign) {
  return [sign](const Arrays& in, const Attrs& attrs) {
    const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
    Array where = extreme(in[0], a, sign, attrs.integer("select_last_index", 0) != 0);
    if (attrs.integer("keepdims", 0) == 0) where.shape.erase(where.shape.begin() + static_cast<std::ptrdiff_t>(a));
    return Arrays{where};
  };
}

Arrays hardmax(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  const Array where = extreme(in[0], a, 1, false);
  Array out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = static_cast<double>(i[a]) == where.at(i) ? 1 : 0; });
  return {out};
}

Arrays top_k(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  const double sign = attrs.integer("largest", 1) != 0 ? -1 : 1;
  Shape shape = in[0].shape;
  shape[a] = attrs.integer("k", 1);
  std::map<Shape, std::vector<std::pair<double, std::int64_t>>> lines;
  for_each_index(in[0].shape, [&](const Shape& i) {
    Shape line = i;
    line[a] = 0;
    lines[line].emplace_back(sign * in[0].at(i), i[a]);
  });
  for (auto& [line, values] : lines) std::sort(values.begin(), values.end());
  Array values(shape), where(shape);
  for_each_index(shape, [&](const Shape& i) {
    Shape line = i;
    line[a] = 0;
    const auto& chosen = lines.at(line)[static_cast<std::size_t>(i[a])];
    values.ref(i) = sign * chosen.first;
    where.ref(i) = static_cast<double>(chosen.second);
  });
  return {values, where};
}

Arrays one_hot(const Arrays& in, const Attrs& attrs) {
  Shape shape = in[0].shape;
  const std::size_t a = axis(attrs.integer("axis", -1), shape.size() + 1);
  const std::int64_t classes = attrs.integer("classes", 0);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(a), classes);
  Array out(shape);
  for_each_index(shape, [&](Shape i) {
    const auto k = static_cast<double>(i[a]);
    double& value = out.ref(i);
    i.erase(i.begin() + static_cast<std::ptrdiff_t>(a));
    double label = in[0].at(i);
    if (label < 0) label += static_cast<double>(classes);
    value = label == k ? attrs.real("on", 1) : attrs.real("off", 0);
  });
  return {out};
}

}  // namespace

void add_selection(Table& t) {
  t["argmax"] = arg(1);
  t["argmin"] = arg(-1);
  t["hardmax"] = hardmax;
  t["top_k"] = top_k;
  t["one_hot"] = one_hot;
}

}  // namespace assay::engine::reference
