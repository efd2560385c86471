// Transfer matrices: sources down, victims across. Shades repeat what the numbers say; one net as both is outlined and named.
import type { Board, Matrix } from "../data/types";
import { href } from "../route";
import { better, interval, metricName, num } from "../ui/format";
import { SaveSheet } from "../ui/download";

const levels = ["", "SUSPECT", "INVALID"];

function Pair({ board, at, same }: { board: Board; at: number; same: boolean }) {
  const row = board.rows[at], value = row?.values[0];
  if (!value || value[0] === null) return <td>{row && row.status !== "ok" ? row.status : "–"}</td>;
  const unit = value[0] >= 0 && value[0] <= 1; // a share of the samples
  // At most a fifth of the colour, so that links and dim text keep their contrast.
  return (
    <td class={(unit ? "shade" : "") + (same ? " same" : "")} style={{ "--share": `${Math.round(value[0] * 20)}%` } as never}>
      <a href={href(["row", board.id, String(at)])}>{num(value[0], 3)}</a> {levels[row.level]}{same && " (same net)"}
      <br /><span class="dim">{interval(value)}</span>
    </td>
  );
}

function One({ board, matrix }: { board: Board; matrix: Matrix }) {
  const metric = board.metrics[0], title = `${matrix.method}${matrix.baseline ? " (baseline)" : ""}: ${metricName(metric)}`;
  const text = (at: number) => { const value = board.rows[at]?.values[0]; return value ? value[0] : null; };
  const sheet = () => ({ name: `${board.id}-matrix-${matrix.method.replace(/\W+/g, "-")}`, caption: `${title}. ${board.caption}`, columns: ["From \\ on", ...matrix.victims],
    rows: matrix.rows.map((line, s) => [matrix.sources[s], ...line.map(([at]) => text(at))]) });
  return (
    <section class="table matrix">
      <div class="bar"><h3>{title}</h3><SaveSheet sheet={sheet} /></div>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table>
          <thead><tr><th scope="col">From \ on</th>{matrix.victims.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>{matrix.rows.map((line, s) => (
            <tr key={matrix.sources[s]}><th scope="row">{matrix.sources[s]}</th>{line.map(([at, same], v) => <Pair key={v} board={board} at={at} same={same === 1} />)}</tr>))}</tbody>
        </table>
      </div>
    </section>
  );
}

export function Matrices({ board }: { board: Board }) {
  if (!board.matrices.length || !board.metrics.length) return null;
  return (
    <>
      <h2>Sources and victims</h2>
      <p class="dim">A line is the net whose gradients the attack had, a column the net that was attacked; {better(board.metrics[0])}. Outlined: one net is both, so the attack was white-box. Brackets: {Math.round(board.level * 100)} % intervals over the samples.</p>
      {board.matrices.filter((matrix) => !matrix.baseline).map((matrix) => <One key={matrix.method} board={board} matrix={matrix} />)}
      {board.matrices.some((matrix) => matrix.baseline) && <details><summary>Baselines</summary>
        {board.matrices.filter((matrix) => matrix.baseline).map((matrix) => <One key={matrix.method} board={board} matrix={matrix} />)}</details>}
      <h2>Every cell</h2>
    </>
  );
}
