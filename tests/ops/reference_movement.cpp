// Ops that move or select elements.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

Shape full(const Attrs& attrs, const char* key, std::size_t rank, std::int64_t fallback) {
  return attrs.ints(key, Shape(rank, fallback));
}

Arrays reshape(const Arrays& in, const Attrs& attrs) {
  Array out = in[0];
  out.shape = attrs.ints("shape", {});
  std::int64_t known = 1;
  for (const std::int64_t d : out.shape) known *= d == -1 ? 1 : d;
  for (std::int64_t& d : out.shape) d = d == -1 ? element_count(in[0].shape) / known : d;
  return {out};
}

Arrays expand(const Arrays& in, const Attrs& attrs) {
  Array out(attrs.ints("shape", {}));
  for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = in[0].at(i); });
  return {out};
}

Arrays transpose(const Arrays& in, const Attrs& attrs) {
  const std::size_t rank = in[0].shape.size();
  Shape perm(rank);
  std::iota(perm.rbegin(), perm.rend(), 0);
  perm = attrs.ints("perm", perm);
  Shape shape;
  for (const std::int64_t p : perm) shape.push_back(in[0].shape[static_cast<std::size_t>(p)]);
  Array out(shape);
  for_each_index(in[0].shape, [&](const Shape& i) {
    Shape o;
    for (const std::int64_t p : perm) o.push_back(i[static_cast<std::size_t>(p)]);
    out.ref(o) = in[0].at(i);
  });
  return {out};
}

Arrays concat(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", 0), in[0].shape.size());
  Shape shape = in[0].shape;
  shape[a] = 0;
  for (const Array& x : in) shape[a] += x.shape[a];
  Array out(shape);
  std::int64_t from = 0;
  for (const Array& x : in) {
    for_each_index(x.shape, [&](Shape i) {
      const double value = x.at(i);
      i[a] += from;
      out.ref(i) = value;
    });
    from += x.shape[a];
  }
  return {out};
}

Arrays split(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", 0), in[0].shape.size());
  Arrays parts;
  std::int64_t from = 0;
  for (const std::int64_t size : attrs.ints("sizes", {})) {
    Shape shape = in[0].shape;
    shape[a] = size;
    parts.emplace_back(shape);
    for_each_index(shape, [&](const Shape& i) {
      Shape at = i;
      at[a] += from;
      parts.back().ref(i) = in[0].at(at);
    });
    from += size;
  }
  return parts;
}

Arrays slice(const Arrays& in, const Attrs& attrs) {
  const std::size_t rank = in[0].shape.size();
  const Shape begin = full(attrs, "begin", rank, 0), step = full(attrs, "step", rank, 1);
  Shape size = full(attrs, "size", rank, -1);
  for (std::size_t k = 0; k < rank; ++k) {
    if (size[k] != -1) continue;
    size[k] = 0;
    for (std::int64_t at = begin[k]; at < in[0].shape[k]; at += step[k]) ++size[k];
  }
  Array out(size);
  for_each_index(size, [&](const Shape& i) {
    Shape from = i;
    for (std::size_t k = 0; k < rank; ++k) from[k] = begin[k] + i[k] * step[k];
    out.ref(i) = in[0].at(from);
  });
  return {out};
}

Arrays unslice(const Arrays& in, const Attrs& attrs) {
  const std::size_t rank = in[0].shape.size();
  const Shape begin = full(attrs, "begin", rank, 0), step = full(attrs, "step", rank, 1);
  Array out(attrs.ints("shape", {}));
  for_each_index(in[0].shape, [&](const Shape& i) {
    Shape to = i;
    for (std::size_t k = 0; k < rank; ++k) to[k] = begin[k] + i[k] * step[k];
    out.ref(to) = in[0].at(i);
  });
  return {out};
}

// Index of the sliced operand that belongs to index `i` of the gathered result.
Shape gathered(const Shape& i, const Array& indices, std::size_t a) {
  const auto at = i.begin() + static_cast<std::ptrdiff_t>(a);
  const Shape inner(at, at + indices.rank());
  Shape from(i.begin(), at);
  from.push_back(static_cast<std::int64_t>(indices.at(inner)));
  from.insert(from.end(), at + indices.rank(), i.end());
  return from;
}

