// Checks of what every role call keeps, whatever the role: bounds, missing services, failing host calls, balance,
// determinism, cancellation.
#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <memory>
#include <thread>

#include "assay/plugin.h"
#include "harness/plugin/host.hpp"
#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

using Clock = std::chrono::steady_clock;

const std::string& role_of(Subject& subject) { return subject.descriptor().roles.front(); }

// A run of the method's first role: the reason of a failure with its status, and what it left behind.
struct Attempt {
  int status = ASSAY_OK;
  std::string message, residue, print;
  std::int64_t calls = 0;
  std::size_t leaked = 0, misuses = 0;
};
Attempt attempt(Subject& subject, const Json& params, plugin::HostContext context, const Scene& scene) {
  Attempt result;
  std::optional<plugin::Instance> method;
  try {
    method.emplace(subject.make(params, std::move(context)));
    result.print = fingerprint(run_role(*method, role_of(subject), scene));
  } catch (const plugin::PluginError& error) {
    result.status = error.status();
    result.message = error.what();
  } catch (const Error& error) {  // the output breaks the role's contract
    result.status = ASSAY_INTERNAL;
    result.message = error.what();
  }
  if (!method) return result;
  result.calls = method->host().calls();
  result.residue = method->destroy();
  result.leaked = method->host().live_objects();
  result.misuses = method->host().misuses().size();
  return result;
}

std::vector<std::pair<std::string, Json>> bounds_of(const ParamSchema& param) {
  std::vector<std::pair<std::string, Json>> values;
  if (param.type == "bool") values = {{"false", false}, {"true", true}};
  if (param.type == "real") values = {{"min", param.min}, {"max", param.max}};
  if (param.type == "int") {
    values = {{"min", static_cast<std::int64_t>(param.min)}, {"max", static_cast<std::int64_t>(param.max)}};
  }
  for (const std::string& choice : param.choices) values.emplace_back(choice, choice);
  return values;
}

std::function<bool()> cancelled_after(double seconds) {
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  return [end] { return Clock::now() > end; };
}

// Statuses with which a method may answer a value that it allows but cannot serve in this scene.
bool honest(int status) {
  return status == ASSAY_OK || status == ASSAY_INVALID || status == ASSAY_UNSUPPORTED || status == ASSAY_NUMERIC ||
         status == ASSAY_CANCELLED || status == ASSAY_BUDGET;
}

}  // namespace

CheckResult check_bounds_run(Subject& subject) {
  const Scene scene = standard_scene(subject.descriptor());
  for (const ParamSchema& param : subject.descriptor().params) {
    for (const auto& [name, value] : bounds_of(param)) {
      Json params = subject.params();
      params[param.key] = value;
      plugin::HostContext context;
      context.cancelled = cancelled_after(1.5);  // the largest number of steps need not be walked to its end
      const Attempt run = attempt(subject, params, std::move(context), scene);
      if (!honest(run.status)) return failed(fmt::format("{} = {}: {}", param.key, name, run.message));
    }
  }
  return passed();
}

CheckResult check_missing_service(Subject& subject) {
  const Scene scene = standard_scene(subject.descriptor());
  for (const char* service :
       {ASSAY_OBJECT_SERVICE, ASSAY_TENSOR_SERVICE, ASSAY_GRAD_SERVICE, ASSAY_LIST_SERVICE, ASSAY_BUNDLE_SERVICE,
        ASSAY_STATE_SERVICE, ASSAY_RECORDS_SERVICE, ASSAY_MODEL_SERVICE, ASSAY_GRAPH_SERVICE, ASSAY_RUN_SERVICE}) {
    plugin::HostContext context;
    context.faults.hidden_services = {service};
    const Attempt run = attempt(subject, subject.params(), std::move(context), scene);
    const bool reported =
        run.status == ASSAY_UNSUPPORTED && run.message.find("no reason was given") == std::string::npos;
    if (run.status != ASSAY_OK && !reported) return failed(fmt::format("without {}: {}", service, run.message));
  }
  return passed();
}

CheckResult check_fail_nth_call(Subject& subject) {
  const Scene scene = standard_scene(subject.descriptor());
  const Attempt whole = attempt(subject, subject.params(), {}, scene);
  if (whole.status != ASSAY_OK) return failed(whole.message);
  constexpr std::int64_t kAtMost = 150;  // failures tried; evenly spread when the method makes more calls
  const std::int64_t step = std::max<std::int64_t>(1, whole.calls / kAtMost);
  for (std::int64_t n = 0; n < whole.calls; n += step) {
    plugin::HostContext context;
    context.faults.fail_call = n;
    const Attempt run = attempt(subject, subject.params(), std::move(context), scene);
    // What the method leaves behind anyway is another check's business.
    if (run.leaked > whole.leaked || run.misuses > whole.misuses) {
      return failed(fmt::format("host call {} failed: {}", n, run.residue));
    }
  }
  return passed(1, fmt::format("{} host calls", whole.calls));
}

CheckResult check_handles_balance(Subject& subject) {
  const Attempt run = attempt(subject, subject.params(), {}, standard_scene(subject.descriptor()));
  if (run.status != ASSAY_OK) return failed(run.message);
  return run.residue.empty() ? passed() : failed(run.residue);
}

CheckResult check_same_seed(Subject& subject) {
  if (!subject.descriptor().deterministic || subject.descriptor().clock_bounded) {
    return skipped("the method is not declared deterministic");
  }
  const Scene scene = standard_scene(subject.descriptor());
  const Attempt first = attempt(subject, subject.params(), {}, scene);
  const Attempt second = attempt(subject, subject.params(), {}, scene);
  if (first.status != ASSAY_OK) return failed(first.message);
  return first.print == second.print ? passed() : failed("two runs with the same seed and inputs differ [rule 7]");
}

// Runs in a thread of its own, so that a method that never returns can be reported.
CheckResult check_cancel(Subject& subject) {
  Json params = subject.params();
  for (const ParamSchema& param : subject.descriptor().params) {  // make it long: counts at their highest
    if (param.type == "int") params[param.key] = static_cast<std::int64_t>(param.max);
  }
  const Scene scene = standard_scene(subject.descriptor());
  constexpr double kRun = 0.3, kGrace = 1.0, kGiveUp = 4.0;
  auto done = std::make_shared<std::promise<double>>();
  std::future<double> future = done->get_future();
  subject.library();
  const auto start = Clock::now();
  std::thread([subject, params, scene, done, start]() mutable {
    plugin::HostContext context;
    context.cancelled = cancelled_after(kRun);
    attempt(subject, params, std::move(context), scene);
    done->set_value(std::chrono::duration<double>(Clock::now() - start).count());
  }).detach();
  if (future.wait_for(std::chrono::duration<double>(kRun + kGiveUp)) != std::future_status::ready) {
    return failed(fmt::format("had not returned {} s after it was cancelled", kGiveUp));
  }
  const double taken = future.get();
  if (taken <= kRun + kGrace) return passed(taken);
  return failed(fmt::format("returned {:.2f} s after it was cancelled", taken - kRun), taken - kRun);
}

}  // namespace assay::validate
