// Judge of the falsify task: trusts no verdict. Every witness is run again in the float net, in the one plan of all
// numbers (rule 15); holds are set against what the host itself found, where the suite lets it look.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

#include "assay/plugin.h"
#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/examples.hpp"
#include "harness/tasks/falsify_truth.hpp"
#include "harness/tasks/stages.hpp"
#include "harness/tasks/threat.hpp"

namespace assay::tasks {

namespace {

// What the method left, in the data's order.
struct Left {
  std::vector<std::int64_t> verdict, scope;
  std::vector<float> witness;
};

Left collect(const std::filesystem::path& shard, const Samples& data, std::size_t size) {
  std::map<std::int64_t, std::size_t> row;
  for (std::size_t i = 0; i < data.ids.size(); ++i) row[data.ids[i]] = i;
  Left left{std::vector<std::int64_t>(row.size()), std::vector<std::int64_t>(row.size()),
            std::vector<float>(row.size() * size)};
  std::size_t found = 0;
  for (const Event& event : read_shard(shard).events) {
    if (event.type() != "batch") continue;
    const Container batch = decode(event.blob, "batch of verdicts");
    const auto ids = batch.at("id").as_i64(), verdict = batch.at("verdict").as_i64(),
               scope = batch.at("scope").as_i64();
    const auto witness = batch.at("witness").as_f32();
    for (std::size_t i = 0; i < ids.size(); ++i, ++found) {
      const auto at = row.find(ids[i]);
      if (at == row.end())
        throw Error(Fault::constraint, fmt::format("a verdict has the id {}, which no sample has", ids[i]));
      left.verdict[at->second] = verdict[i];
      left.scope[at->second] = scope[i];
      std::copy_n(witness.begin() + static_cast<std::ptrdiff_t>(i * size), size,
                  left.witness.begin() + static_cast<std::ptrdiff_t>(at->second * size));
    }
  }
  if (found != row.size()) throw Error(Fault::constraint, fmt::format("{} verdicts for {} samples", found, row.size()));
  return left;
}

class FalsifyJudge {
 public:
  explicit FalsifyJudge(StageContext& context)
      : context_(context),
        data_(load_samples(context.input("data"))),
        region_(Region::from_json(context.spec().at("region"))),
        net_(context.input("model:" + context.spec().at("model").as_string()), context.job()),
        condition_(eps_condition(region_.eps)) {
    if (data_.size() == 0) throw Error(Fault::bad_input, "there is no sample to judge");
    size_ = static_cast<std::size_t>(data_.x.count() / data_.size());
    boxes_ = boxes_of(data_.x.f32s(), size_, region_);
    logits_ = net_.logits(data_.x, data_.ids);
    own_ = classes_of(logits_);
    left_ = collect(context.input("run"), data_, size_);
  }

  void judge() {
    const std::vector<double> correct =
        metrics::correct({logits_, logits_.size() / own_.size(), metrics::Scale::logits}, data_.y);
    context_.column("correct", "clean", data_.ids, correct);
    context_.score("accuracy", "clean", metrics::accuracy(correct), data_.size());
    check_witnesses();
    put_rates();
    put_distances();
    if (context_.has_input(truth_input)) put_truth(Truth::load(context_.input(truth_input)));
    keep();
  }

 private:
  bool says(std::size_t i, std::int64_t verdict) const { return left_.verdict[i] == verdict; }
  bool verified(std::size_t i) const { return says(i, ASSAY_HOLDS) && left_.scope[i] != ASSAY_SCOPE_PART; }
  std::span<const float> witness(std::size_t i) const { return std::span(left_.witness).subspan(i * size_, size_); }
  std::span<const float> clean(std::size_t i) const { return data_.x.f32s().subspan(i * size_, size_); }
  Box box(std::size_t i) const { return box_at(data_.x.f32s(), boxes_, i, size_, region_.step.value()); }
  std::vector<std::int64_t> classes_of(const std::vector<float>& logits) const {
    return metrics::predictions({logits, static_cast<std::size_t>(net_.classes()), metrics::Scale::logits});
  }

