// Ops that read or write at indices.
#include <algorithm>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

std::int64_t whole(double index, std::int64_t extent) {
  const auto i = static_cast<std::int64_t>(index);
  return i < 0 ? i + extent : i;
}

// The exact element: at() would repeat extents of 1.
double exact(Array x, const Shape& index) { return x.ref(index); }

// Index of the sliced operand that belongs to index `i` of the gathered result.
Shape gathered(const Shape& i, const Array& indices, std::size_t a, std::int64_t extent) {
  const auto at = i.begin() + static_cast<std::ptrdiff_t>(a);
  const Shape inner(at, at + indices.rank());
  Shape from(i.begin(), at);
  from.push_back(whole(indices.at(inner), extent));
  from.insert(from.end(), at + indices.rank(), i.end());
  return from;
}

Arrays gather(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", 0), in[0].shape.size());
  const std::int64_t extent = in[0].shape[a];
  Shape shape = in[0].shape;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(a));
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(a), in[1].shape.begin(), in[1].shape.end());
  Array out(shape);
  for_each_index(shape, [&](const Shape& i) { out.ref(i) = exact(in[0], gathered(i, in[1], a, extent)); });
  return {out};
}

Arrays scatter_add(const Arrays& in, const Attrs& attrs) {
  const auto a = static_cast<std::size_t>(attrs.integer("axis", 0));
  const std::int64_t extent = attrs.integer("extent", 0);
  Shape shape = in[0].shape;
  const auto at = shape.begin() + static_cast<std::ptrdiff_t>(a);
  shape.insert(shape.erase(at, at + in[1].rank()), extent);
  Array out(shape);
  for_each_index(in[0].shape, [&](const Shape& i) { out.ref(gathered(i, in[1], a, extent)) += in[0].at(i); });
  return {out};
}

Function take_along(std::int64_t default_axis) {
  return [default_axis](const Arrays& in, const Attrs& attrs) {
    const std::size_t a = axis(attrs.integer("axis", default_axis), in[0].shape.size());
    Array out(in[1].shape);
    for_each_index(out.shape, [&](const Shape& i) {
      Shape from = i;
      from[a] = whole(in[1].at(i), in[0].shape[a]);
      out.ref(i) = exact(in[0], from);
    });
    return Arrays{out};
  };
}

Arrays put_along_add(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", -1), in[0].shape.size());
  Shape shape = attrs.ints("shape", in[0].shape);
  if (!attrs.has("shape")) shape[a] = attrs.integer("extent", 0);
  Array out(shape);
  for_each_index(in[0].shape, [&](const Shape& i) {
    Shape to = i;
    to[a] = whole(in[1].at(i), shape[a]);
    out.ref(to) += in[0].at(i);
  });
  return {out};
}

double joined(const std::string& how, double old, double update) {
  if (how == "add") return old + update;
  if (how == "mul") return old * update;
  if (how == "max") return std::max(old, update);
  return how == "min" ? std::min(old, update) : update;
}

Arrays scatter_elements(const Arrays& in, const Attrs& attrs) {
  const std::size_t a = axis(attrs.integer("axis", 0), in[0].shape.size());
  Array out = in[0];
  for_each_index(in[1].shape, [&](const Shape& i) {
    Shape to = i;
    to[a] = whole(in[1].at(i), out.shape[a]);
    double& old = out.ref(to);
    old = joined(attrs.text("reduction", "none"), old, in[2].at(i));
  });
  return {out};
}

// Index into x of element `i` of the slices at the places [B.., I.., K].
Shape placed(const Shape& i, const Array& places, std::size_t batch, const Shape& x) {
  const std::size_t lead = places.shape.size() - 1;
  const auto depth = static_cast<std::size_t>(places.shape.back());
  Shape to(i.begin(), i.begin() + static_cast<std::ptrdiff_t>(batch));
  Shape place(i.begin(), i.begin() + static_cast<std::ptrdiff_t>(lead));
  place.push_back(0);
  for (std::size_t k = 0; k < depth; ++k) {
    place.back() = static_cast<std::int64_t>(k);
    to.push_back(whole(places.at(place), x[batch + k]));
  }
  to.insert(to.end(), i.begin() + static_cast<std::ptrdiff_t>(lead), i.end());
  return to;
}

Arrays gather_nd(const Arrays& in, const Attrs& attrs) {
  const auto batch = static_cast<std::size_t>(attrs.integer("batch_dims", 0));
  Shape shape(in[1].shape.begin(), in[1].shape.end() - 1);
  shape.insert(shape.end(), in[0].shape.begin() + static_cast<std::ptrdiff_t>(batch) + in[1].shape.back(),
               in[0].shape.end());
  Array out(shape);
  for_each_index(shape, [&](const Shape& i) { out.ref(i) = exact(in[0], placed(i, in[1], batch, in[0].shape)); });
  return {out};
}

Arrays put_nd_add(const Arrays& in, const Attrs& attrs) {
  const auto batch = static_cast<std::size_t>(attrs.integer("batch_dims", 0));
  Array out(attrs.ints("shape", {}));
  for_each_index(in[0].shape, [&](const Shape& i) { out.ref(placed(i, in[1], batch, out.shape)) += in[0].at(i); });
  return {out};
}

Arrays scatter_nd(const Arrays& in, const Attrs& attrs) {
  Array out = in[0];
  for_each_index(in[2].shape, [&](const Shape& i) {
    double& old = out.ref(placed(i, in[1], 0, out.shape));
    old = joined(attrs.text("reduction", "none"), old, in[2].at(i));
  });
  return {out};
}

}  // namespace

void add_indexing(Table& t) {
  t["gather"] = gather;
  t["index_select"] = gather;
  t["embedding"] = [](const Arrays& in, const Attrs&) { return gather(in, {}); };
  t["scatter_add"] = scatter_add;
  t["gather_elements"] = take_along(0);
  t["take_along"] = take_along(-1);
  t["put_along_add"] = put_along_add;
  t["scatter_elements"] = scatter_elements;
  t["gather_nd"] = gather_nd;
  t["put_nd_add"] = put_nd_add;
  t["scatter_nd"] = scatter_nd;
}

}  // namespace assay::engine::reference
