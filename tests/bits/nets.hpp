// The nets whose bits are kept, and what is digested of each.
#pragma once

#include <map>
#include <string>

namespace assay::bits {

// "net what" -> SHA-256 of the results' bytes; nets whose precision this machine lacks are left out.
std::map<std::string, std::string> digests();

}  // namespace assay::bits
