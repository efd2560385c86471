// node browser/demo.mjs FRONT_END TARGET: a site of made-up numbers in the form of DATA.md. The browser tests use it for what a small
// database does not have: suspect and failed rows, claimed numbers, a critical-difference diagram, 10,000 rows of 200 methods.
import { createHash } from "node:crypto";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gradient } from "./png.mjs";

// A small generator, so that every run sees the same numbers.
let state = 12345;
const random = () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 2 ** 32; };
const hex = (text, length = 64) => createHash("sha256").update(text).digest("hex").slice(0, length);
const quoted = (text) => "'" + text.replace(/[\\']/g, "\\$&") + "'";
const round = (v) => Math.round(v * 1e4) / 1e4;

const metric = (quantity, condition, better, ranked = false) => ({ quantity, condition, configuration: "", grade: "judged", ranked, title: `${quantity} @ ${condition}`, unit: "", better, definition: `definition of ${quantity}`, rule: "", citation: "" });
const value = (mean, half = 0.01, n = 1000) => [round(mean), round(mean - half), round(mean + half), 0, n, [round(mean - half / 2), round(mean), round(mean + half / 2)]];

function row(method, means, more = {}) {
  const cost = { cpu: 2, wall: 3, forward: 20000, backward: 20000, macs: 1e9, rss: 5e7, shared: false, ...(more.cost ?? {}) };
  return { method, name: method, subject: "net", params: {}, axes: { subject: "net" }, version: "1.0.0", digest: hex(method, 12), rank: null, unranked: "", level: 0, status: "ok", reasons: [], notes: [],
    baseline: false, single_run: false, uses_outliers: false, transductive: false, done: 3, planned: 3, ...more, cost,
    values: means.map((mean) => (mean === null ? null : value(mean))), cells: [0, 1, 2].map((s) => hex(`${method}${JSON.stringify(means)}${s}`, 16)) };
}

const board = (name, task, metrics, rows, more = {}) => ({ id: hex(name, 12), suite: name, version: 1, task, protocol: hex(name), series: name, rank: "method", rank_by: metrics[0].quantity, condition: metrics[0].condition, level: 0.95,
  caption: `Made-up numbers of suite ${name}, protocol ${hex(name, 12)}.`, sentence: `Methods by ${metrics[0].quantity}.`, footnotes: metrics.map((m) => `${m.quantity}: ${m.definition}.`), protocol_json: { task }, over: ["samples", "seeds"], metrics, rows, claimed: [], claims: [], matrices: [], curves: null, examples: null, ...more });

function compareOf(b, cd) {
  const at = b.rows.map((r, i) => (r.rank || r.baseline || r.single_run ? i : -1)).filter((i) => i >= 0).slice(0, 40), pairs = [];
  for (const x of at) for (const y of at) if (x < y) {
    const d = round(b.rows[x].values[0][0] - b.rows[y].values[0][0]), p = Math.abs(d) > 0.02 ? 0.0009 : 0.4;
    pairs.push([x, y, d, round(d - 0.02), round(d + 0.02), p, Math.min(1, p * 6)]);
  }
  return { board: b.id, metric: 0, sentence: "Paired by sample; Holm over all pairs.", level: 0.95, n: 1000, over: "samples and seeds", pairs,
    cd: cd ?? { status: "too_few", reason: "1 data set; a critical-difference diagram needs at least 5 (rule 47)", datasets: 1, ranks: [], cliques: [] } };
}

function attacks() {
  const eps = ["1/20", "1/10", "1/5"], metrics = [metric("robust_accuracy", "eps=1/10", "lower", true), metric("robust_accuracy", "eps=1/20", "lower"), metric("robust_accuracy", "eps=1/5", "lower"), metric("accuracy", "clean", "higher")];
  const of = (a) => [a, a + 0.2, a / 2, 0.93], cost = (f, b) => ({ forward: f, backward: b });
  const b = board("demo-attacks", "attack", metrics, [
    row("strong", of(0.05), { rank: [1, 2], cost: cost(100000, 100000) }), row("quick", of(0.06), { rank: [1, 2], cost: cost(20000, 20000) }), row("weak", of(0.3), { rank: [3, 3], cost: cost(20000, 20000) }),
    row("noise", of(0.85), { baseline: true, notes: ["baseline"], unranked: "baseline", cost: cost(0, 0) }),
    row("masked", of(0.7), { level: 1, unranked: "SUSPECT", reasons: ["3 % of samples have a zero gradient (rule 19)"] }),
    row("crasher", of(null).map(() => null), { status: "3 of 3 crashed", unranked: "3 of 3 crashed", done: 0, reasons: ["signal 11 (segmentation fault)"] }),
  ], { claimed: [{ method: "strong", subject: "net", quantity: "robust_accuracy", condition: "eps=1/10", value: 0.02, source: "Table 1 of a paper" }], footnotes: eps });
  b.examples = { about: "Inputs before and after an attack.", rows: [[0, ""], [1, ""], [2, "the file is no longer in the artifact cache"], [4, ""]] };
  return [b, compareOf(b)];
}

function detectors() {
  const metrics = [metric("auroc", "near:near-set", "higher", true), metric("auroc", "far:far-set", "higher"), metric("accuracy", "id", "higher")];
  const b = board("demo-detectors", "detect", metrics, [
    row("slow-best", [0.95, 0.99, 0.9], { rank: [1, 1], cost: { cpu: 9 } }), row("fast-good", [0.9, 0.97, 0.9], { rank: [2, 2], cost: { cpu: 0.4 } }),
    row("fast-plain", [0.85, 0.9, 0.9], { rank: [3, 3], cost: { cpu: 0.2 } }), row("random", [0.5, 0.5, 0.9], { baseline: true, unranked: "baseline", cost: { cpu: 0.1 } })]);
  return [b, compareOf(b, { status: "ok", reason: "Friedman rejected; Wilcoxon with Holm.", datasets: 8, ranks: [{ method: "slow-best", rank: 1.3 }, { method: "fast-good", rank: 2.1 }, { method: "fast-plain", rank: 2.9 }, { method: "random", rank: 3.7 }], cliques: [["slow-best", "fast-good"], ["slow-best", "fast-plain"]] })];
}

function pruners() {
  const metrics = [metric("robust_accuracy", "eps=1/10", "higher", true), metric("accuracy", "test", "higher"), metric("compression_ratio", "test", "none")], ratios = [1, 2, 4, 8, 16];
  const rows = ["magnitude", "random-pruning"].flatMap((m, k) => ratios.map((r) => ({ ...row(m, [0.5 - 0.02 * r * (k + 1) / 2, 0.9 - 0.01 * r * (k + 1), r], { axes: { ratio: String(r), subject: "net" }, rank: r === 8 ? [k + 1, k + 1] : null, unranked: r === 8 ? "" : "ranked elsewhere on the axes" }), name: `${m} ratio=${r}` })));
  rows.push(row("no-pruning", [0.5, 0.9, 1], { baseline: true, unranked: "baseline", notes: ["baseline"] }));
  const b = board("demo-pruners", "compress", metrics, rows);
  b.curves = { axis: "ratio", quantity: "robust_accuracy", condition: "eps=1/10", notes: [], curves: ["magnitude", "random-pruning"].map((m) => ({ method: m, subject: "net", baseline: false,
    points: rows.filter((r) => r.method === m).map((r) => ({ x: Number(r.axes.ratio), label: r.axes.ratio, mean: r.values[0][0], lo: r.values[0][1], hi: r.values[0][2] })) })) };
  return [b, compareOf(b)];
}

// 200 methods on 50 subjects.
function large() {
  const metrics = [metric("accuracy", "test", "higher", true), metric("nll", "test", "lower"), metric("brier", "test", "lower"), metric("ece", "test", "lower")], rows = [];
  for (let s = 0; s < 50; s++) for (let m = 0; m < 200; m++) {
    const a = 0.5 + 0.5 * random();
    rows.push({ ...row(`method-${m}`, [a, 2 - 2 * a, 1 - a, 0.1 * random()], { rank: [m + 1, m + 3], cost: { cpu: 1 + 9 * random() } }), subject: `subject-${s}`, axes: { subject: `subject-${s}` } });
    if (random() < 0.02) Object.assign(rows[rows.length - 1], { level: 1, rank: null, unranked: "SUSPECT", reasons: ["a made-up reason"] });
  }
  const b = board("demo-large", "predict", metrics, rows);
  return [b, compareOf(b)];
}

// What the exporter writes for a row of an attack: pictures that a reader can tell apart.
function pictures(b, at) {
  const row = b.rows[at], images = [0, 1, 2, 3, 4, 5].map((k) => gradient(8, 40 * k + 10 * at));
  const item = (id, k, truth, guess) => ({ id, facts: [["true class", truth], ["classified as", guess], ["linf distance", "0.1"]], pictures: [["clean", k], ["perturbed", k + 1], ["difference × 4.98", k + 2]] });
  return { label: `${row.name} on net, seed 0`, cell: row.cells[0], says: "At eps=1/10. Of all inputs the first.", width: 8, height: 8, images,
    groups: [{ title: "Broken with the least change", says: "Classified correctly before the attack and not after it.", items: [item("4611686018427387905", 0, "shoe", "shirt")] },
      at === 4 ? { title: "Withstood it best", says: "There is none.", items: [] } : { title: "Withstood it best", says: "Still classified correctly.", items: [item("4611686018427387906", 3, "bag", "bag")] }] };
}

// Results that the board of the attacks shows no more: an older build of `quick`, and numerics of an older version.
const earlier = (b) => [["0.8.0", "n2/dnnl2.6.3/avx2/t1/b64", 0.2, 1, 0], ["0.9.0", "n2/dnnl2.6.3/avx2/t1/b64", 0.1, 2, 1]].map(([version, numerics, mean, order, level]) => ({ board: b.id, name: "quick", subject: "net", axes: { subject: "net" },
  version, digest: hex(version, 12), numerics, suite_version: 1, order, value: value(mean), over: "samples", level, status: "ok", reasons: level ? ["3 % of samples have a zero gradient (rule 19)"] : [], cells: [hex(`old ${version}`, 16)] }));

// Subjects of one attack suite: what a pruner made of a net, beside the net itself.
function composed() {
  const metrics = [metric("robust_accuracy", "eps=1/20", "higher", true), metric("accuracy", "clean", "higher"), { ...metric("robust_accuracy", "eps=1/20", "higher"), configuration: "pgd" }];
  const of = (subject, robust, accuracy, rank) => ({ ...row("worst of 2 attacks", [robust, accuracy, robust + 0.05], { rank: [rank, rank] }), net: `lenet; trained as ${subject}`, labels: ["pgd", "fgsm", "noise"].map((m) => `${m} on ${subject}, seed 0`), subject, axes: { subject } });
  const b = board("demo-composed", "attack", metrics, [of("net", 0.31, 0.9, 1), of("pruned-to-1/8", 0.22, 0.88, 2), { ...of("given", 0.4, 0.8, 3), rank: null, unranked: "single run", single_run: true }], { rank: "subject", sentence: "Subjects by robust_accuracy: the worst case over all attacks of every sample." });
  return [b, compareOf(b)];
}

// A transfer matrix on one seed: three sources, three victims.
function transfer() {
  const nets = ["a", "b", "c"], metrics = [metric("attack_success_rate", "eps=1/10", "higher", true), metric("accuracy", "clean", "higher")];
  const single = { unranked: "single run", single_run: true, done: 1, planned: 1 };
  const rows = ["mi-fgsm", "noise"].flatMap((m) => nets.flatMap((from, s) => nets.map((on, v) => ({ ...row(m, [m === "noise" ? 0.02 : s === v ? 0.99 : 0.2 + 0.1 * s + 0.05 * v, 0.9],
    m === "noise" ? { baseline: true, unranked: "baseline" } : single), name: `${m} surrogate=${from}`, subject: on, axes: { subject: on, surrogate: from, ...(s === v ? { diagonal: true } : {}) } }))));
  rows[1] = { ...rows[1], level: 1, unranked: "SUSPECT", single_run: true, reasons: ["a made-up reason"] };
  const of = (method, baseline, first) => ({ method, baseline, sources: nets, victims: nets, rows: nets.map((_, s) => nets.map((__, v) => [first + 3 * s + v, s === v ? 1 : 0])) });
  const b = board("demo-transfer", "attack", metrics, rows, { rank: "none", matrices: [of("mi-fgsm", false, 0), of("noise", true, 9)] });
  return [b, compareOf(b)];
}

function cell(b, r, s) {
  const cost = { ...r.cost }, failed = r.status !== "ok";
  const scores = b.metrics.flatMap((m, i) => (r.values[i] ? [{ quantity: m.quantity, condition: m.condition, configuration: "", value: r.values[i][5][s], n: 1000, grade: "judged", extra: null }] : []));
  const stage = (name, status) => ({ name, status, reason: "", exit_code: 0, signal: failed ? 11 : 0, wall: 1, cpu: 1, rss: 1e7, shard: hex(name), log: `${name} began\n${failed ? "segmentation fault" : "done"}\n`, log_cut: false });
  return { key: r.cells[s] + hex("rest", 48), board: b.id, suite: b.suite, label: `${r.name} on net, seed ${s}`, method: r.method, subject: r.subject, params: r.params, axes: r.axes, seeds: { subject: s }, baseline: r.baseline, ranked: r.rank !== null,
    plugin: { id: r.method, version: r.version, digest: r.digest }, identity: { node: "cell" }, plans: [{ suite: b.suite, file: `suites/${b.suite}.toml`, file_sha256: hex("file"), protocol: b.id }], standing: 1, stages: [stage("run", failed ? "crashed" : "ok"), stage("judge", "ok")],
    commands: [`assay run suites/${b.suite}.toml --only method=${r.method} --only seed=${s}`, `assay show ${r.cells[s]}`],
    examples: s === 0 && b.examples && b.examples.rows.some(([at, why]) => b.rows[at] === r && why === "") ? b.rows.indexOf(r) : null,
    attempts: [{ n: 1, status: failed ? "crashed" : "ok", reason: failed ? r.reasons[0] : "", level: r.level, retracted: "", protocol: b.protocol, judgement: hex("j"), numerics: "n2", data_hash: hex("d"), model_hash: hex("m"), machine: "host", build: "build", host: { cores: 2 }, counters: {}, cost,
      verdicts: r.level ? [{ level: r.level, rule: 19, reason: r.reasons[0] }] : [], scores, repeats: [{ verdict: "identical", says: "all 4 columns are bit for bit the same", machine: "host", build: "build", numerics: "n2" }], traces: [{ name: "loss", step: 1, value: 0.5, grade: "host-measured" }], artifacts: [{ name: "adversarial", sha256: hex("a"), bytes: 1000, made: true }] }] };
}

const [frontEnd, target] = process.argv.slice(2);
const put = async (name, content) => {
  const file = join(target, "data", name + ".js");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `assay.data(${JSON.stringify(name)},JSON.parse(${quoted(JSON.stringify(content))}));\n`);
};
// As the exporter does, what is blank in a row is left out.
const blank = (v) => v === null || v === false || v === "" || v === 0 || v === "ok" || (typeof v === "object" && Object.keys(v).length === 0);
const sparse = (b) => ({ ...b, rows: b.rows.map((r) => Object.fromEntries(Object.entries(r).filter(([k, v]) => !blank(v) && !(k === "name" && v === r.method)))) });
const boards = [attacks(), detectors(), pruners(), composed(), transfer(), large()], cells = {}, methods = new Map(), problems = [];
for (const [b, c] of boards) {
  await put("board/" + b.id, sparse(b));
  await put("compare/" + b.id, c);
  for (const [at, why] of b.examples?.rows ?? []) if (why === "") await put(`examples/${b.id}-${at}`, pictures(b, at));
  b.rows.forEach((r, at) => {
    if (b.rank === "subject") { r.cells.forEach((key, s) => { cells[key] = cell(b, r, s); }); return; }
    methods.set(r.method, [...(methods.get(r.method) ?? []), { board: b.id, row: at, numerics: "n3/dnnl2.6.3/avx2/t1/b64", order: 10 + at }]);
    if (b.suite === "demo-large") return;
    r.cells.forEach((key, s) => { cells[key] = cell(b, r, s); });
    if (r.level || r.status !== "ok") problems.push({ cell: r.cells[0], label: cells[r.cells[0]].label, board: b.id, level: r.level, status: r.status === "ok" ? "ok" : "crashed", reasons: r.reasons });
  });
}
await put("cells/all", cells);
for (const [name, results] of methods) {
  const descriptor = { summary: `${name}, made up`, roles: ["attack"], params: [{ key: "steps", type: "int", doc: "iterations", unit: "", fallback: 10, min: 1, max: 100, choices: [] }], title: "A paper", year: 2020, arxiv: "0000.00000" };
  await put("method/" + name, { name, builds: [{ id: name, version: "1.0.0", digest: hex(name), descriptor, certificates: [{ role: "attack", check: "certificate-attack", passed: true, value: 1, detail: "" }] }], results: results.slice(0, 60), earlier: name === "quick" ? earlier(boards[0][0]) : [] });
}
await put("index", { format: 1, version: "demo", cell_prefix: 0, suites: boards.map(([b]) => ({ name: b.suite, task: b.task, boards: [b.id] })),
  boards: boards.map(([b]) => ({ id: b.id, suite: b.suite, task: b.task, version: 1, protocol: b.protocol, latest: true, caption: b.caption, rank_by: b.rank_by, condition: b.condition, rows: b.rows.length, ranked: b.rows.filter((r) => r.rank).length, rank: b.rank, best: b.rank === "subject" ? b.rows[0].subject : b.rows[0].method, done: 3 * b.rows.length, planned: 3 * b.rows.length, suspect: b.rows.filter((r) => r.level === 1).length, invalid: 0, failed: b.rows.filter((r) => r.status !== "ok").length })),
  methods: [...methods.keys()].map((name) => ({ name, summary: `${name}, made up`, roles: ["attack"], boards: [...new Set(methods.get(name).map((m) => m.board))], baseline: false, suspect: 0, failed: 0 })),
  datasets: [{ id: hex("set", 12), label: "toy test, 1000", set: "toy", key: hex("set"), recipe: { split: "test", limit: 1000, source: { files: { images: hex("f") } } }, uses: [{ board: boards[0][0].id, as: "test" }] }],
  claims: [{ suite: "demo-attacks", board: boards[0][0].id, id: "one", says: "strong breaks the net", expect: "mean(robust_accuracy, method='strong') < 0.1", test: "bootstrap", gate: true, verdict: "reproduced", detail: "0.05, 95 % in [0.04, 0.06], n = 1000" }],
  health: { attempts: 100, last: boards[0][0].id, by_status: { ok: 97, crashed: 3 }, by_level: [94, 6, 0], machines: ["host"], builds: ["build"], problems } });
for (const name of ["index.html", "site.js", "site.css"]) await copyFile(join(frontEnd, name), join(target, name));
