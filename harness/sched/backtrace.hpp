// Names for the addresses of a crash report. Private to harness/sched.
#pragma once

#include <string>

namespace assay::sched {

// Replaces lines "file(+0xoffset) [0xaddress]" and "file(symbol+0xoffset) [...]", as backtrace_symbols_fd writes them,
// by "  function + 0xn (file)". The function comes from the symbol table of the file; a line whose file has none, or is
// gone, stays as it is. Other lines stay.
std::string with_names(const std::string& log);

}  // namespace assay::sched
