// Saving tables as CSV and JSON, figures as SVG and PNG.
import type { RefObject } from "preact";

export type Cell = string | number | boolean | null;
export interface Sheet { name: string; caption: string; columns: string[]; rows: Cell[][] }

function save(name: string, type: string, content: BlobPart): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function csv(sheet: Sheet): string {
  const field = (value: Cell) => {
    const text = value === null ? "" : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  const lines = [sheet.columns, ...sheet.rows].map((row) => row.map(field).join(","));
  return `# ${sheet.caption.replace(/\s+/g, " ")}\n${lines.join("\n")}\n`;
}

export function json(sheet: Sheet): string {
  const rows = sheet.rows.map((row) => Object.fromEntries(sheet.columns.map((name, i) => [name, row[i]])));
  return JSON.stringify({ caption: sheet.caption, rows }, null, 1);
}

const drawn = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "text-anchor"];

// The picture with its style sheet's colours written into it, on a background, with its caption as <desc>.
export function standalone(svg: SVGSVGElement, caption: string): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of drawn) to[i].setAttribute(name, style.getPropertyValue(name));
  });
  const box = svg.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(box.width));
  copy.setAttribute("height", String(box.height));
  const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  back.setAttribute("width", "100%");
  back.setAttribute("height", "100%");
  back.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  const about = document.createElementNS("http://www.w3.org/2000/svg", "desc");
  about.textContent = caption;
  copy.prepend(about, back);
  return new XMLSerializer().serializeToString(copy);
}

function savePng(svg: SVGSVGElement, name: string, caption: string): void {
  const box = svg.viewBox.baseVal;
  saveDrawn(standalone(svg, caption), box, name);
}

function saveDrawn(text: string, box: { width: number; height: number }, name: string): void {
  const image = new Image(), scale = 2;
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = box.width * scale;
    canvas.height = box.height * scale;
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => blob && save(name + ".png", "image/png", blob));
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
}

export function SaveSheet({ sheet }: { sheet: () => Sheet }) {
  return (
    <span class="save">
      <button type="button" onClick={() => { const s = sheet(); save(s.name + ".csv", "text/csv", csv(s)); }}>CSV</button>
      <button type="button" onClick={() => { const s = sheet(); save(s.name + ".json", "application/json", json(s)); }}>JSON</button>
    </span>
  );
}

// A drawing that is not on the page: made when it is asked for.
export interface Drawing { text: string; width: number; height: number }
export function SaveDrawing({ name, draw }: { name: string; draw: () => Drawing }) {
  return (
    <span class="save">
      <button type="button" onClick={() => save(name + ".svg", "image/svg+xml", draw().text)}>SVG</button>
      <button type="button" onClick={() => { const drawn = draw(); saveDrawn(drawn.text, drawn, name); }}>PNG</button>
    </span>
  );
}

export function SaveFigure({ frame, name, caption }: { frame: RefObject<HTMLElement>; name: string; caption: string }) {
  const svg = () => frame.current?.querySelector("svg") as SVGSVGElement | null;
  return (
    <span class="save">
      <button type="button" onClick={() => { const s = svg(); if (s) save(name + ".svg", "image/svg+xml", standalone(s, caption)); }}>SVG</button>
      <button type="button" onClick={() => { const s = svg(); if (s) savePng(s, name, caption); }}>PNG</button>
    </span>
  );
}
