// SDK glue: the C tables of a method type, its descriptor, and ASSAY_PLUGIN, which defines the one exported symbol.
#pragma once

#include "assay/sdk/roles.hpp"

// An instance as the host holds it. `call` tables are static; the method and its host live here.
struct assay_instance {
  explicit assay_instance(const assay_host* host) : api(host) {}
  virtual ~assay_instance() = default;
  virtual const void* role(std::string_view id) = 0;
  assay::sdk::Api api;
};

namespace assay::sdk {

template <class T>
struct Instance final : assay_instance {
  explicit Instance(const assay_host* host) : assay_instance(host) {}
  T method{};
  const void* role(std::string_view id) override;
};

// Runs body(method, run, in, out) behind guard(). `in` is borrowed and `out` belongs to the host.
template <class T, class Body>
assay_status call(assay_instance* self, const assay_object* in, assay_object* out, Body&& body) noexcept {
  return guard(self->api.host(), [&] {
    Run run(self->api);
    Bundle input(Object::borrow(self->api, in)), output(Object::borrow(self->api, out));
    body(static_cast<Instance<T>*>(self)->method, run, input, output);
  });
}

template <class T>
struct Tables {
  static assay_status perturb(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      output.set("x", Tensor(method.attack(run, attack_batch(input))));
    });
  }
  static assay_status fit(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle&) {
      method.fit(run,
                 Fit{model_of(input.at("model")), records_or_none(input, "train"), input.integer("classes"), input});
    });
  }
  static assay_status score(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      output.set("score", Tensor(method.score(run, plain_batch(input))));
    });
  }
  static assay_status train(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      const Training training{model_of(input.at("model")), records_or_none(input, "train"), input.integer("epochs"),
                              input.integer("batch"), input};
      output.set("model", Model(method.train(run, training)));
    });
  }
  static assay_status objective(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      const Tensor result = method.objective(run, step_of(input));
      output.set(result.count() == 1 ? "loss" : "grad", result);
    });
  }
  static assay_status combine(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      output.set("model", Model(method.combine(run, members_of(input))));
    });
  }
  static assay_status predict(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      output.set("probabilities", Tensor(method.predict(run, members_of(input), plain_batch(input))));
    });
  }
  static assay_status compress(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      const Compress compress{model_of(input.at("model")), records_or_none(input, "train"), input.text("target"),
                              input.real("value"), input};
      output.set("model", Model(method.compress(run, compress)));
    });
  }
  static assay_status reduce(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      output.set("records", Records(method.reduce(run, reduce_of(input))));
    });
  }
  static assay_status analyze(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      const Findings found = method.analyze(run, analyze_of(input));
      State state = State::create(run.api());
      state.set("verdict", found.verdict);
      state.set("scope", found.scope);
      state.set("witness", found.witness);
      state.set("explored", found.explored);
      output.set("findings", state);
    });
  }
  static assay_status build(assay_instance* self, const assay_object* in, assay_object* out) noexcept {
    return call<T>(self, in, out, [](T& method, Run& run, const Bundle& input, Bundle& output) {
      output.set("model", Model(method.build(run, build_of(input))));
    });
  }
  static assay_status save(assay_instance* self, assay_object* state) noexcept {
    return guard(self->api.host(), [&] {
      Run run(self->api);
      State handle(Object::borrow(self->api, state));
      static_cast<Instance<T>*>(self)->method.save(run, handle);
    });
  }
  static assay_status load(assay_instance* self, const assay_object* state) noexcept {
    return guard(self->api.host(), [&] {
      Run run(self->api);
      const State handle(Object::borrow(self->api, state));
      static_cast<Instance<T>*>(self)->method.load(run, handle);
    });
  }
};

