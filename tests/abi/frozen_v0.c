/* The layout of every struct of the ABI, asserted: an accidental change fails the build. While the major is 0 a change is
 * allowed with a line in CHANGELOG.md; appended fields are appended here too. Sizes are those of LP64. */
#include "assay/plugin.h"

#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " moved")
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " changed its size")

SIZE(assay_value, 40);
AT(assay_value, type, 0);
AT(assay_value, zero, 4);
AT(assay_value, i, 8);
AT(assay_value, r, 16);
AT(assay_value, s, 24);
AT(assay_value, o, 32);

SIZE(assay_arg, 56);
AT(assay_arg, struct_size, 0);
AT(assay_arg, pad, 4);
AT(assay_arg, key, 8);
AT(assay_arg, value, 16);

SIZE(assay_param, 104);
AT(assay_param, struct_size, 0);
AT(assay_param, flags, 4);
AT(assay_param, key, 8);
AT(assay_param, unit, 16);
AT(assay_param, doc, 24);
AT(assay_param, fallback, 32);
AT(assay_param, min, 72);
AT(assay_param, max, 80);
AT(assay_param, choices, 88);
AT(assay_param, item, 96);
AT(assay_param, zero, 100);

SIZE(assay_slot, 48);
AT(assay_slot, struct_size, 0);
AT(assay_slot, flags, 4);
AT(assay_slot, type, 8);
AT(assay_slot, zero, 12);
AT(assay_slot, name, 16);
AT(assay_slot, call, 24);
AT(assay_slot, doc, 32);
AT(assay_slot, access, 40);

SIZE(assay_citation, 24);
AT(assay_citation, struct_size, 0);
AT(assay_citation, year, 4);
AT(assay_citation, title, 8);
AT(assay_citation, arxiv, 16);

SIZE(assay_descriptor, 64);
AT(assay_descriptor, struct_size, 0);
AT(assay_descriptor, flags, 4);
AT(assay_descriptor, id, 8);
AT(assay_descriptor, version, 16);
AT(assay_descriptor, summary, 24);
AT(assay_descriptor, citation, 32);
AT(assay_descriptor, roles, 40);
AT(assay_descriptor, params, 48);
AT(assay_descriptor, slots, 56);

SIZE(assay_host, 40);
AT(assay_host, struct_size, 0);
AT(assay_host, abi_minor, 4);
AT(assay_host, ctx, 8);
AT(assay_host, version, 16);
AT(assay_host, service, 24);
AT(assay_host, fail, 32);

SIZE(assay_attack, 16);
AT(assay_attack, struct_size, 0);
AT(assay_attack, pad, 4);
AT(assay_attack, perturb, 8);

SIZE(assay_detector, 24);
AT(assay_detector, struct_size, 0);
AT(assay_detector, pad, 4);
AT(assay_detector, fit, 8);
AT(assay_detector, score, 16);

SIZE(assay_trainer, 24);
AT(assay_trainer, struct_size, 0);
AT(assay_trainer, pad, 4);
AT(assay_trainer, train, 8);
AT(assay_trainer, objective, 16);

SIZE(assay_ensemble, 24);
AT(assay_ensemble, struct_size, 0);
AT(assay_ensemble, pad, 4);
AT(assay_ensemble, combine, 8);
AT(assay_ensemble, predict, 16);

SIZE(assay_compressor, 16);
AT(assay_compressor, struct_size, 0);
AT(assay_compressor, pad, 4);
AT(assay_compressor, compress, 8);

SIZE(assay_architecture, 16);
AT(assay_architecture, struct_size, 0);
AT(assay_architecture, pad, 4);
AT(assay_architecture, build, 8);

SIZE(assay_reducer, 16);
AT(assay_reducer, struct_size, 0);
AT(assay_reducer, pad, 4);
AT(assay_reducer, reduce, 8);

SIZE(assay_analyzer, 16);
AT(assay_analyzer, struct_size, 0);
AT(assay_analyzer, pad, 4);
AT(assay_analyzer, analyze, 8);

SIZE(assay_stateful, 24);
AT(assay_stateful, struct_size, 0);
AT(assay_stateful, pad, 4);
AT(assay_stateful, save, 8);
AT(assay_stateful, load, 16);

SIZE(assay_plugin, 48);
AT(assay_plugin, struct_size, 0);
AT(assay_plugin, abi_major, 4);
AT(assay_plugin, abi_minor, 8);
AT(assay_plugin, pad, 12);
AT(assay_plugin, descriptors, 16);
AT(assay_plugin, create, 24);
AT(assay_plugin, destroy, 32);
AT(assay_plugin, role, 40);

