// What the hostile plugins share: an attack that tries a deed and returns its input unchanged. A deed that reaches what
// it should not makes the cell fail with a reason that starts with "reached"; one that the machine refuses changes
// nothing.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "assay/sdk.hpp"

namespace hostile {

namespace fs = std::filesystem;

// The folder of a supervisor as its workers would find it: <home>/work/<key>/<stage> is where they start.
inline fs::path home() { return fs::current_path().parent_path().parent_path().parent_path(); }

[[noreturn]] inline void reached(const std::string& what) { assay::fail(ASSAY_INVALID, "reached " + what); }

// The first bytes, or nothing when it cannot be opened.
inline std::string peek(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(16, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

inline bool can_write(const fs::path& file) { return std::ofstream(file, std::ios::app).is_open(); }

}  // namespace hostile

// An attack that does `deed()` once a batch.
#define HOSTILE_ATTACK(ID, SUMMARY, DEED)                                                     \
  struct Hostile {                                                                            \
    static constexpr assay::Info info{                                                        \
        .id = (ID), .version = "1.0.0", .summary = (SUMMARY), .title = "", .baseline = true}; \
    assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {                      \
      DEED();                                                                                 \
      return batch.x;                                                                         \
    }                                                                                         \
  };                                                                                          \
  ASSAY_PLUGIN(Hostile)
