// node browser/run.mjs SITE OUT [SITE...]: opens sites in chromium, from the disk and over HTTP, and fails when something is wrong.
// The first SITE is the one of demo.mjs; further ones (of real databases) are opened page by page.
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize, resolve } from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { launch } from "./launch.mjs";
import { journeys } from "./journeys.mjs";
import { speed } from "./speed.mjs";
import { repeatedTicks } from "./ticks.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [demo, out, ...others] = process.argv.slice(2);
await mkdir(out, { recursive: true });
let failures = 0;
const check = (fine, text) => { console.log(`${fine ? "ok    " : "FAILED"} ${text}`); if (!fine) failures++; };

function serve(folder) {
  const types = { html: "text/html", js: "text/javascript", css: "text/css" };
  const server = createServer(async (request, response) => {
    try {
      const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
      const content = await readFile(join(folder, path === "/" ? "index.html" : path));
      response.writeHead(200, { "content-type": types[path.split(".").pop()] ?? "text/html" }).end(content);
    } catch { response.writeHead(404).end(); }
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done({ base: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() })));
}

// A page that remembers what it complains of and what it asks for.
async function open(browser, base, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const seen = { errors: [], outside: [] };
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("request", (request) => { if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) seen.outside.push(request.url()); });
  return { page, seen };
}

async function routesOf(page, base) {
  await page.goto(base + "index.html");
  await page.waitForSelector("h1");
  return page.evaluate(async () => {
    const load = (name) => new Promise((done) => {
      const before = window.assay.data; window.assay.data = (n, v) => { before(n, v); if (n === name) done(v); };
      const script = document.createElement("script"); script.src = `data/${name}.js`; document.head.append(script);
    });
    const index = await load("index"), routes = ["", "methods", "data"];
    for (const board of index.boards) routes.push(`board/${board.id}`, `compare/${board.id}`, `row/${board.id}/0`, `examples/${board.id}`);
    for (const method of index.methods.slice(0, 4)) routes.push(`method/${method.name}`);
    for (const set of index.datasets.slice(0, 2)) routes.push(`data/${set.id}`);
    const first = await load(`board/${index.boards[0].id}`);
    for (const row of first.rows) routes.push(`cell/${row.cells[0]}`);
    for (const problem of index.health.problems.slice(0, 3)) routes.push(`cell/${problem.cell}`);
    return [...new Set(routes)];
  });
}

async function accessible(page, route, theme) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  check(serious.length === 0, `no serious finding of axe-core, ${theme}: #/${route}${serious.map((v) => `\n         ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target + " " + (n.any[0]?.message ?? "")).join("; ")}`).join("")}`);
}

async function everyPage(browser, base, name, pictures) {
  const { page, seen } = await open(browser, base);
  for (const route of await routesOf(page, base)) {
    seen.errors.length = seen.outside.length = 0;
    await page.goto(base + "index.html#/" + route);
    const fine = await page.waitForFunction(() => document.querySelector("main h1") && !/Loading…/.test(document.body.textContent), null, { timeout: 15000 }).then(() => true, () => false);
    const wrong = fine ? await page.locator("main .error[role=alert]").count() : 1;
    check(fine && wrong === 0 && seen.errors.length === 0 && seen.outside.length === 0, `${name} #/${route} ${[...seen.errors, ...seen.outside].join(" | ")}`);
    const twice = await repeatedTicks(page);
    if (twice.length) check(false, `ticks that cannot be told apart: ${name} #/${route} ${twice.join(", ")}`);
    if (!pictures) continue;
    for (const theme of ["light", "dark"]) { await page.emulateMedia({ colorScheme: theme }); await accessible(page, route, theme); }
    for (const width of [375, 800, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: width === 800 ? "dark" : "light" });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      check(wide <= 1, `nothing sticks out at ${width} px: #/${route} (${wide} px)`);
      if (route.startsWith("examples")) await page.waitForFunction(() => [...document.images].every((one) => one.complete && one.naturalWidth > 0));
      await page.screenshot({ path: join(out, `${name}-${route.replace(/\W+/g, "-") || "home"}-${width}.png`), fullPage: true });
    }
  }
  await page.close();
}

const browser = await launch();
try {
  for (const [i, site] of [demo, ...others].entries()) {
    const folder = resolve(site), server = await serve(folder), disk = pathToFileURL(folder + "/").href;
    await everyPage(browser, disk, `disk${i}`, i === 0);
    await everyPage(browser, server.base, `http${i}`, false);
    if (i === 0) for (const base of [disk, server.base]) await journeys(() => open(browser, base), base, check);
    if (i === 0) await speed(() => open(browser, disk), disk, check);
    server.close();
  }
} finally {
  await browser.close();
}
console.log(failures ? `${failures} checks failed` : "all checks passed");
process.exit(failures ? 1 : 0);
