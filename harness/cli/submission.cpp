#include "harness/cli/submission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "harness/base/error.hpp"
#include "harness/data/loaders/formats.hpp"
#include "harness/record/shard.hpp"

namespace assay::cli {
namespace {

using Arrays = std::map<std::string, Array>;

constexpr std::size_t rows_a_batch = 256;  // an event stays far below the journal's limit

// What goes under one condition of the judge.
struct Part {
  std::string condition, array;  // the array's name in the journal
  Array values;                  // F32 or F64, first extent: rows
};

std::vector<std::string> names_of(const Arrays& arrays) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : arrays) names.push_back(name);
  return names;
}

const Array& need(const Arrays& arrays, const std::string& name, const std::string& file) {
  const auto found = arrays.find(name);
  if (found == arrays.end())
    bad_input(fmt::format("{}: no array '{}'; it holds {}", file, name, fmt::join(names_of(arrays), ", ")));
  return found->second;
}

std::vector<std::int64_t> read_ids(const Array& array, const std::string& file) {
  std::vector<std::int64_t> ids;
  if (array.dtype == "I64") ids.assign(array.as_i64().begin(), array.as_i64().end());
  if (array.dtype != "I64" || array.shape.size() != 1 || ids.empty())
    bad_input(file + ": 'id' is no list of 64-bit integers; the template's inputs.npz has the ids (keep them as int64: a float "
              "cannot hold them)");
  std::set<std::int64_t> seen;
  for (const std::int64_t id : ids)
    if (!seen.insert(id).second) bad_input(fmt::format("{}: id {} occurs twice", file, id));
  return ids;
}

// Any numbers as f32 or f64; bytes mean v / 255 where `images`, as everywhere.
template <class T>
std::vector<T> numbers(const Array& array, bool images, const std::string& what) {
  std::vector<T> out(static_cast<std::size_t>(array.count()));
  const auto fill = [&](const auto& values) {
    std::transform(values.begin(), values.end(), out.begin(), [](auto value) { return static_cast<T>(value); });
  };
  if (array.dtype == "F32") fill(array.as_f32());
  else if (array.dtype == "F64") fill(array.as_f64());
  else if (array.dtype == "I64") fill(array.as_i64());
  else if (array.dtype == "I32") fill(std::span(reinterpret_cast<const std::int32_t*>(array.bytes.data()), out.size()));
  else if (array.dtype == "U8") fill(array.as_u8());
  else bad_input(what + " holds " + array.dtype + "; expected float32, float64, int64, int32 or uint8");
  if (images && array.dtype == "U8")
    for (T& value : out) value /= static_cast<T>(255);
  return out;
}

void need_rows(const Array& array, std::size_t rows, std::size_t least_dims, const std::string& what) {
  if (array.shape.size() < least_dims)
    bad_input(fmt::format("{} has {} dimensions; expected one row a sample", what, array.shape.size()));
  if (static_cast<std::size_t>(array.shape[0]) != rows)
    bad_input(fmt::format("{} has {} rows for {} ids", what, array.shape[0], rows));
}

template <class T>
void need_numbers(const std::vector<T>& values, const std::vector<std::int64_t>& ids, const std::string& what) {
  const std::size_t width = values.size() / ids.size();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) bad_input(fmt::format("{} of id {} is not a finite number", what, ids[i / width]));
}

// Radii of the threat but 0, where the clean inputs are the outputs.
std::vector<std::string> conditions_of(const Plan& suite) {
  std::vector<std::string> out;
  for (const Json& eps : suite.protocol.at("threat").at("eps").as_array())
    if (eps.as_string() != "0") out.push_back("eps=" + eps.as_string());
  return out;
}

