// A small world for planner tests: descriptors, two data sets, two architectures, one recipe. No file exists.
#pragma once

#include <string>
#include <vector>

#include "harness/plan/plan.hpp"

namespace assay::test {

inline ParamSchema param(std::string key, std::string type, Json fallback, double min = 0, double max = 0) {
  ParamSchema out;
  out.key = std::move(key);
  out.type = std::move(type);
  out.fallback = std::move(fallback);
  out.min = min;
  out.max = max;
  return out;
}

inline Descriptor plugin(const std::string& id, const std::string& role, std::vector<ParamSchema> params = {}) {
  Descriptor out;
  out.id = id;
  out.version = "1.0.0";
  out.roles = {role};
  out.params = std::move(params);
  out.path = "/plugins/" + id + ".so";
  out.sha256 = "digest-of-" + id;
  return out;
}

inline Descriptor baseline(const std::string& id, const std::string& role) {
  Descriptor out = plugin(id, role);
  out.baseline = true;
  return out;
}

inline std::vector<ParamSchema> pgd_params() {
  ParamSchema loss = param("loss", "choice", "cross-entropy");
  loss.choices = {"cross-entropy", "margin"};
  ParamSchema verbose = param("verbose", "bool", false);
  verbose.identity = false;
  return {param("steps", "int", 20, 1, 1000), param("step_size", "real", "1/40", 0, 1), param("random_start", "bool", true),
          loss, verbose, param("start_from", "method", Json())};
}

inline void add_plugins(PlanContext& context) {
  Descriptor pgd = plugin("pgd", "attack", pgd_params());
  pgd.iterative = true;
  Descriptor aim = plugin("aim", "attack", {param("targets", "int", 1, 1, 100)});
  for (const Descriptor& one :
       {baseline("noise", "attack"), plugin("fgsm", "attack"), pgd, aim, baseline("random-score", "detector"),
        plugin("msp", "detector"), plugin("knn", "detector", {param("k", "int", 50, 1, 10000)}), baseline("single", "ensemble"),
        plugin("deep-ensemble", "ensemble"), plugin("plain-sgd", "trainer", {param("rate", "real", 0.1, 0, 10)}),
        plugin("tiny-net", "architecture", {param("width", "int", 8, 1, 64)}), baseline("no-pruning", "compressor"),
        plugin("random-pruning", "compressor"), plugin("magnitude-global", "compressor"), plugin("l1-filter", "compressor"),
        baseline("random-subset", "reducer"), plugin("poison", "reducer", {param("blur", "real", 0.3, 0, 1)}),
        baseline("random-sampling", "analyzer"), plugin("verifier", "analyzer", {param("layer", "int", 0, 0, 8)})})
    context.plugins.emplace(one.id, one);
}

inline CatalogEntry image_set(const std::string& name, int classes, std::int64_t train, std::int64_t test) {
  CatalogEntry out;
  out.name = name;
  out.format = "idx";
  out.licence = "none";
  out.shape = {1, 28, 28};
  for (int i = 0; i < classes; ++i) out.classes.push_back("class-" + std::to_string(i));
  out.options = Json::Object{};
  for (const char* file : {"train-images", "train-labels", "test-images", "test-labels"})
    out.files.push_back({file, name + "-" + file, "sha-" + name + "-" + file, 1});
  out.splits = {{"train", train, {"train-images", "train-labels"}}, {"test", test, {"test-images", "test-labels"}}};
  return out;
}

inline PlanContext context() {
  PlanContext out;
  add_plugins(out);
  for (const CatalogEntry& set : {image_set("fashion-mnist", 10, 60000, 10000), image_set("mnist", 10, 60000, 10000),
                                  image_set("one-class", 1, 100, 100), image_set("far-away", 10, 100, 100)})
    out.catalog.emplace(set.name, set);
  CatalogEntry wide = image_set("cifar10", 10, 50000, 10000);
  wide.shape = {3, 32, 32};
  out.catalog.emplace(wide.name, wide);
  out.zoo["all-conv"] = {"all-conv", {param("width", "int", 32, 1, 512), param("dropout", "real", 0.0, 0, 0.9)}};
  out.macs = [](const Json& net) { return net.at("arch") == Json("all-conv") ? 8.25e6 : 1.6e6; };
  out.zoo["lenet"] = {"lenet", {}};
  ParamSchema schedule = param("schedule", "choice", "cosine");
  schedule.choices = {"cosine", "step", "constant"};
  // A field that came later, as recipes have many: not part of a hash at its neutral value.
  const auto later = [](ParamSchema schema, Json fallback, Json neutral) {
    schema.fallback = std::move(fallback);
    schema.silent_at = std::move(neutral);
    return schema;
  };
  const ParamSchema patience = later(param("patience", "int", 0, 0, 1000), 0, 0);
  ParamSchema adversary = later(param("adversary", "choice", "none"), "none", "none");
  adversary.choices = {"none", "pgd"};
  const ParamSchema radius = later(param("adv_eps", "real", "8/255", 0, 10), "8/255", "8/255");
  out.recipes["standard"] = {param("epochs", "int", 5, 1, 1000), param("batch", "int", 128, 1, 4096), param("lr", "real", 0.1, 0, 100),
                             schedule, patience, adversary, radius};
  out.recipes["quick"] = {param("epochs", "int", 1, 1, 1000), param("batch", "int", 128, 1, 4096), param("lr", "real", 0.05, 0, 100),
                          schedule};
  out.recipes["pgd-at"] = out.recipes["standard"];
  out.recipes["pgd-at"][5].fallback = "pgd";
  out.certificates = {{"attack", {"planted-adversarial", "stays-in-ball"}}, {"detector", {"separable"}}};
  out.metrics = {{"attack", {"robust_accuracy", "attack_success_rate"}}, {"detect", {"auroc"}}, {"predict", {"accuracy", "nll"}},
                 {"compress", {"accuracy", "compression_ratio"}}, {"reduce", {"accuracy", "accuracy_lost"}},
                 {"falsify", {"decided_rate", "agreement"}}};
  out.machine.isa = "avx512_core";
  out.machine.dnnl = "2.6.3";
  out.raw = [](const CatalogEntry& entry, const CatalogFile& file) -> std::optional<RawFile> {
    if (entry.name == "far-away") return std::nullopt;
    return RawFile{"/data/" + file.file, file.sha256};
  };
  return out;
}

}  // namespace assay::test
