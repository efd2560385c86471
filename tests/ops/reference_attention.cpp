// Attention and its gradient, one query and one key at a time.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// Batch axes of all operands joined.
Shape joint_batch(const Arrays& in) {
  std::size_t rank = 0;
  for (const Array& a : in) rank = std::max(rank, a.shape.size() - 2);
  Shape batch(rank, 1);
  for (const Array& a : in) {
    for (std::size_t i = 0; i + 2 < a.shape.size(); ++i) {
      std::int64_t& extent = batch[rank - (a.shape.size() - 2) + i];
      if (a.shape[i] != 1) extent = a.shape[i];
    }
  }
  return batch;
}

struct Heads {
  const Array &q, &k, &v;
  const Array* mask;
  double scale;
  bool causal;
  std::int64_t t, s, d, e;

  Heads(const Arrays& in, const Attrs& attrs, std::size_t mask_at)
      : q(in[0]),
        k(in[1]),
        v(in[2]),
        mask(in.size() > mask_at ? &in[mask_at] : nullptr),
        scale(attrs.real("scale", 1 / std::sqrt(static_cast<double>(q.shape.back())))),
        causal(attrs.integer("causal", 0) != 0),
        t(q.shape[q.shape.size() - 2]),
        s(k.shape[k.shape.size() - 2]),
        d(q.shape.back()),
        e(v.shape.back()) {}

  // The element (row, column) of the operand's matrix that belongs to `batch`.
  static double at(const Array& a, const Shape& batch, std::int64_t row, std::int64_t column) {
    Shape index = batch;
    index.insert(index.end(), {row, column});
    const std::size_t drop = index.size() - a.shape.size();
    return a.at(Shape(index.begin() + static_cast<std::ptrdiff_t>(drop), index.end()));
  }

  std::vector<double> probabilities(const Shape& batch, std::int64_t row) const {
    std::vector<double> p(static_cast<std::size_t>(s));
    for (std::int64_t j = 0; j < s; ++j) {
      double score = 0;
      for (std::int64_t c = 0; c < d; ++c) score += at(q, batch, row, c) * at(k, batch, j, c);
      score = score * scale + (mask ? at(*mask, batch, row, j) : 0);
      p[static_cast<std::size_t>(j)] = causal && j > row ? -INFINITY : score;
    }
    const double top = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& x : p) sum += x = std::exp(x - top);
    for (double& x : p) x /= sum;
    return p;
  }
};

Array matrices(Shape batch, std::int64_t rows, std::int64_t columns) {
  batch.insert(batch.end(), {rows, columns});
  return Array(batch);
}

double& entry(Array& a, Shape batch, std::int64_t row, std::int64_t column) {
  batch.insert(batch.end(), {row, column});
  return a.ref(batch);
}

Arrays forward(const Arrays& in, const Attrs& attrs) {
  const Heads h(in, attrs, 3);
  const Shape batch = joint_batch(in);
  Array out = matrices(batch, h.t, h.e);
  for_each_index(batch, [&](const Shape& b) {
    for (std::int64_t i = 0; i < h.t; ++i) {
      const auto p = h.probabilities(b, i);
      for (std::int64_t j = 0; j < h.s; ++j) {
        for (std::int64_t c = 0; c < h.e; ++c) {
          entry(out, b, i, c) += p[static_cast<std::size_t>(j)] * Heads::at(h.v, b, j, c);
        }
      }
    }
  });
  return {out};
}

Arrays backward(const Arrays& in, const Attrs& attrs) {
  const Heads h(in, attrs, 4);
  const Array& g = in[3];
  const Shape batch(g.shape.begin(), g.shape.end() - 2);
  Array dq = matrices(batch, h.t, h.d), dk = matrices(batch, h.s, h.d), dv = matrices(batch, h.s, h.e);
  for_each_index(batch, [&](const Shape& b) {
    for (std::int64_t i = 0; i < h.t; ++i) {
      const auto p = h.probabilities(b, i);
      std::vector<double> dp(p.size(), 0.0);
      double mean = 0;
      for (std::size_t j = 0; j < p.size(); ++j) {
        const auto key = static_cast<std::int64_t>(j);
        for (std::int64_t c = 0; c < h.e; ++c) {
          dp[j] += Heads::at(g, b, i, c) * Heads::at(h.v, b, key, c);
          entry(dv, b, key, c) += p[j] * Heads::at(g, b, i, c);
        }
        mean += p[j] * dp[j];
      }
      for (std::size_t j = 0; j < p.size(); ++j) {
        const auto key = static_cast<std::int64_t>(j);
        const double score = p[j] * (dp[j] - mean) * h.scale;
        for (std::int64_t c = 0; c < h.d; ++c) {
          entry(dq, b, i, c) += score * Heads::at(h.k, b, key, c);
          entry(dk, b, key, c) += score * Heads::at(h.q, b, i, c);
        }
      }
    }
  });
  return {dq, dk, dv};
}

}  // namespace

void add_attention(Table& t) {
  t["attention"] = forward;
  t["attention_grad"] = backward;
}

}  // namespace assay::engine::reference
