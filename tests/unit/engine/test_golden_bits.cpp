// The engine's own kernels give the same bits on every machine, and tomorrow: the digest of fixed computations is stored.
// When a change of a kernel is meant to change bits, raise Numerics::current_version (harness/record/job.hpp) and put the
// new digest here. oneDNN's kernels are not part of it: their bits belong to the numerics class of the machine.
#include <doctest/doctest.h>

#include "harness/base/hash.hpp"
#include "harness/base/rng.hpp"
#include "harness/engine/tape/eager.hpp"

namespace assay::engine {
namespace {

constexpr const char* digest = "to be measured";

Tensor noise(const Shape& shape, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  Rng(seed, "golden").fill_uniform(values, -2, 2);
  return Tensor::f32(shape, values);
}

std::string digest_of(const std::vector<Tensor>& tensors) {
  Sha256 hash;
  for (const Tensor& t : tensors) {
    const Tensor dense = t.dense();
    hash.update({dense.raw(), dense.spec().bytes()});
  }
  return hash.hex();
}

}  // namespace

TEST_CASE("golden bits of the engine's own kernels") {
  const Tensor x = noise({5, 33, 7, 6}, 1), rows = noise({9, 70}, 2), gamma = noise({33}, 3), beta = noise({33}, 4);
  const Tensor labels = Tensor::i64({9}, std::vector<std::int64_t>{3, 69, 0, 1, 2, 40, 41, 42, 68});
  const Attrs window = {{"kernel", std::int64_t{3}}, {"stride", std::int64_t{2}}, {"pad", std::int64_t{1}}};
  std::vector<Tensor> made;
  const auto add = [&](const char* op, std::initializer_list<Tensor> in, const Attrs& attrs = {}) {
    const auto out = apply(Registry::get().id(op), std::span(in.begin(), in.size()), attrs);
    made.insert(made.end(), out.begin(), out.end());
  };
  add("batch_norm_train", {x, gamma, beta}, {{"act", std::string("relu")}});
  add("batch_norm_train_grad", {x, gamma, beta, apply1("exp", {gamma}), x});
  for (const char* op : {"exp", "tanh", "sigmoid", "erf", "relu", "sign"}) add(op, {x});
  for (const char* op : {"softmax", "log_softmax", "log_sum_exp"}) add(op, {rows});
  for (const char* op : {"reduce_sum", "reduce_mean", "reduce_max"}) add(op, {x}, {{"axes", Shape{0, 2, 3}}});
  for (const char* op : {"max_pool2d", "avg_pool2d"}) add(op, {x}, window);
  add("cross_entropy", {rows, labels});
  add("global_avg_pool", {x});
  CHECK(digest_of(made) == digest);
}

}  // namespace assay::engine
