// check-operations.mjs: runs the commands of docs/operations.md as printed, in a folder of its own, while a server runs on
// the data directory. The unit is checked by systemd-analyze where that is installed.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort, ownEnvironment, program, runPrinted } from "./printed-commands.mjs";

const guide = readFileSync("docs/operations.md", "utf8");
const [port, second] = [await freePort(), await freePort()];
const folder = mkdtempSync(join(tmpdir(), "countersign-operations-"));
try {
  // PostgreSQL may run as another account.
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  mkdirSync(join(folder, "bin"));
  symlinkSync(program, join(folder, "bin", "countersign"));
  const env = { ...ownEnvironment, PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  const replace = (script) =>
    script
      .replaceAll("127.0.0.1:3999", `127.0.0.1:${second}`)
      .replaceAll("/var/lib/countersign", data)
      .replaceAll("/var/backups", folder);
  const page = "docs/operations.md";
  const { blocks, failures } = await runPrinted({ page, text: guide, port, serve: ["--data-dir", data], replace, env });
  const unitFailed = !unitIsSound();
  console.log(`${blocks - failures} passed, ${failures} failed`);
  process.exitCode = failures === 0 && !unitFailed ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function unitIsSound() {
  const unit = guide.match(/```ini\n([\s\S]*?)```/)[1].replaceAll("/usr/local/bin/countersign", program);
  const file = join(folder, "countersign.service");
  writeFileSync(file, unit);
  const checked = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
  if (checked.error) {
    console.log("the unit was not checked: systemd-analyze is not installed");
    return true;
  }
  if (checked.status !== 0) console.error(`docs/operations.md, the unit:\n${checked.stderr}`);
  return checked.status === 0;
}
