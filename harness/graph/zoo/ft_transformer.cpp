// FT-Transformer for numeric tables (Gorishniy et al., NeurIPS 2021): every column becomes a token, x_j W_j + b_j, behind a
// class token; pre-norm blocks with ReGLU perceptrons; the first block has no norm before attention.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

constexpr graph::Init fan_in = {graph::InitKind::uniform_in};

// [D] -> [1 + D, width], the class token first.
std::string feature_tokens(GraphBuilder& b, std::int64_t width) {
  const std::int64_t columns = b.shape(b.input())[0];
  const GraphBuilder::Fans fans{width, width};
  const std::string column = b.reshape("tokens.column", b.input(), {columns, 1});
  const std::string scaled = b.mul("tokens.scaled", column, b.weight("tokens.weight", {1, columns, width}, fans, fan_in));
  const std::string tokens = b.add("tokens", scaled, b.weight("tokens.bias", {1, columns, width}, fans, fan_in));
  return b.with_class_token("class", tokens, fan_in);
}

// fc2(a * relu(gate)), [a, gate] = fc1 x (Shazeer 2020).
std::string reglu(GraphBuilder& b, const std::string& name, const std::string& x, std::int64_t hidden, double dropout) {
  const std::int64_t width = b.shape(x).back();
  const std::string both = b.linear(name + ".fc1", x, 2 * hidden, {.init = fan_in});
  const std::string gate = b.relu(name + ".gate", b.slice(name + ".gate.part", both, 1, hidden, hidden));
  const std::string gated = b.mul(name + ".gated", b.slice(name + ".part", both, 1, 0, hidden), gate);
  return b.linear(name + ".fc2", b.dropout(name + ".drop", gated, dropout), width, {.init = fan_in});
}

graph::Graph build_ft(const BuildRequest& request) {
  if (request.input.size() != 1) throw Error(Fault::bad_input, "needs a table row [D], not " + engine::shape_str(request.input));
  GraphBuilder b = start(request);
  const std::int64_t width = int_param(request, "width");
  const auto hidden = static_cast<std::int64_t>(static_cast<double>(width) * real_param(request, "hidden_ratio"));
  const double p = real_param(request, "dropout");
  std::string x = feature_tokens(b, width);
  for (std::int64_t i = 1; i <= int_param(request, "depth"); ++i) {
    const std::string name = numbered("block", i);
    const std::string y = i == 1 ? x : b.layer_norm(name + ".norm1", x);
    x = b.add(name + ".sum1", x, b.attention(name + ".attention", y, {.heads = int_param(request, "heads"), .init = fan_in, .out_init = fan_in}));
    x = b.add(name + ".sum2", x, reglu(b, name + ".perceptron", b.layer_norm(name + ".norm2", x), hidden, p));
    b.tap(name, x);
  }
  const std::string features = b.relu("relu", b.layer_norm("norm", b.token("pool", x, 0)));
  return b.finish(b.linear("classifier", features, request.classes, {.init = fan_in}), features, Json::object({}));
}

}  // namespace

Architecture arch_ft_transformer() {
  return {"ft-transformer", "transformer over the columns of a numeric table", "Gorishniy et al., Revisiting deep learning models for tabular data, 2021, arXiv:2106.11959",
          {{"width", 192, 1, 4096, "features of a token; a multiple of heads"},
           {"depth", 3, 1, 64, "blocks"},
           {"heads", 8, 1, 64, "attention heads"},
           {"hidden_ratio", 4.0 / 3.0, 0.1, 16.0, "hidden features of a block's perceptron, as a multiple of width, rounded down"},
           dropout_param()},
          build_ft};
}

}  // namespace assay::zoo
