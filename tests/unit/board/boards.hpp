// Databases made by hand, one a task, for the board tests.
#pragma once

#include <cmath>

#include "harness/base/rng.hpp"
#include "results/board/board.hpp"
#include "tests/unit/store/synthetic.hpp"

namespace boards {

using namespace synthetic;
using assay::board::Board;
using assay::board::Query;
using assay::board::Row;
using assay::store::Store;

constexpr std::size_t samples = 200;

// 0/1 outcomes of which exactly `ones` are 1, placed by the seed.
inline std::vector<double> flags(std::size_t ones, std::uint64_t seed, std::size_t n = samples) {
  std::vector<std::int64_t> order(n);
  assay::Rng(seed, "board-test").permutation(order);
  std::vector<double> out(n);
  for (std::size_t i = 0; i < ones; ++i) out[static_cast<std::size_t>(order[i])] = 1;
  return out;
}

inline double share(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

struct World {
  Bench bench;
  Plan plan;
  Store db = Store::open(bench.path() / "assay.db");
  std::deque<Finished> finished;

  explicit World(Plan p) : plan(std::move(p)) {
    plan.nodes.reserve(200);  // Finished points at nodes
  }
  const Node& add(const CellSpec& spec) {
    plan.nodes.push_back(make_cell(spec));
    return plan.nodes.back();
  }
  // Records the plan, then imports what was made for its nodes.
  void import(const assay::Descriptor* descriptor = nullptr) {
    db.record_plan(plan);
    for (const Finished& f : finished) db.import(plan, f, descriptor);
    finished.clear();
  }
  void ok(const Node& node, const std::vector<Event>& events) { finished.push_back(bench.ok(node, events)); }
  Board board(const std::string& by = "") const {
    Query query;
    query.protocol = plan.protocol_hash;
    query.by = by;
    query.require_certificate = false;
    query.resamples = 400;
    return assay::board::make_board(db, query);
  }
};

// Outcomes of an attack that leaves `robust` of the samples standing, of 180 that are correct without attack.
inline std::vector<Event> attacked(std::vector<double> correct, std::vector<double> robust) {
  std::vector<double> success(correct.size());
  double successes = 0, eligible = 0;
  for (std::size_t i = 0; i < correct.size(); ++i) {
    robust[i] *= correct[i];
    success[i] = correct[i] * (1 - robust[i]);
    successes += success[i];
    eligible += correct[i];
  }
  return {column_event(column("correct", "clean", correct)),
          column_event(column("robust", "eps=1/10", robust)),
          column_event(column("success", "eps=1/10", success)),
          column_event(column("eligible", "eps=1/10", correct)),
          score("accuracy", "clean", share(correct), samples),
          score("robust_accuracy", "eps=1/10", share(robust), samples),
          score("robust_accuracy", "eps=1/20", share(robust) + 0.125, samples),
          score("attack_success_rate", "eps=1/10", successes / eligible, samples,
                Json::object({{"numerator", successes}, {"denominator", "correctly classified"}, {"denominator_count", eligible},
                          {"mode", "untargeted"}}))};
}

// Every kind of row: ranked apart, ranked together, baseline, single run, crashed, suspect, invalid, partly failed.
inline World attack_world() {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  for (std::uint64_t s = 0; s < 3; ++s) {
    const auto seed = static_cast<std::int64_t>(s);
    const auto clean = flags(180, 1000 + s);
    w.ok(w.add({"noise", seed, true}), attacked(clean, flags(198, 10 + s)));
    w.ok(w.add({"fgsm", seed}), attacked(clean, flags(80, 20 + s)));
    w.ok(w.add({"pgd", seed, false, Json::object({{"steps", 20}}), Json::object({{"steps", 20}, {"seed", seed}})}),
         attacked(clean, flags(10, 30 + s)));
    w.ok(w.add({"mi-fgsm", seed}), attacked(clean, flags(12, 40 + s)));
    auto masked = attacked(clean, flags(150, 50 + s));
    masked.push_back(verdict("SUSPECT", 19, "3 % of samples have a zero gradient"));
    w.ok(w.add({"masked", seed}), masked);
    const Node& crash = w.add({"crashing", seed});
    w.finished.push_back(w.bench.failed(crash, "crashed", "signal 11 (segmentation fault)"));
    const Node& flaky = w.add({"flaky", seed});
    if (s == 0) w.finished.push_back(w.bench.failed(flaky, "oom", "memory limit of 4096 MB"));
    else w.ok(flaky, attacked(clean, flags(40, 60 + s)));
    const Node& cheat = w.add({"cheat", seed});
    Finished rejected = w.bench.ok(cheat, {verdict("INVALID", 15, "linf 0.2 exceeds 1/10 for 7 samples")});
    rejected.status = "rejected";
    rejected.reason = "left the threat model";
    w.finished.push_back(rejected);
  }
  w.ok(w.add({"lonely", 0}), attacked(flags(180, 1000), flags(5, 70)));
  w.import();
  return w;
}

// A transfer matrix of two sources and three victims; "a" on "c" has not run; two methods, one a baseline.
inline World matrix_world(std::int64_t seeds) {
  const auto names = [](const std::vector<std::string>& list) { return Json(list); };
  Plan plan = synthetic::make_plan("attack", "attack_success_rate", "eps=1/10");
  plan.rank = "none";
  plan.protocol["threat"] =
      Json::object({{"access", "transfer"}, {"matrix", true}, {"surrogates", names({"b", "a"})}, {"victims", names({"a", "b", "c"})}});
  plan.protocol_hash = assay::sha256(plan.protocol.dump());
  World w(plan);
  for (std::int64_t s = 0; s < seeds; ++s)
    for (const std::string source : {"a", "b"})
      for (const std::string victim : {"a", "b", "c"})
        for (const std::string method : {"mi-fgsm", "noise"}) {
          Json axes = Json::object({{"surrogate", source}, {"seed", s}});
          if (source == victim) axes["diagonal"] = true;
          const Node& node = w.add({method, s, method == "noise", Json(Json::Object{}), axes, victim});
          if (source == "a" && victim == "c") continue;
          const std::size_t left = method == "noise" ? 190 : source == victim ? 0 : source == "a" ? 60 : 100;
          w.ok(node, attacked(std::vector<double>(samples, 1), flags(left, static_cast<std::uint64_t>(10 * s) + 1)));
        }
  w.import();
  return w;
}

inline World detect_world(bool with_accuracy = true) {
  World w(synthetic::make_plan("detect", "auroc", "far:mnist"));
  for (std::uint64_t s = 0; s < 3; ++s) {
    const assay::Rng rng(s, "detect-test");
    const auto scores = [&](double shift, std::uint64_t from) {
      std::vector<double> out(samples);
      for (std::size_t i = 0; i < samples; ++i) out[i] = shift + rng.normal(from + i);
      return out;
    };
    for (const auto& [method, far] : {std::pair("msp", 1.0), std::pair("mahalanobis", 2.0), std::pair("random", 0.0)}) {
      std::vector<Event> events = {column_event(column("score", "id", scores(0, 0))),
                                   column_event(column("score", "far:mnist", scores(far, 5000))),
                                   column_event(column("score", "near:kmnist", scores(far / 2, 9000))),
                                   score("auroc", "far:mnist", 0.5 + far / 5, 2 * samples),
                                   score("auroc", "near:kmnist", 0.5 + far / 10, 2 * samples),
                                   score("fpr_at_95", "far:mnist", 0.95 - far / 4, 2 * samples)};
      if (with_accuracy) events.push_back(score("accuracy", "id", 0.9, samples));
      w.ok(w.add({method, static_cast<std::int64_t>(s), std::string(method) == "random"}), events);
    }
  }
  assay::Descriptor descriptor;
  descriptor.uses_outliers = true;
  w.import(&descriptor);
  return w;
}

inline World compress_world() {
  World w(synthetic::make_plan("compress", "accuracy", "test"));
  w.plan.rank_axes = Json::object({{"ratio", "8"}});
  for (std::uint64_t s = 0; s < 3; ++s) {
    const auto seed = static_cast<std::int64_t>(s);
    const auto events = [&](std::size_t right, double ratio) {
      const auto correct = flags(right, 100 + s);
      return std::vector<Event>{column_event(column("correct", "test", correct)), score("accuracy", "test", share(correct), samples),
                                score("compression_ratio", "", ratio), score("theoretical_speedup", "", ratio * 0.75)};
    };
    const auto axes = [&](const char* ratio) { return Json::object({{"ratio", ratio}, {"subject", "net"}, {"seed", seed}}); };
    w.ok(w.add({"unpruned", seed, true, Json(Json::Object{}), axes("1")}), events(184, 1));
    std::size_t step = 0;
    for (const char* ratio : {"2", "4", "8", "16", "32"}) {
      const double x = std::pow(2.0, static_cast<double>(++step));
      w.ok(w.add({"magnitude", seed, false, Json(Json::Object{}), axes(ratio)}), events(184 - 4 * step, x));
      w.ok(w.add({"random", seed, false, Json(Json::Object{}), axes(ratio)}), events(184 - 24 * step, x));
    }
  }
  w.import();
  return w;
}

inline const Row& row_of(const Board& board, const std::string& method) {
  for (const Row& row : board.rows)
    if (row.method == method) return row;
  throw assay::Error(assay::Fault::bad_input, "no row " + method);
}

}  // namespace boards
