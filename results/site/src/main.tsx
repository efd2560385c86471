// Starts the pages: data registration, address, navigation, theme.
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { install, loadIndex } from "./data/load";
import { FORMAT, type Index } from "./data/types";
import { BoardPage } from "./pages/board";
import { CellPage } from "./pages/cell";
import { ComparePage } from "./pages/compare";
import { DataSetPage, DataSetsPage } from "./pages/dataset";
import { ExamplesPage } from "./pages/examples";
import { HomePage } from "./pages/home";
import { MethodPage, MethodsPage } from "./pages/method";
import { RowPage } from "./pages/row";
import { href, useRoute, type Route } from "./route";
import { Loaded } from "./ui/parts";
import { useTheme, type Theme } from "./ui/theme";

function Page({ index, route }: { index: Index; route: Route }) {
  const [kind, a, b] = route.path;
  if (!kind) return <HomePage index={index} />;
  if (kind === "board" && a) return <BoardPage key={a} index={index} id={a} route={route} />;
  if (kind === "row" && a && b) return <RowPage index={index} id={a} at={Number(b)} />;
  if (kind === "examples" && a) return <ExamplesPage index={index} id={a} at={b === undefined ? -1 : Number(b)} />;
  if (kind === "cell" && a) return <CellPage index={index} cell={a} />;
  if (kind === "methods") return <MethodsPage index={index} />;
  if (kind === "method" && a) return <MethodPage index={index} name={a} />;
  if (kind === "compare" && a) return <ComparePage key={a} index={index} id={a} route={route} />;
  if (kind === "data") return a ? <DataSetPage index={index} id={a} /> : <DataSetsPage index={index} />;
  return <p class="error" role="alert">There is no page “{route.path.join("/")}”. <a href="#/">Home</a> lists what there is.</p>;
}

function ThemeChoice() {
  const [theme, set] = useTheme();
  return (
    <label class="theme">Colours{" "}
      <select value={theme} onChange={(event) => set(event.currentTarget.value as Theme)}>
        <option value="auto">as the system</option><option value="light">light</option><option value="dark">dark</option>
      </select>
    </label>
  );
}

function Shell({ index }: { index: Index }) {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const path = route.path.join("/");
  const first = useRef(true);
  useEffect(() => {
    document.title = [main.current?.querySelector("h1")?.textContent, "assay results"].filter(Boolean).join(" · ");
    if (!first.current) { main.current?.focus(); scrollTo(0, 0); } // a new page is read from its start
    first.current = false;
  }, [path]);
  const here = (kind: string) => ((route.path[0] ?? "") === kind ? "page" : undefined);
  if (index.format !== FORMAT)
    return <p class="error" role="alert">These pages read data of format {FORMAT}, the data have format {index.format}: write the site again.</p>;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
      <header>
        <a class="brand" href="#/">assay results</a>
        <nav aria-label="Pages">
          <a href="#/" aria-current={here("")}>Boards</a>
          <a href={href(["methods"])} aria-current={here("methods")}>Methods</a>
          <a href={href(["data"])} aria-current={here("data")}>Data sets</a>
        </nav>
        <ThemeChoice />
      </header>
      <main id="main" ref={main} tabIndex={-1}><Page index={index} route={route} /></main>
      <footer>Written by assay {index.version} from its results database. Intervals and tests were computed there; these pages only show them.</footer>
    </>
  );
}

install();
render(<Loaded name="index" of={loadIndex}>{(index) => <Shell index={index} />}</Loaded>, document.getElementById("app")!);