// One table a role; a call that the type lacks stays NULL.
template <class T>
inline constexpr assay_attack attack_table = [] {
  assay_attack table{sizeof(assay_attack), 0, nullptr};
  if constexpr (Attacks<T>) table.perturb = &Tables<T>::perturb;
  return table;
}();
template <class T>
inline constexpr assay_detector detector_table = [] {
  assay_detector table{sizeof(assay_detector), 0, nullptr, nullptr};
  if constexpr (Fits<T>) table.fit = &Tables<T>::fit;
  if constexpr (Scores<T>) table.score = &Tables<T>::score;
  return table;
}();
template <class T>
inline constexpr assay_trainer trainer_table = [] {
  assay_trainer table{sizeof(assay_trainer), 0, nullptr, nullptr};
  if constexpr (Trains<T>) table.train = &Tables<T>::train;
  if constexpr (Objectives<T>) table.objective = &Tables<T>::objective;
  return table;
}();
template <class T>
inline constexpr assay_ensemble ensemble_table = [] {
  assay_ensemble table{sizeof(assay_ensemble), 0, nullptr, nullptr};
  if constexpr (Combines<T>) table.combine = &Tables<T>::combine;
  if constexpr (Predicts<T>) table.predict = &Tables<T>::predict;
  return table;
}();
template <class T>
inline constexpr assay_compressor compressor_table = [] {
  assay_compressor table{sizeof(assay_compressor), 0, nullptr};
  if constexpr (Compresses<T>) table.compress = &Tables<T>::compress;
  return table;
}();
template <class T>
inline constexpr assay_architecture architecture_table = [] {
  assay_architecture table{sizeof(assay_architecture), 0, nullptr};
  if constexpr (Builds<T>) table.build = &Tables<T>::build;
  return table;
}();
template <class T>
inline constexpr assay_reducer reducer_table = [] {
  assay_reducer table{sizeof(assay_reducer), 0, nullptr};
  if constexpr (Reduces<T>) table.reduce = &Tables<T>::reduce;
  return table;
}();
template <class T>
inline constexpr assay_analyzer analyzer_table = [] {
  assay_analyzer table{sizeof(assay_analyzer), 0, nullptr};
  if constexpr (Analyzes<T>) table.analyze = &Tables<T>::analyze;
  return table;
}();
template <class T>
inline constexpr assay_stateful stateful_table = [] {
  assay_stateful table{sizeof(assay_stateful), 0, nullptr, nullptr};
  if constexpr (Stores<T>) {
    table.save = &Tables<T>::save;
    table.load = &Tables<T>::load;
  }
  return table;
}();

template <class T>
const void* Instance<T>::role(std::string_view id) {
  if (Attacks<T> && id == ASSAY_ATTACK) return &attack_table<T>;
  if (Scores<T> && id == ASSAY_DETECTOR) return &detector_table<T>;
  if ((Trains<T> || Objectives<T>)&&id == ASSAY_TRAINER) return &trainer_table<T>;
  if ((Combines<T> || Predicts<T>)&&id == ASSAY_ENSEMBLE) return &ensemble_table<T>;
  if (Compresses<T> && id == ASSAY_COMPRESSOR) return &compressor_table<T>;
  if (Builds<T> && id == ASSAY_ARCHITECTURE) return &architecture_table<T>;
  if (Reduces<T> && id == ASSAY_REDUCER) return &reducer_table<T>;
  if (Analyzes<T> && id == ASSAY_ANALYZER) return &analyzer_table<T>;
  if (Stores<T> && id == ASSAY_STATEFUL) return &stateful_table<T>;
  return nullptr;
}

// A fixed-capacity list that ends in a null or an empty entry, filled at compile time.
template <class Item, std::size_t N>
struct Filled {
  std::array<Item, N> items{};
  std::size_t size = 0;
  constexpr void add(Item item) { items[size++] = item; }
};

template <class T>
inline constexpr auto role_ids = [] {
  Filled<const char*, 10> roles;
  if (Attacks<T>) roles.add(ASSAY_ATTACK);
  if (Scores<T>) roles.add(ASSAY_DETECTOR);
  if (Trains<T> || Objectives<T>) roles.add(ASSAY_TRAINER);
  if (Combines<T> || Predicts<T>) roles.add(ASSAY_ENSEMBLE);
  if (Compresses<T>) roles.add(ASSAY_COMPRESSOR);
  if (Builds<T>) roles.add(ASSAY_ARCHITECTURE);
  if (Reduces<T>) roles.add(ASSAY_REDUCER);
  if (Analyzes<T>) roles.add(ASSAY_ANALYZER);
  return roles;
}();

