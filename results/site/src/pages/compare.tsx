// Methods of one board against each other: paired differences, quality against cost, curves, critical differences.
import { CriticalDifference } from "../charts/critical";
import { Curves, Differences, pareto, Scatter, type Difference, type Series, type Spot } from "../charts/figures";
import { loadBoard, loadCompare } from "../data/load";
import type { Board, Compare, Front, Index, Row } from "../data/types";
import { change, type Route } from "../route";
import { better, fraction, metricName, num, pText } from "../ui/format";
import { BoardLink, Figure, Loaded, Table } from "../ui/parts";
import { perInput } from "./columns";

const most = 12; // methods in one figure

const costs: [string, string, (board: Board, row: Row) => number | undefined][] = [
  ["forward", "Forward passes an input", (board, row) => perInput(board, row, row.cost.forward)],
  ["backward", "Backward passes an input", (board, row) => perInput(board, row, row.cost.backward)],
  ["ms", "CPU ms an input", (board, row) => perInput(board, row, row.cost.cpu * 1000)],
  ["macs", "Multiply-adds an input", (board, row) => perInput(board, row, row.cost.macs)],
  ["rss", "Peak memory, bytes", (_, row) => row.cost.rss],
];

const label = (board: Board, at: number) => {
  const row = board.rows[at];
  if (board.rank === "subject") return row.subject;
  return row.name + (row.submitted ? " (submitted)" : "") + (new Set(board.rows.map((r) => r.subject)).size > 1 ? ` on ${row.subject}` : "");
};

function chosenRows(board: Board, compare: Compare, route: Route): number[] {
  const asked = route.query.get("rows");
  if (asked) return asked.split(".").map(Number).filter((at) => board.rows[at]);
  const paired = [...new Set(compare.pairs.flatMap(([a, b]) => [a, b]))].sort((a, b) => a - b);
  return (paired.length ? paired : board.rows.map((_, at) => at)).slice(0, 8);
}

function Choice({ board, rows, route }: { board: Board; rows: number[]; route: Route }) {
  const toggle = (at: number) => change(route, { rows: (rows.includes(at) ? rows.filter((one) => one !== at) : [...rows, at]).sort((a, b) => a - b).join(".") });
  return (
    <details open={board.rows.length <= 12}><summary>Methods ({rows.length} of {board.rows.length}, at most {most} in one figure)</summary>
      <fieldset><legend>Methods to compare</legend><div class="checks">{board.rows.map((row, at) => (
        <label key={at}><input type="checkbox" checked={rows.includes(at)} disabled={!rows.includes(at) && rows.length >= most} onChange={() => toggle(at)} /> {label(board, at)}{row.baseline && " (baseline)"}</label>))}</div></fieldset>
    </details>
  );
}

// One run says which outputs are better, and nothing of what another run would give (rule 5).
const verdict = (board: Board, winner: number, pair: number[]) =>
  `${label(board, winner)} ${pair.some((at) => board.rows[at].single_run) ? "is ahead on these inputs (single run)" : "is better"}`;

function inWords(board: Board, compare: Compare, rows: number[]): string {
  const metric = board.metrics[compare.metric], pairs = compare.pairs.filter(([a, b]) => rows.includes(a) && rows.includes(b));
  const alpha = 1 - compare.level, found = pairs.filter((pair) => pair[6] <= alpha);
  const open = pairs.filter((pair) => pair[6] > alpha).map(([a, b]) => `${label(board, a)} and ${label(board, b)}`);
  return `${found.length} of ${pairs.length} differences in ${metricName(metric)} are significant at ${Math.round(compare.level * 100)} %` +
    (open.length ? `; no difference was found between ${open.slice(0, 6).join("; ")}${open.length > 6 ? ` and ${open.length - 6} more pairs` : ""}.` : ".");
}

