import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { resolve } from "node:path";

/** One person of the demo workspace; the service has a token only. */
export interface Person {
  email: string;
  name: string;
  roles: string[];
  password: string;
  token: string;
}

export type Role =
  | "author"
  | "revenue_ops"
  | "approver"
  | "runtime_owner"
  | "safety_owner"
  | "admin"
  | "viewer"
  | "service";

/** The release build serving a demo workspace of its own. */
export interface Server {
  url: string;
  person(role: Role): Person;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
/** Instances that share a key trust each other's signed files. */
const SHARED_SECRET = "shared by the instances of the browser tests";

/** `settings` makes environment variables from the address at which the server will listen. */
export async function startServer(settings: (url: string) => Promise<Record<string, string>> = async () => ({})): Promise<Server> {
  const program = process.env.COUNTERSIGN_BIN ?? resolve("../target/release/countersign");
  const dataDir = mkdtempSync(join(tmpdir(), "countersign-e2e-"));
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const more = await settings(url);
  const child = spawn(program, ["serve", "--demo", "--addr", address, "--data-dir", dataDir], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, DATABASE_URL: undefined, HMAC_SECRET: SHARED_SECRET, ...more },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text: Buffer) => {
      output = (output + text.toString()).slice(-20_000);
    });
  }

  const stop = async () => {
    await stopped(child);
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    await ready(url, child);
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}; it printed:\n${output}`);
  }

  const people: Person[] = JSON.parse(readFileSync(join(dataDir, "demo-credentials.json"), "utf8"));
  const person = (role: Role) => {
    const found = people.find((one) => one.roles.includes(role));
    if (!found) throw new Error(`demo-credentials.json has no person with the role ${role}`);
    return found;
  };
  return { url, person, stop };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`);
    try {
      if ((await fetch(`${url}/readyz`)).ok) return;
    } catch {
      // Not listening yet.
    }
    await sleep(100);
  }
  throw new Error(`the server was not ready within ${READY_WITHIN_MS / 1000} s`);
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const late = sleep(15_000, "late", { ref: false });
  if ((await Promise.race([ended, late])) === "late") child.kill("SIGKILL");
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (address && typeof address === "object" ? done(address.port) : failed(new Error("no port"))));
    });
  });
}
