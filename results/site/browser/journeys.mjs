// What a reader does: sorts, filters, compares, downloads, uses only the keyboard, and answers five questions by clicks alone.
import { readFile } from "node:fs/promises";

const names = (page) => page.locator(".board tbody tr[aria-rowindex] td.name").allTextContents();
const home = async (page, base) => { await page.goto(base + "index.html#/"); await page.waitForSelector("h1"); };
const toBoard = async (page, base, suite) => { await home(page, base); await page.getByRole("link", { name: suite, exact: true }).first().click(); await page.waitForSelector(".board tbody tr[aria-rowindex]"); };

async function sortsAndFilters(page, base, check) {
  await toBoard(page, base, "demo-attacks");
  const clean = page.locator(".board th button", { hasText: "robust accuracy @ eps=1/10" }).first();
  await clean.click();
  const up = await names(page);
  await clean.click();
  await page.waitForSelector(".board th[aria-sort=descending]");
  const down = await names(page);
  check(up[0] === "strong" && down[0] === "noise", `sorted both ways: ${up[0]}, then ${down[0]}`);
  check(down[down.length - 1] === "crasher" && up[up.length - 1] === "crasher", "what was not measured sorts last either way");
  await page.getByLabel("Search").fill("quick");
  await page.waitForFunction(() => document.querySelectorAll(".board tbody tr[aria-rowindex]").length === 1);
  const address = page.url();
  check(/q=quick/.test(address) && /sort=-m0/.test(address), "the view is in the address");
  await page.goto("about:blank");
  await page.goto(address);
  await page.waitForSelector(".board tbody tr[aria-rowindex]");
  check((await names(page)).join() === "quick", "a permalink brings the same view");
  await page.getByRole("button", { name: "Reset" }).click();
  await page.getByText(/^Columns \(/).click();
  await page.getByRole("checkbox", { name: "Multiply-adds" }).check();
  check(await page.locator(".board th", { hasText: "Multiply-adds" }).count() === 1, "a column can be added");
}

async function downloads(page, base, check) {
  await toBoard(page, base, "demo-attacks");
  const save = async (name) => { const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name, exact: true }).first().click()]); return readFile(await file.path()); };
  const csv = (await save("CSV")).toString(), rows = JSON.parse((await save("JSON")).toString()).rows;
  check(csv.startsWith("# Made-up numbers") && csv.trim().split("\n").length === 8 && rows.length === 6, "CSV and JSON hold the caption and every row");
  await page.getByRole("link", { name: /Compare methods/ }).click();
  await page.waitForSelector("figure svg");
  const svg = (await save("SVG")).toString(), png = await save("PNG");
  check(svg.includes("<desc>") && !svg.includes("var(--") && png.subarray(1, 4).toString() === "PNG", "SVG stands alone, PNG is one");
}

