#include "harness/tasks/stage.hpp"

#include <fmt/format.h>

#include <cmath>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"

namespace assay::tasks {

namespace fs = std::filesystem;

StageContext::StageContext(Job job, ShardWriter& shard, std::vector<Event> earlier, FileDigests& digests)
    : job_(std::move(job)), shard_(shard), earlier_(std::move(earlier)) {
  for (const auto& [name, input] : job_.inputs) {
    const std::string found = digests.of(input.path);
    if (!input.sha256.empty() && found != input.sha256) {
      throw Error(Fault::io, fmt::format("input '{}' ({}): expected sha256 {}, found {}", name, input.path,
                                         input.sha256, found));
    }
  }
  fs::create_directories(out());
}

fs::path StageContext::input(const std::string& name) const {
  const auto it = job_.inputs.find(name);
  if (it != job_.inputs.end()) return it->second.path;
  std::vector<std::string> names;
  for (const auto& [key, unused] : job_.inputs) names.push_back(key);
  throw Error(Fault::bad_input, fmt::format("job has no input '{}'{}", name, suggestion(name, names)));
}

std::vector<std::string> StageContext::inputs_with(const std::string& prefix) const {
  std::vector<std::string> names;
  for (const auto& [key, unused] : job_.inputs) {
    if (key.rfind(prefix, 0) == 0) names.push_back(key);
  }
  return names;
}

void StageContext::announce(const std::string& file) {
  const fs::path path = out() / file;
  shard_.append(Json::object({{"type", "artifact"},
                              {"name", file},
                              {"path", "out/" + file},
                              {"sha256", sha256_file(path)},
                              {"bytes", static_cast<std::int64_t>(fs::file_size(path))}}));
}

void StageContext::progress(double fraction, const std::string& what) {
  constexpr double kStep = 0.02;  // fine enough for a bar, coarse enough not to fill the journal
  if (fraction < 1 && fraction - last_progress_ < kStep) return;
  last_progress_ = fraction;
  shard_.append(Json::object({{"type", "progress"}, {"fraction", fraction}, {"what", what}}));
}

void StageContext::put_score(const std::string& quantity, const std::string& condition, double value, std::int64_t n,
                             Json extra) {
  Json event = std::move(extra);
  event["type"] = "score";
  event["quantity"] = quantity;
  event["condition"] = condition;
  event["value"] = value;
  event["n"] = n;
  if (!event.has("configuration")) event["configuration"] = "";
  shard_.append(std::move(event));
}

void StageContext::score(const std::string& quantity, const std::string& condition, double value, std::int64_t n,
                         Json extra) {
  extra["grade"] = "judged";
  put_score(quantity, condition, value, n, std::move(extra));
}

void StageContext::host_score(const std::string& quantity, const std::string& condition, double value, std::int64_t n,
                              Json extra) {
  extra["grade"] = "host-measured";
  put_score(quantity, condition, value, n, std::move(extra));
}

void StageContext::column(const std::string& quantity, const std::string& condition, std::vector<std::int64_t> ids,
                          std::vector<double> values, const std::string& configuration) {
  shard_.append(
      column_event({quantity, condition, configuration, "sample", "judged", std::move(ids), std::move(values)}));
}

void StageContext::verdict(const std::string& level, int rule, const std::string& reason) {
  shard_.append(Json::object({{"type", "verdict"}, {"level", level}, {"rule", rule}, {"reason", reason}}));
}

void StageContext::suspect(int rule, const std::string& reason) { verdict("SUSPECT", rule, reason); }
void StageContext::invalid(int rule, const std::string& reason) { verdict("INVALID", rule, reason); }

}  // namespace assay::tasks
