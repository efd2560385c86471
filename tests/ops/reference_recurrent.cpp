// Recurrent layers after ONNX's equations, one sequence, one step and one unit at a time.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

using Scalar = std::function<double(double)>;

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// Activations by name, with ONNX's default parameters.
Scalar activation(const std::string& name) {
  if (name == "Sigmoid") return logistic;
  if (name == "Softsign") return [](double x) { return x / (1 + std::fabs(x)); };
  if (name == "HardSigmoid") return [](double x) { return std::clamp(0.2 * x + 0.5, 0.0, 1.0); };
  return [](double x) { return std::tanh(x); };  // also ScaledTanh with 1 and 1
}

std::vector<Scalar> activations(const Attrs& attrs, const std::vector<std::string>& fallback) {
  std::vector<std::string> names = fallback;
  std::string list = attrs.text("activations", "");
  if (!list.empty()) names.clear();
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    names.push_back(list.substr(0, end));
    list.erase(0, end + 1);
  }
  std::vector<Scalar> out;
  out.reserve(names.size());
  const double clip = attrs.real("clip", INFINITY);
  for (const std::string& name : names) {
    out.emplace_back([f = activation(name), clip](double x) { return f(std::clamp(x, -clip, clip)); });
  }
  return out;
}

struct Cell {
  const Arrays& in;
  const Attrs& attrs;
  std::int64_t gates, hidden, d;
  std::vector<Scalar> f;

  bool has(std::size_t i) const { return i < in.size() && !(in[i].shape == Shape{0}); }
  double bias(bool recurrent, std::int64_t gate, std::int64_t unit) const {
    return has(3) ? in[3].at({d, (recurrent ? gates * hidden : 0) + gate * hidden + unit}) : 0;
  }
  double peephole(std::int64_t which, std::int64_t unit) const {
    return has(7) ? in[7].at({d, which * hidden + unit}) : 0;
  }
  double from_input(const std::vector<double>& x, std::int64_t gate, std::int64_t unit) const {
    double sum = bias(false, gate, unit);
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += x[i] * in[1].at({d, gate * hidden + unit, static_cast<std::int64_t>(i)});
    return sum;
  }
  double from_state(const std::vector<double>& h, std::int64_t gate, std::int64_t unit) const {
    double sum = bias(true, gate, unit);
    for (std::size_t i = 0; i < h.size(); ++i)
      sum += h[i] * in[2].at({d, gate * hidden + unit, static_cast<std::int64_t>(i)});
    return sum;
  }
  double both(const std::vector<double>& x, const std::vector<double>& h, std::int64_t gate, std::int64_t unit) const {
    return from_input(x, gate, unit) + from_state(h, gate, unit);
  }

  void lstm(const std::vector<double>& x, std::vector<double>& h, std::vector<double>& c) const {
    const std::vector<double> before = h;
    for (std::int64_t u = 0; u < hidden; ++u) {
      double& cell = c[static_cast<std::size_t>(u)];
      const double i = f[0](both(x, before, 0, u) + peephole(0, u) * cell);
      const bool coupled = attrs.integer("input_forget", 0) != 0;
      const double forget = coupled ? 1 - i : f[0](both(x, before, 2, u) + peephole(2, u) * cell);
      cell = forget * cell + i * f[1](both(x, before, 3, u));
      h[static_cast<std::size_t>(u)] = f[0](both(x, before, 1, u) + peephole(1, u) * cell) * f[2](cell);
    }
  }
  void gru(const std::vector<double>& x, std::vector<double>& h) const {
    const std::vector<double> before = h;
    std::vector<double> reset = h;
    for (std::int64_t u = 0; u < hidden; ++u) reset[static_cast<std::size_t>(u)] *= f[0](both(x, before, 1, u));
    for (std::int64_t u = 0; u < hidden; ++u) {
      const auto at = static_cast<std::size_t>(u);
      const double z = f[0](both(x, before, 0, u)), r = f[0](both(x, before, 1, u));
      const bool after = attrs.integer("linear_before_reset", 0) != 0;
      const double state = after ? r * from_state(before, 2, u) : from_state(reset, 2, u);
      h[at] = (1 - z) * f[1](from_input(x, 2, u) + state) + z * before[at];
    }
  }
  void rnn(const std::vector<double>& x, std::vector<double>& h) const {
    const std::vector<double> before = h;
    for (std::int64_t u = 0; u < hidden; ++u) h[static_cast<std::size_t>(u)] = f[0](both(x, before, 0, u));
  }
};

