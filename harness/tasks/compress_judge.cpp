// Judge of the compress task: quality and size of the returned network; compress_time.cpp has its speed. Rules 35 and 38.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "harness/base/error.hpp"
#include "harness/base/rational.hpp"
#include "harness/graph/edit.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace {

constexpr double kCompactTolerance = 1e-4;  // rule 38, on logits: float32 sums over fewer zeros are ordered differently

// Rule 38: what the host removed physically must compute what masking the same channels computes. `removed` is the
// log that the host's graph service kept while the method edited: [{producers, kept}].
void check_compaction(StageContext& context, const graph::Graph& original, const Samples& test) {
  if (!context.has_input("compressed")) return;
  auto compacted = std::make_shared<graph::Graph>(graph::load_model(context.input("compressed")));
  // A method that also rewrote weights has no masked twin to be compared with.
  if (!compacted->metadata.has("removed") || compacted->metadata.get("weights_edited", false)) return;
  graph::Graph masked = original;
  for (const Json& step : compacted->metadata.at("removed").as_array()) {
    std::vector<std::string> producers;
    for (const Json& name : step.at("producers").as_array()) producers.push_back(name.as_string());
    std::vector<std::int64_t> kept;
    for (const Json& index : step.at("kept").as_array()) kept.push_back(index.as_int());
    masked = graph::mask_output_channels(masked, producers, kept);
  }
  const engine::Tensor x = rows(test.x, 0, std::min<std::int64_t>(256, test.size()));
  graph::Executor a(std::make_shared<graph::Graph>(masked), context.job().numerics.batch);
  graph::Executor b(compacted, context.job().numerics.batch);
  const auto za = a.logits(x).to_f32(), zb = b.logits(x).to_f32();
  double worst = 0;
  for (std::size_t i = 0; i < za.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(za[i]) - zb[i]));
  context.score("compaction_error", "test", worst, x.dim(0));
  if (!(worst <= kCompactTolerance)) {
    context.invalid(38, fmt::format("compacted and masked outputs differ by {:.3g} (at most {:.0e})", worst, kCompactTolerance));
  }
}

void put_costs(StageContext& context, const Subject& original, const Subject& kept) {
  const auto all_params = static_cast<double>(graph::nonzero_param_count(original.graph()));
  const auto kept_params = static_cast<double>(graph::nonzero_param_count(kept.graph()));
  context.score("params", "test", kept_params, 1);
  context.score("macs", "test", graph::nonzero_macs(kept.graph()), 1);
  // Rule 35: both ratios, original over kept, for every method alike.
  context.score("compression_ratio", "test", metrics::compression_ratio(all_params, kept_params), 1);
  context.score("theoretical_speedup", "test",
                metrics::theoretical_speedup(graph::nonzero_macs(original.graph()), graph::nonzero_macs(kept.graph())), 1);
}

// The ratio that was asked for must be met, or the row would be compared with others at a lighter load.
void check_target(StageContext& context, const graph::Graph& original, const graph::Graph& kept) {
  const Json& spec = context.spec();
  if (!spec.has("target") || (spec.has("method") && spec.at("method").get("baseline", false))) return;
  const auto wanted = Rational::parse(spec.at("target").at("value").is_string() ? spec.at("target").at("value").as_string()
                                                                                : spec.at("target").at("value").dump());
  if (!wanted) throw Error(Fault::bad_input, "target.value: expected a number such as \"8\"");
  constexpr double kSlack = 0.02;  // whole filters and whole weights cannot hit every ratio exactly
  const double reached = metrics::compression_ratio(static_cast<double>(graph::nonzero_param_count(original)),
                                                    static_cast<double>(graph::nonzero_param_count(kept)));
  if (reached >= wanted->value() * (1 - kSlack)) return;
  context.invalid(0, fmt::format("compression ratio {:.3f} does not reach the target {}", reached, wanted->str()));
}

}  // namespace

void judge_compress(StageContext& context) {
  const Samples test = load_samples(context.input("test"));
  const auto models = context.inputs_with("model:");
  if (models.size() != 1) throw Error(Fault::bad_input, "the judge of compress needs exactly one model:<id> input");
  Subject original(context.input(models[0]), context.job());
  Subject kept(context.input("model"), context.job());
  const std::vector<float> before = original.logits(test.x, test.ids);
  const metrics::ClassScores scores{before, static_cast<std::size_t>(original.classes()), metrics::Scale::logits};
  const double original_accuracy = metrics::accuracy(metrics::correct(scores, test.y));
  context.score("original_accuracy", "test", original_accuracy, test.size());
  put_prediction(context, kept.logits(test.x, test.ids), test);
  const auto bytes = [&](const std::string& name) { return static_cast<double>(std::filesystem::file_size(context.input(name))); };
  context.score("size_on_disk", "test", bytes("model"), 1, Json::object({{"original", bytes(models[0])}}));
  check_target(context, original.graph(), kept.graph());
  check_compaction(context, original.graph(), test);
  put_costs(context, original, kept);
}

}  // namespace assay::tasks
