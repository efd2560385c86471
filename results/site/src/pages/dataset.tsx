// Data sets as the protocols fix them: by content.
import type { DataSet, Index } from "../data/types";
import { href } from "../route";
import { BoardLink, Facts, facts, Table, type Entry } from "../ui/parts";

export function DataSetsPage({ index }: { index: Index }) {
  return (
    <>
      <h1>Data sets</h1>
      <Table name="datasets" title="Lists of inputs that protocols name" caption="A list is named by the digest of its content: another list is another protocol."
        columns={["List", "Set", "Used as", "Key"]}
        rows={index.datasets.map((set): (Entry | string)[] => [
          { value: set.label, show: <a href={href(["data", set.id])}>{set.label}</a> }, set.set,
          [...new Set(set.uses.map((use) => use.as))].join(", "), set.id])} />
    </>
  );
}

export function DataSetPage({ index, id }: { index: Index; id: string }) {
  const set: DataSet | undefined = index.datasets.find((one) => one.id === id);
  if (!set) return <p class="error" role="alert">This site has no data set {id}.</p>;
  const recipe = Object.fromEntries(Object.entries(set.recipe).filter(([name]) => name !== "source"));
  const source = set.recipe.source as { files?: object } | undefined;
  return (
    <>
      <h1>{set.label}</h1>
      <Facts items={[["Content key", set.key], ["Set", set.set]]} />
      <h2>How the list is made</h2>
      <Facts items={facts(recipe)} />
      {source && <><h2>Source files</h2><Facts items={facts(source)} /></>}
      <Table name={`data-${id}-uses`} title="Used by" caption="Boards whose protocol fixes this list." columns={["Board", "As"]}
        rows={set.uses.map((use): (Entry | string)[] => {
          const board = index.boards.find((one) => one.id === use.board);
          return [{ value: board?.suite ?? use.board, show: <BoardLink id={use.board}>{board?.suite ?? use.board}</BoardLink> }, use.as];
        })} />
    </>
  );
}