function Paired({ board, compare, rows, route }: { board: Board; compare: Compare; rows: number[]; route: Route }) {
  const metric = board.metrics[compare.metric];
  const pairs = compare.pairs.filter(([a, b]) => rows.includes(a) && rows.includes(b));
  if (!pairs.length) return <p>No paired differences: {compare.sentence || "none of these methods were compared"}</p>;
  const inPairs = rows.filter((at) => pairs.some(([a, b]) => a === at || b === at));
  const asked = Number(route.query.get("ref") ?? -1), reference = inPairs.includes(asked) ? asked : inPairs[0];
  const items: Difference[] = pairs.flatMap(([a, b, d, lo, hi, , p]) =>
    b === reference ? [{ name: label(board, a), difference: d, lo, hi, p }] : a === reference ? [{ name: label(board, b), difference: -d, lo: -hi, hi: -lo, p }] : []);
  return (
    <>
      <p>{inWords(board, compare, rows)}</p>
      <div class="controls"><label>Difference to <select value={String(reference)} onChange={(event) => change(route, { ref: event.currentTarget.value })}>
        {inPairs.map((at) => <option key={at} value={String(at)}>{label(board, at)}</option>)}</select></label></div>
      <Figure name={`${board.id}-differences`} title={`Differences to ${label(board, reference)}`} caption={`${metricName(metric)} (${better(metric)}). Filled: significant after Holm's correction. ${compare.sentence} ${board.caption}`}>
        <Differences items={items} title={`${metricName(metric)} minus that of ${label(board, reference)}`} />
      </Figure>
      <Table name={`${board.id}-pairs`} title="All pairs" caption={`${compare.sentence} ${board.caption}`} numeric={[2, 4, 5]}
        columns={["A", "B", "A − B", "Interval", "p", "p, Holm", "In words"]}
        rows={pairs.map(([a, b, d, lo, hi, p, holm]) => [label(board, a), label(board, b), { value: d, show: num(d) }, `[${num(lo)}, ${num(hi)}]`, { value: p, show: pText(p) }, { value: holm, show: pText(holm) },
          holm > 1 - compare.level ? "no difference found" : metric.better === "none" ? "they differ" : verdict(board, d < 0 === (metric.better === "lower") ? a : b, [a, b])])} />
    </>
  );
}

// How sure the front is: the samples could have been others.
function FrontTable({ board, front, title }: { board: Board; front: Front; title: string }) {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return (
    <Table name={`${board.id}-front`} title="On the Pareto front" numeric={[2]} columns={["Method", "Front of the means", "Of the resamples"]}
      caption={`Quality against ${title}, all methods of this board: share of ${front.resamples} resamples of the test samples in which no other is at least as good in both; costs as measured. ${front.note}`}
      rows={front.rows.filter(([, on, share]) => on || share >= 0.01).map(([at, on, share]) => [label(board, at), on ? "yes" : "no", { value: share, show: percent(share) }])} />
  );
}

function CostFigure({ board, compare, rows, route }: { board: Board; compare: Compare; rows: number[]; route: Route }) {
  const m = Math.min(Number(route.query.get("y") ?? 0), board.metrics.length - 1), metric = board.metrics[m];
  const [id, title, of] = costs.find(([name]) => name === route.query.get("x")) ?? (board.task === "attack" ? costs[0] : costs[2]);
  const spots: Spot[] = rows.flatMap((at) => {
    const row = board.rows[at], value = row.values[m], x = of(board, row);
    return value && value[0] !== null && x !== undefined && Number.isFinite(x) ? [{ name: label(board, at), x, y: value[0], lo: value[1], hi: value[2] }] : [];
  });
  const front = metric.better === "none" ? [] : pareto(spots, metric.better === "lower");
  const sure = m === compare.metric ? compare.fronts?.[id === "ms" ? "cpu" : id] : undefined;
  const shared = rows.some((at) => board.rows[at].cost.shared) && (id === "ms");
  return (
    <>
      <h2>Quality against cost</h2>
      <div class="controls">
        <label>Quality <select value={String(m)} onChange={(event) => change(route, { y: event.currentTarget.value })}>{board.metrics.map((one, i) => <option key={i} value={String(i)}>{metricName(one)}</option>)}</select></label>
        <label>Cost <select value={id} onChange={(event) => change(route, { x: event.currentTarget.value })}>{costs.map(([name, text]) => <option key={name} value={name}>{text}</option>)}</select></label>
      </div>
      {spots.length < 2 ? <p>Fewer than two of these methods have both numbers.</p> :
        <Figure name={`${board.id}-cost`} title={`${metricName(metric)} against ${title.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase())}`}
          caption={`Means with intervals; dashed: the Pareto front of the means (${better(metric)}). ${shared ? "Times were taken under shared load and are never ranked. " : ""}${board.caption}`}>
          <Scatter spots={spots} front={front} xTitle={title} yTitle={metricName(metric)} />
        </Figure>}
      {sure && <FrontTable board={board} front={sure} title={title.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase())} />}
    </>
  );
}

