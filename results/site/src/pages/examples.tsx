// Pictures behind a row: inputs before and after an attack with their difference, or the inputs on which a method was best and worst.
import { loadBoard, loadExamples } from "../data/load";
import type { Board, ExampleGroup, ExampleItem, Examples, Index } from "../data/types";
import { href } from "../route";
import { SaveDrawing, type Drawing } from "../ui/download";
import { BoardLink, CellLink, Loaded, MethodLink, Table } from "../ui/parts";

const side = 112; // pixels on the screen, about

const uri = (examples: Examples, at: number) => "data:image/png;base64," + examples.images[at];
// A whole multiple keeps the pixels square and equal.
const scaleOf = ({ width, height }: Examples) => Math.max(1, Math.floor(side / Math.max(width, height)));
const inWords = (item: ExampleItem) => item.facts.map(([name, value]) => `${name} ${value}`).join(", ");
const rowName = (board: Board, at: number) => board.rank === "subject" ? board.rows[at].subject : board.rows[at].name + (new Set(board.rows.map((row) => row.subject)).size > 1 ? ` on ${board.rows[at].subject}` : "");

function Item({ examples, item }: { examples: Examples; item: ExampleItem }) {
  const scale = scaleOf(examples);
  return (
    <li>
      <div class="pictures">{item.pictures.map(([what, at]) => (
        <figure key={what}>
          <img src={uri(examples, at)} width={examples.width * scale} height={examples.height * scale} alt={`${what}: sample ${item.id}, ${inWords(item)}`} />
          <figcaption>{what}</figcaption>
        </figure>))}</div>
      <dl>{item.facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </li>
  );
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

// The group as one drawing, for papers and talks: what the page shows, on white.
function sheet(examples: Examples, group: ExampleGroup, caption: string): Drawing {
  const scale = scaleOf(examples), w = examples.width * scale, h = examples.height * scale, gap = 12, line = 15;
  const columns = Math.max(...group.items.map((item) => item.pictures.length)), facts = Math.max(...group.items.map((item) => item.facts.length));
  const rowHeight = Math.max(h + line, facts * line) + gap, left = columns * (Math.max(w, 110) + gap);
  const width = left + 300, height = group.items.length * rowHeight + 40;
  const rows = group.items.map((item, r) => {
    const y = 30 + r * rowHeight;
    const pictures = item.pictures.map(([what, at], c) => {
      const x = gap + c * (Math.max(w, 110) + gap);
      return `<image href="${uri(examples, at)}" x="${x}" y="${y}" width="${w}" height="${h}" style="image-rendering:pixelated"/><text x="${x}" y="${y + h + 12}">${escaped(what)}</text>`;
    });
    return pictures.join("") + item.facts.map(([name, value], f) => `<text x="${left + gap}" y="${y + 12 + f * line}">${escaped(`${name}: ${value}`)}</text>`).join("");
  });
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#000"><desc>${escaped(caption)}</desc><rect width="100%" height="100%" fill="#fff"/><text x="${gap}" y="18" font-weight="bold">${escaped(group.title)}</text>${rows.join("")}</svg>`;
  return { text, width, height };
}

function Group({ examples, group, name, caption }: { examples: Examples; group: ExampleGroup; name: string; caption: string }) {
  const file = `${name}-${group.title.replace(/\W+/g, "-").toLowerCase()}`;
  if (!group.items.length) return <section><h2>{group.title}</h2><p>{group.says}</p></section>;
  return (
    <section>
      <div class="bar"><h2>{group.title}</h2><SaveDrawing name={file} draw={() => sheet(examples, group, `${group.title}. ${caption}`)} /></div>
      <p class="dim">{group.says}</p>
      <ul class="examples">{group.items.map((item) => <Item key={item.id} examples={examples} item={item} />)}</ul>
      <details><summary>The same as a table</summary>
        <Table name={file} title={group.title} caption={caption} columns={["Sample", ...group.items[0].facts.map(([fact]) => fact)]}
          rows={group.items.map((item) => [item.id, ...item.facts.map(([, value]) => value)])} /></details>
    </section>
  );
}

function Others({ board, at }: { board: Board; at: number }) {
  const rows = board.examples?.rows ?? [], without = rows.filter(([, why]) => why !== "");
  const go = (event: { currentTarget: { value: string } }) => { location.hash = href(["examples", board.id, event.currentTarget.value]); };
  return (
    <>
      <div class="controls"><label>Row <select value={String(at)} onChange={go}>
        {rows.filter(([, why]) => why === "").map(([r]) => <option key={r} value={String(r)}>{rowName(board, r)}</option>)}</select></label></div>
      {without.length > 0 && <details open={without.length === rows.length}><summary>{without.length === 1 ? "1 row" : `${without.length} rows`} without pictures</summary>
        <ul>{without.map(([r, why]) => <li key={r}>{rowName(board, r)}: {why}</li>)}</ul></details>}
    </>
  );
}

function View({ board, at }: { board: Board; at: number }) {
  const row = board.rows[at], caption = board.caption;
  return (
    <>
      <h1>Examples: {rowName(board, at)}</h1>
      <p><BoardLink id={board.id}>{board.suite}</BoardLink> · {board.rank === "subject" ? row.name : <MethodLink name={row.method} />} · <a href={href(["row", board.id, String(at)])}>all numbers of this row</a></p>
      <Others board={board} at={at} />
      <Loaded name={`examples ${board.id} ${at}`} of={() => loadExamples(board.id, at)}>{(examples) => (
        <>
          <p class="lead">{examples.says}</p>
          <p>Of <CellLink cell={examples.cell}>{examples.label}</CellLink>; {examples.width} × {examples.height} pixels, shown {scaleOf(examples)} times as large.</p>
          {examples.groups.map((group) => <Group key={group.title} examples={examples} group={group} name={`${board.id}-${at}`} caption={`${examples.label}. ${examples.says} ${caption}`} />)}
          <p class="caption">{caption} {board.examples?.about}</p>
        </>)}</Loaded>
    </>
  );
}

// Without a row: the first that has pictures.
export function ExamplesPage({ id, at }: { index: Index; id: string; at: number }) {
  return (
    <Loaded name={"board " + id} of={() => loadBoard(id)}>{(board) => {
      const rows = board.examples?.rows ?? [], row = at >= 0 ? at : rows.find(([, why]) => why === "")?.[0] ?? -1;
      const why = rows.find(([r]) => r === row)?.[1];
      if (why === "") return <View board={board} at={row} />;
      return (
        <>
          <h1>Examples of {board.suite}</h1>
          <p><BoardLink id={board.id}>Back to the board</BoardLink></p>
          <p>{board.rows[row] ? `${rowName(board, row)} has no pictures here: ${why ?? "it is neither ranked nor SUSPECT, or beyond the cap"}.` : "No row of this board has pictures here."} {board.examples?.about}</p>
          <Others board={board} at={row} />
        </>
      );
    }}</Loaded>
  );
}
