// The whole question in one: net, region and another class as linear arithmetic with case splits, for Z3 to decide (the
// encoding of Katz et al., CAV 2017, section 3, as input to a solver that knows nothing of rectifiers). Complete, and
// hopeless but for tiny nets.
//
// Real arithmetic is not float arithmetic: a hold is only said where the other classes stay `margin` below, and a
// counter-example only where the float net confirms it; what lies between is unknown.
#include <optional>

#include "../common/network.hpp"
#include "../common/question.hpp"
#include "../common/solver.hpp"

namespace {

using namespace analyzers;

struct Interval {
  double lo = 0, hi = 0;
};
using Intervals = std::vector<Interval>;

// Units whose side the region leaves open: what a solver would have to try.
std::size_t open_units(const Network& net, const Region& region) {
  Intervals at;
  for (const float x : region.x) at.push_back({x, x});
  for (const std::size_t e : region.moving)
    at[e] = {static_cast<double>(region.lo[e]), static_cast<double>(region.hi[e])};
  std::size_t open = 0;
  for (const Layer& layer : net.layers) {
    Intervals out;
    if (layer.kind == Layer::Kind::relu) {
      for (const Interval& one : at) {
        open += one.lo < 0 && one.hi > 0 ? 1 : 0;
        out.push_back({std::max(one.lo, 0.0), std::max(one.hi, 0.0)});
      }
    }
    for (const AffineRow& row : layer.rows) {
      Interval sum{row.bias, row.bias};
      for (const auto& [place, weight] : row.terms) {
        sum.lo += weight * (weight > 0 ? at[place].lo : at[place].hi);
        sum.hi += weight * (weight > 0 ? at[place].hi : at[place].lo);
      }
      out.push_back(sum);
    }
    for (const auto& window : layer.windows) {
      Interval best = at[window.front()];
      std::size_t rivals = 0;
      for (const std::size_t place : window) best = {std::max(best.lo, at[place].lo), std::max(best.hi, at[place].hi)};
      for (const std::size_t place : window) rivals += at[place].hi >= best.lo ? 1 : 0;
      open += rivals > 1 ? 1 : 0;
      out.push_back(best);
    }
    at = std::move(out);
  }
  return open;
}

struct Rivals {
  std::size_t own, other;  // classes
};

class Encoding {
 public:
  Encoding(const Network& net, const Region& region, bool grid)
      : solver_(limited_solver(z3_, kPiece)), region_(region) {
    std::vector<z3::expr> values;
    Intervals bounds;
    for (std::size_t e = 0; e < region.x.size(); ++e) {
      const double x = region.x[e];
      values.push_back(exactly(z3_, x));
      bounds.push_back({x, x});
    }
    for (const std::size_t e : region.moving) {
      values[e] = grid ? on_grid(e) : in_box(e);
      bounds[e] = {static_cast<double>(region.lo[e]), static_cast<double>(region.hi[e])};
    }
    for (const Layer& layer : net.layers) follow(layer, values, bounds);
    logits_ = values;
  }

  // A point at which another class's logit is at least that of `own` and `least`; the verdict of Z3 within `work`,
  // which it is given in pieces, since nobody can interrupt one: what it learned in the last stays for the next.
  z3::check_result ask(const assay::Run& run, const Rivals& rivals, double least, std::int64_t work) {
    solver_.push();
    solver_.add(logits_[rivals.other] - logits_[rivals.own] >= exactly(z3_, least));
    z3::check_result result = z3::unknown;
    for (std::int64_t spent = 0; spent < work && result == z3::unknown; spent += kPiece) {
      run.check();
      result = solver_.check();
    }
    if (result == z3::sat) read(solver_.get_model());
    solver_.pop();
    return result;
  }
  const Floats& point() const { return point_; }

