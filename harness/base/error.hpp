// The one exception type of the host and the helpers that make its messages good.
// Threading: everything here is pure. A message names the place (file:line:column, key, flag), says what was
// expected, and offers the nearest valid name. Lower case, no full stop.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

enum class Fault {
  bad_input,    // suite, model file, data set, plugin, database, flag: exit code 2
  io,           // file system or process failure: exit code 2
  unsupported,  // valid request that this build or machine cannot serve: exit code 2
  constraint,   // a protocol rule was broken (cell becomes INVALID, never a crash)
  cancelled,    // the user or a limit stopped the work
  internal,     // a bug in assay: exit code 3
};

class Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& message) : std::runtime_error(message), fault_(fault) {}
  Fault fault() const noexcept { return fault_; }

 private:
  Fault fault_;
};

// Throws Error(Fault::bad_input, message).
[[noreturn]] inline void bad_input(const std::string& message) { throw Error(Fault::bad_input, message); }
// The same, with the place (a file, a key) in front: "where: what".
[[noreturn]] inline void bad_input_in(const std::string& where, const std::string& what) {
  bad_input(where + ": " + what);
}

// The candidate nearest to `name` by edit distance, or "" when none is within max(2, a third of its length).
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

// "; did you mean 'x'?" for the nearest candidate, else "; expected one of a, b, c" (at most 12 names).
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace assay
