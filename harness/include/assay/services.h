/* assay plugin ABI, major 0: services of the host, found by id through assay_host.service(). Included by plugin.h,
 * whose rules hold here. A service may be missing (NULL), and a newer host's table may reach further: test ASSAY_HAS.
 * The host counts every pass and every op's multiply-adds, checks access, and enforces budgets in these functions. */
#pragma once
#include "assay/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_OBJECT_SERVICE "assay.object/1"
typedef struct assay_object_service {
  uint32_t struct_size, pad;
  assay_type (*kind)(const assay_host *, const assay_object *); /* [any-thread] */
  void (*retain)(const assay_host *, const assay_object *); /* [any-thread] */
  void (*release)(const assay_host *, const assay_object *); /* [any-thread] NULL is allowed; never fails */
} assay_object_service;

/* Field meanings are those of DLPack's DLTensor. */
enum { ASSAY_DL_INT = 0, ASSAY_DL_UINT = 1, ASSAY_DL_FLOAT = 2, ASSAY_DL_BFLOAT = 4, ASSAY_DL_BOOL = 6 };
typedef struct assay_view {
  uint32_t struct_size;
  int32_t ndim;
  void *data;
  const int64_t *shape, *strides; /* strides in elements; NULL: row-major */
  uint8_t dtype_code, dtype_bits;
  uint16_t dtype_lanes; /* 1 */
  uint32_t flags; /* 0 */
} assay_view;

#define ASSAY_TENSOR_SERVICE "assay.tensor/1"
typedef struct assay_tensor_service { /* tensors are immutable values */
  uint32_t struct_size, pad;
  assay_status (*op_id)(const assay_host *, const char *op, int32_t *out); /*                           [any-thread] */
  /* One op for all: ops never enter this table. attrs are BOOL, INT, REAL, TEXT or LISTs of INT or REAL; n_out is the
     number of results taken. Recorded for gradients when an input is watched or derives from one.          [worker] */
  assay_status (*apply)(const assay_host *, int32_t op, const assay_object *const *in, size_t n_in,
                        const assay_arg *const *attrs, size_t n_attrs, assay_object **out, size_t n_out);
  /* Copies. data NULL: zeros.                                                                              [worker] */
  assay_status (*create)(const assay_host *, const assay_view *content, assay_object **out);
  /* Dense row-major bytes, read-only, valid until the tensor's last reference goes.                        [worker] */
  assay_status (*view)(const assay_host *, const assay_object *, assay_view *out);
  /* As view, but data is NULL and nothing is converted.                                                [any-thread] */
  assay_status (*describe)(const assay_host *, const assay_object *, assay_view *out);
} assay_tensor_service;

#define ASSAY_GRAD_SERVICE "assay.grad/1"
typedef struct assay_grad_call {
  uint32_t struct_size, create_graph; /* create_graph: results can be differentiated again */
  const assay_object *const *outputs;
  size_t n_outputs;
  const assay_object *const *inputs;
  size_t n_inputs;
  const assay_object *const *cotangents; /* n_outputs, entries or the whole may be NULL: ones (one-element outputs) */
} assay_grad_call;
/* What a gradient of the plugin's own is given. Inputs and outputs are those of record(); they carry history when
   create_graph is not 0, so that a backward made of ops can be differentiated again. */
