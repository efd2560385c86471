// DVERGE (Yang et al., NeurIPS 2020, section 3): members that are trained on each other's distilled non-robust
// features. The distilled feature of a source x_s towards x_t at layer l of f_j looks like x_s and has the features of
// x_t (eq. 1); member i learns from those of all others that they are of the source's class (eq. 4), so that no two
// members share a weakness. One layer an epoch, the same for all.
#include "../common/training.hpp"

struct Dverge {
  std::int64_t epochs, batch, steps;
  double eps, step, rate, momentum, weight_decay;
  std::string schedule;

  static constexpr assay::Info info{
      .id = "dverge",
      .version = "1.0.0",
      .summary = "members trained on each other's distilled non-robust features",
      .title = "DVERGE: Diversifying Vulnerabilities for Enhanced Robust Generation of Ensembles",
      .year = 2020,
      .arxiv = "2009.14720",
      .access = ASSAY_ACCESS_SCORES | ASSAY_ACCESS_INPUT_GRADIENT | ASSAY_ACCESS_WEIGHTS | ASSAY_ACCESS_TAPS |
                ASSAY_ACCESS_STOCHASTIC};
  static constexpr auto params = assay::params(
      assay::integer("epochs", &Dverge::epochs,
                     {.fallback = 8, .min = 1, .max = 1000, .doc = "passes over the training set"}),
      assay::integer("batch", &Dverge::batch, {.fallback = 128, .min = 2, .max = 4096, .doc = "samples a batch"}),
      assay::real(
          "eps", &Dverge::eps,
          {.fallback = 0.07, .min = 0, .max = 1, .doc = "Linf radius of the distillation", .unit = "input units"}),
      assay::integer("steps", &Dverge::steps,
                     {.fallback = 10, .min = 1, .max = 1000, .doc = "steps of the distillation"}),
      assay::real("step", &Dverge::step,
                  {.fallback = 0, .min = 0, .max = 2, .doc = "length of one as a share of eps; 0: 1 / steps"}),
      assay::real("lr", &Dverge::rate, {.fallback = 0.1, .min = 1e-6, .max = 10, .doc = "learning rate of SGD"}),
      assay::real("momentum", &Dverge::momentum, {.fallback = 0.9, .min = 0, .max = 0.999, .doc = "of SGD"}),
      assay::real("weight_decay", &Dverge::weight_decay, {.fallback = 1e-4, .min = 0, .max = 1, .doc = "L2 penalty"}),
      assay::choice("schedule", &Dverge::schedule,
                    {.fallback = "step",
                     .choices = {"step", "cosine"},
                     .doc = "of the rate; step: a tenth after half of the epochs and again after three quarters"}));
  static constexpr auto slots =
      assay::slots(assay::slot("combine", "train", ASSAY_RECORDS, {.doc = "training set of the members"}));

  struct Pair {
    assay::Tensor source, target, ids, lo, hi;  // lo, hi: the inputs' range
  };

  // Momentum steps from the source, without a random start, along the signs of -grad ||h(z) - h(x_t)||^2.
  assay::Tensor distill(assay::Run& run, ensembles::Learner& member, std::size_t layer, const Pair& pair) const {
    const assay::Tensor goal = member.features(pair.target, pair.ids, layer);
    const double length = step > 0 ? step * eps : eps / static_cast<double>(steps);
    assay::Tensor z = pair.source, memory;
    for (std::int64_t t = 0; t < steps; ++t) {
      run.check();
      const assay::Tensor at = assay::watch(z);
      const assay::Tensor slope =
          assay::grad(assay::sum(assay::square(member.features(at, pair.ids, layer) - goal)), at);
      const assay::Tensor way = slope / assay::clamp(assay::l1_norm(slope), 1e-30, 1e30);
      memory = memory.defined() ? memory + way : way;
      z = assay::clamp(assay::clamp(z - assay::sign(memory) * length, pair.source - eps, pair.source + eps), pair.lo,
                       pair.hi);
    }
    return z;
  }

  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    std::vector<ensembles::Learner> members = ensembles::learners(in);
    std::size_t layers = members.front().layers();
    for (const ensembles::Learner& member : members) layers = std::min(layers, member.layers());
    if (layers == 0) assay::fail(ASSAY_UNSUPPORTED, "dverge distils features before a ReLU, and a member has none");
    const auto [lo, hi] = in.members.front().range();
    const ensembles::Rule rule{.momentum = momentum, .weight_decay = weight_decay};
    const ensembles::Schedule loop{epochs, batch, schedule, rate};
    loop.each(run, in.train.size(), {"sources", "targets"},
              [&, lo = lo, hi = hi](std::int64_t epoch, const auto& positions, double now) {
                const std::size_t layer = run.random("layer", 0, static_cast<std::uint64_t>(epoch)) % layers;
                const assay::Rows sources = in.train.rows(positions[0]), targets = in.train.rows(positions[1]);
                const Pair pair{sources.x(), targets.x(), sources.ids(), lo, hi};
                std::vector<assay::Tensor> distilled;
                distilled.reserve(members.size());
                for (ensembles::Learner& member : members) distilled.push_back(distill(run, member, layer, pair));
                for (std::size_t i = 0; i < members.size(); ++i) learn(members[i], i, distilled, sources, rule, now);
              });
    return ensembles::mean_softmax(run, members);
  }

  // L_i = sum over j != i of CE(f_i(x'_j), y_s)
  static void learn(ensembles::Learner& member, std::size_t self, const std::vector<assay::Tensor>& distilled,
                    const assay::Rows& sources, const ensembles::Rule& rule, double rate) {
    member.watch();
    assay::Tensor loss;
    for (std::size_t j = 0; j < distilled.size(); ++j) {
      if (j == self) continue;
      const assay::Tensor one =
          assay::mean(assay::cross_entropy(member.logits(distilled[j], sources.ids()), sources.y()));
      loss = loss.defined() ? loss + one : one;
    }
    const std::vector<assay::Tensor> gradients = assay::grad(std::span(&loss, 1), member.leaves());
    member.step(rule, gradients, rate);
  }
};

ASSAY_PLUGIN(Dverge)
