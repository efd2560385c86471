// The columns of a board: what they hold, how they sort and how they look.
import type { ComponentChildren } from "preact";
import type { Board, Row } from "../data/types";
import { href } from "../route";
import type { Cell } from "../ui/download";
import { bytes, count, interval, metricName, num, seconds } from "../ui/format";
import { ExamplesLink, Verdict } from "../ui/parts";

export interface Item { row: Row; at: number } // at: place on the board as written
export interface Column {
  id: string;
  title: string;
  numeric?: boolean;
  first: boolean; // shown unless the address says otherwise
  late?: boolean; // stands behind the verdict
  sort: (item: Item) => string | number | undefined;
  text: (item: Item) => Cell; // for downloads
  show: (item: Item) => ComponentChildren;
  help?: string;
}

const finite = (value: number | null | undefined) => (value === null || value === undefined || !Number.isFinite(value) ? undefined : value);

// Inputs that a cell evaluated. A number over a list of a detector counts the known inputs with it; each was scored once.
function units(board: Board, row: Row): number {
  const first = row.values.find((value) => value && value[4] > 0)?.[4] ?? 0;
  const known = board.metrics.reduce((most, metric, m) => (metric.condition === "id" ? Math.max(most, row.values[m]?.[4] ?? 0) : most), 0);
  if (board.task !== "detect" || known === 0) return first;
  const lists = new Map<string, number>();
  board.metrics.forEach(({ condition }, m) => { if (/^(near|far):/.test(condition)) lists.set(condition, Math.max(lists.get(condition) ?? known, row.values[m]?.[4] ?? 0)); });
  return [...lists.values()].reduce((all, n) => all + n - known, known);
}
export const perInput = (board: Board, row: Row, cost: number) => { const n = units(board, row); return n > 0 ? cost / n : undefined; };

function mark(board: Board, m: number): (item: Item) => ComponentChildren {
  let lo = Infinity, hi = -Infinity;
  for (const row of board.rows)
    for (const v of [row.values[m]?.[0], row.values[m]?.[1], row.values[m]?.[2]])
      if (v !== null && v !== undefined) { lo = Math.min(lo, v); hi = Math.max(hi, v); }
  const x = (v: number) => 4 + (hi > lo ? (v - lo) / (hi - lo) : 0.5) * 102;
  return ({ row }) => {
    const value = row.values[m];
    if (!value || value[0] === null) return "–";
    return (
      <svg width="110" height="16" viewBox="0 0 110 16" role="img" aria-label={`${num(value[0])} ${interval(value)} on a line from ${num(lo)} to ${num(hi)}`}>
        <rect class="track" x="4" y="7.5" width="102" height="1" />
        {value[1] !== null && value[2] !== null && <line class="whisker" x1={x(value[1])} x2={Math.max(x(value[2]), x(value[1]) + 1)} y1="8" y2="8" />}
        <circle class="dot" cx={x(value[0])} cy="8" r="3.5" />
      </svg>
    );
  };
}

function metricColumns(board: Board): Column[] {
  return board.metrics.flatMap((metric, m): Column[] => {
    const value = (item: Item) => item.row.values[m];
    const alone = board.rank === "subject" && metric.configuration !== ""; // what one attack leaves
    const shown = m === 0 || alone || (m < 3 && metric.condition !== "eps=0");
    const column: Column = {
      id: `m${m}`, title: alone ? `Under ${metric.configuration} alone` : metricName(metric) + (m === 0 && board.rank === "subject" ? ", worst of all attacks" : ""), numeric: true, first: shown, late: alone, help: metric.definition,
      sort: (item) => finite(value(item)?.[0]), text: (item) => value(item)?.[0] ?? null,
      show: (item) => { const v = value(item); return <>{num(v?.[0])}{v && v[1] !== null && <span class="dim"> {interval(v)}{board.over[v[3]] === "seeds" ? " s" : ""}</span>}</>; },
    };
    const drawn: Column = { id: `i${m}`, title: m === 0 ? "Drawn" : `${column.title}, drawn`, first: m === 0, late: alone, sort: column.sort, text: (item) => interval(value(item) ?? null), show: mark(board, m) };
    return [column, drawn];
  });
}

function claimedColumn(board: Board): Column[] {
  if (!board.claimed.length) return [];
  const metric = board.metrics[0];
  const of = ({ row }: Item) => board.claimed.find((c) => (c.method === "" ? board.rank === "subject" : c.method === row.method) && (!c.subject || c.subject === row.subject) &&
    c.quantity === metric?.quantity && c.condition === metric?.condition);
  if (!board.rows.some((row, at) => of({ row, at }))) return [];
  return [{ id: "claimed", title: "Claimed elsewhere", numeric: true, first: true, sort: (item) => finite(of(item)?.value), text: (item) => of(item)?.value ?? null,
    show: (item) => { const c = of(item); return c ? <span title={c.source}>{num(c.value)}</span> : "–"; }, help: "typed in from papers; the source is shown below the table" }];
}

