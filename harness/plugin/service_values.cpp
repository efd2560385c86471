// assay.list/1, assay.bundle/1, assay.state/1, and op attributes from lists and bundles.
#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

// [any-thread] readers skip enter(): they only look.
template <class Body>
assay_status look(const assay_host* abi, Body&& body) noexcept {
  Host& host = Host::of(abi);
  try {
    return body(host);
  } catch (const ServiceError& error) {
    return host.fail(error.status(), error.what());
  } catch (const std::exception& error) {
    return host.fail(ASSAY_INTERNAL, error.what());
  }
}
ListObject& list(Host& host, const assay_object* object) { return host.as<ListObject>(object, ASSAY_LIST, "list"); }
BundleObject& bundle(Host& host, const assay_object* object) {
  return host.as<BundleObject>(object, ASSAY_BUNDLE, "bundle");
}
StateObject& state(Host& host, const assay_object* object) {
  return host.as<StateObject>(object, ASSAY_STATE, "state");
}

template <class Map>
assay_status name_of(Host& host, const Map& values, std::size_t index, const char** out) {
  if (index >= values.size()) return host.fail(ASSAY_NOT_FOUND, "index beyond the last name");
  *required(out, "out") = std::next(values.begin(), static_cast<std::ptrdiff_t>(index))->first.c_str();
  return ASSAY_OK;
}

assay_status list_create(const assay_host* abi, const assay_value* items, std::size_t n, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    std::vector<Held> held;
    held.reserve(n);
    for (std::size_t i = 0; i < n; ++i) held.push_back(host.hold(required(items, "items")[i]));
    *required(out, "out") = host.make<ListObject>(std::move(held));
  });
}
assay_status list_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return look(abi, [&](Host& host) {
    *required(out, "out") = list(host, object).items.size();
    return ASSAY_OK;
  });
}
assay_status list_at(const assay_host* abi, const assay_object* object, std::size_t index, assay_value* out) noexcept {
  return look(abi, [&](Host& host) {
    const auto& items = list(host, object).items;
    if (index >= items.size()) return host.fail(ASSAY_NOT_FOUND, "index beyond the end of the list");
    *required(out, "out") = items[index].borrowed();
    return assay_status{ASSAY_OK};
  });
}

assay_status bundle_create(const assay_host* abi, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = host.make<BundleObject>(); });
}
assay_status bundle_get(const assay_host* abi, const assay_object* object, const char* name,
                        assay_value* out) noexcept {
  return look(abi, [&](Host& host) {
    const auto& values = bundle(host, object).values;
    const auto found = values.find(required(name, "name"));
    if (found == values.end()) return assay_status{ASSAY_NOT_FOUND};
    *required(out, "out") = found->second.borrowed();
    return assay_status{ASSAY_OK};
  });
}
assay_status bundle_set(const assay_host* abi, assay_object* object, const char* name,
                        const assay_value* value) noexcept {
  return serve(abi, [&](Host& host) {
    BundleObject& target = bundle(host, object);
    if (required(value, "value")->o == object && object != nullptr && value->type == ASSAY_BUNDLE) {
      throw ServiceError(ASSAY_INVALID, "a bundle cannot hold itself");
    }
    target.values[required(name, "name")] = host.hold(*value);
  });
}
assay_status bundle_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return look(abi, [&](Host& host) {
    *required(out, "out") = bundle(host, object).values.size();
    return ASSAY_OK;
  });
}
assay_status bundle_name_at(const assay_host* abi, const assay_object* object, std::size_t index,
                            const char** out) noexcept {
  return look(abi, [&](Host& host) { return name_of(host, bundle(host, object).values, index, out); });
}

assay_status state_create(const assay_host* abi, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = host.make<StateObject>(); });
}
assay_status state_set(const assay_host* abi, assay_object* object, const char* name,
                       const assay_object* tensor) noexcept {
  return serve(abi, [&](Host& host) { state(host, object).value[required(name, "name")] = host.tensor(tensor); });
}
assay_status state_get(const assay_host* abi, const assay_object* object, const char* name,
                       assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const State& values = state(host, object).value;
    const auto found = values.find(required(name, "name"));
    if (found == values.end()) throw ServiceError(ASSAY_NOT_FOUND, std::string("the state holds no '") + name + "'");
    *required(out, "out") = host.give(found->second);
  });
}
assay_status state_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return look(abi, [&](Host& host) {
    *required(out, "out") = state(host, object).value.size();
    return ASSAY_OK;
  });
}
assay_status state_name_at(const assay_host* abi, const assay_object* object, std::size_t index,
                           const char** out) noexcept {
  return look(abi, [&](Host& host) { return name_of(host, state(host, object).value, index, out); });
}

engine::Attrs::Item list_item(const ListObject& list) {
  bool real = false;
  for (const Held& held : list.items) {
    if (held.type != ASSAY_INT && held.type != ASSAY_REAL) {
      throw ServiceError(ASSAY_INVALID, "a list attribute holds integers or reals");
    }
    real = real || held.type == ASSAY_REAL;
  }
  if (real) {
    std::vector<double> values;
    for (const Held& held : list.items) values.push_back(held.type == ASSAY_INT ? static_cast<double>(held.i) : held.r);
    return values;
  }
  std::vector<std::int64_t> values;
  for (const Held& held : list.items) values.push_back(held.i);
  return values;
}

engine::Attrs::Item item_of(Host& host, const assay_value& value) {
  switch (value.type) {
    case ASSAY_BOOL:
    case ASSAY_INT:
      return value.i;
    case ASSAY_REAL:
      return value.r;
    case ASSAY_TEXT:
    case ASSAY_CHOICE:
      return std::string(required(value.s, "attribute text"));
    case ASSAY_LIST:
      return list_item(list(host, value.o));
    default:
      throw ServiceError(ASSAY_INVALID, "an attribute is a bool, integer, real, text or list of numbers");
  }
}

}  // namespace

engine::Attrs attrs_of(Host& host, const assay_arg* const* attrs, std::size_t n) {
  engine::Attrs result;
  for (std::size_t i = 0; i < n; ++i) {
    const assay_arg& arg = *required(required(attrs, "attrs")[i], "attribute");
    result.set(required(arg.key, "attribute key"), item_of(host, arg.value));
  }
  return result;
}

engine::Attrs attrs_of(Host& host, const BundleObject& content) {
  engine::Attrs result;
  for (const auto& [name, held] : content.values) result.set(name, item_of(host, held.borrowed()));
  return result;
}

const assay_list_service& list_service() {
  static constexpr assay_list_service table{sizeof(table), 0, list_create, list_count, list_at};
  return table;
}
const assay_bundle_service& bundle_service() {
  static constexpr assay_bundle_service table{sizeof(table), 0, bundle_create, bundle_get, bundle_set, bundle_count,
                                              bundle_name_at};
  return table;
}
const assay_state_service& state_service() {
  static constexpr assay_state_service table{sizeof(table), 0,           state_create, state_set,
                                             state_get,     state_count, state_name_at};
  return table;
}

}  // namespace assay::plugin
