// A leaderboard: sorted, filtered, its columns chosen; the whole state is in the address.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { loadBoard } from "../data/load";
import type { Board, Index, Row } from "../data/types";
import { change, href, type Route } from "../route";
import { Claims } from "../ui/claims";
import { SaveSheet } from "../ui/download";
import { better, num } from "../ui/format";
import { ordered, useVirtual } from "../ui/hooks";
import { Loaded, Table } from "../ui/parts";
import { Matrices } from "./matrix";
import { columnsOf, perInput, why, type Column, type Item } from "./columns";

const rowHeight = 34;
const printed = 2000; // rows on paper
const most = 12; // that can be compared

const budgets: [string, string, (board: Board, row: Row) => number | undefined][] = [
  ["ms", "CPU ms an input, fitting included", (board, row) => perInput(board, row, row.cost.cpu * 1000)],
  ["forward", "forward passes an input", (board, row) => perInput(board, row, row.cost.forward)],
  ["backward", "backward passes an input", (board, row) => perInput(board, row, row.cost.backward)],
  ["macs", "multiply-adds an input", (board, row) => perInput(board, row, row.cost.macs)],
];

type Keep = (item: Item) => boolean;

// What the address asks to keep.
function filterOf(board: Board, query: URLSearchParams, textOf: (item: Item) => string): Keep | undefined {
  const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const level = query.get("level") ?? "", subject = query.get("subject") ?? "";
  const cost = budgets.find(([id]) => id === (query.get("budget") || "ms")), most = query.get("most") ? Number(query.get("most")) : NaN;
  if (!words.length && !level && !subject && Number.isNaN(most)) return undefined;
  const fine = (row: Row) => row.status === "ok" && row.level === 0;
  return ({ row, at }) =>
    (!words.length || words.every((word) => textOf({ row, at }).includes(word))) && (!subject || row.subject === subject) &&
    (level === "" || (level === "ranked" ? row.rank !== null : level === "trouble" ? !fine(row) : level === "failed" ? row.status !== "ok" : row.level === Number(level))) &&
    (Number.isNaN(most) || (cost![2](board, row) ?? Infinity) <= most);
}

function Controls({ board, route, columns, shown }: { board: Board; route: Route; columns: Column[]; shown: Set<string> }) {
  const get = (name: string) => route.query.get(name) ?? "";
  const set = (name: string) => (event: { currentTarget: { value: string } }) => change(route, { [name]: event.currentTarget.value });
  const subjects = [...new Set(board.rows.map((row) => row.subject))].sort();
  const toggle = (id: string) => {
    const next = columns.filter((column) => (column.id === id ? !shown.has(id) : shown.has(column.id)));
    change(route, { cols: next.map((column) => column.id).join(",") });
  };
  return (
    <>
      <div class="controls" role="search" aria-label="Filter rows">
        <label>Search <input type="search" value={get("q")} onInput={set("q")} placeholder="method, parameter, reason" /></label>
        <label>Show <select value={get("level")} onChange={set("level")}>
          <option value="">all rows</option><option value="ranked">ranked</option><option value="0">VALID</option><option value="1">SUSPECT</option>
          <option value="2">INVALID</option><option value="failed">failed</option><option value="trouble">suspect, invalid or failed</option></select></label>
        {subjects.length > 1 && <label>Subject <select value={get("subject")} onChange={set("subject")}><option value="">all</option>{subjects.map((s) => <option key={s}>{s}</option>)}</select></label>}
        <label>At most <input type="number" min="0" step="any" aria-label="At most" value={get("most")} onInput={set("most")} /></label>
        <label>of <select aria-label="kind of cost" value={get("budget") || "ms"} onChange={set("budget")}>{budgets.map(([id, title]) => <option key={id} value={id}>{title}</option>)}</select></label>
        <button type="button" onClick={() => change(route, { q: "", level: "", subject: "", most: "", budget: "", sort: "" })}>Reset</button>
      </div>
      <details><summary>Columns ({shown.size} of {columns.length})</summary>
        <fieldset><legend>Shown columns</legend><div class="checks">{columns.map((column) => (
          <label key={column.id}><input type="checkbox" checked={shown.has(column.id)} onChange={() => toggle(column.id)} /> {column.title}</label>))}</div></fieldset>
      </details>
    </>
  );
}

function Head({ columns, route }: { columns: Column[]; route: Route }) {
  const sort = route.query.get("sort") ?? "";
  const state = (id: string) => (sort === id ? "ascending" : sort === "-" + id ? "descending" : undefined);
  const next = (id: string) => (sort === id ? "-" + id : sort === "-" + id ? "" : id);
  return (
    <thead><tr>{columns.map(({ id, title, numeric, help }) => (
      <th key={id} scope="col" aria-sort={state(id)} class={(numeric ? "number " : "") + (id === "name" ? "name" : "")}>
        <button type="button" title={help} onClick={() => change(route, { sort: next(id) })}>{title}{state(id) && <span aria-hidden="true">{sort.startsWith("-") ? " ▼" : " ▲"}</span>}</button>
      </th>))}</tr></thead>
  );
}

// Everything is on paper, the rows in sight are on the screen.
function usePrinting(): boolean {
  const [printing, set] = useState(false);
  useEffect(() => {
    const before = () => set(true), after = () => set(false);
    addEventListener("beforeprint", before);
    addEventListener("afterprint", after);
    return () => { removeEventListener("beforeprint", before); removeEventListener("afterprint", after); };
  }, []);
  return printing;
}

