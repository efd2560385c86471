// Values and their conversion to the ABI's objects and back.
#include "harness/plugin/values.hpp"

#include <array>

#include "harness/base/error.hpp"
#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

constexpr std::array<std::pair<const char*, Access>, 6> kCapabilities{{{"decision", kDecision},
                                                                       {"scores", kScores},
                                                                       {"input-gradient", kInputGradient},
                                                                       {"weights", kWeights},
                                                                       {"taps", kTaps},
                                                                       {"stochastic", kStochastic}}};
constexpr std::array<std::pair<const char*, Access>, 4> kSets{
    {{"white-box", kWhiteBox}, {"score", kDecision | kScores}, {"decision", kDecision}, {"transfer", kNoAccess}}};

template <class... Lambdas>
struct Overloaded : Lambdas... {
  using Lambdas::operator()...;
};
template <class... Lambdas>
Overloaded(Lambdas...) -> Overloaded<Lambdas...>;

[[noreturn]] void wrong_type(const std::string& name, const Value& value, const char* wanted) {
  throw Error(Fault::constraint, "'" + name + "' is " + value.type_name() + ", not " + wanted);
}

template <class T>
const T& get(const Bundle& bundle, const std::string& name, const char* wanted) {
  const Value& value = bundle.at(name);
  if (const T* found = std::get_if<T>(&value.data)) return *found;
  wrong_type(name, value, wanted);
}

}  // namespace

Access access_from_name(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, access] : kSets) {
    if (name == known) return access;
    names.emplace_back(known);
  }
  for (const auto& [known, access] : kCapabilities) {
    if (name == known) return access;
    names.emplace_back(known);
  }
  throw Error(Fault::bad_input, "unknown access '" + name + "'" + suggestion(name, names));
}

std::vector<std::string> access_names(Access access) {
  std::vector<std::string> names;
  for (const auto& [name, bit] : kCapabilities) {
    if ((access & bit) != 0) names.emplace_back(name);
  }
  return names;
}

Model::Model(std::shared_ptr<const graph::Graph> content, Access rights, std::string name, std::int64_t batch)
    : graph(std::move(content)),
      executor(std::make_shared<graph::Executor>(graph, batch)),
      access(rights),
      label(std::move(name)),
      macs_per_sample(graph::macs(*graph)) {}

Model Model::with_search(graph::Precision precision) const {
  Model model = *this;
  if (precision != graph::Precision::f32) model.search = std::make_shared<Search>(graph, executor->batch(), precision);
  return model;
}

Model Model::with_access(Access other) const {
  Model model = *this;
  model.access = other;
  return model;
}

const char* Value::type_name() const {
  static constexpr const char* names[] = {"nothing",  "a bool",  "an integer", "a real",  "a text",
                                          "a tensor", "a model", "records",    "a state", "a list"};
  return names[data.index()];
}

Bundle& Bundle::set(const std::string& name, Value value) {
  values[name] = std::move(value);
  return *this;
}
const Value& Bundle::at(const std::string& name) const {
  const auto found = values.find(name);
  if (found != values.end()) return found->second;
  std::string left;
  for (const auto& [other, value] : values) left += (left.empty() ? "" : ", ") + other;
  throw Error(Fault::constraint, "the method left no '" + name + "'; it left " + (left.empty() ? "nothing" : left));
}
const engine::Tensor& Bundle::tensor(const std::string& name) const {
  return get<engine::Tensor>(*this, name, "a tensor");
}
const Model& Bundle::model(const std::string& name) const { return get<Model>(*this, name, "a model"); }
Records Bundle::records(const std::string& name) const { return get<Records>(*this, name, "records"); }
const std::string& Bundle::text(const std::string& name) const { return get<std::string>(*this, name, "a text"); }
std::int64_t Bundle::integer(const std::string& name) const { return get<std::int64_t>(*this, name, "an integer"); }
double Bundle::real(const std::string& name) const {
  if (const auto* whole = std::get_if<std::int64_t>(&at(name).data)) return static_cast<double>(*whole);
  return get<double>(*this, name, "a real");
}

