// Two terms that hold members of an ensemble apart: the ensemble diversity of ADP and the gradient coherence of GAL.
// Plain functions of tensors with history, so that tests can ask for their gradients.
#pragma once

#include "assay/sdk.hpp"

namespace ensembles {

// Shannon entropy of the mean of the members' predictions, [n]; predictions [n, classes] each (Pang et al., eq. 5).
inline assay::Tensor mean_entropy(std::span<const assay::Tensor> predictions) {
  assay::Tensor total = predictions.front();
  for (std::size_t i = 1; i < predictions.size(); ++i) total = total + predictions[i];
  const assay::Tensor p = assay::clamp(total / static_cast<double>(predictions.size()), 1e-20, 1.0);
  return -assay::sum(p * assay::log(p), {.axes = {1}});
}

// log det(M^T M + 1e-6 I), [n], where the columns of M are the members' predictions without the true class, of unit
// length (Pang et al., eq. 6 and 7). `others`: f32 [n, classes], 0 at the true class and 1 elsewhere.
inline assay::Tensor log_diversity(const assay::Run& run, std::span<const assay::Tensor> predictions,
                                   const assay::Tensor& others) {
  const std::int64_t n = others.dim(0), classes = others.dim(1),
                     members = static_cast<std::int64_t>(predictions.size());
  std::vector<assay::Tensor> rows;
  for (const assay::Tensor& prediction : predictions) {
    const assay::Tensor wrong = prediction * others;
    const assay::Tensor length = assay::sqrt(assay::sum(assay::square(wrong), {.axes = {1}, .keepdims = true}) + 1e-20);
    rows.push_back(assay::reshape(wrong / length, {n, 1, classes}));
  }
  std::vector<float> ridge(static_cast<std::size_t>(members * members), 0.0F);
  for (std::int64_t i = 0; i < members; ++i) ridge[static_cast<std::size_t>(i * members + i)] = 1e-6F;
  const assay::Tensor m = assay::concat(rows, 1);
  const assay::Tensor gram =
      assay::matmul(m, m, {.transpose_b = true}) + run.tensor<float>({1, members, members}, ridge);
  return assay::apply1("logdet", {gram});
}

// log of the sum over pairs i < j of exp(cos(g_i, g_j)), [n]; slopes [n, ...] each (Kariyappa and Qureshi, eq. 6).
inline assay::Tensor coherence(std::span<const assay::Tensor> slopes) {
  std::vector<assay::Tensor> flat, length;
  for (const assay::Tensor& slope : slopes) {
    flat.push_back(assay::reshape(slope, {slope.dim(0), -1}));
    length.push_back(assay::sqrt(assay::sum(assay::square(flat.back()), {.axes = {1}}) + 1e-20));
  }
  assay::Tensor total;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    for (std::size_t j = i + 1; j < flat.size(); ++j) {
      const assay::Tensor cosine = assay::sum(flat[i] * flat[j], {.axes = {1}}) / (length[i] * length[j]);
      total = total.defined() ? total + assay::exp(cosine) : assay::exp(cosine);
    }
  }
  return assay::log(total);
}

}  // namespace ensembles
