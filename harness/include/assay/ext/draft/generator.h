/* Draft: the generator role. The id is final, the bundle names may grow. */
#pragma once
#include "assay/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_GENERATOR "assay.generator/1"
typedef struct assay_generator {
  uint32_t struct_size, pad;
  assay_call fit; /* in: train records, classes int.  out: nothing */
  /* in: count int, ids i64 [count] (key the randomness of each draw), condition i64 [count] (optional).
     out: records, labelled where the method labels */
  assay_call generate;
  assay_call log_likelihood; /* may be NULL.  in: x f32 [n, ...], ids.  out: value f64 [n], natural logarithm */
} assay_generator;

#ifdef __cplusplus
}
#endif