typedef struct assay_vjp_call {
  uint32_t struct_size, create_graph;
  const assay_object *const *inputs;
  size_t n_inputs;
  const assay_object *const *outputs, *const *cotangents; /* n_outputs of each; cotangents are shaped like outputs */
  size_t n_outputs;
} assay_vjp_call;
typedef struct assay_vjp {
  uint32_t struct_size, pad;
  void *state;
  /* grads[j] = d sum_i <outputs_i, cotangents_i> / d inputs_j with the shape and dtype of that input, one reference
     each; NULL: zero. Called by whoever takes a gradient through the outputs, so also after the role call.  [worker] */
  assay_status (*backward)(void *state, const assay_vjp_call *, assay_object **grads);
  /* Once: when the last tensor that remembers the function goes, before destroy() at the latest. May be NULL.
                                                                                                         [any-thread] */
  void (*release)(void *state);
} assay_vjp;
typedef struct assay_record_call { /* a function that the plugin has evaluated itself */
  uint32_t struct_size, pad;
  const assay_object *const *inputs;
  size_t n_inputs;
  const assay_object *const *values; /* its results; what history they have is cut */
  size_t n_values;
  const assay_vjp *vjp; /* copied; the host owns its state from ASSAY_OK on */
} assay_record_call;
typedef struct assay_grad_service {
  uint32_t struct_size, pad;
  assay_status (*watch)(const assay_host *, const assay_object *, assay_object **out); /* [worker] a leaf */
  assay_status (*detach)(const assay_host *, const assay_object *,
                         assay_object **out); /* [worker] value without history */
  /* out[j] = d sum_i <outputs_i, cotangents_i> / d inputs_j, n_inputs of them; zero without a path.         [worker] */
  assay_status (*grad)(const assay_host *, const assay_grad_call *, assay_object **out);
  /* out: the values, n_values of them, with the given gradient as their only history when an input is watched or
     derives from one. ABI minor 2.                                                                          [worker] */
  assay_status (*record)(const assay_host *, const assay_record_call *, assay_object **out);
} assay_grad_service;

#define ASSAY_LIST_SERVICE "assay.list/1"
typedef struct assay_list_service {
  uint32_t struct_size, pad;
  assay_status (*create)(const assay_host *, const assay_value *items, size_t n, assay_object **out); /*    [worker] */
  assay_status (*count)(const assay_host *, const assay_object *, size_t *out); /* [any-thread] */
  assay_status (*at)(const assay_host *, const assay_object *, size_t index,
                     assay_value *out); /* [any-thread] borrowed */
} assay_list_service;

#define ASSAY_BUNDLE_SERVICE "assay.bundle/1"
typedef struct assay_bundle_service { /* named values, kept in name order */
  uint32_t struct_size, pad;
  assay_status (*create)(const assay_host *, assay_object **out); /*    [worker] */
  /* NOT_FOUND without a message when absent: optional inputs are asked for this way. Borrowed.      [any-thread] */
  assay_status (*get)(const assay_host *, const assay_object *, const char *name, assay_value *out);
  assay_status (*set)(const assay_host *, assay_object *, const char *name, const assay_value *); /*    [worker] */
  assay_status (*count)(const assay_host *, const assay_object *, size_t *out); /* [any-thread] */
  assay_status (*name_at)(const assay_host *, const assay_object *, size_t index, const char **out); /* [any-thread] */
} assay_bundle_service;

#define ASSAY_STATE_SERVICE "assay.state/1"
typedef struct assay_state_service { /* named tensors that the host stores for the plugin */
  uint32_t struct_size, pad;
  assay_status (*create)(const assay_host *, assay_object **out); /* [worker] */
  assay_status (*set)(const assay_host *, assay_object *, const char *name, const assay_object *tensor); /* [worker] */
  assay_status (*get)(const assay_host *, const assay_object *, const char *name, assay_object **out); /* [worker] */
  assay_status (*count)(const assay_host *, const assay_object *, size_t *out); /* [any-thread] */
  assay_status (*name_at)(const assay_host *, const assay_object *, size_t index, const char **out); /* [any-thread] */
} assay_state_service;