// Metrics that differ only in a condition "name=number": quality over eps.
function overCondition(board: Board, rows: number[]): { title: string; axis: string; series: Series[] }[] {
  const groups = new Map<string, { m: number; x: number; label: string; axis: string }[]>();
  board.metrics.forEach((metric, m) => {
    const [axis, text] = metric.condition.split("="), x = text === undefined ? null : fraction(text);
    if (x === null) return;
    const key = `${metric.quantity} ${axis} ${metric.configuration}`;
    groups.set(key, [...(groups.get(key) ?? []), { m, x, label: text, axis }]);
  });
  return [...groups.values()].filter((group) => group.length > 1).map((group) => ({
    title: board.metrics[group[0].m].quantity.replace(/_/g, " "), axis: group[0].axis,
    series: rows.map((at) => ({ name: label(board, at), points: group.flatMap(({ m, x, label: text }) => {
      const value = board.rows[at].values[m];
      return value && value[0] !== null ? [{ x, label: text, y: value[0], lo: value[1], hi: value[2] }] : [];
    }).sort((a, b) => a.x - b.x) })).filter((one) => one.points.length > 1),
  })).filter((figure) => figure.series.length > 0);
}

function overAxis(board: Board): { title: string; axis: string; series: Series[] }[] {
  if (!board.curves) return [];
  const { axis, quantity, condition, curves } = board.curves;
  const several = new Set(curves.map((curve) => curve.subject)).size > 1;
  const series = curves.map((curve) => ({ name: curve.method + (several ? ` on ${curve.subject}` : ""), points: curve.points.flatMap((p) => (p.mean === null ? [] : [{ x: p.x, label: p.label, y: p.mean, lo: p.lo, hi: p.hi }])) }))
    .filter((one) => one.points.length > 0).slice(0, most);
  return series.length ? [{ title: `${quantity.replace(/_/g, " ")} @ ${condition}`, axis, series }] : [];
}

function CurveFigures({ board, rows }: { board: Board; rows: number[] }) {
  const figures = [...overAxis(board), ...overCondition(board, rows)];
  if (!figures.length) return null;
  const notes = (board.curves?.notes ?? []).map((note) => note + ". ").join("");
  return <><h2>Curves</h2>{figures.map(({ title, axis, series }) => (
    <div key={title + axis}>
      <Figure name={`${board.id}-${title.replace(/\W+/g, "-")}`} title={`${title} over ${axis}`} caption={`Means over seeds with intervals. ${notes}${board.caption}`}><Curves series={series} xTitle={axis} yTitle={title} /></Figure>
      <details><summary>The same as a table</summary>
        <Table name={`${board.id}-${title.replace(/\W+/g, "-")}-points`} title={`${title} over ${axis}, points`} caption={board.caption} columns={["Method", axis, "Mean", "Interval"]} numeric={[2]}
          rows={series.flatMap((one) => one.points.map((p) => [one.name, p.label, { value: p.y, show: num(p.y) }, p.lo === null ? "" : `[${num(p.lo)}, ${num(p.hi)}]`]))} /></details>
    </div>))}</>;
}

function CompareView({ board, compare, route }: { board: Board; compare: Compare; route: Route }) {
  const rows = chosenRows(board, compare, route).slice(0, most);
  return (
    <>
      <h1>Compare {board.rank === "subject" ? "subjects" : "methods"} of {board.suite}</h1>
      <p class="lead">{board.caption} <BoardLink id={board.id}>Back to the board</BoardLink></p>
      <Choice board={board} rows={rows} route={route} />
      <h2>Paired differences</h2>
      <Paired board={board} compare={compare} rows={rows} route={route} />
      {rows.length > 0 && board.metrics.length > 0 && <CostFigure board={board} compare={compare} rows={rows} route={route} />}
      <CurveFigures board={board} rows={rows} />
      <h2>Critical differences over data sets</h2>
      {compare.cd.status === "ok"
        ? <Figure name={`${board.id}-cd`} title="Mean ranks over data sets" caption={`Methods joined by a bar with dots were not told apart. ${compare.cd.reason} ${board.caption}`}><CriticalDifference data={compare.cd} /></Figure>
        : <p>No diagram: {compare.cd.reason}.</p>}
    </>
  );
}

export function ComparePage({ id, route }: { index: Index; id: string; route: Route }) {
  return <Loaded name={"compare " + id} of={() => Promise.all([loadBoard(id), loadCompare(id)])}>{([board, compare]) => <CompareView board={board} compare={compare} route={route} />}</Loaded>;
}
