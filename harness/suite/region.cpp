// [region]: the neighbourhood of an input in which its class must hold (task falsify).
#include <fmt/format.h>

#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

constexpr std::int64_t most_points = 100'000'000, most_finer = 1000, most_elements = 1 << 30;

Rational one_rational(const Fields& fields, const char* key, const char* what) {
  const Toml& written = fields.need(key, what);
  const Rational value = to_rational(written, fields.name(key));
  if (value.num <= 0)
    fail(written.place, fmt::format("{}: expected a number above 0, found {}", fields.name(key), value.str()));
  return value;
}

}  // namespace

std::optional<RegionSpec> parse_region(const Toml& root) {
  const Toml* table = root.find("region");
  if (!table) return std::nullopt;
  const Fields fields(*table, "region", {"norm", "eps", "step", "elements", "enumerate", "finer"});
  RegionSpec out;
  out.place = fields.place();
  fields.choice("norm", {"linf"}, "linf");
  out.eps = one_rational(fields, "eps", "the half-width of the box, such as \"3/20\"");
  out.step = one_rational(fields, "step", "the step of the grid, such as \"1/100\"");
  if (out.step.value() > out.eps.value())
    fail(fields.find("step")->place,
         fmt::format("region.step: expected at most region.eps = {}, found {}: the grid would be x alone",
                     out.eps.str(), out.step.str()));
  out.elements = fields.integer("elements", 0, {1, most_elements});
  out.enumerate = fields.integer("enumerate", 0, {1, most_points});
  out.finer = fields.integer("finer", 0, {2, most_finer});
  if (out.finer > 0 && out.enumerate == 0)
    fail(fields.find("finer")->key_place,
         "region.finer: nothing is enumerated; expected region.enumerate, the largest grid, beside it");
  return out;
}

}  // namespace assay::suite