#define ASSAY_RECORDS_SERVICE "assay.records/1"
typedef struct assay_batch_call {
  uint32_t struct_size, pad;
  const char *const *fields; /* NULL-terminated; NULL: every visible field */
  const int64_t *indices; /* count positions; NULL: start, start + 1, ... */
  int64_t start, count;
} assay_batch_call;
typedef struct assay_records_service {
  uint32_t struct_size, pad;
  assay_status (*count)(const assay_host *, const assay_object *, int64_t *out); /* [any-thread] */
  assay_status (*class_count)(const assay_host *, const assay_object *,
                              int64_t *out); /*     [any-thread] 0: no classes */
  assay_status (*field_count)(const assay_host *, const assay_object *, size_t *out); /* [any-thread] */
  assay_status (*field_at)(const assay_host *, const assay_object *, size_t index,
                           const char **name); /* [any-thread] */
  /* A bundle: "ids" i64 [count] and each field [count, ...]. Truth fields are never visible.               [worker] */
  assay_status (*batch)(const assay_host *, const assay_object *, const assay_batch_call *, assay_object **out);
  /* From a bundle of tensors of equal first dimension; "ids" optional.                                     [worker] */
  assay_status (*create)(const assay_host *, const assay_object *bundle, assay_object **out);
} assay_records_service;

#define ASSAY_MODEL_SERVICE "assay.model/1"
enum {
  ASSAY_FORWARD_TRAIN = 1, /* batch statistics and dropout; needs STOCHASTIC */
  ASSAY_FORWARD_STOCHASTIC = 2, /* dropout only (MC dropout); needs STOCHASTIC */
  ASSAY_FORWARD_NO_LOGITS = 4 /* out[0] is left NULL: only the taps are wanted */
};
typedef struct assay_forward_call {
  uint32_t struct_size, flags;
  const assay_object *x; /* [n, ...] */
  const char *const *taps; /* NULL-terminated; NULL: none */
  const assay_object *ids; /* i64 [n], key the stochastic ops and say whose passes these are; NULL: rows 0 .. n-1 */
  uint64_t draw; /* which stochastic draw */
  /* Bundle of tensors that replace parameters, and running statistics, by name (needs WEIGHTS); NULL: none. Results
     have history for those that are watched, and for no others: of any order, so that an objective may hold gradients. */
  const assay_object *params;
  /* NULL: not wanted. Else, with ASSAY_FORWARD_TRAIN, a bundle by name of the running statistics of the norm layers that
     the pass went through, after this batch, from those in `params` or else the model's. ABI minor 4. */
  assay_object **statistics;
} assay_forward_call;
typedef struct assay_loss_call {
  uint32_t struct_size, flags; /* 0 */
  /* Of y: "cross-entropy" | "cw-margin" (best wrong logit - logit of y) | "dlr"; of y and targets (ABI minor 3):
     "logit-difference" (logit of the target - logit of y) | "dlr-targeted". */
  const char *loss;
  const assay_object *x, *y; /* [n, ...], i64 [n] */
  const assay_object *targets; /* i64 [n], of losses that need them, else NULL. This and what follows: ABI minor 3 */
  const assay_object *ids; /* i64 [n], key the stochastic ops of a random model; NULL: rows 0 .. n-1 */
  uint64_t draw; /* which stochastic draw */
} assay_loss_call;
typedef struct assay_pull_call { /* gradients of several combinations of the logits at one point */
  uint32_t struct_size, pad;
  const assay_object *x; /* [n, ...] */
  const assay_object *const *cotangents; /* f32 [n, classes] each */
  size_t n_cotangents;
  const assay_object *ids; /* as in assay_loss_call */
  uint64_t draw;
} assay_pull_call;
typedef struct assay_model_service { /* every call is counted, and refused where access is not granted */
  uint32_t struct_size, pad;
  assay_status (*classes)(const assay_host *, const assay_object *, int64_t *out); /* [any-thread] */
  assay_status (*input)(const assay_host *, const assay_object *,
                        assay_view *out); /* [any-thread] of one input, no data */
  /* Valid values: f32 tensors broadcastable to one input, e.g. [C, 1, 1].                                  [worker] */
  assay_status (*range)(const assay_host *, const assay_object *, assay_object **lo, assay_object **hi);
  assay_status (*access)(const assay_host *, const assay_object *, uint64_t *mask); /* [any-thread] */
  assay_status (*tap_count)(const assay_host *, const assay_object *, size_t *out); /* [any-thread] */
  assay_status (*tap_at)(const assay_host *, const assay_object *, size_t index, const char **name); /* [any-thread] */
  /* out[0]: logits [n, classes]; out[1 ...]: the taps asked for. Recorded when x or a parameter is watched. [worker] */
  assay_status (*forward)(const assay_host *, const assay_object *, const assay_forward_call *, assay_object **out);
  /* d sum_i loss_i / d x, one compiled pass; per-sample losses [n] and logits when not NULL.               [worker] */
  assay_status (*loss_grad)(const assay_host *, const assay_object *, const assay_loss_call *, assay_object **grad,
                            assay_object **loss, assay_object **logits);
  assay_status (*predict)(const assay_host *, const assay_object *, const assay_object *x, assay_object **labels);
  assay_status (*param_count)(const assay_host *, const assay_object *, size_t *out); /* [any-thread] */
  assay_status (*param_at)(const assay_host *, const assay_object *, size_t index,
                           const char **name); /* [any-thread] */
  assay_status (*param)(const assay_host *, const assay_object *, const char *name, assay_object **out); /* [worker] */
  /* grads[k] = d <logits, cotangents[k]> / d x, n_cotangents of them, and the logits when not NULL: one compiled pass
     forward, counted once, and one back for each. ABI minor 3.                                             [worker] */
  assay_status (*pull)(const assay_host *, const assay_object *, const assay_pull_call *, assay_object **grads,
                       assay_object **logits);
} assay_model_service;

