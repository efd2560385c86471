// The contract between `assay site` (results/export) and the pages, in words in DATA.md.

export const FORMAT = 1;

export type Level = 0 | 1 | 2; // VALID SUSPECT INVALID
export type Scalar = string | number | boolean | null;
export type Plain = { [key: string]: unknown };

export interface Index {
  format: number;
  version: string; // of the program that wrote the site
  cell_prefix: number;
  suites: SuiteEntry[];
  boards: BoardEntry[];
  methods: MethodEntry[];
  datasets: DataSet[];
  claims: ClaimEntry[];
  health: Health;
}

export interface SuiteEntry { name: string; task: string; boards: string[] }

export interface BoardEntry {
  id: string;
  suite: string;
  task: string;
  version: number;
  protocol: string;
  latest: boolean; // the suite's most recently planned protocol
  caption: string;
  rank_by: string;
  condition: string;
  rows: number;
  ranked: number;
  rank: string; // method | subject | none
  best: string; // method or subject
  done: number;
  planned: number;
  suspect: number;
  invalid: number;
  failed: number;
}

export interface MethodEntry { name: string; summary: string; roles: string[]; boards: string[]; baseline: boolean; suspect: number; failed: number }

export interface DataSet {
  id: string; // first digits of the content key
  label: string; // "fashion-mnist test, 1000 balanced"
  set: string;
  key: string;
  recipe: Plain; // how it was made: split, limit, source files with digests
  uses: { board: string; as: string }[];
}

export interface ClaimEntry {
  suite: string;
  board: string;
  id: string;
  says: string;
  expect: string;
  test: string;
  gate: boolean;
  verdict?: string; // reproduced | not reproduced | inconclusive | void
  detail?: string; // effect, interval over what and how many, why, and what a decision still needs
  effect?: number | null;
  lo?: number | null;
  hi?: number | null;
}

export interface Health {
  attempts: number;
  last: string; // board of the suite that was run last
  by_status: { [status: string]: number };
  by_level: [number, number, number];
  machines: string[];
  builds: string[];
  problems: Problem[];
}

export interface Problem { cell: string; label: string; board: string; level: Level; status: string; reasons: string[] }

export interface Metric {
  quantity: string;
  condition: string;
  configuration: string;
  grade: string; // judged | host-measured | reported
  ranked: boolean;
  title: string;
  unit: string;
  better: "higher" | "lower" | "none"; // on this board
  definition: string;
  rule: string;
  citation: string;
}

// [mean, lo, hi, over, n, per_seed, numerator?, denominator?]
export type Value = [number | null, number | null, number | null, number, number, number[], number?, number?];

export interface Cost { cpu: number; wall: number; forward: number; backward: number; macs: number; rss: number; shared: boolean }

export interface Row {
  method: string;
  name: string; // with the parameters and axes that tell it from its neighbours
  subject: string;
  params: Plain;
  axes: Plain;
  version: string;
  digest: string; // first 12 digits
  rank: [number, number] | null;
  unranked: string;
  level: Level;
  status: string;
  reasons: string[];
  notes: string[];
  baseline: boolean;
  single_run: boolean;
  uses_outliers: boolean;
  transductive: boolean;
  submitted: boolean; // outputs made elsewhere and judged here; no cost, no rank
  done: number;
  planned: number;
  cost: Cost;
  values: (Value | null)[];
  cells: string[];
  net?: string; // where subjects are ranked: what this one is, in words
  labels?: string[]; // and what each of its cells is
}

export interface Claimed { method: string; subject: string; quantity: string; condition: string; value: number; source: string }

// One method on every pair of nets; rows[source][victim]: [row of the board or -1, 1 where source and victim are one net].
export interface Matrix { method: string; baseline: boolean; sources: string[]; victims: string[]; rows: [number, number][][] }

export interface CurveSet {
  axis: string;
  quantity: string;
  condition: string;
  notes: string[];
  curves: { method: string; subject: string; baseline: boolean; points: CurvePoint[] }[];
}
export interface CurvePoint { x: number; label: string; mean: number | null; lo: number | null; hi: number | null }

