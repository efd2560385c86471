// What a chain of attacks has left, between two of its links. Each link attacks the samples that no link before it
// broke; stage "survivors", which loads no plugin, judges it and writes this state for the next one. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/tasks/method.hpp"
#include "harness/tasks/stage.hpp"

namespace assay::tasks {

struct ChainLink {
  std::string method;      // plugin id
  bool gradients = false;  // asks for gradients: a white-box attack
  bool iterative = false;
  std::map<std::string, std::int64_t> standing;  // by condition: samples of the parts it attacked that are robust after it
};

struct ChainState {
  struct Condition {
    std::vector<double> robust;    // one a sample: 1 while it is classified correctly and no link broke it
    std::vector<double> distance;  // of the input that broke it, else of the last link's; 0 before any
  };
  std::vector<std::int64_t> ids;                // all samples, in the data's order
  std::map<std::string, Condition> conditions;  // "eps=1/10"
  std::vector<ChainLink> links;                 // done so far
  Spent spent;                                  // by all of them

  // Positions of the samples that the next link attacks.
  std::vector<std::int64_t> standing(const std::string& condition) const;
  ChainState at_rows(const std::vector<std::int64_t>& rows) const;  // of these samples alone
  void save(const std::filesystem::path& file) const;         // deterministic bytes
  static ChainState load(const std::filesystem::path& file);  // throws Error(bad_input)
};

inline constexpr const char* kChainFile = "chain.safetensors";
inline constexpr const char* kChainInput = "chain";

// From {id, gradients, iterative}, as a stage's spec describes its link under "link".
ChainLink link_of(const Json& json);

}  // namespace assay::tasks