// The slots that every method of a role has, then the type's own.
template <class T>
constexpr std::uint64_t access_or(std::uint64_t usual) {
  return T::info.access != 0 ? T::info.access : usual;
}
template <class T>
constexpr bool declares(const assay_slot& own) {
  if constexpr (HasSlots<T>) {
    for (const assay_slot& slot : T::slots) {
      const bool way = (slot.flags & ASSAY_SLOT_OUTPUT) == (own.flags & ASSAY_SLOT_OUTPUT);
      if (way && std::string_view(slot.call) == own.call && std::string_view(slot.name) == own.name) return true;
    }
  }
  return false;
}
template <class T>
inline constexpr auto slot_items = [] {
  Filled<assay_slot, 48> all;
  const auto in = [&all](const char* call, const char* name, assay_type type, SlotOptions o = {}) {
    const assay_slot own = slot(call, name, type, o);
    if (!declares<T>(own)) all.add(own);
  };
  constexpr std::uint64_t scores = ASSAY_ACCESS_DECISION | ASSAY_ACCESS_SCORES;
  if (Attacks<T>) {
    const std::uint64_t access = access_or<T>(scores | (T::info.needs_gradients ? ASSAY_ACCESS_INPUT_GRADIENT : 0));
    in("perturb", "x", ASSAY_TENSOR, {.doc = "clean inputs"});
    in("perturb", "y", ASSAY_TENSOR, {.doc = "true classes, or targets"});
    in("perturb", "victims", ASSAY_MODEL, {.doc = "models under attack", .list = true, .access = access});
    in("perturb", "surrogates", ASSAY_MODEL,
       {.doc = "stand-ins that may be differentiated", .optional = true, .list = true, .access = access});
    in("perturb", "x", ASSAY_TENSOR, {.doc = "adversarial inputs", .output = true});
  }
  if (Scores<T>) {
    const std::uint64_t access = access_or<T>(scores);
    if (Fits<T>) in("fit", "model", ASSAY_MODEL, {.doc = "classifier", .access = access});
    if (Fits<T>) in("fit", "train", ASSAY_RECORDS, {.doc = "in-distribution training set"});
    in("score", "model", ASSAY_MODEL, {.doc = "classifier", .access = access});
    in("score", "x", ASSAY_TENSOR, {.doc = "inputs of unknown origin"});
    in("score", "score", ASSAY_TENSOR, {.doc = "one a row, higher = more anomalous", .output = true});
  }
  if (Trains<T>) {
    in("train", "model", ASSAY_MODEL,
       {.doc = "architecture with initial weights", .access = access_or<T>(~0ull >> 58)});
    in("train", "train", ASSAY_RECORDS, {.doc = "training set"});
    in("train", "model", ASSAY_MODEL, {.doc = "trained model", .output = true});
  }
  if (Objectives<T>) {
    in("objective", "logits", ASSAY_TENSOR, {.doc = "outputs of the current model"});
    in("objective", "y", ASSAY_TENSOR, {.doc = "classes"});
    in("objective", "loss", ASSAY_TENSOR, {.doc = "one element, with history", .optional = true, .output = true});
    in("objective", "grad", ASSAY_TENSOR, {.doc = "gradient for the logits", .optional = true, .output = true});
  }
  if (Combines<T>) {
    in("combine", "members", ASSAY_MODEL,
       {.doc = "models to combine", .list = true, .access = access_or<T>(~0ull >> 58)});
    in("combine", "train", ASSAY_RECORDS, {.doc = "training set", .optional = true});
    in("combine", "model", ASSAY_MODEL, {.doc = "the combination as one model", .output = true});
  }
  if (Predicts<T>) {
    in("predict", "members", ASSAY_MODEL,
       {.doc = "models to combine", .list = true, .access = access_or<T>(~0ull >> 58)});
    in("predict", "x", ASSAY_TENSOR, {.doc = "inputs"});
    in("predict", "probabilities", ASSAY_TENSOR, {.doc = "of each class", .output = true});
  }
  if (Compresses<T>) {
    in("compress", "model", ASSAY_MODEL, {.doc = "trained model", .access = access_or<T>(~0ull >> 58)});
    in("compress", "train", ASSAY_RECORDS, {.doc = "calibration set", .optional = true});
    in("compress", "model", ASSAY_MODEL, {.doc = "compressed model", .output = true});
  }
  if (Builds<T>) in("build", "model", ASSAY_MODEL, {.doc = "network with initial weights", .output = true});
  if (Reduces<T>) {
    in("reduce", "train", ASSAY_RECORDS, {.doc = "training set"});
    in("reduce", "records", ASSAY_RECORDS, {.doc = "the set to train on instead", .output = true});
  }
  if (Analyzes<T>) {
    in("analyze", "model", ASSAY_MODEL, {.doc = "the network asked about", .access = access_or<T>(~0ull >> 58)});
    in("analyze", "x", ASSAY_TENSOR, {.doc = "centres of the regions"});
    in("analyze", "findings", ASSAY_STATE, {.doc = "verdict, scope, witness and explored", .output = true});
  }
  if constexpr (HasSlots<T>) {
    for (const assay_slot& extra : T::slots) all.add(extra);
  }
  return all;
}();
template <class T>
inline constexpr auto slot_table = [] {
  Filled<const assay_slot*, 49> pointers;
  for (std::size_t i = 0; i < slot_items<T>.size; ++i) pointers.add(&slot_items<T>.items[i]);
  return pointers;
}();

