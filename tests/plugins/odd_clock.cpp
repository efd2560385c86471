// One-step attack whose step is drawn from the clock, though it claims to be deterministic: run again, it gives other
// outcomes, which a repetition must notice (rule 7).
#include <chrono>

#include "assay/sdk.hpp"

struct Clocked {
  static constexpr assay::Info info{.id = "odd-clock",
                                    .version = "1.0.0",
                                    .summary = "FGSM with a step that the clock decides",
                                    .title = "",
                                    .needs_gradients = true,
                                    .baseline = true};  // exempt from certificates: it is the harness that is tested
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    const double share = 0.5 + static_cast<double>(now % 1009) / 2018;  // 1009 is prime: no clock's tick divides it
    const assay::Tensor gradient = batch.model.gradient("cross-entropy", batch.x, batch.y);
    return clamp(batch.x + sign(gradient) * (batch.eps * share), batch.lo, batch.hi);
  }
};

ASSAY_PLUGIN(Clocked)
