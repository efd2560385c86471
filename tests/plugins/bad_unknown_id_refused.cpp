// Takes any id for its own.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{
      .id = "bad-unknown-id-refused", .version = "1.0.0", .summary = "takes any id", .title = kTitle, .year = 2017};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return msp(batch); }
};

assay_status create(const assay_host* host, const char*, const assay_arg* const* args, std::size_t n,
                    assay_instance** out) noexcept {
  return assay::sdk::create<Detector>(host, Detector::info.id, args, n, out);
}
constexpr assay_plugin table() {
  assay_plugin plugin = assay::sdk::plugin<Detector>();
  plugin.create = create;
  return plugin;
}
}  // namespace

extern "C" ASSAY_EXPORT constinit const assay_plugin assay_plugin_v0 = table();
