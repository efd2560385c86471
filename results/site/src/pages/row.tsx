// One row of a board in full: every metric with its interval and seeds, why it stands where it stands, its cells.
import { loadBoard } from "../data/load";
import type { Board, Index } from "../data/types";
import { href } from "../route";
import { better, bytes, count, interval, metricName, num, plain, seconds } from "../ui/format";
import { BoardLink, CellLink, ExamplesLink, Facts, Loaded, MethodLink, Table, Verdict, type Entry } from "../ui/parts";

const some = (value: unknown) => (value && typeof value === "object" && Object.keys(value).length === 0 ? "" : plain(value));

function RowView({ board, at }: { board: Board; at: number }) {
  const row = board.rows[at];
  if (!row) return <p class="error" role="alert">The board has no row {at + 1}.</p>;
  const pictures = board.examples?.rows.find(([r]) => r === at)?.[1];
  const why = [...row.reasons, ...row.notes, ...(row.rank ? [] : [`not ranked: ${row.unranked}`])];
  return (
    <>
      <h1>{board.rank === "subject" ? row.subject : row.name}</h1>
      <p><BoardLink id={board.id}>{board.suite}</BoardLink> · {board.rank === "subject" ? row.name : <MethodLink name={row.method} />} · <Verdict level={row.level} status={row.status} /> · <a href={href(["compare", board.id])}>compare</a>{pictures === "" && <> · <ExamplesLink board={board.id} row={at}>pictures</ExamplesLink></>}</p>
      {pictures && <p class="dim">No pictures: {pictures}.</p>}
      {why.length > 0 && <ul>{why.map((text) => <li key={text}>{text}</li>)}</ul>}
      <Facts items={[["Rank", row.rank ? row.rank.join("–") : ""], ["Subject", row.subject], ["Net", row.net ?? ""], ["Parameters", some(row.params)], ["Axes", some(row.axes)],
        ["Plugin version", row.version], ["Plugin digest", row.digest], ["Cells done", `${row.done} of ${row.planned}`]]} />
      <Table name={`${board.id}-row-${at + 1}`} title="Numbers" caption={board.caption} numeric={[1, 3]}
        columns={["Metric", "Mean", "Interval", "n", "Over", "Per seed", "Grade", "Direction"]}
        rows={board.metrics.flatMap((metric, m): (Entry | string | number)[][] => {
          const value = row.values[m];
          if (!value) return [];
          return [[metricName(metric), { value: value[0], show: num(value[0]) }, interval(value), value[4], value[3] < 0 ? "" : board.over[value[3]],
            value[5].map((one) => num(one)).join(", "), metric.grade, better(metric)]];
        })} />
      <h2>Cells</h2>
      <ul>{row.cells.map((cell, i) => <li key={cell}><CellLink cell={cell}>{row.labels?.[i] ?? `cell ${i + 1}`} ({cell}): log, cost, reproducing command</CellLink></li>)}</ul>
      <h2>Mean cost of a cell</h2>
      {row.submitted ? <p>Unknown: the outputs were made elsewhere.</p> : <Facts items={[["CPU", seconds(row.cost.cpu)], ["Wall", seconds(row.cost.wall) + (row.cost.shared ? " (under shared load)" : "")], ["Peak memory", bytes(row.cost.rss)],
        ["Forward passes", count(row.cost.forward)], ["Backward passes", count(row.cost.backward)], ["Multiply-adds", count(row.cost.macs)]]} />}
    </>
  );
}

export function RowPage({ id, at }: { index: Index; id: string; at: number }) {
  return <Loaded name={"board " + id} of={() => loadBoard(id)}>{(board) => <RowView board={board} at={at} />}</Loaded>;
}
