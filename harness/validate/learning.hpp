// Nets that a certificate trains, and what they are worth. Pure functions of their arguments.
#pragma once

#include "harness/graph/train.hpp"
#include "harness/validate/scene.hpp"

namespace assay::validate {

std::vector<float> inputs_of(const plugin::Records& records);  // f32 records only
graph::TrainData train_data(const plugin::Records& records);
// AdamW at a constant schedule of the validator's, without weight decay, 16 rows a batch.
graph::Recipe short_recipe(std::int64_t epochs);
// Share of the rows of x that the graph puts into their class y.
double accuracy(const graph::Graph& graph, const engine::Tensor& x, const std::vector<std::int64_t>& y);
double accuracy(const graph::Graph& graph, const plugin::Records& records);

}  // namespace assay::validate
