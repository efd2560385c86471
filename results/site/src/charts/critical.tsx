// A critical-difference diagram: mean ranks on a line, and a bar for every clique. A clique need not be contiguous in rank,
// so a bar has a dot at each of its methods, and a method under a bar without a dot does not belong to it.
import type { CriticalDifference as Data } from "../data/types";
import { num } from "../ui/format";
import { colour, linear } from "./frame";

export function CriticalDifference({ data }: { data: Data }) {
  const ranks = [...data.ranks].sort((a, b) => a.rank - b.rank || a.method.localeCompare(b.method));
  const width = 760, left = 200, right = 200, half = Math.ceil(ranks.length / 2), bars = data.cliques.length * 14;
  const top = 40, height = top + 20 + bars + half * 20 + 20;
  const x = linear([1, Math.max(2, ranks.length)], [left, width - right]);
  const rankOf = new Map(ranks.map((r) => [r.method, r.rank]));
  const label = `mean ranks: ${ranks.map((r) => `${r.method} ${num(r.rank, 2)}`).join(", ")}; cliques: ${data.cliques.map((c) => c.join(" with ")).join("; ") || "none"}`;
  return (
    <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      <line class="axis" x1={left} x2={width - right} y1={top} y2={top} />
      {x.ticks(Math.min(10, ranks.length)).filter(Number.isInteger).map((v) => <g key={v}><line class="axis" x1={x(v)} x2={x(v)} y1={top - 5} y2={top} /><text class="dimtext" x={x(v)} y={top - 10} text-anchor="middle">{v}</text></g>)}
      {data.cliques.map((clique, c) => {
        const at = clique.map((m) => x(rankOf.get(m) ?? 0)), y = top + 14 + c * 14;
        return <g key={clique.join()}><line x1={Math.min(...at)} x2={Math.max(...at)} y1={y} y2={y} stroke={colour(c)} stroke-width={3} />{at.map((v, i) => <circle key={i} cx={v} cy={y} r={4} fill={colour(c)} />)}</g>;
      })}
      {ranks.map((r, i) => {
        const onLeft = i < half, y = top + 34 + bars + (onLeft ? i : ranks.length - 1 - i) * 20;
        return (
          <g key={r.method}>
            <path class="axis" d={`M${x(r.rank)} ${top}V${y}H${onLeft ? left - 8 : width - right + 8}`} />
            <text x={onLeft ? left - 12 : width - right + 12} y={y + 4} text-anchor={onLeft ? "end" : "start"}>{r.method} ({num(r.rank, 2)})</text>
          </g>);
      })}
    </svg>
  );
}
