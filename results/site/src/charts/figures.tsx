// Curves, quality against cost, and paired differences.
import { line } from "d3-shape";
import { num, pText } from "../ui/format";
import { apart, box, colour, Frame, linear, Mark, spread, tickTexts } from "./frame";

const inside: { x: [number, number]; y: [number, number] } = { x: [box.left, box.width - box.right], y: [box.height - box.bottom, box.top] };

export interface Series { name: string; points: { x: number; label: string; y: number; lo: number | null; hi: number | null }[] }

export function Curves({ series, xTitle, yTitle }: { series: Series[]; xTitle: string; yTitle: string }) {
  const points = series.flatMap((one) => one.points);
  const x = spread(points.map((p) => p.x), inside.x), y = linear(points.flatMap((p) => [p.y, p.lo ?? p.y, p.hi ?? p.y]), inside.y);
  const path = line<Series["points"][number]>().x((p) => x(p.x)).y((p) => y(p.y));
  const labels = apart(series.map((one) => y(one.points[one.points.length - 1].y)), 15, box.top + 6, box.height - box.bottom);
  const ticks = [...new Map(points.map((p) => [p.x, { at: p.x, text: p.label }])).values()];
  return (
    <Frame x={x} y={y} xTitle={xTitle} yTitle={yTitle} label={`${yTitle} against ${xTitle} for ${series.map((s) => s.name).join(", ")}`} xTicks={ticks.length <= 9 ? ticks : undefined}>
      {series.map((one, i) => (
        <g key={one.name}>
          <path d={path(one.points) ?? ""} fill="none" stroke={colour(i)} stroke-width={2} stroke-dasharray={i >= 4 ? "6 3" : undefined} />
          {one.points.map((p) => (
            <g key={p.x}>
              {p.lo !== null && p.hi !== null && <line x1={x(p.x)} x2={x(p.x)} y1={y(p.lo)} y2={y(p.hi)} stroke={colour(i)} stroke-width={1.5} />}
              <Mark i={i} x={x(p.x)} y={y(p.y)} />
            </g>))}
          <line x1={inside.x[1]} x2={inside.x[1] + 18} y1={y(one.points[one.points.length - 1].y)} y2={labels[i]} stroke={colour(i)} />
          <text x={inside.x[1] + 22} y={labels[i] + 4}>{one.name}</text>
        </g>))}
    </Frame>
  );
}

export interface Spot { name: string; x: number; y: number; lo: number | null; hi: number | null }

// Spots that no other is at least as good and as cheap as, and better in one of both.
export function pareto(spots: Spot[], lowerIsBetter: boolean): Spot[] {
  const good = (spot: Spot) => (lowerIsBetter ? -spot.y : spot.y);
  return spots.filter((a) => !spots.some((b) => b.x <= a.x && good(b) >= good(a) && (b.x < a.x || good(b) > good(a)))).sort((a, b) => a.x - b.x || a.y - b.y);
}

export function Scatter({ spots, front, xTitle, yTitle }: { spots: Spot[]; front: Spot[]; xTitle: string; yTitle: string }) {
  const x = spread(spots.map((s) => s.x), inside.x), y = linear(spots.flatMap((s) => [s.y, s.lo ?? s.y, s.hi ?? s.y]), inside.y);
  const path = line<Spot>().x((s) => x(s.x)).y((s) => y(s.y));
  const labels = apart(spots.map((s) => y(s.y)), 15, box.top + 6, box.height - box.bottom);
  return (
    <Frame x={x} y={y} xTitle={xTitle} yTitle={yTitle} label={`${yTitle} against ${xTitle}; on the front: ${front.map((s) => s.name).join(", ")}`}>
      <path d={path(front) ?? ""} fill="none" class="zero" />
      {spots.map((s, i) => (
        <g key={s.name}>
          {s.lo !== null && s.hi !== null && <line x1={x(s.x)} x2={x(s.x)} y1={y(s.lo)} y2={y(s.hi)} stroke={colour(i)} stroke-width={1.5} />}
          <Mark i={i} x={x(s.x)} y={y(s.y)} />
          <text x={inside.x[1] + 22} y={labels[i] + 4} font-weight={front.includes(s) ? "700" : undefined}>{s.name}{front.includes(s) ? " ◂ front" : ""}</text>
          <line x1={x(s.x) + 6} x2={inside.x[1] + 18} y1={y(s.y)} y2={labels[i]} class="leader" />
        </g>))}
    </Frame>
  );
}

export interface Difference { name: string; difference: number; lo: number; hi: number; p: number }

export function Differences({ items, title }: { items: Difference[]; title: string }) {
  const row = 26, left = 230, width = 760, right = 200, height = items.length * row + 54;
  const x = linear([0, ...items.flatMap((d) => [d.lo, d.hi])], [left, width - right]);
  return (
    <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={title}>
      <line class="zero" x1={x(0)} x2={x(0)} y1={4} y2={height - 44} />
      {items.map((d, i) => {
        const y = i * row + 18, clear = d.p <= 0.05;
        return (
          <g key={d.name}>
            <text x={left - 10} y={y + 4} text-anchor="end">{d.name}</text>
            <line x1={x(d.lo)} x2={Math.max(x(d.hi), x(d.lo) + 1)} y1={y} y2={y} stroke={colour(clear ? 0 : 6)} stroke-width={2} />
            <circle cx={x(d.difference)} cy={y} r={4.5} fill={clear ? colour(0) : "var(--back)"} stroke={colour(clear ? 0 : 6)} stroke-width={2} />
            <text x={width - right + 12} y={y + 4}>{num(d.difference)} (p {pText(d.p).startsWith("<") ? "" : "= "}{pText(d.p)})</text>
          </g>);
      })}
      <line class="axis" x1={left} x2={width - right} y1={height - 44} y2={height - 44} />
      {x.ticks(5).map((v, i, all) => <text key={v} class="dimtext" x={x(v)} y={height - 26} text-anchor="middle">{tickTexts(all)[i]}</text>)}
      <text x={(left + width - right) / 2} y={height - 6} text-anchor="middle">{title}</text>
    </svg>
  );
}
