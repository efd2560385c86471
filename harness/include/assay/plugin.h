/* assay plugin ABI, major 0. C11; also valid C++17. A plugin includes this header (or sdk.hpp) and links nothing.
 *
 * Rules that hold everywhere:
 *  1. struct_size is the first field of every struct that may grow. Fields are only appended. A break makes a new id
 *     ("assay.attack/2"). Structs passed by value (assay_value) are frozen for ever.
 *  2. Strings are UTF-8, NUL-terminated and borrowed: valid until the call returns, or as long as their owner lives.
 *     Arrays that may grow are NULL-terminated arrays of pointers.
 *  3. A function that can fail returns assay_status; its out-parameters are written on ASSAY_OK only. The reason goes
 *     through host->fail, which copies the text. No C++ exception crosses.
 *  4. Objects are reference counted and owned by the host. An `assay_object **out` hands over one reference, to be
 *     released by the receiver; a `const assay_object *` is borrowed. Nothing is malloc'ed on one side and freed on
 *     the other.
 *  5. Thread tags are guarantees as well as demands. [any-thread]: may be called at any time from any thread.
 *     [worker]: on the thread of the current role call or of create(), one at a time. An instance is never called
 *     twice at once.
 *  6. A plugin opens no file, reads no clock and draws no random number of its own accord: it asks the host.
 *
 * Life: scan (static data) -> create -> role(id) -> role calls -> destroy -> the process ends. No init, no deinit; the
 * library is never unloaded; no mutable globals in a plugin. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_ABI_MAJOR 0u
#define ASSAY_ABI_MINOR 5u
#define ASSAY_EXPORT __attribute__((visibility("default")))
/* Does the struct that the other side gave reach as far as `field`? */
#define ASSAY_HAS(p, field) ((p)->struct_size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

typedef int32_t assay_status; /* fixed width: the size of a C enum is the compiler's choice */
enum {
  ASSAY_OK = 0,
  ASSAY_INVALID = 1, /* a wrong argument, shape, type or parameter */
  ASSAY_NOT_FOUND = 2, /* no such id, name, op, tap */
  ASSAY_UNSUPPORTED = 3, /* valid, but not here */
  ASSAY_NO_MEMORY = 4,
  ASSAY_CANCELLED = 5, /* run->cancelled() was true and the callee stopped */
  ASSAY_NUMERIC = 6, /* diverged, singular, not finite: a result, not a crash */
  ASSAY_INTERNAL = 7, /* a bug */
  ASSAY_BUDGET = 8, /* the protocol's budget is exhausted */
  ASSAY_DENIED = 9 /* the threat model or protocol does not grant this access */
};

/* ---- Values ------------------------------------------------------------------------------------------------- */

/* Type of a value and kind of an object: one numbering. */
typedef int32_t assay_type;
enum {
  ASSAY_NONE = 0,
  ASSAY_BOOL = 1, /* i: 0 or 1 */
  ASSAY_INT = 2, /* i */
  ASSAY_REAL = 3, /* r */
  ASSAY_TEXT = 4, /* s */
  ASSAY_CHOICE = 5, /* s, one of the declared choices */
  /* Objects: o */
  ASSAY_LIST = 6,
  ASSAY_TENSOR = 7,
  ASSAY_METHOD = 8, /* reference to another method with its parameters */
  ASSAY_RECORDS = 9,
  ASSAY_MODEL = 10, /* runs, immutable */
  ASSAY_STATE = 11, /* named tensors of a plugin's own */
  ASSAY_SPACE = 12,
  ASSAY_TABLE = 13,
  ASSAY_DOCUMENT = 14,
  ASSAY_GRAPH = 15, /* a model under construction */
  ASSAY_BUNDLE = 16 /* named values */
};

typedef struct assay_object assay_object; /* opaque, reference counted, owned by the host */

typedef struct assay_value { /* frozen */
  assay_type type;
  int32_t zero;
  int64_t i;
  double r;
  const char *s;
  assay_object *o;
} assay_value;

typedef struct assay_arg { /* a named value: parameter or op attribute */
  uint32_t struct_size, pad;
  const char *key;
  assay_value value;
} assay_arg;

/* ---- Descriptor: static data, readable before any plugin code runs -------------------------------------------- */

enum { ASSAY_PARAM_NO_IDENTITY = 1 }; /* cannot change results: left out of the cell's identity */

typedef struct assay_param {
  uint32_t struct_size, flags;
  const char *key, *unit, *doc; /* key: [a-z][a-z0-9_]*, never reused for another meaning; unit "" when none */
  assay_value fallback; /* its type is the parameter's type; within [min, max]. LIST: s holds the items as text,
                                   "[1, 2]". TENSOR, METHOD: s = "" (none). METHOD: o is always NULL here */
  double min, max; /* INT, REAL and numeric list items: inclusive, finite */
  const char *const *choices; /* CHOICE: NULL-terminated */
  assay_type item; /* LIST: type of the items, else ASSAY_NONE */
  int32_t zero;
} assay_param;

