// Answers a role that its descriptor does not declare.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{.id = "bad-roles-declared-are-answered",
                                    .version = "1.0.0",
                                    .summary = "answers an undeclared role",
                                    .title = kTitle,
                                    .year = 2017};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return msp(batch); }
};

assay_status compress(assay_instance*, const assay_object*, assay_object*) { return ASSAY_UNSUPPORTED; }
constexpr assay_compressor kCompressor{sizeof(assay_compressor), 0, compress};
const void* role(assay_instance* self, const char* id) noexcept {
  if (std::string_view(id) == ASSAY_COMPRESSOR) return &kCompressor;
  return assay::sdk::role(self, id);
}
constexpr assay_plugin table() {
  assay_plugin plugin = assay::sdk::plugin<Detector>();
  plugin.role = role;
  return plugin;
}
}  // namespace

extern "C" ASSAY_EXPORT constinit const assay_plugin assay_plugin_v0 = table();
