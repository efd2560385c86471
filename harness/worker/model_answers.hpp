// Questions about model files: what is inside, import, export. Each answer is one JSON value.
#pragma once

#include <string>

#include "harness/base/json.hpp"

namespace assay::worker {

// show    {file} or {arch, params, input, classes}; svg: true -> {name, text, inputs, outputs, taps, parameters,
//         parameter_count, macs, nodes, metadata, notes, svg}
// import  {file, out} of an ONNX file, with dims {symbol: extent}; or of safetensors with arch, params, input, classes,
//         names {ours: theirs}, by_order -> as show, and {mapping, ignored}. `out` becomes a model of ours.
// export  {file, out, opset}, or {arch, params, input, classes, out, opset} with fresh weights: out ends in .onnx or .safetensors -> {out, opset, bytes}
// size    {arch, params, input, classes} -> {params, macs}, counted without filling any weights
// Throws Error(bad_input), Error(unsupported), Error(io).
Json model_answer(const std::string& verb, const Json& options);

}  // namespace assay::worker
