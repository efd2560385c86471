// Debian's chromium, headless, under playwright-core.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

export const executable = [process.env.ASSAY_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));

export function launch() {
  if (!executable) throw new Error("no chromium found: apt-get install chromium, or name one in ASSAY_CHROMIUM");
  // A container's root has neither the sandbox's name spaces nor a large /dev/shm.
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: executable, headless: true, args: [...asRoot, "--disable-dev-shm-usage"] });
}
