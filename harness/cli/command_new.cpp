// assay new ROLE NAME [DIR]: a plugin folder that builds, validates and runs.
#include <CLI/CLI.hpp>
#include <cctype>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/templates.hpp"

namespace assay::cli {
namespace {

struct NewOptions {
  std::string role, name, folder;
};

constexpr std::size_t longest_name = 40;

void check_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= longest_name && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
              name.back() != '-';
  for (std::size_t i = 0; i < name.size() && good; ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    good = std::islower(c) != 0 || std::isdigit(c) != 0 || (c == '-' && name[i - 1] != '-');
  }
  if (!good)
    throw Error(Fault::bad_input, "'" + name + "' cannot be a method id: expected short kebab-case, such as mi-fgsm");
}

std::string snake_case(std::string name) {
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
}

std::string camel_case(const std::string& name) {
  std::string out;
  bool up = true;
  for (const char c : name) {
    if (c != '-') out += up ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    up = c == '-';
  }
  return out;
}

std::string filled(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [key, value] : values)
    for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + value.size()))
      text.replace(at, key.size(), value);
  return text;
}

const RoleTemplate& template_of(const std::string& role) {
  std::vector<std::string> roles;
  for (const RoleTemplate& one : role_templates()) {
    if (one.role == role) return one;
    roles.emplace_back(one.role);
  }
  throw Error(Fault::bad_input, "no scaffold for role '" + role + "'" + suggestion(role, roles));
}

// In the root of a source tree a plugin belongs below plugins/, elsewhere in a folder of its own.
std::filesystem::path default_folder(const RoleTemplate& form, const std::string& name) {
  if (std::filesystem::exists("plugins/CMakeLists.txt") && std::filesystem::exists("harness/include/assay"))
    return std::filesystem::path("plugins") / form.folder / name;
  return name;
}

int make_new(const NewOptions& options) {
  const RoleTemplate& form = template_of(options.role);
  check_name(options.name);
  const std::filesystem::path folder =
      options.folder.empty() ? default_folder(form, options.name) : std::filesystem::path(options.folder);
  if (std::filesystem::exists(folder) && !std::filesystem::is_empty(folder))
    throw Error(Fault::bad_input, "folder '" + folder.string() + "' is not empty; expected a new one");
  const std::string file = snake_case(options.name);
  const std::vector<std::pair<std::string, std::string>> values = {
      {"@ID@", options.name}, {"@FILE@", file}, {"@TYPE@", camel_case(options.name)}, {"@TASK@", form.task}};
  const std::pair<std::string, const char*> files[] = {{file + ".cpp", form.source},
                                                       {file + ".toml", form.suite},
                                                       {"README.md", readme_template()},
                                                       {"CMakeLists.txt", cmake_template()}};
  for (const auto& [name, text] : files) {
    write_atomic(folder / name, filled(text, values));
    print("{}\n", (folder / name).string());
  }
  remark("next: see " + (folder / "README.md").string());
  return exit_done;
}

}  // namespace

void add_new(CLI::App& app, Action& action) {
  auto options = std::make_shared<NewOptions>();
  CLI::App* command =
      subcommand(app, "new", "A plugin folder that builds, validates and runs", "assay new attack my-attack");
  command->add_option("role", options->role, "attack, detector, ensemble, compressor, trainer, architecture, reducer or analyzer")
      ->required();
  command->add_option("name", options->name, "the method's id in kebab-case")->required();
  command->add_option("folder", options->folder, "where (default: plugins/<kind>/NAME in a source tree, else NAME)");
  command->callback([options, &action] { action = [options] { return make_new(*options); }; });
}

}  // namespace assay::cli
