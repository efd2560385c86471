// Training against torch: equal weights after 20 steps, from equal initial weights and equal batches
// (fixtures/make_training.py).
#include "helpers.hpp"

#include "harness/base/files.hpp"
#include "harness/graph/batches.hpp"

namespace assay::graph {
namespace {

constexpr std::int64_t side = 6, rows = 40, classes = 3;

const Json& fixture() {
  static const Json json = Json::parse(read_text(fs::path(ASSAY_SOURCE_DIR) / "tests/unit/graph/fixtures/training.json"));
  return json;
}

std::vector<float> floats(const Json& list) {
  std::vector<float> values;
  for (const Json& v : list.as_array()) values.push_back(static_cast<float>(v.as_real()));
  return values;
}

TrainData torch_data() {
  TrainData data;
  data.sample_shape = {1, side, side};
  for (const Json& v : fixture().at("pixels").as_array()) data.u8.push_back(static_cast<std::uint8_t>(v.as_int()));
  for (const Json& v : fixture().at("labels").as_array()) {
    data.labels.push_back(v.as_int());
    data.ids.push_back(data.ids.size());
  }
  return data;
}

Graph torch_net() {
  GraphBuilder b({1, side, side}, 1);
  const std::string x = b.relu("relu", b.batch_norm("bn", b.conv("conv", b.input(), 4)));
  const std::string features = b.global_pool("pool", x);
  Graph graph = b.finish(b.linear("fc", features, classes), features, Json::object({}));
  for (auto& [name, parameter] : graph.parameters) parameter.value = Tensor::f32(parameter.value.shape(), floats(fixture().at("start").at(name)));
  for (auto& [name, buffer] : graph.buffers) buffer = Tensor::f32(buffer.shape(), floats(fixture().at("start").at(name)));
  return graph;
}

Recipe torch_recipe(const std::string& optimizer) {
  Recipe r;
  r.epochs = 4;
  r.batch = 8;
  r.optimizer = optimizer;
  r.schedule = "constant";
  r.weight_decay = 0.01;
  r.lr = optimizer == "sgd" ? 0.05 : optimizer == "rmsprop" ? 0.003 : 0.01;
  if (optimizer == "rmsprop") {
    r.rms_decay = 0.9;
    r.momentum = 0.5;
  }
  return r;
}

void check_equal(const Graph& got, const Json& want, double tolerance) {
  for (const auto& [name, values] : want.as_object()) {
    const std::string of = name;
    CAPTURE(of);
    const auto parameter = got.parameters.find(name);
    const Tensor& tensor = parameter != got.parameters.end() ? parameter->second.value : got.buffers.at(name);
    CHECK(difference(tensor, Tensor::f32(tensor.shape(), floats(values))) < tolerance);
  }
}

}  // namespace

TEST_CASE("the fixture's order of samples is the keyed shuffle") {
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    std::vector<std::int64_t> order;
    for (const Json& v : fixture().at("order").at(static_cast<std::size_t>(epoch)).as_array()) order.push_back(v.as_int());
    CHECK(epoch_order(rows, 3, epoch) == order);
  }
}

TEST_CASE("20 steps of every optimizer, of clipping and of label smoothing give torch's weights") {
  const TrainData data = torch_data();
  for (const Json& run : fixture().at("runs").as_array()) {
    const std::string name = run.at("name").as_string();
    CAPTURE(name);
    Recipe r = torch_recipe(run.at("optimizer").as_string());
    if (run.has("key")) {
      Json json = r.to_json();
      json[run.at("key").as_string()] = run.at("value");
      r = Recipe::from_json(json);
    }
    Trainer trainer(torch_net(), data, r, 3);
    trainer.run();
    check_equal(trainer.graph(), run.at("weights"), 1e-5);
  }
}

TEST_CASE("label smoothing through soft targets gives torch's weights too") {
  const TrainData data = torch_data();
  Recipe r = torch_recipe("sgd");
  r.label_smoothing = 0.1;
  r.mixup = 1;            // the path of soft targets ...
  r.mix_probability = 0;  // ... with nothing mixed
  Trainer trainer(torch_net(), data, r, 3);
  trainer.run();
  for (const Json& run : fixture().at("runs").as_array()) {
    if (run.at("name") == Json("label_smoothing")) check_equal(trainer.graph(), run.at("weights"), 1e-5);
  }
}

TEST_CASE("the moving average equals torch's AveragedModel; batch norm re-estimation equals update_bn") {
  const TrainData data = torch_data();
  Recipe r = torch_recipe("sgd");
  Trainer plain(torch_net(), data, r, 3);
  plain.run();
  Graph again = plain.graph();
  reestimate_batch_norm(again, data, 8);
  check_equal(again, fixture().at("reestimated"), 1e-5);
  r.ema = 0.9;
  Trainer averaged(torch_net(), data, r, 3);
  averaged.run();
  check_equal(averaged.graph(), fixture().at("ema_weights"), 1e-5);
}

}  // namespace assay::graph
