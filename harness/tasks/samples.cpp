#include "harness/tasks/samples.hpp"

#include <cstring>

#include "harness/base/error.hpp"
#include "harness/data/records.hpp"

namespace assay::tasks {

using engine::Tensor;

Samples load_samples(const std::filesystem::path& file) {
  const data::RecordSet records = data::RecordSet::load(file);
  Samples samples;
  samples.ids = records.ids;
  samples.x = records.input_batch(0, records.size());
  if (records.has("target") && records.find("target").type.kind == data::TypeKind::cat) {
    const auto labels = records.labels();
    samples.y.assign(labels.begin(), labels.end());
    samples.classes = records.find("target").type.classes;
  }
  return samples;
}

Tensor rows(const Tensor& x, std::int64_t first, std::int64_t count) {
  engine::Shape shape = x.shape();
  const std::int64_t size = shape[0] == 0 ? 0 : x.count() / shape[0];
  shape[0] = count;
  return Tensor::f32(shape, x.f32s().subspan(static_cast<std::size_t>(first * size), static_cast<std::size_t>(count * size)));
}

Samples at_rows(const Samples& samples, const std::vector<std::int64_t>& rows) {
  Samples out;
  out.classes = samples.classes;
  engine::Shape shape = samples.x.shape();
  const auto size = static_cast<std::size_t>(samples.size() == 0 ? 0 : samples.x.count() / samples.size());
  shape[0] = static_cast<std::int64_t>(rows.size());
  const auto values = samples.x.f32s();
  std::vector<float> x;
  for (const std::int64_t row : rows) {
    const auto i = static_cast<std::size_t>(row);
    out.ids.push_back(samples.ids[i]);
    if (!samples.y.empty()) out.y.push_back(samples.y[i]);
    x.insert(x.end(), values.begin() + static_cast<std::ptrdiff_t>(i * size), values.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
  }
  out.x = Tensor::f32(shape, x);
  return out;
}

graph::TrainData train_data(const Samples& samples) {
  if (samples.y.empty()) throw Error(Fault::bad_input, "training records hold no class target");
  graph::TrainData data;
  data.sample_shape.assign(samples.x.shape().begin() + 1, samples.x.shape().end());
  const auto values = samples.x.f32s();
  data.f32.assign(values.begin(), values.end());
  data.labels = samples.y;
  for (const std::int64_t id : samples.ids) data.ids.push_back(static_cast<std::uint64_t>(id));
  return data;
}

Subject::Subject(const std::filesystem::path& model, const Job& job)
    : graph_(std::make_shared<graph::Graph>(graph::load_model(model))),
      executor_(graph_, job.numerics.batch),
      seed_(job.seeds.get("evaluation")) {}

std::vector<float> Subject::logits(const Tensor& x, const std::vector<std::int64_t>& ids) {
  std::vector<std::uint64_t> keys(ids.begin(), ids.end());
  graph::ForwardOptions options;
  options.seed = seed_;
  options.sample_ids = keys;
  return executor_.logits(x, options).to_f32();
}

}  // namespace assay::tasks