SIZE(assay_object_service, 32);
AT(assay_object_service, struct_size, 0);
AT(assay_object_service, pad, 4);
AT(assay_object_service, kind, 8);
AT(assay_object_service, retain, 16);
AT(assay_object_service, release, 24);

SIZE(assay_view, 40);
AT(assay_view, struct_size, 0);
AT(assay_view, ndim, 4);
AT(assay_view, data, 8);
AT(assay_view, shape, 16);
AT(assay_view, strides, 24);
AT(assay_view, dtype_code, 32);
AT(assay_view, dtype_bits, 33);
AT(assay_view, dtype_lanes, 34);
AT(assay_view, flags, 36);

SIZE(assay_tensor_service, 48);
AT(assay_tensor_service, struct_size, 0);
AT(assay_tensor_service, pad, 4);
AT(assay_tensor_service, op_id, 8);
AT(assay_tensor_service, apply, 16);
AT(assay_tensor_service, create, 24);
AT(assay_tensor_service, view, 32);
AT(assay_tensor_service, describe, 40);

SIZE(assay_grad_call, 48);
AT(assay_grad_call, struct_size, 0);
AT(assay_grad_call, create_graph, 4);
AT(assay_grad_call, outputs, 8);
AT(assay_grad_call, n_outputs, 16);
AT(assay_grad_call, inputs, 24);
AT(assay_grad_call, n_inputs, 32);
AT(assay_grad_call, cotangents, 40);

SIZE(assay_vjp_call, 48);
AT(assay_vjp_call, struct_size, 0);
AT(assay_vjp_call, create_graph, 4);
AT(assay_vjp_call, inputs, 8);
AT(assay_vjp_call, n_inputs, 16);
AT(assay_vjp_call, outputs, 24);
AT(assay_vjp_call, cotangents, 32);
AT(assay_vjp_call, n_outputs, 40);

SIZE(assay_vjp, 32);
AT(assay_vjp, struct_size, 0);
AT(assay_vjp, pad, 4);
AT(assay_vjp, state, 8);
AT(assay_vjp, backward, 16);
AT(assay_vjp, release, 24);

SIZE(assay_record_call, 48);
AT(assay_record_call, struct_size, 0);
AT(assay_record_call, pad, 4);
AT(assay_record_call, inputs, 8);
AT(assay_record_call, n_inputs, 16);
AT(assay_record_call, values, 24);
AT(assay_record_call, n_values, 32);
AT(assay_record_call, vjp, 40);

SIZE(assay_grad_service, 40);
AT(assay_grad_service, struct_size, 0);
AT(assay_grad_service, pad, 4);
AT(assay_grad_service, watch, 8);
AT(assay_grad_service, detach, 16);
AT(assay_grad_service, grad, 24);
AT(assay_grad_service, record, 32);

SIZE(assay_list_service, 32);
AT(assay_list_service, struct_size, 0);
AT(assay_list_service, pad, 4);
AT(assay_list_service, create, 8);
AT(assay_list_service, count, 16);
AT(assay_list_service, at, 24);

SIZE(assay_bundle_service, 48);
AT(assay_bundle_service, struct_size, 0);
AT(assay_bundle_service, pad, 4);
AT(assay_bundle_service, create, 8);
AT(assay_bundle_service, get, 16);
AT(assay_bundle_service, set, 24);
AT(assay_bundle_service, count, 32);
AT(assay_bundle_service, name_at, 40);

SIZE(assay_state_service, 48);
AT(assay_state_service, struct_size, 0);
AT(assay_state_service, pad, 4);
AT(assay_state_service, create, 8);
AT(assay_state_service, set, 16);
AT(assay_state_service, get, 24);
AT(assay_state_service, count, 32);
AT(assay_state_service, name_at, 40);

SIZE(assay_batch_call, 40);
AT(assay_batch_call, struct_size, 0);
AT(assay_batch_call, pad, 4);
AT(assay_batch_call, fields, 8);
AT(assay_batch_call, indices, 16);
AT(assay_batch_call, start, 24);
AT(assay_batch_call, count, 32);

SIZE(assay_records_service, 56);
AT(assay_records_service, struct_size, 0);
AT(assay_records_service, pad, 4);
AT(assay_records_service, count, 8);
AT(assay_records_service, class_count, 16);
AT(assay_records_service, field_count, 24);
AT(assay_records_service, field_at, 32);
AT(assay_records_service, batch, 40);
AT(assay_records_service, create, 48);

