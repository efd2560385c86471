// What BF16 storage and 8-bit integers cost a trained net in accuracy: the columns beside the speed of inference in
// `run.py`. Prints one JSON line; exit code 1 when a loss is above its limit.
//   lowered_accuracy MODEL.safetensors CALIBRATION_RECORDS TEST_RECORDS     (files of a run's cache; see README.md)
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/graph/quantize.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/tasks/samples.hpp"

using namespace assay;

namespace {

constexpr std::int64_t batch = 256, calibration_rows = 1024;
constexpr double most_points_bf16 = 0.3, most_points_int8 = 1.0;

double accuracy(const graph::Graph& net, graph::Precision precision, const tasks::Samples& test) {
  graph::Executor executor(std::make_shared<const graph::Graph>(net), batch, precision);
  const std::vector<float> values = executor.logits(test.x).to_f32();
  const metrics::ClassScores scores{values, static_cast<std::size_t>(net.classes()), metrics::Scale::logits};
  return metrics::accuracy(metrics::correct(scores, test.y));
}

// The largest change of a difference of two logits by storage in BF16, as a share of the row's range of logits, over the test
// images: what plugin::Search must allow for (search.hpp).
double margin_error(const graph::Graph& net, const tasks::Samples& test) {
  const auto shared = std::make_shared<const graph::Graph>(net);
  const std::vector<float> exact = graph::Executor(shared, batch).logits(test.x).to_f32();
  const std::vector<float> low = graph::Executor(shared, batch, graph::Precision::bf16).logits(test.x).to_f32();
  const auto classes = static_cast<std::size_t>(net.classes());
  double worst = 0;
  for (std::size_t row = 0; row < exact.size(); row += classes) {
    const auto z = std::span(low).subspan(row, classes);
    const auto [least, most] = std::minmax_element(z.begin(), z.end());
    float fallen = 0, risen = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      fallen = std::min(fallen, exact[row + k] - z[k]);
      risen = std::max(risen, exact[row + k] - z[k]);
    }
    worst = std::max(worst, static_cast<double>(risen - fallen) / static_cast<double>(*most - *least));
  }
  return worst;
}

int measure(const char* model, const char* train, const char* test_records) {
  const graph::Graph net = graph::load_model(model);
  const tasks::Samples test = tasks::load_samples(test_records);
  const engine::Tensor all = tasks::load_samples(train).x;
  const auto rows = std::min(calibration_rows, all.dim(0));
  const double f32 = accuracy(net, graph::Precision::f32, test);
  const double bf16 = accuracy(net, graph::Precision::bf16, test);
  const double int8 = accuracy(graph::quantize_graph(net, tasks::rows(all, 0, rows)), graph::Precision::int8, test);
  std::puts(fmt::format(R"({{"test_samples": {}, "f32": {:.4f}, "bf16": {:.4f}, "int8": {:.4f}, "bf16_margin_error": {:.5f}}})",
                        test.size(), f32, bf16, int8, margin_error(net, test)).c_str());
  return 100 * (f32 - bf16) <= most_points_bf16 && 100 * (f32 - int8) <= most_points_int8 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: lowered_accuracy MODEL.safetensors CALIBRATION_RECORDS TEST_RECORDS\n", stderr);
    return 2;
  }
  try {
    return measure(argv[1], argv[2], argv[3]);
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
