// assay completion bash|zsh|fish: a script that completes commands and options, made from the declarations themselves.
#include <CLI/CLI.hpp>

#include <memory>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"

namespace assay::cli {
namespace {

struct Words {
  std::string command;             // "data fetch"
  std::string says;
  std::vector<std::string> words;  // subcommands and options
};

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) words.push_back(one->get_name());
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  return words;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Words>& out) {
  Words own{path, app.get_description(), words_of(app)};
  if (path == "list") own.words.insert(own.words.end(), {"methods", "models", "datasets", "suites", "ops", "metrics"});
  if (path == "new") own.words.insert(own.words.end(), {"attack", "detector", "ensemble", "compressor", "trainer", "architecture", "reducer", "analyzer"});
  if (path == "completion") own.words.insert(own.words.end(), {"bash", "zsh", "fish"});
  out.push_back(own);
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
    collect(*one, path.empty() ? one->get_name() : path + " " + one->get_name(), out);
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

std::string bash(const std::vector<Words>& all) {
  std::string text =
      "_assay() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} path=\"\" word words=\"\"\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$word\" in -*) ;; *) [ \"${path#* }\" = \"$path\" ] && path=\"${path:+$path }$word\" ;; esac\n"
      "  done\n"
      "  [ \"${path%% *}\" = data ] || path=${path%% *}\n"
      "  case \"$path\" in\n";
  for (const Words& one : all) text += "    '" + one.command + "') words='" + joined(one.words) + "' ;;\n";
  text +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  case \"$path\" in\n"
      "    run|plan|leaderboard|claims|compare|info) COMPREPLY+=($(compgen -W \"$(assay list suites --format json 2>/dev/null"
      " | sed -n 's/^ *\"name\": \"\\(.*\\)\".*/\\1/p')\" -- \"$cur\")) ;;\n"
      "  esac\n"
      "}\n"
      "complete -o default -F _assay assay\n";
  return text;
}

std::string fish(const std::vector<Words>& all) {
  std::string text = "complete -c assay -f\n";
  for (const Words& one : all) {
    const std::string when = one.command.empty() ? "__fish_use_subcommand" : "__fish_seen_subcommand_from " + one.command;
    for (const std::string& word : one.words) {
      const bool option = word.rfind("--", 0) == 0;
      text += "complete -c assay -n '" + when + "' " + (option ? "-l " + word.substr(2) : "-a " + word) + "\n";
    }
  }
  return text + "complete -c assay -n '__fish_seen_subcommand_from run plan leaderboard claims compare check' -F\n";
}

int completion(const CLI::App& app, const std::string& shell) {
  std::vector<Words> all;
  collect(app, "", all);
  if (shell == "bash")
    print(std::string_view(bash(all)));
  else if (shell == "zsh")
    print(std::string_view("autoload -U +X bashcompinit && bashcompinit\n" + bash(all)));
  else if (shell == "fish")
    print(std::string_view(fish(all)));
  else
    throw Error(Fault::bad_input, "completion: unknown shell '" + shell + "'" + suggestion(shell, {"bash", "zsh", "fish"}));
  return exit_done;
}

}  // namespace

void add_completion(CLI::App& app, Action& action) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = subcommand(app, "completion", "Prints a completion script for bash, zsh or fish", "source <(assay completion bash)");
  command->add_option("shell", *shell, "bash, zsh or fish")->required();
  command->callback([shell, &app, &action] { action = [shell, &app] { return completion(app, *shell); }; });
}

}  // namespace assay::cli
