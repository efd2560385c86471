// Ops on the library's layouts of sequences and volumes, as convolutions leave them: the same as on dense copies.
#include <doctest/doctest.h>

#include <cmath>

#include "harness/engine/tensor/spatial.hpp"
#include "tests/ops/case_inputs.hpp"

using namespace assay;
using namespace assay::engine;

namespace {

Tensor drawn(const Shape& shape, const char* purpose) { return to_tensor(direction(shape, purpose)); }

double largest_gap(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const std::vector<float> u = a.to_f32(), v = b.to_f32();
  double worst = 0;
  for (std::size_t i = 0; i < u.size(); ++i) worst = std::max(worst, std::fabs(static_cast<double>(u[i]) - v[i]));
  return worst;
}

// 32 and 17 channels: whole blocks and a padded one.
void check_after(const char* conv, const Shape& x, const Shape& w, const char* axes) {
  const Tensor made = apply1(conv, {drawn(x, "x"), drawn(w, "w")});
  const Tensor plain = made.dense();
  const Tensor gamma = drawn({w[0]}, "gamma"), beta = drawn({w[0]}, "beta");
  const Attrs window = {{"kernel", std::int64_t{2}}};
  const std::string max = std::string("max_pool") + axes + "d", avg = std::string("avg_pool") + axes + "d";
  CHECK(spatial_view({made.spec(), made.layout()}).has_value());
  for (const std::string& op : {max, avg}) {
    CAPTURE(op);
    CHECK(largest_gap(apply1(op, {made}, window), apply1(op, {plain}, window)) == 0);
  }
  CHECK(largest_gap(apply1(max + "_grad", {made, apply1(max, {made}, window)}, window),
                    apply1(max + "_grad", {plain, apply1(max, {plain}, window)}, window)) <= 1e-6);
  CHECK(largest_gap(apply1("global_max_pool", {made}), apply1("global_max_pool", {plain})) == 0);
  CHECK(largest_gap(apply1("global_avg_pool", {made}), apply1("global_avg_pool", {plain})) <= 1e-6);
  CHECK(largest_gap(apply1("instance_norm", {made, gamma, beta}), apply1("instance_norm", {plain, gamma, beta})) <=
        1e-5);
  CHECK(largest_gap(apply1("batch_norm_train", {made, gamma, beta}),
                    apply1("batch_norm_train", {plain, gamma, beta})) <= 1e-5);
  CHECK(largest_gap(apply1("relu", {made}), apply1("relu", {plain})) == 0);
  CHECK(largest_gap(apply1("add", {made, made}), apply1("add", {plain, plain})) == 0);
}

}  // namespace

TEST_CASE("sequences in the library's layouts") {
  check_after("conv1d", {2, 16, 9}, {32, 16, 3}, "1");
  check_after("conv1d", {2, 3, 9}, {17, 3, 3}, "1");
}

TEST_CASE("volumes in the library's layouts") {
  check_after("conv3d", {2, 16, 4, 5, 4}, {32, 16, 2, 2, 2}, "3");
  check_after("conv3d", {1, 3, 4, 5, 4}, {17, 3, 2, 2, 2}, "3");
}
