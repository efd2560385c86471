// Host: what the plugin spends, and the refusal of what it has no budget for.
#include <algorithm>
#include <cmath>

#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

constexpr double mebibyte = 1 << 20;

std::int64_t bytes_of(const engine::Tensor& tensor) { return static_cast<std::int64_t>(tensor.spec().bytes()); }

}  // namespace

void Host::begin_call(std::span<const std::int64_t> ids, std::int64_t rows) {
  rows_ = rows;
  row_of_.clear();
  if (static_cast<std::int64_t>(ids.size()) == rows)
    for (std::size_t row = 0; row < ids.size(); ++row) row_of_.emplace(static_cast<std::uint64_t>(ids[row]), row);
  forward_ = backward_ = {std::vector<double>(static_cast<std::size_t>(rows), 0.0), 0};
  exhausted_.clear();
  worker_ = std::this_thread::get_id();
}

void Host::exhaust(const char* budget, double limit) {
  const bool known = std::any_of(exhausted_.begin(), exhausted_.end(), [&](const Exhausted& e) { return e.budget == budget; });
  if (!known) {
    const std::chrono::duration<double> age = std::chrono::steady_clock::now() - started_;
    exhausted_.push_back({budget, limit, forward_.most, backward_.most, counters_.model_macs + counters_.method_macs,
                          context_.seconds_before + age.count(), static_cast<double>(held_bytes_.load()) / mebibyte});
  }
  throw ServiceError(ASSAY_BUDGET, fmt::format("budget exhausted: {} = {:g}", budget, limit));
}

void Host::check_time() {
  if (std::isfinite(context_.budget.seconds) && remaining("seconds") <= 0) exhaust("seconds", context_.budget.seconds);
}

void Host::check_macs(double more) {
  if (counters_.model_macs + counters_.method_macs + more > context_.budget.macs) exhaust("macs", context_.budget.macs);
}

// The rows of "x" that a pass belongs to, when its ids name such rows and nothing else.
std::vector<std::size_t> Host::named_rows(const Pass& pass) const {
  std::vector<std::size_t> rows;
  for (const std::uint64_t id : pass.ids) {
    const auto found = row_of_.find(id);
    if (found == row_of_.end()) return {};
    rows.push_back(found->second);
  }
  return rows;
}

void Host::charge_rows(PassLedger& ledger, const Pass& pass, const char* budget, double limit) {
  if (rows_ == 0) return;
  std::vector<double> after = ledger.spent;
  const std::vector<std::size_t> named = named_rows(pass);
  for (const std::size_t row : named) after[row] += 1;
  if (named.empty())
    for (double& one : after) one += std::ceil(static_cast<double>(pass.rows) / static_cast<double>(rows_));
  for (std::size_t row = 0; row < after.size(); ++row)
    if (after[row] > limit && after[row] > ledger.spent[row]) exhaust(budget, limit);
  const double most = *std::max_element(after.begin(), after.end());
  ledger = {std::move(after), most};
}

void Host::charge_forward(const Model& model, std::int64_t rows, std::span<const std::uint64_t> ids) {
  const auto n = static_cast<double>(rows);
  check_time();
  check_macs(n * model.macs_per_sample);
  charge_rows(forward_, {rows, ids}, "forward_per_sample", context_.budget.forward_per_sample);
  counters_.forward += n;
  counters_.model_macs += n * model.macs_per_sample;
  counters_.models[model.label].forward += n;
}

void Host::charge_backward(const Model& model, std::int64_t rows, std::span<const std::uint64_t> ids) {
  const auto n = static_cast<double>(rows);
  check_time();
  charge_rows(backward_, {rows, ids}, "backward_per_sample", context_.budget.backward_per_sample);
  counters_.backward += n;
  counters_.model_macs += n * model.macs_per_sample;
  counters_.models[model.label].backward += n;
}

void Host::charge_op(double macs) {
  check_time();
  check_macs(macs);
  counters_.method_macs += macs;
}

assay_object* Host::give(engine::Tensor tensor) {
  const std::int64_t bytes = bytes_of(tensor);
  TensorObject* object = make<TensorObject>(std::move(tensor));
  object->held = bytes;
  held_bytes_ += bytes;
  return object;
}

void Host::charge_memory(std::span<const engine::Tensor> results) {
  if (!std::isfinite(context_.budget.memory_mb)) return;
  std::int64_t bytes = held_bytes_.load();
  for (const engine::Tensor& tensor : results) bytes += bytes_of(tensor);
  if (static_cast<double>(bytes) > context_.budget.memory_mb * mebibyte) exhaust("memory_mb", context_.budget.memory_mb);
}

double Host::remaining(const std::string& budget) const {
  const auto left = [&](double limit, double most) { return rows_ > 0 && std::isfinite(limit) ? std::floor(limit - most) : kUnlimited; };
  if (budget == "forward_per_sample") return left(context_.budget.forward_per_sample, forward_.most);
  if (budget == "backward_per_sample") return left(context_.budget.backward_per_sample, backward_.most);
  if (budget == "macs") return context_.budget.macs - counters_.model_macs - counters_.method_macs;
  if (budget == "memory_mb") return context_.budget.memory_mb - static_cast<double>(held_bytes_.load()) / mebibyte;
  if (budget == "seconds") {
    const std::chrono::duration<double> used = std::chrono::steady_clock::now() - started_;
    return context_.budget.seconds - context_.seconds_before - used.count();
  }
  return kUnlimited;
}

}  // namespace assay::plugin
