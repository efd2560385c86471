/* Draft: the searcher role (architecture search) and its space. Ids are final, tables may still grow. */
#pragma once
#include "assay/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_SPACE_SERVICE "assay.space/1"
typedef struct assay_space_service { /* a finite product of choices with a budgeted, logged oracle */
  uint32_t struct_size, pad;
  assay_status (*axis_count)(const assay_host *, const assay_object *, size_t *out); /* [any-thread] */
  assay_status (*axis_size)(const assay_host *, const assay_object *, size_t axis, int64_t *out); /* [any-thread] */
  /* Score of the point (one choice an axis; higher is better) by the suite's oracle; counted. BUDGET when spent.
     [worker] */
  assay_status (*evaluate)(const assay_host *, const assay_object *, const int64_t *point, double *out);
  assay_status (*build)(const assay_host *, const assay_object *, const int64_t *point,
                        assay_object **model); /* [worker] */
} assay_space_service;

#define ASSAY_SEARCHER "assay.searcher/1"
typedef struct assay_searcher {
  uint32_t struct_size, pad;
  assay_call search; /* in: space, train records, evaluations int.  out: ranked list<list<int>>, best first */
  assay_call rate;   /* may be NULL.  in: space, candidates list<list<int>>.  out: score f64 [n], higher is better */
} assay_searcher;

#ifdef __cplusplus
}
#endif
