// Sorting, what is made of it, and einsum as one sum over all indices.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// Lines of x along an axis: body(index with the axis at 0).
void for_each_line(const Shape& x, std::size_t a, const std::function<void(Shape)>& body) {
  Shape outer = x;
  outer[a] = 1;
  for_each_index(outer, body);
}

std::vector<std::pair<double, std::int64_t>> line_of(const Array& x, std::size_t a, Shape at) {
  std::vector<std::pair<double, std::int64_t>> line;
  for (at[a] = 0; at[a] < x.shape[a]; ++at[a]) line.emplace_back(x.at(at), at[a]);
  return line;
}

Arrays sort(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  const double sign = attrs.integer("descending", 0) != 0 ? -1 : 1;
  Array values(in[0].shape), where(in[0].shape);
  if (values.v.empty()) return {values, where};
  for_each_line(in[0].shape, a, [&](Shape at) {
    auto line = line_of(in[0], a, at);
    for (auto& [value, index] : line) value *= sign;
    std::sort(line.begin(), line.end());
    for (at[a] = 0; at[a] < in[0].shape[a]; ++at[a]) {
      values.ref(at) = sign * line[static_cast<std::size_t>(at[a])].first;
      where.ref(at) = static_cast<double>(line[static_cast<std::size_t>(at[a])].second);
    }
  });
  return {values, where};
}

Arrays quantile(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  Shape shape = in[0].shape;
  shape[a] = 1;
  Array out(shape);
  for_each_line(in[0].shape, a, [&](const Shape& at) {
    auto line = line_of(in[0], a, at);
    std::sort(line.begin(), line.end());
    const double place = attrs.real("q", 0.5) * static_cast<double>(line.size() - 1);
    const double below = line[static_cast<std::size_t>(std::floor(place))].first;
    const double above = line[static_cast<std::size_t>(std::ceil(place))].first;
    out.ref(at) = below + (above - below) * (place - std::floor(place));
  });
  if (attrs.integer("keepdims", 0) == 0) out.shape.erase(out.shape.begin() + static_cast<std::ptrdiff_t>(a));
  return {out};
}

// Labels of a term, an ellipsis as digits counted from the last axis.
std::string labels_of(std::string term, std::size_t rank) {
  const std::size_t dots = term.find("...");
  if (dots == std::string::npos) return term;
  std::string digits;
  for (std::size_t i = rank - (term.size() - 3); i-- > 0;) digits += static_cast<char>('0' + i);
  return term.replace(dots, 3, digits);
}

std::string implicit_labels(const std::vector<std::string>& terms) {
  std::string all, dots, letters;
  for (const std::string& t : terms) all += t;
  for (char c = '9'; c >= '0'; --c) dots += all.find(c) != std::string::npos ? std::string(1, c) : "";
  for (char c = 'A'; c <= 'z'; ++c) letters += std::count(all.begin(), all.end(), c) == 1 ? std::string(1, c) : "";
  return dots + letters;
}

Arrays einsum(const Arrays& in, const Attrs& attrs) {
  std::string equation = attrs.text("equation", "");
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const std::size_t arrow = equation.find("->");
  std::string left = equation.substr(0, arrow) + ",";
  std::vector<std::string> terms;
  for (std::size_t comma; (comma = left.find(',')) != std::string::npos; left.erase(0, comma + 1)) {
    terms.push_back(labels_of(left.substr(0, comma), in[terms.size()].shape.size()));
  }
  std::map<char, std::int64_t> extents;
  std::size_t dots = 0;
  for (std::size_t k = 0; k < in.size(); ++k) {
    for (std::size_t a = 0; a < terms[k].size(); ++a) {
      std::int64_t& extent = extents.emplace(terms[k][a], 1).first->second;
      if (in[k].shape[a] != 1) extent = in[k].shape[a];
    }
    dots = std::max<std::size_t>(dots, static_cast<std::size_t>(std::count_if(terms[k].begin(), terms[k].end(),
                                                                              [](char c) { return c <= '9'; })));
  }
  std::string result = arrow == std::string::npos ? implicit_labels(terms) : equation.substr(arrow + 2);
  if (result.find("...") != std::string::npos) result = labels_of(result, result.size() - 3 + dots);
  Shape out_shape, all;
  for (const char c : result) out_shape.push_back(extents.at(c));
  std::map<char, std::size_t> place;
  for (const auto& [label, extent] : extents) place[label] = all.size(), all.push_back(extent);
  Array out(out_shape);
  const auto pick = [&](const std::string& labels, const Shape& at) {
    Shape index;
    for (const char c : labels) index.push_back(at[place.at(c)]);
    return index;
  };
  for_each_index(all, [&](const Shape& at) {
    double product = 1;
    for (std::size_t k = 0; k < in.size(); ++k) product *= in[k].at(pick(terms[k], at));
    out.ref(pick(result, at)) += product;
  });
  return {out};
}

}  // namespace

void add_sorting(Table& t) {
  t["sort"] = sort;
  t["quantile"] = quantile;
  t["median"] = [](const Arrays& in, const Attrs& attrs) {
    Attrs half = attrs;
    half.set("q", 0.5);
    return quantile(in, half);
  };
  t["einsum"] = einsum;
}

}  // namespace assay::engine::reference
