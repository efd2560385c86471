// SDK roles: plain structs for what each role call gets, concepts that find the roles of a type by its member
// functions, and the C tables behind them.
//
//   role          member functions (const or not)
//   attack        Tensor attack(Run&, const Batch&)
//   detector      Tensor score(Run&, const Batch&), and void fit(Run&, const Fit&) when it learns
//   trainer       Tensor objective(Run&, const Step&) and/or Model train(Run&, const Training&)
//   ensemble      Model combine(Run&, const Members&) and/or Tensor predict(Run&, const Members&, const Batch&)
//   compressor    Model compress(Run&, const Compress&)
//   architecture  Model build(Run&, const Build&)
//   reducer       Records reduce(Run&, const Reduce&)
//   analyzer      Findings analyze(Run&, const Analyze&)
//   any           void save(Run&, State&) and void load(Run&, const State&): what fit learned can be stored
#pragma once

#include <concepts>

#include "assay/sdk/describe.hpp"
#include "assay/sdk/run.hpp"

namespace assay {

// One batch for an attack, a detector's score or an opaque ensemble. What a role is not given is undefined.
struct Batch {
  Tensor x, y, ids;                        // f32 [n, ...], i64 [n], i64 [n]
  Model model;                             // detector: the model; attack: first surrogate, else first victim
  std::vector<Model> victims, surrogates;  // attack
  std::string norm;                        // linf l2 l1 l0
  double eps = 0;
  Tensor lo, hi;          // valid range, broadcastable to x
  bool targeted = false;  // y holds target classes
  Bundle in;              // everything, for declared slots
  std::int64_t size() const { return x.dim(0); }
  const std::vector<Model>& sources() const { return surrogates.empty() ? victims : surrogates; }
};
struct Fit {
  Model model;
  Records train;  // in-distribution
  std::int64_t classes = 0;
  Bundle in;
};
struct Step {
  Tensor logits, x, y, ids;  // logits f32 [n, classes], watched
  Model model;
  std::int64_t epoch = 0, epochs = 0, step = 0;
  Bundle in;
  Tensor tap(const std::string& name) const { return in.tensor(("tap:" + name).c_str()); }
};
struct Training {
  Model model;  // the architecture with its initial weights
  Records train;
  std::int64_t epochs = 0, batch = 0;
  Bundle in;
};
struct Members {
  std::vector<Model> members;
  Records train;  // undefined in predict
  std::int64_t classes = 0;
  Bundle in;
};
struct Compress {
  Model model;
  Records train;       // calibration
  std::string target;  // ratio macs bits latency
  double value = 0;    // ratio 8: an eighth of the parameters is kept
  Bundle in;
};
struct Reduce {
  Records train;
  std::int64_t classes = 0;
  std::int64_t size = 0;  // records to leave, at most
  Model model;            // an untrained net; undefined unless the method declares the slot
  Bundle in;
};
// A region around each row of x: a box, and a grid in it.
struct Analyze {
  std::string question;  // "region": does the class of x hold in the region?
  Model model;
  Tensor x, ids;        // f32 [n, ...], i64 [n]
  Tensor lo, hi;        // f32 [n, ...]: the box
  Tensor below, above;  // i64 [n, ...]: steps of the grid on either side of x
  double step = 0;
  Bundle in;
  std::int64_t size() const { return x.dim(0); }
};
// One of each a row, with the numbers of assay/plugin.h.
struct Findings {
  Tensor verdict, scope;  // i64 [n]
  Tensor witness;         // f32 [n, ...]
  Tensor explored;        // f64 [n]
};
struct Build {
  Shape input_shape;  // of one input
  std::int64_t classes = 0;
  double size = 1;
  Bundle in;
};

namespace sdk {

template <class T>
concept Attacks = requires(T t, Run& run, const Batch& batch) {
  { t.attack(run, batch) } -> std::convertible_to<Tensor>;
};
template <class T>
concept Fits = requires(T t, Run& run, const Fit& fit) {
  t.fit(run, fit);
};
template <class T>
concept Scores = requires(T t, Run& run, const Batch& batch) {
  { t.score(run, batch) } -> std::convertible_to<Tensor>;
};
template <class T>
concept Objectives = requires(T t, Run& run, const Step& step) {
  { t.objective(run, step) } -> std::convertible_to<Tensor>;
};
template <class T>
concept Trains = requires(T t, Run& run, const Training& training) {
  { t.train(run, training) } -> std::convertible_to<Model>;
};
template <class T>
concept Combines = requires(T t, Run& run, const Members& members) {
  { t.combine(run, members) } -> std::convertible_to<Model>;
};
template <class T>
concept Predicts = requires(T t, Run& run, const Members& members, const Batch& batch) {
  { t.predict(run, members, batch) } -> std::convertible_to<Tensor>;
};
template <class T>
concept Compresses = requires(T t, Run& run, const Compress& compress) {
  { t.compress(run, compress) } -> std::convertible_to<Model>;
};
template <class T>
concept Reduces = requires(T t, Run& run, const Reduce& reduce) {
  { t.reduce(run, reduce) } -> std::convertible_to<Records>;
};
template <class T>
concept Analyzes = requires(T t, Run& run, const Analyze& analyze) {
  { t.analyze(run, analyze) } -> std::convertible_to<Findings>;
};
template <class T>
concept Builds = requires(T t, Run& run, const Build& build) {
  { t.build(run, build) } -> std::convertible_to<Model>;
};
template <class T>
concept Stores = requires(T t, Run& run, State& state) {
  t.save(run, state);
  t.load(run, state);
};
template <class T>
concept HasRole = Attacks<T> || Scores<T> || Objectives<T> || Trains<T> || Combines<T> || Predicts<T> || Compresses<T> ||
                  Builds<T> || Reduces<T> || Analyzes<T>;

inline Model model_of(const Value& value) { return Model(value.object(ASSAY_MODEL, "a model")); }
inline std::vector<Model> models_of(const Bundle& in, const char* name) {
  std::vector<Model> models;
  const auto value = in.find(name);
  if (!value) return models;
  const List list(value->object(ASSAY_LIST, "a list"));
  for (std::size_t i = 0; i < list.size(); ++i) models.push_back(model_of(list.at(i)));
  return models;
}
inline Tensor tensor_or_none(const Bundle& in, const char* name) { return in.has(name) ? in.tensor(name) : Tensor(); }
inline Records records_or_none(const Bundle& in, const char* name) {
  const auto value = in.find(name);
  return value ? Records(value->object(ASSAY_RECORDS, "records")) : Records();
}

inline Batch attack_batch(const Bundle& in) {
  Batch batch;
  batch.in = in;
  batch.x = in.tensor("x");
  batch.y = in.tensor("y");
  batch.ids = in.tensor("ids");
  batch.victims = models_of(in, "victims");
  batch.surrogates = models_of(in, "surrogates");
  if (batch.sources().empty()) fail(ASSAY_INVALID, "the host passed neither victims nor surrogates");
  batch.model = batch.sources().front();
  batch.norm = in.text("norm");
  batch.eps = in.real("eps");
  batch.lo = in.tensor("lo");
  batch.hi = in.tensor("hi");
  batch.targeted = in.has("targeted") && in.flag("targeted");
  return batch;
}
inline Batch plain_batch(const Bundle& in) {
  Batch batch;
  batch.in = in;
  batch.x = in.tensor("x");
  batch.ids = in.tensor("ids");
  if (const auto model = in.find("model")) batch.model = model_of(*model);
  return batch;
}
inline Members members_of(const Bundle& in) {
  return {models_of(in, "members"), records_or_none(in, "train"), in.has("classes") ? in.integer("classes") : 0, in};
}
inline Step step_of(const Bundle& in) {
  Step step{in.tensor("logits"), tensor_or_none(in, "x"), in.tensor("y"), in.tensor("ids"), {}, 0, 0, 0, in};
  if (const auto model = in.find("model")) step.model = model_of(*model);
  step.epoch = in.integer("epoch");
  step.epochs = in.integer("epochs");
  step.step = in.integer("step");
  return step;
}
inline Reduce reduce_of(const Bundle& in) {
  Reduce reduce{records_or_none(in, "train"), in.integer("classes"), in.integer("size"), {}, in};
  if (const auto model = in.find("model")) reduce.model = model_of(*model);
  return reduce;
}
inline Analyze analyze_of(const Bundle& in) {
  Analyze analyze;
  analyze.question = in.text("question");
  analyze.model = model_of(in.at("model"));
  analyze.x = in.tensor("x");
  analyze.ids = in.tensor("ids");
  analyze.lo = in.tensor("lo");
  analyze.hi = in.tensor("hi");
  analyze.below = in.tensor("below");
  analyze.above = in.tensor("above");
  analyze.step = in.real("step");
  analyze.in = in;
  return analyze;
}
inline Build build_of(const Bundle& in) {
  Build build;
  store(in.at("input_shape"), build.input_shape);
  build.classes = in.integer("classes");
  build.size = in.has("size") ? in.real("size") : 1.0;
  build.in = in;
  return build;
}

}  // namespace sdk
}  // namespace assay