std::vector<Part> attack_parts(const Plan& suite, const Arrays& arrays, const std::vector<std::int64_t>& ids, const std::string& file) {
  const auto conditions = conditions_of(suite);
  std::vector<Part> parts;
  std::vector<std::string> missing = conditions;
  for (const auto& [name, array] : arrays) {
    if (name == "id" || name == "eps=0") continue;
    const std::string condition = name == "x" && conditions.size() == 1 ? conditions[0] : name;
    if (std::find(conditions.begin(), conditions.end(), condition) == conditions.end())
      bad_input(fmt::format("{}: array '{}' is no radius of the suite{}", file, name, suggestion(name, conditions)));
    const std::string what = file + ": '" + name + "'";
    need_rows(array, ids.size(), 2, what);
    auto values = numbers<float>(array, true, what);
    need_numbers(values, ids, what);
    parts.push_back({condition, "x", Array::f32(array.shape, values)});
    std::erase(missing, condition);
  }
  if (!missing.empty())
    bad_input(fmt::format("{}: no array for {}; expected adversarial inputs for each radius", file, fmt::join(missing, ", ")));
  return parts;
}

std::vector<Part> score_parts(const Arrays& arrays, const std::vector<std::int64_t>& ids, const std::string& file) {
  const Array& array = need(arrays, "score", file);
  const std::string what = file + ": 'score'";
  need_rows(array, ids.size(), 1, what);
  if (array.count() != array.shape[0]) bad_input(what + " holds several numbers a row; expected one score an input");
  const auto values = numbers<double>(array, false, what);
  need_numbers(values, ids, what);
  return {{"", "score", Array::f64({array.shape[0]}, values)}};
}

std::vector<Part> prediction_parts(const Arrays& arrays, const std::vector<std::int64_t>& ids, const std::string& file) {
  std::vector<std::string> given;
  for (const char* name : {"logits", "probabilities", "prediction"})
    if (arrays.count(name) > 0) given.emplace_back(name);
  if (given.size() != 1)
    bad_input(fmt::format("{}: expected one of the arrays logits, probabilities, prediction; it holds {}", file, fmt::join(names_of(arrays), ", ")));
  const Array& array = arrays.at(given[0]);
  const std::string what = file + ": '" + given[0] + "'";
  need_rows(array, ids.size(), given[0] == "prediction" ? 1 : 2, what);
  auto values = numbers<float>(array, false, what);
  need_numbers(values, ids, what);
  return {{"", given[0], Array::f32(array.shape, values)}};
}

// The columns of a table as arrays: id by its digits, as no float holds it, and one column of numbers.
Arrays from_csv(const std::filesystem::path& file, const std::string& column) {
  const data::CsvTable table = data::read_csv(file);
  const data::CsvColumn& ids = table.columns[table.find("id", file.string())];
  std::vector<std::int64_t> id(static_cast<std::size_t>(table.rows));
  for (std::size_t i = 0; i < id.size(); ++i) {
    const std::string& text = ids.texts[i];
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id[i]);
    if (code != std::errc() || end != text.data() + text.size())
      bad_input(fmt::format("{}: row {}: '{}' is no id; expected a whole number", file.string(), i + 1, text));
  }
  const data::CsvColumn& values = table.columns[table.find(column, file.string())];
  if (!values.numeric || !values.complete())
    bad_input(fmt::format("{}: column '{}' holds something else than finite numbers", file.string(), column));
  return {{"id", Array::i64({table.rows}, id)}, {column, Array::f64({table.rows}, values.numbers)}};
}

Arrays read_outputs(const Plan& suite, const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) bad_input("--outputs: no file '" + file.string() + "'");
  if (file.extension() == ".npz") return data::read_npz(file);
  if (file.extension() != ".csv") bad_input("--outputs: expected FILE.npz or FILE.csv, found '" + file.string() + "'");
  if (suite.task == "attack") bad_input("--outputs: adversarial inputs come as .npz, found '" + file.string() + "'");
  return from_csv(file, suite.task == "detect" ? "score" : "prediction");
}

// Rows [first, first + count) of an array.
Array rows_of(const Array& array, std::size_t first, std::size_t count) {
  Array out{array.dtype, array.shape, {}};
  const std::size_t stride = array.bytes.size() / static_cast<std::size_t>(array.shape[0]);
  out.shape[0] = static_cast<std::int64_t>(count);
  const auto begin = array.bytes.begin() + static_cast<std::ptrdiff_t>(first * stride);
  out.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(count * stride));
  return out;
}

}  // namespace

