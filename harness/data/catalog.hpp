// The catalogue: which data sets there are, where they can be had, and the digests of their files. catalog.toml is
// the built-in list; a file named by $ASSAY_CATALOG adds a user's own sets (and may replace built-in ones).
// Entries are plain data (record/catalog.hpp). Pure but for load(), which reads files.
//
// A [[set]] holds name, title, task, format, licence, citation, shape, classes, options, and
//   [[set.file]]    name, file, bytes, sha256 (of the decompressed content)
//   [[set.split]]   name, count, files (names, in the loader's order)
//   [[set.source]]  kind, locator, members = { <file name> = "<path inside the source>" }
// A member path may end in ".gz" (unpacked), or be a conversion "png-sheet(sheet, labels, first)": the sheet's images
// with labels[first...] become one file in CIFAR's binary format, so that a set has one digest whatever its source.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/record/catalog.hpp"

namespace assay::data {

struct Catalog {
  std::vector<CatalogEntry> entries;  // by name
  const CatalogEntry* find(const std::string& name) const;
  const CatalogEntry& at(const std::string& name) const;  // throws Error(bad_input) with the nearest name
  std::vector<std::string> names() const;
};

// Throws Error(bad_input) "file:line:column: ..." naming the key, what was expected and the nearest valid name.
Catalog parse_catalog(std::string_view text, const std::string& file);
// Relative locators of kind "path" are taken from the file's folder.
Catalog load_catalog(const std::filesystem::path& file);
// The installed catalogue (installed_layout().catalog) and $ASSAY_CATALOG over it.
Catalog load_catalog();

std::filesystem::path data_root();  // $ASSAY_DATA, else <assay_home>/data
std::filesystem::path set_folder(const CatalogEntry& entry, const std::filesystem::path& root);
std::filesystem::path file_path(const CatalogEntry& entry, const CatalogFile& file, const std::filesystem::path& root);
// Content digest of a set: the names and digests of its files. Independent of source, place and licence text.
std::string set_digest(const CatalogEntry& entry);

}  // namespace assay::data
