// assay SDK: write a method as a plain C++20 struct. Header-only; a plugin links nothing.
//
//   #include "assay/sdk.hpp"
//   struct Fgsm {
//     static constexpr assay::Info info{.id = "fgsm", .version = "1.0.0", .summary = "one signed gradient step",
//                                       .needs_gradients = true};
//     assay::Tensor attack(assay::Run&, const assay::Batch& b) const {
//       const assay::Tensor step = sign(b.model.gradient("cross-entropy", b.x, b.y));
//       return clamp(b.x + b.eps * step, b.lo, b.hi);
//     }
//   };
//   ASSAY_PLUGIN(Fgsm)
//
// Roles are found by member functions (sdk/roles.hpp), parameters are members named in `params` (sdk/describe.hpp).
// Errors: throw assay::Failure (assay::fail) or any std::exception; it becomes the status and message of the call.
#pragma once

#include "assay/sdk/core.hpp"
#include "assay/sdk/data.hpp"
#include "assay/sdk/describe.hpp"
#include "assay/sdk/gradient.hpp"
#include "assay/sdk/graph.hpp"
#include "assay/sdk/model.hpp"
#include "assay/sdk/ops.hpp"
#include "assay/sdk/plugin.hpp"
#include "assay/sdk/roles.hpp"
#include "assay/sdk/run.hpp"
#include "assay/sdk/tensor.hpp"
