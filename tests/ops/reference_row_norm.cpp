// Layer, RMS, group, instance, mean-variance and local response normalisation from their definitions: statistics of
// every class of elements, where an element's class is what a function of its index says.
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// How a normalisation looks at a tensor: the statistics that an element belongs to, and its weight.
struct Scheme {
  Shape statistics, weights;
  std::function<Shape(const Shape&)> statistic, weight;
  bool centred = true;
  double count(const Shape& x) const {
    return static_cast<double>(element_count(x)) / static_cast<double>(element_count(statistics));
  }
};

Scheme trailing(const Shape& x, const Attrs& attrs, bool centred) {
  const auto first = static_cast<std::ptrdiff_t>(axis(attrs.integer("axis", -1), x.size()));
  Scheme s;
  s.centred = centred;
  s.statistics = x;
  std::fill(s.statistics.begin() + first, s.statistics.end(), 1);
  s.weights = Shape(x.begin() + first, x.end());
  s.statistic = [first](Shape i) {
    std::fill(i.begin() + first, i.end(), 0);
    return i;
  };
  s.weight = [first](const Shape& i) { return Shape(i.begin() + first, i.end()); };
  return s;
}

Scheme channel_groups(const Shape& x, std::int64_t groups) {
  Scheme s;
  s.statistics = {x[0], groups};
  s.weights = {x[1]};
  s.statistic = [per = x[1] / groups](const Shape& i) { return Shape{i[0], i[1] / per}; };
  s.weight = [](const Shape& i) { return Shape{i[1]}; };
  return s;
}

// in: x, gamma?, beta? -> y, [mean], 1 / deviation.
Arrays normalise(const Arrays& in, const Scheme& s, double eps) {
  const Array& x = in[0];
  Array y(x.shape), mean(s.statistics), inverse(s.statistics);
  if (s.centred) {
    for_each_index(x.shape, [&](const Shape& i) { mean.ref(s.statistic(i)) += x.at(i) / s.count(x.shape); });
  }
  for_each_index(x.shape, [&](const Shape& i) {
    inverse.ref(s.statistic(i)) += std::pow(x.at(i) - mean.ref(s.statistic(i)), 2) / s.count(x.shape);
  });
  for (double& v : inverse.v) v = 1 / std::sqrt(v + eps);
  for_each_index(x.shape, [&](const Shape& i) {
    double v = (x.at(i) - mean.ref(s.statistic(i))) * inverse.ref(s.statistic(i));
    if (in.size() > 1) v *= in[1].at(s.weight(i));
    if (in.size() > 2) v += in[2].at(s.weight(i));
    y.ref(i) = v;
  });
  return s.centred ? Arrays{y, mean, inverse} : Arrays{y, inverse};
}

struct GradientOperands {
  Array x, mean, inverse, g, gamma;
};

// From y = xhat gamma + beta: the part of dy along the statistics is taken out of gamma g.
Arrays gradient(const GradientOperands& in, const Scheme& s, bool weights) {
  const Array& x = in.x;
  Array plain(s.statistics), weighted(s.statistics), dx(x.shape), dgamma(s.weights), dbeta(s.weights);
  const auto hat = [&](const Shape& i) {
    Array mean = in.mean, inverse = in.inverse;
    return (x.at(i) - mean.ref(s.statistic(i))) * inverse.ref(s.statistic(i));
  };
  const auto scaled = [&](const Shape& i) { return in.g.at(i) * in.gamma.at(s.weight(i)); };
  for_each_index(x.shape, [&](const Shape& i) {
    plain.ref(s.statistic(i)) += s.centred ? scaled(i) / s.count(x.shape) : 0.0;
    weighted.ref(s.statistic(i)) += scaled(i) * hat(i) / s.count(x.shape);
    dgamma.ref(s.weight(i)) += in.g.at(i) * hat(i);
    dbeta.ref(s.weight(i)) += in.g.at(i);
  });
  for_each_index(x.shape, [&](const Shape& i) {
    Array inverse = in.inverse;
    const double inner = scaled(i) - plain.ref(s.statistic(i)) - hat(i) * weighted.ref(s.statistic(i));
    dx.ref(i) = inner * inverse.ref(s.statistic(i));
  });
  if (!weights) return {dx};
  return s.centred ? Arrays{dx, dgamma, dbeta} : Arrays{dx, dgamma};
}