 private:
  z3::expr on_grid(std::size_t e) {
    const z3::expr k = z3_.int_const(("k" + std::to_string(e)).c_str());
    solver_.add(k >= z3_.int_val(static_cast<std::int64_t>(-region_.below[e])) &&
                k <= z3_.int_val(static_cast<std::int64_t>(region_.above[e])));
    variables_.push_back(k);
    return exactly(z3_, static_cast<double>(region_.x[e])) + z3::to_real(k) * exactly(z3_, region_.step);
  }
  z3::expr in_box(std::size_t e) {
    const z3::expr x = z3_.real_const(("x" + std::to_string(e)).c_str());
    solver_.add(x >= exactly(z3_, static_cast<double>(region_.lo[e])) &&
                x <= exactly(z3_, static_cast<double>(region_.hi[e])));
    variables_.push_back(x);
    return x;
  }
  void read(const z3::model& model) {
    point_.assign(region_.x.begin(), region_.x.end());
    for (std::size_t m = 0; m < variables_.size(); ++m) {
      const std::size_t e = region_.moving[m];
      const double value = as_double(model, variables_[m]);
      point_[e] = variables_[m].is_int() ? region_.level(e, std::llround(value))
                                         : std::clamp(static_cast<float>(value), region_.lo[e], region_.hi[e]);
    }
  }

  z3::expr name(const z3::expr& value) {
    const z3::expr variable = z3_.real_const(("u" + std::to_string(names_++)).c_str());
    solver_.add(variable == value);
    return variable;
  }

  // Units whose sign the region decides are no case to split, and those that nothing moves are numbers.
  void follow(const Layer& layer, std::vector<z3::expr>& values, Intervals& bounds) {
    std::vector<z3::expr> out;
    Intervals range;
    if (layer.kind == Layer::Kind::relu) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        range.push_back({std::max(bounds[i].lo, 0.0), std::max(bounds[i].hi, 0.0)});
        if (bounds[i].lo >= 0)
          out.push_back(values[i]);
        else if (bounds[i].hi <= 0)
          out.push_back(z3_.real_val(0));
        else
          out.push_back(name(z3::ite(values[i] > 0, values[i], z3_.real_val(0))));
      }
    }
    for (const AffineRow& row : layer.rows) {
      Interval sum{row.bias, row.bias};
      double fixed = row.bias;
      z3::expr_vector moving(z3_);
      for (const auto& [place, weight] : row.terms) {
        const Interval& in = bounds[place];
        sum.lo += weight * (weight > 0 ? in.lo : in.hi);
        sum.hi += weight * (weight > 0 ? in.hi : in.lo);
        if (in.lo == in.hi)
          fixed += weight * in.lo;
        else
          moving.push_back(exactly(z3_, weight) * values[place]);
      }
      if (moving.empty()) {
        out.push_back(exactly(z3_, fixed));
        range.push_back({fixed, fixed});
        continue;
      }
      moving.push_back(exactly(z3_, fixed));
      out.push_back(name(z3::sum(moving)));
      range.push_back({sum.lo - kSlack, sum.hi + kSlack});
    }
    for (const auto& window : layer.windows) pool(window, values, bounds, out, range);
    values = std::move(out);
    bounds = std::move(range);
  }

  void pool(const std::vector<std::size_t>& window, const std::vector<z3::expr>& values, const Intervals& bounds,
            std::vector<z3::expr>& out, Intervals& range) {
    Interval best = bounds[window.front()];
    for (const std::size_t place : window)
      best = {std::max(best.lo, bounds[place].lo), std::max(best.hi, bounds[place].hi)};
    std::optional<z3::expr> largest;
    for (const std::size_t place : window) {
      if (bounds[place].hi < best.lo) continue;  // never the largest
      largest = largest ? z3::ite(values[place] > *largest, values[place], *largest) : values[place];
    }
    out.push_back(best.lo == best.hi ? *largest : name(*largest));
    range.push_back(best);
  }

  static constexpr std::int64_t kPiece = 20000;
  static constexpr double kSlack = 1e-9;  // of sums in double, so that bounds stay bounds

  z3::context z3_;
  z3::solver solver_;
  const Region& region_;
  std::vector<z3::expr> logits_, variables_;
  Floats point_;
  std::size_t names_ = 0;
};

}  // namespace