async function keyboard(page, base, check) {
  await home(page, base);
  await page.locator("body").press("Tab");
  await page.keyboard.press("Enter");
  check(await page.evaluate(() => document.activeElement?.id === "main"), "the first tab stop skips to the content");
  const reach = async (text) => { for (let i = 0; i < 60; i++) { await page.keyboard.press("Tab"); if (await page.evaluate((t) => document.activeElement?.textContent?.trim() === t, text)) return true; } return false; };
  check(await reach("demo-attacks"), "a board can be reached with tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".board");
  check(await reach("Method"), "a column's head can be reached with tab");
  await page.keyboard.press("Enter");
  check(await page.waitForSelector(".board th[aria-sort=ascending]", { timeout: 3000 }).then(() => true, () => false), "enter sorts by it");
  check(await reach("quick"), "a row can be reached with tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("h1")?.textContent === "quick");
  check(await page.evaluate(() => document.activeElement?.id === "main"), "a new page takes the focus");
}

async function questions(page, base, check) {
  const words = async () => (await page.locator("main").innerText()).replace(/\s+/g, " ");
  // Which attack is strongest at equal budget, and is that significant?
  await toBoard(page, base, "demo-attacks");
  await page.getByLabel("At most").fill("20");
  await page.getByLabel("kind of cost").selectOption("forward");
  await page.getByLabel("Show").selectOption("ranked");
  await page.waitForFunction(() => document.querySelectorAll(".board tbody tr[aria-rowindex]").length === 2);
  check((await names(page)).join() === "quick,weak", "strongest attack at 20 forward passes an input: quick");
  await page.getByRole("link", { name: "Compare the 2 rows below" }).click();
  await page.waitForSelector("figure svg");
  check(/1 of 1 differences in robust accuracy @ eps=1\/10 are significant at 95 %/.test(await words()) && (await page.locator("tr", { hasText: "quick is better" }).filter({ hasText: "0.005" }).count()) === 1, "and that is significant: the pair's p-value and words say that quick beats weak");
  await page.getByRole("checkbox", { name: "strong" }).check();
  await page.waitForFunction(() => /no difference was found between strong and quick/.test(document.body.textContent));
  check(true, "with five times the passes strong is not told apart from it");
  // Which detector for near-OOD at 1 ms an input?
  await toBoard(page, base, "demo-detectors");
  await page.getByLabel("At most").fill("1");
  await page.waitForFunction(() => document.querySelectorAll(".board tbody tr[aria-rowindex]").length === 3);
  const near = page.locator(".board th button", { hasText: "auroc @ near:near-set" }).first();
  await near.click();
  await near.click();
  await page.waitForSelector(".board th[aria-sort=descending]");
  check((await names(page))[0] === "fast-good", "near-OOD detector with 1 ms an input: fast-good");
  // Did pruning at 8x hurt robustness?
  await home(page, base);
  await page.getByRole("link", { name: "compare methods of demo-pruners" }).click();
  await page.waitForSelector("figure svg");
  check((await page.getByRole("heading", { name: "robust accuracy @ eps=1/10 over ratio" }).count()) > 0 && (await page.locator("tr", { hasText: "no-pruning is better" }).filter({ hasText: "magnitude ratio=8" }).count()) === 1, "pruning at ratio 8 against the unpruned net: no-pruning is better, with interval and p");
  // And of the net itself, as subjects of one attack suite.
  await toBoard(page, base, "demo-composed");
  await page.getByRole("link", { name: /Compare subjects/ }).click();
  await page.waitForSelector("figure svg");
  check((await page.locator("tr", { hasText: "net is better" }).filter({ hasText: "pruned-to-1/8" }).count()) === 1, "attacked by the same attacks the pruned net keeps less, significantly");
  // Which rows are suspect, and why?
  await home(page, base);
  await page.getByRole("link", { name: "1 suspect, 0 invalid, 1 failed", exact: true }).click();
  await page.waitForSelector(".board tbody tr[aria-rowindex]");
  check((await names(page)).sort().join() === "crasher,masked" && /zero gradient \(rule 19\)/.test(await words()) && /segmentation fault/.test(await words()), "rows in trouble and their reasons");
  // How do I reproduce this number?
  await page.getByRole("link", { name: "masked", exact: true }).click();
  await page.getByRole("link", { name: /^cell 1 / }).click();
  await page.waitForSelector(".command");
  check(/assay run suites\/demo-attacks\.toml --only method=masked --only seed=0/.test(await words()), "the command that makes the number again");
}

async function subjectsAndMatrices(page, base, check) {
  await toBoard(page, base, "demo-composed");
  check((await names(page)).join() === "net,pruned-to-1/8,given", "a board of subjects begins with the subjects");
  check(await page.locator(".board th", { hasText: "Under pgd alone" }).count() === 1, "and has a column of what each attack leaves by itself");
  check((await page.locator(".board tbody tr[aria-rowindex]").first().textContent()).includes("lenet; trained as net"), "and says what each net is");
  await page.getByRole("link", { name: "net", exact: true }).click();
  await page.getByRole("link", { name: /^pgd on net, seed 0 / }).waitFor();
  check(!/\{\}/.test(await page.locator("main").textContent()), "a subject's page names its attacks, and shows no empty fields");
  await toBoard(page, base, "demo-composed");
  await page.getByRole("link", { name: /Compare subjects/ }).click();
  await page.waitForSelector("figure svg");
  check((await page.locator("tr", { hasText: "given is ahead on these inputs (single run)" }).count()) === 2 && (await page.locator("tr", { hasText: "given is better" }).count()) === 0, "a single run is never called better");
  await toBoard(page, base, "demo-transfer");
  const matrix = page.locator(".matrix").first();
  check((await matrix.locator("th[scope=col]").allTextContents()).join() === "From \\ on,a,b,c" && (await matrix.locator("th[scope=row]").allTextContents()).join() === "a,b,c", "a transfer matrix has sources down and victims across");
  const same = await matrix.locator("td.same").allTextContents();
  check(same.length === 3 && same.every((text) => /0\.990.*same net.*\[0\.9800, 1\.0000\]/.test(text)), "the diagonal is outlined and named, with intervals");
  check(/SUSPECT/.test(await matrix.locator("tbody tr").first().locator("td").nth(1).textContent()), "a pair in doubt says so");
  check((await page.locator(".board tbody tr[aria-rowindex] td:first-child").allTextContents()).filter((text) => text === "single run").length === 9, "rows of one seed are marked single run in the rank's place");
}

const loadedImages = (page) => page.locator(".examples img").evaluateAll((images) => images.filter((one) => one.complete && one.naturalWidth === 8).length);

async function examples(page, base, check) {
  await toBoard(page, base, "demo-attacks");
  await page.getByRole("link", { name: "pictures of strong" }).click();
  await page.waitForSelector(".examples img");
  await page.waitForFunction(() => [...document.querySelectorAll(".examples img")].every((one) => one.complete));
  check((await loadedImages(page)) === 6, "clean, perturbed and difference of a broken input and of one that stands");
  const text = await page.locator("main").innerText();
  check(/Broken with the least change/.test(text) && /difference × 4\.98/.test(text) && /classified as:?\s*shirt/.test(text), "the factor of the difference and what the input is taken for");
  check(/weak: the file is no longer in the artifact cache/.test(await page.locator("main").textContent()), "a row whose pictures are gone says so");
  const alt = await page.locator(".examples img").first().getAttribute("alt");
  check(/^clean: sample 4611686018427387905, true class shoe/.test(alt), "a picture says in words what it shows");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "PNG", exact: true }).first().click()]);
  check((await readFile(await file.path())).subarray(1, 4).toString() === "PNG", "a group can be saved as a picture");
  await page.getByLabel("Row").selectOption({ label: "quick" });
  await page.waitForFunction(() => document.querySelector("h1").textContent === "Examples: quick");
  await page.getByRole("link", { name: "quick on net, seed 0" }).click();
  await page.waitForSelector(".command");
  await page.getByRole("link", { name: "pictures of its inputs" }).click();
  await page.waitForSelector(".examples img");
  check(/examples\/[0-9a-f]{12}\/1$/.test(page.url()), "from a cell back to its pictures");
  await page.goto(page.url().replace(/\/1$/, "/2"));
  await page.waitForFunction(() => /weak has no pictures here: the file is no longer/.test(document.body.textContent));
  check((await page.locator(".examples img").count()) === 0, "an address without pictures says why and shows none");
}