  void check_witnesses() {
    std::vector<float> x;
    std::vector<std::int64_t> ids;
    std::size_t outside = 0, same = 0;
    for (std::size_t i = 0; i < own_.size(); ++i) {
      if (!says(i, ASSAY_VIOLATED)) continue;
      rows_.push_back(i);
      ids.push_back(data_.ids[i]);
      x.insert(x.end(), witness(i).begin(), witness(i).end());
      outside += in_box(box(i), witness(i)) ? 0 : 1;
    }
    if (rows_.empty()) return;
    if (outside == 0) {
      engine::Shape shape = data_.x.shape();
      shape[0] = static_cast<std::int64_t>(rows_.size());
      found_ = net_.logits(engine::Tensor::f32(shape, x), ids);
      const std::vector<std::int64_t> now = classes_of(found_);
      for (std::size_t k = 0; k < rows_.size(); ++k) same += now[k] == own_[rows_[k]] ? 1 : 0;
    }
    if (outside + same == 0) return;
    const std::string reason =
        outside > 0 ? fmt::format("{} of {} witnesses are not in the region of their input", outside, rows_.size())
                    : fmt::format("{} of {} witnesses have the class of their input", same, rows_.size());
    context_.invalid(15, reason);
    throw Error(Fault::constraint, reason + " (rule 15)");
  }

  void put_share(const char* column, const char* metric, const std::vector<double>& values) {
    context_.column(column, condition_, data_.ids, values);
    context_.score(metric, condition_, metrics::mean(values), data_.size());
  }

  void put_rates() {
    const std::size_t n = own_.size();
    std::vector<double> falsified(n), safe(n), partly(n), unknown(n), decided(n);
    for (std::size_t i = 0; i < n; ++i) {
      falsified[i] = says(i, ASSAY_VIOLATED) ? 1 : 0;
      safe[i] = verified(i) ? 1 : 0;
      partly[i] = says(i, ASSAY_HOLDS) && !verified(i) ? 1 : 0;
      unknown[i] = says(i, ASSAY_UNKNOWN) ? 1 : 0;
      decided[i] = falsified[i] + safe[i];
    }
    put_share("falsified", "falsified_rate", falsified);
    put_share("verified", "verified_rate", safe);
    put_share("partly_safe", "partly_safe_rate", partly);
    put_share("unknown", "unknown_rate", unknown);
    put_share("decided", "decided_rate", decided);
  }

  // Of the witnesses alone: a mean over the inputs that were falsified. The median is over all, as of minimal
  // perturbations.
  void put_distances() {
    const std::size_t n = own_.size();
    std::vector<double> grid, all_l1(n), standing(n, 1), falsified(n);
    std::map<std::string, std::vector<double>> columns;
    std::vector<std::int64_t> ids;
    const std::pair<const char*, metrics::Norm> norms[] = {{"witness_l1", metrics::Norm::l1},
                                                           {"witness_l2", metrics::Norm::l2},
                                                           {"witness_l0", metrics::Norm::l0},
                                                           {"witness_linf", metrics::Norm::linf}};
    for (const std::size_t i : rows_) {
      ids.push_back(data_.ids[i]);
      grid.push_back(on_grid(box(i), witness(i)) ? 1 : 0);
      for (const auto& [name, norm] : norms)
        columns[name].push_back(metrics::distances(witness(i), clean(i), size_, norm)[0]);
      columns["witness_l1"].back() /= static_cast<double>(size_);
      all_l1[i] = columns["witness_l1"].back();
      standing[i] = 0;
      falsified[i] = 1;
    }
    const double median = metrics::median_perturbation(all_l1, falsified, standing);
    if (std::isfinite(median)) {
      context_.column("least_l1", condition_, data_.ids, all_l1);
      context_.column("standing", condition_, data_.ids, standing);
      context_.score("median_witness_l1", condition_, median, data_.size());
    }
    if (rows_.empty()) return;
    columns["on_grid"] = grid;
    for (const auto& [name, values] : columns) {
      context_.column(name, condition_, ids, values);
      context_.score(name == "on_grid" ? "witness_on_grid_rate" : name, condition_, metrics::mean(values),
                     static_cast<std::int64_t>(ids.size()));
    }
  }

