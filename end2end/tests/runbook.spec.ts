import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { draftLikeStable, stableBundle, startCanary } from "../support/policy.ts";
import type { Server } from "../support/server.ts";
import { expect, test } from "../support/studio.ts";

test.use({ workspace: "runbook" });

/** Runs a command of the operators' runbook as printed, with this test's host and token. */
function run(server: Server, line: string, variables: Record<string, string> = {}): { status: number; body: any } {
  const script = line
    .replaceAll("https://api.applylens.com", server.url)
    .replace(/(curl[^|]*?) \/policy/, `$1 ${server.url}/policy`)
    .replaceAll("{id}", variables.id ?? "{id}");
  const curl = `curl() { command curl -sS -w '\\n%{http_code}' -H "Authorization: Bearer $TOKEN" "$@"; }`;
  const { stdout, stderr } = spawnSync("bash", ["-c", `${curl}\n${script}`], {
    encoding: "utf8",
    env: { ...process.env, TOKEN: server.person("runtime_owner").token, ...variables },
  });
  const [, body, status] = /^([\s\S]*)\n(\d{3})$/.exec(stdout.trim()) ?? [];
  expect(status, `${line}\nprinted ${stdout}${stderr}`).toBeTruthy();
  return { status: Number(status), body: body ? JSON.parse(body) : null };
}

async function canary(api: Parameters<typeof startCanary>[0], rule: string) {
  const draft = await draftLikeStable(api("author"), rule);
  return startCanary(api, draft.id);
}

test("emergency: confirm, roll back, verify", async ({ server, api }) => {
  const stable = await stableBundle(api("viewer"));
  const applied = await canary(api, "runbook-emergency");

  const active = run(
    server,
    `curl -H "Authorization: Bearer $TOKEN" \\
  https://api.applylens.com/policy/bundles?active_only=true`,
  );
  expect(active.status).toBe(200);
  // The newest bundle, which is to be rolled back, comes first.
  expect(active.body.bundles.map((bundle: { id: number }) => bundle.id)).toEqual([applied.id, stable.id]);

  const errors = run(server, "curl https://api.applylens.com/metrics/errors?window=5m");
  // The demo's traffic contains occasional errors.
  const { window, total, errors: failed, error_rate: rate } = errors.body;
  expect(window).toBe("5m");
  expect(failed).toBeLessThanOrEqual(total);
  expect(rate).toBeCloseTo(total === 0 ? 0 : failed / total, 9);

  const rolledBack = run(
    server,
    `curl -X POST \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
    "reason": "Emergency rollback: high error rate affecting production",
    "rolled_back_by": "oncall-engineer",
    "create_incident": true
  }' \\
  https://api.applylens.com/policy/bundles/$ACTIVE_BUNDLE_ID/rollback`,
    { ACTIVE_BUNDLE_ID: String(active.body.bundles[0].id) },
  );
  expect(rolledBack.status).toBe(200);
  expect(rolledBack.body).toMatchObject({
    rolled_back_from: applied.version,
    version: stable.version,
    active: true,
    canary_pct: 100,
    incident_created: true,
  });
  expect(rolledBack.body.incident_id).toMatch(/^INC-\d{4}-\d{4}$/);

  const after = run(server, "curl https://api.applylens.com/policy/bundles?active_only=true");
  expect(after.body.bundles.map((bundle: { id: number }) => bundle.id)).toEqual([stable.id]);
});

test("standard rollback: assess, roll back without a content type", async ({ server, api }) => {
  const applied = await canary(api, "runbook-standard");
  const id = String(applied.id);
  const status = run(server, "curl https://api.applylens.com/policy/bundles/{id}/canary-status", { id });
  expect(status.body).toMatchObject({ id: applied.id, canary_pct: 10, can_promote: false });
  const decisions = run(server, "curl 'https://api.applylens.com/policy/decisions?bundle_id={id}&status=error'", { id });
  expect(decisions.body.decisions).toEqual([]);
  const gates = run(
    server,
    `curl https://api.applylens.com/policy/bundles/{id}/check-gates \\
  -d '{"metrics": {}}'`,
    { id },
  );
  expect(gates.status).toBe(200);
  const rolledBack = run(
    server,
    `curl -X POST \\
  -H "Authorization: Bearer $TOKEN" \\
  -d '{
    "reason": "Error rate 7.2% exceeds 5% threshold during canary. See ticket POL-2024-123.",
    "rolled_back_by": "alice",
    "create_incident": true
  }' \\
  https://api.applylens.com/policy/bundles/{id}/rollback`,
    { id },
  );
  expect(rolledBack.body).toMatchObject({ incident_created: true, rolled_back_from: applied.version });
});

