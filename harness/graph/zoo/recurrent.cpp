// LSTM (Hochreiter & Schmidhuber 1997) and GRU (Cho et al., EMNLP 2014) classifiers of sequences [T, D] (or images
// [1, T, D], row by row): layers one on another, the last hidden state of each direction before the classifier.
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

struct Cell {
  const char* op;
  std::int64_t gates;
};
constexpr Cell lstm = {"lstm", 4}, gru = {"gru", 3};

std::string sequence_input(GraphBuilder& b) {
  const engine::Shape in = b.shape(b.input());
  if (in.size() == 2) return b.input();
  if (in.size() == 3 && in[0] == 1) return b.reshape("sequence", b.input(), {in[1], in[2]});
  throw Error(Fault::bad_input, "needs a sequence [T, D] or [1, T, D], not " + engine::shape_str(in));
}

struct Sizes {
  std::int64_t in, hidden, directions;
};

// [T, in] -> the states of all steps [T, directions, hidden], value <name>, and the last ones [directions, hidden],
// <name>.last. Weights in ONNX's order and shapes.
void add_layer(GraphBuilder& b, const std::string& name, const std::string& x, const Cell& cell, const Sizes& sizes) {
  const auto [in, hidden, directions] = sizes;
  const graph::Init init = {graph::InitKind::uniform, 1 / std::sqrt(static_cast<double>(hidden))};
  const std::string w = b.weight(name + ".weight", {directions, cell.gates * hidden, in}, {in, hidden}, init);
  const std::string r = b.weight(name + ".recurrent", {directions, cell.gates * hidden, hidden}, {hidden, hidden}, init);
  const std::string bias = b.constant(name + ".bias", {directions, 2 * cell.gates * hidden}, 0.0F);
  engine::Attrs attrs = {{"direction", std::string(directions == 2 ? "bidirectional" : "forward")}, {"layout", std::int64_t{1}}};
  if (cell.gates == 3) attrs.set("linear_before_reset", std::int64_t{1});  // the form of cuDNN and PyTorch
  b.apply_many(name, cell.op, {x, w, r, bias}, {name, name + ".last"}, attrs);
}

graph::Graph build_recurrent(const BuildRequest& request, const Cell& cell) {
  GraphBuilder b = start(request);
  std::string x = sequence_input(b);
  Sizes sizes = {b.shape(x)[1], int_param(request, "width"), int_param(request, "bidirectional") + 1};
  const std::int64_t length = b.shape(x)[0], states = sizes.hidden * sizes.directions;
  std::string name;
  for (std::int64_t i = 1; i <= int_param(request, "depth"); ++i) {
    name = numbered("layer", i);
    if (i > 1) x = b.reshape(name + ".input", x, {length, states});
    add_layer(b, name, x, cell, sizes);
    sizes.in = states;
    x = name;
  }
  const std::string features = b.reshape("features", name + ".last", {states});
  x = b.dropout("drop", features, real_param(request, "dropout"));
  return b.finish(b.linear("classifier", x, request.classes, {.init = {graph::InitKind::uniform_in}}), features, Json::object({}));
}

std::vector<ParamSpec> params() {
  return {{"width", 128, 1, 8192, "features of the hidden state"},
          {"depth", 1, 1, 32, "layers"},
          {"bidirectional", 0, 0, 1, "1: a second set of cells reads the sequence backwards"},
          dropout_param()};
}

}  // namespace

Architecture arch_lstm() {
  return {"lstm", "LSTM classifier of sequences", "Hochreiter & Schmidhuber, Long short-term memory, 1997", params(),
          [](const BuildRequest& request) { return build_recurrent(request, lstm); }};
}

Architecture arch_gru() {
  return {"gru", "GRU classifier of sequences", "Cho et al., Learning phrase representations using RNN encoder-decoder, 2014, arXiv:1406.1078", params(),
          [](const BuildRequest& request) { return build_recurrent(request, gru); }};
}

}  // namespace assay::zoo