Arrays gather(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", 0), in[0].shape.size());
  Shape shape = in[0].shape;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(a));
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(a), in[1].shape.begin(), in[1].shape.end());
  Array out(shape);
  for_each_index(shape, [&](const Shape& i) { out.ref(i) = in[0].at(gathered(i, in[1], a)); });
  return {out};
}

Arrays scatter_add(const Arrays& in, const Attrs& attrs) {
  const auto a = static_cast<std::size_t>(attrs.integer("axis", 0));
  Shape shape = in[0].shape;
  const auto at = shape.begin() + static_cast<std::ptrdiff_t>(a);
  shape.insert(shape.erase(at, at + in[1].rank()), attrs.integer("extent", 0));
  Array out(shape);
  for_each_index(in[0].shape, [&](const Shape& i) { out.ref(gathered(i, in[1], a)) += in[0].at(i); });
  return {out};
}

Arrays take_along(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  Array out(in[1].shape);
  for_each_index(out.shape, [&](const Shape& i) {
    Shape from = i;
    from[a] = static_cast<std::int64_t>(in[1].at(i));
    // Extents of 1 repeat in at(); along the axis the index is exact, elsewhere it is equal.
    out.ref(i) = in[0].at(from);
  });
  return {out};
}

Arrays put_along_add(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  Shape shape = in[0].shape;
  shape[a] = attrs.integer("extent", 0);
  Array out(shape);
  for_each_index(in[0].shape, [&](const Shape& i) {
    Shape to = i;
    to[a] = static_cast<std::int64_t>(in[1].at(i));
    out.ref(to) += in[0].at(i);
  });
  return {out};
}

Arrays argmax(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  Shape shape = in[0].shape;
  shape[a] = 1;
  Array best(shape), where(shape);
  std::fill(best.v.begin(), best.v.end(), -INFINITY);
  for_each_index(in[0].shape, [&](const Shape& i) {
    Shape to = i;
    to[a] = 0;
    if (in[0].at(i) <= best.at(to)) return;
    best.ref(to) = in[0].at(i);
    where.ref(to) = static_cast<double>(i[a]);
  });
  if (attrs.integer("keepdims", 0) == 0) where.shape.erase(where.shape.begin() + static_cast<std::ptrdiff_t>(a));
  return {where};
}

Arrays top_k(const Arrays& in, const Attrs& attrs) {
  const auto n = static_cast<std::size_t>(in[0].shape.back()), k = static_cast<std::size_t>(attrs.integer("k", 1));
  Shape shape = in[0].shape;
  shape.back() = static_cast<std::int64_t>(k);
  Array values(shape), where(shape);
  for (std::size_t row = 0; row * n < in[0].v.size(); ++row) {
    std::vector<std::pair<double, std::size_t>> sorted;
    for (std::size_t i = 0; i < n; ++i) sorted.emplace_back(-in[0].v[row * n + i], i);
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < k; ++i) {
      values.v[row * k + i] = -sorted[i].first;
      where.v[row * k + i] = static_cast<double>(sorted[i].second);
    }
  }
  return {values, where};
}

Arrays cast(const Arrays& in, const Attrs& attrs) {
  Array out = in[0];
  const std::string to = attrs.text("to", "F32");
  for (double& v : out.v) {
    if (to != "F32") v = std::trunc(v);
    if (to == "U8") v = std::clamp(v, 0.0, 255.0);
  }
  return {out};
}

}  // namespace

void add_movement(Table& t) {
  t["reshape"] = reshape;
  t["expand"] = expand;
  t["transpose"] = transpose;
  t["concat"] = concat;
  t["split"] = split;
  t["slice"] = slice;
  t["unslice"] = unslice;
  t["gather"] = gather;
  t["embedding"] = [](const Arrays& in, const Attrs&) { return gather(in, {}); };
  t["scatter_add"] = scatter_add;
  t["take_along"] = take_along;
  t["put_along_add"] = put_along_add;
  t["argmax"] = argmax;
  t["top_k"] = top_k;
  t["cast"] = cast;
}

}  // namespace assay::engine::reference
