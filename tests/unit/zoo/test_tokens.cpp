// Layers of sequences against sums written out from their definitions.
#include <doctest/doctest.h>

#include <cmath>

#include "harness/graph/builder.hpp"
#include "harness/graph/compiled.hpp"
#include "tests/unit/zoo/nets.hpp"

namespace assay::graph {

namespace {

std::vector<float> run(const Graph& graph, const zoo::Feeds& feeds, std::int64_t rows) {
  CompileOptions options;
  options.batch = rows;
  options.outputs = {"result"};
  CompiledPlan plan = compile(graph, options);
  return plan.run(feeds)[static_cast<std::size_t>(plan.output_index("result"))].to_f32();
}

Graph finished(GraphBuilder& b, const std::string& result) {
  b.output("result", result);
  return b.finish(Json::object({}));
}

// Multi-head attention of one sample x [T, D] (Vaswani et al. 2017, equation 1, 3.2.2), packed weights [3 D, D].
struct Naive {
  std::int64_t length, width, heads;
  bool causal;
  std::vector<float> qkv, out;

  double project(const std::vector<float>& x, std::int64_t part, std::int64_t t, std::int64_t feature) const {
    double sum = 0;
    for (std::int64_t i = 0; i < width; ++i) sum += static_cast<double>(x[at(t, i)]) * static_cast<double>(qkv[at(part * width + feature, i)]);
    return sum;
  }
  double mixed(const std::vector<float>& x, std::int64_t t, std::int64_t feature) const {
    const std::int64_t size = width / heads, first = feature / size * size;
    double total = 0, result = 0;
    for (std::int64_t s = 0; s < (causal ? t + 1 : length); ++s) {
      double score = 0;
      for (std::int64_t i = first; i < first + size; ++i) score += project(x, 0, t, i) * project(x, 1, s, i);
      const double weight = std::exp(score / std::sqrt(static_cast<double>(size)));
      total += weight;
      result += weight * project(x, 2, s, feature);
    }
    return result / total;
  }
  double operator()(const std::vector<float>& x, std::int64_t t, std::int64_t feature) const {
    double sum = 0;
    for (std::int64_t i = 0; i < width; ++i) sum += mixed(x, t, i) * static_cast<double>(out[at(feature, i)]);
    return sum;
  }
  std::size_t at(std::int64_t row, std::int64_t column) const { return static_cast<std::size_t>(row * width + column); }
};

}  // namespace

TEST_CASE("attention is the paper's, with and without a causal mask") {
  for (const bool causal : {false, true}) {
    GraphBuilder b(Shape{5, 6}, 3);
    const Init init = {InitKind::normal, 0.7};
    const Graph graph = finished(b, b.attention("a", b.input(), {.heads = 2, .causal = causal, .init = init, .out_init = init}));
    const Naive naive{5, 6, 2, causal, graph.parameters.at("a.qkv.weight").value.to_f32(), graph.parameters.at("a.out.weight").value.to_f32()};
    const zoo::Feeds feeds = zoo::random_feeds(graph, 2, 1);
    const std::vector<float> made = run(graph, feeds, 2), all = feeds.at("input").to_f32();
    for (std::size_t row = 0; row < 2; ++row) {
      const std::vector<float> x(all.begin() + static_cast<std::ptrdiff_t>(row) * 30, all.begin() + static_cast<std::ptrdiff_t>(row + 1) * 30);
      for (std::int64_t t = 0; t < 5; ++t) {
        for (std::int64_t i = 0; i < 6; ++i) {
          CHECK(static_cast<double>(made[row * 30 + naive.at(t, i)]) == doctest::Approx(naive(x, t, i)).epsilon(1e-4));
        }
      }
    }
  }
}

TEST_CASE("tokens, class token, positions and pooling put every number where it belongs") {
  GraphBuilder b(Shape{2, 1, 3}, 3);
  const std::string x = b.with_positions("p", b.with_class_token("c", b.tokens("t", b.input()), {InitKind::normal, 1}), {InitKind::normal, 1});
  CHECK(b.shape(x) == Shape{4, 2});
  const Graph graph = finished(b, b.concat("both", {x, b.reshape("row", b.mean_tokens("m", x), {1, 2}), b.reshape("one", b.token("k", x, 2), {1, 2})}, 0));
  const std::vector<float> token = graph.parameters.at("c.token").value.to_f32(), place = graph.parameters.at("p.embedding").value.to_f32();
  const zoo::Feeds feeds = zoo::random_feeds(graph, 3, 1);
  const std::vector<float> made = run(graph, feeds, 3), in = feeds.at("input").to_f32();
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t d = 0; d < 2; ++d) {
      float sum = 0;
      for (std::size_t t = 0; t < 4; ++t) {
        const float want = (t == 0 ? token[d] : in[row * 6 + d * 3 + t - 1]) + place[t * 2 + d];
        sum += want;
        CHECK(made[row * 12 + t * 2 + d] == want);
      }
      CHECK(made[row * 12 + 8 + d] == doctest::Approx(sum / 4));
      CHECK(made[row * 12 + 10 + d] == made[row * 12 + 4 + d]);
    }
  }
}

TEST_CASE("images go to tokens and back; pixels are doubled") {
  GraphBuilder b(Shape{3, 2, 2}, 3);
  const Graph graph = finished(b, b.resize_nearest("big", b.image("back", b.tokens("t", b.input()), 2, 2), 2));
  const zoo::Feeds feeds = zoo::random_feeds(graph, 2, 1);
  const std::vector<float> made = run(graph, feeds, 2), in = feeds.at("input").to_f32();
  for (std::size_t plane = 0; plane < 6; ++plane) {
    for (std::size_t h = 0; h < 4; ++h) {
      for (std::size_t w = 0; w < 4; ++w) CHECK(made[plane * 16 + h * 4 + w] == in[plane * 4 + h / 2 * 2 + w / 2]);
    }
  }
}

}  // namespace assay::graph
