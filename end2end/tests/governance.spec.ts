import { approvedPacket, draftLikeStable, stableBundle } from "../support/policy.ts";
import { Api } from "../support/api.ts";
import { startServer } from "../support/server.ts";
import { expect, open, test } from "../support/studio.ts";

test.use({ workspace: "governance" });

test("a bundle is applied, paused, released by two people, rolled back and imported elsewhere", async ({ as, api }) => {
  test.setTimeout(180_000);
  const before = await stableBundle(api("viewer"));
  const draft = await draftLikeStable(api("author"), "deny-riskiest-escalation");
  const packet = await approvedPacket(api, draft.id);
  const runtime = await as("runtime_owner");
  const safety = await as("safety_owner");

  await test.step("the runtime owner applies what was signed off", async () => {
    await open(runtime, "/rollouts");
    await runtime.getByRole("button", { name: "Apply at 10%" }).first().click();
    await expect.poll(async () => (await api("viewer").get(`/policy/bundles/${draft.id}`)).body.canary_pct).toBe(10);
    expect(packet.status).toBe("approved");
  });

  await test.step("the safety owner pauses from a phone, and every page says so", async () => {
    await safety.setViewportSize({ width: 360, height: 740 });
    await open(safety, "/");
    await safety.getByRole("button", { name: "Pause", exact: true }).click();
    const dialog = safety.getByRole("dialog");
    await dialog.getByLabel(/^Reason/).fill("Held mail is piling up in the finance queue.");
    await dialog.getByRole("button", { name: "Pause now", exact: true }).click();
    await expect.poll(async () => (await api("viewer").get("/policy/system")).body.paused).toBe(true);
    for (const path of ["/", "/studio", "/audit"]) {
      await open(safety, path);
      const banner = safety.getByRole("region", { name: "Safety pause" });
      await expect(banner.getByText(/Held mail is piling up in the finance queue\./)).toBeVisible();
    }
  });

  await test.step("nothing is promoted while paused, and evaluation goes on", async () => {
    const promoted = await api("runtime_owner").post(`/policy/bundles/${draft.id}/promote`, { target_pct: 50 });
    expect(promoted.status).toBe(423);
    expect(promoted.body).toMatchObject({ code: "paused", reason: "Held mail is piling up in the finance queue." });
    const evaluated = await api("service").post("/policy/evaluate", {
      agent: "inbox.triage",
      action: "quarantine",
      context: { risk_score: 99 },
    });
    expect(evaluated.status).toBe(200);
  });

  await test.step("one signature does not release, the second one by the other role does", async () => {
    const release = { remediation: "The finance queue was cleared and its rule was checked." };
    const first = await api("safety_owner").post("/policy/system/pause/release", release);
    expect(first.status, JSON.stringify(first.body)).toBeLessThan(300);
    expect((await api("viewer").get("/policy/system")).body.paused).toBe(true);
    const twice = await api("safety_owner").post("/policy/system/pause/release", release);
    expect((await api("viewer").get("/policy/system")).body.paused, JSON.stringify(twice.body)).toBe(true);
    await open(runtime, "/");
    await expect(runtime.getByText(/1 of 2/).first()).toBeVisible();
    await runtime.getByLabel("Remediation").fill("Checked with the mail team: the queue is empty.");
    await runtime.getByRole("button", { name: "Sign release", exact: true }).click();
    await expect.poll(async () => (await api("viewer").get("/policy/system")).body.paused).toBe(false);
  });

  await test.step("rolled back: all traffic returns to stable", async () => {
    await open(runtime, "/rollouts");
    await runtime.getByRole("button", { name: /^Roll back/ }).first().click();
    const dialog = runtime.getByRole("dialog");
    await dialog.getByLabel(/^Reason/).fill("The finance queue filled up again after the release.");
    await dialog.getByRole("button", { name: /^Roll back/ }).click();
    await expect.poll(async () => (await stableBundle(api("viewer"))).version).toBe(before.version);
    await expect.poll(async () => (await api("viewer").get(`/policy/bundles/${draft.id}`)).body.state).toBe("rolled_back");
  });

  await test.step("exported here, it is a draft with a history on another instance that shares the key", async () => {
    const exported = await api("author").get(`/policy/bundles/${draft.id}/export`);
    expect(exported.status, JSON.stringify(exported.body)).toBe(200);
    const elsewhere = await startServer();
    try {
      const there = new Api(elsewhere, "author");
      const verdict = await there.post("/policy/bundles/verify", exported.body);
      expect(verdict.body, JSON.stringify(verdict.body)).toMatchObject({ valid: true });
      const tampered = structuredClone(exported.body);
      tampered.expires_at = "2199-01-01T00:00:00Z";
      expect((await there.post("/policy/bundles/import", tampered)).status).toBe(400);
      const imported = await there.post("/policy/bundles/import", exported.body);
      expect(imported.status, JSON.stringify(imported.body)).toBe(201);
      expect(imported.body).toMatchObject({ version: draft.version, state: "draft" });
      const repeated = await there.post("/policy/bundles/import", exported.body);
      expect(repeated.status).toBe(409);
      const renamed = await there.post("/policy/bundles/import?import_as_version=9.9.9", exported.body);
      expect(renamed.body).toMatchObject({ version: "9.9.9", state: "draft" });
    } finally {
      await elsewhere.stop();
    }
  });

  await test.step("the audit chain verifies", async () => {
    const verified = await api("viewer").get("/policy/audit/verify");
    expect(verified.body, JSON.stringify(verified.body)).toMatchObject({ valid: true });
  });
});

test("what waits for a safety owner stands on their first page, and is decided from there", async ({ as, api }) => {
  const admin = api("admin");
  const key = { name: "Acme", public_key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" };
  expect((await admin.post("/partner-keys", key)).status).toBe(201);
  const weaker = await admin.send("PUT", "/settings", { gates: { max_error_rate: 0.2 } });
  expect(weaker.status).toBe(202);

  const safety = await as("safety_owner");
  await open(safety, "/");
  await expect(safety.getByRole("link", { name: /trust the key of Acme/ })).toContainText("Proposed by");
  await safety.getByRole("link", { name: /weaker safeguard: maximum error rate/ }).click();
  await safety.getByRole("button", { name: "Reject", exact: true }).first().click();
  await expect.poll(async () => (await admin.get("/settings/proposals")).body.proposals[0].status).toBe("rejected");
  await open(safety, "/");
  await safety.getByRole("link", { name: /trust the key of Acme/ }).click();
  await safety.getByRole("button", { name: "Accept the key of Acme" }).click();
  await expect.poll(async () => (await admin.get("/partner-keys")).body.keys[0].status).toBe("trusted");
  await open(safety, "/");
  await expect(safety.getByRole("link", { name: /weaker safeguard|trust the key/ })).toHaveCount(0);
});
