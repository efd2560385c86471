// Brute force: every point of the grid, up to a number of them. Exact where the grid is no larger, unknown elsewhere
// unless a counter-example turned up.
#include "../common/question.hpp"

struct GridEnumeration {
  std::int64_t points = 0;

  static constexpr assay::Info info{.id = "grid-enumeration",
                                    .version = "1.0.0",
                                    .summary = "asks the net for the class of every point of the grid",
                                    .title = "Safety Verification of Deep Neural Networks",
                                    .year = 2017,
                                    .arxiv = "1610.06940",
                                    .access = ASSAY_ACCESS_DECISION | ASSAY_ACCESS_SCORES};
  static constexpr auto params = assay::params(
      assay::integer("points", &GridEnumeration::points,
                     {.fallback = 100000, .min = 1, .max = 100000000, .doc = "of an input's grid, at most"}));

  assay::Findings analyze(assay::Run& run, const assay::Analyze& call) const {
    analyzers::Question question(run, call, info.id);
    analyzers::Answers answers(call);
    for (std::size_t i = 0; i < question.count(); ++i) {
      const analyzers::Region& region = question.region(i);
      std::vector<analyzers::Combinations::Axis> axes;
      for (const std::size_t e : region.moving) axes.push_back(analyzers::line_of(region, e));
      if (walk(question, answers, i, analyzers::Combinations(region.x, std::move(axes))))
        answers.holds(i, ASSAY_SCOPE_GRID);
    }
    return answers.findings(question);
  }

  // Whether every point was seen and has the class of x.
  bool walk(analyzers::Question& question, analyzers::Answers& answers, std::size_t i,
            analyzers::Combinations grid) const {
    double room = std::min(static_cast<double>(points), question.left(i));
    while (room >= 1) {
      const analyzers::Floats x =
          grid.next(static_cast<std::size_t>(std::min(room, static_cast<double>(analyzers::kRows))));
      if (x.empty()) return true;
      const analyzers::Scores scores = question.ask(i, x);
      room -= static_cast<double>(scores.count());
      for (std::size_t r = 0; r < scores.count(); ++r) {
        if (scores.best(r) == question.own(i)) continue;
        answers.violated(i, analyzers::Row(x).subspan(r * question.size(), question.size()));
        return false;
      }
    }
    return grid.next(1).empty();
  }
};

ASSAY_PLUGIN(GridEnumeration)
