// Fails when what the browser loads before the first page is larger than the budget, gzipped, or comes one after another.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 300_000;
/** The entry asks the first questions before anything else is compiled, so that it has to stay small. */
const ENTRY_BYTES = 4_000;
const dist = new URL("../dist/", import.meta.url);

let manifest;
try {
  manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
} catch {
  console.log("budget: no build yet, nothing to weigh");
  process.exit(0);
}

const page = readFileSync(new URL("index.html", dist), "utf8");
const named = (name) => Object.values(manifest).find((chunk) => chunk.name === name);
const entry = named("first");
const initial = new Set();
const visit = (chunk) => {
  if (initial.has(chunk.file)) return;
  initial.add(chunk.file);
  for (const sheet of chunk.css ?? []) initial.add(sheet);
  for (const imported of chunk.imports ?? []) visit(manifest[imported]);
};
visit(entry);
visit(named("program"));

const weigh = (file) => gzipSync(readFileSync(new URL(file, dist))).length;
const bytes = [...initial].reduce((sum, file) => sum + weigh(file), 0);
const unnamed = [...initial].filter((file) => !page.includes(`"/${file}"`));
console.log(`budget: initial load ${bytes} of ${BUDGET_BYTES} bytes gzipped, ${initial.size} files`);
console.log(`budget: entry ${weigh(entry.file)} of ${ENTRY_BYTES} bytes gzipped`);
for (const file of unnamed) console.log(`budget: ${file} is not named in index.html, so it comes only after another file ran`);
process.exit(bytes <= BUDGET_BYTES && weigh(entry.file) <= ENTRY_BYTES && unnamed.length === 0 ? 0 : 1);
