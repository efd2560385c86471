// SVG of a graph.
#include "harness/graph/drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <variant>

#include "harness/graph/drawing_layout.hpp"

namespace assay::graph {
namespace {

constexpr double line_height = 15, padding = 9, character = 6.7, small_character = 5.9;

struct Style {
  const char *fill, *stroke;
};

// What is inside a box: a headline and smaller lines.
struct Label {
  std::string head;
  std::vector<std::string> lines;
  Style style{"#ffffff", "#555555"};
};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

// A name's end tells more than its beginning, an attribute's beginning more than its end.
std::string shortened(const std::string& text, std::size_t most = 34) {
  return text.size() <= most ? text : "..." + text.substr(text.size() - most + 3);
}

std::string counted(double value) {
  constexpr const char* units[] = {"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  while (value >= 1000 && unit < 4) value /= 1000, ++unit;
  return unit == 0 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}{}", value, units[unit]);
}

bool starts(const std::string& text, std::initializer_list<const char*> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const char* p) { return text.rfind(p, 0) == 0; });
}

// Colours by what a node does, so that the rhythm of a net is seen at once.
Style style_of(const std::string& op) {
  if (starts(op, {"conv", "linear", "matmul", "attention", "lstm", "gru", "rnn", "embedding", "einsum"})) return {"#dbe9fb", "#3b6fb6"};
  if (op.find("norm") != std::string::npos || op == "lrn") return {"#def2e0", "#3f8f4f"};
  if (op.find("pool") != std::string::npos || starts(op, {"resize"})) return {"#efe3f8", "#7d4fa6"};
  if (starts(op, {"reshape", "flatten", "transpose", "concat", "slice", "pad", "expand", "gather", "tile"})) return {"#eeeeee", "#777777"};
  if (starts(op, {"add", "sub", "mul", "div", "mean_of", "log_mean_exp"})) return {"#fdf6d8", "#a8891f"};
  if (starts(op, {"drop"})) return {"#f8dede", "#b05050"};
  return {"#fdead7", "#bf7526"};
}

// One number for equal ones, six digits of a real.
std::string short_value(const Attrs::Item& item) {
  if (const auto* v = std::get_if<std::int64_t>(&item)) return std::to_string(*v);
  if (const auto* v = std::get_if<double>(&item)) return fmt::format("{:.6g}", *v);
  if (const auto* v = std::get_if<std::string>(&item)) return *v;
  const auto listed = [](const auto& values) {
    const bool equal = !values.empty() && std::all_of(values.begin(), values.end(), [&](auto v) { return v == values[0]; });
    return equal ? fmt::format("{:.6g}", static_cast<double>(values[0])) : fmt::format("[{:.6g}]", fmt::join(values, ","));
  };
  if (const auto* v = std::get_if<std::vector<double>>(&item)) return listed(*v);
  const auto& whole = std::get<std::vector<std::int64_t>>(item);
  return listed(std::vector<double>(whole.begin(), whole.end()));
}

// Without those that say nothing: no padding, steps of 1, one group.
std::string short_attributes(const Attrs& attrs) {
  const std::map<std::string, std::string> silent = {{"pad", "0"}, {"stride", "1"}, {"dilation", "1"}, {"groups", "1"}, {"keepdims", "0"}, {"count_include_pad", "0"}};
  std::string text;
  for (const auto& [key, item] : attrs.items()) {
    const std::string value = short_value(item);
    const auto it = silent.find(key);
    if (it == silent.end() || it->second != value) text += (text.empty() ? "" : " ") + key + "=" + value;
  }
  return text;
}

std::string shape_text(const Shape& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x "));
}

Label label_of(const GraphNode& node, const NodeCost& cost) {
  Label label;
  label.head = node.op;
  label.style = style_of(node.op);
  label.lines.push_back(shortened(node.name));
  const std::string attributes = short_attributes(node.attrs);
  if (!attributes.empty()) label.lines.push_back(attributes.size() <= 40 ? attributes : attributes.substr(0, 37) + "...");
  label.lines.push_back(shape_text(cost.output));
  std::string numbers;
  if (cost.params > 0) numbers = counted(static_cast<double>(cost.params)) + " parameters";
  if (cost.macs > 0) numbers += (numbers.empty() ? "" : ", ") + counted(cost.macs) + " MACs";
  if (!numbers.empty()) label.lines.push_back(numbers);
  return label;
}

class Drawing {
 public:
  explicit Drawing(const Graph& graph) : graph_(graph) {
    add_boxes();
    add_edges();
    lay_out(picture_);
  }

