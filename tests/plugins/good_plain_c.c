/* A plugin in plain C, without the SDK: a random-score detector, every service call written out. */
#include "assay/plugin.h"

#include <stdlib.h>

struct assay_instance {
  const assay_host *host;
  const assay_bundle_service *bundle;
  const assay_run_service *run;
  const assay_tensor_service *tensor;
  const assay_object_service *object;
};

static const assay_citation citation = {sizeof(assay_citation), 2020, "A plugin in plain C", ""};
static const assay_param scale = {sizeof(assay_param), 0, "scale", "", "width of the scores",
                                  {ASSAY_REAL, 0, 0, 1.0, 0, 0}, 0.5, 2.0, 0, ASSAY_NONE, 0};
static const assay_param *const params[] = {&scale, 0};
static const assay_slot x_slot = {sizeof(assay_slot), 0, ASSAY_TENSOR, 0, "x", "score", "inputs", 0};
static const assay_slot score_slot = {sizeof(assay_slot), ASSAY_SLOT_OUTPUT, ASSAY_TENSOR, 0, "score", "score", "scores", 0};
static const assay_slot *const slots[] = {&x_slot, &score_slot, 0};
static const char *const roles[] = {ASSAY_DETECTOR, 0};
static const assay_descriptor descriptor = {sizeof(assay_descriptor), ASSAY_DETERMINISTIC | ASSAY_THREAD_SAFE | ASSAY_BASELINE,
                                            "good-plain-c", "1.0.0", "random scores, written in C", &citation, roles, params, slots};
static const assay_descriptor *const descriptors[] = {&descriptor, 0};

static int same(const char *a, const char *b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

static assay_status score(assay_instance *self, const assay_object *in, assay_object *out) {
  assay_value ids, result = {ASSAY_TENSOR, 0, 0, 0, 0, 0};
  assay_status status = self->bundle->get(self->host, in, "ids", &ids);
  if (status == ASSAY_NOT_FOUND) return self->host->fail(self->host, ASSAY_INVALID, "the host passed no ids");
  if (status != ASSAY_OK) return status;
  assay_view view = {sizeof(assay_view), 0, 0, 0, 0, 0, 0, 0, 0};
  status = self->tensor->describe(self->host, ids.o, &view);
  if (status != ASSAY_OK) return status;
  const assay_random_call call = {sizeof(assay_random_call), ASSAY_UNIFORM, "score", ids.o, 0, view.shape, 1, 0.0, 1.0};
  status = self->run->random_fill(self->host, &call, &result.o);
  if (status != ASSAY_OK) return status;
  status = self->bundle->set(self->host, out, "score", &result);
  self->object->release(self->host, result.o);
  return status;
}
static const assay_detector detector = {sizeof(assay_detector), 0, 0, score};

static assay_status create(const assay_host *host, const char *id, const assay_arg *const *args, size_t n_args,
                           assay_instance **out) {
  if (!same(id, descriptor.id)) return host->fail(host, ASSAY_NOT_FOUND, "no such method");
  if (n_args != 1 || !same(args[0]->key, "scale")) return host->fail(host, ASSAY_INVALID, "parameter 'scale' is missing");
  assay_instance made = {host, host->service(host, ASSAY_BUNDLE_SERVICE), host->service(host, ASSAY_RUN_SERVICE),
                         host->service(host, ASSAY_TENSOR_SERVICE), host->service(host, ASSAY_OBJECT_SERVICE)};
  if (!made.bundle || !made.run || !made.tensor || !made.object) {
    return host->fail(host, ASSAY_UNSUPPORTED, "the host lacks a service that this plugin needs");
  }
  assay_instance *instance = malloc(sizeof *instance);
  if (instance == 0) return host->fail(host, ASSAY_NO_MEMORY, "out of memory");
  *instance = made;
  *out = instance;
  return ASSAY_OK;
}
static void destroy(assay_instance *self) { free(self); }
static const void *role(assay_instance *self, const char *id) {
  (void)self;
  return same(id, ASSAY_DETECTOR) ? &detector : 0;
}

ASSAY_EXPORT const assay_plugin assay_plugin_v0 = {sizeof(assay_plugin), ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, 0,
                                                   descriptors, create, destroy, role};
