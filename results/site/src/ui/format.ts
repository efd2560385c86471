// Numbers as text. What was not measured is "–".
import type { Metric, Value } from "../data/types";

export const missing = "–";

export function num(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return missing;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toPrecision(3);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : digits);
}

export function count(value: number): string {
  for (const [limit, sign] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]] as [number, string][])
    if (value >= limit) return (value / limit).toPrecision(3) + sign;
  return String(Math.round(value * 10) / 10);
}

export function seconds(value: number): string {
  if (value < 60) return num(value, 2) + " s";
  return value < 3600 ? `${Math.floor(value / 60)} min ${Math.round(value % 60)} s` : `${num(value / 3600, 1)} h`;
}

export const bytes = (value: number) => (value < 0 ? missing : count(value) + "B");

export const percent = (value: number) => `${Math.round(value * 1000) / 10} %`;

export function interval(value: Value | null): string {
  return value && value[1] !== null ? `[${num(value[1])}, ${num(value[2])}]` : "";
}

export function pText(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

// "Robust accuracy at eps=1/10", for people.
export function metricName(metric: Metric): string {
  const name = metric.quantity.replace(/_/g, " ");
  return name + (metric.condition ? ` @ ${metric.condition}` : "") + (metric.configuration ? ` (${metric.configuration})` : "");
}

export const better = (metric: Metric) => (metric.better === "none" ? "" : metric.better === "higher" ? "higher is better" : "lower is better");

export function plain(value: unknown): string {
  if (value === null || value === undefined) return missing;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

// "1/10" -> 0.1; null when it is no number.
export function fraction(text: string): number | null {
  const match = /^(-?[\d.eE+-]+)(?:\/([\d.]+))?$/.exec(text);
  if (!match) return null;
  const value = Number(match[1]) / (match[2] ? Number(match[2]) : 1);
  return Number.isFinite(value) ? value : null;
}
