// Reducers that each leave a set which nothing can be trained on: one for every rejection of harness/tasks/adopt.hpp.
#include <limits>

#include "assay/sdk.hpp"

namespace {

using assay::Bundle;
using assay::DType;
using assay::Records;
using assay::Reduce;
using assay::Run;
using assay::Tensor;

constexpr assay::Info odd(const char* id, const char* summary) {
  return {.id = id, .version = "1.0.0", .summary = summary, .title = "", .baseline = true};
}

// The first rows of train, to be spoiled: {"ids", "input", "target"}.
Bundle first(const Reduce& in, std::int64_t count) { return in.train.rows(0, count).fields; }
Bundle first(const Reduce& in) { return first(in, in.size); }

Records with_pixel(Run& run, const Reduce& in, float value) {
  Bundle fields = first(in);
  const Tensor x = fields.tensor("input");
  std::vector<float> values(x.floats().begin(), x.floats().end());
  values.back() = value;
  fields.set("input", run.tensor(x.shape(), values));
  return Records::of(fields);
}

struct OtherShape {
  static constexpr auto info = odd("odd-shape", "leaves flat inputs");
  Records reduce(Run&, const Reduce& in) const {
    Bundle fields = first(in);
    const Tensor x = fields.tensor("input");
    fields.set("input", reshape(x, {x.dim(0), x.count() / x.dim(0)}));
    return Records::of(fields);
  }
};
struct OtherType {
  static constexpr auto info = odd("odd-type", "leaves inputs of whole numbers");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = first(in);
    fields.set("input", run.zeros(fields.tensor("input").shape(), DType::i64));
    return Records::of(fields);
  }
};
struct NotFinite {
  static constexpr auto info = odd("odd-nan", "leaves an input that is not finite");
  Records reduce(Run& run, const Reduce& in) const { return with_pixel(run, in, std::numeric_limits<float>::quiet_NaN()); }
};
struct OutOfRange {
  static constexpr auto info = odd("odd-range", "leaves an input out of range");
  Records reduce(Run& run, const Reduce& in) const { return with_pixel(run, in, 1.001f); }
};
struct OtherClass {
  static constexpr auto info = odd("odd-class", "leaves a label outside of the classes");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = first(in);
    std::vector<std::int64_t> labels(static_cast<std::size_t>(in.size), 0);
    labels.back() = in.classes;
    fields.set("target", run.tensor<std::int64_t>({in.size}, labels));
    return Records::of(fields);
  }
};
struct TwiceTheSame {
  static constexpr auto info = odd("odd-twice", "leaves a record twice");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = first(in);
    const auto ids = fields.tensor("ids").ints();
    std::vector<std::int64_t> twice(ids.begin(), ids.end());
    twice.back() = twice.front();
    fields.set("ids", run.tensor<std::int64_t>({in.size}, twice));
    return Records::of(fields);
  }
};
struct Nothing {
  static constexpr auto info = odd("odd-none", "leaves no record");
  Records reduce(Run&, const Reduce& in) const { return Records::of(first(in, 0)); }
};
struct TooMany {
  static constexpr auto info = odd("odd-many", "leaves more records than were asked for");
  Records reduce(Run&, const Reduce& in) const { return Records::of(first(in, in.size + 1)); }
};
struct NoLabels {
  static constexpr auto info = odd("odd-unlabelled", "leaves inputs alone");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = Bundle::create(run.api());
    fields.set("input", first(in).tensor("input"));
    return Records::of(fields);
  }
};
struct OtherField {
  static constexpr auto info = odd("odd-field", "leaves a field that the training set has not");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = first(in);
    fields.set("inputs", run.zeros({in.size}));
    return Records::of(fields);
  }
};
struct SoftLabels {
  static constexpr auto info = odd("odd-soft", "leaves soft labels");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = first(in);
    fields.set("soft_target", run.zeros({in.size, in.classes}));
    return Records::of(fields);
  }
};
struct Weights {
  static constexpr auto info = odd("odd-weight", "leaves weights");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = first(in);
    fields.set("weight", run.full({in.size}, 1));
    return Records::of(fields);
  }
};
// No baseline, so that its certificate is asked for: nothing learns three classes from one.
struct Forgetful {
  static constexpr assay::Info info{
      .id = "odd-forgetful", .version = "1.0.0", .summary = "leaves one class", .title = "None", .year = 2024};
  Records reduce(Run&, const Reduce& in) const {
    std::vector<std::int64_t> positions;
    const auto labels = in.train.rows(0, in.train.size()).y();
    for (std::int64_t i = 0; i < in.train.size() && static_cast<std::int64_t>(positions.size()) < in.size; ++i)
      if (labels.ints()[static_cast<std::size_t>(i)] == 0) positions.push_back(i);
    return Records::of(in.train.rows(positions).fields);
  }
};
// Sound: brightens one record, keeps one, makes one anew.
struct Mixed {
  static constexpr auto info = odd("odd-mixed", "leaves three records of three origins");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = first(in, 3);
    const Tensor x = fields.tensor("input");
    std::vector<float> values(x.floats().begin(), x.floats().end());
    for (std::size_t i = 0; i < values.size() / 3; ++i) values[i] = 0.3f;
    fields.set("input", run.tensor(x.shape(), values));
    const auto ids = fields.tensor("ids").ints();
    fields.set("ids", run.tensor<std::int64_t>({3}, {ids[0], ids[1], 5}));
    return Records::of(fields);
  }
};
struct Unnamed {
  static constexpr auto info = odd("odd-unnamed", "leaves train's records as new ones");
  Records reduce(Run& run, const Reduce& in) const {
    Bundle fields = Bundle::create(run.api());
    for (const char* name : {"input", "target"}) fields.set(name, first(in).tensor(name));
    return Records::of(fields);
  }
};

}  // namespace

ASSAY_PLUGIN(OtherShape, OtherType, NotFinite, OutOfRange, OtherClass, TwiceTheSame, Nothing, TooMany, NoLabels, OtherField, SoftLabels,
             Weights, Forgetful, Mixed, Unnamed)
