// A persistent child of run.py: ONNX Runtime through onnxruntime-node. Same protocol as assay_bench.cpp.
// usage: node peer_onnx.js '{"file": "resnet20-b32.onnx", "input": [3, 32, 32], "batch": 32}'   (NODE_PATH names its folder)
const ort = require('onnxruntime-node');
const readline = require('readline');

async function main() {
  const request = JSON.parse(process.argv[2]);
  const threads = request.threads || 1;
  const session = await ort.InferenceSession.create(request.file, {
    executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all'});
  const shape = [request.batch, ...request.input];
  const data = new Float32Array(shape.reduce((a, b) => a * b));
  for (let i = 0; i < data.length; ++i) data[i] = ((i * 2654435761) % 1000003) / 1000003;
  const feeds = {[session.inputNames[0]]: new ort.Tensor('float32', data, shape)};
  await session.run(feeds);
  console.log(JSON.stringify({version: require('onnxruntime-node/package.json').version}));
  for await (const line of readline.createInterface({input: process.stdin})) {
    if (!line.trim()) break;
    const cpu = process.cpuUsage(), wall = process.hrtime.bigint();
    for (let left = parseInt(line); left > 0; --left) await session.run(feeds);
    const used = process.cpuUsage(cpu);
    console.log(JSON.stringify({cpu: (used.user + used.system) / 1e6, wall: Number(process.hrtime.bigint() - wall) / 1e9}));
  }
  process.exit(0);
}
main().catch(error => { console.error(String(error)); process.exit(2); });
