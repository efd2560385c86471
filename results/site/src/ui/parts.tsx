// Small pieces that several pages share.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Level } from "../data/types";
import { href } from "../route";
import { SaveFigure, SaveSheet, type Cell, type Sheet } from "./download";
import { missing, plain } from "./format";

export const levelNames = ["VALID", "SUSPECT", "INVALID"] as const;

// Verdict in words, sign and colour; never by colour alone.
export function Verdict({ level, status }: { level: Level; status: string }) {
  if (status !== "ok") return <span class="badge failed">✕ {status}</span>;
  return <span class={"badge level" + level}>{["✓", "?", "✕"][level]} {levelNames[level]}</span>;
}

// The value of a promise, its error as a sentence, or a line that says that it loads.
export function Loaded<T>({ of, name, children }: { of: () => Promise<T>; name: string; children: (value: T) => ComponentChildren }) {
  const [state, set] = useState<{ name: string; value?: T; error?: string }>({ name });
  useEffect(() => {
    let live = true;
    of().then((value) => live && set({ name, value }), (error: Error) => live && set({ name, error: error.message }));
    return () => { live = false; };
  }, [name]);
  if (state.name === name && state.error) return <p class="error" role="alert">Cannot show this: {state.error}.</p>;
  if (state.name !== name || state.value === undefined) return <p role="status">Loading…</p>;
  return <>{children(state.value)}</>;
}

export function Figure({ name, caption, title, children }: { name: string; caption: string; title: string; children: ComponentChildren }) {
  const frame = useRef<HTMLElement>(null);
  return (
    <figure ref={frame}>
      <div class="bar"><h3>{title}</h3><SaveFigure frame={frame} name={name} caption={`${title}. ${caption}`} /></div>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>{children}</div>
      <figcaption>{caption}</figcaption>
    </figure>
  );
}

export interface Entry { value: Cell; show?: ComponentChildren }
const entry = (cell: Cell | Entry): Entry => (cell !== null && typeof cell === "object" ? cell : { value: cell });

// A table of a few dozen rows, with its caption and downloads.
export function Table({ name, title, caption, columns, rows, numeric = [] }: {
  name: string; title: string; caption: string; columns: string[]; rows: (Cell | Entry)[][]; numeric?: number[];
}) {
  const sheet = (): Sheet => ({ name, caption, columns, rows: rows.map((row) => row.map((cell) => entry(cell).value)) });
  const at = (i: number) => (numeric.includes(i) ? "number" : undefined);
  return (
    <section class="table">
      <div class="bar"><h3>{title}</h3><SaveSheet sheet={sheet} /></div>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table>
          <thead><tr>{columns.map((name, i) => <th key={name} scope="col" class={at(i)}>{name}</th>)}</tr></thead>
          <tbody>
            {rows.map((row, r) => (
              <tr key={r}>{row.map((cell, i) => <td key={i} class={at(i)}>{entry(cell).show ?? plain(entry(cell).value)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      {caption && <p class="caption">{caption}</p>}
    </section>
  );
}

// Names and values, nested objects as text.
export function Facts({ items }: { items: [string, ComponentChildren][] }) {
  const shown = items.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== missing);
  return <dl class="facts">{shown.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

export const facts = (object: object | null): [string, ComponentChildren][] =>
  Object.entries(object ?? {}).map(([name, value]) => [name, plain(value)]);

export function Command({ text }: { text: string }) {
  const [copied, set] = useState(false);
  const copy = () => navigator.clipboard?.writeText(text).then(() => set(true), () => set(false));
  return (
    <div class="command">
      <code tabIndex={0}>{text}</code>
      {navigator.clipboard && <button type="button" onClick={copy}>{copied ? "copied" : "copy"}</button>}
    </div>
  );
}

export const CellLink = ({ cell, children }: { cell: string; children: ComponentChildren }) => <a href={href(["cell", cell])}>{children}</a>;
export const MethodLink = ({ name, children }: { name: string; children?: ComponentChildren }) => <a href={href(["method", name])}>{children ?? name}</a>;
// `of`: what tells the link from others like it, for those who hear it.
export const ExamplesLink = ({ board, row, of, children }: { board: string; row: number; of?: string; children: ComponentChildren }) => <a href={href(["examples", board, String(row)])} aria-label={of ? `pictures of ${of}` : undefined}>{children}</a>;
export const BoardLink = ({ id, children }: { id: string; children: ComponentChildren }) => <a href={href(["board", id])}>{children}</a>;