  std::string svg(const std::string& title) const {
    const double top = title.empty() ? 0 : 30;
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
        "font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" text-anchor=\"middle\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
        "<path d=\"M0,0 L8,4 L0,8 z\" fill=\"#666666\"/></marker></defs>\n",
        std::max(picture_.width, title_width(title)), picture_.height + top);
    if (!title.empty()) {
      out += fmt::format("<text x=\"20\" y=\"24\" font-size=\"15\" font-weight=\"bold\" text-anchor=\"start\">{}</text>\n", escaped(title));
    }
    out += fmt::format("<g transform=\"translate(0,{:.0f})\">\n", top);
    for (const Edge& edge : picture_.edges) out += path(edge);
    for (std::size_t i = 0; i < labels_.size(); ++i) out += box(picture_.boxes[i], labels_[i]);
    return out + "</g>\n</svg>\n";
  }

 private:
  static double title_width(const std::string& title) { return 40 + 9.5 * static_cast<double>(title.size()); }

  std::size_t add_box(Label label) {
    Box box;
    double widest = character * 1.1 * static_cast<double>(label.head.size());
    for (const std::string& line : label.lines) widest = std::max(widest, small_character * static_cast<double>(line.size()));
    box.width = std::max(70.0, widest + 2 * padding);
    box.height = line_height * static_cast<double>(1 + label.lines.size()) + padding;
    picture_.boxes.push_back(box);
    labels_.push_back(std::move(label));
    return labels_.size() - 1;
  }

  void add_boxes() {
    for (const GraphInput& in : graph_.inputs) {
      makers_[in.name] = add_box({"input", {shortened(in.name), shape_text(in.spec.shape)}, {"#333333", "#333333"}});
    }
    const std::vector<NodeCost> costs = cost_table(graph_);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const std::size_t made = add_box(label_of(graph_.nodes[i], costs[i]));
      for (const std::string& out : graph_.nodes[i].outputs) makers_[out] = made;
    }
    // One box for all public names of a value.
    std::map<std::string, std::vector<std::string>> names;
    for (const auto& [name, value] : graph_.outputs) names[value].push_back(name);
    for (const auto& [name, value] : graph_.taps) names[value].push_back("tap " + name);
    for (auto& [value, shown] : names) {
      for (std::string& name : shown) name = shortened(name);
      outputs_.emplace_back(value, add_box({"output", shown, {"#333333", "#333333"}}));
    }
  }

  void add_edges() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const std::string& in : graph_.nodes[i].inputs) connect(in, graph_.inputs.size() + i);
    }
    for (const auto& [value, box] : outputs_) connect(value, box);
  }

  void connect(const std::string& value, std::size_t to) {
    const auto from = makers_.find(value);
    if (from != makers_.end()) picture_.edges.push_back({from->second, to, {}});  // parameters have no box
  }

  // From the bottom of a box through the bends to the top of another, in curves that leave vertically.
  std::string path(const Edge& edge) const {
    const Box &from = picture_.boxes[edge.from], &to = picture_.boxes[edge.to];
    double x = from.x, y = from.y + from.height / 2;
    std::string d = fmt::format("M{:.1f},{:.1f}", x, y);
    const auto curve = [&](double to_x, double to_y) {
      const double half = (to_y - y) / 2;
      d += fmt::format(" C{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}", x, y + half, to_x, to_y - half, to_x, to_y);
      x = to_x;
      y = to_y;
    };
    for (const Bend& bend : edge.bends) {
      curve(bend.x, bend.top);
      y = bend.bottom;
      d += fmt::format(" L{:.1f},{:.1f}", x, y);
    }
    curve(to.x, to.y - to.height / 2 - 1);
    return fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"#666666\" stroke-width=\"1.2\" marker-end=\"url(#tip)\"/>\n", d);
  }

  static std::string box(const Box& at, const Label& label) {
    const bool dark = std::string(label.style.fill) == "#333333";
    std::string out = fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"5\" fill=\"{}\" stroke=\"{}\"/>\n", at.x - at.width / 2,
        at.y - at.height / 2, at.width, at.height, label.style.fill, label.style.stroke);
    double y = at.y - at.height / 2 + line_height;
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"12\" font-weight=\"bold\" fill=\"{}\">{}</text>\n", at.x, y,
                       dark ? "#ffffff" : "#111111", escaped(label.head));
    for (const std::string& line : label.lines) {
      y += line_height;
      out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"10.5\" fill=\"{}\">{}</text>\n", at.x, y,
                         dark ? "#eeeeee" : "#333333", escaped(line));
    }
    return out;
  }

  const Graph& graph_;
  Picture picture_;
  std::vector<Label> labels_;
  std::map<std::string, std::size_t> makers_;                  // value -> box
  std::vector<std::pair<std::string, std::size_t>> outputs_;   // value, box
};

}  // namespace

std::string to_svg(const Graph& graph, const std::string& title) {
  graph.validate();
  return Drawing(graph).svg(title);
}

}  // namespace assay::graph
