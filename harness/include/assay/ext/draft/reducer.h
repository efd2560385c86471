/* Draft: the reducer role (coresets, condensation, poisons). The id is final, the bundle names may grow. */
#pragma once
#include "assay/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_REDUCER "assay.reducer/1"
typedef struct assay_reducer {
  uint32_t struct_size, pad;
  /* in: train records, model (architecture the method may train; optional), size int (records to leave), classes int
     out: records (a choice of ids or new records, with "target" or "soft_target") */
  assay_call reduce;
} assay_reducer;

#ifdef __cplusplus
}
#endif