SIZE(assay_forward_call, 56);
AT(assay_forward_call, struct_size, 0);
AT(assay_forward_call, flags, 4);
AT(assay_forward_call, x, 8);
AT(assay_forward_call, taps, 16);
AT(assay_forward_call, ids, 24);
AT(assay_forward_call, draw, 32);
AT(assay_forward_call, params, 40);
AT(assay_forward_call, statistics, 48);

SIZE(assay_loss_call, 56);
AT(assay_loss_call, struct_size, 0);
AT(assay_loss_call, flags, 4);
AT(assay_loss_call, loss, 8);
AT(assay_loss_call, x, 16);
AT(assay_loss_call, y, 24);
AT(assay_loss_call, targets, 32);
AT(assay_loss_call, ids, 40);
AT(assay_loss_call, draw, 48);

SIZE(assay_pull_call, 48);
AT(assay_pull_call, struct_size, 0);
AT(assay_pull_call, pad, 4);
AT(assay_pull_call, x, 8);
AT(assay_pull_call, cotangents, 16);
AT(assay_pull_call, n_cotangents, 24);
AT(assay_pull_call, ids, 32);
AT(assay_pull_call, draw, 40);

SIZE(assay_model_service, 112);
AT(assay_model_service, struct_size, 0);
AT(assay_model_service, pad, 4);
AT(assay_model_service, classes, 8);
AT(assay_model_service, input, 16);
AT(assay_model_service, range, 24);
AT(assay_model_service, access, 32);
AT(assay_model_service, tap_count, 40);
AT(assay_model_service, tap_at, 48);
AT(assay_model_service, forward, 56);
AT(assay_model_service, loss_grad, 64);
AT(assay_model_service, predict, 72);
AT(assay_model_service, param_count, 80);
AT(assay_model_service, param_at, 88);
AT(assay_model_service, param, 96);
AT(assay_model_service, pull, 104);

SIZE(assay_node, 48);
AT(assay_node, struct_size, 0);
AT(assay_node, pad, 4);
AT(assay_node, op, 8);
AT(assay_node, name, 16);
AT(assay_node, inputs, 24);
AT(assay_node, outputs, 32);
AT(assay_node, attrs, 40);

SIZE(assay_channels, 40);
AT(assay_channels, struct_size, 0);
AT(assay_channels, removable, 4);
AT(assay_channels, producers, 8);
AT(assay_channels, consumers, 16);
AT(assay_channels, reason, 24);
AT(assay_channels, channels, 32);

SIZE(assay_inline, 48);
AT(assay_inline, struct_size, 0);
AT(assay_inline, flags, 4);
AT(assay_inline, model, 8);
AT(assay_inline, prefix, 16);
AT(assay_inline, share, 24);
AT(assay_inline, in, 32);
AT(assay_inline, draw, 40);

SIZE(assay_graph_service, 176);
AT(assay_graph_service, struct_size, 0);
AT(assay_graph_service, pad, 4);
AT(assay_graph_service, create, 8);
AT(assay_graph_service, clone, 16);
AT(assay_graph_service, node_count, 24);
AT(assay_graph_service, node_at, 32);
AT(assay_graph_service, shape, 40);
AT(assay_graph_service, param_count, 48);
AT(assay_graph_service, param_at, 56);
AT(assay_graph_service, param, 64);
AT(assay_graph_service, output, 72);
AT(assay_graph_service, channels_count, 80);
AT(assay_graph_service, channels_at, 88);
AT(assay_graph_service, set_param, 96);
AT(assay_graph_service, set_mask, 104);
AT(assay_graph_service, keep_channels, 112);
AT(assay_graph_service, add_input, 120);
AT(assay_graph_service, add_param, 128);
AT(assay_graph_service, add_node, 136);
AT(assay_graph_service, set_tap, 144);
AT(assay_graph_service, set_output, 152);
AT(assay_graph_service, inline_model, 160);
AT(assay_graph_service, finish, 168);

SIZE(assay_random_call, 64);
AT(assay_random_call, struct_size, 0);
AT(assay_random_call, kind, 4);
AT(assay_random_call, purpose, 8);
AT(assay_random_call, ids, 16);
AT(assay_random_call, index, 24);
AT(assay_random_call, shape, 32);
AT(assay_random_call, ndim, 40);
AT(assay_random_call, a, 48);
AT(assay_random_call, b, 56);

