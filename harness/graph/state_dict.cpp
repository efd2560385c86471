// Matching a file's tensors with a graph's.
#include "harness/graph/state_dict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

using Names = std::vector<std::string>;

// Ours in the order in which the nodes use them.
Names names_in_order(const Graph& graph) {
  Names names;
  std::set<std::string> seen;
  for (const GraphNode& node : graph.nodes) {
    for (const std::string& in : node.inputs) {
      const bool ours = graph.parameters.count(in) || graph.buffers.count(in);
      if (ours && seen.insert(in).second) names.push_back(in);
    }
  }
  return names;
}

const Tensor& tensor_of(const Graph& graph, const std::string& name) {
  const auto it = graph.parameters.find(name);
  return it == graph.parameters.end() ? graph.buffers.at(name) : it->second.value;
}

// Digits compare as numbers: layer2 comes before layer10.
bool natural_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      std::size_t p = i, q = j;
      while (p < a.size() && digit(a[p])) ++p;
      while (q < b.size() && digit(b[q])) ++q;
      const std::string x = a.substr(i, p - i), y = b.substr(j, q - j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      i = p;
      j = q;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

// The dotted beginning that all names share, if any.
std::string common_prefix(const Names& names) {
  std::string prefix = names.empty() ? "" : names[0];
  for (const std::string& name : names) {
    const auto [end, unused] = std::mismatch(prefix.begin(), prefix.end(), name.begin(), name.end());
    prefix.erase(end, prefix.end());
  }
  const std::size_t dot = prefix.rfind('.');
  return dot == std::string::npos ? "" : prefix.substr(0, dot + 1);
}

std::string last_part(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

// Our batch norms call their statistics mean and var, PyTorch's running_mean and running_var.
std::string kind_of(const std::string& name) {
  const std::string part = last_part(name);
  return part == "mean" || part == "var" ? "running_" + part : part;
}

std::string as_in_torch(const std::string& name) { return name.substr(0, name.size() - last_part(name).size()) + kind_of(name); }

bool is_counter(const std::string& name) { return last_part(name) == "num_batches_tracked"; }

class Matching {
 public:
  Matching(const Graph& graph, const Container& file, const StateDictOptions& options)
      : graph_(graph), file_(file), options_(options), ours_(names_in_order(graph)) {
    for (const auto& [name, array] : file.arrays) {
      if (is_counter(name)) ignored.push_back(name);
      else theirs_.push_back(name);
    }
  }

  void run() {
    by_names();
    by_equal_name();
    if (options_.by_order) by_order();
    if (ours_.empty() && theirs_.empty()) return;
    throw Error(Fault::bad_input, complaint());
  }

  std::map<std::string, std::string> mapping;
  Names ignored;

 private:
  bool fits(const std::string& ours, const std::string& theirs) const {
    return tensor_of(graph_, ours).shape() == file_.at(theirs).shape;
  }

  void take(std::string ours, std::string theirs) {
    std::erase(ours_, ours);
    std::erase(theirs_, theirs);
    mapping[std::move(ours)] = std::move(theirs);
  }

  void by_names() {
    for (const auto& [ours, theirs] : options_.names) {
      if (std::find(ours_.begin(), ours_.end(), ours) == ours_.end()) {
        throw Error(Fault::bad_input, fmt::format("the model has no parameter '{}'{}", ours, suggestion(ours, ours_)));
      }
      if (std::find(theirs_.begin(), theirs_.end(), theirs) == theirs_.end()) {
        throw Error(Fault::bad_input, fmt::format("the file has no tensor '{}'{}", theirs, suggestion(theirs, theirs_)));
      }
      if (!fits(ours, theirs)) {
        throw Error(Fault::bad_input, fmt::format("'{}' has shape {}; '{}' of the file has {}", ours,
                                                  engine::shape_str(tensor_of(graph_, ours).shape()), theirs,
                                                  engine::shape_str(file_.at(theirs).shape)));
      }
      take(ours, theirs);
    }
  }

  void by_equal_name() {
    const std::string prefix = common_prefix(theirs_);
    for (const std::string& ours : Names(ours_)) {
      for (const std::string& theirs : {ours, prefix + ours, as_in_torch(ours), prefix + as_in_torch(ours)}) {
        const bool there = std::find(theirs_.begin(), theirs_.end(), theirs) != theirs_.end();
        if (!there || !fits(ours, theirs)) continue;
        take(ours, theirs);
        break;
      }
    }
  }

  // Layers are paired, not tensors: a convolution's bias is no batch norm's. A layer is what shares a name but for the
  // last part; layers of equal kinds and shapes are paired in order, where both sides have equally many.
  void by_order() {
    std::sort(theirs_.begin(), theirs_.end(), natural_less);
    const auto shape_of_theirs = [&](const std::string& name) { return file_.at(name).shape; };
    const auto shape_of_ours = [&](const std::string& name) { return tensor_of(graph_, name).shape(); };
    const std::map<std::string, std::vector<Names>> ours = layers_of(ours_, shape_of_ours), theirs = layers_of(theirs_, shape_of_theirs);
    for (const auto& [signature, layers] : ours) {
      const auto found = theirs.find(signature);
      if (found == theirs.end() || found->second.size() != layers.size()) continue;
      for (std::size_t i = 0; i < layers.size(); ++i) {
        for (std::size_t k = 0; k < layers[i].size(); ++k) take(layers[i][k], found->second[i][k]);
      }
    }
  }

  // Signature (kinds and shapes of a layer's tensors, sorted) -> the layers that have it, each as its names in that order.
  template <class ShapeOf>
  static std::map<std::string, std::vector<Names>> layers_of(const Names& names, const ShapeOf& shape_of) {
    Names order;
    std::map<std::string, std::map<std::string, std::string>> parts;  // layer -> kind -> name
    for (const std::string& name : names) {
      const std::string layer = name.substr(0, name.size() - std::min(name.size(), last_part(name).size() + 1));
      if (!parts.count(layer)) order.push_back(layer);
      parts[layer][kind_of(name)] = name;
    }
    std::map<std::string, std::vector<Names>> found;
    for (const std::string& layer : order) {
      std::string signature;
      Names tensors;
      for (const auto& [kind, name] : parts[layer]) {
        signature += kind + engine::shape_str(shape_of(name)) + " ";
        tensors.push_back(name);
      }
      found[signature].push_back(tensors);
    }
    return found;
  }

  std::string complaint() const {
    constexpr std::size_t most = 12;
    std::string text = fmt::format("the file does not fill the model: {} of {} names match", mapping.size(), mapping.size() + ours_.size());
    const auto list = [&](const char* head, const Names& names, const auto& describe) {
      if (names.empty()) return;
      text += fmt::format("; {} ({}): ", head, names.size());
      for (std::size_t i = 0; i < std::min(most, names.size()); ++i) text += (i > 0 ? ", " : "") + describe(names[i]);
      if (names.size() > most) text += fmt::format(" and {} more", names.size() - most);
    };
    list("not in the file", ours_, [&](const std::string& name) {
      const std::string near = nearest(name, theirs_);
      return fmt::format("{} {}{}", name, engine::shape_str(tensor_of(graph_, name).shape()), near.empty() ? "" : " (nearest: " + near + ")");
    });
    list("not in the model", theirs_, [&](const std::string& name) {
      return fmt::format("{} {}", name, engine::shape_str(file_.at(name).shape));
    });
    return text;
  }

  const Graph& graph_;
  const Container& file_;
  const StateDictOptions& options_;
  Names ours_, theirs_;  // what is not matched yet
};

Tensor as_f32(const Array& array) {
  const Tensor tensor = Tensor::from_bytes({engine::dtype_from_name(array.dtype), array.shape}, array.bytes);
  return Tensor::f32(array.shape, tensor.to_f32());
}

}  // namespace

Filled fill_from_state_dict(const Graph& graph, const Container& file, const StateDictOptions& options) {
  Matching matching(graph, file, options);
  matching.run();
  Filled result{graph, matching.mapping, matching.ignored};
  for (const auto& [ours, theirs] : result.mapping) {
    const Tensor value = as_f32(file.at(theirs));
    if (graph.parameters.count(ours)) result.graph.set_parameter(ours, value);
    else result.graph.buffers[ours] = value;
  }
  result.graph.validate();
  return result;
}

Container state_dict(const Graph& graph) {
  Container file;
  const auto add = [&](const std::string& name, const Tensor& tensor) {
    const Tensor dense = tensor.dense();
    Array array;
    array.dtype = engine::dtype_name(dense.dtype());
    array.shape = dense.shape();
    array.bytes.assign(dense.raw(), dense.raw() + dense.spec().bytes());
    file.arrays[name] = std::move(array);
  };
  for (const auto& [name, parameter] : graph.parameters) add(name, parameter.value);
  for (const auto& [name, buffer] : graph.buffers) add(name, buffer);
  return file;
}

}  // namespace assay::graph
