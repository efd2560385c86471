// Outputs of a predictor that was not run here: logits, probabilities or classes by sample id, from the "batch" events of a
// journal. One thread.
#pragma once

#include <filesystem>

#include "harness/tasks/samples.hpp"

namespace assay::tasks {

// Judges them as put_prediction judges a model's logits; of classes alone only what classes give. Throws Error(constraint)
// for ids that are unknown or missing, and for classes that are none.
void put_submitted(StageContext& context, const std::filesystem::path& journal, const Samples& test);

}  // namespace assay::tasks
