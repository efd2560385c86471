// A plugin without the SDK whose role call lets a C++ exception cross the C boundary.
#include <stdexcept>

#include "assay/plugin.h"

struct assay_instance {
  int unused;
};

namespace {

assay_status perturb(assay_instance*, const assay_object*, assay_object*) {
  throw std::runtime_error("thrown through C");
}

constexpr assay_attack kAttack{sizeof(assay_attack), 0, perturb};
constexpr assay_citation kCitation{sizeof(assay_citation), 0, "", ""};
const char* const kRoles[] = {ASSAY_ATTACK, nullptr};
const assay_param* const kParams[] = {nullptr};
const assay_slot* const kSlots[] = {nullptr};
constexpr assay_descriptor kDescriptor{sizeof(assay_descriptor),
                                       ASSAY_DETERMINISTIC | ASSAY_BASELINE,
                                       "hostile-throw",
                                       "1.0.0",
                                       "throws through C",
                                       &kCitation,
                                       kRoles,
                                       kParams,
                                       kSlots};
const assay_descriptor* const kDescriptors[] = {&kDescriptor, nullptr};

assay_status create(const assay_host*, const char*, const assay_arg* const*, size_t, assay_instance** out) {
  *out = new assay_instance{0};
  return ASSAY_OK;
}
void destroy(assay_instance* self) { delete self; }
const void* role(assay_instance*, const char* id) {
  return __builtin_strcmp(id, ASSAY_ATTACK) == 0 ? &kAttack : nullptr;
}

}  // namespace

extern "C" ASSAY_EXPORT const assay_plugin assay_plugin_v0;
const assay_plugin assay_plugin_v0{sizeof(assay_plugin), ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, 0,
                                   kDescriptors,         create,          destroy,         role};
