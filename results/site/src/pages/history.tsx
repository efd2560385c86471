// Every result of a method in the order in which results were recorded: over its own versions, numerics classes and suites' versions.
import { Curves, type Series } from "../charts/figures";
import type { Board, Index, Level, MethodCard, Value } from "../data/types";
import { href } from "../route";
import { interval, metricName, num } from "../ui/format";
import { BoardLink, CellLink, Figure, Table, Verdict, type Entry } from "../ui/parts";

interface Point {
  board: Board; suiteVersion: number; row: number | null; // null: the board does not show it any more
  name: string; subject: string; version: string; digest: string; numerics: string; order: number;
  value: Value | null; over: string; level: Level; status: string; cells: string[];
}

// "n3/dnnl2.6.3/avx512_core/t1/b64": the version of the numerics, and what else tells two classes apart.
const short = (numerics: string) => numerics.split("/")[0];

function points(card: MethodCard, boards: Map<string, Board>): Point[] {
  const now = card.results.flatMap(({ board: id, row: r, numerics, order }): Point[] => {
    const board = boards.get(id), row = board?.rows[r];
    if (!board || !row) return [];
    const value = row.values[0] ?? null;
    return [{ board, suiteVersion: board.version, row: r, name: row.name, subject: row.subject, version: row.version, digest: row.digest, numerics, order, value,
      over: value && value[3] >= 0 ? board.over[value[3]] : "", level: row.level, status: row.status, cells: row.cells }];
  });
  const before = card.earlier.flatMap((old): Point[] => {
    const board = boards.get(old.board);
    return board ? [{ ...old, board, suiteVersion: old.suite_version, row: null }] : [];
  });
  return [...before, ...now].filter((point) => point.order > 0).sort((a, b) => a.order - b.order);
}

const state = (point: Point) => `${point.version}, ${short(point.numerics)}, suite ${point.suiteVersion}`;
const fullState = (point: Point) => [point.version, point.digest, point.numerics, point.suiteVersion, point.board.id].join(" ");

// Points of one suite and metric belong together; protocols may differ, and the table says which is which.
function charts(all: Point[]): { title: string; suite: string; captions: string[]; series: Series[] }[] {
  const groups = new Map<string, Point[]>();
  for (const point of all) {
    const metric = point.board.metrics[0];
    if (!metric || point.value?.[0] === null || point.value === null) continue;
    const key = `${point.board.suite} ${metricName(metric)}`;
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups.values()].flatMap((group) => {
    const states = [...new Set(group.map(fullState))];
    if (states.length < 2) return [];
    const names = [...new Set(group.map((point) => `${point.name} on ${point.subject}`))].slice(0, 7);
    const series = names.map((name) => ({
      name,
      points: group.filter((point) => `${point.name} on ${point.subject}` === name).map((point) => ({ x: states.indexOf(fullState(point)) + 1, label: state(point), y: point.value![0]!, lo: point.value![1], hi: point.value![2] }))
        .sort((a, b) => a.x - b.x),
    }));
    const { board } = group[0];
    return [{ title: metricName(board.metrics[0]), suite: board.suite, captions: [...new Set(group.map((point) => point.board.caption))], series }];
  });
}

export function History({ card, boards, index }: { card: MethodCard; boards: Map<string, Board>; index: Index }) {
  const all = points(card, boards);
  if (!all.length) return null;
  const latest = (id: string) => index.boards.find((board) => board.id === id)?.latest ?? false;
  const rows = [...all].reverse().map((point): (Entry | string | number)[] => [
    point.order,
    point.row === null ? "replaced or taken out of the suite" : latest(point.board.id) ? "stands" : "of an earlier protocol",
    { value: point.board.suite, show: <BoardLink id={point.board.id}>{point.board.suite}</BoardLink> },
    { value: point.name, show: point.row === null ? point.name : <a href={href(["row", point.board.id, String(point.row)])}>{point.name}</a> }, point.subject,
    { value: point.version, show: <>{point.version} <span class="dim">{point.digest}</span></> }, point.numerics,
    point.board.metrics[0] ? metricName(point.board.metrics[0]) : "",
    { value: point.value?.[0] ?? null, show: <>{num(point.value?.[0])} <span class="dim">{interval(point.value)}{point.over && ` over ${point.over}`}</span></> },
    { value: point.status, show: <Verdict level={point.level} status={point.status} /> },
    point.suiteVersion, point.board.id,
    { value: point.cells.join(" "), show: point.row === null ? point.cells.join(" ") : point.cells.map((cell, i) => <>{i > 0 && " "}<CellLink cell={cell}>{i + 1}</CellLink></>) },
  ]);
  return (
    <>
      <h2>History</h2>
      {charts(all).map(({ title, suite, captions, series }) => (
        <Figure key={suite + title} name={`${card.name}-${suite}-history`} title={`${title} of ${suite}, over versions`}
          caption={`Means with intervals, in the order in which the results were recorded: version of the method, of the numerics, of the suite. Results of two protocols stand side by side and are not compared. ${captions.join(" ")}`}>
          <Curves series={series} xTitle="version of the method, numerics, suite" yTitle={title} />
        </Figure>))}
      <Table name={`${card.name}-history`} title="Every result" numeric={[0, 8, 10]}
        caption="Newest first. A database keeps the order of its results and no dates. What no board shows any more keeps the numbers that it had."
        columns={["Order", "Now", "Suite", "Row", "Subject", "Method version", "Numerics", "Metric", "Mean [interval]", "Verdict", "Suite version", "Protocol", "Cells"]} rows={rows} />
    </>
  );
}