struct Z3Complete {
  std::string points;
  std::int64_t units = 0, open = 0, work = 0;
  double margin = 0;

  static constexpr assay::Info info{.id = "z3-complete",
                                    .version = "1.0.0",
                                    .summary = "net and region as one formula for Z3; tiny nets only",
                                    .title = "Reluplex: An Efficient SMT Solver for Verifying Deep Neural Networks",
                                    .year = 2017,
                                    .arxiv = "1702.01135"};
  static constexpr auto params = assay::params(
      assay::choice(
          "points", &Z3Complete::points,
          {.fallback = "grid", .choices = {"grid", "box"}, .doc = "the points of the region that are asked about"}),
      assay::integer("units", &Z3Complete::units,
                     {.fallback = 1000,
                      .min = 1,
                      .max = 100000,
                      .doc = "rectifiers and max pools of a net, at most: it refuses larger ones"}),
      assay::integer("open", &Z3Complete::open,
                     {.fallback = 16,
                      .min = 0,
                      .max = 32,
                      .doc = "of them whose side a region leaves open, at most: its verdict is unknown beyond"}),
      assay::integer("work", &Z3Complete::work,
                     {.fallback = 50000,
                      .min = 1000,
                      .max = 5000000,
                      .doc = "limit on Z3's own count of its steps in one question; beyond it is unknown"}),
      assay::real("margin", &Z3Complete::margin,
                  {.fallback = 1e-4,
                   .min = 0,
                   .max = 1,
                   .doc = "between logits, that covers float rounding: a hold needs it"}));

  assay::Findings analyze(assay::Run& run, const assay::Analyze& call) const {
    Question question(run, call, info.id);
    Answers answers(call);
    const Network net(call.model, info.id);
    if (net.rectified() > static_cast<std::size_t>(units))
      assay::fail(ASSAY_UNSUPPORTED, "z3-complete: the net has " + std::to_string(net.rectified()) +
                                         " rectifiers and pools, at most " + std::to_string(units) +
                                         ": this encoding is for tiny nets");
    std::int64_t unknown = 0, mismatches = 0;
    for (std::size_t i = 0; i < question.count(); ++i) {
      run.check();
      with_z3([&] { decide(question, answers, net, i, {unknown, mismatches}); });
    }
    run.trace("questions that Z3 did not decide", 0, static_cast<double>(unknown));
    run.trace("points of real arithmetic that the float net does not confirm", 0, static_cast<double>(mismatches));
    return answers.findings(question);
  }

  struct Counts {
    std::int64_t &unknown, &mismatches;
  };
  void decide(Question& question, Answers& answers, const Network& net, std::size_t i, Counts counts) const {
    const bool grid = points == "grid";
    if (open_units(net, question.region(i)) > static_cast<std::size_t>(open)) return;
    Encoding encoding(net, question.region(i), grid);
    bool all = true;
    for (std::size_t other = 0; other < static_cast<std::size_t>(question.model().classes()); ++other) {
      if (other == question.own(i)) continue;
      question.run().check();
      // First what would be enough for a hold, then what the float net is likely to confirm.
      for (const double least : {-margin, margin}) {
        const z3::check_result result = encoding.ask(question.run(), {question.own(i), other}, least, work);
        if (result == z3::unsat) break;
        all = false;
        counts.unknown += result == z3::unknown ? 1 : 0;
        if (result == z3::unknown || question.left(i) < 1) break;
        if (question.ask(i, encoding.point()).best(0) != question.own(i)) return answers.violated(i, encoding.point());
        ++counts.mismatches;
      }
    }
    if (all) answers.holds(i, grid ? ASSAY_SCOPE_GRID : ASSAY_SCOPE_BOX);
  }
};

ASSAY_PLUGIN(Z3Complete)