Array ones(const Shape& shape) {
  Array a(shape);
  for (double& v : a.v) v = 1;
  return a;
}

Function trailing_forward(bool centred) {
  return [centred](const Arrays& in, const Attrs& a) {
    return normalise(in, trailing(in[0].shape, a, centred), a.real("eps", 1e-5));
  };
}

Function trailing_gradient(bool centred) {
  return [centred](const Arrays& in, const Attrs& a) {
    const Scheme s = trailing(in[0].shape, a, centred);
    const std::size_t g = centred ? 3 : 2;
    const GradientOperands operands{in[0], centred ? in[1] : Array(s.statistics), in[g - 1], in[g],
                                    in.size() > g + 1 ? in[g + 1] : ones(s.weights)};
    return gradient(operands, s, a.integer("weights", 0) != 0);
  };
}

using Groups = std::function<std::int64_t(const Shape& x, const Attrs& attrs)>;

Function grouped_forward(const Groups& groups) {
  return [groups](const Arrays& in, const Attrs& a) {
    return normalise(in, channel_groups(in[0].shape, groups(in[0].shape, a)), a.real("eps", 1e-5));
  };
}

Function grouped_gradient(const Groups& groups) {
  return [groups](const Arrays& in, const Attrs& a) {
    const Scheme s = channel_groups(in[0].shape, groups(in[0].shape, a));
    return gradient({in[0], in[2], in[3], in[4], in[1]}, s, a.integer("weights", 0) != 0);
  };
}

Arrays lrn(const Arrays& in, const Attrs& a) {
  const std::int64_t size = a.integer("size", 5), channels = in[0].shape[1];
  const double alpha = a.real("alpha", 1e-4) / static_cast<double>(size);
  Array out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& i) {
    double sum = 0;
    for (std::int64_t k = 0; k < size; ++k) {
      Shape near = i;
      near[1] += k - (size - 1) / 2;
      if (near[1] >= 0 && near[1] < channels) sum += std::pow(in[0].at(near), 2);
    }
    out.ref(i) = in[0].at(i) / std::pow(a.real("bias", 1) + alpha * sum, a.real("beta", 0.75));
  });
  return {out};
}

Arrays mean_variance(const Arrays& in, const Attrs& a) {
  const Shape axes = a.ints("axes", {0, 2, 3});
  Scheme s;
  s.statistics = in[0].shape;
  for (const std::int64_t axis : axes) s.statistics[static_cast<std::size_t>(axis)] = 1;
  s.statistic = [axes](Shape i) {
    for (const std::int64_t axis : axes) i[static_cast<std::size_t>(axis)] = 0;
    return i;
  };
  Arrays made = normalise(in, s, 0);
  for_each_index(in[0].shape, [&](const Shape& i) {
    const double deviation = 1 / made[2].ref(s.statistic(i));  // 0 of equal elements
    made[0].ref(i) = (in[0].at(i) - made[1].ref(s.statistic(i))) / (deviation + 1e-9);
  });
  return {made[0]};
}

}  // namespace

void add_row_norms(Table& t) {
  t["layer_norm"] = trailing_forward(true);
  t["layer_norm_grad"] = trailing_gradient(true);
  t["rms_norm"] = trailing_forward(false);
  t["rms_norm_grad"] = trailing_gradient(false);
  const Groups given = [](const Shape&, const Attrs& a) { return a.integer("groups", 1); };
  const Groups each = [](const Shape& x, const Attrs&) { return x[1]; };
  t["lrn"] = lrn;
  t["mean_variance_normalization"] = mean_variance;
  t["group_norm"] = grouped_forward(given);
  t["group_norm_grad"] = grouped_gradient(given);
  t["instance_norm"] = grouped_forward(each);
  t["instance_norm_grad"] = grouped_gradient(each);
}

}  // namespace assay::engine::reference
