// Everything recorded about one cell, and the command that makes it again.
import { loadCell } from "../data/load";
import type { Attempt, Cell, Index, Stage } from "../data/types";
import { bytes, count, num, plain, seconds } from "../ui/format";
import { BoardLink, Command, ExamplesLink, Facts, facts, Loaded, MethodLink, Table, Verdict } from "../ui/parts";

function Log({ stage, index }: { stage: Stage; index: number }) {
  return (
    <details open={stage.status !== "ok"}>
      <summary>{stage.name || `stage ${index + 1}`}: {stage.status}{stage.reason && `, ${stage.reason}`} ({seconds(stage.wall)} wall, {bytes(stage.rss)} peak
        {stage.signal ? `, signal ${stage.signal}` : stage.exit_code ? `, exit code ${stage.exit_code}` : ""})</summary>
      {stage.log === undefined ? <p>The log is not kept here for cells that are neither ranked nor in trouble; <code>assay log</code> shows it.</p>
        : stage.log === "" ? <p>It printed nothing.</p>
        : <>{stage.log_cut && <p>The start of the log is left out.</p>}<pre tabIndex={0} aria-label={`log of ${stage.name}`}>{stage.log}</pre></>}
    </details>
  );
}

function AttemptView({ cell, attempt }: { cell: Cell; attempt: Attempt }) {
  const name = `${cell.key.slice(0, 12)}-attempt-${attempt.n}`;
  return (
    <section>
      <h2>Attempt {attempt.n} {attempt.n === cell.standing && "(the one that stands) "}<Verdict level={attempt.level} status={attempt.status} /></h2>
      {attempt.retracted && <p class="error">Retracted: {attempt.retracted}</p>}
      {attempt.reason && <p>{attempt.reason}</p>}
      {attempt.verdicts.length > 0 && <ul>{attempt.verdicts.map((v, i) => <li key={i}><Verdict level={v.level} status="ok" /> {v.reason}{v.rule > 0 && ` (rule ${v.rule})`}</li>)}</ul>}
      <Table name={name} title="Scores" caption={`${cell.label}, attempt ${attempt.n}, protocol ${attempt.protocol.slice(0, 12)}.`} numeric={[3, 4]}
        columns={["Metric", "Condition", "Configuration", "Value", "n", "Grade", "More"]}
        rows={attempt.scores.map((s) => [s.quantity, s.condition, s.configuration, { value: s.value, show: num(s.value) }, s.n, s.grade, s.extra && Object.keys(s.extra).length ? plain(s.extra) : ""])} />
      {attempt.repeats.length > 0 && <Table name={name + "-repeats"} title="Second runs" caption="The cell was run again and compared with this attempt (rule 7)." columns={["Verdict", "Comparison", "Machine", "Build", "Numerics"]}
        rows={attempt.repeats.map((r) => [r.verdict, r.says, r.machine, r.build, r.numerics])} />}
      <h3>Cost</h3>
      {cell.plugin.version === "submitted" ? <p>Unknown: the outputs were made elsewhere.</p> : <Facts items={[["CPU", seconds(attempt.cost.cpu)], ["Wall", seconds(attempt.cost.wall) + (attempt.cost.shared ? " (under shared load)" : "")],
        ["Peak memory", bytes(attempt.cost.rss)], ["Forward passes", count(attempt.cost.forward)], ["Backward passes", count(attempt.cost.backward)], ["Multiply-adds", count(attempt.cost.macs)]]} />}
      <h3>Provenance</h3>
      <Facts items={[["Protocol", attempt.protocol], ["Judgement", attempt.judgement], ["Numerics", attempt.numerics], ["Data", attempt.data_hash], ["Model", attempt.model_hash],
        ["Machine", attempt.machine], ["Build", attempt.build], ...facts(attempt.host).map(([k, v]) => [`Host: ${k}`, v] as [string, typeof v]), ...facts(attempt.counters)]} />
      {attempt.traces.length > 0 && <Table name={name + "-traces"} title="Traces" caption="Values that were recorded while it ran." columns={["Name", "Step", "Value", "Grade"]} numeric={[1, 2]}
        rows={attempt.traces.map((t) => [t.name, t.step, { value: t.value, show: num(t.value) }, t.grade])} />}
      {attempt.artifacts.length > 0 && <Table name={name + "-artifacts"} title="Artifacts" caption="Files by digest of their bytes." columns={["Name", "Made or used", "Bytes", "SHA-256"]} numeric={[2]}
        rows={attempt.artifacts.map((a) => [a.name, a.made ? "made" : "used", { value: a.bytes, show: bytes(a.bytes) }, a.sha256])} />}
    </section>
  );
}

function CellView({ cell }: { cell: Cell }) {
  const attempts = [...cell.attempts].reverse();
  return (
    <>
      <h1>{cell.label}</h1>
      <p><MethodLink name={cell.method} /> in <BoardLink id={cell.board}>{cell.suite}</BoardLink>{cell.baseline && ", a baseline"}{cell.examples !== null && cell.examples !== undefined && <> · <ExamplesLink board={cell.board} row={cell.examples}>pictures of its inputs</ExamplesLink></>}</p>
      <h2>Reproduce</h2>
      {cell.commands.map((text) => <Command key={text} text={text} />)}
      <h2>Identity</h2>
      <Facts items={[["Key", cell.key], ["Plugin", `${cell.plugin.id} ${cell.plugin.version}`], ["Plugin digest", cell.plugin.digest], ["Subject", cell.subject],
        ["Parameters", plain(cell.params)], ["Axes", plain(cell.axes)], ["Seeds", plain(cell.seeds)]]} />
      <details><summary>Everything that can change its outputs</summary><pre tabIndex={0} aria-label="identity of the cell">{JSON.stringify(cell.identity, null, 2)}</pre></details>
      <Table name={`${cell.key.slice(0, 12)}-plans`} title="Planned by" caption="Suites whose plans hold this cell, with the digest of the file that was planned." columns={["Suite", "File", "Protocol", "SHA-256 of the file"]}
        rows={cell.plans.map((p) => [p.suite, p.file, { value: p.protocol, show: <BoardLink id={p.protocol}>{p.protocol}</BoardLink> }, p.file_sha256])} />
      {attempts.length === 0 && <p>It was planned and not run.</p>}
      {attempts.map((attempt) => <AttemptView key={attempt.n} cell={cell} attempt={attempt} />)}
      {cell.stages.length > 0 && <><h2>Log of the last attempt</h2>{cell.stages.map((stage, i) => <Log key={i} stage={stage} index={i} />)}</>}
    </>
  );
}

export function CellPage({ index, cell }: { index: Index; cell: string }) {
  return <Loaded name={"cell " + cell} of={() => loadCell(index, cell)}>{(found) => <CellView cell={found} />}</Loaded>;
}
