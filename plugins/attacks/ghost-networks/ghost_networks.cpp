// Ghost networks (Li et al., AAAI 2020, sections 3.1 and 3.3): every source is eroded by dropout behind each of its
// non-linearities, and each step of momentum iterative FGSM takes its gradient in another ghost (the longitudinal
// ensemble). A ghost is a graph of the host; its masks are keyed by sample id and step, so that a sample's ghosts do
// not depend on its batch.
#include <map>

#include "../common/momentum.hpp"

struct GhostNetworks {
  std::int64_t steps;
  double decay, erosion;

  static constexpr assay::Info info{
      .id = "ghost-networks",
      .version = "1.0.0",
      .summary = "momentum iterative FGSM on dropout-eroded copies of the sources",
      .title = "Learning Transferable Adversarial Examples via Ghost Networks",
      .year = 2020,
      .arxiv = "1812.03413",
      .access = ASSAY_ACCESS_INPUT_GRADIENT | ASSAY_ACCESS_WEIGHTS | ASSAY_ACCESS_SCORES | ASSAY_ACCESS_DECISION,
      .needs_gradients = true,
      .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &GhostNetworks::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &GhostNetworks::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::real("erosion", &GhostNetworks::erosion,
                  {.fallback = 0.012, .min = 0, .max = 0.5, .doc = "dropout rate behind each non-linearity, Lambda"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    std::vector<assay::Model> ghosts;
    for (const assay::Model& source : batch.sources()) ghosts.push_back(eroded(run, source));
    const double share = (problem.targeted ? -1.0 : 1.0) / static_cast<double>(ghosts.size());
    const Momentum loop{steps, decay};
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)g;
      Points total(x.count(), x.size);
      for (const assay::Model& ghost : ghosts) {
        run.check();
        const assay::LossOptions drawn{.ids = batch.ids, .draw = static_cast<std::uint64_t>(t)};
        const Points slope(ghost.gradient("cross-entropy", problem.tensor(x), batch.y, drawn));
        detail::add(total.values, slope.values, share);
      }
      return total;
    });
  }

  static bool bends(const std::string& op) {
    static constexpr std::array<const char*, 15> ops{"relu",  "leaky_relu", "elu",       "selu",       "celu",
                                                     "clamp", "gelu",       "gelu_tanh", "silu",       "quick_gelu",
                                                     "mish",  "tanh",       "sigmoid",   "hard_swish", "softplus"};
    return std::find(ops.begin(), ops.end(), op) != ops.end();
  }

  // A copy of the source, node by node, with dropout behind each non-linearity. One without any is its own only ghost.
  assay::Model eroded(assay::Run& run, const assay::Model& source) const {
    const assay::Graph original = assay::Graph::clone(source);
    assay::Graph ghost = run.graph();
    std::map<std::string, std::string> now;  // value of the original -> value that stands for it
    for (const assay::ParamInfo& param : original.params()) {
      now[param.name] = ghost.add_param(param.name, original.param(param.name), param.buffer);
    }
    for (const assay::NodeInfo& node : original.nodes()) {
      std::vector<std::string> in;
      for (const std::string& name : node.inputs) {  // the one value that nothing makes is the input
        if (now.count(name) == 0) now[name] = ghost.input(name, source.input_shape());
        in.push_back(now[name]);
      }
      ghost.node(node, in);
      for (const std::string& name : node.outputs) now[name] = name;
      if (!bends(node.op) || erosion <= 0) continue;
      const std::string& value = node.outputs.front();
      now[value] = ghost.node(value + "/ghost", "dropout", {value}, {{"p", erosion}, {"always", std::int64_t{1}}});
    }
    ghost.output("logits", now.at(original.output()));
    return ghost.finish();
  }
};

ASSAY_PLUGIN(GhostNetworks)
