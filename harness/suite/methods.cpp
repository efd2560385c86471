// [[method]], [threat] and [target]: what is run, and under which terms.
#include <algorithm>

#include <fmt/format.h>

#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

ParamTable parse_grid(const Fields& fields, const ParamTable& params) {
  ParamTable grid = fields.params("grid");
  for (const ParamValue& axis : grid.entries) {
    if (!axis.value.is_array() || axis.value.size() == 0)
      fail(axis.place, fmt::format("method.grid.{}: expected a list of values, one a grid point; a single value belongs in `params`",
                                   axis.key));
    if (params.find(axis.key))
      fail(axis.key_place, fmt::format("method.grid.{}: the key stands in `params` too; expected it once", axis.key));
    const Json::Array& values = axis.value.as_array();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::find(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(i), values[i]) !=
          values.begin() + static_cast<std::ptrdiff_t>(i))
        fail(axis.place, fmt::format("method.grid.{}: {} stands twice", axis.key, values[i].dump()));
  }
  return grid;
}

LinkSpec parse_link(const Toml& item) {
  const char* what = "a plugin id, or a table { use = ..., params = { ... } }";
  if (item.kind == Toml::Kind::string) return {{item.string, item.place}, {}};
  if (item.kind != Toml::Kind::table)
    fail(item.place, fmt::format("method.chain: expected {}, found {}", what, Toml::kind_name(item.kind)));
  const Fields fields(item, "method.chain", {"use", "params"});
  return {fields.need_text("use", what), fields.params("params")};
}

StopSpec parse_stop(const Toml& item) {
  const Fields fields(item, "method.stop", {"half_width", "looks"});
  StopSpec out;
  const Toml& width = fields.need("half_width", "half the width of the interval at which to stop, e.g. \"1/50\"");
  out.half_width = to_rational(width, "method.stop.half_width");
  if (out.half_width.value() <= 0 || out.half_width.value() >= 0.5)
    fail(width.place, "method.stop.half_width: expected a share above 0 and below 1/2, found " + out.half_width.str());
  out.looks = fields.integer("looks", out.looks, {2, 10});
  return out;
}

// Several attacks as one method: the next gets what is still robust after those before it.
MethodSpec parse_chain(const Toml& block) {
  const Fields fields(block, "method", {"chain", "name", "stop"});
  MethodSpec out;
  out.place = fields.place();
  out.variant = fields.need_id("name", "the name of the chain");
  const Toml& links = fields.need("chain", "a list of attacks");
  if (links.kind != Toml::Kind::array || links.items.size() < 2)
    fail(links.place, "method.chain: expected a list of at least two attacks, the cheapest first");
  for (const Toml& item : links.items) out.chain.push_back(parse_link(item));
  out.use = out.chain.back().use;
  if (const Toml* stop = fields.find("stop")) out.stop = parse_stop(*stop);
  return out;
}

MethodSpec parse_method(const Toml& block) {
  if (block.find("chain")) return parse_chain(block);
  const Fields fields(block, "method", {"use", "name", "params", "grid", "targets", "members", "chain", "tune"});
  MethodSpec out;
  out.place = fields.place();
  out.use = fields.need_text("use", "a plugin id ('assay list methods' shows them)");
  if (fields.find("name")) out.variant = fields.need_id("name", "a name that tells variants of one plugin apart");
  out.params = fields.params("params");
  out.grid = parse_grid(fields, out.params);
  out.targets = fields.rationals("targets");
  out.members = fields.integer("members", 0, {1, 1000});
  if (const Toml* members = fields.find("members")) out.members_place = members->place;
  if (const Toml* tune = fields.find("tune")) out.tune = parse_tune(*tune, out);
  return out;
}

}  // namespace

std::vector<MethodSpec> parse_methods(const Toml& root) {
  std::vector<MethodSpec> out;
  for (const Toml* block : blocks(root, "method")) {
    MethodSpec method = parse_method(*block);
    for (const MethodSpec& earlier : out)
      if (earlier.id() == method.id())
        fail(method.use.place, fmt::format("method: duplicate id '{}', first used at {}; expected another `name`",
                                           method.id(), earlier.use.place.str()));
    out.push_back(std::move(method));
  }
  if (out.empty()) fail(root.place, "block [[method]] is missing; expected at least one");
  return out;
}

std::optional<ThreatSpec> parse_threat(const Toml& root) {
  const Toml* table = root.find("threat");
  if (!table) return std::nullopt;
  const Fields fields(*table, "threat", {"norm", "eps", "rank_eps", "victims", "surrogates", "access", "matrix", "targeted", "longer"});
  ThreatSpec out;
  out.place = fields.place();
  fields.need("norm", "\"linf\", \"l2\", \"l1\" or \"l0\"");
  out.norm = fields.choice("norm", {"linf", "l2", "l1", "l0"}, "linf").value;
  const Toml& eps = fields.need("eps", "a radius such as \"8/255\", or a list of them");
  out.eps = fields.rationals("eps");
  if (out.eps.front().num < 0)
    fail(eps.place, fmt::format("threat.eps: expected radii >= 0, found {}", out.eps.front().str()));
  for (const Rational& radius : out.eps)
    if (out.norm == "l0" && radius.den != 1)
      fail(eps.place, fmt::format("threat.eps: norm l0 counts elements; expected whole numbers, found {}", radius.str()));
  out.rank_eps = pick_rank(fields, "rank_eps", "eps", out.eps);
  out.victims = fields.texts("victims");
  out.surrogates = fields.texts("surrogates");
  out.access = fields.choice("access", {"white-box", "score", "decision", "transfer"}, "white-box").value;
  out.matrix = fields.flag("matrix", false);
  out.targeted = fields.flag("targeted", false);
  out.longer = fields.integer("longer", 0, {0, 100000});
  if (const Toml* targeted = fields.find("targeted")) out.targeted_place = targeted->place;
  if (out.access == "transfer" && out.surrogates.empty())
    fail(out.place, "threat.surrogates: a transfer attack needs at least one model to work on");
  if (const Toml* matrix = fields.find("matrix")) out.matrix_place = matrix->place;
  if (out.matrix && out.access != "transfer")
    fail(out.matrix_place, fmt::format("threat.matrix: a matrix is of surrogates and victims; expected access = \"transfer\", found \"{}\"", out.access));
  return out;
}

std::optional<TargetSpec> parse_target(const Toml& root) {
  const Toml* table = root.find("target");
  if (!table) return std::nullopt;
  const Fields fields(*table, "target", {"kind", "values", "rank_at"});
  TargetSpec out;
  out.place = fields.place();
  fields.need("kind", "\"ratio\"");
  out.kind = fields.choice("kind", {"ratio"}, "ratio").value;
  const Toml& values = fields.need("values", "a list of ratios: original over kept parameters (rule 35)");
  out.values = fields.rationals("values");
  if (out.values.front().value() < 1.0)
    fail(values.place, fmt::format("target.values: expected ratios >= 1 (original over kept parameters), found {}",
                                   out.values.front().str()));
  out.rank_at = pick_rank(fields, "rank_at", "values", out.values);
  return out;
}

}  // namespace assay::suite
