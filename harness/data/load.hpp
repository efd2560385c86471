// From files to records: the one table from format names to loaders. Loaders (data/loaders) know formats, not sets;
// what a set is comes from its catalogue entry.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "harness/data/records.hpp"
#include "harness/record/catalog.hpp"

namespace assay::data {

std::vector<std::string> formats();  // idx cifar-binary png-sheet csv

// CatalogFile::name -> where it is. Files must exist; digests are the caller's business (the worker verified them).
using FileMap = std::map<std::string, std::filesystem::path>;

// All records of a split: fields "input" and "target" (tables may add one field a column), ids by sample_id(set,
// split, index in the file). Throws Error(bad_input) naming file and offset, and when counts, shapes or classes are
// not what the entry says.
RecordSet load_split(const CatalogEntry& entry, const std::string& split, const FileMap& files);

// The files of an entry below a data root (catalog.hpp).
FileMap files_of(const CatalogEntry& entry, const std::filesystem::path& root);

}  // namespace assay::data
