// DLV (Huang, Kwiatkowska, Wang, Wu; CAV 2017): the points of a grid around an input, or around its activations in a
// hidden layer, group of features by group of features, until one has another class.
//
// Every counter-example has been through the float net, and every point that Z3 could not decide makes the verdict
// unknown. A hold is one of the grid only where all of its points were seen in one group; corners and several groups
// are a part of it.
#include "layers.hpp"

namespace {

using namespace analyzers;

// The elements that the search moves, most extreme activation first: farthest from the mean of the input.
std::vector<std::size_t> features_of(const Region& region, std::int64_t most) {
  double mean = 0;
  for (const float v : region.x) mean += static_cast<double>(v) / static_cast<double>(region.x.size());
  std::vector<std::size_t> order = region.moving;
  const auto gap = [&](std::size_t e) { return std::abs(static_cast<double>(region.x[e]) - mean); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return gap(a) > gap(b); });
  order.resize(std::min(order.size(), static_cast<std::size_t>(most)));
  return order;
}

// What a search knows while it goes from group to group.
struct Search {
  std::size_t row = 0;
  Floats from;                                           // the point that the next group starts from
  double confidence = 0;                                 // the least of all points of the group
  bool complete = true;                                  // every point so far was seen
  Floats found;                                          // the counter-example with the least change; empty: none
  std::int64_t asked = 0, unreachable = 0, unknown = 0;  // questions to Z3 and their ends
};

}  // namespace

struct Dlv {
  std::int64_t layer = 0, features = 0, group = 0, points = 0, refine = 0, spans = 0, work = 0;
  double slack = 0;
  std::string enumeration, path;

  static constexpr assay::Info info{
      .id = "dlv",
      .version = "1.0.0",
      .summary = "exhaustive search of a grid around an input or around its activations in a layer",
      .title = "Safety Verification of Deep Neural Networks",
      .year = 2017,
      .arxiv = "1610.06940"};
  static constexpr auto params = assay::params(
      assay::integer(
          "layer", &Dlv::layer,
          {.fallback = 0, .min = 0, .max = 32, .doc = "whose grid is searched: 0 the input, k the k-th affine map"}),
      assay::choice(
          "enumeration", &Dlv::enumeration,
          {.fallback = "line", .choices = {"line", "corners"}, .doc = "all points of a group's grid, or its corners"}),
      assay::integer("features", &Dlv::features,
                     {.fallback = 150,
                      .min = 1,
                      .max = 100000,
                      .doc = "elements of the input that are moved, at most; the most extreme"}),
      assay::integer("group", &Dlv::group, {.fallback = 8, .min = 1, .max = 64, .doc = "features that move together"}),
      assay::choice("path", &Dlv::path,
                    {.fallback = "single",
                     .choices = {"single", "restart"},
                     .doc = "the next group starts from the point of least confidence, or from x"}),
      assay::integer("points", &Dlv::points,
                     {.fallback = 100000,
                      .min = 1,
                      .max = 100000000,
                      .doc = "of one group, at most; more make the verdict unknown"}),
      assay::integer("refine", &Dlv::refine,
                     {.fallback = 1, .min = 1, .max = 64, .doc = "units of a layer for each of the layer before"}),
      assay::integer(
          "spans", &Dlv::spans,
          {.fallback = 2, .min = 1, .max = 1000, .doc = "steps on either side of a unit above the input, at most"}),
      assay::real("slack", &Dlv::slack,
                  {.fallback = 0.5,
                   .min = 0,
                   .max = 0.5,
                   .doc = "how near a preimage must come to its point, in spans; 0: exactly, 0.5: in its cell"}),
      assay::integer("work", &Dlv::work,
                     {.fallback = 500000,
                      .min = 1000,
                      .max = 4000000000,
                      .doc = "limit on Z3's own count of its steps for one point; beyond it is unknown"}));

  assay::Findings analyze(assay::Run& run, const assay::Analyze& call) const {
    Question question(run, call, info.id);
    Answers answers(call);
    std::optional<Network> net;
    if (layer > 0) net.emplace(call.model, info.id);
    std::int64_t asked = 0, unreachable = 0, unknown = 0;
    for (std::size_t i = 0; i < question.count(); ++i) {
      const Search search = walk(question, net, i);
      if (!search.found.empty())
        answers.violated(i, search.found);
      else if (search.complete)
        answers.holds(i, scope_of(question.region(i)));
      asked += search.asked;
      unreachable += search.unreachable;
      unknown += search.unknown;
    }
    if (layer > 0) {
      run.trace("questions to Z3", 0, static_cast<double>(asked));
      run.trace("points without a preimage", 0, static_cast<double>(unreachable));
      run.trace("points that Z3 did not decide", 0, static_cast<double>(unknown));
    }
    return answers.findings(question);
  }

  std::int64_t scope_of(const Region& region) const {
    const std::size_t all = region.moving.size();
    const bool whole = layer == 0 && enumeration == "line" && all <= static_cast<std::size_t>(features) &&
                       all <= static_cast<std::size_t>(group);
    return whole ? ASSAY_SCOPE_GRID : ASSAY_SCOPE_PART;
  }

