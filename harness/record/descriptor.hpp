// What a plugin says of itself, as plain data: made by `assay-worker describe`, read by suite, plan, cli and store.
#pragma once

#include <string>
#include <vector>

#include "harness/base/json.hpp"

namespace assay {

struct ParamSchema {
  std::string key, doc, unit;
  std::string type;               // bool int real text choice list tensor method
  Json fallback;                  // default; in range
  double min = 0, max = 0;        // int and real, inclusive
  std::vector<std::string> choices;
  bool identity = true;           // false: left out of the generation hash (ASSAY_PARAM_NO_IDENTITY)
  Json silent_at;                 // recipes: at this value the key is left out of specs and hashes; null: never
};

struct SlotSchema {
  std::string name, call, type, doc;  // call: perturb, fit, score, ...; type: tensor records model state space table document scalar method
  bool output = false, list = false, required = true;
  std::vector<std::string> access;    // capabilities on a model slot: decision scores input-gradient weights taps stochastic
};

struct Descriptor {
  std::string id, version, summary;
  std::string title, arxiv;   // citation
  int year = 0;
  std::vector<std::string> roles;      // attack detector trainer ensemble compressor reducer generator architecture searcher analyzer
  bool deterministic = true, needs_gradients = false, thread_safe = false, batch_coupled = false,
       clock_bounded = false, transductive = false, baseline = false, iterative = false, uses_outliers = false,
       poison = false;
  std::vector<ParamSchema> params;
  std::vector<SlotSchema> slots;
  std::string path, sha256;   // the library file and the digest of its loadable sections

  bool has_role(const std::string& role) const;
  const ParamSchema* param(const std::string& key) const;
  bool requires_slot(const std::string& call, const std::string& name) const;  // an input that is not optional
  Json to_json() const;
  static Descriptor from_json(const Json& json);
};

}  // namespace assay