export interface Board {
  id: string;
  suite: string;
  version: number;
  task: string;
  protocol: string;
  series: string;
  rank: string; // method | subject | none
  rank_by: string;
  condition: string;
  level: number;
  caption: string; // the protocol in one sentence
  sentence: string; // what is ranked, how, over what
  footnotes: string[];
  protocol_json: Plain;
  over: string[];
  metrics: Metric[];
  rows: Row[];
  claimed: Claimed[];
  claims?: ClaimEntry[]; // of the suite's latest plan
  matrices: Matrix[]; // of a transfer suite whose surrogates are taken one by one
  examples: BoardExamples | null; // null: a task without pictures
  curves: CurveSet | null;
}

// Rows that may have pictures: [row, why it has none; "" where chunk examples/<board>-<row> has them].
export interface BoardExamples { about: string; rows: [number, string][] }

export interface Examples {
  label: string; // of the cell that is shown
  cell: string;
  says: string; // how the inputs were chosen
  width: number; // of every picture, in pixels
  height: number;
  groups: ExampleGroup[];
  images: string[]; // PNG in base64
}
export interface ExampleGroup { title: string; says: string; items: ExampleItem[] }
export interface ExampleItem { id: string; facts: [string, string][]; pictures: [string, number][] } // what it is, its place in images

// [a, b, difference, lo, hi, p, p_holm]
export type Pair = [number, number, number, number, number, number, number];

export interface CriticalDifference {
  status: "ok" | "no_difference" | "too_few";
  reason: string;
  datasets: number;
  ranks: { method: string; rank: number }[];
  cliques: string[][];
}

// Rows of a board: [row, 1 on the Pareto front of the means, share of resamples on the front].
export interface Front { rows: [number, number, number][]; resamples: number; note: string }

export interface Compare {
  board: string;
  metric: number; // index into board.metrics
  sentence: string; // test, resamples, correction, number of tests
  level: number;
  n: number; // units behind a difference
  over: string;
  pairs: Pair[];
  fronts?: Record<string, Front>; // by cost: forward, backward, macs, cpu
  cd: CriticalDifference;
}

export interface Score { quantity: string; condition: string; configuration: string; value: number | null; n: number; grade: string; extra: Plain | null }
export interface Verdict { level: Level; rule: number; reason: string }
export interface Stage {
  name: string; status: string; reason: string; exit_code: number; signal: number;
  wall: number; cpu: number; rss: number; shard: string; log?: string; log_cut?: boolean;
}

export interface Attempt {
  n: number; status: string; reason: string; level: Level; retracted: string;
  protocol: string; judgement: string; numerics: string; data_hash: string; model_hash: string; machine: string; build: string;
  host: Plain | null; counters: Plain | null;
  cost: Cost;
  verdicts: Verdict[];
  scores: Score[];
  repeats: { verdict: string; says: string; machine: string; build: string; numerics: string }[]; // second runs (rule 7)
  traces: { name: string; step: number; value: number | null; grade: string }[];
  artifacts: { name: string; sha256: string; bytes: number; made: boolean }[];
}

export interface Cell {
  key: string; board: string; suite: string; label: string; method: string; subject: string;
  params: Plain; axes: Plain; seeds: Plain; baseline: boolean; ranked: boolean;
  plugin: { id: string; version: string; digest: string };
  identity: Plain;
  attempts: Attempt[]; // oldest first
  plans: { suite: string; file: string; file_sha256: string; protocol: string }[]; // that hold it, latest first
  standing: number; // n of the attempt that stands, 0: none
  examples: number | null; // row of its board whose pictures are of this cell
  stages: Stage[]; // of the last attempt
  commands: string[]; // reproduce and look closer
}
export type CellChunk = { [key: string]: Cell };

export interface MethodCard {
  name: string;
  builds: { version: string; digest: string; descriptor: Plain | null; certificates: Certificate[] }[];
  results: { board: string; row: number; numerics: string; order: number }[]; // order: in which results were recorded
  earlier: EarlierResult[];
}
// A result that no board shows any more.
export interface EarlierResult {
  board: string; name: string; subject: string; axes: Plain; version: string; digest: string; numerics: string; suite_version: number; order: number;
  value: Value | null; over: string; level: Level; status: string; reasons: string[]; cells: string[];
}
export interface Certificate { role: string; check: string; passed: boolean; value: number | null; detail: string }