test("quick reference: one word is reason enough", async ({ server, api }) => {
  const applied = await canary(api, "runbook-quick");
  const rolledBack = run(
    server,
    `curl -X POST /policy/bundles/{id}/rollback \\
  -d '{"reason": "Emergency", "rolled_back_by": "oncall"}'`,
    { id: String(applied.id) },
  );
  expect(rolledBack.status).toBe(200);
});

test("troubleshooting: a decision with nothing but agent, action and context", async ({ server }) => {
  const decided = run(
    server,
    `curl -X POST https://api.applylens.com/policy/evaluate \\
  -d '{
    "agent": "inbox.triage",
    "action": "quarantine",
    "context": {"risk_score": 90}
  }'`,
    { TOKEN: server.person("service").token },
  );
  expect(decided.status).toBe(200);
  expect(decided.body).toMatchObject({ arm: "stable", mode: "normal", errors: [] });
  const version = decided.body.bundle.version;
  const found = run(server, `curl https://api.applylens.com/policy/bundles?version=${version}`);
  expect(found.body.bundles).toHaveLength(1);
});

test("troubleshooting: import failed", async ({ server, api }, info) => {
  const stable = await stableBundle(api("viewer"));
  const author = { TOKEN: server.person("author").token };
  const exported = await api("author").get(`/policy/bundles/${stable.id}/export`);
  expect(exported.status, JSON.stringify(exported.body)).toBe(200);
  const folder = info.outputPath();
  await mkdir(folder, { recursive: true });
  const save = (file: unknown) => writeFile(join(folder, "exported-bundle.json"), JSON.stringify(file, null, 2));
  const verify = () =>
    run(
      server,
      `cd ${folder}\ncurl -X POST https://api.applylens.com/policy/bundles/verify \\
  -d @exported-bundle.json`,
      author,
    );
  const bring = (query = "") =>
    run(server, `cd ${folder}\ncurl -X POST 'https://api.applylens.com/policy/bundles/import${query}' -d @exported-bundle.json`, author);

  await test.step("check signature validity", async () => {
    await save(exported.body);
    expect(verify().body).toMatchObject({ valid: true, verdict: "valid" });
  });

  await test.step("invalid signature: tampered", async () => {
    await save({ ...exported.body, expires_at: "2999-01-01T00:00:00Z" });
    expect(verify().body).toMatchObject({ valid: false, verdict: "invalid_signature" });
    expect(bring()).toMatchObject({ status: 400, body: { verdict: "invalid_signature" } });
  });

  await test.step("wrong secret: the key is not known here", async () => {
    await save({ ...exported.body, key_id: "another-environment" });
    expect(verify().body.verdict).toBe("unknown_key");
    expect(bring()).toMatchObject({ status: 400, body: { verdict: "unknown_key" } });
    expect(bring().body.detail).toContain("HMAC_SECRET");
  });

  await test.step("check version conflict, and rename with import_as_version", async () => {
    await save(exported.body);
    const there = run(server, `curl https://api.applylens.com/policy/bundles?version=${stable.version}`, author);
    expect(there.body.bundles).toHaveLength(1);
    expect(bring()).toMatchObject({ status: 409, body: { code: "version_exists" } });
    const renamed = bring("?import_as_version=8.7.6");
    expect(renamed.status, JSON.stringify(renamed.body)).toBe(201);
    expect(renamed.body).toMatchObject({ version: "8.7.6", state: "draft", provenance: { signed: true } });
  });
});
