// The results site: a database as chunks of data beside a built front end (results/site; the contract is
// results/site/DATA.md). Static files, no server. [one thread: the store's]
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "results/store/store.hpp"

namespace assay::site {

struct SiteOptions {
  std::filesystem::path front_end;  // folder with index.html, site.js and site.css
  std::filesystem::path target;     // made when absent; an older site in it is replaced
  std::string version;              // of the program, shown on every page
  std::filesystem::path artifacts{};  // the artifact cache, where pictures come from; empty: a site without pictures
};

struct SiteReport {
  std::size_t boards = 0, cells = 0, methods = 0, files = 0;
  std::uint64_t bytes = 0;
};

// Throws Error(bad_input) when the front end is not built, when the target holds something that is not a site, or when
// the database has no board; Error(io) when a file cannot be written. The index is written last: a reader of a site
// that is being replaced finds the old index or the new one.
SiteReport write_site(const store::Store& db, const SiteOptions& options);

}  // namespace assay::site
