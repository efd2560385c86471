// Losses from their definitions, one sample or element at a time.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

using Row = std::vector<double>;

Row row_of(const Array& a, std::int64_t i) {
  const std::size_t n = a.v.size() / static_cast<std::size_t>(a.shape[0]);
  const auto from = a.v.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * n);
  return Row(from, from + static_cast<std::ptrdiff_t>(n));
}

Row softmax(Row z, double temperature = 1) {
  double sum = 0;
  for (double& x : z) sum += x = std::exp(x / temperature);
  for (double& x : z) x /= sum;
  return z;
}

double dot_of(const Row& a, const Row& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double distance(const Row& a, const Row& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

// f of the rows of all operands, one value a sample.
Function per_sample(const std::function<double(const std::vector<Row>& rows, const Attrs& attrs)>& f) {
  return [f](const Arrays& in, const Attrs& attrs) {
    Array out({in[0].shape[0]});
    for (std::int64_t i = 0; i < in[0].shape[0]; ++i) {
      std::vector<Row> rows;
      for (const Array& a : in) rows.push_back(row_of(a, i));
      out.v[static_cast<std::size_t>(i)] = f(rows, attrs);
    }
    return Arrays{out};
  };
}

Function per_element(const std::function<double(double, double, const Attrs&)>& f) {
  return [f](const Arrays& in, const Attrs& attrs) {
    Array out(in[0].shape);
    for (std::size_t i = 0; i < out.v.size(); ++i) out.v[i] = f(in[0].v[i], in[1].v[i], attrs);
    return Arrays{out};
  };
}

// log_probabilities [N, C, ..] at the labels, as ONNX reduces it.
Array nll(const Array& log_probabilities, const Arrays& in, const Attrs& attrs) {
  const Array& labels = in[1];
  Array loss(labels.shape);
  double sum = 0, weights = 0;
  for_each_index(labels.shape, [&](const Shape& i) {
    const auto label = static_cast<std::int64_t>(labels.at(i));
    if (attrs.has("ignore_index") && label == attrs.integer("ignore_index", 0)) return;
    Shape at = i;
    at.insert(at.begin() + 1, label);
    const double weight = in.size() > 2 ? in[2].at({label}) : 1;
    loss.ref(i) = -weight * log_probabilities.at(at);
    sum += loss.ref(i);
    weights += weight;
  });
  const std::string reduction = attrs.text("reduction", "none");
  if (reduction == "none") return loss;
  Array total(Shape{});
  total.v[0] = reduction == "sum" ? sum : sum / weights;
  return total;
}

Arrays softmax_cross_entropy(const Arrays& in, const Attrs& attrs) {
  Array sums(in[0].shape), out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& i) {
    double sum = 0;
    for (std::int64_t c = 0; c < out.shape[1]; ++c) {
      Shape other = i;
      other[1] = c;
      sum += std::exp(in[0].at(other));
    }
    out.ref(i) = in[0].at(i) - std::log(sum);
  });
  return {nll(out, in, attrs), out};
}

double kl(const std::vector<Row>& rows, const Attrs& attrs) {
  const double t = attrs.real("temperature", 1);
  const Row student = softmax(rows[0], t), teacher = softmax(rows[1], t);
  double sum = 0;
  for (std::size_t c = 0; c < student.size(); ++c) sum += teacher[c] * std::log(teacher[c] / student[c]);
  return t * t * sum;
}

double logistic_of(double x) { return 1 / (1 + std::exp(-x)); }

double bce(double x, double t, const Attrs& attrs) {
  return -(attrs.real("pos_weight", 1) * t * std::log(logistic_of(x)) + (1 - t) * std::log(1 - logistic_of(x)));
}

double focal(const std::vector<Row>& rows, const Attrs& attrs) {
  const double p = softmax(rows[0])[static_cast<std::size_t>(rows[1][0])];
  return -std::pow(1 - p, attrs.real("gamma", 2)) * std::log(p);
}

double sigmoid_focal(double x, double t, const Attrs& attrs) {
  const double p = logistic_of(x), own = p * t + (1 - p) * (1 - t), alpha = attrs.real("alpha", 0.25);
  const double ce = -(t * std::log(p) + (1 - t) * std::log(1 - p));
  return (alpha * t + (1 - alpha) * (1 - t)) * std::pow(1 - own, attrs.real("gamma", 2)) * ce;
}