  Search walk(Question& question, const std::optional<Network>& net, std::size_t i) const {
    const Region& region = question.region(i);
    const std::vector<std::size_t> order = features_of(region, features);
    Search search;
    search.row = i;
    search.from.assign(region.x.begin(), region.x.end());
    const auto size = static_cast<std::size_t>(group);
    for (std::size_t first = 0; first < order.size() && search.found.empty(); first += size) {
      question.run().check();
      const std::vector<std::size_t> elements(
          order.begin() + static_cast<std::ptrdiff_t>(first),
          order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), first + size)));
      search.confidence = std::numeric_limits<double>::infinity();
      if (layer == 0)
        search_input(question, search, elements);
      else
        search_layer(question, search, *net, elements);
    }
    return search;
  }

  // ---- layer 0

  void search_input(Question& question, Search& search, const std::vector<std::size_t>& elements) const {
    const Region& region = question.region(search.row);
    std::vector<Combinations::Axis> axes;
    for (const std::size_t e : elements)
      axes.push_back(enumeration == "line" ? line_of(region, e) : corners_of(region, e));
    Combinations all(path == "single" ? analyzers::Row(search.from) : region.x, std::move(axes));
    double room = std::min(static_cast<double>(points), question.left(search.row));
    if (all.count() > room) search.complete = false;
    while (room >= 1) {
      const Floats x = all.next(static_cast<std::size_t>(std::min(room, static_cast<double>(kRows))));
      if (x.empty()) return;
      look(question, search, x);
      room -= static_cast<double>(x.size() / question.size());
    }
  }
  static Combinations::Axis corners_of(const Region& region, std::size_t e) {
    Combinations::Axis axis{e, {}};
    for (const std::int64_t k : {-region.below[e], region.above[e]})
      if (k != 0) axis.levels.push_back(region.level(e, k));
    return axis;
  }

  // ---- layers above

  void search_layer(Question& question, Search& search, const Network& net,
                    const std::vector<std::size_t>& elements) const {
    Region at = question.region(search.row);
    if (path == "single") at.x = search.from;
    const Floats centre(at.x.begin(), at.x.end());  // what `at.x` shows stays while `from` moves on
    at.x = centre;
    with_z3([&] {
      dlv::Layers layers(net, at, static_cast<std::size_t>(layer));
      layers.start(elements);
      for (std::int64_t k = 0; k < layer; ++k) layers.refine({refine, spans});
      dlv::WayBack back(layers, work);
      descend(question, search, layers, back);
    });
  }
  void descend(Question& question, Search& search, const dlv::Layers& layers, dlv::WayBack& back) const {
    std::vector<std::vector<std::int64_t>> levels;
    double count = 1;
    for (const dlv::Unit& unit : layers.top()) {
      levels.emplace_back();
      for (std::int64_t k = -unit.below; k <= unit.above; ++k)
        if (enumeration == "line" || k == -unit.below || k == unit.above) levels.back().push_back(k);
      count *= static_cast<double>(levels.back().size());
    }
    if (count > static_cast<double>(points)) search.complete = false;
    std::vector<std::size_t> at(levels.size(), 0);
    for (double seen = 0; seen < std::min(count, static_cast<double>(points)) && search.found.empty(); ++seen) {
      question.run().check();
      if (question.left(search.row) < 1) {
        search.complete = false;
        return;
      }
      std::vector<std::int64_t> steps;
      for (std::size_t u = 0; u < levels.size(); ++u) steps.push_back(levels[u][at[u]]);
      try_point(question, search, back, steps);
      for (std::size_t u = levels.size(); u > 0 && ++at[u - 1] == levels[u - 1].size(); --u) at[u - 1] = 0;
    }
  }
  void try_point(Question& question, Search& search, dlv::WayBack& back, const std::vector<std::int64_t>& steps) const {
    Floats x;
    ++search.asked;
    const z3::check_result result = back.find(steps, slack, x);
    if (result == z3::unsat) ++search.unreachable;
    if (result == z3::unknown) {
      ++search.unknown;
      search.complete = false;
    }
    if (result == z3::sat) look(question, search, x);
  }

  // ---- both

  // Runs the float net at these points: keeps the counter-example of least change, else the point of least confidence.
  static void look(Question& question, Search& search, const Floats& points) {
    const std::size_t size = question.size(), own = question.own(search.row);
    const Region& region = question.region(search.row);
    const Scores scores = question.ask(search.row, points);
    for (std::size_t r = 0; r < scores.count(); ++r) {
      const analyzers::Row point = analyzers::Row(points).subspan(r * size, size);
      if (scores.best(r) != own) {
        if (search.found.empty() || change_of(region.x, point) < change_of(region.x, search.found))
          search.found.assign(point.begin(), point.end());
        continue;
      }
      if (scores.margin(r, own) >= search.confidence) continue;
      search.confidence = scores.margin(r, own);
      search.from.assign(point.begin(), point.end());
    }
  }
};

ASSAY_PLUGIN(Dlv)
