// Databases for the tests of claims, and the shortest way to a verdict.
#pragma once

#include "results/claims/claims.hpp"
#include "tests/unit/board/boards.hpp"

namespace claim_worlds {

using namespace assay;
using namespace boards;
using claims::Outcome;
using claims::Verdict;

inline Claim claim_of(const std::string& expect, const std::string& test = "", const std::string& given = "") {
  Claim claim{"c", "says so", expect, test, true};
  claim.given = given;
  return claim;
}

inline Verdict judged(const World& w, const Claim& claim) {
  claims::Options options;
  options.require_certificate = false;
  return claims::judge(w.db, w.plan.protocol_hash, {claim}, options).at(0);
}

inline Verdict judged(const World& w, const std::string& expect, const std::string& test = "", const std::string& given = "") {
  return judged(w, claim_of(expect, test, given));
}

inline bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// method -> right answers of each seed, of 200 samples; `shared`: how many answers are the same for all methods.
using Right = std::vector<std::pair<std::string, std::vector<std::size_t>>>;

inline World predict_world(const Right& methods) {
  World w(synthetic::make_plan("predict", "accuracy", "test"));
  for (const auto& [method, right] : methods)
    for (std::size_t s = 0; s < right.size(); ++s) {
      const auto correct = flags(right[s], 100 + s);  // the same order of samples for all methods: nested, so paired
      const double seconds = 1 + static_cast<double>(s);
      w.ok(w.add({method, static_cast<std::int64_t>(s)}),
           {column_event(column("correct", "test", correct)), score("accuracy", "test", share(correct), samples),
            score("nll", "test", 2 - share(correct)), score("params", "test", 1000 * seconds)});
    }
  w.import();
  return w;
}

// accuracy of "m" at ratios 2 ... 32, of each seed: given as right answers of 200.
inline World curve_world(const std::vector<std::size_t>& right, std::size_t spread = 0) {
  World w(synthetic::make_plan("compress", "accuracy", "test"));
  for (std::uint64_t s = 0; s < 3; ++s) {
    std::size_t step = 0;
    for (const char* ratio : {"2", "4", "8", "16", "32"}) {
      const auto correct = flags(right[step++] + spread * s, 100);
      const auto seed = static_cast<std::int64_t>(s);
      w.ok(w.add({"m", seed, false, Json(Json::Object{}), Json::object({{"ratio", ratio}, {"seed", seed}})}),
           {column_event(column("correct", "test", correct)), score("accuracy", "test", share(correct), samples)});
    }
  }
  w.import();
  return w;
}

}  // namespace claim_worlds

