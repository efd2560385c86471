// A job: everything one worker process may see. The worker opens the files named in `inputs` (verifying their
// digests) and the plugin, writes below `scratch`, and nothing else.
//   scratch/shard      its journal (shard.hpp)
//   scratch/out/       files it leaves, each announced by an "artifact" event
//   scratch/tmp/       anything
//
// Stages and their inputs/spec (what plan writes and worker reads):
//
// prepare  inputs: "raw:<file name>" for recipe "split"; "records:<label>" for "blind" and "stream"
//          spec: {recipe: "split", source: <catalogue entry>, split, first, limit, balanced[, classes]}
//                  -> out/records.safetensors; `classes`: indices of the only ones taken, renumbered from 0, before the rest counts
//                  the first `limit` records (0: all) after skipping `first`; balanced: equal numbers per class in file order
//                {recipe: "blind"}    one records input -> out/blind.safetensors (ids, input), out/truth.safetensors
//                {recipe: "stream", id: <label>, ood: [{label, group: near|far}], fit: <label>}
//                  `fit` (may be absent) names the list that detectors fit on: a sample of it in the stream is refused
//                  -> out/stream.safetensors (opaque ids, input; keyed shuffle), out/truth.safetensors (opaque id -> sample
//                  id, origin label, group, target)
// train    inputs: "train" records [, "val" when the recipe watches it] [, "arch" for an architecture plugin's graph]
//          spec: {build: {arch, params}, recipe: {...}, classes}                              -> out/model.safetensors
// import   inputs: "onnx", one file; spec: {shape, classes} that the data have                 -> out/model.safetensors
// run      inputs and spec by task:
//   attack    "data" records; "model:<id>" each victim/surrogate
//             spec: {task, role, params, victim, surrogates: [...], access, threat: {norm, eps: ["1/10", ...], range, targeted},
//                    budget: {forward_per_sample, backward_per_sample}}
//             -> "batch" events, condition "eps=1/10", arrays id I64[n], x F32[n,...]
//             of a chain's link also "chain": what the links before it left; only that is attacked, and with
//             {look: {look, of, half_width}} in the spec only this look's part of it (harness/tasks/attack_looks.hpp)
//   detect    "fit" records (ID train), "stream", "model:<id>"
//             spec: {task, role, params, model}            -> "batch" events, arrays id I64[n], score F64[n]
//   predict   ensemble: "model:<id>"...; trainer/architecture: "train" [, "val"]
//             spec: {task, role, params, members: [...], build, recipe, classes}              -> out/model.safetensors
//   compress  "model:<id>", "train" records (calibration)
//             spec: {task, role, params, model, target: {kind: "ratio", value: "8"}}          -> out/model.safetensors
//   reduce    "train" records; spec: {task, role, params, classes, ratio: "8"}: at most records / ratio may be left
//             -> out/reduced.safetensors, adopted (harness/tasks/adopt.hpp); the train stage of the cell trains on it
//   falsify   "data" records, "model:<id>"; spec: {task, role, params, model, region: {norm, eps, step, range [, elements]}}
//             -> a batch event each: "id", "verdict", "scope" i64, "witness" f32
// enumerate inputs: "data", "model:<id>"; spec: {region: {..., enumerate [, finer]}}, without a method -> out/truth.safetensors
// finetune inputs: "model", "train" [, "val"]; spec: {recipe}                                 -> out/model.safetensors
//           any of them: "tuned", what the select stage left, whose parameters replace those of the spec
// measure  inputs: "judge" (the judge stage's shard); spec: {quantity, condition, params}       -> out/trial.json {value, params}
// select   inputs: "trial:0000"...; spec: {task, quantity}; traces of every trial's value       -> out/tuned.json {trial, value, params}
// judge    inputs: "run" (the run stage's shard), "model" (its artifact, where it has one; fine-tuned where the suite
//             says so), "compressed" (compress) and "reduced", "train" (reduce): what the run stage left and was given, "model:<id>", "data"|"truth"|"test",
//             "stream" as above; spec: the run stage's spec + {metrics: [...], method: {id, baseline, iterative, flags}}
//             -> column, score and verdict events
// survivors  between the links of a chain of attacks: "data", the victim; after a link its "run" shard and the "chain" before
//             it; spec: the run stage's spec + {link: {id, gradients, iterative[, place]}}   -> out/chain.safetensors
//             Of a submission "run" is a journal made from a user's file; of a predictor it is "model_outputs", with arrays
//             id and one of logits, probabilities F32[n,classes], prediction F32[n], and there is no model
// template inputs: what run stages of the task have [, "test"]; spec: {task}
//             -> out/inputs.npz, further lists as <list>.npz, out/<model>.onnx: `assay submit --template`
// certify  the plugin; spec: {role, checks: [...] }        -> score/verdict events, one "trace" a check
// describe the plugin; no inputs                           -> one "artifact" event: out/descriptors.json
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/base/json.hpp"

namespace assay {

// What bit equality is promised within. `version` is raised by hand when engine numerics change.
struct Numerics {
  static constexpr int current_version = 3;
  int version = current_version;
  std::string isa;      // effective instruction set, e.g. "avx512_core_bf16"; a suite may cap it
  std::string dnnl;     // library version, e.g. "2.6.3"
  int threads = 1;      // per cell
  int batch = 64;       // compute batch; the last batch is padded
  std::string str() const;  // "n1/dnnl2.6.3/avx512_core_bf16/t1/b64"
  Json to_json() const;
  static Numerics from_json(const Json& json);
  bool operator==(const Numerics&) const = default;
};

// Named seeds; rows, not columns. Absent names are 0.
struct Seeds {
  std::map<std::string, std::int64_t> values;  // data, subject, method, evaluation
  std::uint64_t get(const std::string& name) const;
  Json to_json() const;
  static Seeds from_json(const Json& json);
};

struct JobInput {
  std::string path, sha256;
};

struct Job {
  std::string stage;                       // prepare train run finetune judge certify describe
  std::string key;                         // generation hash of the node
  int attempt = 1;
  std::map<std::string, JobInput> inputs;
  std::string plugin_path, plugin_sha256, plugin_id;  // empty when the stage loads none
  std::string scratch;
  Numerics numerics;
  Seeds seeds;
  Json spec;

  Json to_json() const;
  static Job from_json(const Json& json, const std::string& origin);  // throws Error(bad_input) naming the key
  static Job load(const std::filesystem::path& file);
};

// manifest.json beside a published artifact folder.
struct ManifestFile {
  std::string name, sha256;
  std::uint64_t bytes = 0;
};
struct Manifest {
  std::string key, stage, label;           // the node that made it
  std::vector<ManifestFile> files;
  const ManifestFile* find(const std::string& name) const;
  Json to_json() const;
  static Manifest from_json(const Json& json);
  static Manifest load(const std::filesystem::path& folder);
  static Manifest describe(const std::filesystem::path& folder, const std::string& key, const std::string& stage,
                           const std::string& label);  // hashes every file below folder/ but manifest.json
};

}  // namespace assay
