#include "harness/tasks/submitted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::tasks {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::constraint, what); }

// Rows of one array in the order of the data.
struct Answers {
  std::string name;           // logits, probabilities or prediction
  std::vector<float> values;  // n rows of `width`
  std::size_t width = 0;
};

void take(const Container& batch, const std::map<std::int64_t, std::size_t>& row, Answers& all, std::vector<bool>& seen) {
  const auto ids = batch.at("id").as_i64();
  const Array& array = batch.at(all.name);
  const auto values = array.as_f32();
  const std::size_t width = array.shape.size() < 2 ? 1 : static_cast<std::size_t>(array.shape[1]);
  if (all.width == 0) {
    all.width = width;
    all.values.resize(row.size() * width);
  }
  if (width != all.width || values.size() != ids.size() * width) refuse("the outputs have no one shape");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto found = row.find(ids[i]);
    if (found == row.end()) refuse(fmt::format("{} is no id of the test list", ids[i]));
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                all.values.begin() + static_cast<std::ptrdiff_t>(found->second * width));
    seen[found->second] = true;
  }
}

Answers collect(const std::filesystem::path& journal, const Samples& test) {
  std::map<std::int64_t, std::size_t> row;
  for (std::size_t i = 0; i < test.ids.size(); ++i) row[test.ids[i]] = i;
  std::vector<bool> seen(test.ids.size());
  Answers all;
  for (const Event& event : read_shard(journal).events) {
    if (event.type() != "batch") continue;
    const Container batch = decode(event.blob, "submitted batch");
    for (const char* name : {"logits", "probabilities", "prediction"})
      if (batch.arrays.count(name) > 0) all.name = name;
    if (all.name.empty()) refuse("a batch holds neither logits nor probabilities nor a prediction");
    take(batch, row, all, seen);
  }
  const auto missing = std::count(seen.begin(), seen.end(), false);
  if (missing > 0) refuse(fmt::format("{} of {} test samples have no output", missing, test.size()));
  return all;
}

void put_classes(StageContext& context, const Answers& answers, const Samples& test) {
  const std::vector<double> predicted(answers.values.begin(), answers.values.end()), label(test.y.begin(), test.y.end());
  std::vector<double> correct(label.size());
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto whole = static_cast<std::int64_t>(predicted[i]);
    if (static_cast<double>(whole) != predicted[i] || whole < 0 || whole >= test.classes)
      refuse(fmt::format("sample {}: {} is no class; expected 0 to {}", test.ids[i], predicted[i], test.classes - 1));
    correct[i] = predicted[i] == label[i] ? 1 : 0;
  }
  context.column("predicted", "test", test.ids, predicted);
  context.column("label", "test", test.ids, label);
  context.column("correct", "test", test.ids, correct);
  context.score("accuracy", "test", metrics::accuracy(correct), test.size());
  context.score("balanced_accuracy", "test", metrics::balanced_accuracy(predicted, label), test.size());
  context.score("macro_f1", "test", metrics::macro_f1(predicted, label), test.size());
}

}  // namespace

void put_submitted(StageContext& context, const std::filesystem::path& journal, const Samples& test) {
  const Answers answers = collect(journal, test);
  if (answers.name == "prediction") return put_classes(context, answers, test);
  if (static_cast<std::int64_t>(answers.width) != test.classes)
    refuse(fmt::format("{} of {} classes, expected {}", answers.name, answers.width, test.classes));
  put_prediction(context, answers.values, test, answers.name == "logits");
}

}  // namespace assay::tasks