#define ASSAY_GRAPH_SERVICE "assay.graph/1"
enum { ASSAY_GRAPH_BUFFER = 1 }; /* not trained: running statistics, constants */
typedef struct assay_node { /* one node; values have names: inputs, parameters, node outputs. Definition before use. */
  uint32_t struct_size, pad;
  const char *op, *name;
  const char *const *inputs;  /* NULL-terminated */
  const char *const *outputs; /* NULL-terminated; NULL when adding: one output, named like the node */
  const assay_object *attrs;  /* bundle of op attributes; NULL when adding: none */
} assay_node;
typedef struct assay_channels { /* output channels that stand and fall together: a residual sum ties its producers */
  uint32_t struct_size;
  int32_t removable;
  const char *const *producers; /* NULL-terminated node names of convolutions and dense layers */
  const char *const *consumers;
  const char *reason; /* why they cannot be removed, "" when they can */
  int64_t channels;
} assay_channels;
enum { ASSAY_INLINE_STOCHASTIC = 1 }; /* dropout stays active in the copy, keyed by sample id and `draw` */
typedef struct assay_inline { /* copy a model's nodes into a graph */
  uint32_t struct_size, flags;
  const assay_object *model;
  const char *prefix; /* of every new name, e.g. "member0/" */
  const char *share;  /* prefix of an earlier copy of the same model whose parameters are used; NULL: own parameters */
  const char *in;     /* value that feeds the model's input */
  uint64_t draw;
} assay_inline;
typedef struct assay_graph_service { /* [worker], all of it. Names and nodes are borrowed until it changes. */
  uint32_t struct_size, pad;
  assay_status (*create)(const assay_host *, assay_object **graph);
  assay_status (*clone)(const assay_host *, const assay_object *model, assay_object **graph); /* needs WEIGHTS */
  /* Reading. */
  assay_status (*node_count)(const assay_host *, const assay_object *, size_t *out);
  assay_status (*node_at)(const assay_host *, const assay_object *, size_t index, assay_node *out);
  assay_status (*shape)(const assay_host *, const assay_object *, const char *value, assay_view *out); /* batch: -1 */
  assay_status (*param_count)(const assay_host *, const assay_object *, size_t *out);
  assay_status (*param_at)(const assay_host *, const assay_object *, size_t index, const char **name, uint32_t *flags);
  assay_status (*param)(const assay_host *, const assay_object *, const char *name, assay_object **out);
  assay_status (*output)(const assay_host *, const assay_object *, const char *name, const char **value);
  assay_status (*channels_count)(const assay_host *, const assay_object *, size_t *out);
  assay_status (*channels_at)(const assay_host *, const assay_object *, size_t index, assay_channels *out);
  /* Editing. */
  assay_status (*set_param)(const assay_host *, assay_object *, const char *name, const assay_object *tensor);
  /* 0/1 tensor of the parameter's shape: zeroes the weights now, and the host's optimizer keeps them zero. */
  assay_status (*set_mask)(const assay_host *, assay_object *, const char *name, const assay_object *mask);
  /* Keeps the channels listed (ascending) of the group whose producers are exactly these, and removes the others with
     everything that follows from it: weights, biases, norms, the consumers' inputs. INVALID when it cannot be. */
  assay_status (*keep_channels)(const assay_host *, assay_object *, const char *const *producers, const int64_t *keep,
                                size_t n);
  /* Building. */
  assay_status (*add_input)(const assay_host *, assay_object *, const char *name, const assay_view *one);
  assay_status (*add_param)(const assay_host *, assay_object *, const char *name, const assay_object *tensor,
                            uint32_t flags);
  assay_status (*add_node)(const assay_host *, assay_object *, const assay_node *);
  assay_status (*set_tap)(const assay_host *, assay_object *, const char *name, const char *value);
  assay_status (*set_output)(const assay_host *, assay_object *, const char *name, const char *value); /* "logits" */
  assay_status (*inline_model)(const assay_host *, assay_object *, const assay_inline *, const char **logits);
  /* Checks the whole graph and makes a model of it; the graph stays usable. */
  assay_status (*finish)(const assay_host *, const assay_object *graph, assay_object **model);
} assay_graph_service;

