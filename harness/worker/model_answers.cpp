#include "harness/worker/model_answers.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "harness/base/error.hpp"
#include "harness/graph/drawing.hpp"
#include "harness/graph/onnx/onnx.hpp"
#include "harness/graph/state_dict.hpp"
#include "harness/graph/zoo/zoo.hpp"

namespace assay::worker {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t default_classes = 10;

bool ends_in(const fs::path& file, const char* extension) { return file.extension() == extension; }

engine::Shape input_shape(const Json& options) {
  if (!options.has("input")) return {3, 32, 32};
  engine::Shape shape;
  for (const Json& extent : options.at("input").as_array()) shape.push_back(extent.as_int());
  return shape;
}

graph::Graph built(const Json& options) {
  const Json params = options.has("params") ? options.at("params") : Json::object({});
  return zoo::build(options.at("arch").as_string(), params, input_shape(options), options.get("classes", default_classes), 0);
}

onnx::ImportOptions import_options(const Json& options) {
  onnx::ImportOptions how;
  if (options.has("dims")) {
    for (const auto& [symbol, extent] : options.at("dims").as_object()) how.dims[symbol] = extent.as_int();
  }
  return how;
}

// A model of ours, or an ONNX file; notes say what the import decided.
graph::Graph read_model(const Json& options, std::vector<std::string>& notes) {
  const fs::path file = options.at("file").as_string();
  if (!ends_in(file, ".onnx")) return graph::load_model(file);
  onnx::Imported made = onnx::import_onnx(file, import_options(options));
  notes = made.notes;
  return made.graph;
}

Json described(const graph::Graph& graph, const std::string& name) {
  Json inputs = Json::array(), nodes = Json::array(), outputs = Json::object({}), taps = Json::object({});
  for (const graph::GraphInput& in : graph.inputs) {
    inputs.push_back(Json::object({{"name", in.name}, {"dtype", engine::dtype_name(in.spec.dtype)}, {"shape", Json(in.spec.shape)}}));
  }
  for (const graph::NodeCost& row : graph::cost_table(graph)) {
    nodes.push_back(Json::object({{"name", row.node}, {"op", row.op}, {"shape", Json(row.output)}, {"macs", row.macs}, {"params", row.params}}));
  }
  for (const auto& [key, value] : graph.outputs) outputs[key] = value;
  for (const auto& [key, value] : graph.taps) taps[key] = value;
  return Json::object({{"name", name},
                       {"text", graph.to_text()},
                       {"inputs", inputs},
                       {"nodes", nodes},
                       {"outputs", outputs},
                       {"taps", taps},
                       {"parameters", graph.parameters.size()},
                       {"parameter_count", graph::param_count(graph)},
                       {"macs", graph::macs(graph)},
                       {"metadata", graph.metadata}});
}

Json show(const Json& options) {
  std::vector<std::string> notes;
  const bool arch = options.has("arch");
  const graph::Graph graph = arch ? built(options) : read_model(options, notes);
  const std::string name = arch ? options.at("arch").as_string() : fs::path(options.at("file").as_string()).filename().string();
  Json answer = described(graph, name);
  answer["notes"] = Json(notes);
  if (options.get("svg", false)) answer["svg"] = graph::to_svg(graph, name);
  return answer;
}

Json import(const Json& options) {
  const fs::path file = options.at("file").as_string(), out = options.at("out").as_string();
  std::vector<std::string> notes;
  if (ends_in(file, ".onnx")) {
    const graph::Graph graph = read_model(options, notes);
    graph::save_model(graph, out);
    Json answer = described(graph, out.filename().string());
    answer["notes"] = Json(notes);
    return answer;
  }
  if (!options.has("arch")) {
    throw Error(Fault::bad_input, file.string() + ": weights alone need the architecture that they fill (--arch)");
  }
  graph::StateDictOptions how;
  how.by_order = options.get("by_order", false);
  if (options.has("names")) {
    for (const auto& [ours, theirs] : options.at("names").as_object()) how.names[ours] = theirs.as_string();
  }
  const graph::Filled filled = [&] {
    const Container container = load_container(file);
    try {
      return graph::fill_from_state_dict(built(options), container, how);
    } catch (const Error& e) {
      throw Error(e.fault(), file.string() + ": " + e.what());
    }
  }();
  graph::save_model(filled.graph, out);
  Json answer = described(filled.graph, out.filename().string());
  answer["mapping"] = Json::object({});
  for (const auto& [ours, theirs] : filled.mapping) answer["mapping"][ours] = theirs;
  answer["ignored"] = Json(filled.ignored);
  answer["notes"] = Json::array();
  return answer;
}

Json export_model(const Json& options) {
  const fs::path out = options.at("out").as_string();
  std::vector<std::string> notes;
  const graph::Graph graph = options.has("arch") ? built(options) : read_model(options, notes);
  Json answer = Json::object({{"out", out.string()}});
  if (ends_in(out, ".onnx")) {
    onnx::ExportOptions how;
    how.opset = options.get("opset", how.opset);
    onnx::export_onnx(graph, out, how);
    answer["opset"] = how.opset;
  } else if (ends_in(out, ".safetensors")) {
    save_container(out, graph::state_dict(graph));
  } else {
    throw Error(Fault::bad_input, fmt::format("cannot export to '{}'; expected a name that ends in .onnx or .safetensors", out.string()));
  }
  answer["bytes"] = static_cast<std::int64_t>(fs::file_size(out));
  return answer;
}

// What the net would have and do, without a weight being drawn.
Json size(const Json& options) {
  const std::string arch = options.at("arch").as_string();
  const Json params = zoo::complete_params(zoo::find(arch), options.has("params") ? options.at("params") : Json::object({}));
  const zoo::Size size = zoo::size_of(arch, params, input_shape(options), options.get("classes", default_classes));
  return Json::object({{"params", size.params}, {"macs", size.macs}});
}

}  // namespace

Json model_answer(const std::string& verb, const Json& options) {
  if (verb == "show") return show(options);
  if (verb == "import") return import(options);
  if (verb == "export") return export_model(options);
  if (verb == "size") return size(options);
  throw Error(Fault::bad_input, "model: unknown verb '" + verb + "'" + suggestion(verb, {"show", "import", "export", "size"}));
}

}  // namespace assay::worker
