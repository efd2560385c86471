// A network as a chain of sparse affine maps, rectifiers and max pools, read from the host's graph: what linear
// arithmetic can speak of. Evaluated in double, so that it is the same function as the net up to float rounding.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "assay/sdk.hpp"

namespace analyzers {

using Reals = std::vector<double>;

struct AffineRow {
  std::vector<std::pair<std::size_t, double>> terms;  // place in the layer before, weight
  double bias = 0;
};
struct Layer {
  enum class Kind { affine, relu, max_pool } kind = Kind::affine;
  std::vector<AffineRow> rows;                    // affine
  std::vector<std::vector<std::size_t>> windows;  // max_pool
  std::size_t size = 0;                           // of what it gives

  Reals operator()(const Reals& x) const {
    Reals out;
    out.reserve(size);
    if (kind == Kind::relu)
      for (const double v : x) out.push_back(std::max(v, 0.0));
    for (const AffineRow& row : rows) {
      double sum = row.bias;
      for (const auto& [place, weight] : row.terms) sum += weight * x[place];
      out.push_back(sum);
    }
    for (const auto& window : windows) {
      double best = x[window.front()];
      for (const std::size_t place : window) best = std::max(best, x[place]);
      out.push_back(best);
    }
    return out;
  }
};

class Network {
 public:
  // Throws UNSUPPORTED naming the node that is not a link of such a chain; `method` begins the message.
  Network(const assay::Model& model, const char* method)
      : method_(method), graph_(assay::Graph::clone(model)), at_(model.input_shape()) {
    std::string value;
    const std::string last = graph_.output("logits");
    for (const assay::NodeInfo& node : graph_.nodes()) {
      if (!value.empty() && value == last) break;
      if (!value.empty() && node.inputs.front() != value) refuse(node, "branches off");
      value = node.outputs.empty() ? node.name : node.outputs.front();
      add(node);
    }
    merge_scales();
  }

  std::vector<Layer> layers;
  std::size_t rectified() const {  // units at which the function bends
    std::size_t units = 0;
    for (const Layer& layer : layers) units += layer.kind == Layer::Kind::affine ? 0 : layer.size;
    return units;
  }

 private:
  [[noreturn]] void refuse(const assay::NodeInfo& node, const std::string& why) const {
    assay::fail(ASSAY_UNSUPPORTED,
                std::string(method_) + ": node '" + node.name + "' (" + node.op + ") " + why +
                    "; expected a chain of linear, conv2d, batch_norm, relu, max_pool2d and avg_pool2d");
  }
  static std::size_t volume(const assay::Shape& shape) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    return count;
  }
  Reals values(const std::string& name) const {
    const assay::Tensor tensor = graph_.param(name);
    const std::span<const float> all = tensor.floats();
    return {all.begin(), all.end()};
  }
  // A number or a list of them: one for both sides, or height and width.
  std::array<std::int64_t, 2> sides(const assay::NodeInfo& node, const char* key, std::int64_t fallback) const {
    const auto value = node.attrs.find(key);
    if (!value) return {fallback, fallback};
    if (value->type() == ASSAY_INT) return {value->integer(), value->integer()};
    std::vector<std::int64_t> both;
    assay::sdk::store(*value, both);
    if (both.size() == 4 && (both[0] != both[2] || both[1] != both[3]))
      refuse(node, std::string("has a lopsided ") + key);
    if (both.size() != 2 && both.size() != 4) refuse(node, std::string("has no two sides of ") + key);
    return {both[0], both[1]};
  }

  void add(const assay::NodeInfo& node) {
    if (node.op == "flatten" || node.op == "dropout" || node.op == "drop_path" || node.op == "identity") {
      if (node.op == "flatten") at_ = {static_cast<std::int64_t>(volume(at_))};
      return;
    }
    if (node.op == "linear") return add_linear(node);
    if (node.op == "conv2d") return add_conv(node);
    if (node.op == "batch_norm") return add_norm(node);
    if (node.op == "max_pool2d" || node.op == "avg_pool2d") return add_pool(node, node.op == "max_pool2d");
    if (node.op != "relu") refuse(node, "is not piecewise linear");
    Layer layer;
    layer.kind = Layer::Kind::relu;
    put(std::move(layer), at_);
  }
  void put(Layer layer, const assay::Shape& shape) {
    at_ = shape;
    layer.size = volume(shape);
    layers.push_back(std::move(layer));
  }

  void add_linear(const assay::NodeInfo& node) {
    if (at_.size() != 1) refuse(node, "has no flat input");
    const Reals weight = values(node.inputs[1]), bias = node.inputs.size() > 2 ? values(node.inputs[2]) : Reals();
    const auto in = static_cast<std::size_t>(at_[0]), out = weight.size() / in;
    Layer layer;
    for (std::size_t row = 0; row < out; ++row) {
      AffineRow affine;
      for (std::size_t k = 0; k < in; ++k)
        if (weight[row * in + k] != 0) affine.terms.emplace_back(k, weight[row * in + k]);
      affine.bias = bias.empty() ? 0 : bias[row];
      layer.rows.push_back(std::move(affine));
    }
    put(std::move(layer), {static_cast<std::int64_t>(out)});
  }

