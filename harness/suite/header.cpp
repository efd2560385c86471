// [suite], [limits], [numerics] and [[claim]].
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "harness/claim/claim.hpp"
#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

constexpr std::int64_t max_seeds = 1000;
constexpr std::int64_t max_int = std::numeric_limits<std::int64_t>::max();
// Member m of seed s has subject seed 1000 s + m, which must stay far from overflow.
constexpr std::int64_t max_seed = 1'000'000'000'000;

Located<std::string> read_task(const Fields& fields) {
  Located<std::string> task = fields.need_text("task", "attack, detect, predict or compress");
  const auto& now = available_tasks();
  const auto& later = planned_tasks();
  if (std::find(now.begin(), now.end(), task.value) != now.end()) return task;
  if (std::find(later.begin(), later.end(), task.value) != later.end())
    fail(task.place, fmt::format("suite.task: '{}' is not available yet; expected one of {}", task.value, fmt::join(now, ", ")),
         Fault::unsupported);
  fail(task.place, fmt::format("suite.task: unknown task '{}'{}", task.value, suggestion(task.value, now)));
}

std::vector<std::int64_t> read_seeds(const Toml& value) {
  std::vector<std::int64_t> seeds;
  const auto wrong = [](const Toml& at) {
    fail(at.place, fmt::format("suite.seeds: expected a list of integers, found {}", Toml::kind_name(at.kind)));
  };
  if (value.kind != Toml::Kind::array) wrong(value);
  for (const Toml& item : value.items) {
    if (item.kind != Toml::Kind::integer) wrong(item);
    if (item.integer < 0 || item.integer > max_seed)
      fail(item.place, fmt::format("suite.seeds: expected integers from 0 to {}, found {}", max_seed, item.integer));
    if (std::find(seeds.begin(), seeds.end(), item.integer) != seeds.end())
      fail(item.place, fmt::format("suite.seeds: {} stands twice", item.integer));
    seeds.push_back(item.integer);
  }
  if (seeds.empty() || static_cast<std::int64_t>(seeds.size()) > max_seeds)
    fail(value.place, fmt::format("suite.seeds: expected 1 to {} seeds, found {}", max_seeds, seeds.size()));
  return seeds;
}

}  // namespace

void parse_header(const Toml& root, SuiteSpec& out) {
  const Toml* table = root.find("suite");
  if (!table) fail(Place{out.file, 1, 1}, "block [suite] is missing; expected name, task and seeds in it");
  const Fields fields(*table, "suite",
                      {"name", "task", "version", "seeds", "cites", "summary", "rank_by", "rank", "min_coverage",
                       "on_failure", "keep_outputs"});
  out.place = fields.place();
  out.name = fields.need_id("name", "the suite's name");
  out.task = read_task(fields);
  out.version = fields.integer("version", 1, {1, 1'000'000});
  const Toml& seeds = fields.need("seeds", "a list of integers, at least 3 to rank (rule 5)");
  out.seeds = read_seeds(seeds);
  out.seeds_place = seeds.place;
  out.single_run = out.seeds.size() < 3;  // rule 5
  out.cites = fields.text("cites").value;
  out.summary = fields.text("summary").value;
  out.rank_by = fields.text("rank_by");
  out.rank = fields.choice("rank", {"method", "subject", "none"}, "method").value;
  out.min_coverage = fields.real("min_coverage", 1.0, {0.0, 1.0});
  out.on_failure = fields.choice("on_failure", {"exclude", "worst", "baseline"}, "exclude").value;
  out.keep_outputs = fields.flag("keep_outputs", false);
}

LimitSpec parse_limits(const Toml& root) {
  LimitSpec out;
  const Toml* table = root.find("limits");
  if (!table) return out;
  const Fields fields(*table, "limits", {"seconds_per_cell", "seconds_per_training", "memory_mb", "disk_mb", "processes"});
  out.seconds_per_cell = fields.real("seconds_per_cell", out.seconds_per_cell, {0.1, 1e7});
  out.seconds_per_training = fields.real("seconds_per_training", out.seconds_per_training, {0.1, 1e7});
  out.memory_mb = fields.integer("memory_mb", out.memory_mb, {64, 1 << 24});
  out.disk_mb = fields.integer("disk_mb", out.disk_mb, {16, 1 << 24});
  out.processes = fields.integer("processes", out.processes, {1, 1 << 16});
  return out;
}

NumericsSpec parse_numerics(const Toml& root) {
  NumericsSpec out;
  const Toml* table = root.find("numerics");
  if (!table) return out;
  const Fields fields(*table, "numerics", {"isa", "threads", "batch", "search"});
  out.isa = fields.text("isa");
  out.threads = fields.integer("threads", out.threads, {1, 1024});
  out.batch = fields.integer("batch", out.batch, {1, 4096});
  out.search = fields.choice("search", {"f32", "bf16"}, "f32");
  return out;
}

namespace {

void check_expression(const ClaimSpec& claim, const char* key, const Located<std::string>& text) {
  try {
    claim::parse(text.value);
  } catch (const Error& error) {
    fail(text.place, fmt::format("claim '{}', {}, {}", claim.id.value, key, error.what()));
  }
}

}  // namespace

std::vector<ClaimSpec> parse_claims(const Toml& root) {
  std::vector<ClaimSpec> out;
  for (const Toml* block : blocks(root, "claim")) {
    const Fields fields(*block, "claim", {"id", "says", "expect", "given", "test", "gate", "level", "power"});
    ClaimSpec claim;
    claim.place = fields.place();
    claim.id = fields.need_id("id", "a name for the claim");
    claim.says = fields.need_text("says", "the claim as a sentence").value;
    claim.expect = fields.need_text("expect", "a comparison, such as \"mean(accuracy, method='a') >= 0.9\"");
    claim.given = fields.text("given");
    claim.test = fields.choice("test", claim::tests(), "").value;
    claim.gate = fields.flag("gate", true);
    claim.level = fields.real("level", claim.level, {0.5, 0.9999});
    claim.power = fields.real("power", claim.power, {0.5, 0.9999});
    for (const ClaimSpec& earlier : out)
      if (earlier.id.value == claim.id.value)
        fail(claim.id.place, fmt::format("claim.id: duplicate id '{}', first used at {}; expected another name",
                                         claim.id.value, earlier.id.place.str()));
    check_expression(claim, "expect", claim.expect);
    if (claim.given.given()) check_expression(claim, "given", claim.given);
    out.push_back(std::move(claim));
  }
  return out;
}

}  // namespace assay::suite

namespace assay {

Claim to_claim(const ClaimSpec& spec) {
  return {spec.id.value, spec.says, spec.expect.value, spec.test, spec.gate, spec.given.value, spec.level, spec.power};
}

}  // namespace assay
