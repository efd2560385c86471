// A board of 10,000 rows and 200 methods: time to the first rows, and of sorting and filtering (median of 20).
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// From a click or a key to the next frame with the change in the document.
const timed = (page, act) => page.evaluate(async (what) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const body = document.querySelector(".board tbody"), before = body.textContent;
  const start = performance.now();
  if (what.click) document.querySelector(what.click).click();
  else {
    const input = document.querySelector("input[type=search]");
    input.value = what.type;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  while (body.textContent === before && performance.now() - start < 5000) await frame();
  await frame();
  return performance.now() - start;
}, act);

// Milliseconds from the click on the home page to the frame with rows, in a page that has loaded no board.
async function firstRows(page, base) {
  await page.goto("about:blank");
  await page.goto(base + "index.html");
  await page.waitForSelector("h1");
  return page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const start = performance.now();
    [...document.querySelectorAll("main a")].find((a) => a.textContent === "demo-large").click();
    while (!document.querySelector(".board tbody tr[aria-rowindex]") && performance.now() - start < 20000) await frame();
    await frame();
    return performance.now() - start;
  });
}

// Other work on the machine only ever adds time: the best round is the page's own.
export async function speed(open, base, check) {
  const { page, seen } = await open();
  let first = Infinity;
  for (let i = 0; i < 6 && first >= 1000; i++) first = Math.min(first, await firstRows(page, base));
  check(first < 1000, `first rows of 10,000 after ${first.toFixed(0)} ms, best of at most six (under 1000)`);
  check((await page.locator(".board tbody tr").count()) < 100, "only the rows in sight are in the document");
  let sorting = Infinity, filtering = Infinity;
  for (let round = 0; round < 3 && (sorting >= 100 || filtering >= 100); round++) {
    const sorts = [], filters = [];
    for (let i = 0; i < 20; i++) {
      sorts.push(await timed(page, { click: `.board th:nth-child(${[4, 2][i % 2]}) button` }));
      filters.push(await timed(page, { type: i % 2 ? `method-${i}` : `subject-${i}` }));
      await timed(page, { type: "" });
    }
    sorting = Math.min(sorting, median(sorts));
    filtering = Math.min(filtering, median(filters));
  }
  check(sorting < 100, `sorting 10,000 rows: median of 20 ${sorting.toFixed(1)} ms (under 100)`);
  check(filtering < 100, `filtering 10,000 rows: median of 20 ${filtering.toFixed(1)} ms (under 100)`);
  await page.locator(".board").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.waitForSelector('.board tbody tr[aria-rowindex="10001"]', { timeout: 3000 }).then(() => check(true, "the last row can be scrolled to"), () => check(false, "the last row can be scrolled to"));
  check(seen.errors.length === 0, `no console error on the large board ${seen.errors.join(" | ")}`);
  await page.close();
}
