#include "harness/tasks/falsify_truth.hpp"

#include "harness/base/error.hpp"
#include "harness/metrics/metrics.hpp"
#include "harness/record/safetensors.hpp"
#include "harness/tasks/stages.hpp"

namespace assay::tasks {

namespace {

constexpr std::int64_t kRows = 4096;  // of one question to the net

class Looker {
 public:
  Looker(Subject& net, const Samples& samples, const Region& region)
      : net_(net),
        samples_(samples),
        region_(region),
        size_(static_cast<std::size_t>(samples.x.count() / samples.size())) {
    boxes_ = boxes_of(samples.x.f32s(), size_, region);
    own_ = classes_of(samples.x, samples.ids);
  }

  Box box(std::size_t row) const { return box_at(samples_.x.f32s(), boxes_, row, size_, region_.step.value()); }
  // Points of another class; at the first of them where one is enough.
  double violations(std::size_t row, const Box& box, bool one_is_enough) {
    Points points(box);
    double found = 0;
    for (std::vector<float> x; points.next(kRows, x) > 0; x.clear()) {
      engine::Shape shape = samples_.x.shape();
      shape[0] = static_cast<std::int64_t>(x.size() / size_);
      const std::vector<std::int64_t> ids(static_cast<std::size_t>(shape[0]), samples_.ids[row]);
      for (const std::int64_t other : classes_of(engine::Tensor::f32(shape, x), ids))
        found += other != own_[row] ? 1 : 0;
      if (one_is_enough && found > 0) break;
    }
    return found;
  }

 private:
  std::vector<std::int64_t> classes_of(const engine::Tensor& x, const std::vector<std::int64_t>& ids) {
    const std::vector<float> logits = net_.logits(x, ids);
    return metrics::predictions({logits, logits.size() / ids.size(), metrics::Scale::logits});
  }

  Subject& net_;
  const Samples& samples_;
  const Region& region_;
  std::size_t size_;
  Boxes boxes_;
  std::vector<std::int64_t> own_;
};

}  // namespace

Truth enumerate_regions(Subject& net, const Samples& samples, const Region& region, const TruthOptions& options) {
  Truth truth{samples.ids, {}, {}, {}};
  if (samples.size() == 0) return truth;
  Looker looker(net, samples, region);
  const auto most = static_cast<double>(options.most);
  for (std::size_t row = 0; row < samples.ids.size(); ++row) {
    const Box box = looker.box(row);
    truth.points.push_back(points_of(box.below, box.above));
    truth.violations.push_back(truth.points.back() <= most ? looker.violations(row, box, false) : kNotLooked);
    truth.fine.push_back(kNotLooked);
    if (options.finer == 0 || truth.violations.back() != 0) continue;
    const Boxes finer = finer_grid(box, region, options.finer);
    const Box fine{box.x,       finer.lo,    finer.hi,
                   finer.below, finer.above, region.step.value() / static_cast<double>(options.finer)};
    if (points_of(fine.below, fine.above) <= most) truth.fine.back() = looker.violations(row, fine, true) > 0 ? 1 : 0;
  }
  return truth;
}

void Truth::save(const std::filesystem::path& file) const {
  const auto n = static_cast<std::int64_t>(ids.size());
  Container all;
  all.arrays["id"] = Array::i64({n}, ids);
  all.arrays["points"] = Array::f64({n}, points);
  all.arrays["violations"] = Array::f64({n}, violations);
  all.arrays["fine"] = Array::f64({n}, fine);
  save_container(file, all);
}

Truth Truth::load(const std::filesystem::path& file) {
  const Container all = load_container(file);
  const auto reals = [&](const char* name) {
    const auto values = all.at(name).as_f64();
    return std::vector<double>(values.begin(), values.end());
  };
  const auto ids = all.at("id").as_i64();
  return {{ids.begin(), ids.end()}, reals("points"), reals("violations"), reals("fine")};
}

// Of the data and the one model of the job; spec: {region: {..., enumerate, finer}}.
void enumerate_grid(StageContext& context) {
  const auto models = context.inputs_with("model:");
  if (models.size() != 1) throw Error(Fault::bad_input, "enumerating needs exactly one model:<id> input");
  const Json& spec = context.spec().at("region");
  const Samples samples = load_samples(context.input("data"));
  Subject net(context.input(models[0]), context.job());
  const TruthOptions options{spec.get("enumerate", std::int64_t{0}), spec.get("finer", std::int64_t{0})};
  enumerate_regions(net, samples, Region::from_json(spec), options).save(context.out() / truth_file);
  context.announce(truth_file);
}

}  // namespace assay::tasks