async function history(page, base, check) {
  await home(page, base);
  check(/Last run: demo-attacks, version 1, 18 of 18 cells done/.test((await page.locator(".lastrun").innerText()).replace(/\s+/g, " ")), "home says how the last run stands");
  await page.getByRole("link", { name: "Methods", exact: true }).click();
  await page.getByRole("link", { name: "quick", exact: true }).first().click();
  await page.waitForSelector("h2:has-text('History')");
  check((await page.locator("figure svg circle, figure svg rect").count()) >= 3 && (await page.getByRole("heading", { name: "robust accuracy @ eps=1/10 of demo-attacks, over versions" }).count()) === 1, "the history of a method is a curve over versions");
  const rows = await page.locator("section.table", { hasText: "Every result" }).locator("tbody tr").allTextContents();
  check(rows.length === 3 && /1\.0\.0/.test(rows[0]) && /stands/.test(rows[0]) && /0\.8\.0/.test(rows[2]) && /replaced/.test(rows[2]) && /SUSPECT/.test(rows[1]), "and a table, newest first, with what was replaced and what was suspect");
}

async function printing(page, base, check) {
  await toBoard(page, base, "demo-large");
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  await page.waitForTimeout(300);
  check((await page.locator(".board tbody tr[aria-rowindex]").count()) === 2000 && !(await page.locator(".controls").first().isVisible()), "paper has the rows (2,000 at most) and no controls");
}

async function theme(page, base, check) {
  await home(page, base);
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await back();
  await page.getByLabel("Colours").selectOption("dark");
  await page.waitForFunction((before) => getComputedStyle(document.body).backgroundColor !== before, light);
  await page.reload();
  await page.waitForSelector("h1");
  check((await back()) !== light, "dark can be chosen and stays chosen");
}

export async function journeys(open, base, check) {
  for (const journey of [sortsAndFilters, downloads, keyboard, questions, subjectsAndMatrices, examples, history, printing, theme]) {
    const { page, seen } = await open();
    page.setDefaultTimeout(8000);
    try { await journey(page, base, check); } catch (error) { check(false, `${journey.name} (${base.slice(0, 5)}): ${error.message}`); }
    check(seen.errors.length === 0 && seen.outside.length === 0, `${journey.name} (${base.slice(0, 5)}) without console error or outside request ${[...seen.errors, ...seen.outside].join(" | ")}`);
    await page.close();
  }
}