/* What a model handle allows. White-box: all; score-based: DECISION|SCORES; decision-based: DECISION; transfer: 0. */
enum {
  ASSAY_ACCESS_DECISION = 1, /* predicted label */
  ASSAY_ACCESS_SCORES = 2, /* logits */
  ASSAY_ACCESS_INPUT_GRADIENT = 4, /* gradients with respect to the input */
  ASSAY_ACCESS_WEIGHTS = 8, /* parameters, cloning to a graph, gradients with respect to parameters */
  ASSAY_ACCESS_TAPS = 16, /* named intermediate features */
  ASSAY_ACCESS_STOCHASTIC = 32 /* train-mode or stochastic forward */
};

enum { ASSAY_SLOT_OUTPUT = 1, ASSAY_SLOT_LIST = 2, ASSAY_SLOT_OPTIONAL = 4 };

typedef struct assay_slot { /* a named value of a call's input or output bundle that the method uses */
  uint32_t struct_size, flags;
  assay_type type;
  int32_t zero;
  const char *name, *call, *doc; /* call: "perturb", "fit", ... */
  uint64_t access; /* MODEL: capabilities asked for */
} assay_slot;

typedef struct assay_citation {
  uint32_t struct_size;
  int32_t year; /* 0: unpublished */
  const char *title, *arxiv; /* "" when none */
} assay_citation;

enum {
  ASSAY_DETERMINISTIC = 1 << 0, /* same seed, same bytes (checked) */
  ASSAY_NEEDS_GRADIENTS = 1 << 1,
  ASSAY_THREAD_SAFE = 1 << 2, /* instances share nothing */
  ASSAY_BATCH_COUPLED = 1 << 3, /* a sample's result depends on its batch: pinned, part of the identity */
  ASSAY_CLOCK_BOUNDED = 1 << 4, /* stops by time: exempt from bit equality */
  ASSAY_TRANSDUCTIVE = 1 << 5, /* saw unlabelled test inputs */
  ASSAY_BASELINE = 1 << 6, /* trivial: exempt from certificates, never ranked as best */
  ASSAY_ITERATIVE = 1 << 7, /* more steps must not make it weaker */
  ASSAY_USES_OUTLIERS = 1 << 8,
  ASSAY_POISON = 1 << 9 /* reducer: nets trained on its set are meant to be worse */
};

typedef struct assay_descriptor {
  uint32_t struct_size, flags;
  const char *id, *version, *summary; /* id: short kebab-case; version: "1.0.0"; summary: one line */
  const assay_citation *citation;
  const char *const *roles; /* {"assay.attack/1", NULL} */
  const assay_param *const *params;
  const assay_slot *const *slots;
} assay_descriptor;

/* ---- Host side: one small struct; everything else is a service found by id ------------------------------------- */

typedef struct assay_host {
  uint32_t struct_size, abi_minor;
  void *ctx;
  const char *version;
  /* The service's table, NULL when unknown. Valid until destroy() returns.                             [any-thread] */
  const void *(*service)(const struct assay_host *, const char *id);
  /* Copies msg and gives code back: `return host->fail(host, ASSAY_INVALID, "eps < 0");`               [any-thread] */
  assay_status (*fail)(const struct assay_host *, assay_status code, const char *msg);
} assay_host;

#include "assay/services.h"

/* ---- Plugin side: an instance, and role tables found by id ------------------------------------------------------ */

typedef struct assay_instance assay_instance; /* defined by the plugin */

/* Every role call takes a bundle and fills another. Names that each call finds and leaves are listed at its table; a
   slot adds more without changing a table. Every batch carries "ids" i64 [n], opaque and unique in its set. */
typedef assay_status (*assay_call)(assay_instance *, const assay_object *in, assay_object *out); /* [worker] */

#define ASSAY_ATTACK "assay.attack/1"
typedef struct assay_attack {
  uint32_t struct_size, pad;
  /* in:  x f32 [n, ...], y i64 [n] (true class, or the target when `targeted`), ids, victims list<model>, surrogates
          list<model>, norm text linf|l2|l1|l0, eps real, lo and hi f32 (valid range, broadcastable), targeted bool
     out: x f32 [n, ...], within eps of x and within the range: the judge rejects, nobody clips */
  assay_call perturb;
} assay_attack;

#define ASSAY_DETECTOR "assay.detector/1"
typedef struct assay_detector {
  uint32_t struct_size, pad;
  assay_call fit; /* may be NULL.  in: model, train records (in-distribution only), classes int.  out: nothing */
  assay_call
      score; /* in: model, x f32 [n, ...], ids.  out: score f32 or f64 [n], higher = more anomalous; keeps no state */
} assay_detector;

