// What passes between a supervisor and a judge that serves it, over a socket that keeps messages whole: the path of a
// job.json there, how that job went back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace assay {

constexpr int judge_socket_fd = 3;                  // in the judge: the first descriptor that is passed to it
constexpr std::size_t longest_judge_message = 8192;  // bytes

struct Served {
  int code = 0;                       // as the exit code of a process that did this job alone
  double cpu_seconds = 0;             // of this job
  std::uint64_t peak_rss_bytes = 0;   // while it was done
  std::uint64_t rss_bytes = 0;        // what is held now
  std::string to_text() const;
  static Served from_text(const std::string& text);  // throws Error(bad_input)
};

}  // namespace assay
