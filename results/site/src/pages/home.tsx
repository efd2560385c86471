// What there is: boards, claims, and what went wrong in the last runs.
import type { BoardEntry, Index } from "../data/types";
import { href } from "../route";
import { Claims } from "../ui/claims";
import { BoardLink, CellLink, Facts, MethodLink, Table, Verdict, type Entry } from "../ui/parts";

const boardName = (board: BoardEntry) => board.suite + (board.latest ? "" : ` (earlier protocol, version ${board.version})`);

function Boards({ boards }: { boards: BoardEntry[] }) {
  const rows = boards.map((board): (Entry | string | number)[] => [
    { value: board.suite, show: <BoardLink id={board.id}>{boardName(board)}</BoardLink> },
    board.task,
    { value: `${board.rank_by} @ ${board.condition}`, show: <>{board.rank_by.replace(/_/g, " ")} <span class="dim">@ {board.condition}</span></> },
    { value: board.best, show: !board.best ? "–" : board.rank === "subject" ? board.best : <MethodLink name={board.best} /> },
    board.rows,
    { value: `${board.done} of ${board.planned}` },
    { value: board.suspect + board.invalid + board.failed,
      show: board.suspect + board.invalid + board.failed === 0 ? "none"
        : <a href={href(["board", board.id], { level: "trouble" })}>{board.suspect} suspect, {board.invalid} invalid, {board.failed} failed</a> },
    { value: board.id, show: <a href={href(["compare", board.id])} aria-label={`compare methods of ${board.suite}`}>compare</a> },
  ]);
  return <Table name="boards" title="Boards" caption="One board a suite and protocol; numbers made under two protocols never meet in one table."
    columns={["Suite", "Task", "Ranked by", "First", "Rows", "Cells done", "Trouble", "Methods"]} rows={rows} numeric={[4, 5]} />;
}

function Health({ index }: { index: Index }) {
  const { health } = index;
  const suites = new Map(index.boards.map((board) => [board.id, board.suite]));
  const rows = health.problems.map((problem): (Entry | string)[] => [
    { value: suites.get(problem.board) ?? "", show: <BoardLink id={problem.board}>{suites.get(problem.board) ?? problem.board}</BoardLink> },
    { value: problem.label, show: <CellLink cell={problem.cell}>{problem.label}</CellLink> },
    { value: problem.status, show: <Verdict level={problem.level} status={problem.status} /> },
    problem.reasons.join("; "),
  ]);
  return (
    <>
      <h2>Health</h2>
      <Facts items={[
        ["Cells with an attempt", health.attempts],
        ["Verdicts", `${health.by_level[0]} VALID, ${health.by_level[1]} SUSPECT, ${health.by_level[2]} INVALID`],
        ["Status", Object.entries(health.by_status).map(([name, n]) => `${n} ${name}`).join(", ")],
        ["Machines", health.machines.join(", ")], ["Builds", health.builds.join(", ")],
      ]} />
      {rows.length === 0 ? <p>No cell is suspect, invalid or failed.</p>
        : <Table name="problems" title="Cells in trouble" caption="Why a cell is suspect, invalid or failed; none of them is ranked."
            columns={["Suite", "Cell", "Verdict", "Why"]} rows={rows} />}
    </>
  );
}

// How the suite that was run last stands.
function LastRun({ index }: { index: Index }) {
  const board = index.boards.find((one) => one.id === index.health.last);
  if (!board) return null;
  const trouble = board.suspect + board.invalid + board.failed, missing = board.planned - board.done - board.failed - board.invalid;
  return (
    <p class={trouble + missing > 0 ? "lastrun error" : "lastrun"}>Last run: <BoardLink id={board.id}>{board.suite}</BoardLink>, version {board.version}, {board.done} of {board.planned} cells done
      {missing > 0 && `, ${missing} not run`}, {trouble === 0 ? "none in trouble." : <a href={href(["board", board.id], { level: "trouble" })}>{board.suspect} suspect, {board.invalid} invalid, {board.failed} failed of the last run</a>}</p>
  );
}

export function HomePage({ index }: { index: Index }) {
  return (
    <>
      <h1>Results</h1>
      <p class="lead">{index.suites.length} suites, {index.methods.length} methods, {index.health.attempts} measured cells.</p>
      <LastRun index={index} />
      <Boards boards={index.boards} />
      <Claims claims={index.claims} />
      <Health index={index} />
    </>
  );
}
