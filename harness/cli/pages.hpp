// Writing the results site; shared by `site` and `audit`.
#pragma once

#include <string>

#include "results/export/site.hpp"

namespace assay::cli {

// All of the database into `folder`, with the pages of `front_end` ("": those beside this program) and pictures from the
// artifact cache. Throws as site::write_site.
site::SiteReport write_pages(const store::Store& db, const std::string& folder, const std::string& front_end = "");
// Where to open it.
std::string page_of(const std::string& folder);

}  // namespace assay::cli
