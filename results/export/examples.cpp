#include "results/export/examples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "harness/base/error.hpp"
#include "harness/record/examples.hpp"

namespace assay::site {
namespace {

// A chunk while it is made. A picture that several groups show is written once.
class Gallery {
 public:
  explicit Gallery(const PictureSize& size) : size_(size) {}
  const PictureSize& size() const { return size_; }
  std::int64_t add(std::span<const std::uint8_t> planes) {
    const std::string text = png_base64(planes, size_);
    const auto [found, fresh] = places_.emplace(text, static_cast<std::int64_t>(images_.size()));
    if (fresh) images_.push_back(text);
    return found->second;
  }
  static Json picture(const std::string& what, std::int64_t at) { return Json::Array{what, at}; }
  void group(const std::string& title, const std::string& says, Json items) {
    groups_.push_back(Json::object({{"title", title}, {"says", says}, {"items", std::move(items)}}));
  }
  Json done(const std::string& says) {
    return Json::object({{"says", says},
                         {"width", size_.width},
                         {"height", size_.height},
                         {"groups", std::move(groups_)},
                         {"images", std::move(images_)}});
  }

 private:
  PictureSize size_;
  Json images_ = Json::array(), groups_ = Json::array();
  std::map<std::string, std::int64_t> places_;
};

Json fact(const std::string& name, const std::string& value) { return Json::Array{name, value}; }
std::string number_text(double value) { return fmt::format("{:.4g}", value); }

// Ids have 63 bits, more than a number of a page.
Json item(std::int64_t id, Json facts, Json pictures) {
  return Json::object({{"id", std::to_string(id)}, {"facts", std::move(facts)}, {"pictures", std::move(pictures)}});
}

// The columns of an attempt by condition and quantity, those of members left out.
class Columns {
 public:
  Columns(const store::Store& db, std::int64_t attempt, const std::string& quantity) {
    for (const store::OutcomeColumn& one : db.outcomes(attempt, quantity))
      if (one.configuration.empty() && one.unit == "sample") {
        auto& values = by_condition_[one.condition];
        for (std::size_t i = 0; i < one.ids.size(); ++i) values[one.ids[i]] = one.values[i];
      }
  }
  const std::map<std::int64_t, double>* at(const std::string& condition) const {
    const auto found = by_condition_.find(condition);
    return found == by_condition_.end() ? nullptr : &found->second;
  }
  std::optional<double> of(const std::string& condition, std::int64_t id) const {
    const auto* values = at(condition);
    if (values == nullptr || values->count(id) == 0) return std::nullopt;
    return values->at(id);
  }

