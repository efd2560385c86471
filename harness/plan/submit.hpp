// SUBMISSIONS: outputs that a user made with any tool, as a cell that has only a judge; and the job that writes down what
// such outputs are made from. Pure, from a suite's plan. Threading: any.
#pragma once

#include <optional>
#include <string>

#include "harness/record/plan.hpp"

namespace assay {

struct Submission {
  std::string method;                // its name on the board; none of the suite's own
  std::string shard, shard_sha256;   // a journal of "batch" events, as the method's run stage would have left it
  std::string outputs_sha256;        // of the file that the user gave: part of the cell's identity
};

// A cell of the suite that stands for the place where outputs are judged: subject "" where the suite has one, seed absent:
// the smallest. Throws Error(bad_input) with the subjects or seeds there are, and for tasks whose methods return models.
const Node& submission_site(const Plan& suite, const std::string& subject, std::optional<std::int64_t> seed);

// What the site's judge needs, and the cell of the submission; suite name and claims are its own. Throws
// Error(bad_input) when the name is one of the suite's methods or is no name.
Plan submission_plan(const Plan& suite, const Node& site, const Submission& submission);

// One cell whose artifact holds what a method of the suite would be given there, and nothing more: inputs.npz, further
// lists, the models as ONNX.
Plan template_plan(const Plan& suite, const Node& site);

}  // namespace assay
