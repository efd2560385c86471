// Rows of floats on the host, and one role call in that form: what attacks with a state for each sample are written on.
// A sample is a row; nothing here mixes rows, so a result does not depend on what else is in the batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "assay/sdk.hpp"

namespace attacks {

using Index = std::vector<std::size_t>;  // positions of samples in the role call
using Labels = std::vector<std::int64_t>;
using Row = std::span<float>;
using ConstRow = std::span<const float>;

struct Points {  // [count, size], row-major
  std::size_t size = 0;
  std::vector<float> values;

  Points() = default;
  Points(std::size_t count, std::size_t row) : size(row), values(count * row, 0.0f) {}
  explicit Points(const assay::Tensor& x)
      : size(static_cast<std::size_t>(x.count() / std::max<std::int64_t>(1, x.dim(0)))) {
    const std::span<const float> all = x.floats();
    values.assign(all.begin(), all.end());
  }
  std::size_t count() const { return size == 0 ? 0 : values.size() / size; }
  Row row(std::size_t i) { return Row(values).subspan(i * size, size); }
  ConstRow row(std::size_t i) const { return ConstRow(values).subspan(i * size, size); }
};

inline void copy(ConstRow from, Row to) { std::copy(from.begin(), from.end(), to.begin()); }

template <class Item>
std::vector<Item> take(const std::vector<Item>& from, const Index& rows) {
  std::vector<Item> out;
  out.reserve(rows.size());
  for (const std::size_t i : rows) out.push_back(from[i]);
  return out;
}
inline Points take(const Points& from, const Index& rows) {
  Points out(rows.size(), from.size);
  for (std::size_t i = 0; i < rows.size(); ++i) copy(from.row(rows[i]), out.row(i));
  return out;
}
inline Index every(std::size_t count) {
  Index rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

enum class Norm { linf, l2, l1, l0 };

// One call of the role. `x` are the clean inputs, `lo` and `hi` the valid range of each of their elements.
struct Problem {
  const assay::Run& run;
  const assay::Batch& batch;
  const assay::Model& model;  // the first source
  assay::Shape shape;         // of the batch
  Points x, lo, hi;
  Labels y, ids;
  Norm norm;
  double eps;
  bool targeted;  // y holds targets
  std::size_t classes;

  Problem(const assay::Run& context, const assay::Batch& call, std::initializer_list<Norm> served, const char* method)
      : run(context),
        batch(call),
        model(call.model),
        shape(call.x.shape()),
        x(call.x),
        lo(expand(call.lo, shape)),
        hi(expand(call.hi, shape)),
        y(call.y.ints().begin(), call.y.ints().end()),
        ids(call.ids.ints().begin(), call.ids.ints().end()),
        norm(call.norm == "l2"   ? Norm::l2
             : call.norm == "l1" ? Norm::l1
             : call.norm == "l0" ? Norm::l0
                                 : Norm::linf),
        eps(call.eps),
        targeted(call.targeted),
        classes(static_cast<std::size_t>(model.classes())) {
    const bool known = call.norm == "linf" || norm != Norm::linf;
    if (known && std::find(served.begin(), served.end(), norm) != served.end()) return;
    assay::fail(ASSAY_UNSUPPORTED, std::string(method) + " is not defined for norm " + call.norm);
  }

  std::size_t count() const { return x.count(); }
  assay::Tensor tensor(const Points& points) const {
    assay::Shape dims = shape;
    dims[0] = static_cast<std::int64_t>(points.count());
    return run.tensor<float>(dims, points.values);
  }
  assay::Tensor labels(const Labels& values) const {
    return run.tensor<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
  }
  // Ids of `rows`: what every random number of theirs is keyed by.
  assay::Tensor keys(const Index& rows) const { return labels(take(ids, rows)); }
  // Random rows keyed by the ids of `rows`, shaped like a sample.
  Points uniform(const char* purpose, const Index& rows, double from, double to, std::uint64_t index) const {
    return Points(run.uniform(purpose, dims_of(rows), from, to, {.ids = keys(rows), .index = index}));
  }
  Points normal(const char* purpose, const Index& rows, std::uint64_t index) const {
    return Points(run.normal(purpose, dims_of(rows), 0, 1, {.ids = keys(rows), .index = index}));
  }

 private:
  assay::Shape dims_of(const Index& rows) const {
    assay::Shape dims = shape;
    dims[0] = static_cast<std::int64_t>(rows.size());
    return dims;
  }
};

}  // namespace attacks
