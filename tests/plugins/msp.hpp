// A sound detector (maximum softmax probability; Hendrycks and Gimpel, 2017) that the bad_* plugins spoil in one way each.
#pragma once

#include "assay/sdk.hpp"

inline constexpr const char* kTitle =
    "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks";

inline assay::Tensor msp(const assay::Batch& batch) { return -max(softmax(batch.model(batch.x)), {.axes = {1}}); }
