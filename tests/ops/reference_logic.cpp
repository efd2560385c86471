// Logic, remainders, shifts and powers.
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {

void add_logic(Table& t) {
  t["and"] = pairwise([](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; });
  t["or"] = pairwise([](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; });
  t["xor"] = pairwise([](double a, double b) { return (a != 0) != (b != 0) ? 1.0 : 0.0; });
  t["not"] = plain([](double x) { return x == 0 ? 1.0 : 0.0; });
  t["mod"] = [](const Arrays& in, const Attrs& attrs) {
    const bool truncated = attrs.integer("fmod", 0) != 0;
    return pairwise([truncated](double a, double b) {
      return a - b * (truncated ? std::trunc(a / b) : std::floor(a / b));
    })(in, attrs);
  };
  t["bit_shift"] = [](const Arrays& in, const Attrs& attrs) {
    const bool left = attrs.text("direction", "LEFT") == "LEFT";
    return pairwise([left](double a, double b) { return std::floor(a * std::exp2(left ? b : -b)); })(in, attrs);
  };
  t["pow"] = [](const Arrays& in, const Attrs& attrs) {
    const double exponent = attrs.real("exponent", 2);
    if (in.size() == 2) return pairwise([](double a, double b) { return std::pow(a, b); })(in, attrs);
    return unary([exponent](double x, const Attrs&) { return std::pow(x, exponent); })(in, attrs);
  };
}

}  // namespace assay::engine::reference
