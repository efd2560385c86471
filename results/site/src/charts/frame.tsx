// Axes of a figure: scales from d3, drawn as SVG so that a figure can be saved, printed and read aloud.
import { scaleLinear, scaleLog } from "d3-scale";
import type { ComponentChildren } from "preact";
import { count, num } from "../ui/format";

export const box = { width: 820, height: 380, left: 64, right: 240, top: 14, bottom: 46 };

export interface Scale { (value: number): number; ticks(n?: number): number[] }
export const colour = (i: number) => `var(--c${i % 7})`;

export function linear(values: number[], range: [number, number]): Scale {
  const lo = Math.min(...values), hi = Math.max(...values), pad = (hi - lo || Math.abs(hi) || 1) * 0.06;
  return scaleLinear().domain([lo - pad, hi + pad]).range(range);
}

// Logarithmic where positive values span more than a factor of 20.
export function spread(values: number[], range: [number, number]): Scale {
  const lo = Math.min(...values), hi = Math.max(...values);
  if (!(lo > 0) || hi / lo < 20) return linear(values, range);
  return scaleLog().domain([lo / 1.3, hi * 1.3]).range(range);
}

// With as many digits as it takes to tell the ticks of an axis apart, two at least.
export function tickTexts(values: number[]): string[] {
  const short = (value: number, digits: number) => (Math.abs(value) >= 1000 ? count(value) : value !== 0 && Math.abs(value) < 1e-3 ? num(value) : value.toFixed(digits).replace(/\.0+$/, ""));
  for (let digits = 2; ; digits++) {
    const texts = values.map((value) => short(value, digits));
    // The step must be readable, too: 0.0015 is not 0.002.
    if (digits === 8 || values.every((value, i) => Math.abs(value) >= 1000 || Math.abs(Number(texts[i]) - value) <= 1e-9 * Math.max(1, Math.abs(value)))) return texts;
  }
}

// At most n of a logarithmic scale's many ticks.
function thinned(ticks: number[], n: number): number[] {
  const step = Math.ceil(ticks.length / n);
  return ticks.filter((_, i) => i % step === 0);
}

export function Frame({ x, y, xTitle, yTitle, label, children, xTicks }: {
  x: Scale; y: Scale; xTitle: string; yTitle: string; label: string; children: ComponentChildren; xTicks?: { at: number; text: string }[];
}) {
  const { width, height, left, right, top, bottom } = box;
  const some = thinned(x.ticks(6), 7), someTexts = tickTexts(some), up = y.ticks(6), upTexts = tickTexts(up);
  const across = xTicks ?? some.map((at, i) => ({ at, text: someTexts[i] }));
  return (
    <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label}>
      {up.map((v, i) => <g key={v}><line class="grid" x1={left} x2={width - right} y1={y(v)} y2={y(v)} /><text class="dimtext" x={left - 8} y={y(v) + 4} text-anchor="end">{upTexts[i]}</text></g>)}
      {across.map(({ at, text }) => <g key={text}><line class="axis" x1={x(at)} x2={x(at)} y1={height - bottom} y2={height - bottom + 5} /><text class="dimtext" x={x(at)} y={height - bottom + 19} text-anchor="middle">{text}</text></g>)}
      <line class="axis" x1={left} x2={width - right} y1={height - bottom} y2={height - bottom} />
      <text x={(left + width - right) / 2} y={height - 8} text-anchor="middle">{xTitle}</text>
      <text transform={`translate(14 ${(top + height - bottom) / 2}) rotate(-90)`} text-anchor="middle">{yTitle}</text>
      {children}
    </svg>
  );
}

// Labels pushed apart so that none covers another.
export function apart(wanted: number[], gap: number, lo: number, hi: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const out = [...wanted];
  let below = lo - gap;
  for (const i of order) below = out[i] = Math.max(wanted[i], below + gap);
  let above = hi + gap;
  for (const i of order.reverse()) above = out[i] = Math.min(out[i], above - gap);
  return out;
}

// Shape and colour both tell series apart.
export function Mark({ i, x, y }: { i: number; x: number; y: number }) {
  const r = 4.5, fill = colour(i);
  switch (i % 4) {
    case 0: return <circle cx={x} cy={y} r={r} fill={fill} />;
    case 1: return <rect x={x - r} y={y - r} width={2 * r} height={2 * r} fill={fill} />;
    case 2: return <path d={`M${x} ${y - r - 1}L${x + r + 1} ${y + r}H${x - r - 1}Z`} fill={fill} />;
    default: return <path d={`M${x} ${y - r - 1}L${x + r + 1} ${y}L${x} ${y + r + 1}L${x - r - 1} ${y}Z`} fill={fill} />;
  }
}
