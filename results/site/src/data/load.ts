// Chunks of data by script tag: works from file://, where a browser refuses fetch, and asks no other place.
import type { Board, CellChunk, Compare, Cost, Examples, Index, MethodCard, Row } from "./types";

type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void };

const loaded = new Map<string, Promise<unknown>>();
const waiting = new Map<string, Waiting>();

declare global {
  interface Window { assay: { data(name: string, value: unknown): void } }
}

export function install(): void {
  window.assay = {
    data(name, value) {
      waiting.get(name)?.resolve(value);
      waiting.delete(name);
    },
  };
}

function request(name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    waiting.set(name, { resolve, reject });
    const script = document.createElement("script");
    const fail = (why: string) => {
      if (!waiting.delete(name)) return;
      loaded.delete(name); // a later visit tries again
      reject(new Error(why));
    };
    script.src = "data/" + name.split("/").map(encodeURIComponent).join("/") + ".js";
    script.onload = () => { script.remove(); fail(`data/${name}.js holds something else`); };
    script.onerror = () => { script.remove(); fail(`data/${name}.js cannot be read`); };
    document.head.append(script);
  });
}

export function chunk<T>(name: string): Promise<T> {
  let found = loaded.get(name);
  if (!found) loaded.set(name, (found = request(name)));
  return found as Promise<T>;
}

export const loadIndex = () => chunk<Index>("index");
const blank: Row = {
  method: "", name: "", subject: "", params: {}, axes: {}, version: "", digest: "", rank: null, unranked: "", level: 0, status: "ok", reasons: [], notes: [], baseline: false,
  single_run: false, uses_outliers: false, transductive: false, submitted: false, done: 0, planned: 0, values: [], cells: [], cost: { cpu: 0, wall: 0, forward: 0, backward: 0, macs: 0, rss: 0, shared: false },
};
// Nobody knows what it cost to make outputs that were brought.
const unknown: Cost = { cpu: NaN, wall: NaN, forward: NaN, backward: NaN, macs: NaN, rss: NaN, shared: false };
const whole = new Map<string, Promise<Board>>();

// What a row leaves out is blank.
export function loadBoard(id: string): Promise<Board> {
  let found = whole.get(id);
  if (!found) {
    found = chunk<Board>("board/" + id).then((board) => ({ ...board, rows: board.rows.map((row) => Object.assign({}, blank, { name: row.method }, row.submitted ? { cost: unknown } : {}, row)) }));
    whole.set(id, found);
    found.catch(() => whole.delete(id));
  }
  return found;
}
export const loadCompare = (id: string) => chunk<Compare>("compare/" + id);
export const loadExamples = (board: string, row: number) => chunk<Examples>(`examples/${board}-${row}`);
export const loadMethod = (name: string) => chunk<MethodCard>("method/" + name.replace(/[^a-zA-Z0-9._-]/g, "_"));

export async function loadCell(index: Index, key: string) {
  const cells = await chunk<CellChunk>("cells/" + (index.cell_prefix === 0 ? "all" : key.slice(0, index.cell_prefix)));
  const found = cells[key.slice(0, 16)];
  if (!found) throw new Error(`no cell ${key} in this site`);
  return found;
}
