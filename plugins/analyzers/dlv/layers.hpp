// The layers of DLV's search: a few units of each, their regions, and the way back from a point of a layer to the input
// by linear arithmetic (Huang et al. 2017, sections 4 and 5).
//
// Layer 0 is the input, layer k the k-th affine map before its rectifier. Between two of them lie rectifiers, which the
// way back goes through exactly, and max pools, which stand for the place that is the largest at x.
#pragma once

#include <optional>

#include "../common/network.hpp"
#include "../common/question.hpp"
#include "../common/solver.hpp"

namespace dlv {

using analyzers::Floats;
using analyzers::Network;
using analyzers::Reals;
using analyzers::Region;

// A unit of a layer that moves: by whole spans, from -below to above of them, about its activation.
struct Unit {
  std::size_t place = 0;  // in its layer
  double at = 0, span = 0, reach_below = 0, reach_above = 0;
  std::int64_t below = 0, above = 0;
};
using Units = std::vector<Unit>;

struct Refinement {
  std::int64_t units = 1;  // of the next layer for each of this one
  std::int64_t spans = 2;  // on either side, at most
};

class Layers {
 public:
  // `depth` affine maps of the net, at x; INVALID when it has fewer.
  Layers(const Network& net, const Region& region, std::size_t depth) : region_(region) {
    Reals value(region.x.begin(), region.x.end());
    Links links(value.size());
    for (std::size_t i = 0; i < links.size(); ++i) links[i] = {i, false};
    for (const analyzers::Layer& layer : net.layers) {
      if (maps_.size() == depth) return;
      if (layer.kind == analyzers::Layer::Kind::affine) {
        maps_.push_back(Map{&layer, links, layer(value), value});
        links.assign(layer.size, Link{});
        for (std::size_t i = 0; i < links.size(); ++i) links[i] = {i, false};
      }
      if (layer.kind == analyzers::Layer::Kind::relu)
        for (Link& link : links) link.rectified = true;
      if (layer.kind == analyzers::Layer::Kind::max_pool) links = pooled(layer, links, value);
      value = layer(value);
    }
    if (maps_.size() < depth)
      assay::fail(ASSAY_INVALID, "dlv: the net has " + std::to_string(maps_.size()) +
                                     " layers above the input, 'layer' asks for " + std::to_string(depth));
  }

  // The elements of the input that move in this search.
  void start(const std::vector<std::size_t>& elements) {
    Units units;
    for (const std::size_t e : elements) {
      const double x = region_.x[e];
      units.push_back({e, x, region_.step, x - static_cast<double>(region_.lo[e]),
                       static_cast<double>(region_.hi[e]) - x, region_.below[e], region_.above[e]});
    }
    units_ = {units};
  }
  // The paper's condensation: of the next layer the units that each unit of this one weighs most in; they move as far
  // as these can move them. A span is the smallest change that these cause together, or what gives `spans` of them.
  void refine(const Refinement& refinement) {
    const Map& map = maps_[units_.size() - 1];
    const Units& from = units_.back();
    std::vector<std::size_t> chosen;
    for (const Unit& unit : from) {
      std::vector<std::pair<double, std::size_t>> order;
      for (std::size_t e = 0; e < map.layer->rows.size(); ++e) {
        const double weight = std::abs(weight_of(map, e, unit.place));
        if (weight > 0 && std::find(chosen.begin(), chosen.end(), e) == chosen.end()) order.emplace_back(-weight, e);
      }
      std::sort(order.begin(), order.end());
      for (std::size_t r = 0; r < std::min(order.size(), static_cast<std::size_t>(refinement.units)); ++r)
        chosen.push_back(order[r].second);
    }
    std::sort(chosen.begin(), chosen.end());
    Units units;
    for (const std::size_t e : chosen) units.push_back(reached(map, from, e, refinement));
    units_.push_back(std::move(units));
  }
  const Units& top() const { return units_.back(); }

 private:
  friend class WayBack;
  struct Link {  // of an input of a map: the unit of the layer before that it is, rectified or not
    std::size_t place = 0;
    bool rectified = false;
  };
  using Links = std::vector<Link>;
  struct Map {
    const analyzers::Layer* layer;
    Links links;
    Reals at;     // activations before the rectifier, at x
    Reals input;  // what the map was given, at x
  };