  // Places of the input under a window, row by row, with the place inside the window.
  struct Seen {
    std::size_t place, inside;
  };
  struct Window {
    std::array<std::int64_t, 2> kernel, stride, pad, dilation;
    std::array<std::int64_t, 2> out(const assay::Shape& in) const {
      std::array<std::int64_t, 2> sides{};
      for (std::size_t s = 0; s < 2; ++s)
        sides[s] = (in[s + 1] + 2 * pad[s] - dilation[s] * (kernel[s] - 1) - 1) / stride[s] + 1;
      return sides;
    }
    std::vector<Seen> at(const assay::Shape& in, std::int64_t channel, std::int64_t y, std::int64_t x) const {
      std::vector<Seen> seen;
      for (std::int64_t a = 0; a < kernel[0]; ++a) {
        for (std::int64_t b = 0; b < kernel[1]; ++b) {
          const std::int64_t row = y * stride[0] - pad[0] + a * dilation[0],
                             column = x * stride[1] - pad[1] + b * dilation[1];
          if (row < 0 || column < 0 || row >= in[1] || column >= in[2]) continue;
          seen.push_back({static_cast<std::size_t>((channel * in[1] + row) * in[2] + column),
                          static_cast<std::size_t>(a * kernel[1] + b)});
        }
      }
      return seen;
    }
  };

  void add_conv(const assay::NodeInfo& node) {
    if (at_.size() != 3) refuse(node, "has no image input");
    const assay::Shape in = at_, shape = graph_.param(node.inputs[1]).shape();
    const Reals weight = values(node.inputs[1]), bias = node.inputs.size() > 2 ? values(node.inputs[2]) : Reals();
    const auto groups = node.attrs.find("groups");
    const std::int64_t out = shape[0], depth = shape[1], parts = groups ? groups->integer() : 1;
    const Window window{
        {shape[2], shape[3]}, sides(node, "stride", 1), sides(node, "pad", 0), sides(node, "dilation", 1)};
    const auto extent = window.out(in);
    const auto area = static_cast<std::size_t>(shape[2] * shape[3]);
    Layer layer;
    for (std::int64_t o = 0; o < out; ++o) {
      const std::int64_t first = o / (out / parts) * depth;
      for (std::int64_t place = 0; place < extent[0] * extent[1]; ++place) {
        AffineRow row;
        for (std::int64_t c = 0; c < depth; ++c)
          for (const Seen& seen : window.at(in, first + c, place / extent[1], place % extent[1]))
            row.terms.emplace_back(seen.place, weight[static_cast<std::size_t>(o * depth + c) * area + seen.inside]);
        row.bias = bias.empty() ? 0 : bias[static_cast<std::size_t>(o)];
        layer.rows.push_back(std::move(row));
      }
    }
    put(std::move(layer), {out, extent[0], extent[1]});
  }

  void add_norm(const assay::NodeInfo& node) {
    const Reals weight = values(node.inputs[1]), bias = values(node.inputs[2]), mean = values(node.inputs[3]),
                var = values(node.inputs[4]);
    const auto given = node.attrs.find("eps");
    const double eps = given ? given->real() : 1e-5;
    const std::size_t area = volume(at_) / weight.size();
    Layer layer;
    for (std::size_t i = 0; i < volume(at_); ++i) {
      const std::size_t c = i / area;
      const double scale = weight[c] / std::sqrt(var[c] + eps);
      layer.rows.push_back({{{i, scale}}, bias[c] - mean[c] * scale});
    }
    put(std::move(layer), at_);
  }

  void add_pool(const assay::NodeInfo& node, bool largest) {
    if (at_.size() != 3) refuse(node, "has no image input");
    const assay::Shape in = at_;
    const auto kernel = sides(node, "kernel", 1);
    const Window window{kernel, sides(node, "stride", 1), sides(node, "pad", 0), {1, 1}};
    if (!largest && window.pad[0] + window.pad[1] > 0) refuse(node, "averages over a padding");
    const auto extent = window.out(in);
    Layer layer;
    layer.kind = largest ? Layer::Kind::max_pool : Layer::Kind::affine;
    for (std::int64_t c = 0; c < in[0]; ++c) {
      for (std::int64_t place = 0; place < extent[0] * extent[1]; ++place) {
        std::vector<std::size_t> under;
        for (const Seen& seen : window.at(in, c, place / extent[1], place % extent[1])) under.push_back(seen.place);
        if (largest) {
          layer.windows.push_back(std::move(under));
          continue;
        }
        AffineRow row;
        for (const std::size_t p : under) row.terms.emplace_back(p, 1.0 / static_cast<double>(kernel[0] * kernel[1]));
        layer.rows.push_back(std::move(row));
      }
    }
    put(std::move(layer), {in[0], extent[0], extent[1]});
  }

  // A scale behind an affine map is part of it, so that layers are counted as papers count them.
  void merge_scales() {
    for (std::size_t l = 1; l < layers.size();) {
      const bool affine = layers[l].kind == Layer::Kind::affine && layers[l - 1].kind == Layer::Kind::affine;
      const bool scales = affine && std::all_of(layers[l].rows.begin(), layers[l].rows.end(),
                                                [](const AffineRow& row) { return row.terms.size() == 1; });
      if (!scales) {
        ++l;
        continue;
      }
      std::vector<AffineRow> merged;
      for (const AffineRow& row : layers[l].rows) {
        AffineRow both = layers[l - 1].rows[row.terms[0].first];
        for (auto& term : both.terms) term.second *= row.terms[0].second;
        both.bias = both.bias * row.terms[0].second + row.bias;
        merged.push_back(std::move(both));
      }
      layers[l - 1].rows = std::move(merged);
      layers[l - 1].size = layers[l - 1].rows.size();
      layers.erase(layers.begin() + static_cast<std::ptrdiff_t>(l));
    }
  }

  const char* method_;
  assay::Graph graph_;
  assay::Shape at_;
};

}  // namespace analyzers
