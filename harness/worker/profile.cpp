// Steps of a plan summed by op and implementation.
#include "harness/worker/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/rng.hpp"
#include "harness/graph/compiled.hpp"
#include "harness/graph/zoo/zoo.hpp"

namespace assay::worker {
namespace {

using engine::Tensor;
using graph::CompiledPlan;
using Timing = CompiledPlan::Timing;

struct Wish {
  std::string model, work = "infer", trace;
  std::int64_t batch = 32, iterations = 10, classes = 10;
  graph::Precision precision = graph::Precision::f32;
  Json params = Json(Json::Object{});
  engine::Shape input = {3, 32, 32};
};

[[noreturn]] void bad_profile(const std::string& why) { bad_input_in("profile", why); }

std::int64_t positive(const std::string& key, const std::string& text) {
  std::size_t used = 0;
  std::int64_t value = 0;
  try {
    value = std::stoll(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != text.size() || value < 1) bad_profile(key + " must be a whole number of at least 1, not '" + text + "'");
  return value;
}

engine::Shape shape_of(const std::string& text) {
  engine::Shape shape;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    shape.push_back(positive("--input", text.substr(from, comma - from)));
    from = comma + 1;
  }
  return shape;
}

Wish wish_of(const std::vector<std::string>& words) {
  static const std::vector<std::string> keys = {"--work",  "--batch", "--iterations", "--params",
                                                "--input", "--trace", "--classes",    "--precision"};
  if (words.empty() || words.size() % 2 == 0) bad_profile("expected MODEL and pairs of --key value");
  Wish wish;
  wish.model = words[0];
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string &key = words[i], &value = words[i + 1];
    if (key == "--work")
      wish.work = value;
    else if (key == "--batch")
      wish.batch = positive(key, value);
    else if (key == "--iterations")
      wish.iterations = positive(key, value);
    else if (key == "--classes")
      wish.classes = positive(key, value);
    else if (key == "--params")
      wish.params = Json::parse(value, "--params");
    else if (key == "--input")
      wish.input = shape_of(value);
    else if (key == "--trace")
      wish.trace = value;
    else if (key == "--precision")
      wish.precision = graph::precision_from(value);
    else
      bad_profile("unknown option '" + key + "'" + suggestion(key, keys));
  }
  return wish;
}

graph::Graph model_of(const Wish& wish) {
  if (std::filesystem::exists(wish.model)) return graph::load_model(wish.model);
  return zoo::build(wish.model, wish.params, wish.input, wish.classes, 0);
}

graph::CompileOptions options_of(const Wish& wish) {
  graph::CompileOptions o;
  o.batch = wish.batch;
  o.precision = wish.precision;
  if (wish.work == "infer") return o;
  o.loss = "cross-entropy";
  if (wish.work == "pgd") {
    o.input_grad = true;
    return o;
  }
  if (wish.work != "train")
    bad_profile("unknown work '" + wish.work + "'" + suggestion(wish.work, {"infer", "train", "pgd"}));
  o.mode = graph::Mode::train;
  o.outputs = {};
  o.param_grads = o.mean_loss = true;
  return o;
}

std::map<std::string, Tensor> inputs_of(const graph::Graph& graph, const Wish& wish) {
  std::map<std::string, Tensor> inputs;
  for (const graph::GraphInput& input : graph.inputs) {
    engine::Shape shape = {wish.batch};
    shape.insert(shape.end(), input.spec.shape.begin(), input.spec.shape.end());
    std::vector<float> values(static_cast<std::size_t>(engine::element_count(shape)));
    Rng(0, "profile/" + input.name).fill_uniform(values, 0, 1);
    inputs[input.name] = Tensor::f32(shape, values);
  }
  if (wish.work == "infer") return inputs;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < wish.batch; ++i) labels.push_back(i % graph.classes());
  inputs["labels"] = Tensor::i64({wish.batch}, labels);
  return inputs;
}

