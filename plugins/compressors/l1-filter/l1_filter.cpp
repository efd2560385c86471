// Filter pruning by L1 norm (Li et al., ICLR 2017, section 3.1): in every convolution whose filters may go, the same
// share of filters with the smallest sum of absolute weights is physically removed. The share is the smallest one that
// meets the target ratio, found by bisection on the parameter count of the edited graph.
#include <algorithm>
#include <map>
#include <numeric>

#include "assay/sdk.hpp"

struct L1Filter {
  static constexpr assay::Info info{.id = "l1-filter",
                                    .version = "1.0.0",
                                    .summary = "removes the filters with the smallest L1 norm, layer by layer",
                                    .title = "Pruning Filters for Efficient ConvNets",
                                    .year = 2017,
                                    .arxiv = "1608.08710",
                                    .access = ASSAY_ACCESS_WEIGHTS};

  struct Conv {
    assay::ChannelGroup group;
    std::vector<std::int64_t> order;  // filters, most important first
  };

  static std::vector<std::int64_t> by_norm(const assay::Tensor& weight) {
    const auto filters = static_cast<std::size_t>(weight.dim(0));
    const auto values = weight.floats();
    const std::size_t size = values.size() / filters;
    std::vector<double> norm(filters, 0);
    for (std::size_t i = 0; i < values.size(); ++i) norm[i / size] += std::abs(static_cast<double>(values[i]));
    std::vector<std::int64_t> order(filters);
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return norm[static_cast<std::size_t>(a)] > norm[static_cast<std::size_t>(b)];
    });
    return order;
  }

  static std::vector<std::int64_t> first(const std::vector<std::int64_t>& order, std::size_t count) {
    std::vector<std::int64_t> kept(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
    std::sort(kept.begin(), kept.end());
    return kept;
  }

  // Channels that a residual sum or an output ties down stay whole: only groups with one producer are cut, as in the
  // paper's plain nets.
  static std::vector<Conv> convolutions(const assay::Model& model) {
    const assay::Graph graph = assay::Graph::clone(model);
    std::map<std::string, std::string> weight;  // of each convolution, by node name
    for (const assay::NodeInfo& node : graph.nodes()) {
      if (node.op == "conv2d") weight[node.name] = node.inputs.at(1);
    }
    std::vector<Conv> result;
    for (const assay::ChannelGroup& group : graph.channel_groups()) {
      if (!group.removable || group.producers.size() != 1 || weight.count(group.producers[0]) == 0) continue;
      result.push_back({group, by_norm(graph.param(weight[group.producers[0]]))});
    }
    return result;
  }

  static std::int64_t size(const assay::Graph& graph) {
    std::int64_t total = 0;
    for (const assay::ParamInfo& info : graph.params()) {
      if (!info.buffer) total += graph.param(info.name).count();
    }
    return total;
  }

  static assay::Graph cut(const assay::Model& model, const std::vector<Conv>& convs, double share) {
    assay::Graph graph = assay::Graph::clone(model);
    for (const Conv& conv : convs) {
      const auto filters = static_cast<double>(conv.order.size());
      const auto kept = static_cast<std::size_t>(std::max(1.0, filters - std::floor(share * filters)));
      if (kept < conv.order.size()) graph.keep_channels(conv.group, first(conv.order, kept));
    }
    return graph;
  }

  assay::Model compress(assay::Run& run, const assay::Compress& in) const {
    if (in.target != "ratio") assay::fail(ASSAY_UNSUPPORTED, "only target kind 'ratio' is supported, not '" + in.target + "'");
    const std::vector<Conv> convs = convolutions(in.model);
    const double limit = static_cast<double>(size(assay::Graph::clone(in.model))) / in.value;
    if (static_cast<double>(size(cut(in.model, convs, 1))) > limit) {
      assay::fail(ASSAY_INVALID, "even one filter a layer leaves more parameters than the target");
    }
    double low = 0, high = 1;  // share removed: `high` always meets the target
    if (static_cast<double>(size(cut(in.model, convs, 0))) <= limit) high = 0;
    constexpr int kHalvings = 12;  // finer than one filter in 4096
    for (int i = 0; i < kHalvings && high > 0; ++i) {
      run.check();
      const double middle = (low + high) / 2;
      (static_cast<double>(size(cut(in.model, convs, middle))) <= limit ? high : low) = middle;
    }
    return cut(in.model, convs, high).finish();
  }
};

ASSAY_PLUGIN(L1Filter)
