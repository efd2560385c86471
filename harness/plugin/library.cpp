// Opening plugin libraries with Boost.DLL, and making instances.
#include "harness/plugin/library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <deque>
#include <mutex>

#include "assay/plugin.h"
#include "harness/plugin/host.hpp"
#include "harness/plugin/read_descriptor.hpp"
#include "harness/record/params.hpp"

namespace assay::plugin {
namespace {

constexpr const char* kSymbol = "assay_plugin_v0";

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  bad_input_in(file.string(), why);
}

void check_symbols(const std::filesystem::path& file) {
  std::string other;
  for (const std::string& name : exported_symbols(file)) {
    if (name == kSymbol) return;
    if (name.rfind("assay_plugin_v", 0) == 0) other = name;
  }
  if (!other.empty())
    refuse(file, "exports " + other + ", but this host reads " + kSymbol + "; build it against this version's headers");
  refuse(file, std::string("not a plugin: it does not export ") + kSymbol);
}

// Every library that this process opened. Leaked on purpose, so that none is ever closed (library.hpp says why); the
// static pointer keeps it reachable.
boost::dll::shared_library& kept_library() {
  static std::mutex mutex;
  static auto* all = new std::deque<boost::dll::shared_library>;
  const std::lock_guard lock(mutex);
  return all->emplace_back();
}

const assay_plugin& load(const std::filesystem::path& file) {
  namespace dll = boost::dll;
  const auto mode = dll::load_mode::rtld_now | dll::load_mode::rtld_local;
  boost::system::error_code code;
  dll::shared_library& library = kept_library();
  library.load(std::filesystem::absolute(file).string(), mode, code);
  if (code) refuse(file, "cannot be loaded: " + code.message());
  return library.get<const assay_plugin>(kSymbol);
}

void check_table(const assay_plugin& plugin, const std::filesystem::path& file) {
  if (plugin.struct_size < sizeof(assay_plugin))
    refuse(file, "assay_plugin.struct_size is smaller than the ABI's first version");
  if (plugin.abi_major != ASSAY_ABI_MAJOR) {
    refuse(file, fmt::format("built for ABI {}.{}, this host has {}.{}", plugin.abi_major, plugin.abi_minor,
                             ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR));
  }
  if (plugin.create == nullptr || plugin.destroy == nullptr || plugin.role == nullptr) {
    refuse(file, "create, destroy or role is NULL");
  }
}

// ---- parameters as arguments of create()

class Arguments {
 public:
  Arguments(Host& host, const Descriptor& descriptor, const Json& expanded) {
    held_.reserve(descriptor.params.size());
    args_.reserve(descriptor.params.size());
    for (const ParamSchema& param : descriptor.params) {
      if (!expanded.has(param.key)) continue;
      held_.push_back(hold(host, param, expanded.at(param.key)));
      args_.push_back({sizeof(assay_arg), 0, param.key.c_str(), held_.back().borrowed()});
    }
    for (const assay_arg& arg : args_) pointers_.push_back(&arg);
  }
  const assay_arg* const* data() const { return pointers_.data(); }
  std::size_t size() const { return pointers_.size(); }

 private:
  static Held hold(Host& host, const ParamSchema& param, const Json& value) {
    Held held;
    if (param.type == "bool") held = host.hold(Value(value.as_bool()));
    if (param.type == "int") held = host.hold(Value(static_cast<std::int64_t>(param_real(value))));
    if (param.type == "real") held = host.hold(Value(param_real(value)));
    if (param.type == "text" || param.type == "choice") held = host.hold(Value(value.as_string()));
    if (param.type == "choice") held.type = ASSAY_CHOICE;
    if (param.type == "list") held = host.hold(list(value, param));
    if (param.type == "tensor" && !value.is_null()) held = tensor(host, param);
    if (param.type == "method" && !value.is_null()) {
      throw Error(Fault::unsupported, "parameter '" + param.key + "': references to other methods are not served yet");
    }
    return held;
  }
  static Value list(const Json& value, const ParamSchema& param) {
    const bool reals = param.fallback.size() > 0 && param.fallback.at(std::size_t{0}).is_real();
    Value::List items;
    for (const Json& item : value.as_array()) {
      if (item.is_int() && !reals) {
        items.emplace_back(item.as_int());
      } else if (item.is_string() && param.fallback.size() > 0 && param.fallback.at(std::size_t{0}).is_string()) {
        items.emplace_back(item.as_string());
      } else {
        items.emplace_back(param_real(item));
      }
    }
    return items;
  }
  static Held tensor(Host& host, const ParamSchema& param) {
    const auto found = host.context().tensors.find(param.key);
    if (found == host.context().tensors.end()) {
      throw Error(Fault::bad_input, "parameter '" + param.key + "': the job holds no tensor for it");
    }
    return host.hold(Value(found->second));
  }
  std::vector<Held> held_;
  std::vector<assay_arg> args_;
  std::vector<const assay_arg*> pointers_;
};

}  // namespace

PluginLibrary PluginLibrary::open(const std::filesystem::path& file, bool check_defaults) {
  if (!std::filesystem::exists(file)) throw Error(Fault::io, file.string() + ": no such plugin");
  check_symbols(file);
  PluginLibrary library;
  library.file_ = file;
  library.plugin_ = &load(file);
  check_table(*library.plugin_, file);
  library.descriptors_ = read_descriptors(*library.plugin_, file, check_defaults);
  const std::string digest = plugin_digest(file);
  for (Descriptor& descriptor : library.descriptors_) {
    descriptor.path = std::filesystem::absolute(file).lexically_normal().string();
    descriptor.sha256 = digest;
  }
  return library;
}

const Descriptor& PluginLibrary::descriptor(const std::string& id) const {
  std::vector<std::string> ids;
  for (const Descriptor& descriptor : descriptors_) {
    if (descriptor.id == id) return descriptor;
    ids.push_back(descriptor.id);
  }
  throw Error(Fault::bad_input, file_.string() + ": no method '" + id + "'" + suggestion(id, ids));
}

Instance PluginLibrary::create(const std::string& id, const Json& params, HostContext context) const {
  return create_unchecked(id, expand_params(descriptor(id), params), std::move(context));
}

Instance PluginLibrary::create_unchecked(const std::string& id, const Json& expanded, HostContext context) const {
  Instance instance;
  instance.plugin_ = plugin_;
  const auto same = [&id](const Descriptor& other) { return other.id == id; };
  const auto found = std::find_if(descriptors_.begin(), descriptors_.end(), same);
  instance.descriptor_ = std::make_shared<const Descriptor>(found == descriptors_.end() ? Descriptor{} : *found);
  instance.host_ = std::make_unique<Host>(std::move(context));
  Host& host = *instance.host_;
  assay_instance* made = nullptr;
  assay_status status = ASSAY_INTERNAL;
  {
    const Arguments arguments(host, *instance.descriptor_, expanded);
    try {
      status = plugin_->create(host.abi(), id.c_str(), arguments.data(), arguments.size(), &made);
    } catch (...) {
      throw PluginError(ASSAY_INTERNAL, "method '" + id + "': create() let a C++ exception cross the C boundary");
    }
  }
  if (status != ASSAY_OK) {
    const std::string message = host.take_message();
    throw PluginError(status, "method '" + id + "': create() failed with " + status_name(status) + ": " + message);
  }
  if (made == nullptr) throw PluginError(ASSAY_INTERNAL, "method '" + id + "': create() gave no instance");
  instance.self_ = made;
  return instance;
}

}  // namespace assay::plugin
