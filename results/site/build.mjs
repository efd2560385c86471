// Bundles the front end into one classic script, one style sheet and index.html: node build.mjs [OUTPUT_FOLDER]
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "dist");
await mkdir(out, { recursive: true });
const common = { absWorkingDir: here, bundle: true, minify: true, logLevel: "warning" };
// A module script or a module import would not load from file://.
await build({
  ...common, entryPoints: ["src/main.tsx"], outfile: join(out, "site.js"), format: "iife", target: "es2019",
  jsx: "automatic", jsxImportSource: "preact", legalComments: "inline", define: { "process.env.NODE_ENV": '"production"' },
});
await build({ ...common, entryPoints: ["src/style.css"], outfile: join(out, "site.css"), target: ["chrome90", "firefox90", "safari15"] });
await copyFile(join(here, "src/index.html"), join(out, "index.html"));
