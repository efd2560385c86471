// The fast gradient sign method (Goodfellow, Shlens, Szegedy; ICLR 2015) as a search of the region: along the sign of
// the gradient by one, two, three ... steps of the grid, where the region allows; the smallest that changes the class.
#include "../common/question.hpp"

struct FgsmGrid {
  static constexpr assay::Info info{.id = "fgsm-grid",
                                    .version = "1.0.0",
                                    .summary = "the smallest gradient-sign step on the grid that changes the class",
                                    .title = "Explaining and Harnessing Adversarial Examples",
                                    .year = 2015,
                                    .arxiv = "1412.6572",
                                    .needs_gradients = true};

  assay::Findings analyze(assay::Run& run, const assay::Analyze& call) const {
    analyzers::Question question(run, call, info.id);
    analyzers::Answers answers(call);
    if (question.count() == 0) return answers.findings(question);
    std::vector<std::int64_t> own;
    for (std::size_t i = 0; i < question.count(); ++i) own.push_back(static_cast<std::int64_t>(question.own(i)));
    const assay::Tensor y = run.tensor<std::int64_t>({call.size()}, own);
    const assay::Tensor gradient = call.model.gradient("cross-entropy", call.x, y, {.ids = call.ids});
    for (std::size_t i = 0; i < question.count(); ++i) {
      const analyzers::Floats x =
          along(question.region(i), gradient.floats().subspan(i * question.size(), question.size()), question.left(i));
      if (x.empty()) continue;
      const analyzers::Scores scores = question.ask(i, x);
      for (std::size_t r = 0; r < scores.count() && !answers.is_violated(i); ++r)
        if (scores.best(r) != question.own(i))
          answers.violated(i, analyzers::Row(x).subspan(r * question.size(), question.size()));
    }
    return answers.findings(question);
  }

  // The points at 1, 2, ... steps, as far as any element moves.
  static analyzers::Floats along(const analyzers::Region& region, analyzers::Row gradient, double most) {
    std::int64_t farthest = 0;
    for (const std::size_t e : region.moving) {
      if (gradient[e] > 0) farthest = std::max(farthest, region.above[e]);
      if (gradient[e] < 0) farthest = std::max(farthest, region.below[e]);
    }
    analyzers::Floats out;
    for (std::int64_t k = 1; k <= farthest && static_cast<double>(k) <= most; ++k) {
      const std::size_t row = out.size();
      out.insert(out.end(), region.x.begin(), region.x.end());
      for (const std::size_t e : region.moving) {
        if (gradient[e] > 0) out[row + e] = region.level(e, std::min(k, region.above[e]));
        if (gradient[e] < 0) out[row + e] = region.level(e, -std::min(k, region.below[e]));
      }
    }
    return out;
  }
};

ASSAY_PLUGIN(FgsmGrid)
