// A sample's outcome is the same whatever travels with it in the padded, fixed-size compute batch, and in whatever
// order (rule 8): the rows of a scene as one batch, cut in two, turned round, and one of them alone.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

using Rows = std::vector<std::int64_t>;

Rows range(std::int64_t first, std::int64_t end) {
  Rows rows(static_cast<std::size_t>(end - first));
  std::iota(rows.begin(), rows.end(), first);
  return rows;
}

// Verdict, scope and witness of every row, one behind the other.
std::vector<float> verdict_rows(const plugin::Findings& found) {
  std::vector<float> rows;
  const std::vector<float> witness = found.witness.to_f32();
  const std::size_t size = witness.size() / found.verdict.size();
  for (std::size_t i = 0; i < found.verdict.size(); ++i) {
    rows.push_back(static_cast<float>(found.verdict[i]));
    rows.push_back(static_cast<float>(found.scope[i]));
    rows.insert(rows.end(), witness.begin() + static_cast<std::ptrdiff_t>(i * size), witness.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
  }
  return rows;
}

// What the method leaves for each row of the scene: one call of its role, or the logits of the model that it returns.
class Outcome {
 public:
  Outcome(Subject& subject, const Scene& scene) : subject_(subject), role_(subject.descriptor().roles.front()) {
    if (role_ == "attack" || role_ == "detector" || role_ == "analyzer") return;
    plugin::Instance method = subject.make();
    if (role_ == "ensemble" && !method.has("ensemble", "combine")) return;
    model_.emplace(plugin::model_of(run_role(method, role_, scene)), kComputeBatch);
  }

  std::vector<float> of(const Scene& part) {
    if (model_) {
      const std::vector<std::uint64_t> ids(part.ids.begin(), part.ids.end());
      graph::ForwardOptions options;
      options.sample_ids = ids;
      return model_->logits(part.x, options).to_f32();
    }
    plugin::Instance method = subject_.make();
    const plugin::Bundle out = run_role(method, role_, part);
    if (role_ == "analyzer") return verdict_rows(plugin::findings_of(out, part.x.shape()));
    return out.tensor(role_ == "attack" ? "x" : role_ == "detector" ? "score" : "probabilities").to_f32();
  }

 private:
  static constexpr std::int64_t kComputeBatch = 16;
  Subject& subject_;
  std::string role_;
  std::optional<graph::Executor> model_;
};

// Whether the rows of `part` are, bit for bit, those of `whole` at `rows`.
bool same_rows(const std::vector<float>& whole, std::int64_t count, const Rows& rows, const std::vector<float>& part) {
  const std::size_t size = whole.size() / static_cast<std::size_t>(count);
  if (part.size() != size * rows.size()) return false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float* mine = whole.data() + static_cast<std::size_t>(rows[i]) * size;
    if (std::memcmp(mine, part.data() + i * size, size * sizeof(float)) != 0) return false;
  }
  return true;
}

}  // namespace

CheckResult check_any_batch(Subject& subject) {
  const Descriptor& descriptor = subject.descriptor();
  const std::string& role = descriptor.roles.front();
  const bool rows = role == "attack" || role == "detector" || role == "ensemble" || role == "compressor" || role == "analyzer";
  if (!rows) return skipped("role " + role + " has no outcome a sample: what it makes is judged");
  if (descriptor.batch_coupled) return skipped("the batch is declared part of the method");
  const Scene scene = standard_scene(descriptor);
  const auto n = static_cast<std::int64_t>(scene.ids.size());
  Outcome outcome(subject, scene);
  const std::vector<float> whole = outcome.of(scene);
  Rows turned = range(0, n);
  std::reverse(turned.begin(), turned.end());
  const std::pair<Rows, const char*> parts[] = {{range(0, 5), "when the batch is cut in two"},
                                                {range(5, n), "when the batch is cut in two"},
                                                {turned, "in another order"},
                                                {{n / 2}, "when a row is alone"}};
  for (const auto& [part, when] : parts) {
    if (same_rows(whole, n, part, outcome.of(rows_of(scene, part)))) continue;
    return failed(fmt::format("rows differ {} [rule 8]; key randomness by ids, or declare batch_coupled", when));
  }
  return passed();
}

}  // namespace assay::validate
