// The stage behind `assay submit --template`: what a method of the suite is given, as files that any tool reads. Labels are
// written only where methods see them.
#include <algorithm>
#include <cctype>

#include "harness/data/loaders/formats.hpp"
#include "harness/graph/graph.hpp"
#include "harness/graph/onnx/onnx.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace {

constexpr const char* model_prefix = "model:";

// A model's id may hold '#' and whatever else a file's name had better not.
std::string file_name(const std::string& input) {
  std::string name = input;
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_' && c != '.'; }, '_');
  return name;
}

void write_samples(StageContext& context, const std::string& input, const std::string& file, bool labels) {
  const Samples samples = load_samples(context.input(input));
  std::map<std::string, Array> arrays;
  arrays["id"] = Array::i64({samples.size()}, samples.ids);
  arrays["x"] = Array::f32(samples.x.shape(), samples.x.f32s());
  if (labels && !samples.y.empty()) arrays["y"] = Array::i64({samples.size()}, samples.y);
  data::write_npz(context.out() / file, arrays);
  context.announce(file);
}

}  // namespace

void make_template(StageContext& context) {
  for (const auto& [input, unused] : context.job().inputs) {
    if (input.rfind(model_prefix, 0) == 0) {
      const std::string file = file_name(input.substr(std::string(model_prefix).size())) + ".onnx";
      onnx::export_onnx(graph::load_model(context.input(input)), context.out() / file);
      context.announce(file);
    } else if (input == "data") {
      write_samples(context, input, "inputs.npz", true);
    } else if (input == "stream" || input == "test") {
      write_samples(context, input, "inputs.npz", false);
    } else if (input == "fit" || input == "train" || input == "val") {
      write_samples(context, input, input + ".npz", true);
    }
  }
}

}  // namespace assay::tasks
