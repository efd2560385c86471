// Adversaries of training: perturbations inside a ball around the batch, found against the net as it stands. What the
// reference implementations do decides the details:
//   fgsm    Wong et al. (ICLR 2020; fast_adversarial, train_fgsm.py): uniform start in the ball, one step, training mode
//   pgd     Madry et al. (ICLR 2018; cifar10_challenge, train.py): uniform start, adv_steps steps, training mode
//   free    Shafahi et al. (NeurIPS 2019; FreeAdversarialTraining, main_free.py): each batch adv_replays times; one
//           backward pass gives the gradients of weights and inputs; the perturbation of a batch's row stays for the
//           same row of the next batch; training mode
//   trades  Zhang et al. (ICML 2019; TRADES, trades.py): start at 0.001 times a normal variable, adv_steps steps up
//           KL(p(x) || p(x')) in evaluation mode; loss: cross-entropy(x) + adv_beta KL(p(x) || p(x')), mean over rows
// Every pass in training mode moves the running statistics, as in the reference code. Norms: linf steps along the sign,
// l2 along the normalised gradient of each row. Everything stays in the input's range.
// Random starts are keyed by (seed, sample id, epoch). Private to this folder. One thread.
#pragma once

#include <functional>

#include "harness/graph/net_pass.hpp"
#include "harness/graph/recipe.hpp"

namespace assay::graph {

struct Ball {
  bool l2 = false;
  float eps = 0, step = 0;
  float lo = 0, hi = 1;            // range of the input
  std::size_t row = 1;             // elements of one sample
};
Ball ball_of(const Recipe& recipe, const Graph& graph);

// Inputs' range by the graph's metadata, [0, 1] where it says nothing.
std::pair<float, float> input_range(const Graph& graph);

// All of these work on rows of `ball.row` elements. delta: what is added to x.
// Uniform in the linf ball; in the l2 ball a normal direction with a radius of eps (as Madry's robustness library).
void random_start(const Ball& ball, std::uint64_t seed, std::int64_t epoch, std::span<const std::uint64_t> ids, std::span<float> delta);
void tiny_start(std::uint64_t seed, std::int64_t epoch, std::span<const std::uint64_t> ids, std::span<float> delta);
// One step up `gradient`, then into the ball. A row with a zero gradient stays.
void ascend(const Ball& ball, std::span<const float> gradient, std::span<float> delta);
void project(const Ball& ball, std::span<float> delta);
// out = clamp(x + delta), and delta = out - x.
void apply_delta(const Ball& ball, std::span<const float> x, std::span<float> delta, std::span<float> out);

// KL(p || q), p = softmax(natural), q = softmax(adversarial): mean over rows, and what it adds to both cotangents.
double kl_divergence(std::span<const float> natural, std::span<const float> adversarial, std::int64_t classes, double weight,
                     std::span<float> natural_cotangent, std::span<float> adversarial_cotangent);

}  // namespace assay::graph
