// Methods: the list, and a card with parameters, certificates and every result.
import { loadBoard, loadMethod } from "../data/load";
import type { Board, Index, MethodCard, Plain } from "../data/types";
import { href } from "../route";
import { interval, metricName, num, plain } from "../ui/format";
import { History } from "./history";
import { BoardLink, ExamplesLink, Facts, Loaded, MethodLink, Table, Verdict, type Entry } from "../ui/parts";

export function MethodsPage({ index }: { index: Index }) {
  const suite = (id: string) => index.boards.find((board) => board.id === id)?.suite ?? id;
  return (
    <>
      <h1>Methods</h1>
      <Table name="methods" title="All measured methods" caption="A baseline is shown on boards and never ranked."
        columns={["Method", "Role", "Summary", "Boards", "Trouble"]}
        rows={index.methods.map((method): (Entry | string)[] => [
          { value: method.name, show: <MethodLink name={method.name} /> },
          method.roles.join(", ") + (method.baseline ? " (baseline)" : ""),
          method.summary,
          { value: method.boards.map(suite).join(", "), show: method.boards.map((id, i) => <>{i > 0 && ", "}<BoardLink id={id}>{suite(id)}</BoardLink></>) },
          method.suspect + method.failed === 0 ? "none" : `${method.suspect} suspect or invalid, ${method.failed} failed cells`,
        ])} />
    </>
  );
}

function Parameters({ descriptor, name }: { descriptor: Plain; name: string }) {
  const params = (descriptor.params as Plain[] | undefined) ?? [];
  if (!params.length) return <p>It has no parameters.</p>;
  return <Table name={`${name}-parameters`} title="Parameters" caption="As the plugin declares them." columns={["Name", "Type", "Default", "Range", "Meaning"]}
    rows={params.map((p) => [String(p.key ?? p.name), String(p.type), plain(p.fallback ?? p.default),
      Array.isArray(p.choices) && p.choices.length ? p.choices.join(", ") : p.min !== undefined && p.min !== p.max ? `${plain(p.min)} to ${plain(p.max)}` : "",
      [p.doc, p.unit].filter(Boolean).join(", ")])} />;
}

function Builds({ card }: { card: MethodCard }) {
  return <>{card.builds.map((build) => {
    const d = build.descriptor ?? {};
    const traits = ["baseline", "deterministic", "needs_gradients", "batch_coupled", "transductive", "uses_outliers", "iterative", "clock_bounded"].filter((t) => d[t] === true);
    const arxiv = String(d.arxiv ?? "");
    return (
      <section key={build.digest}>
        <h2>Version {build.version}</h2>
        <Facts items={[["Summary", plain(d.summary ?? "")], ["Paper", [d.title, d.year || ""].filter(Boolean).join(", ")], ["arXiv", arxiv],
          ["Traits", traits.map((t) => t.replace(/_/g, " ")).join(", ")], ["Digest", build.digest]]} />
        <Table name={`${card.name}-certificates`} title="Certificates" caption="Planted-answer tests that a method must pass before it is ranked."
          columns={["Check", "Role", "Passed", "Value", "Detail"]} numeric={[3]}
          rows={build.certificates.map((c) => [c.check, c.role, c.passed ? "yes" : "NO", { value: c.value, show: num(c.value) }, c.detail])} />
        <Parameters descriptor={d} name={card.name} />
      </section>
    );
  })}</>;
}

function Results({ card, boards }: { card: MethodCard; boards: Map<string, Board> }) {
  const rows = card.results.flatMap(({ board: id, row: r }) => {
    const board = boards.get(id), row = board?.rows[r];
    if (!board || !row) return [];
    const value = row.values[0] ?? null;
    return [[
      { value: board.suite, show: <BoardLink id={id}>{board.suite}</BoardLink> },
      { value: row.name, show: <a href={href(["row", id, String(r)])}>{row.name}</a> }, row.subject,
      board.metrics[0] ? metricName(board.metrics[0]) : "",
      { value: value?.[0] ?? null, show: <>{num(value?.[0])} <span class="dim">{interval(value)}</span></> },
      row.rank ? row.rank.join("–") : row.unranked,
      { value: row.status, show: <Verdict level={row.level} status={row.status} /> },
      { value: board.examples?.rows.some(([at, why]) => at === r && why === "") ? "pictures" : "", show: board.examples?.rows.some(([at, why]) => at === r && why === "") ? <ExamplesLink board={id} row={r}>pictures</ExamplesLink> : "–" },
      { value: row.cells.length, show: row.cells.map((cell, i) => <>{i > 0 && " "}<a href={href(["cell", cell])}>{i + 1}</a></>) },
    ] as (Entry | string)[]];
  });
  return <Table name={`${card.name}-results`} title="Results" caption="Every row of this method on every board, each under the protocol of its board."
    columns={["Suite", "Row", "Subject", "Metric", "Mean [interval]", "Rank", "Verdict", "Examples", "Cells"]} rows={rows} numeric={[4]} />;
}

async function loadAll(name: string): Promise<[MethodCard, Map<string, Board>]> {
  const card = await loadMethod(name);
  const ids = [...new Set([...card.results, ...card.earlier].map((result) => result.board))];
  const boards = await Promise.all(ids.map(loadBoard));
  return [card, new Map(ids.map((id, i) => [id, boards[i]]))];
}

export function MethodPage({ index, name }: { index: Index; name: string }) {
  return (
    <>
      <h1>{name}</h1>
      <Loaded name={"method " + name} of={() => loadAll(name)}>
        {([card, boards]) => <><Results card={card} boards={boards} /><History card={card} boards={boards} index={index} /><Builds card={card} /></>}
      </Loaded>
    </>
  );
}