  static Links pooled(const analyzers::Layer& layer, const Links& links, const Reals& value) {
    Links out;
    for (const auto& window : layer.windows) {
      std::size_t best = window.front();
      for (const std::size_t place : window) best = value[place] > value[best] ? place : best;
      out.push_back(links[best]);
    }
    return out;
  }
  // Sum of the weights through which unit `place` of the layer before comes into row e.
  static double weight_of(const Map& map, std::size_t e, std::size_t place) {
    double sum = 0;
    for (const auto& [at, weight] : map.layer->rows[e].terms) sum += map.links[at].place == place ? weight : 0;
    return sum;
  }
  static Unit reached(const Map& map, const Units& from, std::size_t e, const Refinement& refinement) {
    Unit unit{e, map.at[e]};
    double least = 0;  // smallest change of one span of one unit
    for (const Unit& below : from) {
      const double weight = weight_of(map, e, below.place), down = weight * below.reach_below,
                   up = weight * below.reach_above;
      unit.reach_below += weight > 0 ? down : -up;
      unit.reach_above += weight > 0 ? up : -down;
      const double change = std::abs(weight) * below.span;
      if (change > 0 && (least == 0 || change < least)) least = change;
    }
    const double farthest = std::max(unit.reach_below, unit.reach_above);
    unit.span = std::max(least, farthest / static_cast<double>(refinement.spans));
    if (unit.span == 0) return unit;
    constexpr double slack = 1e-9;
    unit.below = static_cast<std::int64_t>(unit.reach_below / unit.span + slack);
    unit.above = static_cast<std::int64_t>(unit.reach_above / unit.span + slack);
    return unit;
  }

  const Region& region_;
  std::vector<Map> maps_;
  std::vector<Units> units_;
};

// Linear arithmetic over the units of all layers at once; what does not move in a layer stays as it is at x.
class WayBack {
 public:
  WayBack(const Layers& layers, std::int64_t work) : layers_(layers), solver_(analyzers::limited_solver(z3_, work)) {
    for (std::size_t k = 0; k < layers.units_.size(); ++k) variables_.push_back(units_of(k));
  }

  // An input in the box whose units in the top layer are within `slack` spans of these steps. `out` is written when it
  // is sat.
  z3::check_result find(const std::vector<std::int64_t>& steps, double slack, Floats& out) {
    solver_.push();
    const Units& top = layers_.top();
    for (std::size_t u = 0; u < top.size(); ++u) {
      const double goal = top[u].at + static_cast<double>(steps[u]) * top[u].span, room = slack * top[u].span;
      const z3::expr& variable = variables_.back()[u];
      solver_.add(variable >= analyzers::exactly(z3_, goal - room) && variable <= analyzers::exactly(z3_, goal + room));
    }
    const z3::check_result result = solver_.check();
    if (result == z3::sat) read(solver_.get_model(), out);
    solver_.pop();
    return result;
  }

 private:
  std::vector<z3::expr> units_of(std::size_t k) {
    std::vector<z3::expr> made;
    for (const Unit& unit : layers_.units_[k]) {
      const z3::expr variable = z3_.real_const(("u" + std::to_string(k) + "_" + std::to_string(unit.place)).c_str());
      solver_.add(variable >= analyzers::exactly(z3_, unit.at - unit.reach_below) &&
                  variable <= analyzers::exactly(z3_, unit.at + unit.reach_above));
      if (k > 0) solver_.add(variable == sum_of(k, unit));
      made.push_back(variable);
    }
    return made;
  }
  // Row `unit` of map k over the moving units of layer k - 1.
  z3::expr sum_of(std::size_t k, const Unit& unit) {
    const Layers::Map& map = layers_.maps_[k - 1];
    const Units& before = layers_.units_[k - 1];
    z3::expr_vector terms(z3_);
    double fixed = map.layer->rows[unit.place].bias;
    for (const auto& [at, weight] : map.layer->rows[unit.place].terms) {
      const Layers::Link& link = map.links[at];
      const auto moving =
          std::find_if(before.begin(), before.end(), [&](const Unit& one) { return one.place == link.place; });
      if (moving == before.end()) {
        fixed += weight * map.input[at];
        continue;
      }
      const z3::expr& variable = variables_[k - 1][static_cast<std::size_t>(moving - before.begin())];
      const z3::expr value = link.rectified ? z3::ite(variable > 0, variable, z3_.real_val(0)) : variable;
      terms.push_back(analyzers::exactly(z3_, weight) * value);
    }
    terms.push_back(analyzers::exactly(z3_, fixed));
    return z3::sum(terms);
  }
  void read(const z3::model& model, Floats& out) const {
    const Region& region = layers_.region_;
    out.assign(region.x.begin(), region.x.end());
    const Units& moving = layers_.units_.front();
    for (std::size_t u = 0; u < moving.size(); ++u) {
      const std::size_t e = moving[u].place;
      out[e] = std::clamp(static_cast<float>(analyzers::as_double(model, variables_.front()[u])), region.lo[e],
                          region.hi[e]);
    }
  }

  const Layers& layers_;
  z3::context z3_;
  z3::solver solver_;
  std::vector<std::vector<z3::expr>> variables_;
};

}  // namespace dlv