function Rows({ items, columns, route, title }: { items: Item[]; columns: Column[]; route: Route; title: string }) {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtual(scroll, items.length, rowHeight);
  const printing = usePrinting();
  const seen = virtual.getVirtualItems();
  const first = printing ? 0 : seen[0]?.index ?? 0, last = printing ? Math.min(items.length, printed) : (seen[seen.length - 1]?.index ?? -1) + 1;
  const pad = (rows: number) => rows > 0 && <tr class="pad" aria-hidden="true"><td colSpan={columns.length} style={{ height: `${rows * rowHeight}px` }} /></tr>;
  const sort = route.query.get("sort") ?? "";
  useEffect(() => { if ((virtual.scrollOffset ?? 0) > 0) scroll.current?.scrollTo(0, 0); }, [sort, route.query.get("q")]);
  return (
    <div class="scroll board" ref={scroll} tabIndex={0} role="region" aria-label={title}>
      <table aria-rowcount={items.length + 1}>
        <Head columns={columns} route={route} />
        <tbody>
          {pad(first)}
          {items.slice(first, last).map((item, i) => (
            <tr key={item.at} aria-rowindex={first + i + 2}>
              {columns.map((column) => <td key={column.id} class={(column.numeric ? "number " : "") + (column.id === "name" ? "name" : "")}>{column.show(item)}</td>)}
            </tr>))}
          {pad(items.length - last)}
        </tbody>
      </table>
    </div>
  );
}

function BoardView({ board, route }: { board: Board; route: Route }) {
  const columns = useMemo(() => columnsOf(board), [board]);
  const data = useMemo(() => board.rows.map((row, at) => ({ row, at })), [board]);
  const texts = useMemo<string[]>(() => [], [board]); // made when first searched
  const textOf = useCallback(({ row, at }: Item) => (texts[at] ??= `${row.name} ${row.subject} ${JSON.stringify(row.params)} ${row.status} ${why(row)}`.toLowerCase()), [texts]);
  const chosen = route.query.get("cols");
  const shown = new Set(chosen ? chosen.split(",") : columns.filter((column) => column.first).map((column) => column.id));
  // Sorting and filtering are done again only when the address says something else.
  const query = route.query.toString();
  const keep = useMemo(() => filterOf(board, route.query, textOf), [board, query, textOf]);
  const sort = route.query.get("sort") ?? "";
  const inOrder = useMemo(() => {
    const column = columns.find((one) => one.id === sort.replace(/^-/, ""));
    return column ? ordered(data, column.sort, sort.startsWith("-")) : data;
  }, [data, columns, sort]);
  const items = useMemo(() => (keep ? inOrder.filter(keep) : inOrder), [inOrder, keep]);
  const visible = columns.filter((column) => shown.has(column.id));
  const sheet = () => ({ name: `${board.suite}-${board.id}`, caption: `${board.caption} ${board.sentence}`, columns: visible.map((c) => c.title), rows: items.map((item) => visible.map((c) => c.text(item))) });
  return (
    <>
      <h1>{board.suite}</h1>
      <p class="lead">{board.sentence}</p>
      <p><a href={href(["compare", board.id])}>Compare {board.rank === "subject" ? "subjects" : "methods"}: differences, cost, curves</a>
        {keep && items.length > 1 && items.length <= most && <> · <a href={href(["compare", board.id], { rows: items.map((item) => item.at).sort((a, b) => a - b).join(".") })}>Compare the {items.length} rows below</a></>}
        {board.examples?.rows.some(([, why]) => why === "") && <> · <a href={href(["examples", board.id])}>Examples: inputs as pictures</a></>}</p>
      <Matrices board={board} />
      <Controls board={board} route={route} columns={columns} shown={shown} />
      <div class="bar"><p role="status" class="dim">{items.length} of {board.rows.length} rows{board.metrics[0] && `, ${board.metrics[0].quantity.replace(/_/g, " ")}: ${better(board.metrics[0])}`}</p><SaveSheet sheet={sheet} /></div>
      <Rows items={items} columns={visible} route={route} title={`Leaderboard of ${board.suite}`} />
      <p class="caption">{board.caption}</p>
      {board.claimed.length > 0 && <Table name={`${board.id}-claimed`} title="Claimed elsewhere" caption="Typed in from papers; not measured here, and never ranked."
        columns={["Method", "Subject", "Metric", "Condition", "Value", "Source"]} numeric={[4]}
        rows={board.claimed.map((c) => [c.method, c.subject, c.quantity, c.condition, { value: c.value, show: num(c.value) }, c.source])} />}
      <Claims claims={board.claims ?? []} name={`${board.id}-claims`} />
      <h2>What the columns mean</h2>
      <ul>{board.footnotes.map((text) => <li key={text}>{text}</li>)}</ul>
      <details><summary>The protocol, whole</summary><pre tabIndex={0} aria-label="protocol">{JSON.stringify(board.protocol_json, null, 2)}</pre></details>
    </>
  );
}

export function BoardPage({ id, route }: { index: Index; id: string; route: Route }) {
  return <Loaded name={"board " + id} of={() => loadBoard(id)}>{(board) => <BoardView board={board} route={route} />}</Loaded>;
}