#define ASSAY_RUN_SERVICE "assay.run/1"
enum { ASSAY_UNIFORM = 1, ASSAY_NORMAL = 2 };
typedef struct assay_random_call { /* row r of the result is a pure function of (cell seed, purpose, ids[r], index) */
  uint32_t struct_size;
  int32_t kind; /* ASSAY_UNIFORM: [a, b); ASSAY_NORMAL: mean a, standard deviation b */
  const char *purpose;
  const assay_object *ids; /* i64 [n]; NULL: one row, the shape is filled from stream 0 */
  uint64_t index; /* which draw, e.g. the step */
  const int64_t *shape; /* shape[0] = n when ids are given */
  size_t ndim;
  double a, b;
} assay_random_call;
typedef struct assay_run_service {
  uint32_t struct_size, pad;
  int32_t (*cancelled)(const assay_host *); /* [any-thread] ask at least every second */
  void (*progress)(const assay_host *, double fraction, const char *what); /* [any-thread] */
  void (*log)(const assay_host *, int32_t level, const char *msg); /* [any-thread] 0 debug 1 info 2 warning 3 error */
  uint64_t (*random)(const assay_host *, const char *purpose, uint64_t sample, uint64_t index); /* [any-thread] */
  assay_status (*random_fill)(const assay_host *, const assay_random_call *, assay_object **out); /* [worker] */
  void (*phase)(const assay_host *, const char *name); /* [worker] the host clocks what follows */
  void (*trace)(const assay_host *, const char *name, int64_t step, double value); /* [worker] */
  assay_status (*checkpoint)(const assay_host *, const assay_object *model); /* [worker] the host evaluates it */
  /* What is left of a budget ("forward_per_sample", "backward_per_sample", "macs", "seconds", "memory_mb"); infinity when
     there is no such limit. Per-sample budgets: whole passes of the sample that has spent most.        [any-thread] */
  double (*remaining)(const assay_host *, const char *budget);
} assay_run_service;

#ifdef __cplusplus
}
#endif
