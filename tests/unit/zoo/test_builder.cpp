// The builder: initial weights have the distributions that their kinds name, options reach the nodes, any batch works.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/graph/builder.hpp"

namespace assay::graph {

namespace {

struct Moments {
  double mean = 0, sd = 0, largest = 0;
};

// Of a dense layer's weights, 300 inputs to 200 outputs.
Moments moments_of(const Init& init) {
  GraphBuilder b(Shape{300}, 11);
  const std::string y = b.linear("fc", b.input(), 200, {.init = init});
  const Graph graph = b.finish(y, y, Json::object({}));
  const std::vector<float> w = graph.parameters.at("fc.weight").value.to_f32();
  Moments m;
  for (const float v : w) {
    m.mean += static_cast<double>(v) / static_cast<double>(w.size());
    m.largest = std::max(m.largest, static_cast<double>(std::abs(v)));
  }
  for (const float v : w) m.sd += std::pow(static_cast<double>(v) - m.mean, 2) / static_cast<double>(w.size());
  m.sd = std::sqrt(m.sd);
  return m;
}

}  // namespace

TEST_CASE("initial weights have the named distributions") {
  struct Case {
    Init init;
    double sd, bound;  // bound 0: none
  };
  // A normal truncated at two standard deviations has 0.8796 of its standard deviation (scipy.stats.truncnorm(-2, 2)).
  const double xavier = std::sqrt(6.0 / 500), fan = std::sqrt(1.0 / 300), root3 = std::sqrt(3.0);
  const std::vector<Case> cases = {{{InitKind::he_normal}, std::sqrt(2.0 / 300), 0},
                                   {{InitKind::he_normal_out}, std::sqrt(2.0 / 200), 0},
                                   {{InitKind::lecun_normal}, fan, 0},
                                   {{InitKind::xavier_uniform}, xavier / root3, xavier},
                                   {{InitKind::uniform_in}, fan / root3, fan},
                                   {{InitKind::normal, 0.3}, 0.3, 0},
                                   {{InitKind::truncated_normal, 0.02}, 0.02 * 0.8796, 0.04},
                                   {{InitKind::uniform, 0.5}, 0.5 / root3, 0.5}};
  for (const Case& c : cases) {
    CAPTURE(static_cast<int>(c.init.kind));
    const Moments m = moments_of(c.init);
    CHECK(m.sd == doctest::Approx(c.sd).epsilon(0.01));
    CHECK(std::abs(m.mean) < 0.02 * c.sd);
    if (c.bound > 0) {
      CHECK(m.largest <= c.bound * 1.000001);
      CHECK(m.largest > c.bound * 0.99);
    } else {
      CHECK(m.largest > 3.5 * c.sd);  // of 60000 draws
    }
  }
  CHECK(moments_of({InitKind::zero}).largest == 0);
}

TEST_CASE("options of convolutions reach the node, and a square stays one number") {
  GraphBuilder b(Shape{4, 8, 9}, 0);
  const std::string a = b.conv("a", b.input(), 6, {.kernel = {1, 3}, .stride = {2, 1}, .groups = 2});
  CHECK(b.shape(a) == Shape{6, 4, 9});
  const std::string c = b.conv("c", a, 6, {.kernel = 3, .groups = 6, .dilation = 2});
  CHECK(b.shape(c) == Shape{6, 4, 9});
  const std::string d = b.conv("d", c, 2, {.kernel = 4, .pads = {0, 1, 3, 2}});
  CHECK(b.shape(d) == Shape{2, 4, 9});
  const std::string features = b.global_pool("pool", d);
  const Graph graph = b.finish(features, features, Json::object({}));
  CHECK(graph.parameters.at("a.weight").value.shape() == Shape{6, 2, 1, 3});
  CHECK(graph.parameters.at("c.weight").value.shape() == Shape{6, 1, 3, 3});
  CHECK(graph.node("a").attrs.ints("pad", {}) == Shape{0, 1});
  CHECK(graph.node("c").attrs.integer("pad", 0) == 2);
  CHECK(graph.node("d").attrs.ints("pad", {}) == Shape{0, 1, 3, 2});
}

TEST_CASE("reshape, transpose, slice and concat of samples hold for every batch") {
  GraphBuilder b(Shape{4, 6}, 0);
  const std::string split = b.reshape("split", b.input(), {4, 2, 3});
  const std::string turned = b.transpose("turned", split, {1, 0, 2});
  const std::string part = b.slice("part", turned, 2, 1, 2);
  const std::string both = b.concat("both", {part, part}, 1);
  CHECK(b.shape(turned) == Shape{2, 4, 3});
  CHECK(b.shape(both) == Shape{2, 8, 2});
  const std::string flat = b.flatten("flat", both);
  const Graph graph = b.finish(flat, flat, Json::object({}));
  for (const std::int64_t batch : {1, 3, 64}) CHECK(graph.shapes(batch).at(flat).shape == Shape{batch, 32});
}

}  // namespace assay::graph
