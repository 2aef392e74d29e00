// Fails when what the browser loads before the first page is larger than the budget, gzipped.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 300_000;
const dist = new URL("../dist/", import.meta.url);

let manifest;
try {
  manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
} catch {
  console.log("budget: no build yet, nothing to weigh");
  process.exit(0);
}

const initial = new Set();
const visit = (key) => {
  const chunk = manifest[key];
  if (initial.has(chunk.file)) return;
  initial.add(chunk.file);
  for (const sheet of chunk.css ?? []) initial.add(sheet);
  for (const imported of chunk.imports ?? []) visit(imported);
};
visit("index.html");

const bytes = [...initial].reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, dist))).length, 0);
console.log(`budget: initial load ${bytes} of ${BUDGET_BYTES} bytes gzipped, ${initial.size} files`);
process.exit(bytes <= BUDGET_BYTES ? 0 : 1);
