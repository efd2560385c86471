// Scenes: small synthetic models and data on which checks run a method, and the one place that knows how to run a role
// once. Everything is a pure function of the arguments.
#pragma once

#include <optional>

#include "harness/plugin/inputs.hpp"
#include "harness/plugin/library.hpp"

namespace assay::validate {

// One method of a library, opened leniently so that each flaw is one check's business.
class Subject {
 public:
  Subject(std::filesystem::path file, std::string id);
  const std::filesystem::path& file() const { return file_; }
  const plugin::PluginLibrary& library();
  const Descriptor& descriptor();
  Json params();  // defaults, moved into their ranges
  plugin::Instance make(plugin::HostContext context = {}) { return make(params(), std::move(context)); }
  plugin::Instance make(const Json& expanded, plugin::HostContext context = {});

 private:
  std::filesystem::path file_;
  std::string id_;
  std::optional<plugin::PluginLibrary> library_;
};

inline constexpr std::int64_t kSide = 6, kPixels = kSide * kSide,
                              kClasses = 4;  // inputs are [1, kSide, kSide] in [0, 1]

// Noisy images of kClasses patterns: class k has its own quarter bright. Labels cycle through the classes.
plugin::Records pattern_records(std::int64_t n, std::uint64_t seed);
// Convolution, relu, flatten, dropout, dense: He-initialised, not trained. Tap "features".
std::shared_ptr<const graph::Graph> random_net(std::uint64_t seed);

struct Scene {
  plugin::Model model;                 // detector, compressor, trainer, analyzer
  std::vector<plugin::Model> members;  // ensemble
  std::vector<plugin::Model> victims, surrogates;
  plugin::Records train;
  engine::Tensor x, y;
  std::vector<std::int64_t> ids;
  std::string norm = "linf";
  double eps = 0.1, ratio = 2;
  engine::Shape input_shape{1, kSide, kSide};
  std::int64_t classes = kClasses;
  std::int64_t elements = 3;  // analyzer: that move, by up to eps in steps of eps / 2; 0: all
};
// Regions around the scene's inputs, as the task builds them.
plugin::AnalyzeInputs region_inputs(const Scene& scene);
// Models with the access that the method's slots ask for, 16 test rows, 64 training records.
Scene standard_scene(const Descriptor& descriptor, std::uint64_t seed = 1);
// The same with other test inputs: x [n, 1, kSide, kSide] and ids 0 .. n-1, labels cycling.
void set_inputs(Scene& scene, const std::vector<float>& x);
// These rows of the scene's inputs, in this order.
Scene rows_of(const Scene& scene, const std::vector<std::int64_t>& rows);
Scene rows_of(const Scene& scene, std::int64_t first, std::int64_t count);  // [first, first + count)

// Calls the role once (detector: fit, then score; trainer: train or one objective; ensemble: combine or predict).
// An attack that refuses the L-inf norm is called with the first of L2, L1 and L0 that it serves.
plugin::Bundle run_role(plugin::Instance& method, const std::string& role, const Scene& scene);
// SHA-256 of what a call left: tensors' bytes, models' weights and structure.
std::string fingerprint(const plugin::Bundle& out);

// Largest access that the method's slots of this role ask for.
plugin::Access requested_access(const Descriptor& descriptor, const std::string& role);

}  // namespace assay::validate
