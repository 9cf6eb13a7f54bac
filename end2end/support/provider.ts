import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A real sign-in provider in a process of its own; see provider.mjs for what a test can set. */
export interface Provider {
  issuer: string;
  set(what: object): Promise<void>;
  stop(): void;
}

export async function startProvider(server: string): Promise<Provider> {
  const script = new URL("provider.mjs", import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [script, `${server}/oidc/callback`], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const issuer = await new Promise<string>((done, failed) => {
    child.once("exit", (code) => failed(new Error(`the provider ended with code ${code}`)));
    createInterface({ input: child.stdout! }).once("line", done);
  });
  return {
    issuer,
    async set(what) {
      await fetch(`${issuer}/test`, { method: "PUT", body: JSON.stringify(what) });
    },
    stop() {
      child.kill();
    },
  };
}
