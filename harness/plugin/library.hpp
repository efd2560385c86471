// Plugin libraries and instances. The only place that opens a library; it is never closed (destructors of thread-local
// objects and atexit handlers in it may run later).
//
//   const PluginLibrary library = PluginLibrary::open("pgd.so");
//   Instance pgd = library.create("pgd", params, context);
//   Bundle out = pgd.perturb(attack_inputs({...}));
//
// Threading: one thread an instance. A failing method throws PluginError; a crashing one takes the process with it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/plugin/context.hpp"
#include "harness/record/descriptor.hpp"

struct assay_plugin;

namespace assay::plugin {

class PluginError : public Error {
 public:
  PluginError(int status, const std::string& message);
  int status() const noexcept { return status_; }  // ASSAY_* of plugin.h
  bool budget_exhausted() const noexcept;
  bool denied() const noexcept;  // access that the handle does not grant
  bool cancelled() const noexcept;

 private:
  int status_;
};
const char* status_name(int status);  // "INVALID", "BUDGET", ...

class Host;  // host.hpp: services behind one instance

class Instance {
 public:
  Instance(Instance&&) noexcept;
  Instance& operator=(Instance&&) noexcept;
  ~Instance();  // destroys the plugin's instance

  const Descriptor& descriptor() const;
  bool has(const std::string& role, const std::string& function) const;  // has("detector", "fit")
  // Calls role table `role` ("attack"), entry `function` ("perturb"). Throws PluginError when it fails and
  // Error(bad_input) when the plugin does not answer the role.
  Bundle call(const std::string& role, const std::string& function, const Bundle& in);

  Bundle perturb(const Bundle& in) { return call("attack", "perturb", in); }
  void fit(const Bundle& in) {
    if (has("detector", "fit")) call("detector", "fit", in);
  }
  Bundle score(const Bundle& in) { return call("detector", "score", in); }
  Bundle train(const Bundle& in) { return call("trainer", "train", in); }
  Bundle objective(const Bundle& in) { return call("trainer", "objective", in); }
  Bundle combine(const Bundle& in) { return call("ensemble", "combine", in); }
  Bundle predict(const Bundle& in) { return call("ensemble", "predict", in); }
  Bundle compress(const Bundle& in) { return call("compressor", "compress", in); }
  Bundle reduce(const Bundle& in) { return call("reducer", "reduce", in); }
  Bundle analyze(const Bundle& in) { return call("analyzer", "analyze", in); }
  Bundle build(const Bundle& in) { return call("architecture", "build", in); }

  bool stateful() const;
  State save();
  void load(const State& state);

  const Counters& counters() const;
  const std::vector<Exhausted>& exhausted() const;  // budgets that ran out in the last call, caught or not
  Host& host() { return *host_; }
  // Ends the plugin's instance now and says what it left behind ("" when all handles came back and no misuse was seen).
  std::string destroy();

 private:
  friend class PluginLibrary;
  Instance() = default;
  const assay_plugin* plugin_ = nullptr;
  std::shared_ptr<const Descriptor> descriptor_;
  std::unique_ptr<Host> host_;
  void* self_ = nullptr;
};

class PluginLibrary {
 public:
  // Checks the file before and the descriptors after loading. Throws Error(bad_input) naming the file and, for a bad
  // descriptor, the field: "libx.so: descriptor 'pgd': param 'eps': fallback 2 is outside [0, 1]".
  // check_defaults false is for the validator, which judges the parameters' defaults itself.
  static PluginLibrary open(const std::filesystem::path& file, bool check_defaults = true);
  const std::vector<Descriptor>& descriptors() const& { return descriptors_; }
  std::vector<Descriptor> descriptors() && { return std::move(descriptors_); }  // safe in `for (... : open(f).descriptors())`
  const Descriptor& descriptor(const std::string& id) const;  // throws Error(bad_input) with the nearest id
  // params: as given in a suite; expanded here (record/params.hpp). Throws Error(bad_input) or PluginError.
  Instance create(const std::string& id, const Json& params, HostContext context) const;
  // Any id, no check: for the validator.
  Instance create_unchecked(const std::string& id, const Json& expanded, HostContext context) const;
  const assay_plugin* table() const { return plugin_; }

 private:
  const assay_plugin* plugin_ = nullptr;
  std::vector<Descriptor> descriptors_;
  std::filesystem::path file_;
};

// SHA-256 over the loadable ELF segments without notes and section table: the same for a stripped copy, and changed by
// any byte that reaches memory. Throws Error(bad_input) when the file is no ELF library of this machine.
std::string plugin_digest(const std::filesystem::path& file);
// Names of the defined dynamic symbols.
std::vector<std::string> exported_symbols(const std::filesystem::path& file);

}  // namespace assay::plugin