// Indices in the order of the operands: time first, or the batch.
struct Order {
  bool batch_first;
  Shape x(std::int64_t t, std::int64_t n, std::int64_t i) const {
    return batch_first ? Shape{n, t, i} : Shape{t, n, i};
  }
  Shape y(std::int64_t t, std::int64_t d, std::int64_t n, std::int64_t u) const {
    return batch_first ? Shape{n, t, d, u} : Shape{t, d, n, u};
  }
  Shape state(std::int64_t d, std::int64_t n, std::int64_t u) const {
    return batch_first ? Shape{n, d, u} : Shape{d, n, u};
  }
};

Function recurrent(std::int64_t gates, const std::vector<std::string>& names) {
  return [gates, names](const Arrays& in, const Attrs& attrs) {
    const Order order{attrs.integer("layout", 0) != 0};
    const std::int64_t time = in[0].shape[order.batch_first ? 1 : 0], batch = in[0].shape[order.batch_first ? 0 : 1];
    const std::int64_t directions = in[1].shape[0], hidden = in[2].shape[2];
    const bool reverse = attrs.text("direction", "forward") == "reverse";
    Array y(order.y(time, directions, batch, hidden)), last_h(order.state(directions, batch, hidden)), last_c = last_h;
    for_each_index({directions, batch}, [&](const Shape& at) {
      const std::int64_t d = at[0], n = at[1];
      const Cell cell{in, attrs, gates, hidden, d, activations(attrs, names)};
      std::vector<double> h(static_cast<std::size_t>(hidden)), c = h;
      for (std::int64_t u = 0; u < hidden; ++u) {
        if (cell.has(5)) h[static_cast<std::size_t>(u)] = in[5].at(order.state(d, n, u));
        if (cell.has(6)) c[static_cast<std::size_t>(u)] = in[6].at(order.state(d, n, u));
      }
      const std::int64_t length = cell.has(4) ? static_cast<std::int64_t>(in[4].at({n})) : time;
      for (std::int64_t k = 0; k < length; ++k) {
        const std::int64_t t = reverse || d == 1 ? length - 1 - k : k;
        std::vector<double> x;
        for (std::int64_t i = 0; i < in[0].shape[2]; ++i) x.push_back(in[0].at(order.x(t, n, i)));
        if (gates == 4) cell.lstm(x, h, c);
        if (gates == 3) cell.gru(x, h);
        if (gates == 1) cell.rnn(x, h);
        for (std::int64_t u = 0; u < hidden; ++u) y.ref(order.y(t, d, n, u)) = h[static_cast<std::size_t>(u)];
      }
      for (std::int64_t u = 0; u < hidden; ++u) {
        last_h.ref(order.state(d, n, u)) = h[static_cast<std::size_t>(u)];
        last_c.ref(order.state(d, n, u)) = c[static_cast<std::size_t>(u)];
      }
    });
    return gates == 4 ? Arrays{y, last_h, last_c} : Arrays{y, last_h};
  };
}

}  // namespace

void add_recurrent(Table& t) {
  t["rnn"] = recurrent(1, {"Tanh"});
  t["gru"] = recurrent(3, {"Sigmoid", "Tanh"});
  t["lstm"] = recurrent(4, {"Sigmoid", "Tanh", "Tanh"});
}

}  // namespace assay::engine::reference