SIZE(assay_run_service, 80);
AT(assay_run_service, struct_size, 0);
AT(assay_run_service, pad, 4);
AT(assay_run_service, cancelled, 8);
AT(assay_run_service, progress, 16);
AT(assay_run_service, log, 24);
AT(assay_run_service, random, 32);
AT(assay_run_service, random_fill, 40);
AT(assay_run_service, phase, 48);
AT(assay_run_service, trace, 56);
AT(assay_run_service, checkpoint, 64);
AT(assay_run_service, remaining, 72);

/* Numbers that are written into binaries. */
#define VALUE(name, value) _Static_assert((name) == (value), #name " changed its value")
VALUE(ASSAY_OK, 0);
VALUE(ASSAY_INVALID, 1);
VALUE(ASSAY_NOT_FOUND, 2);
VALUE(ASSAY_UNSUPPORTED, 3);
VALUE(ASSAY_NO_MEMORY, 4);
VALUE(ASSAY_CANCELLED, 5);
VALUE(ASSAY_NUMERIC, 6);
VALUE(ASSAY_INTERNAL, 7);
VALUE(ASSAY_BUDGET, 8);
VALUE(ASSAY_DENIED, 9);
VALUE(ASSAY_NONE, 0);
VALUE(ASSAY_BOOL, 1);
VALUE(ASSAY_INT, 2);
VALUE(ASSAY_REAL, 3);
VALUE(ASSAY_TEXT, 4);
VALUE(ASSAY_CHOICE, 5);
VALUE(ASSAY_LIST, 6);
VALUE(ASSAY_TENSOR, 7);
VALUE(ASSAY_METHOD, 8);
VALUE(ASSAY_RECORDS, 9);
VALUE(ASSAY_MODEL, 10);
VALUE(ASSAY_STATE, 11);
VALUE(ASSAY_SPACE, 12);
VALUE(ASSAY_TABLE, 13);
VALUE(ASSAY_DOCUMENT, 14);
VALUE(ASSAY_GRAPH, 15);
VALUE(ASSAY_BUNDLE, 16);
VALUE(ASSAY_PARAM_NO_IDENTITY, 1);
VALUE(ASSAY_ACCESS_DECISION, 1);
VALUE(ASSAY_ACCESS_SCORES, 2);
VALUE(ASSAY_ACCESS_INPUT_GRADIENT, 4);
VALUE(ASSAY_ACCESS_WEIGHTS, 8);
VALUE(ASSAY_ACCESS_TAPS, 16);
VALUE(ASSAY_ACCESS_STOCHASTIC, 32);
VALUE(ASSAY_SLOT_OUTPUT, 1);
VALUE(ASSAY_SLOT_LIST, 2);
VALUE(ASSAY_SLOT_OPTIONAL, 4);
VALUE(ASSAY_DETERMINISTIC, 1);
VALUE(ASSAY_NEEDS_GRADIENTS, 2);
VALUE(ASSAY_THREAD_SAFE, 4);
VALUE(ASSAY_BATCH_COUPLED, 8);
VALUE(ASSAY_CLOCK_BOUNDED, 16);
VALUE(ASSAY_TRANSDUCTIVE, 32);
VALUE(ASSAY_BASELINE, 64);
VALUE(ASSAY_ITERATIVE, 128);
VALUE(ASSAY_USES_OUTLIERS, 256);
VALUE(ASSAY_POISON, 512);
VALUE(ASSAY_UNKNOWN, -1);
VALUE(ASSAY_VIOLATED, 0);
VALUE(ASSAY_HOLDS, 1);
VALUE(ASSAY_SCOPE_PART, 0);
VALUE(ASSAY_SCOPE_GRID, 1);
VALUE(ASSAY_SCOPE_BOX, 2);
VALUE(ASSAY_DL_INT, 0);
VALUE(ASSAY_DL_UINT, 1);
VALUE(ASSAY_DL_FLOAT, 2);
VALUE(ASSAY_DL_BFLOAT, 4);
VALUE(ASSAY_DL_BOOL, 6);
VALUE(ASSAY_FORWARD_TRAIN, 1);
VALUE(ASSAY_FORWARD_STOCHASTIC, 2);
VALUE(ASSAY_FORWARD_NO_LOGITS, 4);
VALUE(ASSAY_GRAPH_BUFFER, 1);
VALUE(ASSAY_INLINE_STOCHASTIC, 1);
VALUE(ASSAY_UNIFORM, 1);
VALUE(ASSAY_NORMAL, 2);