struct Row {
  double seconds = 0, macs = 0, bytes = 0;  // a run of the plan
  int kernels = 0;
};

std::string op_of(const Timing& t) { return t.what.substr(0, t.what.find(' ')); }

std::string row_text(const std::string& name, const Row& row, double total) {
  const double rate = row.seconds > 0 ? 1e-9 / row.seconds : 0;
  return fmt::format("{:<52} {:>5} {:>10.3f} {:>6.1f} {:>9.1f} {:>8.1f}\n", name, row.kernels, row.seconds * 1e3,
                     100 * row.seconds / total, 2 * row.macs * rate, row.bytes * rate);
}

std::string table_of(const std::vector<Timing>& timings) {
  std::map<std::string, Row> rows;
  Row sum, reorders;
  for (const Timing& t : timings) {
    if (t.calls == 0) continue;
    const double seconds = t.seconds / static_cast<double>(t.calls);
    const std::string name = op_of(t) + (t.kernel.empty() ? "" : "  " + t.kernel);
    for (Row* row : {&rows[name], &sum, t.reorder ? &reorders : nullptr}) {
      if (!row) continue;
      row->seconds += seconds;
      row->macs += t.macs;
      row->bytes += t.bytes;
      ++row->kernels;
    }
  }
  std::vector<std::pair<std::string, Row>> order(rows.begin(), rows.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  std::string text =
      fmt::format("{:<52} {:>5} {:>10} {:>6} {:>9} {:>8}\n", "op and kernel", "count", "ms", "%", "GFLOP/s", "GB/s");
  for (const auto& [name, row] : order) text += row_text(name, row, sum.seconds);
  return text + row_text("all kernels", sum, sum.seconds) + row_text("of these, reorders", reorders, sum.seconds);
}

Json trace_of(const std::vector<Timing>& timings) {
  Json events = Json::array();
  for (const Timing& t : timings) {
    if (t.calls == 0) continue;
    events.push_back(Json::object(
        {{"name", op_of(t)},
         {"cat", t.reorder ? "reorder" : "kernel"},
         {"ph", "X"},
         {"pid", 1},
         {"tid", 1},
         {"ts", t.last_start * 1e6},
         {"dur", t.last_seconds * 1e6},
         {"args", Json::object({{"what", t.what}, {"kernel", t.kernel}, {"macs", t.macs}, {"bytes", t.bytes}})}}));
  }
  return Json::object({{"traceEvents", events}, {"displayTimeUnit", "ms"}});
}

}  // namespace

std::string profile(const std::vector<std::string>& words) {
  const Wish wish = wish_of(words);
  const graph::Graph model = model_of(wish);
  CompiledPlan plan = graph::compile(model, options_of(wish));
  const auto inputs = inputs_of(model, wish);
  std::vector<std::uint64_t> ids;
  for (std::int64_t i = 0; i < wish.batch; ++i) ids.push_back(static_cast<std::uint64_t>(i));
  const graph::RandomKeys keys{
      0, 0, plan.needs_ids() ? std::span<const std::uint64_t>(ids) : std::span<const std::uint64_t>()};
  plan.run(inputs, keys);  // first touch of the memory
  const std::uint64_t reorders = engine::engine_counters().reorders;
  plan.profile(true);
  for (std::int64_t i = 0; i < wish.iterations; ++i) plan.run(inputs, keys);
  const auto made = engine::engine_counters().reorders - reorders;
  const std::vector<Timing> timings = plan.timings();
  if (!wish.trace.empty()) write_atomic(wish.trace, trace_of(timings).dump());
  return fmt::format("{} {} batch {}: means of {} runs, CPU time\n", wish.model, wish.work, wish.batch,
                     wish.iterations) +
         table_of(timings) +
         fmt::format("arena {:.1f} MB, {} kernels, {} layout changes a run\n",
                     static_cast<double>(plan.arena_bytes()) / 1e6, plan.kernel_count(),
                     made / static_cast<std::uint64_t>(wish.iterations));
}

}  // namespace assay::worker