double dice(const std::vector<Row>& rows, const Attrs& attrs) {
  double sizes = 0;
  for (const Row& r : rows) {
    for (const double x : r) sizes += x;
  }
  const double smooth = attrs.real("smooth", 1);
  return 1 - (2 * dot_of(rows[0], rows[1]) + smooth) / (sizes + smooth);
}

double huber(double error, double delta) {
  const double size = std::fabs(error);
  return size <= delta ? 0.5 * size * size : delta * (size - 0.5 * delta);
}

Arrays pinball(const Arrays& in, const Attrs&) {
  Array out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& i) {
    const double error = in[1].at({i[0]}) - in[0].at(i), q = in[2].at({i[1]});
    out.ref(i) = error > 0 ? q * error : (q - 1) * error;
  });
  return {out};
}

double mixture(const std::vector<Row>& rows, const Attrs&) {
  const Row weights = softmax(rows[0]);
  const std::size_t dimensions = rows[3].size();
  double density = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    double part = weights[k];
    for (std::size_t d = 0; d < dimensions; ++d) {
      const double deviation = std::exp(rows[2][k * dimensions + d]);
      const double z = (rows[3][d] - rows[1][k * dimensions + d]) / deviation;
      part *= std::exp(-0.5 * z * z) / (deviation * std::sqrt(2 * std::acos(-1.0)));
    }
    density += part;
  }
  return -std::log(density);
}

// A row of zeros is like no other.
double cosine(const Row& a, const Row& b) {
  return dot_of(a, b) / std::sqrt((dot_of(a, a) + 1e-12) * (dot_of(b, b) + 1e-12));
}

Array one_way(const Array& a, const Array& b, double temperature) {
  const std::int64_t n = a.shape[0];
  Array out({n});
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0, own = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      const double e = std::exp(cosine(row_of(a, i), row_of(b, j)) / temperature);
      sum += e;
      own = i == j ? e : own;
    }
    out.ref({i}) = -std::log(own / sum);
  }
  return out;
}

Arrays info_nce(const Arrays& in, const Attrs& attrs) {
  const double temperature = attrs.real("temperature", 0.1);
  Array out = one_way(in[0], in[1], temperature);
  if (attrs.integer("symmetric", 0) == 0) return {out};
  const Array back = one_way(in[1], in[0], temperature);
  for (std::size_t i = 0; i < out.v.size(); ++i) out.v[i] = (out.v[i] + back.v[i]) / 2;
  return {out};
}

double triplet(const std::vector<Row>& rows, const Attrs& attrs) {
  return std::max(0.0, distance(rows[0], rows[1]) - distance(rows[0], rows[2]) + attrs.real("margin", 1));
}

double contrastive(const std::vector<Row>& rows, const Attrs& attrs) {
  const double d = distance(rows[0], rows[1]), apart = std::max(0.0, attrs.real("margin", 1) - d), same = rows[2][0];
  return same * d * d / 2 + (1 - same) * apart * apart / 2;
}

}  // namespace

void add_losses(Table& t) {
  t["nll_loss"] = [](const Arrays& in, const Attrs& attrs) { return Arrays{nll(in[0], in, attrs)}; };
  t["softmax_cross_entropy_loss"] = softmax_cross_entropy;
  t["soft_cross_entropy"] = per_sample([](const std::vector<Row>& rows, const Attrs&) {
    const Row p = softmax(rows[0]);
    double sum = 0;
    for (std::size_t c = 0; c < p.size(); ++c) sum -= rows[1][c] * std::log(p[c]);
    return sum;
  });
  t["kl_divergence"] = per_sample(kl);
  t["bce_with_logits"] = per_element(bce);
  t["focal_loss"] = per_sample(focal);
  t["sigmoid_focal_loss"] = per_element(sigmoid_focal);
  t["dice_loss"] = per_sample(dice);
  t["huber_loss"] = per_element([](double a, double b, const Attrs& at) { return huber(a - b, at.real("delta", 1)); });
  t["smooth_l1_loss"] = per_element([](double a, double b, const Attrs& at) {
    const double beta = at.real("beta", 1), size = std::fabs(a - b);
    return size < beta ? 0.5 * size * size / beta : size - 0.5 * beta;
  });
  t["pinball_loss"] = pinball;
  t["mixture_nll"] = per_sample(mixture);
  t["info_nce"] = info_nce;
  t["triplet_loss"] = per_sample(triplet);
  t["contrastive_loss"] = per_sample(contrastive);
}

}  // namespace assay::engine::reference
