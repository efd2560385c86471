#!/usr/bin/env python3
"""Exports every architecture of the zoo, a quantized net and single quantizers, and compares all outputs of ONNX Runtime
with assay's: equal to 1e-5 of the largest magnitude.

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
  const [file, inputs] = JSON.parse(process.argv[1]);
  const session = await ort.InferenceSession.create(file);
  const feeds = {};
  for (const [name, type, shape, path] of inputs) {
    const raw = fs.readFileSync(path), bytes = raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length);
    feeds[name] = new ort.Tensor(type, type === 'int64' ? new BigInt64Array(bytes) : new Float32Array(bytes), shape);
  }
  const out = await session.run(feeds);
  console.log(JSON.stringify(session.outputNames.map(name => Array.from(out[name].data))));
})();
"""
TYPES = {"F32": "float32", "I64": "int64"}


def read_safetensors(path):
    with open(path, "rb") as file:
        blob = file.read()
    size = struct.unpack("<Q", blob[:8])[0]
    header = json.loads(blob[8:8 + size])
    arrays = {}
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in info["data_offsets"])
            arrays[name] = (info["dtype"], info["shape"], blob[begin:end])
    return arrays


def python_runtime():
    import numpy
    import onnxruntime

    def run(file, inputs):
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        feeds = {name: numpy.frombuffer(data, TYPES[dtype]).reshape(shape) for name, (dtype, shape, data) in inputs.items()}
        return [value.ravel().tolist() for value in session.run(None, feeds)]

    return run


def node_runtime():
    env = dict(os.environ, NODE_PATH=os.environ.get("ASSAY_NODE_MODULES", ""))
    subprocess.run(["node", "-e", "require('onnxruntime-node')"], env=env, check=True, stderr=subprocess.DEVNULL)

    def run(file, inputs):
        with tempfile.TemporaryDirectory() as folder:
            words = []
            for number, (name, (dtype, shape, data)) in enumerate(inputs.items()):
                path = os.path.join(folder, str(number))
                with open(path, "wb") as raw:
                    raw.write(data)
                words.append([name, TYPES[dtype], shape, path])
            command = ["node", "-e", NODE, json.dumps([file, words])]
            done = subprocess.run(command, env=env, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(done.stderr.strip())
            return json.loads(done.stdout)

    return run


def runtime():
    for make in (python_runtime, node_runtime):
        try:
            return make()
        except (ImportError, OSError, subprocess.CalledProcessError):
            continue
    return None


def compare(run, folder, name):
    arrays = read_safetensors(os.path.join(folder, name + ".safetensors"))
    inputs = {key[3:]: value for key, value in arrays.items() if key.startswith("in:")}
    try:
        got = run(os.path.join(folder, name + ".onnx"), inputs)
    except Exception as error:  # whatever the runtime throws
        print(f"{name}: {error}")
        return float("inf")
    worst = 0.0
    for number, values in enumerate(got):
        _, _, data = arrays[f"out:{number}"]
        want = struct.unpack(f"<{len(data) // 4}f", data)
        scale = max(1.0, max(abs(v) for v in want))
        worst = max(worst, max(abs(a - b) for a, b in zip(values, want, strict=True)) / scale)
    return worst


def main():
    run = runtime()
    if run is None:
        print("skipped: neither onnxruntime (Python) nor onnxruntime-node ($ASSAY_NODE_MODULES) is here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, ASSAY_EXPORT_DIR=folder)
        subprocess.run([sys.argv[1], "-tc=the whole zoo comes back*,*quantize*"], env=env, check=True, stdout=subprocess.DEVNULL)
        names = sorted(name[:-5] for name in os.listdir(folder) if name.endswith(".onnx"))
        worst = {name: compare(run, folder, name) for name in names}
    for name, difference in worst.items():
        print(f"{name:24} {difference:.2e}")
    print(f"{len(names)} graphs, largest difference {max(worst.values(), default=0):.2e}")
    return 0 if names and max(worst.values()) <= 1e-5 else 1


sys.exit(main())
