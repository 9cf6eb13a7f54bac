// printed-commands.mjs: runs the commands that a page prints, as printed, while a server of their own runs.
//
// Every bash block of the page runs in one shell, in order. A text block right after it contains its output; `…` stands
// for anything. With --print, the output of each block is shown.
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const program = resolve(
  process.env.COUNTERSIGN_BIN ?? join(process.env.CARGO_TARGET_DIR ?? "target", "release", "countersign"),
);
const MARK = "=== end of block ===";

// The environment without what would lead the program to another workspace.
export const ownEnvironment = { ...process.env };
for (const name of ["DATABASE_URL", "COUNTERSIGN_MIGRATE_URL", "COUNTERSIGN_DATA_DIR", "HMAC_SECRET"]) {
  delete ownEnvironment[name];
}

export async function freePort() {
  return new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

// Runs the blocks of `text`, which is `page`, while `countersign serve` with these arguments answers at `port`. `replace`
// puts the places of this run into a script. Returns how many blocks there are and how many failed.
export async function runPrinted({ page, text, port, serve, replace, env = ownEnvironment }) {
  const blocks = [...text.matchAll(/```bash\n([\s\S]*?)```(?:\s*```text\n([\s\S]*?)```)?/g)].map(
    ([, script, expected]) => ({ script, expected }),
  );
  if (blocks.length === 0) throw new Error(`${page} has no commands`);
  const server = spawn(program, ["serve", "--addr", `127.0.0.1:${port}`, ...serve], { stdio: "ignore", env });
  let failures = 0;
  try {
    await ready(server, port);
    const script = replace(blocks.map(({ script }) => `${script}\necho '${MARK}'\n`).join(""));
    const { stdout, stderr, status } = spawnSync("bash", ["-euo", "pipefail"], { input: script, encoding: "utf8", env });
    const printed = stdout.split(`${MARK}\n`);
    blocks.forEach(({ script, expected }, index) => {
      const found = printed[index] ?? "";
      if (process.argv.includes("--print")) console.log(`--- ${script}${found}`);
      if (index < printed.length - 1 && (expected === undefined || matches(found, expected))) return;
      failures += 1;
      console.error(`${page}, block ${index + 1}:\n${script}printed:\n${found}expected:\n${expected ?? "to succeed\n"}`);
    });
    if (status !== 0) console.error(stderr);
  } finally {
    const ended = new Promise((done) => server.once("exit", done));
    if (server.exitCode === null) {
      server.kill("SIGTERM");
      await ended;
    }
  }
  return { blocks: blocks.length, failures };
}

async function ready(server, port) {
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