template <class T>
inline constexpr assay_citation citation{sizeof(assay_citation), T::info.year, T::info.title, T::info.arxiv};
template <class T>
inline constexpr assay_descriptor descriptor{
    sizeof(assay_descriptor), flags_of(T::info),     T::info.id,
    T::info.version,          T::info.summary,       &citation<T>,
    role_ids<T>.items.data(), param_table<T>.data(), slot_table<T>.items.data()};
template <class... Types>
inline constexpr const assay_descriptor* descriptors[] = {&descriptor<Types>..., nullptr};

template <class T>
std::unique_ptr<assay_instance> make(const assay_host* host, std::span<const assay_arg* const> args) {
  auto instance = std::make_unique<Instance<T>>(host);
  bind_params<T>(instance->api, instance->method, args);
  return instance;
}

template <class... Types>
assay_status create(const assay_host* host, const char* id, const assay_arg* const* args, std::size_t n,
                    assay_instance** out) noexcept {
  return guard(host, [&] {
    std::unique_ptr<assay_instance> made;
    const std::string_view wanted(id);
    ((wanted == Types::info.id ? void(made = make<Types>(host, {args, n})) : void()), ...);
    if (!made) fail(ASSAY_NOT_FOUND, "this plugin has no method '" + std::string(wanted) + "'");
    *out = made.release();
  });
}
inline void destroy(assay_instance* self) noexcept { delete self; }
inline const void* role(assay_instance* self, const char* id) noexcept { return self->role(id); }

template <class... Types>
constexpr assay_plugin plugin() {
  static_assert((HasRole<Types> && ...),
                "a method needs attack(), score(), objective(), train(), combine(), predict(), "
                "compress(), build(), reduce() or analyze() with the signature given in assay/sdk/roles.hpp");
  return {sizeof(assay_plugin),  ASSAY_ABI_MAJOR,   ASSAY_ABI_MINOR, 0,
          descriptors<Types...>, &create<Types...>, &destroy,        &role};
}

}  // namespace assay::sdk

// One or several method types of this library.
#define ASSAY_PLUGIN(...) \
  extern "C" ASSAY_EXPORT constinit const assay_plugin assay_plugin_v0 = ::assay::sdk::plugin<__VA_ARGS__>();
