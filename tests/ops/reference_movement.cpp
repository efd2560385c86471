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

Arrays cast(const Arrays& in, const Attrs& attrs) {
  Array out = in[0];
  const std::string to = attrs.text("to", "F32");
  for (double& v : out.v) {
    if (to != "F32" && to != "F64") v = std::trunc(v);
    if (to == "U8") v = std::clamp(v, 0.0, 255.0);
  }
  return {out};
}

Arrays tile(const Arrays& in, const Attrs& attrs) {
  const Shape repeats = full(attrs, "repeats", in[0].shape.size(), 1);
  Shape shape = in[0].shape;
  for (std::size_t k = 0; k < shape.size(); ++k) shape[k] *= repeats[k];
  Array out(shape);
  for_each_index(shape, [&](const Shape& i) {
    Shape from = i;
    for (std::size_t k = 0; k < from.size(); ++k) from[k] %= in[0].shape[k];
    out.ref(i) = in[0].at(from);
  });
  return {out};
}

Arrays trilu(const Arrays& in, const Attrs& attrs) {
  Array out = in[0];
  const std::int64_t k = attrs.integer("k", 0);
  for_each_index(out.shape, [&](const Shape& i) {
    const std::int64_t row = i[i.size() - 2], column = i.back();
    const bool kept = attrs.integer("upper", 1) != 0 ? column >= row + k : column <= row + k;
    if (!kept) out.ref(i) = 0;
  });
  return {out};
}

Arrays eye_like(const Arrays& in, const Attrs& attrs) {
  Array out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = i[1] - i[0] == attrs.integer("k", 0) ? 1 : 0; });
  return {out};
}

// Every result is the sum over the elements that lie before it, or after it in reverse.
Arrays cumsum(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", 0), in[0].shape.size());
  const bool reverse = attrs.integer("reverse", 0) != 0, exclusive = attrs.integer("exclusive", 0) != 0;
  Array out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& i) {
    for (Shape from = i; from[a] >= 0 && from[a] < out.shape[a]; from[a] += reverse ? 1 : -1) {
      if (!exclusive || from[a] != i[a]) out.ref(i) += in[0].at(from);
    }
  });
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
  t["cast"] = cast;
  t["tile"] = tile;
  t["trilu"] = trilu;
  t["eye_like"] = eye_like;
  t["cumsum"] = cumsum;
  t["detach"] = [](const Arrays& in, const Attrs&) { return in; };
}

}  // namespace assay::engine::reference
