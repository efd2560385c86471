// File formats, each in a file of its own; none knows a data set. Every reader checks magic, counts and sizes before
// it allocates, refuses trailing bytes, and throws Error(bad_input) "<file>: offset N: ..." ("<file>:line:column" for
// text). Pure functions of the file's content. [any-thread]
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/record/safetensors.hpp"

namespace assay::data {

namespace fs = std::filesystem;

// A whole file; gzip content (by its magic) is unpacked, with Error(bad_input) when it is damaged or cut. At most
// `limit` bytes come out of it.
std::vector<std::byte> read_unpacked(const fs::path& file, std::uint64_t limit = std::uint64_t{1} << 32);
// The same in pieces, without holding it in memory.
using PieceSink = std::function<void(std::span<const std::byte>)>;
void unpack_file(const fs::path& file, const PieceSink& sink);

// IDX (LeCun's MNIST files): u8 arrays of 1 to 4 dimensions.
Array read_idx(const fs::path& file);

struct LabelledImages {
  Array images;                      // U8 [n, channels, height, width]
  std::vector<std::int64_t> labels;  // n
};

// Records of one label byte and channels x height x width planes (CIFAR's binary version).
LabelledImages read_cifar_binary(const fs::path& file, std::span<const std::int64_t> chw, std::int64_t classes);
std::vector<std::byte> to_cifar_binary(const LabelledImages& data);

// A PNG with one image a row: row = height x width pixels of 8-bit RGB or grey. U8 [rows, channels, height, width].
Array read_png_sheet(const fs::path& file, std::span<const std::int64_t> chw);
// A JSON array of class indices.
std::vector<std::int64_t> read_json_labels(const fs::path& file, std::int64_t classes);

struct CsvOptions {
  char delimiter = ',';
  bool header = true;     // the first row holds column names; else they are c0, c1, ...
  std::int64_t skip = 0;  // lines before the header or the data
  std::vector<std::string> missing = {"", "?", "NA"};
};
struct CsvColumn {
  std::string name;
  bool numeric = true;                // every present cell is a finite number
  std::vector<double> numbers;        // numeric: one a row, 0 where absent
  std::vector<std::string> texts;     // the cells as written (unquoted)
  std::vector<std::uint8_t> present;  // one a row
  bool complete() const;              // no cell is missing
};
struct CsvTable {
  std::int64_t rows = 0;
  std::vector<CsvColumn> columns;
  // By name, or by index ("3", "-1" for the last). Throws Error(bad_input) with the nearest name.
  std::size_t find(const std::string& name_or_index, const std::string& file) const;
};
// RFC 4180 quoting; LF or CRLF; UTF-8 mark skipped; every row must have the header's number of cells.
CsvTable read_csv(const fs::path& file, const CsvOptions& options = {});

// NumPy's .npz, stored or deflated: array name -> numbers. Little-endian floats, booleans and integers; C or Fortran order.
std::map<std::string, Array> read_npz(const fs::path& file);
// The same without compression; equal content gives equal bytes. Throws Error(bad_input) beyond 4 GiB.
void write_npz(const fs::path& file, const std::map<std::string, Array>& arrays);

// Walks a tar or tar.gz. Long names of the GNU and pax kinds are understood; links, folders and devices are passed
// over; names are given as written, so that the caller compares and never opens them.
//   wanted(name, bytes) says where a regular file's content goes, in pieces; an empty function passes over it.
//   done(name) is called after the last piece of a wanted file.
struct TarVisitor {
  std::function<PieceSink(const std::string& name, std::uint64_t bytes)> wanted;
  std::function<void(const std::string& name)> done;
};
void read_tar(const fs::path& file, const TarVisitor& visitor);

}  // namespace assay::data
