// From the files of a catalogue entry to records.
#include "harness/data/load.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/catalog.hpp"
#include "harness/data/loaders/formats.hpp"

namespace assay::data {
namespace {

struct Request {
  const CatalogEntry& entry;
  const CatalogSplit& split;
  std::vector<fs::path> paths;  // of split.files, in order
  std::int64_t classes() const { return static_cast<std::int64_t>(entry.classes.size()); }
  std::string where() const { return entry.name + "/" + split.name; }
  [[noreturn]] void refuse(const std::string& what) const { throw Error(Fault::bad_input, where() + ": " + what); }
  void expect_files(std::size_t least, const char* what) const {
    if (paths.size() < least) refuse(std::string("format '") + entry.format + "' needs " + what);
  }
};

RecordSet start(const Request& request, std::int64_t count) {
  RecordSet set;
  set.origin = request.where();
  set.classes = request.entry.classes;
  set.provenance =
      Json::object({{"set", request.entry.name}, {"split", request.split.name}, {"digest", set_digest(request.entry)}});
  if (count != request.split.count)
    request.refuse("the files hold " + std::to_string(count) + " samples, the catalogue says " +
                   std::to_string(request.split.count));
  return set;
}

RecordSet image_set(const Request& request, Array images, const std::vector<std::int64_t>& labels) {
  const std::int64_t count = images.shape.front();
  if (static_cast<std::int64_t>(labels.size()) != count)
    request.refuse(std::to_string(labels.size()) + " labels for " + std::to_string(count) + " images");
  RecordSet set = start(request, count);
  set.ids.resize(labels.size());
  for (std::int64_t i = 0; i < count; ++i)
    set.ids[static_cast<std::size_t>(i)] = sample_id(request.entry.name, request.split.name, i);
  Field input{"input", Role::input, FieldType::image_u8(request.entry.shape), std::move(images), {}, {}};
  set.add(std::move(input));
  set.add({"target", Role::target, FieldType::category(request.entry.classes), Array::i64({count}, labels), {}, {}});
  return set;
}

// Files: images, labels. A set of [n, H, W] has one channel.
RecordSet load_idx(const Request& request) {
  request.expect_files(2, "two files: images, labels");
  const fs::path &image_file = request.paths[0], &label_file = request.paths[1];
  Array images = read_idx(image_file);
  const Array labels = read_idx(label_file);
  if (images.shape.size() == 3) images.shape.insert(images.shape.begin() + 1, 1);
  engine::Shape expected = request.entry.shape;
  expected.insert(expected.begin(), images.shape.front());
  if (images.shape != expected)
    request.refuse(image_file.string() + ": images of " + engine::shape_str(images.shape) + ", expected " +
                   engine::shape_str(expected));
  if (labels.shape.size() != 1)
    request.refuse(label_file.string() + ": labels of " + engine::shape_str(labels.shape) + ", expected one dimension");
  constexpr std::size_t header_bytes = 8;
  std::vector<std::int64_t> classes;
  for (const std::uint8_t label : labels.as_u8()) {
    if (label >= request.classes())
      request.refuse(label_file.string() + ": offset " + std::to_string(header_bytes + classes.size()) + ": label " +
                     std::to_string(label) + " is outside [0, " + std::to_string(request.classes()) + ")");
    classes.push_back(label);
  }
  return image_set(request, std::move(images), classes);
}

void append_images(Array& all, Array more) {
  if (all.shape.empty()) {
    all = std::move(more);
    return;
  }
  all.shape.front() += more.shape.front();
  all.bytes.insert(all.bytes.end(), more.bytes.begin(), more.bytes.end());
}

// Files: one or more of records.
RecordSet load_cifar(const Request& request) {
  Array images;
  std::vector<std::int64_t> labels;
  for (const fs::path& file : request.paths) {
    LabelledImages part = read_cifar_binary(file, request.entry.shape, request.classes());
    append_images(images, std::move(part.images));
    labels.insert(labels.end(), part.labels.begin(), part.labels.end());
  }
  return image_set(request, std::move(images), labels);
}

// Files: one or more sheets, then the labels of all of them.
RecordSet load_sheets(const Request& request) {
  request.expect_files(2, "sheets and, last, a file of labels");
  Array images;
  for (std::size_t i = 0; i + 1 < request.paths.size(); ++i)
    append_images(images, read_png_sheet(request.paths[i], request.entry.shape));
  return image_set(request, std::move(images), read_json_labels(request.paths.back(), request.classes()));
}

std::vector<std::string> column_names(const Json& options, const char* key) {
  std::vector<std::string> names;
  if (options.is_object() && options.has(key))
    for (const Json& name : options.at(key).as_array()) names.push_back(name.as_string());
  return names;
}

CsvOptions csv_options(const Request& request) {
  CsvOptions out;
  const Json& options = request.entry.options;
  if (!options.is_object()) return out;
  const std::vector<std::string> known{"delimiter", "header", "skip",        "missing",
                                       "target",    "drop",   "categorical", "shuffle"};
  for (const auto& [key, value] : options.as_object())
    if (std::find(known.begin(), known.end(), key) == known.end())
      request.refuse("unknown option '" + key + "' of format csv" + suggestion(key, known));
  const std::string delimiter = options.get("delimiter", ",");
  if (delimiter.size() != 1) request.refuse("option 'delimiter' must be one character");
  out.delimiter = delimiter.front();
  out.header = options.get("header", true);
  out.skip = options.get("skip", 0);
  if (options.has("missing")) out.missing = column_names(options, "missing");
  return out;
}

// The rows of this split: a keyed shuffle of all rows (option "shuffle", the key), dealt to the splits in the
// catalogue's order. Files sorted by class, as many tables are, would give splits without some of the classes.
std::vector<std::int64_t> split_rows(const Request& request, std::int64_t rows) {
  std::int64_t total = 0, first = 0;
  for (const CatalogSplit& split : request.entry.splits) {
    if (split.name == request.split.name) first = total;
    total += split.count;
  }
  if (total != rows)
    request.refuse("the file has " + std::to_string(rows) + " rows, the catalogue's splits sum to " +
                   std::to_string(total));
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const Json& options = request.entry.options;
  if (options.is_object() && options.has("shuffle"))
    Rng(static_cast<std::uint64_t>(options.at("shuffle").as_int()), "csv-split").permutation(order);
  const auto begin = order.begin() + static_cast<std::ptrdiff_t>(first);
  std::vector<std::int64_t> mine(begin, begin + static_cast<std::ptrdiff_t>(request.split.count));
  std::sort(mine.begin(), mine.end());  // file order
  return mine;
}

using Rows = std::vector<std::int64_t>;

// Cells to class indices: by name where the names are known, else by the sorted distinct texts of the whole column.
Field category_field(const CsvColumn& column, const Rows& rows, std::vector<std::string> names) {
  if (names.empty()) {
    std::set<std::string> distinct;
    for (std::size_t i = 0; i < column.texts.size(); ++i)
      if (column.present[i] != 0) distinct.insert(column.texts[i]);
    names.assign(distinct.begin(), distinct.end());
  }
  std::map<std::string, std::int64_t> index;
  for (std::size_t i = 0; i < names.size(); ++i) index[names[i]] = static_cast<std::int64_t>(i);
  Field field{column.name, Role::input, FieldType::category(names), {}, {}, {}};
  std::vector<std::int64_t> values;
  std::vector<std::uint8_t> present;
  for (const std::int64_t row : rows) {
    const auto at = static_cast<std::size_t>(row);
    present.push_back(column.present[at]);
    values.push_back(column.present[at] == 0 ? -1 : index.at(column.texts[at]));
  }
  const auto n = static_cast<std::int64_t>(rows.size());
  field.values = Array::i64({n}, values);
  if (column.complete()) return field;
  field.type = FieldType::optional(field.type);
  field.present = Array::u8({n}, present);
  return field;
}

Field optional_number(const CsvColumn& column, const Rows& rows) {
  std::vector<float> values;
  std::vector<std::uint8_t> present;
  for (const std::int64_t row : rows) {
    values.push_back(static_cast<float>(column.numbers[static_cast<std::size_t>(row)]));
    present.push_back(column.present[static_cast<std::size_t>(row)]);
  }
  const auto n = static_cast<std::int64_t>(rows.size());
  return {column.name,
          Role::input,
          FieldType::optional(FieldType::dense(engine::DType::f32, {})),
          Array::f32({n}, values),
          {},
          Array::u8({n}, present)};
}

Field numeric_block(const std::vector<const CsvColumn*>& columns, const Rows& rows) {
  std::vector<float> values;
  values.reserve(columns.size() * rows.size());
  for (const std::int64_t row : rows)
    for (const CsvColumn* column : columns)
      values.push_back(static_cast<float>(column->numbers[static_cast<std::size_t>(row)]));
  const auto n = static_cast<std::int64_t>(rows.size()), d = static_cast<std::int64_t>(columns.size());
  return {"input", Role::input, FieldType::dense(engine::DType::f32, {d}), Array::f32({n, d}, values), {}, {}};
}

// Class indices 0 ... K-1 when the column is numeric, else class names.
Field target_field(const Request& request, const CsvColumn& column, const Rows& rows) {
  if (!column.complete()) request.refuse("the target column '" + column.name + "' has missing cells");
  const auto n = static_cast<std::int64_t>(rows.size());
  if (request.entry.task == "regression") {
    if (!column.numeric) request.refuse("the target column '" + column.name + "' is not numeric");
    Field field = numeric_block({&column}, rows);
    return {"target",
            Role::target,
            FieldType::dense(engine::DType::f32, {}),
            {"F32", {n}, std::move(field.values.bytes)},
            {},
            {}};
  }
  const std::vector<std::string>& classes = request.entry.classes;
  std::vector<std::int64_t> values;
  for (const std::int64_t row : rows) {
    const auto at = static_cast<std::size_t>(row);
    const auto named = std::find(classes.begin(), classes.end(), column.texts[at]);
    const double number = column.numbers[at];
    if (named != classes.end())
      values.push_back(named - classes.begin());
    else if (column.numeric && number >= 0 && number < static_cast<double>(classes.size()) &&
             number == std::floor(number))
      values.push_back(static_cast<std::int64_t>(number));
    else
      request.refuse(request.paths[0].string() + ": row " + std::to_string(row) + ": '" + column.texts[at] +
                     "' is neither a class name nor an index below " + std::to_string(classes.size()) +
                     suggestion(column.texts[at], classes));
  }
  return {"target", Role::target, FieldType::category(classes), Array::i64({n}, values), {}, {}};
}

// File: one table. Complete numeric columns become the vector "input"; a categorical column, or one with missing
// cells, a field of its own name.
RecordSet load_csv(const Request& request) {
  const CsvTable table = read_csv(request.paths[0], csv_options(request));
  const std::string file = request.paths[0].string();
  const Json& options = request.entry.options;
  const std::size_t target = table.find(options.is_object() ? options.get("target", "-1") : "-1", file);
  std::set<std::size_t> dropped{target}, categorical;
  for (const std::string& name : column_names(options, "drop")) dropped.insert(table.find(name, file));
  for (const std::string& name : column_names(options, "categorical")) categorical.insert(table.find(name, file));
  const Rows rows = split_rows(request, table.rows);
  RecordSet set = start(request, static_cast<std::int64_t>(rows.size()));
  for (const std::int64_t row : rows) set.ids.push_back(sample_id(request.entry.name, request.split.name, row));
  std::vector<const CsvColumn*> numeric;
  std::vector<std::string> features;
  std::vector<Field> others;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const CsvColumn& column = table.columns[i];
    if (dropped.count(i) > 0) continue;
    if (!column.numeric || categorical.count(i) > 0)
      others.push_back(category_field(column, rows, {}));
    else if (!column.complete())
      others.push_back(optional_number(column, rows));
    else {
      numeric.push_back(&column);
      features.push_back(column.name);
    }
  }
  if (!numeric.empty()) set.add(numeric_block(numeric, rows));
  if (static_cast<std::int64_t>(numeric.size()) != request.entry.shape.front())
    request.refuse(std::to_string(numeric.size()) + " complete numeric columns, the catalogue's shape says " +
                   std::to_string(request.entry.shape.front()));
  for (Field& field : others) set.add(std::move(field));
  set.add(target_field(request, table.columns[target], rows));
  set.provenance["features"] = features;
  return set;
}

struct Format {
  const char* name;
  RecordSet (*load)(const Request&);
};
constexpr Format all_formats[] = {
    {"cifar-binary", load_cifar}, {"csv", load_csv}, {"idx", load_idx}, {"png-sheet", load_sheets}};

}  // namespace

std::vector<std::string> formats() {
  std::vector<std::string> names;
  for (const Format& format : all_formats) names.emplace_back(format.name);
  return names;
}

RecordSet load_split(const CatalogEntry& entry, const std::string& split, const FileMap& files) {
  const CatalogSplit* found = entry.split(split);
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const CatalogSplit& one : entry.splits) names.push_back(one.name);
    throw Error(Fault::bad_input, "set '" + entry.name + "' has no split '" + split + "'" + suggestion(split, names));
  }
  Request request{entry, *found, {}};
  for (const std::string& name : found->files) {
    const auto file = files.find(name);
    if (file == files.end()) request.refuse("the file '" + name + "' was not given");
    request.paths.push_back(file->second);
  }
  request.expect_files(1, "a file");
  for (const Format& format : all_formats)
    if (entry.format == format.name) return format.load(request);
  request.refuse("unknown format '" + entry.format + "'" + suggestion(entry.format, formats()));
}

FileMap files_of(const CatalogEntry& entry, const std::filesystem::path& root) {
  FileMap files;
  for (const CatalogFile& file : entry.files) files[file.name] = file_path(entry, file, root);
  return files;
}

}  // namespace assay::data
