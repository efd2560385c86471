// One member alone: the one at `index` of those that are given, or, of a single net that is an ensemble itself, the one
// inside of it. With a transfer matrix over such subjects a suite measures how attacks on one member fool the others.
#include "assay/sdk.hpp"

struct Member {
  std::int64_t index;

  static constexpr assay::Info info{.id = "member",
                                    .version = "1.0.0",
                                    .summary = "one member of an ensemble, alone",
                                    .title = "",
                                    .access = ASSAY_ACCESS_WEIGHTS,
                                    .baseline = true};
  static constexpr auto params = assay::params(
      assay::integer("index", &Member::index, {.fallback = 0, .min = 0, .max = 999, .doc = "which member, from 0"}));

  assay::Model combine(assay::Run&, const assay::Members& in) const {
    if (in.members.size() != 1) {
      if (static_cast<std::size_t>(index) >= in.members.size()) none(in.members.size());
      return in.members[static_cast<std::size_t>(index)];
    }
    // Ensembles call their members' probabilities "member<k>/softmax"; its operand is the member's logits.
    assay::Graph graph = assay::Graph::clone(in.members.front());
    const std::string wanted = "member" + std::to_string(index) + "/softmax";
    std::size_t members = 0;
    for (const assay::NodeInfo& node : graph.nodes()) {
      if (node.op != "softmax" || node.name.rfind("member", 0) != 0) continue;
      ++members;
      if (node.name != wanted) continue;
      graph.output("logits", node.inputs.front());
      return graph.finish();
    }
    none(members);
  }

 private:
  [[noreturn]] void none(std::size_t members) const {
    assay::fail(ASSAY_INVALID, "there is no member " + std::to_string(index) + ": the ensemble has " + std::to_string(members));
  }
};

ASSAY_PLUGIN(Member)