 private:
  std::map<std::string, std::map<std::int64_t, double>> by_condition_;
};

using Place = std::pair<double, std::int64_t>;  // value, sample
std::vector<Place> sorted(const std::map<std::int64_t, double>& values) {
  std::vector<Place> out;
  out.reserve(values.size());
  for (const auto& [id, value] : values) out.emplace_back(value, id);
  std::sort(out.begin(), out.end());
  return out;
}
std::vector<Place> ends(const std::vector<Place>& all, bool highest) {
  const std::size_t n = std::min(examples_each, all.size());
  std::vector<Place> out(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
  if (highest) out.assign(all.rbegin(), all.rbegin() + static_cast<std::ptrdiff_t>(n));
  return out;
}

std::string key_at(const Json& protocol, const char* place) {
  return protocol.is_object() && protocol.has("data") && protocol.at("data").is_object()
             ? protocol.at("data").get(place, "")
             : "";
}

struct Context {
  const store::Store& db;
  const BoardData& data;
  ImageSets& sets;
  const store::CellRecord& cell;
};

// --- attacks and analyzers: what their judges kept ---

std::string factor_text(const Example& one) {
  return one.scale > 0 ? fmt::format("difference × {:.3g}", 127.0 / 255.0 / one.scale) : "difference (none)";
}

// What the parts of an example are called.
struct Words {
  std::string label, predicted, distance, clean, perturbed;
};

Json kept_item(const Example& one, const Words& words, const ImageSet* names, Gallery& gallery) {
  const auto name = [&](std::int64_t label) {
    return names != nullptr ? names->class_name(label) : "class " + std::to_string(label);
  };
  Json facts = Json::Array{fact(words.label, name(one.label)), fact(words.predicted, name(one.predicted)),
                           fact(words.distance, number_text(one.distance)), fact("margin", number_text(one.margin))};
  Json pictures = Json::Array{Gallery::picture(words.clean, gallery.add(one.clean)),
                              Gallery::picture(words.perturbed, gallery.add(one.perturbed)),
                              Gallery::picture(factor_text(one), gallery.add(one.difference))};
  return item(one.id, std::move(facts), std::move(pictures));
}

// The pictures that a judge kept, in the groups that `fill` makes of them: fill(set, names, gallery).
template <class Fill>
Json kept_chunk(const Context& at, const Fill& fill) {
  const Maybe<fs::path> file = cached_file(at.db, at.sets.cache(), at.cell, examples_file);
  if (!file.value) bad_input(file.why);
  const Examples set = Examples::from_container(load_container(*file.value), "the pictures");
  std::string why;
  const ImageSet* names = at.sets.find(key_at(at.data.board.suite.protocol, "test"), why);
  Gallery gallery({set.channels, set.height, set.width});
  fill(set, names, gallery);
  return gallery.done(fmt::format(
      "At {}. {}. A difference shows grey where nothing was changed, and is amplified by the factor beneath it.",
      set.condition, set.rule));
}

Json attack_chunk(const Context& at) {
  return kept_chunk(at, [](const Examples& set, const ImageSet* names, Gallery& gallery) {
    const Words words{"true class", "classified as", set.norm + " distance", "clean", "perturbed"};
    const auto put = [&](bool broken, const char* title, const char* says) {
      Json items = Json::array();
      for (const Example& one : set.items)
        if (one.broken == broken) items.push_back(kept_item(one, words, names, gallery));
      const char* text = items.size() == 0 ? "There is none." : says;
      gallery.group(title, text, std::move(items));
    };
    put(true, "Broken with the least change", "Classified correctly before the attack and not after it.");
    put(false, "Withstood it best",
        "Still classified correctly; the margin is the logit of the true class less the largest other.");
  });
}

Json falsify_chunk(const Context& at) {
  return kept_chunk(at, [](const Examples& set, const ImageSet* names, Gallery& gallery) {
    const Words words{"class that should hold", "class of the counter-example", "l1 distance", "input", "counter-example"};
    Json items = Json::array();
    for (const Example& one : set.items) items.push_back(kept_item(one, words, names, gallery));
    gallery.group("Counter-examples with the least change", "Points of the region that the net gives another class than the input.",
                  std::move(items));
  });
}

// --- detectors ---

// Keys by condition: "id", "far:mnist".
std::map<std::string, std::string> detect_keys(const Json& protocol) {
  std::map<std::string, std::string> keys = {{"id", key_at(protocol, "test")}};
  if (keys["id"].empty() || !protocol.at("data").has("ood")) return keys;
  for (const Json& one : protocol.at("data").at("ood").as_array())
    keys[one.get("group", "") + ":" + one.get("label", "")] = one.get("records", "");
  return keys;
}

std::string percent_below(const std::vector<Place>& all, double score) {
  const auto below = std::lower_bound(all.begin(), all.end(), Place{score, INT64_MIN});
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(below - all.begin()) / static_cast<double>(all.size()));
}

// One list of a detector while its pictures are chosen.
struct Scored {
  const std::string& condition;
  const std::map<std::int64_t, double>& scores;
  const ImageSet& images;
  const ImageSet* names;  // of the in-distribution list, whose classes the model knows
  const Columns& predicted;
  const std::vector<Place>& inside;  // scores of the in-distribution inputs, sorted
};

Json scored_item(const Scored& list, const Place& place, Gallery& gallery) {
  const auto& [value, sample] = place;
  const auto row = list.images.rows.find(sample);
  if (row == list.images.rows.end()) bad_input("a scored input that is not in its list");
  Json facts = Json::Array{fact("score", number_text(value)),
                           fact("in-distribution inputs below", percent_below(list.inside, value))};
  const auto label = list.images.labels.find(sample);
  if (list.condition == "id" && label != list.images.labels.end())
    facts.push_back(fact("true class", list.images.class_name(label->second)));
  const auto guess = list.predicted.of(list.condition, sample);
  if (guess && list.names != nullptr)
    facts.push_back(fact("classified as", list.names->class_name(static_cast<std::int64_t>(*guess))));
  return item(sample, std::move(facts),
              Json::Array{Gallery::picture("input", gallery.add(list.images.at(row->second)))});
}

void add_scored(const Scored& list, Gallery& gallery) {
  const bool id = list.condition == "id";
  const std::vector<Place> places = sorted(list.scores);
  for (const bool highest : {false, true}) {
    Json items = Json::array();
    for (const Place& place : ends(places, highest)) items.push_back(scored_item(list, place, gallery));
    gallery.group(
        fmt::format("{}: {} scores", id ? "in-distribution" : list.condition, highest ? "highest" : "lowest"),
        id == highest ? "The worst of the detector: they look like the other kind to it." : "The best of the detector.",
        std::move(items));
  }
}

Json detect_chunk(const Context& at) {
  const Columns score(at.db, at.cell.standing->id, "score"), predicted(at.db, at.cell.standing->id, "predicted");
  const auto* in = score.at("id");
  if (in == nullptr || in->empty()) bad_input("no score of an input is stored");
  const std::vector<Place> inside = sorted(*in);
  std::optional<Gallery> gallery;
  std::string left_out, why;
  const ImageSet* names = at.sets.find(key_at(at.data.board.suite.protocol, "test"), why);
  for (const auto& [condition, key] : detect_keys(at.data.board.suite.protocol)) {
    const auto* values = score.at(condition);
    const ImageSet* images = at.sets.find(key, why);
    if (values == nullptr)
      why = "no scores";
    else if (images != nullptr && gallery && !(images->size == gallery->size()))
      why = "pictures of another size";
    if (values == nullptr || images == nullptr || !why.empty()) {
      left_out += fmt::format(" {} is left out: {}.", condition, why);
      continue;
    }
    if (!gallery) gallery.emplace(images->size);
    add_scored({condition, *values, *images, names, predicted, inside}, *gallery);
  }
  if (!gallery) bad_input(left_out.empty() ? "no list has images" : left_out.substr(1));
  return gallery->done("Inputs by the score of the first seed; higher is more anomalous." + left_out);
}

// --- predictions ---

Json predict_chunk(const Context& at) {
  std::string why;
  const ImageSet* images = at.sets.find(key_at(at.data.board.suite.protocol, "test"), why);
  if (images == nullptr) bad_input(why);
  const std::int64_t attempt = at.cell.standing->id;
  const Columns nll(at.db, attempt, "nll"), predicted(at.db, attempt, "predicted"), label(at.db, attempt, "label"),
      confidence(at.db, attempt, "confidence");
  const auto* values = nll.at("test");
  if (values == nullptr || values->empty()) bad_input("no outcome of an input is stored");
  Gallery gallery(images->size);
  const std::vector<Place> places = sorted(*values);
  for (const bool worst : {true, false}) {
    Json items = Json::array();
    for (const auto& [value, sample] : ends(places, worst)) {
      const auto row = images->rows.find(sample);
      if (row == images->rows.end()) bad_input("an outcome of an input that is not in its list");
      Json facts = Json::Array{fact("negative log-likelihood", number_text(value))};
      const auto name = [&](const char* what, const std::optional<double>& one) {
        if (one) facts.push_back(fact(what, images->class_name(static_cast<std::int64_t>(*one))));
      };
      name("true class", label.of("test", sample));
      name("classified as", predicted.of("test", sample));
      if (const auto sure = confidence.of("test", sample)) facts.push_back(fact("confidence", number_text(*sure)));
      items.push_back(
          item(sample, std::move(facts), Json::Array{Gallery::picture("input", gallery.add(images->at(row->second)))}));
    }
    gallery.group(worst ? "Worst: the true class was least likely" : "Best: the true class was most likely", "",
                  std::move(items));
  }
  return gallery.done("Test inputs by the negative log-likelihood of their class, of the first seed.");
}

using Maker = Json (*)(const Context&);
struct Kind {
  Maker make = nullptr;
  const char* about = "";
};
Kind kind_of(const std::string& task) {
  if (task == "attack")
    return {attack_chunk,
            "Inputs before and after an attack with their amplified difference, as its judge kept them for the suite's "
            "first seed"};
  if (task == "falsify")
    return {falsify_chunk, "Inputs beside counter-examples in their regions, as the judge kept them for the suite's first seed"};
  if (task == "detect")
    return {detect_chunk,
            "In-distribution and out-of-distribution inputs with the lowest and the highest scores of the first seed"};
  if (task == "predict" || task == "compress" || task == "reduce")
    return {predict_chunk, "Test inputs on which the first seed was worst and best"};
  return {};
}

// The cell to show: of attacks and analyzers the first whose judge kept pictures, a baseline last; else the first that is done.
const store::CellRecord* cell_of(const store::Store& db, const std::vector<const store::CellRecord*>& cells,
                                 bool kept_by_judge) {
  const store::CellRecord *first = nullptr, *kept = nullptr;
  for (const store::CellRecord* cell : cells) {
    if (!cell->standing || cell->standing->status != "ok" || cell->standing->level == store::Level::invalid) continue;
    if (first == nullptr) first = cell;
    if (!kept_by_judge) return cell;
    for (const auto& one : db.artifacts(cell->standing->id))
      if (one.made && one.name == examples_file && (kept == nullptr || (kept->baseline && !cell->baseline)))
        kept = cell;
  }
  return kept != nullptr ? kept : first;
}

bool shown(const board::Row& row) {
  return row.ranked || (row.level == store::Level::suspect && row.coverage.done > 0);
}

}  // namespace

ExamplesOf write_examples(const store::Store& db, const BoardData& data, const fs::path& cache, ChunkWriter& writer,
                          std::uint64_t& spent) {
  ExamplesOf out;
  const Kind kind = kind_of(data.board.suite.task);
  if (kind.make == nullptr) return out;
  out.about = fmt::format("{}; of the first {} rows of a board that are ranked or SUSPECT, at most {} MB in a site.",
                          kind.about, example_rows, example_bytes >> 20);
  std::map<std::string, const store::CellRecord*> by_key;
  for (const auto& cell : data.cells) by_key[cell.generation] = &cell;
  ImageSets sets(db, cache);
  std::size_t rows = 0;
  for (std::size_t r = 0; r < data.board.rows.size() && rows < example_rows; ++r) {
    const board::Row& row = data.board.rows[r];
    if (!shown(row)) continue;
    ++rows;
    std::vector<const store::CellRecord*> cells;
    for (const std::string& key : row.cells)
      if (by_key.count(key) > 0) cells.push_back(by_key.at(key));
    std::string& why = out.rows[r];
    const store::CellRecord* cell = cell_of(db, cells, data.board.suite.task == "attack" || data.board.suite.task == "falsify");
    if (cell == nullptr || spent >= example_bytes) {
      why = cell == nullptr ? "no cell of this row is done" : "the site's cap on pictures is met";
      continue;
    }
    try {
      Json chunk = kind.make({db, data, sets, *cell});
      chunk["cell"] = short_cell(cell->generation);
      chunk["label"] = cell->label;
      spent += writer.write(fmt::format("examples/{}-{}", data.id, r), chunk);
      out.cells[cell->generation] = r;
    } catch (const std::exception& error) {  // a site is written whatever the cache holds
      why = error.what();
    }
  }
  return out;
}

}  // namespace assay::site
