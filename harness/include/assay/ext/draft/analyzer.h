/* Draft: the tables and documents that analyzers will leave (the role itself is in plugin.h). Ids are final, tables may
 * still grow. */
#pragma once
#include "assay/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_TABLE_SERVICE "assay.table/1"
typedef struct assay_table_service { /* long form: one row a number */
  uint32_t struct_size, pad;
  assay_status (*create)(const assay_host *, assay_object **out); /* [worker] */
  assay_status (*add)(const assay_host *, assay_object *, const char *quantity, const assay_object *axes,
                      double value); /* [worker] axes: bundle of scalars, or NULL */
} assay_table_service;

#define ASSAY_DOCUMENT_SERVICE "assay.document/1"
typedef struct assay_document_service {
  uint32_t struct_size, pad;
  assay_status (*create)(const assay_host *, const char *media_type, const void *bytes, size_t n,
                         assay_object **out); /* [worker] */
} assay_document_service;

#ifdef __cplusplus
}
#endif
