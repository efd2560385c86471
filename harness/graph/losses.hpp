// Losses by name: (logits [N, K], labels i64 [N]) -> per-sample loss [N], written in registry ops, so that they are
// differentiable to the order the ops are, eagerly and compiled. Attacks increase them.
//   cross-entropy  -log softmax(z)_y; with smoothing s the target is (1 - s) onehot + s / K
//   cw-margin      max_{j != y} z_j - z_y          (Carlini & Wagner, S&P 2017, f_6 without kappa, sign turned)
//   dlr            -(z_y - max_{j != y} z_j) / (z_(1) - z_(3) + 1e-12)    (Croce & Hein, ICML 2020, eq. 7); K >= 3
// and, with a second class t a row, targets i64 [N]:
//   logit-difference  z_t - z_y
//   dlr-targeted      -(z_y - z_t) / (z_(1) - (z_(3) + z_(4)) / 2 + 1e-12)    (the same, eq. 9); K >= 4
// Adding one: a function in losses.cpp and a line in its table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/engine/ops/emit.hpp"

namespace assay::graph {

std::vector<std::string> loss_names();           // those that need labels only
std::vector<std::string> targeted_loss_names();  // those that need targets too
// False for a name that no loss has.
bool loss_needs_targets(std::string_view name);
// Throws Error(bad_input) with the nearest name, when K is too small, or when targets are missing or have no use.
engine::Value emit_loss(std::string_view name, engine::Value logits, engine::Value labels, double label_smoothing = 0,
                        engine::Value targets = {});

}  // namespace assay::graph
