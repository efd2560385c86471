// Twelve nets exported by torch.onnx.export: outputs and input gradients as torch's (made by make_torch_models.py).
#include <filesystem>

#include "harness/record/safetensors.hpp"
#include "tests/unit/onnx/helpers.hpp"

using namespace assay;
using namespace assay::onnx;
using namespace assay::onnx::testing;

namespace {

const std::filesystem::path folder = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/conformance/torch_models";

Tensor tensor_at(const Container& container, const std::string& name) {
  const Array& array = container.at(name);
  return Tensor::f32(array.shape, array.as_f32());
}

double largest(const Tensor& t) {
  double top = 0;
  for (const float v : t.to_f32()) top = std::max(top, std::abs(static_cast<double>(v)));
  return top;
}

}  // namespace

TEST_CASE("torch's exports give torch's outputs and input gradients") {
  int nets = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    ++nets;
    INFO(entry.path().filename().string());
    const Container expected = load_container(std::filesystem::path(entry.path()).replace_extension(".safetensors"));
    const Tensor x = tensor_at(expected, "x"), y = tensor_at(expected, "y"), v = tensor_at(expected, "v"), gx = tensor_at(expected, "gx");
    const Imported made = import_onnx(entry.path());
    graph::Executor executor(std::make_shared<const Graph>(made.graph), 2);  // three rows: two batches, one padded
    const Tensor out = executor.forward(x, {"output"})[0];
    CHECK(largest_difference(out, y) <= 1e-5 * std::max(1.0, largest(y)));
    const Tensor grad = executor.input_vjp("output", x, v);
    CHECK(largest_difference(grad, gx) <= 1e-4 * largest(gx));
  }
  CHECK(nets == 12);
}
