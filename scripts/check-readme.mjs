// check-readme.mjs: runs the README's tour as printed, against a release build serving a demo workspace of its own.
//
// Every bash block below "## Five minutes" runs in one shell, in order. A text block after it contains its output; `…`
// stands for anything. Only the address and the data folder are replaced. With --print, the output of each block is
// shown.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = process.env.COUNTERSIGN_BIN ?? join(process.env.CARGO_TARGET_DIR ?? "target", "release", "countersign");
const MARK = "=== end of block ===";

const readme = readFileSync("README.md", "utf8");
const tour = readme.slice(readme.indexOf("\n## Five minutes"));
const section = tour.slice(0, tour.indexOf("\n## ", 4));
const blocks = [...section.matchAll(/```bash\n([\s\S]*?)```(?:\s*```text\n([\s\S]*?)```)?/g)].map(
  ([, script, expected]) => ({ script, expected }),
);
if (blocks.length === 0) throw new Error("README.md has no tour");

const port = await new Promise((done) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});
const folder = mkdtempSync(join(tmpdir(), "countersign-readme-"));
const server = spawn(program, ["serve", "--demo", "--addr", `127.0.0.1:${port}`, "--data-dir", folder], {
  stdio: "ignore",
  env: { ...process.env, DATABASE_URL: undefined },
});

let failures = 0;
try {
  await ready();
  const script = blocks
    .map(({ script }) => `${script}\necho '${MARK}'\n`)
    .join("")
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${port}`)
    .replaceAll(".data/", `${folder}/`);
  const { stdout, stderr, status } = spawnSync("bash", ["-euo", "pipefail"], { input: script, encoding: "utf8" });
  const printed = stdout.split(`${MARK}\n`);
  blocks.forEach(({ script, expected }, index) => {
    const found = printed[index] ?? "";
    if (process.argv.includes("--print")) console.log(`--- ${script}${found}`);
    if (index < printed.length - 1 && (expected === undefined || matches(found, expected))) return;
    failures += 1;
    console.error(`README.md, block ${index + 1}:\n${script}printed:\n${found}expected:\n${expected ?? "to succeed\n"}`);
  });
  if (status !== 0) console.error(stderr);
} finally {
  const ended = new Promise((done) => server.once("exit", done));
  if (server.exitCode === null) {
    server.kill("SIGTERM");
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${blocks.length - failures} passed, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);

async function ready() {
  for (let tries = 0; tries < 600; tries += 1) {
    if (server.exitCode !== null) throw new Error(`the server ended with code ${server.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error("the server was not ready within a minute");
}

function matches(found, expected) {
  const pattern = expected
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[\\s\\S]*?");
  return new RegExp(`^${pattern}$`).test(found);
}
