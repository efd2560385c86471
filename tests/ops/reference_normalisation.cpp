// Batch normalisation from its definition.
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// Mean of f(index) over everything but the channel, one a channel.
Array channel_mean(const Shape& x, const std::function<double(const Shape&)>& f) {
  Array out({x[1]});
  const double count = static_cast<double>(element_count(x)) / static_cast<double>(x[1]);
  for_each_index(x, [&](const Shape& i) { out.ref({i[1]}) += f(i) / count; });
  return out;
}

Arrays train(const Arrays& in, const Attrs& attrs) {
  const Array& x = in[0];
  const Array mean = channel_mean(x.shape, [&](const Shape& i) { return x.at(i); });
  const Array var = channel_mean(x.shape, [&](const Shape& i) { return std::pow(x.at(i) - mean.at({i[1]}), 2); });
  Array y(x.shape);
  for_each_index(x.shape, [&](const Shape& i) {
    const Shape c = {i[1]};
    double v = (x.at(i) - mean.at(c)) / std::sqrt(var.at(c) + attrs.real("eps", 1e-5)) * in[1].at(c) + in[2].at(c);
    if (attrs.integer("residual", 0) != 0) v += in[3].at(i);
    const std::string act = attrs.text("act", "");
    y.ref(i) = act.empty() ? v : std::max(act == "relu6" ? std::min(v, 6.0) : v, 0.0);
  });
  return {y, mean, var};
}

// in: x, gamma, mean, var, g, [y]. From y = xhat gamma + beta with the chain rule over mean and variance.
Arrays train_grad(const Arrays& in, const Attrs& attrs) {
  const Array &x = in[0], &gamma = in[1], &mean = in[2], &var = in[3], &g = in[4];
  const double count = static_cast<double>(element_count(x.shape)) / static_cast<double>(x.shape[1]);
  const auto inverse = [&](const Shape& c) { return 1 / std::sqrt(var.at(c) + attrs.real("eps", 1e-5)); };
  Array dz(x.shape), dx(x.shape), dgamma(gamma.shape), dbeta(gamma.shape), dmean(gamma.shape), dvar(gamma.shape);
  for_each_index(x.shape, [&](const Shape& i) {
    const Shape c = {i[1]};
    const std::string act = attrs.text("act", "");
    const bool passes = act.empty() || (in[5].at(i) > 0 && (act == "relu" || in[5].at(i) < 6));
    const double d = passes ? g.at(i) : 0.0, centred = x.at(i) - mean.at(c);
    dz.ref(i) = d;
    dgamma.ref(c) += d * centred * inverse(c);
    dbeta.ref(c) += d;
    dvar.ref(c) += d * gamma.at(c) * centred * -0.5 * std::pow(inverse(c), 3);
    dmean.ref(c) -= d * gamma.at(c) * inverse(c);
  });
  for_each_index(x.shape, [&](const Shape& i) {
    const Shape c = {i[1]};
    dx.ref(i) =
        dz.at(i) * gamma.at(c) * inverse(c) + dvar.at(c) * 2 * (x.at(i) - mean.at(c)) / count + dmean.at(c) / count;
  });
  Arrays out = {dx, dgamma, dbeta};
  if (attrs.integer("residual", 0) != 0) out.push_back(dz);
  return out;
}

}  // namespace

void add_normalisation(Table& t) {
  t["batch_norm_train"] = train;
  t["batch_norm_train_grad"] = train_grad;
  t["batch_norm"] = [](const Arrays& in, const Attrs& attrs) {
    Array y(in[0].shape);
    for_each_index(y.shape, [&](const Shape& i) {
      const Shape c = {i[1]};
      y.ref(i) =
          (in[0].at(i) - in[3].at(c)) / std::sqrt(in[4].at(c) + attrs.real("eps", 1e-5)) * in[1].at(c) + in[2].at(c);
    });
    return Arrays{y};
  };
}

}  // namespace assay::engine::reference
