// node browser/near.mjs SITE OUT EXPECTED: on the site of a real run of a suite with a near and a far list, by clicks alone: which
// detector should I use for near-OOD if I have so many ms an input? EXPECTED is JSON: {suite, near, far, budgets: [{budget, within, best}]}:
// the conditions; the rows that keep to a budget, and the one of them with the highest AUROC on the near list.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./launch.mjs";
import { repeatedTicks } from "./ticks.mjs";

const [site, out, text] = process.argv.slice(2), expected = JSON.parse(text);
await mkdir(out, { recursive: true });
let failures = 0;
const check = (fine, what) => { console.log(`${fine ? "ok    " : "FAILED"} ${what}`); if (!fine) failures++; };
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(8000);
page.on("pageerror", (error) => check(false, error.message));
page.on("console", (message) => message.type() === "error" && check(false, message.text()));
const names = () => page.locator(".board tbody tr[aria-rowindex] td.name").allTextContents();
const shot = async (name) => {
  for (const width of [375, 800, 1280]) { await page.setViewportSize({ width, height: 900 }); await page.screenshot({ path: join(out, `${name}-${width}.png`), fullPage: true }); }
};
const head = (condition) => page.locator(".board th button", { hasText: new RegExp(`^auroc @ ${condition}( [▲▼])?$`) });

try {
  await page.goto(pathToFileURL(join(resolve(site), "index.html")).href);
  await page.getByRole("link", { name: expected.suite, exact: true }).first().click();
  await page.waitForSelector(".board tbody tr[aria-rowindex]");
  await shot("board");
  check((await head(expected.near).count()) === 1 && (await head(expected.far).count()) === 1, "near and far lists have columns of their own, and no mean of both");
  const caption = await page.locator(".caption").first().innerText();
  check(/ood near [^;]* of shirt, sneaker, bag, /.test(caption) && /ood far /.test(caption) && /6 of 10 classes/.test(caption), `the caption tells the lists apart: ${caption}`);
  await page.getByLabel("Show").selectOption("ranked");
  await head(expected.near).click();
  await head(expected.near).click();
  await page.waitForSelector(".board th[aria-sort=descending]");
  for (const { budget, within, best } of expected.budgets) {
    await page.getByLabel("At most").fill(String(budget));
    await page.waitForFunction((n) => document.querySelectorAll(".board tbody tr[aria-rowindex]").length === n, within.length);
    check([...(await names())].sort().join() === within.join(), `within ${budget} ms an input: ${(await names()).join(", ")}`);
    check((await names())[0] === best, `near-OOD detector: ${(await names())[0]}, by the database ${best}`);
  }
  const cells = await page.locator(".board tbody tr[aria-rowindex]").first().innerText();
  check((cells.match(/\[\d\.\d+, \d\.\d+\]/g) ?? []).length >= 2, `both lists' numbers have intervals: ${cells.replace(/\s+/g, " ")}`);
  await page.getByRole("link", { name: /^Compare the \d+ rows below/ }).click();
  await page.waitForSelector("figure svg");
  const words = (await page.locator("main").innerText()).replace(/\s+/g, " ");
  check(new RegExp(`differences? in auroc @ ${expected.near} (is|are) significant at 95 %`).test(words), "and whether it is told apart from the others is said in words");
  const twice = await repeatedTicks(page);
  check(twice.length === 0, `the ticks of an axis differ: ${twice.join(", ") || "all do"}`);
  await shot("compare");
  await page.goBack();
  await page.getByRole("link", { name: /^Examples/ }).click();
  await page.waitForSelector(".examples img");
  check(/near/i.test(await page.locator("main").innerText()), "inputs of the near list are shown as such");
  await shot("examples");
} catch (error) { check(false, error.message); }
await browser.close();
console.log(failures ? `${failures} checks failed` : "all checks passed");
process.exit(failures ? 1 : 0);
