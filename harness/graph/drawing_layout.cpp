// The layered layout: layers, bends, order, coordinates.
#include "harness/graph/drawing_layout.hpp"

#include <algorithm>
#include <numeric>

namespace assay::graph {
namespace {

constexpr double gap_x = 26, gap_y = 34, bend_width = 10, margin = 20;
constexpr int order_sweeps = 12, place_sweeps = 24;

// A box, or a bend of an edge.
struct Item {
  std::size_t layer = 0;
  double width = 0, height = 0, x = 0;
  std::vector<std::size_t> above, below;  // neighbours in the next layers
};

class Layers {
 public:
  explicit Layers(Picture& picture) : picture_(picture) {
    assign_layers();
    add_items();
    order();
    place();
    write_back();
  }

 private:
  void assign_layers() {
    for (Box& box : picture_.boxes) box.layer = 0;
    std::vector<Edge> edges = picture_.edges;
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.from < b.from; });
    for (const Edge& e : edges) {
      std::size_t& layer = picture_.boxes[e.to].layer;
      layer = std::max(layer, picture_.boxes[e.from].layer + 1);
    }
  }

  std::size_t add(std::size_t layer, double width, double height) {
    Item item;
    item.layer = layer;
    item.width = width;
    item.height = height;
    items_.push_back(item);
    layers_.resize(std::max(layers_.size(), layer + 1));
    layers_[layer].push_back(items_.size() - 1);
    return items_.size() - 1;
  }

  void join(std::size_t upper, std::size_t lower) {
    items_[upper].below.push_back(lower);
    items_[lower].above.push_back(upper);
  }

  void add_items() {
    for (const Box& box : picture_.boxes) add(box.layer, box.width, box.height);
    for (const Edge& e : picture_.edges) {
      std::vector<std::size_t> chain;
      std::size_t last = e.from;
      for (std::size_t layer = picture_.boxes[e.from].layer + 1; layer < picture_.boxes[e.to].layer; ++layer) {
        chain.push_back(add(layer, bend_width, 0));
        join(last, chain.back());
        last = chain.back();
      }
      join(last, e.to);
      bends_.push_back(std::move(chain));
    }
  }

  // Mean position in the neighbouring layer; items without neighbours there stay where they are.
  double barycentre(const std::vector<std::size_t>& neighbours, double otherwise, const std::vector<double>& at) const {
    if (neighbours.empty()) return otherwise;
    double sum = 0;
    for (const std::size_t n : neighbours) sum += at[n];
    return sum / static_cast<double>(neighbours.size());
  }

  void order() {
    std::vector<double> at(items_.size(), 0);
    const auto number = [&](const std::vector<std::size_t>& layer) {
      for (std::size_t i = 0; i < layer.size(); ++i) at[layer[i]] = static_cast<double>(i);
    };
    for (const auto& layer : layers_) number(layer);
    for (int sweep = 0; sweep < order_sweeps; ++sweep) {
      const bool down = sweep % 2 == 0;
      for (std::size_t k = 0; k < layers_.size(); ++k) {
        auto& layer = layers_[down ? k : layers_.size() - 1 - k];
        std::vector<double> key(items_.size(), 0);
        for (const std::size_t i : layer) key[i] = barycentre(down ? items_[i].above : items_[i].below, at[i], at);
        std::stable_sort(layer.begin(), layer.end(), [&](std::size_t a, std::size_t b) { return key[a] < key[b]; });
        number(layer);
      }
    }
  }

  double distance(std::size_t left, std::size_t right) const { return (items_[left].width + items_[right].width) / 2 + gap_x; }

  // Moves a layer's items to their wishes, keeping the order and the gaps: the mean of the leftmost and rightmost fit.
  void settle(const std::vector<std::size_t>& layer, const std::vector<double>& wish) {
    const std::size_t n = layer.size();
    std::vector<double> left(n), right(n);
    for (std::size_t i = 0; i < n; ++i) {
      left[i] = wish[layer[i]];
      if (i > 0) left[i] = std::max(left[i], left[i - 1] + distance(layer[i - 1], layer[i]));
    }
    for (std::size_t i = n; i-- > 0;) {
      right[i] = wish[layer[i]];
      if (i + 1 < n) right[i] = std::min(right[i], right[i + 1] - distance(layer[i], layer[i + 1]));
    }
    for (std::size_t i = 0; i < n; ++i) items_[layer[i]].x = (left[i] + right[i]) / 2;
  }

  void place() {
    for (const auto& layer : layers_) {
      double x = 0;
      for (std::size_t i = 0; i < layer.size(); ++i) {
        if (i > 0) x += distance(layer[i - 1], layer[i]);
        items_[layer[i]].x = x;
      }
    }
    for (int sweep = 0; sweep < place_sweeps; ++sweep) {
      const bool down = sweep % 2 == 0;
      for (std::size_t k = 0; k < layers_.size(); ++k) {
        const auto& layer = layers_[down ? k : layers_.size() - 1 - k];
        std::vector<double> at(items_.size()), wish(items_.size());
        for (std::size_t i = 0; i < items_.size(); ++i) at[i] = items_[i].x;
        for (const std::size_t i : layer) wish[i] = barycentre(down ? items_[i].above : items_[i].below, at[i], at);
        settle(layer, wish);
      }
    }
  }

  void write_back() {
    double left = 0, right = 0;
    for (const Item& item : items_) {
      left = std::min(left, item.x - item.width / 2);
      right = std::max(right, item.x + item.width / 2);
    }
    std::vector<double> middle, half;
    double y = margin;
    for (const auto& layer : layers_) {
      double height = 0;
      for (const std::size_t i : layer) height = std::max(height, items_[i].height);
      middle.push_back(y + height / 2);
      half.push_back(height / 2);
      y += height + gap_y;
    }
    const auto x_of = [&](std::size_t i) { return items_[i].x - left + margin; };
    for (std::size_t i = 0; i < picture_.boxes.size(); ++i) {
      picture_.boxes[i].x = x_of(i);
      picture_.boxes[i].y = middle[items_[i].layer];
    }
    for (std::size_t e = 0; e < picture_.edges.size(); ++e) {
      picture_.edges[e].bends.clear();
      for (const std::size_t i : bends_[e]) {
        const double at = middle[items_[i].layer], reach = half[items_[i].layer];
        picture_.edges[e].bends.push_back({x_of(i), at - reach, at + reach});
      }
    }
    picture_.width = right - left + 2 * margin;
    picture_.height = y - gap_y + margin;
  }

  Picture& picture_;
  std::vector<Item> items_;                        // boxes first
  std::vector<std::vector<std::size_t>> layers_;   // items from left to right
  std::vector<std::vector<std::size_t>> bends_;    // an edge's items between its ends
};

}  // namespace

void lay_out(Picture& picture) { Layers layers(picture); }

}  // namespace assay::graph
