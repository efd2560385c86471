#!/usr/bin/env python3
"""Writes applicable.txt: the cases of Debian's libonnx-testdata that assay is measured on.

The rule: every graph input and output is a tensor of float32, int64, int32, uint8, int8 or bool, and no node is control
flow, sequence, optional, string, random or training. Needs python3-onnx.

usage: tests/conformance/make_applicable.py [DATA]      (default /usr/share/libonnx-testdata/data)
"""
import collections
import os
import sys

import onnx

SUITES = ("node", "simple", "pytorch-converted", "pytorch-operator")
TYPES = {onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.UINT8,
         onnx.TensorProto.INT8, onnx.TensorProto.BOOL}
CONTROL = {"If", "Loop", "Scan"}
RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
TRAINING_DOMAIN = "ai.onnx.preview.training"


def node_reason(node):
    if node.op_type in CONTROL:
        return "control flow"
    if "Sequence" in node.op_type:
        return "sequence"
    if "Optional" in node.op_type:
        return "optional"
    if "String" in node.op_type:
        return "string"
    if node.op_type in RANDOM:
        return "random"
    attributes = {a.name: a for a in node.attribute}
    # Dropout's third operand and BatchNormalization's attribute switch to training mode.
    in_training = "training_mode" in attributes and attributes["training_mode"].i != 0
    if node.domain == TRAINING_DOMAIN or in_training or (node.op_type == "Dropout" and len(node.input) > 2):
        return "training"
    return None


def reason(model):
    for value in list(model.graph.input) + list(model.graph.output):
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            return kind.replace("_type", "")
        if value.type.tensor_type.elem_type not in TYPES:
            return "type " + onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
    for node in model.graph.node:
        if (found := node_reason(node)) is not None:
            return found
    return None


def main():
    data = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/libonnx-testdata/data"
    kept, left_out = [], collections.Counter()
    for suite in SUITES:
        for case in sorted(os.listdir(os.path.join(data, suite))):
            found = reason(onnx.load(os.path.join(data, suite, case, "model.onnx")))
            if found is None:
                kept.append(f"{suite}/{case}")
            else:
                left_out[found] += 1
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "applicable.txt")
    with open(out, "w", encoding="utf-8") as file:
        file.write("# Made by make_applicable.py from libonnx-testdata 1.12: the cases that assay is measured on.\n")
        for name, count in sorted(left_out.items()):
            file.write(f"# left out: {count:3} {name}\n")
        file.writelines(case + "\n" for case in kept)
    print(f"{len(kept)} applicable, {sum(left_out.values())} left out")


main()
