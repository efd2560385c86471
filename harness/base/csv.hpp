// Fields of comma-separated files (RFC 4180). Pure. [any-thread]
#pragma once

#include <string>
#include <vector>

namespace assay {

// `text`, in quotes where it holds a comma, a quote or a line break.
std::string csv_field(const std::string& text);
std::string csv_line(const std::vector<std::string>& fields);  // with its line break

}  // namespace assay
