// What a record was made from, all the way down to files: the nodes that its identity names, with their plugins and bytes.
// [one thread: the store's]
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "results/store/store.hpp"

namespace assay::board {

struct Origin {
  std::string slot;                      // what it is to the one above: "victim", "model", "members", "train"
  std::string key, kind, label;          // of the node that made it
  std::string plugin, version, digest;   // "" where no plugin had a part in it
  std::vector<std::pair<std::string, std::string>> files;  // name and sha256 of what it left; of prepare nodes what they read, too
  bool above = false;                    // told before: `from` is empty here
  std::vector<Origin> from;
  Json to_json() const;
};

// In the order of the identity's keys. A node that several others were made from is told in full once.
std::vector<Origin> provenance(const store::Store& db, const store::CellRecord& cell);

// An indented line an origin: "  victim: prune of net at ratio 4, seed 0  1a2b3c4d5e6f  magnitude-global 1.0.0".
std::string provenance_text(const std::vector<Origin>& origins, int indent = 2);

}  // namespace assay::board
