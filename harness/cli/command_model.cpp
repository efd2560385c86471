// assay model list|show|import|export: model files. The worker reads and writes them; this program links no engine.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {
namespace {

struct ModelOptions {
  std::string file, out, arch, svg, format = "table";
  std::vector<std::int64_t> input;
  std::int64_t classes = 10, opset = 17;
  std::vector<std::string> params, names, dims;
  bool by_order = false;
};

// KEY=VALUE words, the values as JSON where they are.
Json table_of(const std::vector<std::string>& words, const char* flag) {
  Json table = Json::object({});
  for (const auto& [key, value] : key_values(words, flag)) {
    try {
      table[key] = Json::parse(value);
    } catch (const Error&) {
      table[key] = value;
    }
  }
  return table;
}

Json question(const ModelOptions& options) {
  Json asked = Json::object({{"dims", table_of(options.dims, "--dim")}});
  if (!options.file.empty()) asked["file"] = std::filesystem::absolute(options.file).string();
  if (!options.out.empty()) asked["out"] = std::filesystem::absolute(options.out).string();
  if (!options.arch.empty()) asked["arch"] = options.arch;
  if (!options.input.empty()) asked["input"] = Json(options.input);
  asked["classes"] = options.classes;
  asked["opset"] = options.opset;
  asked["params"] = table_of(options.params, "--set");
  Json names = Json::object({});
  for (const auto& [ours, theirs] : key_values(options.names, "--name")) names[ours] = theirs;
  asked["names"] = names;
  asked["by_order"] = options.by_order;
  return asked;
}

void print_model(const Json& answer) {
  print("{}\n", paint(answer.at("name").as_string(), Tone::bold));
  print("{}", answer.at("text").as_string());
  for (const Json& note : answer.at("notes").as_array()) remark("note: " + note.as_string());
}

int list_models(const ModelOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  Table table({{"id", "architecture"}, {"params", "parameters"}, {"summary", "summary"}});
  const Json known = WorkerClient::standard().info("models");
  for (const Json& item : known.as_array()) {
    const Descriptor one = Descriptor::from_json(item);
    Json params = Json::array();
    for (const ParamSchema& param : one.params) params.push_back(param.key);
    table.add({one.id, params, one.summary});
  }
  table.print(format);
  return exit_done;
}

// A file, or an architecture of the zoo.
Json question_about(ModelOptions options) {
  if (!std::filesystem::exists(options.file)) {
    if (std::filesystem::path(options.file).has_extension())
      throw Error(Fault::bad_input, "no file '" + options.file + "'");
    options.arch = options.file;
    options.file.clear();
  }
  return question(options);
}

int show_model(const ModelOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  Json words = question_about(options);
  words["svg"] = !options.svg.empty();
  Json answer = WorkerClient::standard().model("show", words);
  if (!options.svg.empty()) {
    write_atomic(options.svg, answer.at("svg").as_string());
    answer.object_ref().erase("svg");
    remark("drawn in " + options.svg);
  }
  if (format == Format::json) print(answer.dump(2) + "\n");
  if (format == Format::table) print_model(answer);
  return exit_done;
}

int import_file(const ModelOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const Json answer = WorkerClient::standard().model("import", question(options));
  if (format == Format::json) {
    print(answer.dump(2) + "\n");
    return exit_done;
  }
  if (answer.has("mapping")) {
    Table table({{"ours", "parameter"}, {"theirs", "tensor of the file"}});
    for (const auto& [ours, theirs] : answer.at("mapping").as_object()) table.add({ours, theirs});
    table.print(format);
  }
  for (const Json& note : answer.at("notes").as_array()) remark("note: " + note.as_string());
  print("{}: {} parameters, {:.4g} MACs, written to {}\n", options.file, answer.at("parameter_count").as_int(),
        answer.at("macs").as_real(), options.out);
  return exit_done;
}

int export_file(const ModelOptions& options) {
  const Json answer = WorkerClient::standard().model("export", question_about(options));
  const std::string opset = answer.has("opset") ? fmt::format(", opset {}", answer.at("opset").as_int()) : "";
  print("{}: {}{}\n", options.out, bytes_text(answer.at("bytes").as_real()), opset);
  return exit_done;
}

void add_build_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--input", options.input, "shape of one sample, such as 3,32,32")->delimiter(',');
  command.add_option("--classes", options.classes, "outputs of the net");
  command.add_option("--set", options.params, "a parameter of the architecture, KEY=VALUE");
}

CLI::App* declare_model(CLI::App& group, Action& action, const char* name, const char* says, const char* example,
                        const std::shared_ptr<ModelOptions>& options, int (*work)(const ModelOptions&)) {
  CLI::App* command = subcommand(group, name, says, example);
  command->callback([options, &action, work] { action = [options, work] { return work(*options); }; });
  return command;
}

}  // namespace

void add_model(CLI::App& app, Action& action) {
  CLI::App* group =
      subcommand(app, "model", "Model files: list, show, import, export", "assay model show net.onnx --svg net.svg");
  group->require_subcommand(1);
  auto options = std::make_shared<ModelOptions>();
  CLI::App* listing =
      declare_model(*group, action, "list", "Architectures of the zoo", "assay model list", options, list_models);
  listing->add_option("--format", options->format, "table or json");

  CLI::App* showing = declare_model(*group, action, "show", "A model as text, or drawn",
                                    "assay model show net.onnx --svg net.svg", options, show_model);
  showing->add_option("model", options->file, "an ONNX file, a model of assay, or an architecture of the zoo")
      ->required();
  showing->add_option("--svg", options->svg, "draw the graph in this file");
  showing->add_option("--dim", options->dims, "extent of a free axis, NAME=N");
  showing->add_option("--format", options->format, "table or json");
  add_build_options(*showing, *options);

  CLI::App* importing = declare_model(
      *group, action, "import", "An ONNX file, or weights (safetensors) into an architecture, as a model of assay",
      "assay model import weights.safetensors net.safetensors --arch resnet20 --by-order", options, import_file);
  importing->add_option("file", options->file, "FILE.onnx or FILE.safetensors")->required()->check(CLI::ExistingFile);
  importing->add_option("out", options->out, "the model to write, OUT.safetensors")->required();
  importing->add_option("--arch", options->arch, "the architecture that the weights fill");
  importing->add_option("--name", options->names, "a parameter's tensor in the file, OURS=THEIRS");
  importing->add_flag("--by-order", options->by_order, "pair layers of equal shapes in order where names differ");
  importing->add_option("--dim", options->dims, "extent of a free axis, NAME=N");
  importing->add_option("--format", options->format, "table or json");
  add_build_options(*importing, *options);

  CLI::App* exporting = declare_model(*group, action, "export", "A model as ONNX, or its weights as safetensors",
                                      "assay model export net.safetensors net.onnx --opset 17", options, export_file);
  exporting->add_option("model", options->file, "a model of assay, FILE.onnx, or an architecture with fresh weights")
      ->required();
  exporting->add_option("out", options->out, "OUT.onnx or OUT.safetensors")->required();
  exporting->add_option("--opset", options->opset, "13 to 17");
  add_build_options(*exporting, *options);
}

}  // namespace assay::cli