  void put_ratio(const char* column, const char* metric, const std::vector<std::size_t>& rows,
                 const std::vector<double>& values) {
    if (rows.empty()) return;
    std::vector<std::int64_t> ids;
    ids.reserve(rows.size());
    for (const std::size_t i : rows) ids.push_back(data_.ids[i]);
    context_.column(column, condition_, ids, values);
    context_.score(metric, condition_, metrics::mean(values), static_cast<std::int64_t>(rows.size()));
  }

  void put_truth(const Truth& truth) {
    if (truth.ids != data_.ids) throw Error(Fault::constraint, "other samples were enumerated than those to judge");
    std::vector<std::size_t> looked, sure, fine_sure;
    std::vector<double> agrees, wrong, fine_wrong, violated;
    for (std::size_t i = 0; i < own_.size(); ++i) {
      if (truth.violations[i] == kNotLooked) continue;
      const bool broken = truth.violations[i] > 0;
      looked.push_back(i);
      violated.push_back(broken ? 1 : 0);
      agrees.push_back((broken && says(i, ASSAY_VIOLATED)) || (!broken && verified(i)) ? 1 : 0);
      if (!verified(i)) continue;
      sure.push_back(i);
      wrong.push_back(broken ? 1 : 0);
      if (broken || truth.fine[i] == kNotLooked) continue;
      fine_sure.push_back(i);
      fine_wrong.push_back(truth.fine[i]);
    }
    put_ratio("violated", "violated_rate", looked, violated);
    put_ratio("agrees", "agreement", looked, agrees);
    put_ratio("false_safe", "false_safe_rate", sure, wrong);
    put_ratio("false_safe_fine", "false_safe_fine_rate", fine_sure, fine_wrong);
  }

  // The counter-examples with the least change, for people to look at.
  void keep() {
    if (rows_.empty() || !context_.spec().has("examples") || !can_be_pictured(data_.x.shape())) return;
    const auto each = static_cast<std::size_t>(
        std::max<std::int64_t>(0, context_.spec().at("examples").get("each", std::int64_t{0})));
    std::vector<std::tuple<double, std::size_t, std::size_t>> order;
    for (std::size_t k = 0; k < rows_.size(); ++k)
      order.emplace_back(metrics::distances(witness(rows_[k]), clean(rows_[k]), size_, metrics::Norm::l1)[0], rows_[k],
                         k);
    std::sort(order.begin(), order.end());
    Examples set;
    set.condition = condition_;
    set.norm = "l1";
    set.rule = fmt::format(
        "Of the inputs for which a counter-example was found: the {} whose counter-example has the smallest l1 "
        "distance",
        each);
    set.channels = data_.x.dim(1);
    set.height = data_.x.dim(2);
    set.width = data_.x.dim(3);
    const std::vector<std::int64_t> now = classes_of(found_);
    const std::size_t classes = static_cast<std::size_t>(net_.classes());
    for (std::size_t k = 0; k < std::min(each, order.size()); ++k) {
      const auto [distance, i, at] = order[k];
      Example one;
      one.id = data_.ids[i];
      one.label = own_[i];  // the class that should have held
      one.predicted = now[at];
      one.broken = true;
      one.distance = distance;
      one.margin = margin_of(std::span(found_).subspan(at * classes, classes), own_[i]);
      BeforeAfter{clean(i), witness(i), region_.low, region_.high}.put(one);
      set.items.push_back(std::move(one));
    }
    save_examples(context_, set);
  }

  StageContext& context_;
  Samples data_;
  Region region_;
  Subject net_;
  std::string condition_;
  std::size_t size_ = 0;
  Boxes boxes_;
  std::vector<float> logits_, found_;  // of the inputs, of the witnesses
  std::vector<std::int64_t> own_;
  Left left_;
  std::vector<std::size_t> rows_;  // that have a witness
};

}  // namespace

void judge_falsify(StageContext& context) { FalsifyJudge(context).judge(); }

}  // namespace assay::tasks
