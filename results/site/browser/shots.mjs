// node browser/shots.mjs SITE OUT ROUTE...: screenshots at three widths, for looking at.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./launch.mjs";

const [site, out, ...routes] = process.argv.slice(2);
await mkdir(out, { recursive: true });
const browser = await launch();
for (const width of [375, 800, 1280]) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: width === 800 ? "dark" : "light" });
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  page.on("pageerror", (error) => console.error(error.message));
  for (const route of routes.length ? routes : [""]) {
    await page.goto(pathToFileURL(join(resolve(site), "index.html")).href + "#/" + route);
    await page.waitForSelector("h1");
    await page.screenshot({ path: join(out, `${route.replace(/\W+/g, "-") || "home"}-${width}.png`), fullPage: true });
  }
  await page.close();
}
await browser.close();
