// Points of the grid at random, the trivial search: every element that moves takes one of its levels, all alike likely.
#include "../common/question.hpp"

struct RandomSampling {
  std::int64_t points = 0;

  static constexpr assay::Info info{.id = "random-sampling",
                                    .version = "1.0.0",
                                    .summary = "asks the net about random points of the grid",
                                    .access = ASSAY_ACCESS_DECISION | ASSAY_ACCESS_SCORES,
                                    .baseline = true};
  static constexpr auto params = assay::params(assay::integer(
      "points", &RandomSampling::points,
      {.fallback = 1000, .min = 1, .max = 10000000, .doc = "for each input, unless a budget ends sooner"}));

  assay::Findings analyze(assay::Run& run, const assay::Analyze& call) const {
    analyzers::Question question(run, call, info.id);
    analyzers::Answers answers(call);
    for (std::size_t i = 0; i < question.count(); ++i) {
      double room = std::min(static_cast<double>(points), question.left(i));
      if (question.region(i).moving.empty()) answers.holds(i, ASSAY_SCOPE_GRID);  // x is all there is
      for (std::uint64_t draw = 0; room >= 1 && !question.region(i).moving.empty() && !answers.is_violated(i); ++draw) {
        const std::size_t rows = static_cast<std::size_t>(std::min(room, static_cast<double>(kDraws)));
        look(question, answers, i, drawn(question, i, draw, rows));
        room -= static_cast<double>(rows);
      }
    }
    return answers.findings(question);
  }

  static constexpr std::size_t kDraws = 256;  // points of one draw, so that more points begin with the same ones

  static analyzers::Floats drawn(const analyzers::Question& question, std::size_t i, std::uint64_t draw,
                                 std::size_t rows) {
    const analyzers::Region& region = question.region(i);
    const std::size_t moving = region.moving.size();
    const assay::Tensor shares = question.run().uniform("points", {1, static_cast<std::int64_t>(kDraws * moving)}, 0, 1,
                                                        {.ids = question.keys(i, 1), .index = draw});
    const analyzers::Row u = shares.floats();
    analyzers::Floats out;
    for (std::size_t r = 0; r < rows; ++r) {
      out.insert(out.end(), region.x.begin(), region.x.end());
      for (std::size_t m = 0; m < moving; ++m) {
        const std::size_t e = region.moving[m];
        const std::int64_t levels = region.below[e] + region.above[e] + 1;
        const auto k = static_cast<std::int64_t>(static_cast<double>(u[r * moving + m]) * static_cast<double>(levels));
        out[r * region.x.size() + e] = region.level(e, std::min(k, levels - 1) - region.below[e]);
      }
    }
    return out;
  }

  static void look(analyzers::Question& question, analyzers::Answers& answers, std::size_t i,
                   const analyzers::Floats& x) {
    const analyzers::Scores scores = question.ask(i, x);
    for (std::size_t r = 0; r < scores.count(); ++r) {
      if (scores.best(r) == question.own(i)) continue;
      return answers.violated(i, analyzers::Row(x).subspan(r * question.size(), question.size()));
    }
  }
};

ASSAY_PLUGIN(RandomSampling)
