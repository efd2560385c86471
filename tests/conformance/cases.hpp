// One case of ONNX's conformance data: a model, its inputs and the outputs that its makers expect.
#pragma once

#include <filesystem>
#include <string>

namespace assay::conformance {

enum class Verdict { passed, unsupported, failed };

struct Result {
  std::string name;  // suite/case
  Verdict verdict = Verdict::failed;
  std::string reason;    // why not passed, one line
  int specialised = 0;   // inputs whose values the import needed, as Reshape's target
};

const char* verdict_name(Verdict verdict);

// Imports the case's model as a plain function and runs it twice, compiled and node by node; both must give the expected
// outputs. Tolerances are those of ONNX's own backend tests: |a - b| <= 1e-7 + 1e-3 |b| for reals, integers and shapes
// exactly. What import does not support is not a failure; a wrong number or any other error is. Never throws.
Result run_case(const std::filesystem::path& data, const std::string& name);

}  // namespace assay::conformance
