// Multilayer perceptron: flatten, hidden layers with relu, classifier.
#include "harness/graph/builder.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

graph::Graph build_mlp(const BuildRequest& request) {
  graph::GraphBuilder b = start(request);
  const double p = request.params.at("dropout").as_real();
  std::string x = b.flatten("flatten", b.input());
  std::int64_t n = 0;
  for (const Json& width : request.params.at("hidden").as_array()) {
    ++n;
    x = b.relu(numbered("relu", n), b.linear(numbered("fc", n), x, width.as_int()));
    b.tap(numbered("hidden", n), x);
    x = b.dropout(numbered("drop", n), x, p);
  }
  const std::string features = x;
  return b.finish(b.linear("classifier", x, request.classes), features, Json::object({}));
}

}  // namespace

Architecture arch_mlp() {
  Json hidden = Json::array();
  hidden.push_back(512);
  hidden.push_back(512);
  return {"mlp", "fully connected layers with relu", "", {{"hidden", hidden, 1, 65536, "width of each hidden layer"}, dropout_param()}, build_mlp};
}

}  // namespace assay::zoo
