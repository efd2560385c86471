// Trees of harness/claim with the numbers of a Source: what a claim is about, before it is decided. Inside of the
// claims; one thread.
#pragma once

#include <vector>

#include "results/claims/source.hpp"

namespace assay::claims {

// A statement: comparisons of a margin with 0, joined.
struct Statement {
  enum class Kind { compare, all, any, negation };
  Kind kind = Kind::compare;
  claim::Op relation = claim::Op::greater;
  Numbers margin;                 // left minus right
  std::vector<Statement> parts;
  std::string axis;               // of all and any over an axis, else ""
};

class Evaluator {
 public:
  explicit Evaluator(Source& source) : source_(source) {}

  // Both throw Void.
  Numbers number(const claim::Expr& expr);
  Statement statement(const claim::Expr& expr);

 private:
  struct Binding {
    std::string key;
    std::vector<std::string> values;
    bool axis = false;  // one value, which a variable may ask for
  };
  struct Points {  // of an aggregate
    std::vector<std::string> values;
    std::vector<std::vector<Numbers>> numbers;  // [argument][value]
  };

  Wanted wanted(const std::vector<claim::Filter>& own, const std::string& except = "") const;
  std::vector<std::string> domain(const claim::Expr& aggregate);
  void leaf_domains(const claim::Expr& expr, const std::string& axis, std::vector<std::vector<std::string>>& out);
  template <class Visit>
  void each(const claim::Expr& aggregate, const Visit& visit);
  Points points(const claim::Expr& aggregate);
  Numbers axis_values(const std::string& axis, const std::vector<std::string>& values, std::size_t at) const;

  Numbers constant(double value) const;
  Numbers variable(const std::string& axis) const;
  Numbers rank(const claim::Expr& expr);
  Numbers arithmetic(const claim::Expr& expr);
  Numbers function(const claim::Expr& expr);
  Numbers aggregate(const claim::Expr& expr);
  Numbers relation(const claim::Expr& expr);
  Numbers truth(const Statement& statement) const;  // 1 or 0
  template <class Of>
  Numbers pointwise(const std::vector<Numbers>& of, const Of& compute) const;
  // Over the values of an axis, where a seed that is left out is left out as a value of the axis too.
  template <class Of>
  Numbers along(const claim::Expr& expr, const Points& points, const Of& compute) const;

  Statement compare(claim::Op op, const Numbers& left, const Numbers& right) const;
  Statement shape(const claim::Expr& expr);
  Statement noninferior(const claim::Expr& expr);

  Source& source_;
  std::vector<Binding> scope_;
};

bool holds(claim::Op relation, double margin);

inline Numbers blank(const Layout& layout) {
  Numbers out;
  out.at.assign(layout.size(), undefined);
  return out;
}

template <class Of>
Numbers Evaluator::pointwise(const std::vector<Numbers>& of, const Of& compute) const {
  Numbers out = blank(source_.layout());
  for (const Numbers& one : of) join_flags(out, one);
  std::vector<double> values(of.size());
  for (std::size_t i = 0; i < out.at.size(); ++i) {
    for (std::size_t k = 0; k < of.size(); ++k) values[k] = of[k].at[i];
    out.at[i] = compute(values);
  }
  return out;
}

template <class Visit>
void Evaluator::each(const claim::Expr& aggregate, const Visit& visit) {
  const std::size_t depth = scope_.size();
  for (const auto& filter : aggregate.filters)
    if (filter.key != aggregate.name) scope_.push_back({filter.key, filter.values, false});
  for (const std::string& value : domain(aggregate)) {
    scope_.push_back({aggregate.name, {value}, true});
    visit(value);
    scope_.pop_back();
  }
  scope_.resize(depth);
}

}  // namespace assay::claims
