#!/usr/bin/env python3
"""Exports every architecture of the zoo and compares ONNX Runtime's outputs with assay's: equal to 1e-5.

ONNX Runtime is the Python package onnxruntime, or npm's onnxruntime-node below $ASSAY_NODE_MODULES; without either the
test is skipped (exit code 77).

usage: tests/conformance/peer_runtime.py TEST_ONNX     (build/tests/test_onnx, which writes the files)
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

NODE = """
const ort = require('onnxruntime-node'), fs = require('fs');
(async () => {
  const [file, input, shape] = JSON.parse(process.argv[1]);
  const session = await ort.InferenceSession.create(file);
  const bytes = fs.readFileSync(input);
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const out = await session.run({[session.inputNames[0]]: new ort.Tensor('float32', data, shape)});
  console.log(JSON.stringify(Array.from(out['logits'].data)));
})();
"""


def read_safetensors(path):
    with open(path, "rb") as file:
        blob = file.read()
    size = struct.unpack("<Q", blob[:8])[0]
    header = json.loads(blob[8:8 + size])
    arrays = {}
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in info["data_offsets"])
            arrays[name] = (info["shape"], blob[begin:end])
    return arrays


def python_runtime():
    import numpy
    import onnxruntime

    def run(file, shape, data):
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        x = numpy.frombuffer(data, "<f4").reshape(shape)
        return session.run(["logits"], {session.get_inputs()[0].name: x})[0].ravel().tolist()

    return run


def node_runtime():
    env = dict(os.environ, NODE_PATH=os.environ.get("ASSAY_NODE_MODULES", ""))
    subprocess.run(["node", "-e", "require('onnxruntime-node')"], env=env, check=True, stderr=subprocess.DEVNULL)

    def run(file, shape, data):
        with tempfile.NamedTemporaryFile(suffix=".bin") as raw:
            raw.write(data)
            raw.flush()
            words = ["node", "-e", NODE, json.dumps([file, raw.name, shape])]
            return json.loads(subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout)

    return run


def runtime():
    for make in (python_runtime, node_runtime):
        try:
            return make()
        except (ImportError, OSError, subprocess.CalledProcessError):
            continue
    return None


def main():
    run = runtime()
    if run is None:
        print("skipped: neither onnxruntime (Python) nor onnxruntime-node ($ASSAY_NODE_MODULES) is here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, ASSAY_EXPORT_DIR=folder)
        subprocess.run([sys.argv[1], "-tc=the zoo comes back*"], env=env, check=True, stdout=subprocess.DEVNULL)
        worst, names = 0.0, sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".onnx"))
        for name in names:
            arrays = read_safetensors(os.path.join(folder, name + ".safetensors"))
            shape, data = arrays["x"]
            want = struct.unpack(f"<{len(arrays['y'][1]) // 4}f", arrays["y"][1])
            got = run(os.path.join(folder, name + ".onnx"), shape, data)
            scale = max(1.0, max(abs(v) for v in want))
            difference = max(abs(a - b) for a, b in zip(got, want, strict=True)) / scale
            print(f"{name:20} {difference:.2e}")
            worst = max(worst, difference)
    print(f"{len(names)} nets, largest difference {worst:.2e}")
    return 0 if names and worst <= 1e-5 else 1


sys.exit(main())