void write_journal(const Plan& suite, const std::filesystem::path& file, const std::filesystem::path& journal) {
  const Arrays arrays = read_outputs(suite, file);
  const std::vector<std::int64_t> ids = read_ids(need(arrays, "id", file.string()), file.string());
  const std::vector<Part> parts = suite.task == "attack"   ? attack_parts(suite, arrays, ids, file.string())
                                  : suite.task == "detect" ? score_parts(arrays, ids, file.string())
                                                           : prediction_parts(arrays, ids, file.string());
  ShardWriter shard(journal);
  for (const Part& part : parts) {
    for (std::size_t first = 0; first < ids.size(); first += rows_a_batch) {
      const std::size_t count = std::min(rows_a_batch, ids.size() - first);
      Container batch;
      batch.arrays["id"] = Array::i64({static_cast<std::int64_t>(count)}, std::span(ids).subspan(first, count));
      batch.arrays[part.array] = rows_of(part.values, first, count);
      Json json = Json::object({{"type", "batch"}, {"index", first / rows_a_batch}, {"condition", part.condition}, {"count", count}});
      shard.append(Event{std::move(json), encode(batch)});
    }
  }
  shard.sync();
}

namespace {

std::string expected(const Plan& suite) {
  if (suite.task == "attack") {
    const Json& threat = suite.protocol.at("threat");
    const auto conditions = conditions_of(suite);
    std::string text = fmt::format(
        "`outputs.npz` with `id` (int64, as in inputs.npz, in any order) and the adversarial inputs of every radius, each with "
        "the shape of `x`, float32 in [0, 1] (uint8 means value / 255):\n\n");
    for (const std::string& condition : conditions) text += "* `" + condition + "`\n";
    if (conditions.size() == 1) text += "\nThe one radius may be called `x`.\n";
    return text + fmt::format(
                      "\nNorm: {}. An input that leaves the ball or the range makes the whole submission invalid (rule 15): nobody clips. "
                      "Radius 0 is filled with the clean inputs.\n",
                      threat.at("norm").as_string());
  }
  if (suite.task == "detect")
    return "`scores.csv` with the header `id,score`, or `outputs.npz` with `id` (int64) and `score`: one number an input of "
           "inputs.npz, in any order, higher = more anomalous. Fit on fit.npz only (rule 32).\n";
  return "`outputs.npz` with `id` (int64, as in inputs.npz, in any order) and one of `logits`, `probabilities` ([n, classes]) or "
         "`prediction` ([n], class indices); or `predictions.csv` with the header `id,prediction`.\n";
}

}  // namespace

std::string template_page(const Plan& suite, const Node& site, const std::string& suite_word) {
  const std::string seed = std::to_string(site.seeds.get("method"));
  std::string text = fmt::format("# Outputs for {}, {}, seed {}\n\nProtocol {}.\n\n", suite.suite, site.subject, seed, suite.protocol_hash);
  text += "Here is what a method of this suite is given, and nothing more:\n\n"
          "* `inputs.npz`: `id` (int64) and `x` (float32 [n, ...]) of the samples to make outputs for";
  text += suite.task == "attack" ? ", and their labels `y`\n" : "\n";
  text += "* other `.npz` files: further lists by name (`fit`, `train`, `val`), with labels `y`\n"
          "* `.onnx` files: the models, by their id\n\n## To bring\n\n";
  text += expected(suite);
  text += fmt::format("\n## To submit\n\n    assay submit {} --name my-method --outputs FILE --subject {} --seed {}\n\n", suite_word,
                      site.subject, seed);
  text += "Seeds and subjects are submitted one by one, each with a template of its own. A later file for the same place takes "
          "the place of the earlier one. The row is marked *submitted*, its cost is unknown, and it is not ranked.\n";
  return text;
}

}  // namespace assay::cli