const cost = (id: string, title: string, first: boolean, of: (row: Row) => number | undefined, text: (value: number) => string, help = ""): Column => ({
  id, title, numeric: true, first, help, sort: ({ row }) => finite(of(row)), text: ({ row }) => finite(of(row)) ?? null,
  show: ({ row }) => { const value = finite(of(row)); return value === undefined ? "–" : text(value); },
});

export function why(row: Row): string {
  return [...row.reasons, ...(row.rank ? [] : row.unranked && row.unranked !== row.status ? [row.unranked] : []), ...row.notes].filter((v, i, all) => all.indexOf(v) === i).join("; ");
}

function examplesColumn(board: Board): Column[] {
  const rows = new Map(board.examples?.rows ?? []);
  if (![...rows.values()].includes("")) return [];
  const text = ({ at }: Item) => (rows.get(at) === "" ? "pictures" : "");
  return [{ id: "examples", title: "Examples", first: true, help: board.examples?.about, sort: (item) => text(item) || undefined, text,
    show: ({ row, at }) => (rows.get(at) === "" ? <ExamplesLink board={board.id} row={at} of={row.name}>pictures</ExamplesLink> : <span title={rows.get(at)}>–</span>) }];
}

// Why there is no rank, where one word says it.
const rankWord = (row: Row) => (row.baseline ? "base" : row.submitted ? "submitted" : row.single_run && row.done > 0 ? "single run" : "");

// What a row is about comes first: the subject where these are ranked, else the method.
function names(board: Board, subjects: number): Column[] {
  const link = (at: number, text: string) => <a href={href(["row", board.id, String(at)])} title={text}>{text}</a>;
  const method: Column = { id: "name", title: "Method", first: true, sort: ({ row }) => row.name, text: ({ row }) => row.name, show: ({ row, at }) => link(at, row.name) };
  const subject: Column = { id: "subject", title: "Subject", first: subjects > 1, sort: ({ row }) => row.subject, text: ({ row }) => row.subject, show: ({ row }) => row.subject };
  if (board.rank !== "subject") return [method, subject];
  return [{ ...subject, id: "name", first: true, show: ({ row, at }) => link(at, row.subject) },
    { id: "net", title: "Net", first: true, sort: ({ row }) => row.net, text: ({ row }) => row.net ?? "", show: ({ row }) => <span title={row.net}>{row.net}</span>, help: "architecture and training, or where it comes from; the protocol below has every parameter" },
    { ...method, id: "attacks", title: "Number is the", first: false, show: ({ row }) => row.name }];
}

export function columnsOf(board: Board): Column[] {
  const subjects = new Set(board.rows.map((row) => row.subject)).size, metrics = metricColumns(board);
  return [
    { id: "rank", title: "Rank", numeric: true, first: true, sort: ({ row }) => (row.rank ? row.rank[0] + row.rank[1] / 1e6 : undefined),
      text: ({ row }) => (row.rank ? row.rank.join("-") : rankWord(row)), show: ({ row }) => (row.rank ? (row.rank[0] === row.rank[1] ? row.rank[0] : row.rank.join("–")) : rankWord(row) || "–"),
      help: "methods that cannot be told apart share a range; base: a trivial baseline; single run: fewer than 3 seeds, in order of the numbers and not ranked" },
    ...names(board, subjects),
    ...metrics.filter((column) => !column.late),
    ...claimedColumn(board),
    { id: "cells", title: "Cells done", numeric: true, first: true, sort: ({ row }) => row.done / Math.max(1, row.planned), text: ({ row }) => `${row.done} of ${row.planned}`, show: ({ row }) => `${row.done} of ${row.planned}` },
    { id: "verdict", title: "Verdict", first: true, sort: ({ row }) => (row.status === "ok" ? row.level : 3), text: ({ row }) => (row.status === "ok" ? ["VALID", "SUSPECT", "INVALID"][row.level] : row.status),
      show: ({ row }) => <Verdict level={row.level} status={row.status} /> },
    ...metrics.filter((column) => column.late),
    { id: "why", title: "Why and remarks", first: true, sort: ({ row }) => why(row) || undefined, text: ({ row }) => why(row), show: ({ row }) => <span title={why(row)}>{why(row)}</span> },
    ...examplesColumn(board),
    cost("cpu", "CPU a cell", true, (row) => row.cost.cpu, seconds, "mean over seeds"),
    cost("ms", "CPU ms an input, fitting included", false, (row) => perInput(board, row, row.cost.cpu * 1000), (v) => num(v, 3), "CPU time of a cell, fitting included, over its evaluated inputs"),
    cost("forward", "Forward", true, (row) => row.cost.forward, count, "passes of one input through the model, a cell"),
    cost("backward", "Backward", true, (row) => row.cost.backward, count, "backward passes of one input, a cell"),
    cost("macs", "Multiply-adds", false, (row) => row.cost.macs, count), cost("rss", "Peak memory", false, (row) => row.cost.rss, bytes),
  ];
}
