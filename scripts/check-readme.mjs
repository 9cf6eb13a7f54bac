// check-readme.mjs: runs the README's tour as printed, against a release build serving a demo workspace of its own.
//
// Every bash block below "## Five minutes" is run; only the address and the data folder are replaced.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort, runPrinted } from "./printed-commands.mjs";

const readme = readFileSync("README.md", "utf8");
const tour = readme.slice(readme.indexOf("\n## Five minutes"));
const text = tour.slice(0, tour.indexOf("\n## ", 4));
const port = await freePort();
const folder = mkdtempSync(join(tmpdir(), "countersign-readme-"));
try {
  const serve = ["--demo", "--data-dir", folder];
  const replace = (script) =>
    script.replaceAll("127.0.0.1:3000", `127.0.0.1:${port}`).replaceAll(".data/", `${folder}/`);
  const { blocks, failures } = await runPrinted({ page: "README.md", text, port, serve, replace });
  console.log(`${blocks - failures} passed, ${failures} failed`);
  process.exitCode = failures === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