// ---- conversion

Held Host::hold(const Value& value) {
  Held held;
  const auto object = [&held](assay_object* made) {
    held.type = made->kind;
    held.o = Ref::adopt(made);
  };
  std::visit(Overloaded{[](std::monostate) {}, [&](bool v) { held.type = ASSAY_BOOL, held.i = v ? 1 : 0; },
                        [&](std::int64_t v) { held.type = ASSAY_INT, held.i = v; },
                        [&](double v) { held.type = ASSAY_REAL, held.r = v; },
                        [&](const std::string& v) { held.type = ASSAY_TEXT, held.s = v; },
                        [&](const engine::Tensor& v) { object(make<TensorObject>(v)); },
                        [&](const Model& v) { object(make<ModelObject>(v)); },
                        [&](const Records& v) { object(make<RecordsObject>(v)); },
                        [&](const State& v) { object(make<StateObject>(v)); },
                        [&](const Value::List& v) {
                          std::vector<Held> items;
                          for (const Value& item : v) items.push_back(hold(item));
                          object(make<ListObject>(std::move(items)));
                        }},
             value.data);
  return held;
}

Held Host::hold(const assay_value& value) {
  Held held;
  held.type = value.type;
  switch (value.type) {
    case ASSAY_NONE:
      break;
    case ASSAY_BOOL:
      held.i = value.i != 0 ? 1 : 0;
      break;
    case ASSAY_INT:
      held.i = value.i;
      break;
    case ASSAY_REAL:
      held.r = value.r;
      break;
    case ASSAY_TEXT:
    case ASSAY_CHOICE:
      held.s = required(value.s, "text value");
      break;
    default:
      if (!known(value.o)) throw ServiceError(ASSAY_INVALID, "value: not a live handle of this host");
      if (value.o->kind != value.type) throw ServiceError(ASSAY_INVALID, "value: type and kind of the handle differ");
      held.o = Ref::share(value.o);
  }
  return held;
}

Value Host::plain(const Held& held) const {
  switch (held.type) {
    case ASSAY_BOOL:
      return held.i != 0;
    case ASSAY_INT:
      return held.i;
    case ASSAY_REAL:
      return held.r;
    case ASSAY_TEXT:
    case ASSAY_CHOICE:
      return held.s;
    case ASSAY_TENSOR:
      return static_cast<TensorObject*>(held.o.get())->value;
    case ASSAY_MODEL:
      return static_cast<ModelObject*>(held.o.get())->value;
    case ASSAY_RECORDS:
      return static_cast<RecordsObject*>(held.o.get())->value;
    case ASSAY_STATE:
      return static_cast<StateObject*>(held.o.get())->value;
    case ASSAY_LIST: {
      Value::List items;
      for (const Held& item : static_cast<ListObject*>(held.o.get())->items) items.push_back(plain(item));
      return items;
    }
    default:
      return {};
  }
}

Ref Host::bundle(const Bundle& bundle) {
  BundleObject* object = make<BundleObject>();
  Ref ref = Ref::adopt(object);
  for (const auto& [name, value] : bundle.values) object->values[name] = hold(value);
  return ref;
}

Bundle Host::plain(const BundleObject& bundle) const {
  Bundle result;
  for (const auto& [name, held] : bundle.values) result.set(name, plain(held));
  return result;
}

ModelObject::ModelObject(Host& owner, Model model) : assay_object(owner, ASSAY_MODEL), value(std::move(model)) {
  if (!value.graph->inputs.empty()) input_shape = value.graph->inputs.front().spec.shape;
  for (const auto& [name, target] : value.graph->taps) taps.push_back(name);
  for (const auto& [name, parameter] : value.graph->parameters) params.push_back(name);
}

}  // namespace assay::plugin