#define ASSAY_TRAINER "assay.trainer/1"
typedef struct assay_trainer { /* either may be NULL */
  uint32_t struct_size, pad;
  /* Owns the loop.  in: model (architecture with initial weights), train records, epochs int, batch int.  out: model */
  assay_call train;
  /* Inside the host's loop.  in: logits f32 [n, classes] (watched), x, y, ids, epoch int, epochs int, step int,
     model, declared taps as "tap:<name>".
     out: loss (one element, with history) or grad = dL/dlogits [n, classes] */
  assay_call objective;
} assay_trainer;

#define ASSAY_ENSEMBLE "assay.ensemble/1"
typedef struct assay_ensemble { /* either may be NULL */
  uint32_t struct_size, pad;
  /* in: members list<model>, train records (when the slot is declared and not optional), classes int.  out: model; a
     method that takes `train` may have trained the members further */
  assay_call combine;
  assay_call predict; /* opaque ensembles.  in: members, x, ids.  out: probabilities f32 [n, classes] */
} assay_ensemble;

#define ASSAY_COMPRESSOR "assay.compressor/1"
typedef struct assay_compressor {
  uint32_t struct_size, pad;
  /* in: model, train records (calibration), target text ratio|macs|bits|latency, value real (ratio 8: an eighth of the
         parameters is kept).  out: model (masks survive fine-tuning by the host) */
  assay_call compress;
} assay_compressor;

#define ASSAY_ARCHITECTURE "assay.architecture/1"
typedef struct assay_architecture {
  uint32_t struct_size, pad;
  /* in: input_shape list<int> of one input, classes int, size real (1: the method's own).  out: model with initial
     weights from random_fill, output "logits" [n, classes] */
  assay_call build;
} assay_architecture;

#define ASSAY_REDUCER "assay.reducer/1"
typedef struct assay_reducer {
  uint32_t struct_size, pad;
  /* in:  train records, classes int, size int (records to leave; at most so many), model (an untrained net; only where
          the method declares the slot)
     out: records: "input" f32, or u8 where train's is, [m, ...] with train's sample shape and range, "target" i64 [m];
          "ids" i64 [m] may be there. 1 <= m <= size. A record with an id of train came from that sample, any other is
          new, and so are all of a set without "ids". Order counts: shuffles are by position */
  assay_call reduce;
} assay_reducer;

#define ASSAY_ANALYZER "assay.analyzer/1"
/* Three verdicts: a search that ran out of anything is unknown, never a hold. */
enum { ASSAY_UNKNOWN = -1, ASSAY_VIOLATED = 0, ASSAY_HOLDS = 1 };
/* What a hold was shown of: some points of the grid (its corners, say), all of them, all points of the box. */
enum { ASSAY_SCOPE_PART = 0, ASSAY_SCOPE_GRID = 1, ASSAY_SCOPE_BOX = 2 };
typedef struct assay_analyzer {
  uint32_t struct_size, pad;
  /* in:  question text; "region": does every point of the region around x get the class that the model gives x?
          model, x f32 [n, ...], ids, lo and hi f32 [n, ...] (the box, within the valid range; both x where an element
          does not move), step real, below and above i64 [n, ...] (the grid: an element is x + k * step in double,
          clamped to [lo, hi], then f32, for whole k from -below to above)
     out: findings, a state of verdict i64 [n], scope i64 [n] (read where the verdict is a hold), witness f32 [n, ...]
          (read where it is a violation: a point of the box that the model gives another class than x), explored f64 [n]
          (points whose class was asked for; reported) */
  assay_call analyze;
} assay_analyzer;

#define ASSAY_STATEFUL "assay.stateful/1" /* beside a role: what fit or train learned can be stored */
typedef struct assay_stateful {
  uint32_t struct_size, pad;
  assay_status (*save)(assay_instance *, assay_object *state); /* [worker] */
  assay_status (*load)(assay_instance *, const assay_object *state); /* [worker] instead of fit */
} assay_stateful;

typedef struct assay_plugin { /* the one exported symbol */
  uint32_t struct_size, abi_major, abi_minor, pad;
  const assay_descriptor *const *descriptors; /* NULL-terminated */
  /* args: every declared parameter once, defaulted and range-checked by the host. `host` outlives the instance.
     NOT_FOUND for an id that is no descriptor's.                                                            [worker] */
  assay_status (*create)(const assay_host *, const char *id, const assay_arg *const *args, size_t n_args,
                         assay_instance **out);
  void (*destroy)(assay_instance *); /* [worker] NULL is allowed */
  /* The role's table or NULL. Exactly the ids in descriptor.roles answer (assay.stateful/1 may too).  [any-thread] */
  const void *(*role)(assay_instance *, const char *id);
} assay_plugin;

extern ASSAY_EXPORT const assay_plugin assay_plugin_v0;

#ifdef __cplusplus
}
#endif
