// Distance to the mean feature of the training set: fits on records, reads a tap, stores what it learned. A second
// method in the same library (negative energy; Liu et al., 2020) only queries.
#include "assay/sdk.hpp"

namespace {

struct MeanDistance {
  std::string tap;
  assay::Tensor centre;

  static constexpr assay::Info info{.id = "good-mean-distance",
                                    .version = "1.0.0",
                                    .summary = "distance to the mean training feature",
                                    .title = "A Simple Unified Framework for Detecting Out-of-Distribution Samples",
                                    .year = 2018,
                                    .access = ASSAY_ACCESS_TAPS};
  static constexpr auto params =
      assay::params(assay::text("tap", &MeanDistance::tap, {.fallback = "features", .doc = "features to read"}));

  assay::Tensor features(const assay::Model& model, const assay::Tensor& x) const {
    return model.forward(x, {.taps = {tap}, .logits = false}).taps.front();
  }
  void fit(assay::Run& run, const assay::Fit& fit) {
    assay::Tensor sum;
    fit.train.each(16, [&](const assay::Rows& rows) {
      run.check();
      const assay::Tensor part = assay::sum(features(fit.model, rows.x()), {.axes = {0}, .keepdims = true});
      sum = sum.defined() ? sum + part : part;
    });
    centre = sum / static_cast<double>(fit.train.size());
  }
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const {
    if (!centre.defined()) assay::fail(ASSAY_INVALID, "score() before fit()");
    return assay::sum(square(features(batch.model, batch.x) - centre), {.axes = {1}});
  }
  void save(assay::Run&, assay::State& state) const { state.set("centre", centre); }
  void load(assay::Run&, const assay::State& state) { centre = state.get("centre"); }
};

struct Energy {
  double temperature = 1;
  std::vector<double> weights;
  bool negate = true;
  std::string form;

  static constexpr assay::Info info{.id = "good-energy",
                                    .version = "1.0.0",
                                    .summary = "negative free energy of the logits",
                                    .title = "Energy-based Out-of-distribution Detection",
                                    .year = 2020,
                                    .arxiv = "2010.03759"};
  static constexpr auto params = assay::params(
      assay::real("temperature", &Energy::temperature,
                  {.fallback = 1, .min = 0.1, .max = 100, .doc = "softmax temperature"}),
      assay::list("weights", &Energy::weights, {.fallback = "[1]", .min = 0, .max = 10, .doc = "factors, multiplied"}),
      assay::flag("negate", &Energy::negate, {.fallback = true, .doc = "higher is more anomalous", .identity = false}),
      assay::choice("form", &Energy::form,
                    {.fallback = "exact", .choices = {"exact", "max"}, .doc = "log-sum-exp or its bound"}));

  assay::Tensor score(assay::Run&, const assay::Batch& batch) const {
    double factor = negate ? -temperature : temperature;
    for (const double weight : weights) factor *= weight;
    const assay::Tensor z = batch.model(batch.x) / temperature;
    const assay::Tensor top = max(z, {.axes = {1}, .keepdims = true});
    if (form == "max") return factor * reshape(top, {batch.size()});
    return factor * reshape(top + log(sum(exp(z - top), {.axes = {1}, .keepdims = true})), {batch.size()});
  }
};

}  // namespace

ASSAY_PLUGIN(MeanDistance, Energy)
