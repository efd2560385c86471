#include "harness/tasks/budget.hpp"

#include <algorithm>

#include "harness/base/error.hpp"

namespace assay::tasks {
namespace {

bool has_seconds(const Json& spec) { return spec.has("budget") && spec.at("budget").get("seconds", 0.0) > 0; }

}  // namespace

double seconds_before(const std::vector<Event>& earlier) {
  double seconds = 0;
  for (const Event& event : earlier)
    if (event.type() == "batch") seconds = std::max(seconds, event.json.get("seconds", 0.0));
  return seconds;
}

BudgetLog::BudgetLog(StageContext& context, const plugin::Instance& method)
    : context_(context), method_(method), seconds_before_(seconds_before(context.earlier())), timed_(has_seconds(context.spec())) {
  for (const Event& event : context.earlier()) {
    if (event.type() != "batch") continue;
    ++calls_;
    if (event.json.has("spent")) earlier_ += Spent::from_json(event.json.at("spent"));
    if (!event.json.has("exhausted")) continue;
    ++cut_short_;
    for (const Json& one : event.json.at("exhausted").as_array()) note(one);
  }
}

// Numbers that the clock decides stay out where no budget of time makes the whole cell depend on it.
Json BudgetLog::last(const std::string& where) const {
  Json out = Json::array();
  for (const plugin::Exhausted& one : method_.exhausted()) {
    Json item = Json::object({{"budget", one.budget}, {"limit", one.limit}, {"at", where}, {"forward", one.forward},
                              {"backward", one.backward}, {"macs", one.macs}});
    if (timed_) item["seconds"] = one.seconds;
    if (one.budget == "memory_mb") item["memory_mb"] = one.memory_mb;
    out.push_back(std::move(item));
  }
  return out;
}

void BudgetLog::note(const Json& exhausted) {
  Json& entry = budgets_[exhausted.at("budget").as_string()];
  entry["calls"] = entry.get("calls", 0) + 1;
  if (entry.has("first")) return;
  entry["limit"] = exhausted.at("limit");
  Json first = exhausted;
  first.object_ref().erase("budget");
  first.object_ref().erase("limit");
  entry["first"] = std::move(first);
}

plugin::Bundle BudgetLog::call(const std::string& where, const std::function<plugin::Bundle()>& body) {
  const auto take = [&] {
    last_ = last(where);
    ++calls_;
    cut_short_ += last_.size() > 0 ? 1 : 0;
    for (const Json& one : last_.as_array()) note(one);
  };
  try {
    plugin::Bundle out = body();
    take();
    return out;
  } catch (const plugin::PluginError& error) {
    if (!error.budget_exhausted()) throw;
    take();
    Spent total = earlier_;
    total += spent(method_);
    finish(total);
    throw Error(Fault::constraint, std::string(error.what()) + " (at " + where + ")");
  }
}

void BudgetLog::mark(Json& event) const {
  if (last_.size() > 0) event["exhausted"] = last_;
  const std::chrono::duration<double> used = std::chrono::steady_clock::now() - started_;
  if (timed_) event["seconds"] = seconds_before_ + used.count();
}

void BudgetLog::finish(const Spent& total) {
  Json event = total.to_json();
  event["type"] = "counters";
  if (!budgets_.empty()) event["budgets"] = Json(budgets_);
  // Rule 43: a method that stops by itself has converged by its own test; one that a budget stopped might have gone on.
  event["ended"] = Json::object({{"by_itself", calls_ - cut_short_}, {"at_a_budget", cut_short_}});
  context_.shard().append(std::move(event));
}

}  // namespace assay::tasks
